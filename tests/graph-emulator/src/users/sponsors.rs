//! Who answers for a guest. Sources: "user: list sponsors", "user: add sponsors", "user: remove sponsors".

use serde_json::Value;

use super::relations::{reference, referred};
use crate::ids::{Guid, guid};
use crate::lists::{self, Object};
use crate::refusal::Refusal;
use crate::wire::{Answer, Request, Served};

/// A guest has at most so many sponsors, and an invitation names as many.
pub(crate) const SPONSORS_MAX: usize = 5;

/// `GET /users/{id}/sponsors`
pub(crate) fn list(request: &mut Request<'_>) -> Served {
    let (_, user) = request.state.find_user(request.view, request.param(0))?;
    let found: Vec<Object<'_>> =
        user.sponsors.iter().filter_map(|id| request.state.object(request.view, *id)).collect();
    lists::related(request, "directoryObjects", None, found)
}

/// `POST /users/{id}/sponsors/$ref`
pub(crate) fn add(request: &mut Request<'_>) -> Served {
    let (id, _) = request.state.find_user(request.view, request.param(0))?;
    let sponsor = reference(request)?;
    request.state.object(request.view, sponsor).ok_or_else(|| Refusal::missing(sponsor))?;
    let sponsors = request.state.user(id).map(|user| user.sponsors.clone()).unwrap_or_default();
    if sponsors.contains(&sponsor) {
        return Err(Refusal::bad(
            "One or more added object references already exist for the following modified properties: 'sponsors'.",
        ));
    }
    if sponsors.len() >= SPONSORS_MAX {
        return Err(too_many());
    }
    request.state.edit_user(id, |user| {
        user.sponsors.insert(sponsor);
    });
    Ok(Answer::no_content())
}

/// `DELETE /users/{id}/sponsors/{sponsor}/$ref`
pub(crate) fn remove(request: &mut Request<'_>) -> Served {
    let (id, _) = request.state.find_user(request.view, request.param(0))?;
    let text = request.param(1);
    let sponsor = guid(text).ok_or_else(|| Refusal::not_a_guid(text))?;
    if !request.state.user(id).is_some_and(|user| user.sponsors.contains(&sponsor)) {
        return Err(Refusal::missing(sponsor));
    }
    request.state.edit_user(id, |user| {
        user.sponsors.remove(&sponsor);
    });
    Ok(Answer::no_content())
}

/// The sponsors that an invitation names: objects with an id, or references. An application is nobody's sponsor, so a guest
/// invited by one has those that are named, or none.
pub(super) fn named(request: &Request<'_>, list: &Value) -> Result<Vec<Guid>, Refusal> {
    let mut sponsors = Vec::new();
    for item in list.as_array().into_iter().flatten() {
        let id = match item.get("id").and_then(Value::as_str) {
            Some(text) => guid(text).ok_or_else(|| Refusal::not_a_guid(text))?,
            None => referred(item.get("@odata.id").unwrap_or(item))?,
        };
        request.state.object(request.view, id).ok_or_else(|| Refusal::missing(id))?;
        sponsors.push(id);
    }
    if sponsors.len() > SPONSORS_MAX {
        return Err(too_many());
    }
    Ok(sponsors)
}

fn too_many() -> Refusal {
    Refusal::bad(format!("A user can have at most {SPONSORS_MAX} sponsors."))
}
