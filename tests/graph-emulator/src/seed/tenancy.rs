//! Organization, domains, applications, extension properties.

use serde_json::{Map, Value, json};

use super::{Checked, fault, list, object};
use crate::entity::Properties;
use crate::ids::{Guid, guid};
use crate::state::State;

/// A directory extension property.
#[derive(Clone, Debug)]
pub(crate) struct Extension {
    pub id: Guid,
    pub name: String,
    pub data_type: String,
    pub targets: Vec<String>,
}

impl Extension {
    pub(crate) fn show(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "deletedDateTime": null,
            "appDisplayName": "",
            "name": self.name,
            "dataType": self.data_type,
            "isMultiValued": false,
            "isSyncedFromOnPremises": false,
            "targetObjects": self.targets,
        })
    }
}

/// An application that may ask for tokens.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    pub app_id: String,
    /// `None`: it has federated credentials only.
    pub secret: Option<String>,
    /// Application permissions.
    pub roles: Vec<String>,
    /// Directory roles of its service principal.
    pub directory_roles: Vec<String>,
}

/// What the authentication methods policy says about Temporary Access Passes.
#[derive(Clone, Debug)]
pub(crate) struct AccessPassPolicy {
    pub enabled: bool,
    pub default_minutes: i64,
    pub least_minutes: i64,
    pub most_minutes: i64,
    pub length: u64,
    pub once: bool,
}

impl Default for AccessPassPolicy {
    /// The documented defaults, except that it is switched on.
    fn default() -> Self {
        Self { enabled: true, default_minutes: 60, least_minutes: 60, most_minutes: 480, length: 8, once: false }
    }
}

pub(super) fn plant(state: &mut State, document: &Map<String, Value>) -> Checked<()> {
    plant_organization(state, document)?;
    plant_domains(state, document)?;
    plant_applications(state, document)?;
    plant_access_pass(state, document)?;
    if document.contains_key("extensionProperties") {
        state.any_extension = false;
    }
    for (index, item) in list(document, "extensionProperties")?.iter().enumerate() {
        let path = format!("extensionProperties[{index}]");
        let name = item.as_str().or_else(|| item.get("name").and_then(Value::as_str)).unwrap_or_default();
        if !crate::properties::is_extension(name) {
            return fault(path, "not `extension_{32 hex}_{name}`");
        }
        let data_type = item.get("dataType").and_then(Value::as_str).unwrap_or("String").to_owned();
        let targets = vec!["User".to_owned(), "Group".to_owned()];
        state.extensions.push(Extension { id: State::id_of_name(name), name: name.to_owned(), data_type, targets });
    }
    Ok(())
}

fn plant_organization(state: &mut State, document: &Map<String, Value>) -> Checked<()> {
    let mut organization = match document.get("organization") {
        None | Some(Value::Null) => Properties::new(),
        Some(Value::Array(items)) if items.len() == 1 => {
            object("organization", items.first().unwrap_or(&Value::Null))?.clone()
        }
        Some(item) => object("organization", item)?.clone(),
    };
    let id = organization.entry("id").or_insert_with(|| json!("aaaaaaaa-0000-4000-8000-000000000001"));
    if id.as_str().and_then(guid).is_none() {
        return fault("organization.id", "not a GUID");
    }
    organization.entry("displayName").or_insert_with(|| json!("Contoso"));
    organization.entry("countryLetterCode").or_insert(Value::Null);
    organization.entry("defaultUsageLocation").or_insert(Value::Null);
    state.organization = organization;
    Ok(())
}

/// Domains as given, else the organization's verified ones, else those of the seeded people.
fn given_domains(state: &State, document: &Map<String, Value>) -> Checked<Vec<Value>> {
    let given = list(document, "domains")?;
    if !given.is_empty() {
        return Ok(given.to_vec());
    }
    let verified = state.organization.get("verifiedDomains").and_then(Value::as_array).into_iter().flatten();
    let verified: Vec<Value> = verified
        .map(|domain| json!({"id": domain.get("name"), "isDefault": domain.get("isDefault"), "isInitial": domain.get("isInitial")}))
        .collect();
    if !verified.is_empty() {
        return Ok(verified);
    }
    let upns = list(document, "users")?.iter().filter_map(|user| user.get("userPrincipalName")?.as_str());
    let mut names: Vec<&str> = upns.filter_map(|upn| upn.rsplit('@').next()).collect();
    names.sort_unstable();
    names.dedup();
    Ok(if names.is_empty() {
        vec![json!("contoso.example")]
    } else {
        names.into_iter().map(|name| json!(name)).collect()
    })
}

fn plant_domains(state: &mut State, document: &Map<String, Value>) -> Checked<()> {
    for (index, item) in given_domains(state, document)?.iter().enumerate() {
        let mut domain = match item {
            Value::String(id) => Properties::from_iter([("id".to_owned(), json!(id))]),
            item => object(&format!("domains[{index}]"), item)?.clone(),
        };
        domain.retain(|_, value| !value.is_null());
        let Some(id) = domain.get("id").and_then(Value::as_str) else {
            return fault(format!("domains[{index}].id"), "missing");
        };
        let initial = id.contains(".onmicrosoft.");
        for (name, value) in [
            ("authenticationType", json!("Managed")),
            ("isAdminManaged", json!(true)),
            ("isDefault", json!(index == 0)),
            ("isInitial", json!(initial)),
            ("isRoot", json!(true)),
            ("isVerified", json!(true)),
            ("supportedServices", json!(["Email", "OfficeCommunicationsOnline"])),
        ] {
            domain.entry(name).or_insert(value);
        }
        state.domains.push(domain);
    }
    let verified = state.domains.iter().filter(|domain| domain.get("isVerified") == Some(&Value::Bool(true)));
    let shown = verified.map(|domain| {
        json!({
            "capabilities": "Email, OfficeCommunicationsOnline", "isDefault": domain.get("isDefault"),
            "isInitial": domain.get("isInitial"), "name": domain.get("id"), "type": "Managed",
        })
    });
    let shown = shown.collect::<Value>();
    state.organization.entry("verifiedDomains").or_insert(shown);
    Ok(())
}

fn plant_applications(state: &mut State, document: &Map<String, Value>) -> Checked<()> {
    for (index, item) in list(document, "applications")?.iter().enumerate() {
        let path = format!("applications[{index}]");
        let item = object(&path, item)?;
        let Some(app_id) = item.get("appId").and_then(Value::as_str) else { return fault(path + ".appId", "missing") };
        let texts = |name: &str| -> Checked<Vec<String>> {
            let items = list(item, name).or_else(|_| fault(format!("{path}.{name}"), "not a list"))?;
            Ok(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        };
        state.applications.push(Application {
            app_id: app_id.to_owned(),
            secret: item.get("secret").and_then(Value::as_str).map(str::to_owned),
            roles: texts("roles")?,
            directory_roles: texts("directoryRoles")?,
        });
    }
    Ok(())
}

fn plant_access_pass(state: &mut State, document: &Map<String, Value>) -> Checked<()> {
    let Some(item) = document.get("accessPassPolicy") else { return Ok(()) };
    let policy = &mut state.access_pass;
    for (name, value) in object("accessPassPolicy", item)? {
        let wrong =
            |()| -> Checked<u64> { fault(format!("accessPassPolicy.{name}"), "not known, or not of the right type") };
        match (name.as_str(), value.as_bool(), value.as_i64()) {
            ("enabled", Some(flag), _) => policy.enabled = flag,
            ("once", Some(flag), _) => policy.once = flag,
            ("default_minutes", _, Some(minutes)) => policy.default_minutes = minutes,
            ("least_minutes", _, Some(minutes)) => policy.least_minutes = minutes,
            ("most_minutes", _, Some(minutes)) => policy.most_minutes = minutes,
            ("length", _, Some(length)) => policy.length = u64::try_from(length).or_else(|_| wrong(()))?,
            _ => return wrong(()).map(|_| ()),
        }
    }
    Ok(())
}
