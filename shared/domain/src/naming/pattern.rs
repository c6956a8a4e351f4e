//! How an address is made of a name, as the policy writes it.

use std::fmt;
use std::str::FromStr;

/// A pattern such as `{given}.{family}{n}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    pub(super) parts: Vec<Part>,
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Itself.
    Text(String),
    /// A name, or its first letter.
    Name { which: Which, initial: bool },
    /// 2, 3, 4, …
    Number,
}

/// One of a person's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Given,
    Middle,
    Family,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A placeholder that is not one of ours.
    #[error("`{{{0}}}` is not a placeholder; there are {KNOWN}")]
    UnknownPlaceholder(String),
    /// An opening brace without its closing one.
    #[error("`{{{0}` lacks its closing brace")]
    Unclosed(String),
    /// A character that no address holds.
    #[error("`{0}` cannot stand in an address; a pattern holds placeholders and `a-z 0-9 . - _`")]
    Character(char),
    /// It would give everybody the same address.
    #[error("the pattern uses no name; there are {KNOWN}")]
    NoName,
    /// Two numbers, where one tells people apart.
    #[error("`{{n}}` stands in the pattern more than once")]
    RepeatedNumber,
    /// Nothing would be left for the name.
    #[error("the pattern has more than {PARTS_MAX} placeholders or {TEXT_MAX} other characters")]
    TooLong,
}

const KNOWN: &str = "{given} {middle} {family} {g} {m} {f} {n}";

/// Placeholders in one pattern.
const PARTS_MAX: usize = 12;

/// Characters in one pattern besides its placeholders. Both limits together leave every name at least its first letter within the
/// 64 characters of a local part.
const TEXT_MAX: usize = 32;

impl FromStr for NamePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            push_text(&mut parts, literal)?;
            let (name, behind) = after.split_once('}').ok_or_else(|| PatternError::Unclosed(after.to_owned()))?;
            parts.push(placeholder(name)?);
            rest = behind;
        }
        push_text(&mut parts, rest)?;

        let (mut text_length, mut placeholders, mut names, mut numbers) = (0, 0, 0, 0);
        for part in &parts {
            match part {
                Part::Text(text) => text_length += text.len(),
                Part::Name { .. } => (placeholders, names) = (placeholders + 1, names + 1),
                Part::Number => (placeholders, numbers) = (placeholders + 1, numbers + 1),
            }
        }
        match (names, numbers) {
            _ if text_length > TEXT_MAX || placeholders > PARTS_MAX => Err(PatternError::TooLong),
            (0, _) => Err(PatternError::NoName),
            (_, 0 | 1) => Ok(Self { parts }),
            _ => Err(PatternError::RepeatedNumber),
        }
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) -> Result<(), PatternError> {
    let text = text.to_ascii_lowercase();
    let is_own = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    if let Some(other) = text.chars().find(|c| !is_own(*c)) {
        return Err(PatternError::Character(other));
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(())
}

fn placeholder(name: &str) -> Result<Part, PatternError> {
    let (which, initial) = match name {
        "given" => (Which::Given, false),
        "middle" => (Which::Middle, false),
        "family" => (Which::Family, false),
        "g" => (Which::Given, true),
        "m" => (Which::Middle, true),
        "f" => (Which::Family, true),
        "n" => return Ok(Part::Number),
        other => return Err(PatternError::UnknownPlaceholder(other.to_owned())),
    };
    Ok(Part::Name { which, initial })
}

/// As the policy writes it, in lower case.
impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            f.write_str(match part {
                Part::Text(text) => text,
                Part::Number => "{n}",
                Part::Name { which: Which::Given, initial: false } => "{given}",
                Part::Name { which: Which::Middle, initial: false } => "{middle}",
                Part::Name { which: Which::Family, initial: false } => "{family}",
                Part::Name { which: Which::Given, initial: true } => "{g}",
                Part::Name { which: Which::Middle, initial: true } => "{m}",
                Part::Name { which: Which::Family, initial: true } => "{f}",
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<NamePattern>().expect_err(text).to_string()
    }

    #[test]
    fn a_pattern_prints_as_it_was_written() {
        for text in ["{given}.{family}", "{given}.{middle}.{family}", "{g}{m}{f}{n}", "ext-{family}_{n}.x", "{family}"]
        {
            assert_eq!(text.parse::<NamePattern>().unwrap().to_string(), text);
        }
        assert_eq!("EXT-{f}".parse::<NamePattern>().unwrap().to_string(), "ext-{f}");
    }

    #[test]
    fn an_error_names_the_placeholder_and_the_known_ones() {
        assert_eq!(
            error("{given}.{surname}"),
            "`{surname}` is not a placeholder; there are {given} {middle} {family} {g} {m} {f} {n}"
        );
        assert_eq!(error("{given}.{family"), "`{family` lacks its closing brace");
        assert_eq!(
            error("{given}}"),
            "`}` cannot stand in an address; a pattern holds placeholders and `a-z 0-9 . - _`"
        );
        assert!(error("{given} {family}").starts_with("` ` cannot"));
        assert!(error("{given}@x").starts_with("`@` cannot"));
        assert!(error("user{n}").starts_with("the pattern uses no name"));
        assert!(error("").starts_with("the pattern uses no name"));
        assert!(error("{n}{given}{n}").contains("more than once"));
        assert!(error(&format!("{}{{given}}", "x".repeat(33))).contains("more than 12 placeholders or 32"));
        assert!(error(&"{g}".repeat(13)).contains("more than 12 placeholders"));
    }
}
