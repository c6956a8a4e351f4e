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
    /// Whose members the policy includes; `None`: everybody.
    pub groups: Option<Vec<Guid>>,
}

impl Default for AccessPassPolicy {
    /// The documented defaults, except that it is switched on.
    fn default() -> Self {
        Self {
            enabled: true,
            default_minutes: 60,
            least_minutes: 60,
            most_minutes: 480,
            length: 8,
            once: false,
            groups: None,
        }
    }
}

impl AccessPassPolicy {
    pub(crate) fn show(&self) -> Value {
        json!({
            "enabled": self.enabled, "default_minutes": self.default_minutes, "least_minutes": self.least_minutes,
            "most_minutes": self.most_minutes, "length": self.length, "once": self.once,
            "groups": self.groups.as_ref().map(|groups| groups.iter().map(ToString::to_string).collect::<Vec<_>>()),
        })
    }

    /// Changes what is named and leaves the rest; the name of a wrong member is the error.
    pub(crate) fn put(&mut self, body: &Value) -> Result<(), String> {
        let mut next = self.clone();
        for (name, value) in body.as_object().ok_or("a policy is not an object")? {
            let wrong = || format!("`{name}` is not known, or not of the right type");
            match (name.as_str(), value.as_bool(), value.as_i64()) {
                ("enabled", Some(flag), _) => next.enabled = flag,
                ("once", Some(flag), _) => next.once = flag,
                ("default_minutes", _, Some(minutes)) => next.default_minutes = minutes,
                ("least_minutes", _, Some(minutes)) => next.least_minutes = minutes,
                ("most_minutes", _, Some(minutes)) => next.most_minutes = minutes,
                ("length", _, Some(length)) => next.length = u64::try_from(length).map_err(|_| wrong())?,
                ("groups", ..) if value.is_null() => next.groups = None,
                ("groups", ..) => {
                    let ids = value.as_array().ok_or_else(wrong)?.iter().map(|id| guid(id.as_str()?));
                    next.groups = Some(ids.collect::<Option<_>>().ok_or_else(wrong)?);
                }
                _ => return Err(wrong()),
            }
        }
        let minutes = [10, next.least_minutes, next.default_minutes, next.most_minutes, 43_200];
        if !minutes.is_sorted() || !(8..=48).contains(&next.length) {
            return Err("a pass lives for 10 to 43200 minutes and has 8 to 48 characters".to_owned());
        }
        *self = next;
        Ok(())
    }
}

/// Which domains guests may come from: "Allow or block invites to B2B users from specific organizations".
#[derive(Clone, Debug, Default)]
pub(crate) struct Collaboration {
    /// If any are named, only from these.
    pub allowed: Vec<String>,
    pub blocked: Vec<String>,
}

impl Collaboration {
    pub(crate) fn admits(&self, domain: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|own| own.eq_ignore_ascii_case(domain));
        (self.allowed.is_empty() || named(&self.allowed)) && !named(&self.blocked)
    }

    pub(crate) fn show(&self) -> Value {
        json!({"allowedDomains": self.allowed, "blockedDomains": self.blocked})
    }

    /// Changes what is named and leaves the rest. There is one list or the other, never both.
    pub(crate) fn put(&mut self, body: &Value) -> Result<(), String> {
        let mut next = self.clone();
        for (name, value) in body.as_object().ok_or("a collaboration policy is not an object")? {
            let list =
                value.as_array().map(|items| items.iter().filter_map(Value::as_str).map(str::to_owned).collect());
            let list: Vec<String> = list.ok_or_else(|| format!("`{name}` is not a list"))?;
            match name.as_str() {
                "allowedDomains" => next.allowed = list,
                "blockedDomains" => next.blocked = list,
                _ => return Err(format!("`{name}` is not known")),
            }
        }
        if !next.allowed.is_empty() && !next.blocked.is_empty() {
            return Err("domains are either allowed or blocked".to_owned());
        }
        *self = next;
        Ok(())
    }
}

pub(super) fn plant(state: &mut State, document: &Map<String, Value>) -> Checked<()> {
    plant_organization(state, document)?;
    plant_domains(state, document)?;
    plant_applications(state, document)?;
    plant_policies(state, document)?;
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

fn plant_policies(state: &mut State, document: &Map<String, Value>) -> Checked<()> {
    if let Some(item) = document.get("accessPassPolicy") {
        state.access_pass.put(item).or_else(|problem| fault("accessPassPolicy", problem))?;
    }
    if let Some(item) = document.get("collaboration") {
        state.collaboration.put(item).or_else(|problem| fault("collaboration", problem))?;
    }
    Ok(())
}
