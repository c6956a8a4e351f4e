//! Where in the file a part of a TOML string stands.

use std::ops::Range;

/// Maps bytes of a string's value to bytes of the file it was written in.
pub(super) struct Written {
    /// For each byte of the value, and one past its end, the byte of the file.
    places: Vec<usize>,
}

impl Written {
    /// `raw` is the string as written, quotes and all, beginning at byte `start` of the file; `value` is what it
    /// stands for. None where the two cannot be lined up (line breaks folded away): then only the whole string can be
    /// pointed at.
    pub(super) fn of(raw: &str, start: usize, value: &str) -> Option<Self> {
        let multi_line = raw.starts_with("\"\"\"") || raw.starts_with("'''");
        let mut open = if multi_line { 3 } else { 1 };
        let escapes = raw.starts_with('"');
        if multi_line {
            // A line break right after the opening quotes is not part of the value.
            let body = raw.get(open..)?;
            open += if body.starts_with("\r\n") { 2 } else { usize::from(body.starts_with('\n')) };
        }
        let close = if multi_line { 3 } else { 1 };
        let body = raw.get(open..raw.len().checked_sub(close)?)?;
        let mut places = Vec::with_capacity(value.len() + 1);
        let mut wanted = value.chars();
        let mut at = 0;
        while let Some(letter) = body.get(at..)?.chars().next() {
            let width = if escapes && letter == '\\' { escape_width(body.get(at..)?)? } else { letter.len_utf8() };
            let meant = wanted.next()?;
            places.extend(std::iter::repeat_n(start + open + at, meant.len_utf8()));
            at += width;
        }
        places.push(start + open + at);
        wanted.next().is_none().then_some(Self { places })
    }

    /// The file's bytes for these bytes of the value.
    pub(super) fn span(&self, part: &Range<usize>) -> Option<Range<usize>> {
        Some(*self.places.get(part.start)?..*self.places.get(part.end)?)
    }
}

/// How many bytes an escape takes, its backslash included.
fn escape_width(text: &str) -> Option<usize> {
    match text.chars().nth(1)? {
        'x' => Some(4),
        'u' => Some(6),
        'U' => Some(10),
        'b' | 't' | 'n' | 'f' | 'r' | 'e' | '"' | '\\' => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shows(raw: &str, part: &str) {
        let parsed = toml::de::DeValue::parse(raw).unwrap();
        let value = parsed.get_ref().as_str().unwrap();
        let at = value.find(part).unwrap();
        let written = Written::of(raw, 100, value).unwrap().span(&(at..at + part.len())).unwrap();
        assert_eq!(&raw[written.start - 100..written.end - 100], part);
    }

    #[test]
    fn a_part_is_found_in_every_kind_of_string() {
        shows("'user.x -eq 1'", "-eq");
        shows(r#""user.x -eq \"Łódź\" -and user.y""#, "user.y");
        shows(r#""\u0041\U00000041\x41\t\\ user.y""#, "user.y");
        shows("'''\nuser.x\n -and user.y'''", "user.y");
        shows("\"\"\"\r\nuser.x\n\\\" user.y\"\"\"", "user.y");
    }

    #[test]
    fn folded_lines_are_not_guessed_at() {
        assert!(Written::of("\"\"\"a \\\n  b\"\"\"", 0, "a b").is_none());
    }
}
