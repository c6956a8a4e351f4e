//! What goes wrong with one call, as faults of the emulator: matched by what the call is and by the how-manieth of its kind it is.

use serde_json::{Map, Value, json};

use crate::world::tenant::ANCHOR;

/// How long Graph asks to wait, in seconds: longer than any pause of ours, so that it is heard and not met by chance.
pub(super) const RETRY_AFTER_S: i64 = 400;
/// More often than anything is tried.
const FOR_EVER: u64 = 1_000_000;

/// A call as the emulator recorded it.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) app: String,
    pub(super) at: jiff::Timestamp,
    pub(super) status: u64,
    /// What of its body makes it this call and no other.
    pub(super) body: Value,
    /// Whether another call carried it.
    pub(super) is_carried: bool,
}

impl Call {
    pub(super) fn read(entry: &Value) -> Self {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        Self {
            method: text("method"),
            path: text("path"),
            app: text("app"),
            at: text("at").parse().unwrap(),
            status: entry["status"].as_u64().unwrap(),
            body: telling(&text("path"), &entry["body"]),
            is_carried: !entry["batch"].is_null(),
        }
    }

    pub(super) fn is_read(&self) -> bool {
        self.method == "GET"
    }

    /// Whether this is the same call, at another time.
    pub(super) fn is(&self, other: &Self) -> bool {
        // The record does not know who made a call that was struck; those that strike know it.
        let same_app = self.app == other.app || self.app.is_empty() || other.app.is_empty();
        same_app && (&self.method, &self.path, &self.body) == (&other.method, &other.path, &other.body)
    }

    /// Whether it takes sign-in away.
    pub(super) fn cuts_sign_in(&self) -> bool {
        let blocks = self.method == "PATCH"
            && (self.body["accountEnabled"] == false || self.body["passwordProfile"].is_object());
        blocks
            || self.path.ends_with("/revokeSignInSessions")
            || (self.method == "DELETE" && self.path.contains("/authentication/"))
    }

    /// What it does for a cut, in the words of a step.
    pub(super) fn cuts_by(&self) -> &'static str {
        match (self.method.as_str(), self.body.get("accountEnabled")) {
            ("PATCH", Some(_)) => "block sign-in",
            ("PATCH", None) => "reset the password",
            ("POST", _) => "revoke sessions",
            _ => "remove authentication methods",
        }
    }

    /// Of what kind it is: the same in every act, whoever it is about.
    pub(super) fn kind(&self) -> String {
        let is_id = |part: &&str| part.len() == 36 && part.contains('-');
        let path: Vec<_> = self.path.split('/').map(|part| if is_id(&part) { "*" } else { part }).collect();
        let members = self.body.as_object().map(|body| body.keys().cloned().collect::<Vec<_>>());
        let way = self.body.get("accountEnabled");
        format!("{} {} {} {members:?} {way:?} {}", self.app, self.method, path.join("/"), self.is_carried)
    }

    /// Whether it must be heard before the authentication methods can be removed.
    pub(super) fn lists_methods(&self) -> bool {
        self.is_read() && self.path.ends_with("/authentication/methods")
    }
}

/// Passwords are drawn anew each time, and so are names that turn out to be taken. What a batch carries are calls of their own.
fn telling(path: &str, body: &Value) -> Value {
    let Some(members) = body.as_object().filter(|_| path != "/$batch") else { return Value::Null };
    if path == "/users" {
        return json!({ANCHOR: body[ANCHOR]});
    }
    let told = |(name, value): (&String, &Value)| {
        let value = if name == "passwordProfile" { json!({}) } else { value.clone() };
        (name.clone(), value)
    };
    Value::Object(members.iter().map(told).collect::<Map<_, _>>())
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strike {
    /// Refused with a status; nothing is done.
    Refused(u64),
    /// Carried out, and answered as if the way back had timed out.
    TimedOutAfter,
    /// Asked to come back after [`RETRY_AFTER_S`], with this status.
    Throttled(u64),
    /// The connection breaks before anything is done.
    Cut,
    /// Carried out; the answer is lost.
    Lost,
    /// Carried out twice on the way; the second answer is heard.
    Doubled,
}

/// How often it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    Once,
    /// As often as the client tries within one call.
    Thrice,
    ForEver,
}

impl Strike {
    /// Whether Graph has said no, and not only that something is in the way.
    pub(super) fn is_definite(self) -> bool {
        matches!(self, Self::Refused(400 | 403 | 404))
    }

    /// Everything that may happen to such a call.
    pub(super) fn all(call: &Call) -> Vec<(Self, Times)> {
        use Times::{ForEver, Once, Thrice};
        if call.is_carried {
            // One answer among others: it cannot be lost alone.
            return vec![
                (Self::Refused(403), Once),
                (Self::Refused(404), Once),
                (Self::Refused(400), ForEver),
                (Self::Refused(409), Once),
                (Self::Refused(500), ForEver),
                (Self::TimedOutAfter, Once),
                (Self::Throttled(429), Once),
                (Self::Throttled(503), Once),
            ];
        }
        let mut all = vec![
            (Self::Refused(403), Once),
            (Self::Refused(403), ForEver),
            (Self::Refused(500), Thrice),
            (Self::Throttled(429), Once),
            (Self::Throttled(429), Thrice),
            (Self::Throttled(503), Once),
            (Self::Cut, Once),
            (Self::Cut, Thrice),
            (Self::Cut, ForEver),
        ];
        // A list is there, however empty.
        let names_an_object = call.path.split('/').any(|part| part.len() == 36);
        if names_an_object {
            all.push((Self::Refused(404), Once));
        }
        if !call.is_read() {
            all.extend([
                (Self::Refused(400), Once),
                (Self::Refused(400), ForEver),
                (Self::Refused(409), Thrice),
                (Self::Refused(409), ForEver),
                (Self::TimedOutAfter, Once),
                (Self::Throttled(503), Thrice),
                (Self::Lost, Once),
                (Self::Lost, Thrice),
                (Self::Doubled, Once),
            ]);
        }
        all
    }

    /// The emulator's faults that do this to the call with this turn among its like, counted from 1.
    pub(super) fn faults(self, times: Times, call: &Call, turn: usize) -> Value {
        let mut matches = json!({"method": call.method, "path": call.path, "app": call.app});
        if !call.body.is_null() {
            matches["body"] = call.body.clone();
        }
        let times = match times {
            Times::Once => 1,
            Times::Thrice => 3,
            Times::ForEver => FOR_EVER,
        };
        let mut fault = match self {
            Self::Refused(status) => refusal(status),
            Self::TimedOutAfter => json!({"action": "refuse", "status": 504, "phase": "after"}),
            Self::Throttled(429) => json!({"action": "throttle", "retry_after": RETRY_AFTER_S}),
            Self::Throttled(status) => json!({"action": "refuse", "status": status, "retry_after": RETRY_AFTER_S}),
            Self::Cut => json!({"action": "cut"}),
            Self::Lost => json!({"action": "lose_answer"}),
            Self::Doubled => json!({"action": "duplicate", "answer": "second"}),
        };
        fault["match"] = matches.clone();
        fault["times"] = json!(times);
        // Those before it pass; a delay of nothing uses them up.
        let pass = json!({"match": matches, "action": "delay", "delay_ms": 0, "times": turn - 1});
        if turn == 1 { json!([fault]) } else { json!([pass, fault]) }
    }
}

/// Refusals as Graph words them.
fn refusal(status: u64) -> Value {
    let (code, message) = match status {
        403 => ("Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
        404 => (
            "Request_ResourceNotFound",
            "Resource does not exist or one of its queried reference-property objects are not present.",
        ),
        409 => ("Directory_ConcurrencyViolation", "There are concurrent requests being made to this resource."),
        400 => ("Request_BadRequest", "The request was refused for a reason that no page documents."),
        _ => ("Service_InternalServerError", "Unexpected server error."),
    };
    json!({"action": "refuse", "status": status, "code": code, "message": message})
}
