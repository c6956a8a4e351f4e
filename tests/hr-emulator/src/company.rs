//! One company: who may ask, what they get.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::clock::{Clock, Machine};
use crate::employees::{Employees, Fields};
use crate::limits::Limits;
use crate::wire::{Answer, Body, Call};

/// Calls remembered; the oldest go first.
const CALLS_MAX: usize = 10_000;
/// Fields one call may ask for ("Get Employee").
const ASKED_MAX: usize = 400;
/// When it is, unless the seed says so.
const EPOCH: &str = "2026-03-02T08:00:00Z";

/// How a company behaves apart from its contents.
#[derive(Clone, Default)]
pub struct Options {
    /// The machine's clock; without it the emulator's clock cannot tick.
    pub machine: Option<Machine>,
    /// The clock ticks from the start.
    pub running: bool,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("running", &self.running).finish_non_exhaustive()
    }
}

/// What is wrong with a seed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the seed cannot be used: {0}")]
pub struct SeedError(String);

/// A company's HR system.
#[derive(Clone)]
pub struct Company {
    pub(crate) clock: Clock,
    pub(crate) employees: Employees,
    pub(crate) limits: Limits,
    pub(crate) calls: Vec<Value>,
    name: String,
    /// Empty: any key will do.
    keys: Vec<String>,
}

impl std::fmt::Debug for Company {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Company").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Company {
    /// A company as its seed describes it. What is seeded was there all along: no lag hides it.
    pub fn from_seed(seed: &Value, options: Options) -> Result<Self, SeedError> {
        let fault = |text: String| SeedError(text);
        let text = |key: &str| match seed.get(key) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| fault(format!("`{key}` is not a string"))),
        };
        let known = ["now", "company", "keys", "employees", "limits"];
        let root = seed.as_object().ok_or_else(|| fault("it is not an object".into()))?;
        if let Some(key) = root.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(fault(format!("`{key}` is unknown")));
        }
        let now: Timestamp =
            text("now")?.unwrap_or(EPOCH).parse().map_err(|_| fault("`now` is not an instant".into()))?;
        let keys = seed.get("keys").and_then(Value::as_array).into_iter().flatten();
        let mut company = Self {
            clock: Clock::standing(now, options.machine),
            employees: Employees::default(),
            limits: Limits::default(),
            calls: Vec::new(),
            name: text("company")?.unwrap_or("acme").to_owned(),
            keys: keys.filter_map(Value::as_str).map(str::to_owned).collect(),
        };
        if let Some(limits) = seed.get("limits") {
            company.limits.put(limits).map_err(fault)?;
        }
        if let Some(employees) = seed.get("employees") {
            company.change(employees, Timestamp::UNIX_EPOCH).map_err(fault)?;
        }
        if options.running {
            company.clock.run(true).map_err(|problem| fault(problem.into()))?;
        }
        Ok(company)
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub fn advance(&mut self, by: SignedDuration) {
        self.clock.advance(by);
    }

    /// Answers a call, whatever it is.
    pub fn answer(&mut self, call: &Call<'_>) -> Answer {
        if let Some(what) = call.path.strip_prefix("/_control/") {
            return self.control(what, call);
        }
        let answer = self.employee(call);
        let line = json!({
            "at": self.now().to_string(), "method": call.method.as_str(), "path": call.path, "query": call.query,
            "status": answer.status,
        });
        if self.calls.len() >= CALLS_MAX {
            self.calls.remove(0);
        }
        self.calls.push(line);
        answer
    }

    /// Changes employees: fields by record id, null deletes. Nothing is changed unless all can be.
    pub(crate) fn change(&mut self, employees: &Value, at: Timestamp) -> Result<(), String> {
        let employees = employees.as_object().ok_or("employees are an object: fields by record id")?;
        let mut changes: Vec<(&str, Option<&Fields>)> = Vec::new();
        for (id, fields) in employees {
            let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
            if !is_id {
                return Err(format!("`{id}` is not a record id: use digits"));
            }
            match fields {
                Value::Null => changes.push((id, None)),
                Value::Object(fields) => changes.push((id, Some(fields))),
                _ => return Err(format!("employee {id} is neither an object nor null")),
            }
        }
        for (id, fields) in changes {
            self.employees.change(id, fields, at);
        }
        Ok(())
    }

    /// `GET /api/gateway.php/{company}/v1/employees/{id}/`
    fn employee(&mut self, call: &Call<'_>) -> Answer {
        let now = self.now();
        if let Err((status, seconds)) = self.limits.count(now) {
            return Answer::refusal(status, "Limit exceeded").with("retry-after", seconds.to_string());
        }
        let parts: Vec<&str> = call.path.trim_end_matches('/').split('/').collect();
        let ["", "api", "gateway.php", company, "v1", "employees", id] = parts.as_slice() else {
            return Answer::refusal(404, "Not found");
        };
        if call.method != Method::GET {
            return Answer::refusal(405, "Method not allowed");
        }
        if *company != self.name {
            return Answer::refusal(404, "Unknown company");
        }
        if !self.admits(call) {
            return Answer::refusal(401, "Invalid API key").with("www-authenticate", "Basic".into());
        }
        let pairs: Vec<(String, String)> = form_urlencoded::parse(call.query.as_bytes()).into_owned().collect();
        let fields = pairs.iter().find(|(name, _)| name == "fields").map_or("", |(_, value)| value.as_str());
        let asked: Vec<&str> = fields.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if asked.len() > ASKED_MAX {
            return Answer::refusal(400, format!("At most {ASKED_MAX} fields may be asked for"));
        }
        let id = percent_decode_str(id).decode_utf8_lossy();
        let Some(record) = self.employees.read(&id, &asked, self.limits.readable_until(now)) else {
            return Answer::refusal(404, "Employee not found");
        };
        if wants_json(call) {
            Answer::json(Value::Object(record))
        } else {
            Answer { status: 200, headers: Vec::new(), body: Body::Xml(xml(&id, &record)) }
        }
    }

    /// Basic, the key as the user's name; the password is anything.
    fn admits(&self, call: &Call<'_>) -> bool {
        let header = call.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let credentials = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
        let decoded = credentials.and_then(|(_, text)| STANDARD.decode(text.trim()).ok());
        let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let key = decoded.split_once(':').map_or("", |(key, _)| key);
        !key.is_empty() && (self.keys.is_empty() || self.keys.iter().any(|known| known == key))
    }
}

fn wants_json(call: &Call<'_>) -> bool {
    let accepts = call.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).any(|media| {
        let media = media.split(';').next().unwrap_or_default().trim();
        media.eq_ignore_ascii_case("application/json")
    })
}

fn xml(id: &str, record: &Fields) -> String {
    let fields = record.iter().filter(|(name, _)| *name != "id").map(|(name, value)| {
        let text = value
            .as_str()
            .map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned);
        format!("<field id=\"{}\">{}</field>", escaped(name), escaped(&text))
    });
    let fields: String = fields.collect();
    format!("<?xml version=\"1.0\"?>\n<employee id=\"{}\">{fields}</employee>", escaped(id))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
