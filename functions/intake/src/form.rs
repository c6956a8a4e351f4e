//! Form-encoded bodies whose keys nest in brackets, `employees[12][First+name]=Ann`, read as JSON.

use serde_json::{Map, Value};

/// The most fields read from one form.
const FIELDS_MAX: usize = 10_000;
/// The deepest nesting followed.
const DEPTH_MAX: usize = 6;

/// Reads a form; None if it has too many fields, nests too deep or contradicts itself (a text where an object stands).
pub(crate) fn nested(body: &[u8]) -> Option<Value> {
    let mut root = Map::new();
    for (at, (key, value)) in form_urlencoded::parse(body).enumerate() {
        let path = path_of(&key);
        if at >= FIELDS_MAX || path.len() > DEPTH_MAX {
            return None;
        }
        insert(&mut root, &path, value.into_owned())?;
    }
    Some(settle(Value::Object(root)))
}

/// `a[b][c]` as its three parts. Brackets that do not close belong to the name.
fn path_of(key: &str) -> Vec<&str> {
    let nested = key.strip_suffix(']').and_then(|open| open.split_once('['));
    nested.map_or_else(|| vec![key], |(head, rest)| std::iter::once(head).chain(rest.split("][")).collect())
}

fn insert(map: &mut Map<String, Value>, path: &[&str], value: String) -> Option<()> {
    let (head, rest) = path.split_first()?;
    // `list[]=a&list[]=b` counts by itself.
    let key = if head.is_empty() { map.len().to_string() } else { (*head).to_owned() };
    if rest.is_empty() {
        map.insert(key, Value::String(value));
        return Some(());
    }
    let child = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    insert(child.as_object_mut()?, rest, value)
}

/// Turns objects whose keys count from 0 into lists.
fn settle(value: Value) -> Value {
    let Value::Object(mut map) = value else { return value };
    let counts = !map.is_empty() && (0..map.len()).all(|at| map.contains_key(&at.to_string()));
    if counts {
        let entries = (0..map.len()).filter_map(|at| map.remove(&at.to_string()));
        return Value::Array(entries.collect::<Vec<_>>().into_iter().map(settle).collect());
    }
    Value::Object(map.into_iter().map(|(key, value)| (key, settle(value))).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn brackets_nest_and_counting_keys_make_lists() {
        let body = b"employees[12][changedFields][0]=First+name&employees[12][changedFields][1]=Last+name&employees[12][First+name]=J%C3%B6rg";
        let expected =
            json!({"employees": {"12": {"changedFields": ["First name", "Last name"], "First name": "Jörg"}}});
        assert_eq!(nested(body), Some(expected));
        assert_eq!(nested(b"a[]=x&a[]=y&b=z&c[d=1"), Some(json!({"a": ["x", "y"], "b": "z", "c[d": "1"})));
    }

    #[test]
    fn a_form_that_contradicts_itself_or_never_ends_is_not_read() {
        assert_eq!(nested(b"a=1&a[b]=2"), None);
        assert_eq!(nested(b"a[b][c][d][e][f][g]=1"), None);
        assert_eq!(nested("a=1&".repeat(FIELDS_MAX + 1).as_bytes()), None);
    }
}
