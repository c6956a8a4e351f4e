//! The tenant itself: organization, domains, extension properties, and objects by bare id.

use serde_json::Value;

use crate::ids::guid;
use crate::licenses::select;
use crate::lists::Selection;
use crate::properties::is_extension;
use crate::refusal::Refusal;
use crate::seed::Extension;
use crate::wire::{Answer, Request, Served};

/// `getByIds` takes at most so many.
const IDS_MAX: usize = 1000;

/// `GET /organization`
pub(crate) fn organization(request: &mut Request<'_>) -> Served {
    let item = select(request, &request.state.organization, &[])?;
    Ok(request.collection("organization", [Value::Object(item)]))
}

/// `GET /domains`
pub(crate) fn domains(request: &mut Request<'_>) -> Served {
    let domains = request.state.domains.iter().map(|domain| select(request, domain, &[]).map(Value::Object));
    let domains = domains.collect::<Result<Vec<Value>, _>>()?;
    Ok(request.collection("domains", domains))
}

/// `GET /domains/{id}`
pub(crate) fn domain(request: &mut Request<'_>) -> Served {
    let key = request.param(0);
    let named = |domain: &&crate::entity::Properties| domain.get("id").is_some_and(|id| id == key);
    let found = request.state.domains.iter().find(named).ok_or_else(|| Refusal::missing(key))?;
    Ok(Answer::json(200, Value::Object(select(request, found, &[])?)))
}

/// `GET /directoryObjects/{id}`
pub(crate) fn directory_object(request: &mut Request<'_>) -> Served {
    let key = request.param(0);
    let id = guid(key).ok_or_else(|| Refusal::not_a_guid(key))?;
    let object = request.state.object(request.view, id).ok_or_else(|| Refusal::missing(key))?;
    let mut body = object.render(&Selection::Default);
    if let Some(body) = body.as_object_mut() {
        body.insert("@odata.context".into(), request.context("directoryObjects/$entity"));
    }
    Ok(Answer::json(200, body))
}

/// `POST /directoryObjects/getByIds`: what is missing is left out.
pub(crate) fn get_by_ids(request: &mut Request<'_>) -> Served {
    let body = request.object()?;
    let ids = body.get("ids").and_then(Value::as_array);
    let ids = ids.ok_or_else(|| crate::users::relations::missing_parameter("getByIds", "ids"))?;
    if ids.len() > IDS_MAX {
        return Err(Refusal::bad(format!("The number of ids must not exceed {IDS_MAX}.")));
    }
    let types: Option<Vec<&str>> =
        body.get("types").and_then(Value::as_array).map(|types| types.iter().filter_map(Value::as_str).collect());
    let mut found = Vec::new();
    for text in ids {
        let text = text.as_str().unwrap_or_default();
        let id = guid(text).ok_or_else(|| Refusal::not_a_guid(text))?;
        let Some(object) = request.state.object(request.view, id) else { continue };
        let shown = object.render(&Selection::Default);
        let own = shown
            .get("@odata.type")
            .and_then(Value::as_str)
            .and_then(|name| name.rsplit('.').next().map(str::to_owned));
        if types.as_ref().is_none_or(|types| own.is_some_and(|own| types.contains(&own.as_str()))) {
            found.push(shown);
        }
    }
    Ok(request.collection("directoryObjects", found))
}

/// `GET /applications/{id}/extensionProperties`
pub(crate) fn list_extensions(request: &mut Request<'_>) -> Served {
    let application = application(request)?;
    let mine = |extension: &&Extension| extension.name.contains(&application.replace('-', ""));
    let shown = request.state.extensions.iter().filter(mine).map(Extension::show);
    Ok(request.collection("applications/extensionProperties", shown))
}

/// `POST /applications/{id}/extensionProperties`
pub(crate) fn create_extension(request: &mut Request<'_>) -> Served {
    let body = request.object()?;
    let application = application(request)?;
    let text =
        |name: &str| body.get(name).and_then(Value::as_str).ok_or_else(|| Refusal::required(name, "ExtensionProperty"));
    let (own, data_type) = (text("name")?, text("dataType")?);
    if !["Binary", "Boolean", "DateTime", "Integer", "LargeInteger", "String"].contains(&data_type) {
        return Err(Refusal::invalid("dataType", "ExtensionProperty"));
    }
    let targets: Vec<String> = body
        .get("targetObjects")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let name = format!("extension_{}_{own}", application.replace('-', ""));
    if targets.is_empty() || !is_extension(&name) {
        return Err(Refusal::invalid(if targets.is_empty() { "targetObjects" } else { "name" }, "ExtensionProperty"));
    }
    let extension = Extension { id: request.state.draw.guid(), name, data_type: data_type.to_owned(), targets };
    let extensions = &mut request.state.extensions;
    if extensions.iter().any(|own| own.name == extension.name) {
        return Err(Refusal::bad("An extension property exists with the name."));
    }
    let mut shown = extension.show();
    extensions.push(extension);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("@odata.context".into(), request.context("applications/extensionProperties/$entity"));
    }
    Ok(Answer::json(201, shown))
}

/// The client id of the application that the path names by client id or object id (here the same).
fn application(request: &Request<'_>) -> Result<String, Refusal> {
    let key = request.param(0);
    guid(key).map(|id| id.to_string()).ok_or_else(|| Refusal::not_a_guid(key))
}

/// `GET /directory/deletedItems` without a cast.
pub(crate) fn cast_required(_: &mut Request<'_>) -> Served {
    Err(Refusal::bad("The list of deleted items needs a cast to a type."))
}
