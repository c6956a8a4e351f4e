//! The strings behind the stage: `/_control/{clock,employees,limits,calls}`.

use http::Method;
use serde_json::{Value, json};

use crate::company::Company;
use crate::wire::{Answer, Body, Call};

impl Company {
    /// GET shows, PUT changes and shows what it is then.
    pub(crate) fn control(&mut self, what: &str, call: &Call<'_>) -> Answer {
        let done = match *call.method {
            Method::GET => Ok(()),
            Method::PUT => serde_json::from_slice(call.body)
                .map_err(|error| format!("the body is not JSON: {error}"))
                .and_then(|body| self.put(what, &body)),
            _ => return fault(405, "GET or PUT"),
        };
        if let Err(problem) = done {
            return fault(400, &problem);
        }
        match what {
            "clock" => Answer::json(self.clock.show()),
            "employees" => Answer::json(self.employees.show()),
            "limits" => Answer::json(self.limits.show()),
            "calls" => Answer::json(Value::Array(self.calls.clone())),
            _ => fault(404, "there are clock, employees, limits and calls"),
        }
    }

    fn put(&mut self, what: &str, body: &Value) -> Result<(), String> {
        let known: &[&str] = match what {
            "clock" => &["now", "advance_ms", "running"],
            "limits" => &["per_minute", "lag_ms", "status"],
            _ => &[],
        };
        let unknown = body.as_object().and_then(|map| map.keys().find(|key| !known.contains(&key.as_str())));
        if let (Some(key), "clock" | "limits") = (unknown, what) {
            return Err(format!("`{key}` is unknown; there are {}", known.join(", ")));
        }
        match what {
            "clock" => self.clock.put(body),
            "employees" => self.change(body, self.now()),
            "limits" => self.limits.put(body),
            "calls" => {
                self.calls.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn fault(status: u16, problem: &str) -> Answer {
    Answer { status, headers: Vec::new(), body: Body::Json(json!({"error": problem})) }
}
