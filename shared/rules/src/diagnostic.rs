//! What is wrong with a rule, where, and what to write instead.

use std::fmt;
use std::ops::{Deref, Range};

/// One fault of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The bytes of the source that it is about; empty at the end of the source when something is missing there.
    pub span: Range<usize>,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A fault without advice.
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    /// The same fault with advice.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Where it begins in the source: its line, and its column in characters, both counted from one.
    pub fn line_and_column(&self, source: &str) -> (usize, usize) {
        let place = Place::of(&self.span, source);
        (place.line, place.column)
    }

    /// The fault with the line it stands on, underlined. A span that does not fit the source is moved to where it does.
    ///
    /// ```text
    /// error: `user.departmnet` is not a property of a user
    ///  --> line 1, column 1
    ///   |
    /// 1 | user.departmnet -eq "Sales"
    ///   | ^^^^^^^^^^^^^^^
    ///   = help: did you mean `user.department`?
    /// ```
    pub fn render(&self, source: &str) -> String {
        let place = Place::of(&self.span, source);
        let number = place.line.to_string();
        let gutter = " ".repeat(number.len());
        let help = self.help.as_ref().map_or_else(String::new, |help| format!("{gutter} = help: {help}\n"));
        format!(
            "error: {}\n{gutter}--> line {number}, column {}\n{gutter} |\n{number} | {}\n{gutter} | {}{}\n{help}",
            self.message,
            place.column,
            place.text,
            " ".repeat(place.indent),
            "^".repeat(place.width),
        )
    }
}

/// Where a span begins, in lines and characters counted from one, and what to show of its line.
struct Place {
    line: usize,
    column: usize,
    /// The line, or as much around the span as is readable; each tab and control character shown as one blank so that
    /// the carets stay below their characters.
    text: String,
    /// Characters of `text` before the first caret.
    indent: usize,
    /// Carets: at least one, and only on this line.
    width: usize,
}

impl Place {
    fn of(span: &Range<usize>, source: &str) -> Self {
        let start = floor_boundary(source, span.start);
        let end = floor_boundary(source, span.end).max(start);
        let (before, after) = source.split_at(start);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let first_line = |text: &str| text.split('\n').next().unwrap_or_default().trim_end().chars().count();
        let column = before.split_at(line_start).1.chars().count();
        let width = first_line(after.split_at(end - start).0).max(1);

        let line = source.split_at(line_start).1.split('\n').next().unwrap_or_default();
        let length = line.trim_end().chars().count();
        let hidden = if length > SHOWN { column.saturating_sub(SHOWN / 3).min(length - SHOWN) } else { 0 };
        let shown = line.trim_end().chars().skip(hidden).take(SHOWN).map(|c| if c.is_control() { ' ' } else { c });
        let (head, tail) = (if hidden > 0 { "…" } else { "" }, if hidden + SHOWN < length { "…" } else { "" });
        let indent = column - hidden;
        Self {
            line: before.matches('\n').count() + 1,
            column: column + 1,
            text: format!("{head}{}{tail}", shown.collect::<String>()),
            indent: indent + head.chars().count(),
            width: width.min(SHOWN.saturating_sub(indent)).max(1),
        }
    }
}

/// Characters shown of a line; a rule may be one line of 3,072.
const SHOWN: usize = 150;

fn floor_boundary(source: &str, mut at: usize) -> usize {
    at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Every fault of one rule, in the order of their places; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Puts them in order.
    pub(crate) fn new(mut faults: Vec<Diagnostic>) -> Self {
        faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
        Self(faults)
    }

    /// All of them, as [`Diagnostic::render`] shows each, with a blank line between.
    pub fn render(&self, source: &str) -> String {
        self.0.iter().map(|fault| fault.render(source)).collect::<Vec<_>>().join("\n")
    }
}

impl Deref for Diagnostics {
    type Target = [Diagnostic];

    fn deref(&self) -> &[Diagnostic] {
        &self.0
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The messages alone, on one line.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            f.write_str(&fault.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_below_the_fault_on_a_later_line() {
        let source = "user.city -eq \"Łódź\"\n\tand user.x -eq null";
        let at = source.find("user.x").unwrap();
        let rendered = Diagnostic::new(at..at + 6, "no").render(source);
        assert_eq!(rendered, "error: no\n --> line 2, column 6\n  |\n2 |  and user.x -eq null\n  |      ^^^^^^\n");
        assert_eq!(Diagnostic::new(at..at + 6, "no").line_and_column(source), (2, 6));
    }

    #[test]
    fn of_a_long_line_only_what_surrounds_the_fault_is_shown() {
        let source = format!("{}FAULT{}", "a".repeat(1_000), "b".repeat(1_000));
        let rendered = Diagnostic::new(1_000..1_005, "no").render(&source);
        let lines: Vec<_> = rendered.lines().collect();
        assert_eq!(lines[1], " --> line 1, column 1001");
        assert_eq!(lines[3].chars().count(), "1 | ".len() + 1 + SHOWN + 1);
        let place = lines[3].chars().take_while(|c| *c != 'F').count();
        assert_eq!(lines[4].chars().take_while(|c| *c != '^').count(), place);
        assert_eq!(lines[4].matches('^').count(), 5);
        let everything = Diagnostic::new(0..source.len(), "no").render(&source);
        assert_eq!(everything.matches('^').count(), SHOWN);
    }

    #[test]
    fn a_span_from_another_source_is_shown_and_does_not_panic() {
        let fault = Diagnostic::new(5..900, "no");
        assert!(fault.render("").contains("line 1, column 1\n"));
        assert!(fault.render("Zoë, Zoë").contains('^'));
    }
}
