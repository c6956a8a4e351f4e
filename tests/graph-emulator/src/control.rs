//! `/_control/…`: the strings behind the stage. None of this exists in Microsoft Graph.
//!
//! | Path | GET | PUT |
//! |---|---|---|
//! | `clock` | `{"now","running"}` | `{"now"?, "advance_ms"?, "running"?}` |
//! | `latency` | settings | `{"settle_ms"?, "replicas"?, "seed"?, "answer_ms"?, "license_ms"?, "membership_ms"?}` |
//! | `quotas` | limits and use | `{"enabled"?, "app_tenant_reads"?: {"limit","window_ms"?}, …}` |
//! | `faults` | list with `fired` | a list of faults, replacing all |
//! | `calls` (`?since=N`) | `{"last","calls"}` | anything: clears (so does DELETE) |
//! | `reset` | the canonical snapshot | nothing or `{}`: back to the seed; a seed: start over with it |
//! | `snapshot` (`?timeless=true`) | the canonical snapshot | – |
//! | `seats` | `{skuId: {"enabled","free"}}` | `{skuId: enabled}`: buys or returns seats |
//! | `objects/{id}` | – | properties to write past all rules: what AD DS, Exchange or an invited person does by themselves |

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value, json};

use crate::ids::guid;
use crate::refusal::Refusal;
use crate::tenant::Tenant;
use crate::users;
use crate::wire::{Answer, Call};

/// Answers a control call; its problems are 400 with a plain message.
pub(crate) fn answer(tenant: &mut Tenant, call: &Call<'_>, what: &str) -> Answer {
    let body = if call.body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice::<Value>(call.body) };
    let done = match body {
        Err(error) => Err(format!("the body is not JSON: {error}")),
        Ok(body) => match (call.method.clone(), what) {
            (Method::GET, _) => get(tenant, what, call.query),
            (Method::PUT | Method::POST, _) => put(tenant, what, &body).and_then(|()| get(tenant, what, "")),
            (Method::DELETE, "calls") => put(tenant, what, &Value::Null).and_then(|()| get(tenant, what, "")),
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
        "faults" => tenant.faults.show(),
        "calls" => {
            let since = option("since").map_or(Ok(0), |text| text.parse()).map_err(|_| "`since` is not a number")?;
            json!({"last": tenant.calls.last(), "calls": tenant.calls.since(since)})
        }
        "reset" | "snapshot" => tenant.snapshot(option("timeless").is_some_and(|value| value == "true")),
        "seats" => seats(tenant),
        _ if what.starts_with("objects/") => Value::Null,
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
        "seats" => set_seats(tenant, body)?,
        "reset" => match body {
            Value::Object(seed) if !seed.is_empty() => {
                *tenant = Tenant::from_seed(body, tenant.options.clone()).map_err(|error| error.to_string())?;
            }
            _ => tenant.reset(),
        },
        _ => match what.strip_prefix("objects/").and_then(guid) {
            Some(id) => write_past(tenant, id, body)?,
            None => return Err(format!("`/_control/{what}` does not exist")),
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
        if let Some(units) = Arc::make_mut(&mut sku.properties).get_mut("prepaidUnits").and_then(Value::as_object_mut) {
            units.insert("enabled".into(), json!(enabled));
        }
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
