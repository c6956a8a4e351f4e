//! A failure's body as it may be printed.

use domain::message::{Body, Message};
use serde_json::{Value, json};

use crate::print;

/// Parts of a key that tell of contact data, whatever the source calls it.
const CONTACT: &[&str] = &["mail", "phone", "mobile", "address", "street", "postal", "zip"];

/// The body with contact data masked; None if it is not JSON, for then nobody can say where such data is in it.
pub(super) fn masked(body: &str) -> Option<Value> {
    if let Ok(Message { body: Body::HrEvent { event }, v, correlation_id }) = Message::from_json(body) {
        return Some(
            json!({"v": v, "correlation_id": correlation_id, "type": "hr_event", "event": event.to_json(true)}),
        );
    }
    let mut value = serde_json::from_str(body).ok()?;
    mask(&mut value, false);
    Some(value)
}

fn mask(value: &mut Value, is_contact: bool) {
    match value {
        Value::Object(map) => {
            // A list of fields names each in a value beside it: then nothing but the name says what the value is.
            let named = map.values().any(|value| value.as_str().is_some_and(tells_of_contact));
            for (key, value) in map.iter_mut() {
                mask(value, is_contact || named || tells_of_contact(key));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| mask(value, is_contact)),
        Value::String(text) if is_contact || text.contains('@') => *text = print::masked(text),
        Value::Number(_) if is_contact => *value = json!("***"),
        _ => {}
    }
}

fn tells_of_contact(name: &str) -> bool {
    let name = name.to_lowercase();
    CONTACT.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contact_data_is_masked_wherever_a_source_puts_it() {
        let body = json!({
            "employees": [{
                "id": "7",
                "fields": {"homeEmail": {"value": "zoe@home.example"}, "mobilePhone": 31_612_345_678_i64, "jobTitle": "Clerk"},
                "list": [{"name": "Home Phone", "value": "+31 20 123"}],
                "note": "write to zoe@home.example",
            }],
        });
        let shown = masked(&body.to_string()).unwrap();
        let text = shown.to_string();
        for personal in ["home.example", "31612345678", "+31"] {
            assert!(!text.contains(personal), "{text}");
        }
        assert_eq!(shown.pointer("/employees/0/fields/jobTitle"), Some(&json!("Clerk")));
    }

    #[test]
    fn a_wake_up_is_shown_as_it_is_and_what_is_no_json_is_not_shown() {
        let wake = Message::wake(&"bamboo:7".parse().unwrap(), "due", "c").to_json();
        assert_eq!(masked(&wake).unwrap()["person"], "bamboo:7");
        assert_eq!(masked("zoe@home.example"), None);
    }
}
