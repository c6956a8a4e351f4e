//! What must never be kept of a worker: government ids, pay, bank, birth, gender, origin, health, photo, home address.
//!
//! The adapters keep only what they know, so nothing here is needed to keep a *value* out of an event. It is needed where
//! a source's own keys are free: other ids, the names of ignored fields, and bodies that are parked because nobody
//! understood them.

use serde_json::Value;

/// Parts of keys, plain (see [`plain_key`]), wherever in the key they stand.
const ANYWHERE: &[&str] = &[
    "accountnumber",
    "bankaccount",
    "birth",
    "bonus",
    "commission",
    "compensation",
    "disability",
    "ethnic",
    "gender",
    "homeaddress",
    "homephone",
    "iban",
    "maritalstatus",
    "nationalid",
    "nationality",
    "overtime",
    "passport",
    "payrate",
    "photo",
    "race",
    "religion",
    "routingnumber",
    "salary",
    "socialsecurity",
    "taxid",
    "veteran",
    "wage",
];

/// Whole keys, plain.
const WHOLE: &[&str] = &[
    "address",
    "address1",
    "address2",
    "addressline1",
    "addressline2",
    "age",
    "bsn",
    "city",
    "eeo",
    "eeojobcategory",
    "exempt",
    "nin",
    "paidper",
    "pay",
    "paychangereason",
    "payfrequency",
    "paygroup",
    "paygroupid",
    "payper",
    "payschedule",
    "payscheduleid",
    "paytype",
    "postalcode",
    "pronouns",
    "sex",
    "sin",
    "ssn",
    "state",
    "statecode",
    "street",
    "zip",
    "zipcode",
];

/// A key without case, blanks and punctuation; `#` reads as the word `number`.
pub fn plain_key(key: &str) -> String {
    let spelled = key.replace('#', "number");
    spelled.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Whether a key names something that must not be kept.
pub fn is_forbidden(key: &str) -> bool {
    let key = plain_key(key);
    WHOLE.contains(&key.as_str()) || ANYWHERE.iter().any(|part| key.contains(part))
}

/// Blanks the value of every forbidden key, at any depth (which the JSON reader limits to 128).
pub fn withhold(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                if is_forbidden(key) {
                    *value = Value::from("(withheld)");
                } else {
                    withhold(value);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(withhold),
        _ => {}
    }
}
