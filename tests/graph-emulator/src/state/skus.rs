//! The products a tenant has bought, and their seats.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::entity::Properties;
use crate::history::History;
use crate::ids::Guid;

/// A product the tenant has bought.
#[derive(Clone, Debug)]
pub(crate) struct Sku {
    /// As `GET /subscribedSkus` answers it, without `consumedUnits`.
    /// Shared between copies of a tenant: service plans are many and never change.
    pub properties: Arc<Properties>,
    /// The same, written out and left open at the end. Dozens of service plans are written once, not at each question.
    pub text: Arc<str>,
    /// Seats that the seed says are taken, beyond those its users hold.
    pub elsewhere: i64,
    /// Seats that this tenant's users hold.
    pub consumed: History<i64>,
    pub plans: Arc<Vec<Guid>>,
}

impl Sku {
    pub(crate) fn new(properties: Properties, elsewhere: i64, plans: Vec<Guid>) -> Self {
        let text = open_text(&properties);
        Self {
            properties: Arc::new(properties),
            text,
            elsewhere,
            consumed: History::settled(0),
            plans: Arc::new(plans),
        }
    }

    /// Seats that may be used at all: enabled ones, and those in their grace period.
    pub(crate) fn capacity(&self) -> i64 {
        let status = self.properties.get("capabilityStatus").and_then(Value::as_str);
        if !matches!(status, None | Some("Enabled" | "Warning")) {
            return 0;
        }
        let units = |name| self.properties.get("prepaidUnits").and_then(|units| units.get(name)?.as_i64());
        units("enabled").unwrap_or(0) + units("warning").unwrap_or(0)
    }

    /// Seats free now; negative after a restore.
    pub(crate) fn free(&self) -> i64 {
        self.capacity() - self.elsewhere - self.consumed.current().copied().unwrap_or(0)
    }

    /// Buys or returns seats.
    pub(crate) fn set_enabled(&mut self, seats: u64) {
        let properties = Arc::make_mut(&mut self.properties);
        if let Some(units) = properties.get_mut("prepaidUnits").and_then(Value::as_object_mut) {
            units.insert("enabled".into(), json!(seats));
        }
        self.text = open_text(properties);
    }
}

/// An object's text up to its closing brace.
fn open_text(properties: &Properties) -> Arc<str> {
    let text = serde_json::to_string(properties).unwrap_or_default();
    text.strip_suffix('}').unwrap_or(&text).into()
}
