//! Compares how things are with how the scenario says they must be.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::scenario::Facts;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where: a scene, or the end.
    pub place: String,
    /// Whose or of what.
    pub subject: String,
    /// Which fact.
    pub fact: String,
    /// How it should be.
    pub expected: String,
    /// How it is.
    pub actual: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, subject, fact, expected, actual } = self;
        write!(f, "{place}: {subject}: {fact}\n      expected  {expected}\n      actual    {actual}")
    }
}

/// Whose facts are compared, and where.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// A scene, or the end.
    pub place: &'a str,
    /// Who or what.
    pub name: &'a str,
}

impl Subject<'_> {
    /// One difference of this subject.
    pub fn differs(self, fact: &str, expected: impl fmt::Display, actual: impl fmt::Display) -> Difference {
        Difference {
            place: self.place.to_owned(),
            subject: self.name.to_owned(),
            fact: fact.to_owned(),
            expected: expected.to_string(),
            actual: actual.to_string(),
        }
    }

    /// Every fact that is named in `expected` and is otherwise.
    pub fn compare(self, expected: &Facts, actual: &Facts) -> Vec<Difference> {
        let differing = expected.iter().filter(|(name, value)| actual.get(*name) != Some(value));
        let differences = differing.map(|(name, value)| {
            let actual = actual.get(name).map_or_else(|| "nothing".to_owned(), Value::to_string);
            self.differs(name, value, actual)
        });
        differences.collect()
    }

    /// Lines that do not say, in order, what they should, and lines too many or too few.
    pub fn compare_rows(self, expected: &[Vec<String>], actual: &[&str]) -> Vec<Difference> {
        let says = |line: &str, parts: &[String]| {
            let rest = parts.iter().try_fold(line, |rest, part| rest.split_once(part.as_str()).map(|(_, rest)| rest));
            rest.is_some()
        };
        let longest = expected.len().max(actual.len());
        let differences = (0..longest).filter_map(|at| {
            let (parts, line) = (expected.get(at), actual.get(at));
            let agree = parts.zip(line).is_some_and(|(parts, line)| says(line, parts));
            let parts = parts.map_or_else(|| "nothing".to_owned(), |parts| parts.join(" … "));
            (!agree).then(|| self.differs(&format!("line {}", at + 1), parts, line.unwrap_or(&"nothing")))
        });
        differences.collect()
    }

    /// Every entry that two maps do not have in common.
    pub fn compare_all(self, expected: &BTreeMap<String, Value>, actual: &BTreeMap<String, Value>) -> Vec<Difference> {
        let mut differences = self.compare(expected, actual);
        let unexpected = actual.iter().filter(|(name, _)| !expected.contains_key(*name));
        differences.extend(unexpected.map(|(name, value)| self.differs(name, "nothing", value)));
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(value: &Value) -> Facts {
        value.as_object().unwrap().clone().into_iter().collect()
    }

    #[test]
    fn only_what_the_scenario_names_is_compared_and_what_is_missing_is_a_difference() {
        let subject = Subject { place: "the end", name: "Zoë" };
        let expected = facts(&json!({"enabled": true, "groups": ["a"], "manager": "x"}));
        let actual = facts(&json!({"enabled": true, "groups": ["a", "b"], "location": "NL"}));
        let differences = subject.compare(&expected, &actual);
        let named: Vec<_> = differences.iter().map(|difference| difference.fact.as_str()).collect();
        assert_eq!(named, ["groups", "manager"]);
        assert_eq!(differences[1].actual, "nothing");
        assert_eq!(subject.compare_all(&expected, &actual).len(), 3);
    }

    #[test]
    fn a_line_says_its_parts_in_order_and_none_is_missing_or_too_many() {
        let subject = Subject { place: "09:00", name: "a list" };
        let row = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        let expected = [row(&["hr:1", "held"]), row(&["hr:2", "refused"])];
        let differing = |lines: &[&str]| -> Vec<String> {
            subject.compare_rows(&expected, lines).into_iter().map(|difference| difference.fact).collect()
        };
        assert_eq!(differing(&["hr:1  Ann  held", "hr:2  Bo  refused"]), [""; 0]);
        assert_eq!(differing(&["held  hr:1", "hr:2  refused", "hr:3  held"]), ["line 1", "line 3"]);
        assert_eq!(differing(&["hr:1  held"]), ["line 2"]);
    }
}
