//! A checked rule on a user. Nothing here can fail, and nothing allocates unless the user's own properties do.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use crate::property::{Kind, Property};
use crate::rule::NullUnderNegation;
use crate::value::{Properties, Value};

/// A checked expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Clause {
    Any(Vec<Clause>),
    All(Vec<Clause>),
    Not(Box<Clause>),
    Test(Test),
}

impl Clause {
    pub(crate) fn holds(&self, user: &(impl Properties + ?Sized), null: NullUnderNegation) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(user, null)),
            Self::All(parts) => parts.iter().all(|part| part.holds(user, null)),
            Self::Not(inner) => !inner.holds(user, null),
            Self::Test(test) => test.holds(&test.seen(user), null),
        }
    }

    /// Calls for every test, in the order in which they were written.
    pub(crate) fn each_test<'a>(&'a self, visit: &mut impl FnMut(&'a Test)) {
        match self {
            Self::Any(parts) | Self::All(parts) => {
                for part in parts {
                    part.each_test(visit);
                }
            }
            Self::Not(inner) => inner.each_test(visit),
            Self::Test(test) => visit(test),
        }
    }
}

/// One property against one predicate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Test {
    pub(crate) property: Property,
    pub(crate) predicate: Predicate,
    /// The comparison in canonical form.
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

impl Test {
    /// The value that the predicate is about: of a property with one value, the first that Graph gives.
    pub(crate) fn seen<'a>(&self, user: &'a (impl Properties + ?Sized)) -> Value<'a> {
        let value = user.get(self.property.graph_name());
        match value {
            Value::List(items) if self.property.kind() != Kind::Texts => {
                items.into_iter().next().unwrap_or_default()
            }
            other => other,
        }
    }

    pub(crate) fn holds(&self, seen: &Value<'_>, null: NullUnderNegation) -> bool {
        let satisfied = null == NullUnderNegation::Satisfies;
        match (&self.predicate, seen) {
            (Predicate::Null, seen) => *seen == Value::Null,
            (Predicate::NotNull, seen) => *seen != Value::Null,
            (Predicate::IsNot(_) | Predicate::Differs(_), Value::Null) => satisfied,
            (Predicate::Is(wanted), seen) => *seen == Value::Bool(*wanted),
            (Predicate::IsNot(wanted), seen) => *seen != Value::Bool(*wanted),
            (Predicate::Equals(wanted), seen) => {
                text(seen).is_some_and(|text| wanted.equals(&text))
            }
            (Predicate::Differs(wanted), seen) => {
                !text(seen).is_some_and(|text| wanted.equals(&text))
            }
            (Predicate::OneOf(wanted), seen) => text(seen)
                .is_some_and(|text| wanted.binary_search_by(|item| item.compare(&text)).is_ok()),
            (Predicate::StartsWith(wanted), Value::List(items)) => items
                .iter()
                .filter_map(text)
                .any(|text| wanted.begins(&text)),
            (Predicate::StartsWith(wanted), seen) => {
                text(seen).is_some_and(|text| wanted.begins(&text))
            }
        }
    }
}

/// What a comparison asks of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Predicate {
    Null,
    NotNull,
    Is(bool),
    IsNot(bool),
    Equals(Folded),
    Differs(Folded),
    /// Of a collection: some value does.
    StartsWith(Folded),
    /// Sorted, for the search.
    OneOf(Vec<Folded>),
}

/// A string in lower case, ready to be compared with one that is not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Folded(Box<str>);

impl Folded {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.chars().map(fold).collect())
    }

    fn compare(&self, text: &str) -> Ordering {
        self.0.chars().cmp(text.chars().map(fold))
    }

    fn equals(&self, text: &str) -> bool {
        self.0.chars().eq(text.chars().map(fold))
    }

    fn begins(&self, text: &str) -> bool {
        let mut letters = text.chars().map(fold);
        self.0.chars().all(|wanted| letters.next() == Some(wanted))
    }
}

/// Unicode's simple lower-case mapping. Only `İ` has a longer one, which begins with the simple one.
fn fold(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// The value as a string; an extension may hold a boolean, which rules treat as one.
fn text<'a>(value: &'a Value<'_>) -> Option<Cow<'a, str>> {
    match value {
        Value::Str(text) => Some(Cow::Borrowed(text)),
        Value::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
        Value::Null | Value::List(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_compared_without_case_beyond_ascii() {
        assert!(Folded::new("ŁÓDŹ").equals("łódź"));
        assert!(Folded::new("İstanbul").equals("istanbul"));
        assert!(Folded::new("Zoë").begins("ZOËTERMEER"));
        assert!(!Folded::new("Zoë").begins("Zo"));
        assert!(!Folded::new("straße").equals("strasse"));
    }
}
