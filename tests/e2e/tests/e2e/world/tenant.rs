//! The tenant as tests compare it: ids that the emulator drew give way to the person's id, instants are left out.

use graph_emulator::Emulator;
use serde_json::Value;

/// The property that ties an account to its person.
pub(crate) const ANCHOR: &str = "extension_0123456789abcdef0123456789abcdef_joineryPerson";

/// Ids of the seed look like this; they are stable as they are.
const SEEDED: [&str; 2] = ["10000000-0000-0000-0000-0000000000", "20000000-0000-0000-0000-0000000000"];

/// The whole tenant in a form that is equal for equal ends, whatever was drawn and whenever it was done. Two accounts of one
/// person stay two.
pub(crate) fn normalized(emulator: &Emulator) -> Value {
    let mut snapshot = emulator.tenant().snapshot(true);
    let mut names = Vec::new();
    for list in ["users", "deletedItems"] {
        for user in snapshot[list].as_array().unwrap() {
            let id = user["id"].as_str().unwrap();
            if SEEDED.iter().any(|prefix| id.starts_with(prefix)) {
                continue;
            }
            let name = user[ANCHOR].as_str().or_else(|| user["userPrincipalName"].as_str()).unwrap_or("nobody");
            let same =
                names.iter().filter(|(_, known): &&(String, String)| known.starts_with(&format!("<{name}#"))).count();
            names.push((id.to_owned(), format!("<{name}#{same}>")));
        }
    }
    let mut text = snapshot.to_string();
    for (id, name) in &names {
        text = text.replace(id, name).replace(&id.replace('-', ""), name);
    }
    snapshot = serde_json::from_str(&text).unwrap();
    sort(&mut snapshot);
    snapshot
}

/// Lists in order of their text: nothing in a tenant depends on the order of a list.
fn sort(value: &mut Value) {
    match value {
        Value::Array(list) => {
            list.iter_mut().for_each(sort);
            list.sort_by_cached_key(Value::to_string);
        }
        Value::Object(map) => map.values_mut().for_each(sort),
        _ => {}
    }
}

/// Where two tenants differ, one line a place.
pub(crate) fn difference(expected: &Value, actual: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", expected, actual, &mut lines);
    lines
}

fn compare(path: &str, expected: &Value, actual: &Value, lines: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let null = Value::Null;
                compare(
                    &format!("{path}/{key}"),
                    left.get(key).unwrap_or(&null),
                    right.get(key).unwrap_or(&null),
                    lines,
                );
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (at, (left, right)) in left.iter().zip(right).enumerate() {
                compare(&format!("{path}/{at}"), left, right, lines);
            }
        }
        _ if expected != actual => lines.push(format!("{path}: expected {expected}, got {actual}")),
        _ => {}
    }
}
