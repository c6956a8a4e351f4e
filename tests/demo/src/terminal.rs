//! How the day looks: headings for scenes, one line per fact in aligned columns, a steady color per person.
//!
//! Written through `anstream`, which leaves colors out where they are not wanted (`NO_COLOR`, no terminal).

use std::cell::Cell;

use anstream::println;
use domain::person::TimelineKind;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use owo_colors::{AnsiColors, OwoColorize as _, Style};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::scenario::{Day, Scene};
use crate::timeline::Line;

/// What a line that begins with `$` is.
const COMMAND: &str = "what an operator types, and the answer (beside it there is only `--data DIR`)";
/// Where a long text of a line is broken.
const TEXT_WIDTH: usize = 96;
/// Calls are put beside texts that are no longer than this, in a column of their own.
const CALL_COLUMN: usize = 52;
/// Where a line of a command's answer is cut off.
const ANSWER_WIDTH: usize = 156;
/// Where a scene's description is broken.
const LOOK_WIDTH: usize = 110;
const CLOCK_WIDTH: usize = 12;
const NAME_WIDTH: usize = 18;
const ID_WIDTH: usize = 10;
const TAG_WIDTH: usize = 13;
const PALETTE: &[AnsiColors] = &[
    AnsiColors::Cyan,
    AnsiColors::Magenta,
    AnsiColors::Yellow,
    AnsiColors::Blue,
    AnsiColors::Green,
    AnsiColors::BrightCyan,
    AnsiColors::BrightMagenta,
    AnsiColors::BrightBlue,
];

/// Shows a day.
#[derive(Debug)]
pub struct Terminal<'a> {
    day: &'a Day,
    company: TimeZone,
    is_mute: bool,
    /// Whether a blank line, or nothing, was shown last.
    is_blank: Cell<bool>,
}

impl<'a> Terminal<'a> {
    /// For a day.
    pub fn new(day: &'a Day) -> Self {
        Self { day, company: day.zone_of(None), is_mute: false, is_blank: Cell::new(true) }
    }

    /// Shows nothing: for tests.
    pub fn mute(day: &'a Day) -> Self {
        Self { is_mute: true, ..Self::new(day) }
    }

    /// The day that is shown.
    pub fn day(&self) -> &'a Day {
        self.day
    }

    fn put(&self, line: &str) {
        self.is_blank.set(line.is_empty());
        if !self.is_mute {
            println!("{line}");
        }
    }

    /// What this is, and how to read it.
    pub fn opening(&self, graph: &str, hooks: &str, data: &str) {
        self.put(&format!("{}", "Joinery — a day in the life of a company".bold()));
        self.put("Contoso has forty people, a Microsoft 365 tenant (emulated, on this machine) and two HR systems.\n");
        for (what, place) in [("the tenant", graph), ("webhooks", hooks), ("data", data)] {
            self.put(&format!("  {what:<12}{}", place.underline()));
        }
        self.put("\n  how to read it");
        for (kind, meaning) in [
            (Tag::Says, "a real, signed HTTP request of an HR system, and the answer to it"),
            (Tag::Of(TimelineKind::Heard), "what Joinery took from it"),
            (Tag::Of(TimelineKind::Decided), "what it decided, and why"),
            (Tag::Of(TimelineKind::Did), "what it did in the tenant, with the call that the tenant saw"),
            (Tag::Of(TimelineKind::Verified), "what two settled reads of the tenant agree on"),
            (Tag::Of(TimelineKind::Waits), "what is not possible yet; waiting is not failing"),
            (Tag::Of(TimelineKind::Task), "what only a human can do"),
            (Tag::Page, "what somebody must look at now"),
            (Tag::Acts, "what somebody does elsewhere: in the portal, in Active Directory, in their mailbox"),
        ] {
            self.put(&format!("    {} {}", kind.shown(), meaning.dimmed()));
        }
        self.put(&format!("    {} {}", padded("$ joinery …", TAG_WIDTH).bold(), COMMAND.dimmed()));
        self.put("\n  Clock times are the person's own; where that is not Amsterdam's, the offset is shown.");
    }

    /// A scene's heading.
    pub fn scene(&self, scene: &Scene) {
        let time = scene.at.strftime("%a %-d %B, %H:%M");
        let title = format!("{time} — {}", scene.title);
        self.put(&format!("\n{} {}", "━━".dimmed(), title.bold()));
        for line in wrapped(&emphasized(&scene.look), LOOK_WIDTH) {
            self.put(&format!("   {}", line.dimmed()));
        }
        self.put("");
    }

    /// A request and its answer.
    pub fn says(&self, at: Timestamp, person: usize, says: &str, call: &str, as_expected: bool) {
        let call = if as_expected { call.dimmed().to_string() } else { call.red().bold().to_string() };
        self.row(at, person, Tag::Says, says, Some(&call));
    }

    /// Something somebody does elsewhere.
    pub fn acts(&self, at: Timestamp, person: usize, says: &str) {
        self.row(at, person, Tag::Acts, says, None);
    }

    /// A page.
    pub fn page(&self, at: Timestamp, person: usize, text: &str) {
        let id = self.day.people.get(person).map(|role| format!("{}: ", role.id));
        let text = id.and_then(|id| text.strip_prefix(&id)).unwrap_or(text);
        self.row(at, person, Tag::Page, text, None);
    }

    /// A command and its answer.
    pub fn command(&self, line: &str, answer: &[String]) {
        if !self.is_blank.get() {
            self.put("");
        }
        self.put(&format!("   {} {}", "$".dimmed(), line.bold()));
        for line in answer {
            let end = line.char_indices().nth(ANSWER_WIDTH);
            let shown = end.and_then(|(end, _)| line.get(..end)).map(|line| format!("{line}…"));
            self.put(format!("   {}", shown.as_ref().unwrap_or(line)).trim_end());
        }
        self.put("");
    }

    /// A fact.
    pub fn line(&self, line: &Line) {
        let call = line.call.as_ref().map(|call| call.dimmed().to_string());
        self.row(line.at, line.person, Tag::Of(line.kind), &told(&line.text, line.kind), call.as_deref());
    }

    /// Something about the scene as a whole.
    pub fn note(&self, good: bool, text: &str) {
        let mark = if good { "✓".green().to_string() } else { "✗".red().bold().to_string() };
        self.put(&format!("{:CLOCK_WIDTH$} {mark} {text}", ""));
    }

    fn row(&self, at: Timestamp, person: usize, tag: Tag, text: &str, call: Option<&str>) {
        let Some(role) = self.day.people.get(person) else { return };
        let color = PALETTE.get(person % PALETTE.len()).copied().unwrap_or(AnsiColors::Cyan);
        let clock = padded(&self.clock(at, &self.day.zone_of(Some(role))), CLOCK_WIDTH);
        let name = padded(&role.name, NAME_WIDTH);
        let id = padded(&role.id, ID_WIDTH);
        let head = format!("{} {} {} {}", clock.dimmed(), name.color(color), id.color(color).dimmed(), tag.shown());
        let indent = CLOCK_WIDTH + NAME_WIDTH + ID_WIDTH + TAG_WIDTH + 4;
        let mut lines = wrapped(text, TEXT_WIDTH).into_iter();
        let first = lines.next().unwrap_or_default();
        match call {
            Some(call) => self.put(&format!("{head} {}  {call}", padded(&first, CALL_COLUMN))),
            None => self.put(&format!("{head} {first}")),
        }
        for rest in lines {
            self.put(&format!("{:indent$}{rest}", ""));
        }
    }

    /// The time on the person's wall; with the offset where the company's wall shows another.
    fn clock(&self, at: Timestamp, zone: &TimeZone) -> String {
        let (own, company) = (at.to_zoned(zone.clone()), at.to_zoned(self.company.clone()));
        let offset = if own.offset() == company.offset() { String::new() } else { own.strftime(" %:::z").to_string() };
        format!("{}{offset}", own.strftime("%H:%M:%S"))
    }
}

/// What a line is about.
#[derive(Debug, Clone, Copy)]
enum Tag {
    Says,
    Acts,
    Page,
    Of(TimelineKind),
}

impl Tag {
    fn shown(self) -> String {
        let plain = Style::new();
        let (mark, word, style) = match self {
            Self::Says => ("▶", "HR says", plain.bold()),
            Self::Acts => ("▷", "elsewhere", plain.bold()),
            Self::Page => ("☎", "page", plain.red().bold()),
            Self::Of(TimelineKind::Heard) => ("◁", "heard", plain.dimmed()),
            Self::Of(TimelineKind::Decided) => ("◇", "decided", plain.blue()),
            Self::Of(TimelineKind::Did) => ("●", "did", plain.green()),
            Self::Of(TimelineKind::Verified) => ("✓", "read back", plain.green().bold()),
            Self::Of(TimelineKind::Waits) => ("…", "waits", plain.yellow()),
            Self::Of(TimelineKind::Failed) => ("✗", "failed", plain.red().bold()),
            Self::Of(TimelineKind::Task) => ("☞", "for a human", plain.yellow().bold()),
        };
        padded(&format!("{mark} {word}"), TAG_WIDTH).style(style).to_string()
    }
}

/// The roster's line without what its tag and its call say already. What HR said names many fields; a few of them are enough
/// to see what it was about.
fn told(text: &str, kind: TimelineKind) -> String {
    let without = |ends: &[&str]| ends.iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text).to_owned();
    match kind {
        TimelineKind::Verified => without(&[": read back"]),
        TimelineKind::Did => {
            let text = without(&[": done", ": added", ": removed", ": assigned"]);
            text.replace(": created, disabled; the first credential is sealed", "; first credential sealed")
        }
        TimelineKind::Task => text.strip_prefix("by hand: ").unwrap_or(text).to_owned(),
        TimelineKind::Heard => {
            let text = text.strip_prefix("HR said ").unwrap_or(text);
            let fields: Vec<&str> = text.split(", ").collect();
            match fields.as_slice() {
                [first, second, rest @ ..] if rest.len() > 1 => format!("{first}, {second} and {} more", rest.len()),
                _ => text.to_owned(),
            }
        }
        _ => text.to_owned(),
    }
}

/// `*word*` as in the scenario's text.
fn emphasized(text: &str) -> String {
    text.replace('*', "")
}

/// As wide as the column, however wide its characters are.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Broken at blanks.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let wide: usize = word.chars().filter_map(char::width).sum();
        if used > 0 && used + 1 + wide > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += wide;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_script() {
        for name in ["王小明", "Nguyễn Thị Ánh", "Zoë"] {
            assert_eq!(padded(name, 18).width(), 18, "{name}");
        }
    }

    #[test]
    fn a_line_does_not_repeat_its_tag() {
        assert_eq!(
            told("enable sign-in · add to group Sales: read back", TimelineKind::Verified),
            "enable sign-in · add to group Sales"
        );
        assert_eq!(told("HR said Updated: a, b, c, d", TimelineKind::Heard), "Updated: a, b and 2 more");
        assert_eq!(told("HR said Updated: a, b, c", TimelineKind::Heard), "Updated: a, b, c");
        assert_eq!(
            told("create the account: found by its anchor", TimelineKind::Did),
            "create the account: found by its anchor"
        );
    }

    #[test]
    fn long_texts_break_at_blanks_and_lose_nothing() {
        let text = "a bb ccc dddd eeeee";
        let lines = wrapped(text, 8);
        assert_eq!(lines, ["a bb ccc", "dddd", "eeeee"]);
        assert_eq!(lines.join(" "), text);
    }
}
