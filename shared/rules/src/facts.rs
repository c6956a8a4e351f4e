//! What rules read of one user, taken out of it once: strings folded, dates counted, lists unpacked.

use std::fmt;

use crate::property::{Kind, Property};
use crate::time::instant;
use crate::value::{Properties, Value};

/// The facts of one user, in the order of the properties they were taken by. `Debug` does not tell them.
#[derive(Clone, PartialEq, Eq)]
pub struct Facts {
    cells: Vec<Cell>,
}

impl Facts {
    pub(crate) fn of(user: &(impl Properties + ?Sized), properties: &[Property]) -> Self {
        Self { cells: properties.iter().map(|property| Cell::read(user, property)).collect() }
    }

    pub(crate) fn cell(&self, slot: usize) -> &Cell {
        self.cells.get(slot).unwrap_or(&Cell::Null)
    }

    pub(crate) fn cell_mut(&mut self, slot: usize) -> Option<&mut Cell> {
        self.cells.get_mut(slot)
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Facts({} properties)", self.cells.len())
    }
}

/// One fact.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Bool(bool),
    Text(Text),
    /// Also of groups: their ids. Never null: no values is an empty collection.
    Texts(Box<[Text]>),
    Plans(Box<[Plan]>),
    /// Microseconds since 1970.
    Date(i64),
}

impl Cell {
    /// The property of the user; what is not of the property's kind is null.
    pub(crate) fn read(user: &(impl Properties + ?Sized), property: &Property) -> Self {
        let value = user.get(property.graph_name());
        match property.kind() {
            Kind::Texts | Kind::Groups => Self::Texts(value.into_items().iter().filter_map(text_of).collect()),
            Kind::Plans => Self::Plans(value.into_items().iter().filter_map(Plan::of).collect()),
            kind => {
                let first = value.into_items().into_iter().next().unwrap_or_default();
                match (kind, &first) {
                    (Kind::Boolean, Value::Bool(truth)) => Self::Bool(*truth),
                    (Kind::Text, _) => text_of(&first).map_or(Self::Null, Self::Text),
                    (Kind::Date, Value::Str(text)) => instant(text).map_or(Self::Null, Self::Date),
                    _ => Self::Null,
                }
            }
        }
    }
}

/// The value as a string; an extension may hold a boolean, which rules treat as one, and a group or a manager is its
/// id.
fn text_of(value: &Value<'_>) -> Option<Text> {
    match value {
        Value::Str(text) => Some(Text::new(text)),
        Value::Bool(truth) => Some(Text::new(if *truth { "true" } else { "false" })),
        Value::Record(_) => value.field("id").and_then(text_of),
        Value::Null | Value::List(_) => None,
    }
}

/// A string, folded and as it is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Text {
    folded: Box<str>,
    /// Where it differs.
    raw: Option<Box<str>>,
}

impl Text {
    fn new(text: &str) -> Self {
        let folded = fold(text);
        let raw = (*folded != *text).then(|| text.into());
        Self { folded, raw }
    }

    pub(crate) fn folded(&self) -> &str {
        &self.folded
    }

    pub(crate) fn raw(&self) -> &str {
        self.raw.as_deref().unwrap_or(&self.folded)
    }
}

/// Lower case, letter by letter (Unicode's simple mapping): how strings are compared. Only `İ` has a longer mapping,
/// which begins with the simple one.
pub(crate) fn fold(text: &str) -> Box<str> {
    if text.is_ascii() {
        return text.to_ascii_lowercase().into();
    }
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

/// One service plan.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    fields: [Option<Text>; 3],
}

impl Plan {
    /// What a rule can ask of a plan, by its place in [`fields`](Self::fields).
    pub(crate) const FIELDS: [&'static str; 3] = ["servicePlanId", "service", "capabilityStatus"];

    fn of(value: &Value<'_>) -> Option<Self> {
        matches!(value, Value::Record(_))
            .then(|| Self { fields: Self::FIELDS.map(|name| value.field(name).and_then(text_of)) })
    }

    pub(crate) fn fields(&self) -> [Option<&Text>; 3] {
        self.fields.each_ref().map(Option::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_folded_without_case_beyond_ascii() {
        for (left, right) in [("ŁÓDŹ", "łódź"), ("İstanbul", "istanbul"), ("Zoë", "ZOË"), ("王", "王")] {
            assert_eq!(fold(left), fold(right));
        }
        assert_ne!(fold("straße"), fold("strasse"));
        assert_eq!(Text::new("Zoë").raw(), "Zoë");
    }

    #[test]
    fn facts_are_not_told_by_debug() {
        let property = Property::named(crate::Object::User, "city", crate::Dialect::Entra).unwrap();
        let facts = Facts::of(&serde_json::json!({ "city": "Oslo" }), &[property]);
        assert_eq!(format!("{facts:?}"), "Facts(1 properties)");
    }
}
