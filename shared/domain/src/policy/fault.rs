//! What is wrong with a policy, where, and what to write instead.

use std::fmt;
use std::ops::Range;

/// Whether a policy with this fault can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but it probably says something else than was meant.
    Warning,
}

/// One fault of a policy.
///
/// `Display` gives place and message on one line; [`Fault::render`] shows the line itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// How bad it is.
    pub severity: Severity,
    /// The bytes of the text that it is about; empty where something is missing.
    pub span: Range<usize>,
    /// The line of the first of them, counted from 1.
    pub line: usize,
    /// Its column in characters, counted from 1.
    pub column: usize,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Bytes on the shown line that must not be shown: they look like a secret that was written down.
    concealed: Vec<Range<usize>>,
}

impl Fault {
    /// An error without advice; its line and column are set by [`Fault::placed`].
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            span,
            line: 1,
            column: 1,
            message: message.into(),
            help: None,
            concealed: Vec::new(),
        }
    }

    /// The same with advice.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same as a warning.
    pub(super) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The same with line and column, knowing which bytes of its line to conceal: `secrets` are sorted and do not
    /// overlap.
    pub(super) fn placed(mut self, lines: &Lines<'_>, secrets: &[Range<usize>]) -> Self {
        let line = lines.at(self.span.start);
        self.message = one_line(&self.message);
        self.help = self.help.map(|help| one_line(&help));
        self.line = line.number;
        self.column = line.column;
        let first = secrets.partition_point(|secret| secret.end <= line.span.start);
        let rest = secrets.get(first..).unwrap_or_default();
        self.concealed = rest.iter().take_while(|secret| secret.start < line.span.end).cloned().collect();
        self
    }

    /// The fault with the line it stands on, underlined. `source` is the text the fault was found in; of another text
    /// the wrong part is shown, and nothing worse happens.
    ///
    /// ```text
    /// error: unknown key `time_zon` in `[tenant]`
    ///  --> policy.toml:4:1
    ///   |
    /// 4 | time_zon = "Europe/Amsterdam"
    ///   | ^^^^^^^^
    ///   = help: did you mean `time_zone`?
    /// ```
    pub fn render(&self, file_name: &str, source: &str) -> String {
        let line = Lines::of(source).at(self.span.start);
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let text = self.shown(source, &line.span);
        let marked = self.span.start..self.span.end.min(line.span.end);
        let width = source.get(marked).map_or(0, |marked| marked.trim_end().chars().count()).max(1);
        let help = self.help.as_ref().map_or_else(String::new, |help| format!("{gutter} = help: {help}\n"));
        format!(
            "{word}: {}\n{gutter}--> {file_name}:{number}:{}\n{gutter} |\n{}\n{gutter} | {}{}\n{help}",
            self.message,
            self.column,
            format!("{number} | {text}").trim_end(),
            " ".repeat(line.column - 1),
            "^".repeat(width),
        )
    }

    /// The line as it may be shown: tabs and control characters as blanks, what may be a secret as asterisks.
    fn shown(&self, source: &str, line: &Range<usize>) -> String {
        let text = source.get(line.clone()).unwrap_or_default();
        let suspected = suspected_secrets(text);
        let concealed = |at: usize| {
            suspected.iter().any(|secret| secret.contains(&at))
                || self.concealed.iter().any(|secret| secret.contains(&(line.start + at)))
        };
        text.char_indices()
            .map(|(at, letter)| {
                if concealed(at) {
                    '*'
                } else if letter.is_control() {
                    ' '
                } else {
                    letter
                }
            })
            .collect()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for Fault {}

/// A message may quote the policy, and a policy may hold line breaks and whatever else moves a terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Quoted texts on a line that speaks of secrets, but for references. A second net below the concealed spans: it also
/// catches what stands under a misspelled key or in a text that is no TOML.
fn suspected_secrets(line: &str) -> Vec<Range<usize>> {
    let lower = line.to_ascii_lowercase();
    // The address of a webhook is a secret if it has a path; a bare host is none.
    let is_webhook = lower.split("https://").skip(1).any(|rest| rest.contains('/'));
    if !is_webhook && !lower.contains("secret") && !lower.contains("whsec_") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((open, quote)) = next_quote(line, from) {
        let inside = open + 1;
        let rest = line.get(inside..).unwrap_or_default();
        let length = rest.find(quote).unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default();
        if !text.starts_with("env:") && !text.starts_with("file:") {
            found.push(inside..inside + length);
        }
        from = inside + length + 1;
    }
    found
}

fn next_quote(line: &str, from: usize) -> Option<(usize, char)> {
    let rest = line.get(from..)?;
    let at = rest.find(['"', '\''])?;
    Some((from + at, rest.get(at..)?.chars().next()?))
}

/// Where the lines of a text begin, so that a thousand faults do not count them a thousand times.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

/// A place in a text.
pub(super) struct Line {
    /// The line's number, counted from 1.
    pub(super) number: usize,
    /// The place's column in characters, counted from 1.
    pub(super) column: usize,
    /// The line's bytes, without its line break.
    pub(super) span: Range<usize>,
}

impl<'t> Lines<'t> {
    /// Finds the lines of the text.
    pub(super) fn of(text: &'t str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The line of a byte. A place outside the text or inside a character is moved to the nearest before it.
    pub(super) fn at(&self, byte: usize) -> Line {
        let byte = self.text.floor_char_boundary(byte.min(self.text.len()));
        let number = self.starts.partition_point(|start| *start <= byte).max(1);
        let start = self.starts.get(number - 1).copied().unwrap_or_default();
        let rest = self.text.get(start..).unwrap_or_default();
        let length = rest.find('\n').unwrap_or(rest.len());
        let column = self.text.get(start..byte).map_or(0, |before| before.chars().count()) + 1;
        Line { number, column, span: start..start + length }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(source: &str, marked: &str, secrets: &[Range<usize>]) -> String {
        let at = source.find(marked).unwrap();
        Fault::new(at..at + marked.len(), "no").placed(&Lines::of(source), secrets).render("p.toml", source)
    }

    #[test]
    fn the_caret_stands_below_the_fault_in_characters() {
        let shown = rendered("a = 1\n\tŁódź = \"x\" # y\r\n", "\"x\"", &[]);
        assert_eq!(shown, "error: no\n --> p.toml:2:9\n  |\n2 |  Łódź = \"x\" # y\n  |         ^^^\n");
    }

    #[test]
    fn a_place_outside_the_text_is_shown_and_does_not_panic() {
        let fault = Fault::new(7..900, "no");
        assert!(fault.render("p.toml", "").contains('^'));
        assert!(fault.render("p.toml", "Zoë, Zoë").contains('^'));
    }

    #[test]
    fn what_may_be_a_secret_is_never_shown() {
        let by_word = rendered("secret = 'hunter2', \"env:OK\"", "secret", &[]);
        assert!(!by_word.contains("hunter2") && by_word.contains("env:OK"), "{by_word}");
        let source = "[\n\"hunter2\", \"hunter3\"]";
        let by_span = rendered(source, "\"hunter2\"", &[2..11, 13..22]);
        assert!(!by_span.contains("hunter"), "{by_span}");
        let unclosed = rendered("x = \"whsec_abc", "x", &[]);
        assert!(!unclosed.contains("whsec"), "{unclosed}");
    }
}
