//! Faults as data: what a call *is* decides whether one strikes, not its turn. `times` says how often; `fired` tells how often
//! it did, so that a test can fail when its fault never struck.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::ids::Guid;

/// What a fault does to the call it strikes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Answers with an error; nothing happens.
    Refuse { status: u16, code: String, message: String, retry_after: Option<String> },
    /// Answers 429; nothing happens.
    Throttle { retry_after: Option<String> },
    /// Does the work, then breaks the connection.
    LoseAnswer,
    /// Breaks the connection; nothing happens.
    Cut,
    /// Does the work and holds the answer back, in real milliseconds.
    Delay { delay_ms: u64 },
}

#[derive(Clone, Debug, Default)]
struct Match {
    method: Option<String>,
    /// The whole path below `/v1.0`, in which `*` stands for any run of characters.
    path: Option<String>,
    path_prefix: Option<String>,
    /// An object id in the path or the body.
    subject: Option<String>,
    /// The how-manieth call with this method and path, from 1.
    attempt: Option<u64>,
}

#[derive(Clone, Debug)]
struct Fault {
    spec: Value,
    matches: Match,
    action: Action,
    times: u64,
    fired: u64,
    /// How often each matching call was seen.
    seen: HashMap<String, u64>,
}

/// The faults in force, in order; the first that matches strikes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

/// What a fault looks at.
pub(crate) struct Seen<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub subjects: &'a [Guid],
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

    /// What strikes this call, if anything does.
    pub(crate) fn strike(&mut self, call: &Seen<'_>) -> Option<Action> {
        let mut struck = None;
        for fault in &mut self.0 {
            if !fault.matches.holds(call) {
                continue;
            }
            let seen = fault.seen.entry(format!("{} {}", call.method, call.path)).or_default();
            *seen += 1;
            let turn = fault.matches.attempt.is_none_or(|attempt| attempt == *seen);
            if turn && struck.is_none() && fault.fired < fault.times {
                fault.fired += 1;
                struck = Some(fault.action.clone());
            }
        }
        struck
    }
}

impl Fault {
    fn read(spec: &Value) -> Result<Self, String> {
        let members = spec.as_object().ok_or("not an object")?;
        let known = ["match", "action", "status", "code", "message", "retry_after", "delay_ms", "times", "fired"];
        if let Some(name) = members.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("`{name}` is not known"));
        }
        let text = |name: &str| spec.get(name).and_then(Value::as_str).map(str::to_owned);
        let retry_after = match spec.get("retry_after") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(number) => Some(number.to_string()),
        };
        let action = match text("action").as_deref() {
            Some("refuse") => {
                let status = spec.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
                let status = status.filter(|status| (400..600).contains(status)).ok_or("`status` is not an error's")?;
                let code = text("code").unwrap_or_else(|| default_code(status).to_owned());
                Action::Refuse {
                    status,
                    code,
                    message: text("message").unwrap_or_else(|| "Injected.".to_owned()),
                    retry_after,
                }
            }
            Some("throttle") => Action::Throttle { retry_after },
            Some("lose_answer") => Action::LoseAnswer,
            Some("cut") => Action::Cut,
            Some("delay") => {
                Action::Delay { delay_ms: spec.get("delay_ms").and_then(Value::as_u64).ok_or("`delay_ms` is missing")? }
            }
            _ => return Err("`action` is none of refuse, throttle, lose_answer, cut, delay".to_owned()),
        };
        let matches = Match::read(spec.get("match").unwrap_or(&Value::Null))?;
        let times = spec.get("times").map_or(Some(1), Value::as_u64).ok_or("`times` is not a whole number")?;
        Ok(Self { spec: spec.clone(), matches, action, times, fired: 0, seen: HashMap::new() })
    }
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
            && self.subject.as_ref().is_none_or(subject)
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
        faults.strike(&Seen { method, path, subjects: &[], body: None }).is_some()
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
        ] {
            assert!(Faults::default().put(&spec).is_err(), "{spec}");
        }
    }
}
