//! Values as HR sources write them.

use jiff::Timestamp;
use serde_json::Value;

/// The longest id that is read, in bytes.
const ID_BYTES_MAX: usize = 200;

/// The value is neither short text nor a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

/// An id: text, or a whole number whose quotes were forgotten. None where it is absent, null or blank.
pub fn id_text(value: Option<&Value>) -> Result<Option<String>, NotAnId> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) if number.is_u64() => Ok(Some(number.to_string())),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) if text.len() <= ID_BYTES_MAX && !text.chars().any(char::is_control) => {
            Ok(Some(text.trim().to_owned()))
        }
        Some(_) => Err(NotAnId),
    }
}

/// An instant as a source writes it: RFC 3339 (also with `+0000`), or whole Unix seconds. A time without an offset is
/// none: which zone it means would be a guess.
pub fn instant(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text)
            if !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            Timestamp::from_second(text.parse().ok()?).ok()
        }
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => Timestamp::from_second(number.as_i64()?).ok(),
        _ => None,
    }
}
