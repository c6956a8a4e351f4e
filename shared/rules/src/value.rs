//! The values a rule is run on, and the users who have them.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value as Json};

/// The value of one property of one user.
///
/// Its `Debug` shows what it is and not what it says: these are the facts of a person.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Value<'a> {
    /// Absent, null, or nothing a rule could compare.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A string.
    Str(Cow<'a, str>),
    /// Several values.
    List(Vec<Value<'a>>),
    /// A nested object: a service plan, a group, a manager.
    Record(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// The items of a list; anything else but null is one item.
    pub(crate) fn into_items(self) -> Vec<Self> {
        match self {
            Self::Null => Vec::new(),
            Self::List(items) => items,
            one => vec![one],
        }
    }

    /// A field of a record.
    pub(crate) fn field(&self, name: &str) -> Option<&Value<'a>> {
        let Self::Record(fields) = self else { return None };
        fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The value as JSON; a number has become a string.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(truth) => Json::Bool(*truth),
            Self::Str(text) => Json::String(text.as_ref().to_owned()),
            Self::List(items) => Json::Array(items.iter().map(Value::to_json).collect()),
            Self::Record(fields) => {
                Json::Object(fields.iter().map(|(name, value)| (name.as_ref().to_owned(), value.to_json())).collect())
            }
        }
    }

    /// The value with nothing borrowed.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(truth),
            Self::Str(text) => Value::Str(Cow::Owned(text.into_owned())),
            Self::List(items) => Value::List(items.into_iter().map(Value::into_owned).collect()),
            Self::Record(fields) => Value::Record(
                fields.into_iter().map(|(name, value)| (Cow::Owned(name.into_owned()), value.into_owned())).collect(),
            ),
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(_) => f.write_str("Bool(..)"),
            Self::Str(_) => f.write_str("Str(..)"),
            Self::List(items) => write!(f, "List({} items)", items.len()),
            Self::Record(fields) => write!(f, "Record({} fields)", fields.len()),
        }
    }
}

/// As it would stand in a rule: for explanations.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Str(text) => f.write_str(&crate::ast::quoted(text)),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
            Self::Record(fields) => {
                f.write_str("{")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{name}: {value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Someone whose properties can be asked for by their names in Graph.
pub trait Properties {
    /// The value of the property, [`Value::Null`] when there is none. A dotted name such as
    /// `onPremisesExtensionAttributes.extensionAttribute1` leads into a nested object.
    fn get(&self, graph_name: &str) -> Value<'_>;
}

/// A user as Graph returns it.
impl Properties for Map<String, Json> {
    fn get(&self, graph_name: &str) -> Value<'_> {
        let mut names = graph_name.split('.');
        let first = names.next().and_then(|name| Map::get(self, name));
        names.fold(first, |parent, name| parent?.get(name)).map_or(Value::Null, from_json)
    }
}

/// A user as Graph returns it; anything but an object has no properties.
impl Properties for Json {
    fn get(&self, graph_name: &str) -> Value<'_> {
        self.as_object().map_or(Value::Null, |map| Properties::get(map, graph_name))
    }
}

fn from_json(json: &Json) -> Value<'_> {
    match json {
        Json::Null => Value::Null,
        Json::Object(fields) => {
            Value::Record(fields.iter().map(|(name, value)| (name.into(), from_json(value))).collect())
        }
        Json::Bool(truth) => Value::Bool(*truth),
        // Extensions may hold numbers; rules treat every extension as a string.
        Json::Number(number) => Value::Str(number.to_string().into()),
        Json::String(text) => Value::Str(text.into()),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_name_is_followed_and_a_missing_one_is_null() {
        let user =
            serde_json::json!({ "city": "Oslo", "onPremisesExtensionAttributes": { "extensionAttribute1": "x" } });
        let seen = |name| Properties::get(&user, name).to_string();
        assert_eq!(seen("onPremisesExtensionAttributes.extensionAttribute1"), "\"x\"");
        assert_eq!(seen("onPremisesExtensionAttributes.extensionAttribute2"), "null");
        assert_eq!(seen("city.x"), "null");
        assert_eq!(seen("onPremisesExtensionAttributes"), "{extensionAttribute1: \"x\"}");
        assert_eq!(Properties::get(&serde_json::json!(5), "city").to_string(), "null");
    }

    #[test]
    fn a_value_is_told_as_the_json_it_came_from() {
        let user = serde_json::json!({ "plans": [{ "service": "exchange", "on": true }, null], "n": 7 });
        assert_eq!(Properties::get(&user, "plans").to_json(), user["plans"]);
        assert_eq!(Properties::get(&user, "n").to_json(), "7");
    }

    #[test]
    fn debug_does_not_tell_what_a_person_is_called() {
        let value = Value::List(vec![Value::Str("Zoë".into())]);
        assert_eq!(format!("{value:?} {:?}", Value::Str("Zoë".into())), "List(1 items) Str(..)");
    }
}
