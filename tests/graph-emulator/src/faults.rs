//! Faults as data: what a call *is* decides whether one strikes, not its turn in the test. A list of objects:
//!
//! | Member | |
//! |---|---|
//! | `match` | all that are given must hold: `method`, `route` (a pattern of the table, `/users/{id}`), `path` (`*` stands for any run of characters), `path_prefix`, `subject` (an id or name in the path or the body), `app` (client id), `body` (members that the body must have), `attempt` (the how-manieth such call with this method and path, from 1) |
//! | `action` | `refuse` (`status`, `code`?, `message`?, `retry_after`?), `throttle` (`retry_after`?), `cut`, `delay` (`delay_ms`), `lose_answer`, `duplicate` (`answer`?: `first` or `second`) |
//! | `phase` | `before` the effect (the rule) or `after` it: a refusal `after` has taken effect all the same; a delay `before` holds the call back, `after` the answer. `lose_answer` is a `cut` after the effect; `duplicate` has no phase |
//! | `times` | how often it strikes, once unless said |
//!
//! Shown with `fired`, how often it struck. A fault that never fired tested nothing: [`crate::Tenant::faults_fired`].

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::ids::Guid;

/// What a fault does to the call it strikes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Answers with an error.
    Refuse { status: u16, code: String, message: String, retry_after: Option<String> },
    /// Answers 429.
    Throttle { retry_after: Option<String> },
    /// Breaks the connection.
    Cut,
    /// Holds the call or the answer back, in real milliseconds.
    Delay { delay_ms: u64 },
    /// Carries the call out twice, as after a resend on the way; the caller gets one of the answers.
    Duplicate { second: bool },
}

/// When it does that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Before,
    After,
}

/// What struck a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Strike {
    pub action: Action,
    pub phase: Phase,
}

#[derive(Clone, Debug, Default)]
struct Match {
    method: Option<String>,
    route: Option<String>,
    /// The whole path below `/v1.0`, in which `*` stands for any run of characters.
    path: Option<String>,
    path_prefix: Option<String>,
    /// An object id in the path or the body.
    subject: Option<String>,
    app: Option<String>,
    body: Option<Value>,
    /// The how-manieth call with this method and path, from 1.
    attempt: Option<u64>,
}

#[derive(Clone, Debug)]
struct Fault {
    spec: Value,
    matches: Match,
    strike: Strike,
    times: u64,
    fired: u64,
    /// How often each matching call was seen.
    seen: HashMap<String, u64>,
}

/// The faults in force, in order; the first that matches strikes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

/// Faults that never struck.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("faults that never fired: {}", .0.join(", "))]
pub struct Unfired(pub Vec<String>);

/// What a fault looks at.
pub(crate) struct Seen<'a> {
    pub method: &'a str,
    /// The pattern of the route, where there is one.
    pub route: Option<&'a str>,
    pub path: &'a str,
    pub subjects: &'a [Guid],
    pub app: &'a str,
    pub body: Option<&'a Value>,
}

impl Faults {
    /// Replaces all faults by a list, or by `{"faults": [...]}`.
    pub(crate) fn put(&mut self, body: &Value) -> Result<(), String> {
        let list = body.as_array().or_else(|| body.get("faults").and_then(Value::as_array));
        let list = list.ok_or("faults are not a list")?;
        let read =
            |(index, spec): (usize, &Value)| Fault::read(spec).map_err(|problem| format!("fault {index}: {problem}"));
        self.0 = list.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(())
    }

    pub(crate) fn show(&self) -> Value {
        let show = |fault: &Fault| {
            let mut shown = fault.spec.clone();
            if let Some(shown) = shown.as_object_mut() {
                shown.insert("fired".into(), json!(fault.fired));
            }
            shown
        };
        self.0.iter().map(show).collect()
    }

    /// The faults that never struck.
    pub(crate) fn unfired(&self) -> Vec<Value> {
        self.0.iter().filter(|fault| fault.fired == 0).map(|fault| fault.spec.clone()).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any fault holds calls back before they are carried out.
    pub(crate) fn hold(&self) -> bool {
        self.0.iter().any(Fault::holds_back)
    }

    /// What strikes this call, if anything does; the wait before it is a matter of its own.
    pub(crate) fn strike(&mut self, call: &Seen<'_>) -> Option<Strike> {
        self.first(call, false)
    }

    /// How long this call is held back before it is carried out, in milliseconds.
    pub(crate) fn strike_hold(&mut self, call: &Seen<'_>) -> u64 {
        match self.first(call, true).map(|strike| strike.action) {
            Some(Action::Delay { delay_ms }) => delay_ms,
            _ => 0,
        }
    }

    fn first(&mut self, call: &Seen<'_>, holding: bool) -> Option<Strike> {
        let mut struck = None;
        for fault in self.0.iter_mut().filter(|fault| fault.holds_back() == holding) {
            if !fault.matches.holds(call) {
                continue;
            }
            let seen = fault.seen.entry(format!("{} {}", call.method, call.path)).or_default();
            *seen += 1;
            let turn = fault.matches.attempt.is_none_or(|attempt| attempt == *seen);
            if turn && struck.is_none() && fault.fired < fault.times {
                fault.fired += 1;
                struck = Some(fault.strike.clone());
            }
        }
        struck
    }
}

impl Fault {
    fn holds_back(&self) -> bool {
        self.strike.phase == Phase::Before && matches!(self.strike.action, Action::Delay { .. })
    }

    fn read(spec: &Value) -> Result<Self, String> {
        let members = spec.as_object().ok_or("not an object")?;
        let known = [
            "match",
            "action",
            "phase",
            "status",
            "code",
            "message",
            "retry_after",
            "delay_ms",
            "answer",
            "times",
            "fired",
        ];
        if let Some(name) = members.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("`{name}` is not known"));
        }
        let phase = match spec.get("phase").map(|phase| phase.as_str().unwrap_or_default()) {
            None => None,
            Some("before") => Some(Phase::Before),
            Some("after") => Some(Phase::After),
            Some(_) => return Err("`phase` is neither before nor after".to_owned()),
        };
        let strike = read_action(spec, phase)?;
        let matches = Match::read(spec.get("match").unwrap_or(&Value::Null))?;
        let times = spec.get("times").map_or(Some(1), Value::as_u64).ok_or("`times` is not a whole number")?;
        Ok(Self { spec: spec.clone(), matches, strike, times, fired: 0, seen: HashMap::new() })
    }
}

fn read_action(spec: &Value, phase: Option<Phase>) -> Result<Strike, String> {
    let text = |name: &str| spec.get(name).and_then(Value::as_str).map(str::to_owned);
    let retry_after = match spec.get("retry_after") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(number) => Some(number.to_string()),
    };
    let before = phase.unwrap_or(Phase::Before);
    let (action, phase) = match text("action").as_deref() {
        Some("refuse") => {
            let status = spec.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
            let status = status.filter(|status| (400..600).contains(status)).ok_or("`status` is not an error's")?;
            let code = text("code").unwrap_or_else(|| default_code(status).to_owned());
            let message = text("message").unwrap_or_else(|| "Injected.".to_owned());
            (Action::Refuse { status, code, message, retry_after }, before)
        }
        Some("throttle") => (Action::Throttle { retry_after }, before),
        Some("cut") => (Action::Cut, before),
        Some("lose_answer") if phase != Some(Phase::Before) => (Action::Cut, Phase::After),
        Some("delay") => {
            let delay_ms = spec.get("delay_ms").and_then(Value::as_u64).ok_or("`delay_ms` is missing")?;
            (Action::Delay { delay_ms }, phase.unwrap_or(Phase::After))
        }
        Some("duplicate") if phase.is_none() => {
            let second = match text("answer").as_deref() {
                None | Some("first") => false,
                Some("second") => true,
                Some(_) => return Err("`answer` is neither first nor second".to_owned()),
            };
            (Action::Duplicate { second }, Phase::Before)
        }
        Some("lose_answer" | "duplicate") => return Err("this action has no such `phase`".to_owned()),
        _ => return Err("`action` is none of refuse, throttle, cut, lose_answer, delay, duplicate".to_owned()),
    };
    Ok(Strike { action, phase })
}

fn default_code(status: u16) -> &'static str {
    match status {
        409 => "Directory_ConcurrencyViolation",
        500 => "Service_InternalServerError",
        503 => "serviceNotAvailable",
        504 => "GatewayTimeout",
        403 => "Authorization_RequestDenied",
        404 => "Request_ResourceNotFound",
        _ => "Request_BadRequest",
    }
}

impl Match {
    fn read(spec: &Value) -> Result<Self, String> {
        let mut read = Self::default();
        let Some(members) = spec.as_object() else {
            return if spec.is_null() { Ok(read) } else { Err("`match` is not an object".to_owned()) };
        };
        for (name, value) in members {
            let text = || value.as_str().map(str::to_owned).ok_or_else(|| format!("`match.{name}` is not a string"));
            match name.as_str() {
                "method" => read.method = Some(text()?),
                "path" => read.path = Some(text()?),
                "path_prefix" => read.path_prefix = Some(text()?),
                "route" => {
                    let route = text()?;
                    if !crate::routes::served().any(|(_, pattern)| pattern == route) {
                        return Err(format!("`{route}` is not a route"));
                    }
                    read.route = Some(route);
                }
                "app" => read.app = Some(text()?),
                "body" if value.is_object() => read.body = Some(value.clone()),
                "subject" => read.subject = Some(text()?.to_lowercase()),
                "attempt" => read.attempt = Some(value.as_u64().ok_or("`match.attempt` is not a whole number")?),
                _ => return Err(format!("`match.{name}` is not known")),
            }
        }
        Ok(read)
    }

    fn holds(&self, call: &Seen<'_>) -> bool {
        let subject = |wanted: &String| {
            call.subjects.iter().any(|id| id.to_string() == *wanted)
                || call.path.to_lowercase().contains(wanted)
                || call.body.is_some_and(|body| body.to_string().to_lowercase().contains(wanted))
        };
        self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(call.method))
            && self.path.as_ref().is_none_or(|pattern| fits(pattern, call.path))
            && self.path_prefix.as_ref().is_none_or(|prefix| call.path.starts_with(prefix))
            && self.route.as_ref().is_none_or(|route| call.route == Some(route.as_str()))
            && self.app.as_ref().is_none_or(|app| app == call.app)
            && self.body.as_ref().is_none_or(|wanted| call.body.is_some_and(|body| holds_all(body, wanted)))
            && self.subject.as_ref().is_none_or(subject)
    }
}

/// Whether a value has everything that another one asks for.
fn holds_all(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(own), Value::Object(wanted)) => {
            wanted.iter().all(|(name, wanted)| own.get(name).is_some_and(|own| holds_all(own, wanted)))
        }
        _ => value == wanted,
    }
}

/// Whether a text fits a pattern in which `*` stands for any run of characters.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strike(faults: &mut Faults, method: &str, path: &str) -> bool {
        faults.strike(&Seen { method, route: None, path, subjects: &[], app: "", body: None }).is_some()
    }

    #[test]
    fn a_star_stands_for_any_run() {
        for (pattern, text, fit) in [
            ("/users/*/assignLicense", "/users/1/assignLicense", true),
            ("/users/*", "/users/", true),
            ("/users", "/users/1", false),
            ("/groups/*/members/*/$ref", "/groups/1/members/2/$ref", true),
            ("*", "x", true),
            ("/a*b", "/ab/c", false),
        ] {
            assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
        }
    }

    #[test]
    fn a_fault_strikes_the_attempt_it_names_as_often_as_it_says() {
        let mut faults = Faults::default();
        faults
            .put(&json!([{"match": {"method": "POST", "path": "/users/*/assignLicense", "attempt": 2}, "action": "cut", "times": 2}]))
            .unwrap();
        assert!(!strike(&mut faults, "POST", "/users/1/assignLicense"));
        assert!(!strike(&mut faults, "POST", "/users/2/assignLicense"));
        assert!(strike(&mut faults, "POST", "/users/1/assignLicense"));
        assert!(strike(&mut faults, "POST", "/users/2/assignLicense"));
        assert!(!strike(&mut faults, "GET", "/users/2/assignLicense"));
        assert_eq!(faults.show()[0]["fired"], 2);
    }

    #[test]
    fn a_fault_that_makes_no_sense_is_refused() {
        for spec in [
            json!([{"action": "explode"}]),
            json!([{"action": "refuse", "status": 200}]),
            json!([{"action": "cut", "math": {}}]),
            json!([{"action": "cut", "match": {"body": 3}}]),
            json!([{"action": "cut", "match": {"route": "/users/{name}"}}]),
            json!([{"action": "duplicate", "phase": "after"}]),
            json!([{"action": "lose_answer", "phase": "before"}]),
            json!([{"action": "refuse", "status": 500, "phase": "during"}]),
        ] {
            assert!(Faults::default().put(&spec).is_err(), "{spec}");
        }
    }
}
