//! A checked rule on the facts of a user. Nothing here can fail, and nothing allocates.

use std::ops::Range;

use crate::ast::Quantifier;
use crate::facts::{Cell, Facts, Text};
use crate::needle::Needle;
use crate::pattern::Pattern;
use crate::property::Property;

/// A checked expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Clause {
    Any(Vec<Clause>),
    All(Vec<Clause>),
    Not(Box<Clause>),
    Test(Test),
}

impl Clause {
    /// Without a clock, nothing is true of `system.now`.
    pub(crate) fn holds(&self, facts: &Facts, now: Option<i64>) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(facts, now)),
            Self::All(parts) => parts.iter().all(|part| part.holds(facts, now)),
            Self::Not(inner) => !inner.holds(facts, now),
            Self::Test(test) => test.holds(facts.cell(test.slot), now),
        }
    }

    /// Every test, in the order in which they were written.
    pub(crate) fn tests(&self) -> Vec<&Test> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(clause) = open.pop() {
            match clause {
                Self::Any(parts) | Self::All(parts) => open.extend(parts.iter().rev()),
                Self::Not(inner) => open.push(inner),
                Self::Test(test) => found.push(test),
            }
        }
        found
    }

    /// Calls for every test.
    pub(crate) fn each_test_mut(&mut self, visit: &mut impl FnMut(&mut Test)) {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter_mut().for_each(|part| part.each_test_mut(visit)),
            Self::Not(inner) => inner.each_test_mut(visit),
            Self::Test(test) => visit(test),
        }
    }
}

/// One property against one predicate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Test {
    pub(crate) property: Property,
    /// Where the facts have the property.
    pub(crate) slot: usize,
    pub(crate) predicate: Predicate,
    pub(crate) sign: Sign,
    /// The comparison in canonical form.
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

impl Test {
    pub(crate) fn holds(&self, cell: &Cell, now: Option<i64>) -> bool {
        match (&self.predicate, cell) {
            (Predicate::Null, cell) => self.sign.of(matches!(cell, Cell::Null)),
            (_, Cell::Null) => self.sign.null,
            (predicate, cell) => self.sign.of(predicate.holds(cell, now)),
        }
    }

    /// The first instant at or after which this test says something else than now, if time alone can bring that about.
    pub(crate) fn turns_at(&self, cell: &Cell, now: i64) -> Option<i64> {
        let (Predicate::Date(DateTest { side, bound: Bound::Now(shift) }), Cell::Date(date)) = (&self.predicate, cell)
        else {
            return None;
        };
        let meeting = date.saturating_sub(*shift);
        let turn = match side {
            Side::At => return None,
            Side::NotAfter => meeting,
            // At the meeting itself it still holds.
            Side::NotBefore => meeting.saturating_add(1),
        };
        (turn > now).then_some(turn)
    }
}

/// Whether a comparison is a negative one, and what it says of null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sign {
    pub(crate) negated: bool,
    pub(crate) null: bool,
}

impl Sign {
    pub(crate) const POSITIVE: Self = Self { negated: false, null: false };

    fn of(self, truth: bool) -> bool {
        truth != self.negated
    }
}

/// What a comparison asks of a value, before its sign.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Predicate {
    Null,
    Is(bool),
    Text(TextTest),
    Date(DateTest),
    Items { quantifier: Quantifier, empty: bool, condition: Condition },
}

impl Predicate {
    /// Of a cell that is not null.
    pub(crate) fn holds(&self, cell: &Cell, now: Option<i64>) -> bool {
        match (self, cell) {
            (Self::Null, cell) => matches!(cell, Cell::Null),
            (Self::Is(wanted), Cell::Bool(truth)) => wanted == truth,
            (Self::Text(test), Cell::Text(text)) => test.holds(text),
            (Self::Date(test), Cell::Date(date)) => test.holds(*date, now),
            (Self::Items { quantifier, empty, condition }, Cell::Texts(items)) => {
                over(*quantifier, *empty, items, |item| condition.holds([Some(item), None, None]))
            }
            (Self::Items { quantifier, empty, condition }, Cell::Plans(items)) => {
                over(*quantifier, *empty, items, |plan| condition.holds(plan.fields()))
            }
            // The check lets a predicate meet only cells of its property's kind.
            _ => false,
        }
    }
}

fn over<T>(quantifier: Quantifier, empty: bool, items: &[T], holds: impl Fn(&T) -> bool) -> bool {
    match quantifier {
        Quantifier::Any => items.iter().any(holds),
        Quantifier::All if items.is_empty() => empty,
        Quantifier::All => items.iter().all(holds),
    }
}

/// What a quantifier asks of one item; a service plan has three fields, any other item is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Not(Box<Condition>),
    /// `None` asks whether the field is null.
    Field {
        field: usize,
        test: Option<TextTest>,
        sign: Sign,
    },
}

impl Condition {
    fn holds(&self, fields: [Option<&Text>; 3]) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(fields)),
            Self::All(parts) => parts.iter().all(|part| part.holds(fields)),
            Self::Not(inner) => !inner.holds(fields),
            Self::Field { field, test, sign } => match (test, fields.get(*field).copied().flatten()) {
                (None, value) => sign.of(value.is_none()),
                (Some(_), None) => sign.null,
                (Some(test), Some(value)) => sign.of(test.holds(value)),
            },
        }
    }
}

/// What is asked of a string. Strings are folded: see [`fold`](crate::facts::fold).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TextTest {
    Equals(Box<str>),
    /// Sorted, for the search.
    OneOf(Vec<Box<str>>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Contains(Needle),
    Matches(Pattern),
}

impl TextTest {
    pub(crate) fn holds(&self, text: &Text) -> bool {
        let folded = text.folded();
        match self {
            Self::Equals(wanted) => **wanted == *folded,
            Self::OneOf(wanted) => wanted.binary_search_by(|item| (**item).cmp(folded)).is_ok(),
            Self::StartsWith(wanted) => folded.starts_with(&**wanted),
            Self::EndsWith(wanted) => folded.ends_with(&**wanted),
            Self::Contains(needle) => needle.is_in(folded),
            Self::Matches(pattern) => pattern.is_match(text.raw()),
        }
    }
}

/// What is asked of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DateTest {
    pub(crate) side: Side,
    pub(crate) bound: Bound,
}

impl DateTest {
    fn holds(self, date: i64, now: Option<i64>) -> bool {
        let bound = match self.bound {
            Bound::Fixed(bound) => Some(bound),
            Bound::Now(shift) => now.map(|now| now.saturating_add(shift)),
        };
        bound.is_some_and(|bound| match self.side {
            Side::At => date == bound,
            Side::NotBefore => date >= bound,
            Side::NotAfter => date <= bound,
        })
    }
}

/// On which side of its bound a date is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    /// `-eq`
    At,
    /// `-ge`
    NotBefore,
    /// `-le`
    NotAfter,
}

/// An instant in microseconds, or a distance from now in the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bound {
    Fixed(i64),
    Now(i64),
}
