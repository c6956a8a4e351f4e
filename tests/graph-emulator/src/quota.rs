//! Throttling of the identity and access service, in windows of the emulator's clock. Source: "Microsoft Graph
//! service-specific throttling limits", "Microsoft Graph throttling guidance".
//!
//! A window opens with the first call that counts in it. Refused calls count too, and what they run up beyond the limit is
//! carried into the next window, so calling on during the wait prolongs it.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::refusal::Refusal;

/// One limit: so many units in so many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Limit {
    units: u64,
    window_ms: i64,
}

/// The five documented limits, by who is counted and what.
const SCOPES: &[&str] = &["app_tenant_reads", "app_tenant_writes", "app_reads", "app_writes", "tenant_writes"];

/// As the documentation has them; reads of one app in one tenant depend on the tenant's size.
fn documented(scope: &str, users: usize) -> Limit {
    let reads = match users {
        0..50 => 3_500,
        50..=500 => 5_000,
        _ => 8_000,
    };
    let (units, window_ms) = match scope {
        "app_tenant_reads" => (reads, 10_000),
        "app_tenant_writes" => (3_000, 150_000),
        "app_reads" => (150_000, 20_000),
        "app_writes" => (70_000, 300_000),
        _ => (18_000, 300_000),
    };
    Limit { units, window_ms }
}

#[derive(Clone, Copy, Debug)]
struct Window {
    opened_ms: i64,
    used: u64,
}

/// All limits and what has been used of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quotas {
    off: bool,
    /// Limits that somebody set; the others are the documented ones.
    set: HashMap<&'static str, Limit>,
    windows: HashMap<(&'static str, String), Window>,
}

/// What a call is charged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Charge {
    pub units: u64,
    pub write: bool,
}

/// What the answer to a charged call says about it.
pub(crate) type Headers = Vec<(&'static str, String)>;

impl Quotas {
    /// No limits at all.
    pub(crate) fn unlimited() -> Self {
        Self { off: true, ..Self::default() }
    }

    /// Counts a call, and refuses it when any of its limits is used up.
    pub(crate) fn charge(
        &mut self,
        charge: Charge,
        app: &str,
        tenant: &str,
        users: usize,
        now_ms: i64,
    ) -> (Headers, Option<Refusal>) {
        let mut headers = vec![("x-ms-resource-unit", charge.units.to_string())];
        if self.off {
            return (headers, None);
        }
        let mut fullest = (0.0, "");
        let mut wait_ms = None;
        for scope in SCOPES {
            let (reads, writes) = (scope.ends_with("_reads"), scope.ends_with("_writes"));
            let units = if reads { charge.units } else { u64::from(charge.write && writes) };
            if units == 0 {
                continue;
            }
            let limit = self.limit(scope, users);
            let who = if scope.starts_with("tenant") { "" } else { app };
            let window = self.windows.entry((scope, who.to_owned())).or_insert(Window { opened_ms: now_ms, used: 0 });
            roll(window, limit, now_ms);
            window.used += units;
            let share = as_share(window.used, limit.units);
            if share > fullest.0 {
                fullest = (share, *scope);
            }
            if window.used > limit.units {
                wait_ms = wait_ms.max(Some(window.opened_ms + limit.window_ms - now_ms));
            }
        }
        if fullest.0 >= 0.8 {
            headers.push(("x-ms-throttle-limit-percentage", format!("{:.1}", fullest.0.min(1.8))));
            headers.push(("x-ms-throttle-scope", scope_header(fullest.1, app, tenant)));
        }
        let refusal = wait_ms.map(|wait_ms| {
            let information =
                if fullest.1.ends_with("_writes") { "WriteLimitExceeded" } else { "ResourceUnitLimitExceeded" };
            headers.push(("x-ms-throttle-information", information.to_owned()));
            // Whole seconds, rounded up: going by them is enough.
            Refusal::throttled(Some(wait_ms.max(1).unsigned_abs().div_ceil(1000).to_string()))
        });
        (headers, refusal)
    }

    fn limit(&self, scope: &str, users: usize) -> Limit {
        self.set.get(scope).copied().unwrap_or_else(|| documented(scope, users))
    }

    pub(crate) fn show(&self, users: usize) -> Value {
        let limits = SCOPES.iter().map(|scope| {
            let limit = self.limit(scope, users);
            let used: Map<String, Value> = self
                .windows
                .iter()
                .filter(|((own, _), _)| own == scope)
                .map(|((_, app), window)| (app.clone(), json!(window.used)))
                .collect();
            ((*scope).to_owned(), json!({"limit": limit.units, "window_ms": limit.window_ms, "used": used}))
        });
        let mut shown: Map<String, Value> = limits.collect();
        shown.insert("enabled".into(), json!(!self.off));
        Value::Object(shown)
    }

    /// `{"enabled"?, "<scope>": {"limit","window_ms"}?}`; a scope that is null goes back to the documented limit. What was
    /// used is forgotten.
    pub(crate) fn put(&mut self, body: &Value) -> Result<(), String> {
        let members = body.as_object().ok_or("quotas are not an object")?;
        let mut next = Self { off: self.off, set: self.set.clone(), windows: HashMap::new() };
        for (name, value) in members {
            if name == "enabled" {
                next.off = !value.as_bool().ok_or("`enabled` is not true or false")?;
                continue;
            }
            let scope = SCOPES.iter().find(|scope| *scope == name).ok_or_else(|| format!("`{name}` is not a quota"))?;
            if value.is_null() {
                next.set.remove(scope);
                continue;
            }
            let old = next.limit(scope, 0);
            let number = |field: &str| value.get(field).and_then(Value::as_u64);
            let window_ms = number("window_ms").and_then(|ms| i64::try_from(ms).ok()).unwrap_or(old.window_ms);
            let units = number("limit").ok_or_else(|| format!("`{name}.limit` is not a whole number"))?;
            next.set.insert(scope, Limit { units, window_ms: window_ms.max(1) });
        }
        *self = next;
        Ok(())
    }
}

/// Closes windows that are over; each takes one limit's worth off what is owed.
fn roll(window: &mut Window, limit: Limit, now_ms: i64) {
    if now_ms < window.opened_ms {
        *window = Window { opened_ms: now_ms, used: 0 };
    }
    while now_ms - window.opened_ms >= limit.window_ms {
        window.used = window.used.saturating_sub(limit.units.max(1));
        window.opened_ms += limit.window_ms;
        if window.used == 0 {
            window.opened_ms = now_ms;
        }
    }
}

fn as_share(used: u64, limit: u64) -> f64 {
    let small = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    small(used) / small(limit).max(1.0)
}

fn scope_header(scope: &str, app: &str, tenant: &str) -> String {
    let who = match scope {
        "tenant_writes" => "Tenant",
        "app_reads" | "app_writes" => "Application",
        _ => "Tenant_Application",
    };
    let what = if scope.ends_with("_reads") { "Read" } else { "Write" };
    format!("{who}/{what}/{app}/{tenant}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITE: Charge = Charge { units: 1, write: true };

    fn limited() -> Quotas {
        let mut quotas = Quotas::default();
        quotas.put(&json!({"app_tenant_writes": {"limit": 2, "window_ms": 1000}})).unwrap();
        quotas
    }

    fn write(quotas: &mut Quotas, now_ms: i64) -> Option<String> {
        let refusal = quotas.charge(WRITE, "app", "tenant", 40, now_ms).1?;
        refusal.headers().find(|(name, _)| *name == "retry-after").map(|(_, seconds)| seconds.clone())
    }

    #[test]
    fn the_call_beyond_the_limit_is_refused_until_the_window_is_over() {
        let mut quotas = limited();
        assert_eq!((write(&mut quotas, 0), write(&mut quotas, 1)), (None, None));
        assert_eq!(write(&mut quotas, 2).as_deref(), Some("1"));
        assert_eq!(write(&mut quotas, 1000), None);
    }

    #[test]
    fn calling_on_prolongs_the_wait() {
        let mut quotas = limited();
        for now_ms in 0..6 {
            write(&mut quotas, now_ms);
        }
        assert!(write(&mut quotas, 1000).is_some());
        assert!(write(&mut quotas, 4000).is_none());
    }

    #[test]
    fn reads_do_not_use_up_writes_and_apps_do_not_share() {
        let mut quotas = limited();
        write(&mut quotas, 0);
        write(&mut quotas, 0);
        assert!(quotas.charge(Charge { units: 2, write: false }, "app", "tenant", 40, 0).1.is_none());
        assert!(quotas.charge(WRITE, "other", "tenant", 40, 0).1.is_none());
    }

    #[test]
    fn headers_warn_from_four_fifths_on() {
        let mut quotas = Quotas::default();
        quotas.put(&json!({"app_tenant_reads": {"limit": 10}})).unwrap();
        let mut read = || quotas.charge(Charge { units: 2, write: false }, "a", "t", 40, 0).0;
        let share =
            |headers: &Headers| headers.iter().find(|(name, _)| *name == "x-ms-throttle-limit-percentage").cloned();
        assert_eq!(share(&read()), None);
        read();
        read();
        assert_eq!(share(&read()).unwrap().1, "0.8");
    }
}
