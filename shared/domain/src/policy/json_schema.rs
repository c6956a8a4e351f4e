//! The policy's shape as a JSON Schema, for editors: made from the one table of keys, so that it cannot say anything else.
//!
//! It knows keys, shapes, bounds and the words that are a closed list. What only reading can tell — rules, products, references, what contradicts
//! what — `joinery policy check` says. It never refuses what the reader takes.

use serde_json::{Map, Value, json};

use super::schema::{self, Key, Need, Schema, Shape};
use super::{DIALECTS, GuardKind};
use crate::event::{Field, FieldKind};

/// What stands in the tables of a key.
enum Inner {
    /// A table with these keys.
    Of(&'static Schema),
    /// One for each name, with these keys.
    Named(&'static Schema, Option<Vec<&'static str>>),
    /// One word for each name.
    Words(Vec<&'static str>, &'static [&'static str]),
}

/// The schema, as draft 2020-12.
pub fn json_schema() -> Value {
    let mut schema = table(&schema::ROOT);
    let head =
        [("$schema", json!("https://json-schema.org/draft/2020-12/schema")), ("title", json!("The policy of Joinery"))];
    if let Value::Object(root) = &mut schema {
        root.extend(head.map(|(name, value)| (name.to_owned(), value)));
    }
    schema
}

fn table(schema: &Schema) -> Value {
    let properties: Map<String, Value> =
        schema.keys.iter().map(|key| (key.name.to_owned(), value(schema, key))).collect();
    let required: Vec<&str> = schema.keys.iter().filter(|key| key.need == Need::Required).map(|key| key.name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn value(schema: &Schema, key: &Key) -> Value {
    let mut value = match key.shape {
        Shape::Text => json!({"type": "string"}),
        Shape::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Integer(low, high) => json!({"type": "integer", "minimum": low, "maximum": high}),
        Shape::TextOrInteger(low, high) => {
            json!({"anyOf": [{"type": "integer", "minimum": low, "maximum": high}, {"type": "string"}]})
        }
        Shape::Number(low, high) => json!({"type": "number", "minimum": low, "maximum": high}),
        Shape::Tables => json!({"type": "array", "items": tables(schema, key)}),
        Shape::Table | Shape::Map => tables(schema, key),
    };
    if let Value::Object(object) = &mut value {
        let words = words(schema, key);
        if !words.is_empty() {
            object.insert("enum".into(), json!(words));
        }
        if !key.example.contains('…') {
            object.insert("description".into(), json!(format!("such as {}", key.example)));
        }
    }
    value
}

/// The words a text is one of, where the list is closed.
fn words(schema: &Schema, key: &Key) -> Vec<&'static str> {
    match (schema.header, key.name) {
        ("", "dialect") => DIALECTS.to_vec(),
        ("[connections.NAME]", "end_date") => vec!["inclusive", "exclusive"],
        ("licenses", "via") => vec!["direct", "group"],
        _ => Vec::new(),
    }
}

fn tables(schema: &Schema, key: &Key) -> Value {
    match inner(schema, key) {
        Some(Inner::Of(inner)) => table(inner),
        Some(Inner::Named(inner, None)) => json!({"type": "object", "additionalProperties": table(inner)}),
        Some(Inner::Named(inner, Some(names))) => {
            json!({"type": "object", "propertyNames": {"enum": names}, "additionalProperties": table(inner)})
        }
        Some(Inner::Words(names, words)) => {
            json!({"type": "object", "propertyNames": {"enum": names}, "additionalProperties": {"enum": words}})
        }
        None => json!({"type": "object"}),
    }
}

fn inner(schema: &Schema, key: &Key) -> Option<Inner> {
    Some(match (schema.header, key.name) {
        ("", "tenant") => Inner::Of(&schema::TENANT),
        ("", "connections") => Inner::Named(&schema::CONNECTION, None),
        ("", "accounts") => Inner::Of(&schema::ACCOUNTS),
        ("", "packages") => Inner::Of(&schema::PACKAGE),
        ("", "protected") => Inner::Of(&schema::PROTECTED),
        ("", "seats") => Inner::Of(&schema::SEATS),
        ("", "guard") => Inner::Named(&schema::GUARD, Some(GuardKind::ALL.map(GuardKind::word).to_vec())),
        ("", "alerts") => Inner::Of(&schema::ALERTS),
        ("", "reconcile") => Inner::Of(&schema::RECONCILE),
        ("[connections.NAME]", "api") => Inner::Of(&schema::API),
        ("[accounts]", "kinds") => Inner::Words(employment_types(), &["tenant", "guest", "none"]),
        ("[accounts]", "guests") => Inner::Of(&schema::GUESTS),
        ("[[packages]]", "groups") => Inner::Of(&schema::GROUP),
        ("[[packages]]", "licenses") => Inner::Of(&schema::LICENSE),
        _ => return None,
    })
}

fn employment_types() -> Vec<&'static str> {
    match Field::of("employment.type").map(Field::kind) {
        Some(FieldKind::Word(words)) => words.to_vec(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_every_table_is_known() {
        for schema in schema::ALL {
            for key in schema.keys.iter().filter(|key| matches!(key.shape, Shape::Table | Shape::Tables | Shape::Map)) {
                assert!(inner(schema, key).is_some(), "{} of `{}`", key.name, schema.header);
            }
        }
    }

    #[test]
    fn every_word_it_closes_a_list_with_is_one_the_reader_takes() {
        let schema = json_schema();
        let of = |path: &str| schema.pointer(path).unwrap_or_else(|| panic!("{path}")).clone();
        let connection = "/properties/connections/additionalProperties/properties";
        assert_eq!(of(&format!("{connection}/end_date/enum")), json!(["inclusive", "exclusive"]));
        let license = "/properties/packages/items/properties/licenses/items/properties";
        assert_eq!(of(&format!("{license}/via/enum")), json!(["direct", "group"]));
        assert_eq!(of("/properties/dialect/enum"), json!(["entra", "extended"]));
        assert!(DIALECTS.iter().all(|word| rules::Dialect::named(word).is_some()));
        assert_eq!(of("/properties/guard/propertyNames/enum").as_array().unwrap().len(), GuardKind::ALL.len());
        assert!(!of("/properties/accounts/properties/kinds/propertyNames/enum").as_array().unwrap().is_empty());
    }
}
