//! The emulated tenant, asked over HTTP: what is in it, what was called, what time it is. Nothing here asks Joinery.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use url::Url;

use crate::scenario::Facts;

/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Why the tenant does not answer.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    /// Not at all, or with an error.
    #[error("the emulator did not answer")]
    Silent(#[from] reqwest::Error),
    /// Something else than it promises.
    #[error("the emulator's answer lacks `{0}`")]
    Lacking(&'static str),
}

/// A way to the emulator.
#[derive(Debug, Clone)]
pub struct Tenant {
    http: reqwest::Client,
    base: Url,
    /// Part numbers by product id.
    products: BTreeMap<String, String>,
}

/// One call that changed, or was to change, the tenant.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its number: calls are numbered in order.
    pub number: u64,
    /// POST, PATCH, PUT or DELETE.
    pub method: String,
    /// Below `/v1.0`.
    pub path: String,
    /// The answer.
    pub status: u16,
    /// Ids of the objects it is about.
    pub subjects: Vec<String>,
    /// What it says.
    pub body: Value,
}

impl Tenant {
    /// The emulator at this address; the seed tells the products' part numbers.
    pub fn at(base: Url, seed: &Value) -> Result<Self, TenantError> {
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_MAX).build()?;
        let products =
            list(seed, "subscribedSkus").filter_map(|sku| Some((text(sku, "skuId")?, text(sku, "skuPartNumber")?)));
        Ok(Self { http, base, products: products.collect() })
    }

    async fn get(&self, what: &str) -> Result<Value, TenantError> {
        let url = format!("{}_control/{what}", self.base);
        Ok(self.http.get(url).send().await?.error_for_status()?.json().await?)
    }

    /// Changes something behind the stage.
    pub async fn put(&self, what: &str, body: &Value) -> Result<(), TenantError> {
        let url = format!("{}_control/{what}", self.base);
        self.http.put(url).json(body).send().await?.error_for_status()?;
        Ok(())
    }

    /// Stops the clock at an instant.
    pub async fn set_clock(&self, now: Timestamp) -> Result<(), TenantError> {
        self.put("clock", &json!({"now": now.to_string(), "running": false})).await
    }

    /// Every write after a call's number, and the number of the last call.
    pub async fn writes(&self, since: u64) -> Result<(Vec<Call>, u64), TenantError> {
        let answer = self.get(&format!("calls?since={since}")).await?;
        let last = answer.get("last").and_then(Value::as_u64).ok_or(TenantError::Lacking("last"))?;
        let calls = list(&answer, "calls").filter_map(Call::read).filter(Call::is_write);
        Ok((calls.collect(), last))
    }

    /// All of it, as it really is: without replicas in between.
    pub async fn snapshot(&self) -> Result<Snapshot, TenantError> {
        let root = self.get("snapshot?timeless=true").await?;
        if root.get("users").is_none() {
            return Err(TenantError::Lacking("users"));
        }
        Ok(Snapshot { root, products: self.products.clone() })
    }
}

impl Call {
    fn read(value: &Value) -> Option<Self> {
        let related = list(value, "related").filter_map(Value::as_str).map(str::to_owned);
        Some(Self {
            number: value.get("seq").and_then(Value::as_u64)?,
            method: text(value, "method")?,
            path: text(value, "path")?.trim_start_matches("/v1.0").to_owned(),
            status: value.get("status").and_then(Value::as_u64).and_then(|status| status.try_into().ok())?,
            subjects: text(value, "subject").into_iter().chain(related).collect(),
            body: value.get("body").cloned().unwrap_or_default(),
        })
    }

    fn is_write(&self) -> bool {
        self.method != "GET" && !self.path.ends_with("/token") && self.path != "/$batch"
    }

    /// Its method, the last word of its path that is no id, and its answer.
    pub fn brief(&self) -> String {
        let last = self.path.rsplit('/').find(|word| *word != "$ref" && !is_guid(word)).unwrap_or_default();
        format!("{} {last} {}", self.method, self.status)
    }

    /// Whether it is about this account, or makes the one with this anchor.
    pub fn is_about(&self, account: Option<&str>, anchor: &str) -> bool {
        let made = self.path == "/users" && values(&self.body).any(|value| value.as_str() == Some(anchor));
        made || account.is_some_and(|id| self.subjects.iter().any(|subject| subject == id) || self.path.contains(id))
    }
}

/// The tenant at one instant.
#[derive(Debug, Clone)]
pub struct Snapshot {
    root: Value,
    products: BTreeMap<String, String>,
}

impl Snapshot {
    /// The account whose anchor names this person.
    fn account(&self, anchor: &str) -> Option<&Value> {
        list(&self.root, "users").find(|user| {
            let mut properties = user.as_object().into_iter().flatten();
            properties.any(|(name, value)| name.starts_with("extension_") && value.as_str() == Some(anchor))
        })
    }

    /// The id of the account whose anchor names this person.
    pub fn account_id(&self, anchor: &str) -> Option<String> {
        text(self.account(anchor)?, "id")
    }

    /// What the tenant shows of a person; see [`crate::scenario::FACTS`].
    pub fn facts(&self, anchor: &str) -> Facts {
        let Some(user) = self.account(anchor) else { return Facts::from([("upn".into(), json!(""))]) };
        let id = text(user, "id").unwrap_or_default();
        let groups =
            list(&self.root, "groups").filter(|group| list(group, "members").any(|member| member == id.as_str()));
        let groups: BTreeSet<_> = groups.filter_map(|group| text(group, "displayName")).collect();
        let licenses: BTreeSet<_> = list(user, "assignedLicenses")
            .filter_map(|license| text(license, "skuId"))
            .map(|sku| self.product(&sku))
            .collect();
        let address = |id: &str| {
            let user = list(&self.root, "users").find(|user| text(user, "id").is_some_and(|own| own == id))?;
            text(user, "userPrincipalName")
        };
        let sponsors: BTreeSet<_> = list(user, "sponsors").filter_map(|id| address(id.as_str()?)).collect();
        let is_password = |method: &&Value| method.to_string().contains("passwordAuthenticationMethod");
        let methods = list(user, "authenticationMethods").filter(|method| !is_password(method)).count();
        let property = |name: &str| user.get(name).cloned().unwrap_or_default();
        Facts::from([
            ("id".into(), json!(id)),
            ("upn".into(), property("userPrincipalName")),
            ("user_type".into(), property("userType")),
            ("invitation".into(), property("externalUserState")),
            ("mail".into(), property("mail")),
            ("sponsors".into(), json!(sponsors)),
            ("display_name".into(), property("displayName")),
            ("enabled".into(), property("accountEnabled")),
            ("location".into(), property("usageLocation")),
            ("department".into(), property("department")),
            ("manager".into(), json!(text(user, "manager").and_then(|id| address(&id)))),
            ("groups".into(), json!(groups)),
            ("licenses".into(), json!(licenses)),
            ("methods".into(), json!(methods)),
        ])
    }

    /// Seats taken and free, by part number.
    pub fn seats(&self) -> BTreeMap<String, [i64; 2]> {
        let number = |sku: &Value, name: &str| sku.get(name).and_then(Value::as_i64).unwrap_or(-1);
        let seats = list(&self.root, "seats").filter_map(|sku| {
            Some((self.product(&text(sku, "skuId")?), [number(sku, "consumed"), number(sku, "free")]))
        });
        seats.collect()
    }

    /// What people call an object or a product, by its id.
    pub fn names(&self) -> BTreeMap<String, String> {
        let objects = list(&self.root, "users").chain(list(&self.root, "groups"));
        let objects = objects.filter_map(|object| Some((text(object, "id")?, text(object, "displayName")?)));
        objects.chain(self.products.clone()).collect()
    }

    /// Everything but these people: their accounts and their memberships.
    pub fn without(&self, people: &BTreeSet<String>) -> BTreeMap<String, Value> {
        let keep = |object: &Value| {
            let id = text(object, "id").filter(|id| !people.contains(id))?;
            let mut object = object.as_object().cloned().unwrap_or_default();
            if let Some(Value::Array(members)) = object.get_mut("members") {
                members.retain(|member| member.as_str().is_none_or(|id| !people.contains(id)));
            }
            Some((id, Value::Object(object)))
        };
        list(&self.root, "users").chain(list(&self.root, "groups")).filter_map(keep).collect()
    }

    fn product(&self, sku: &str) -> String {
        self.products.get(sku).cloned().unwrap_or_else(|| sku.to_owned())
    }
}

fn is_guid(word: &str) -> bool {
    word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn values(body: &Value) -> impl Iterator<Item = &Value> {
    body.as_object().into_iter().flat_map(Map::values)
}
