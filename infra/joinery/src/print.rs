//! One way to print each kind of thing.
//!
//! Tables are for people and fit their terminal; `json` is one document, `ndjson` one line for each thing. What came from
//! HR or the tenant goes through [`plain`] on its way to a terminal.

use std::io::{self, IsTerminal, Write};

use anstream::ColorChoice;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, TableStyle};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use owo_colors::OwoColorize;
use serde::Serialize;

/// A table is not pressed into less than this: lines that run over are easier to read than words in pieces.
const WIDTH_MIN: u16 = 72;
/// For a terminal that does not know its own width.
const WIDTH_UNKNOWN: u16 = 120;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One line of JSON for each thing
    Ndjson,
}

/// `--output`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Output {
    /// How to print
    #[arg(long = "output", value_name = "FORMAT", value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Columns with the text of each cell.
pub(crate) struct Rows {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    pub(crate) fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn push<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.into());
    }

    /// The table, or the word for none.
    pub(crate) fn show(&self, none: &str) -> String {
        if self.rows.is_empty() {
            return format!("{none}\n");
        }
        let mut table = Table::new();
        table.load_style(TableStyle::new()).set_content_arrangement(ContentArrangement::Dynamic);
        if let Some(narrow) = table.width().filter(|width| *width < WIDTH_MIN) {
            table.set_width(if narrow == 0 { WIDTH_UNKNOWN } else { WIDTH_MIN });
        }
        let heading =
            |text: &&str| if colored() { Cell::new(text).add_attribute(Attribute::Bold) } else { Cell::new(text) };
        table.set_header(self.header.iter().map(heading));
        table.add_rows(self.rows.iter().map(|row| row.iter().map(|text| cell(text))));
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let text = table.to_string();
        text.lines().fold(String::new(), |all, line| all + line.trim_end() + "\n")
    }
}

/// A cell; a word for a state gets its color.
fn cell(text: &str) -> Cell {
    let cell = Cell::new(plain(text));
    let color = match text {
        "verified" | "done" | "accepted" | "now" => Color::Green,
        "failed" | "error" | "cut" => Color::Red,
        "waiting" | "task" | "warning" | "waits" | "human" => Color::Yellow,
        _ => return cell,
    };
    if colored() { cell.fg(color) } else { cell }
}

/// Whether stdout takes colors: a terminal does, unless `NO_COLOR` is set.
fn colored() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// A heading over a part.
pub(crate) fn heading(text: &str) -> String {
    if colored() { format!("\n{}\n", text.bold()) } else { format!("\n{text}\n") }
}

/// A name and what it stands for, one line each, aligned.
pub(crate) fn pairs(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): &(&str, String)| format!("  {name:<width$}  {}\n", plain(value));
    pairs.iter().map(line).collect()
}

/// Prints a list: as a table, as one array, or a line for each.
pub(crate) fn list<T: Serialize>(format: Format, items: &[T], table: impl FnOnce(&[T]) -> String) -> io::Result<()> {
    match format {
        Format::Table => text(&table(items)),
        Format::Json => json(&items),
        Format::Ndjson => items.iter().try_for_each(line),
    }
}

/// Prints one thing.
pub(crate) fn item<T: Serialize>(format: Format, item: &T, show: impl FnOnce(&T) -> String) -> io::Result<()> {
    match format {
        Format::Table => text(&show(item)),
        Format::Json => json(item),
        Format::Ndjson => line(item),
    }
}

/// Prints text that is ready.
pub(crate) fn text(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// For what is printed while it is read: lines of any number. Whoever prints flushes it at the end.
pub(crate) fn stream() -> impl Write {
    io::BufWriter::new(io::stdout().lock())
}

fn json<T: Serialize>(item: &T) -> io::Result<()> {
    text(&(serde_json::to_string_pretty(item)? + "\n"))
}

fn line<T: Serialize>(item: &T) -> io::Result<()> {
    text(&(serde_json::to_string(item)? + "\n"))
}

/// Text without what would move a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// So many of a thing whose plural is regular.
pub(crate) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// An instant in somebody's zone, with its offset.
pub(crate) fn when(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// As [`when`], or a dash.
pub(crate) fn when_known(at: Option<Timestamp>, zone: &TimeZone) -> String {
    at.map_or_else(|| "-".into(), |at| when(at, zone))
}

/// A span in its largest unit.
pub(crate) fn span(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A text whose every reader must not learn it whole: its first character.
pub(crate) fn masked(text: &str) -> String {
    let first: String = text.chars().take(1).collect();
    format!("{first}***")
}

/// Whether there is somebody at stdin who can be asked.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks; anything but a yes is a no.
pub(crate) fn ask(question: &str) -> io::Result<bool> {
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hr_sends_does_not_move_the_terminal() {
        assert_eq!(plain("Zoë\x1b[2J\u{9b}1m\r\n"), "Zoë [2J 1m  ");
    }

    #[test]
    fn an_instant_is_shown_in_the_persons_zone_with_its_offset() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let at: Timestamp = "2026-03-02T17:00:00Z".parse().unwrap();
        assert_eq!(when(at, &zone), "2026-03-02 12:00:00 -05:00");
        assert_eq!(when_known(None, &zone), "-");
    }

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        let told = |seconds| span(SignedDuration::from_secs(seconds));
        assert_eq!([told(-5), told(59), told(60), told(7_300), told(200_000)], ["0 s", "59 s", "1 min", "2 h", "2 d"]);
    }

    #[test]
    fn rows_are_aligned_and_end_where_their_text_ends() {
        let mut rows = Rows::new(&["A", "B"]);
        assert_eq!(rows.show("nothing"), "nothing\n");
        rows.push(["long one".into(), "x".into()]);
        rows.push(["s".into(), String::new()]);
        assert_eq!(rows.show(""), "A         B\nlong one  x\ns\n");
    }
}
