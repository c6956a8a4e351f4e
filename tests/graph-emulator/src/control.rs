//! `/_control/…`: the strings behind the stage. None of this exists in Microsoft Graph.
//!
//! | Path | GET | PUT |
//! |---|---|---|
//! | `clock` | `{"now","running"}` | `{"now"?, "advance_ms"?, "running"?}` |
//! | `latency` | settings | `{"settle_ms"?, "replicas"?, "seed"?, "answer_ms"?, "license_ms"?, "membership_ms"?}` |
//! | `quotas` | limits and use | `{"enabled"?, "app_tenant_reads"?: {"limit","window_ms"?}, …}` |
//! | `faults` (`?unfired=true`) | list with `fired`, or those that never struck | a list of faults, replacing all (see `faults.rs`) |
//! | `concurrency` | `{"refused","under_way"}` | `{"refused": bool}`: 409 for writes of an object that is being written |
//! | `mail` | what was sent, the oldest first | anything: clears (so does DELETE) |
//! | `delta` | `{"page","members"}`, the size of a page | the same, and `{"forget": true}`: every token is too old |
//! | `access-pass-policy` | the policy | `{"enabled"?, "groups"?, "once"?, "default_minutes"?, …}` |
//! | `collaboration` | which domains guests may come from | `{"allowedDomains"?, "blockedDomains"?}` |
//! | `sign-ins/{id}` | – | `{"successful"?, "interactive"?, "accessPass"?}`: somebody signs in |
//! | `redemptions/{id}` | – | `{"issuer"?}`: a guest accepts the invitation |
//! | `calls` (`?since=N`) | `{"last","calls"}` | anything: clears (so does DELETE) |
//! | `reset` | the canonical snapshot | nothing or `{}`: back to the seed; a seed: start over with it |
//! | `snapshot` (`?timeless=true`) | the canonical snapshot | – |
//! | `seats` | `{skuId: {"enabled","free"}}` | `{skuId: enabled}`: buys or returns seats |
//! | `objects/{id}` | – | properties to write past all rules: what AD DS, Exchange or an invited person does by themselves |

use http::Method;
use serde_json::{Map, Value, json};

use crate::ids::guid;
use crate::refusal::Refusal;
use crate::tenant::Tenant;
use crate::users::{self, sign_ins};
use crate::wire::{Answer, Call};

/// Answers a control call; its problems are 400 with a plain message.
pub(crate) fn answer(tenant: &mut Tenant, call: &Call<'_>, what: &str) -> Answer {
    let body = if call.body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice::<Value>(call.body) };
    let done = match body {
        Err(error) => Err(format!("the body is not JSON: {error}")),
        Ok(body) => match (call.method.clone(), what) {
            (Method::GET, _) => get(tenant, what, call.query),
            (Method::PUT | Method::POST, _) => put(tenant, what, &body).and_then(|()| get(tenant, what, "")),
            (Method::DELETE, "calls" | "mail") => put(tenant, what, &Value::Null).and_then(|()| get(tenant, what, "")),
            _ => Err("GET and PUT only".to_owned()),
        },
    };
    match done {
        Ok(shown) => Answer::json(200, shown),
        Err(problem) => tenant.refused(&Refusal::new(400, "control", problem), None),
    }
}

fn get(tenant: &mut Tenant, what: &str, query: &str) -> Result<Value, String> {
    let option = |name: &str| {
        form_urlencoded::parse(query.as_bytes()).find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
    };
    Ok(match what {
        "clock" => tenant.clock.show(),
        "latency" => tenant.state.latency.show(),
        "quotas" => tenant.quotas.show(tenant.state.users.len()),
        "faults" if option("unfired").is_some_and(|value| value == "true") => tenant.faults.unfired().into(),
        "faults" => tenant.faults.show(),
        "mail" => tenant.state.outbox.show(),
        "concurrency" => tenant.concurrency.show(),
        "delta" => tenant.state.delta_pages.show(),
        "access-pass-policy" => tenant.state.access_pass.show(),
        "collaboration" => tenant.state.collaboration.show(),
        "calls" => {
            let since = option("since").map_or(Ok(0), |text| text.parse()).map_err(|_| "`since` is not a number")?;
            json!({"last": tenant.calls.last(), "calls": tenant.calls.since(since)})
        }
        "reset" | "snapshot" => tenant.snapshot(option("timeless").is_some_and(|value| value == "true")),
        "seats" => seats(tenant),
        _ if ["objects/", "sign-ins/", "redemptions/"].iter().any(|place| what.starts_with(place)) => Value::Null,
        _ => return Err(format!("`/_control/{what}` does not exist")),
    })
}

fn put(tenant: &mut Tenant, what: &str, body: &Value) -> Result<(), String> {
    match what {
        "clock" => tenant.clock.put(body)?,
        "latency" => tenant.state.latency.put(body)?,
        "quotas" => tenant.quotas.put(body)?,
        "faults" => tenant.faults.put(body)?,
        "calls" => tenant.calls.clear(),
        "mail" => tenant.state.outbox.clear(),
        "concurrency" => tenant.concurrency.put(body)?,
        "delta" => {
            tenant.state.delta_pages.put(body)?;
            if body.get("forget") == Some(&Value::Bool(true)) {
                tenant.state.journal.forget();
            }
        }
        "access-pass-policy" => tenant.state.access_pass.put(body)?,
        "collaboration" => tenant.state.collaboration.put(body)?,
        "seats" => set_seats(tenant, body)?,
        "reset" => match body {
            Value::Object(seed) if !seed.is_empty() => {
                *tenant = Tenant::from_seed(body, tenant.options.clone()).map_err(|error| error.to_string())?;
            }
            _ => tenant.reset(),
        },
        _ => match what.split_once('/').map(|(place, id)| (place, guid(id))) {
            Some(("objects", Some(id))) => write_past(tenant, id, body)?,
            Some(("sign-ins", Some(id))) => sign_ins::sign_in(&mut tenant.state, id, body)?,
            Some(("redemptions", Some(id))) => sign_ins::redeem(&mut tenant.state, id, body)?,
            _ => return Err(format!("`/_control/{what}` does not exist")),
        },
    }
    Ok(())
}

fn seats(tenant: &Tenant) -> Value {
    let seats = tenant.state.skus.iter().map(|(id, sku)| {
        let enabled = sku.properties.get("prepaidUnits").and_then(|units| units.get("enabled"));
        (id.to_string(), json!({"enabled": enabled, "free": sku.free()}))
    });
    Value::Object(seats.collect())
}

fn set_seats(tenant: &mut Tenant, body: &Value) -> Result<(), String> {
    for (id, enabled) in body.as_object().ok_or("seats are not an object")? {
        let enabled = enabled.as_u64().ok_or_else(|| format!("`{id}` is not a whole number"))?;
        let sku = guid(id)
            .and_then(|id| tenant.state.skus.get_mut(&id))
            .ok_or_else(|| format!("`{id}` is not a subscribed SKU"))?;
        sku.set_enabled(enabled);
    }
    Ok(())
}

fn write_past(tenant: &mut Tenant, id: crate::ids::Guid, body: &Value) -> Result<(), String> {
    let changes: Map<String, Value> = body.as_object().ok_or("properties are not an object")?.clone();
    if tenant.state.user(id).is_some() {
        tenant.state.edit_user(id, |user| users::merge(&mut user.properties, changes));
    } else if tenant.state.group(id).is_some() {
        tenant.state.edit_group(id, |group| users::merge(&mut group.properties, changes));
    } else {
        return Err(format!("`{id}` does not exist"));
    }
    Ok(())
}
