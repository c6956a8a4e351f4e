//! Writes that are under way at the same time. Each is carried out whole, so nothing can go wrong here; the directory refuses
//! the second one all the same, and so does the emulator where it is asked to (`/_control/concurrency`). A call is under way
//! from its arrival to its answer, with every delay in between.

use std::collections::HashMap;

use http::Method;
use serde_json::{Value, json};

use crate::ids::Guid;
use crate::refusal::Refusal;

/// Which objects are being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Concurrency {
    refused: bool,
    under_way: HashMap<Guid, u32>,
}

impl Concurrency {
    /// A write of this object arrives.
    pub(crate) fn begin(&mut self, id: Guid) {
        *self.under_way.entry(id).or_default() += 1;
    }

    /// Its answer is on the way, or nobody waits for it any more.
    pub(crate) fn end(&mut self, id: Guid) {
        if let Some(count) = self.under_way.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&id);
            }
        }
    }

    /// Refuses a write of an object that somebody else is writing.
    pub(crate) fn check(&self, method: &Method, id: Option<Guid>) -> Result<(), Refusal> {
        let others = id.and_then(|id| self.under_way.get(&id)).is_some_and(|count| *count > 1);
        if self.refused && others && *method != Method::GET {
            return Err(Refusal::new(
                409,
                "Directory_ConcurrencyViolation",
                "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.",
            ));
        }
        Ok(())
    }

    pub(crate) fn show(&self) -> Value {
        json!({"refused": self.refused, "under_way": self.under_way.len()})
    }

    pub(crate) fn put(&mut self, body: &Value) -> Result<(), String> {
        self.refused = body.get("refused").and_then(Value::as_bool).ok_or("`refused` is not true or false")?;
        Ok(())
    }

    /// Allows everything again; what is under way stays so.
    pub(crate) fn reset(&mut self) {
        self.refused = false;
    }
}
