//! What faults do to calls.

use serde_json::Value;

use super::{BATCH, Read, Tenant, graph_path};
use crate::faults::{Action, Phase, Seen, Strike, Unfired};
use crate::refusal::Refusal;
use crate::routes::Found;
use crate::wire::{Answer, Call};

impl Tenant {
    /// Whether every fault that was put in force has struck: a test whose fault never fired has tested nothing.
    ///
    /// # Errors
    /// Those that have not.
    pub fn faults_fired(&self) -> Result<(), Unfired> {
        let unfired = self.faults.unfired();
        if unfired.is_empty() { Ok(()) } else { Err(Unfired(unfired.iter().map(Value::to_string).collect())) }
    }

    /// How long a call is held back before anything is done, in real milliseconds.
    pub(crate) fn hold(&mut self, call: &Call<'_>) -> u64 {
        if !self.faults.hold() {
            return 0;
        }
        match graph_path(call.path) {
            Some(path) => {
                let read = self.read(call, path);
                self.held(call, path, &read)
            }
            None if call.path.starts_with("/_control/") => 0,
            None => self.faults.strike_hold(&unread(call)),
        }
    }

    /// The same of a call that was read.
    pub(super) fn held(&mut self, call: &Call<'_>, path: &str, read: &Read) -> u64 {
        if !self.faults.hold() {
            return 0;
        }
        let app = self.who(call);
        self.faults.strike_hold(&seen(call, path, read, &app))
    }

    /// What strikes a call once it is let through.
    pub(super) fn struck(&mut self, call: &Call<'_>, path: &str, read: &Read) -> Option<Strike> {
        if self.faults.is_empty() {
            return None;
        }
        let app = self.who(call);
        self.faults.strike(&seen(call, path, read, &app))
    }

    fn who(&self, call: &Call<'_>) -> String {
        self.app(call).map(|app| app.id).unwrap_or_default()
    }

    /// The answer that a fault gives in place of the service's own.
    pub(super) fn instead(&mut self, struck: Option<&Strike>, phase: Phase) -> Option<Answer> {
        match &struck.filter(|strike| strike.phase == phase)?.action {
            Action::Refuse { status, code, message, retry_after } => {
                let refusal = Refusal::new(*status, code.clone(), message.clone()).retry_after(retry_after.clone());
                Some(self.refused(&refusal, None))
            }
            Action::Throttle { retry_after } => Some(self.refused(&Refusal::throttled(retry_after.clone()), None)),
            Action::Cut => Some(Answer { lost: true, ..self.refused(&Refusal::new(503, "cut", "cut"), None) }),
            Action::Delay { .. } | Action::Duplicate { .. } => None,
        }
    }

    /// What a fault does to the answer of a call whose work was done.
    pub(super) fn afterwards(&mut self, struck: Option<&Strike>, answer: &mut Answer) {
        let Some(strike) = struck.filter(|strike| strike.phase == Phase::After) else { return };
        match &strike.action {
            // The record tells what became of the call, not what the caller did not hear.
            Action::Cut => answer.lost = true,
            Action::Delay { delay_ms } => answer.delay_ms += delay_ms,
            _ => {
                if let Some(refusal) = self.instead(struck, Phase::After) {
                    *answer = refusal;
                }
            }
        }
    }
}

/// A call of the token endpoint, whose body is none of ours.
pub(super) fn unread<'s>(call: &'s Call<'_>) -> Seen<'s> {
    Seen { method: call.method.as_str(), route: None, path: call.path, subjects: &[], app: "", body: None }
}

fn seen<'s>(call: &'s Call<'_>, path: &'s str, read: &'s Read, app: &'s str) -> Seen<'s> {
    let route = match &read.found {
        Found::Route(route, _) => Some(route.pattern),
        Found::WrongMethod | Found::Nothing => None,
    };
    // What a batch carries is looked at item by item.
    let body = read.body.as_ref().filter(|_| path != BATCH).and_then(|body| body.as_ref().ok());
    Seen { method: call.method.as_str(), route, path, subjects: &read.subjects, app, body }
}
