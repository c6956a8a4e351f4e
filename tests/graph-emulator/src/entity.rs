//! Users and groups as the tenant stores them, and what a reader may see of them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock::graph_time;
use crate::groups::dynamic::Rule;
use crate::ids::Guid;

/// Properties by name, as Graph spells them.
pub(crate) type Properties = Map<String, Value>;

/// The two kinds of directory objects that the emulator stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Group,
}

impl Kind {
    /// As error texts name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// As `@odata.type` names it.
    pub(crate) fn odata(self) -> &'static str {
        match self {
            Self::User => "#microsoft.graph.user",
            Self::Group => "#microsoft.graph.group",
        }
    }
}

/// How one source of one license stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Standing {
    Active,
    /// Asked for and refused; the text is the `error` value. Nothing is held.
    Failed(&'static str),
    /// Still held although its source is gone: taking it away would break another product.
    Stranded,
}

/// One license on one user from one source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    pub sku: Guid,
    pub disabled: Vec<Guid>,
    /// The group it comes from; `None` is direct.
    pub by_group: Option<Guid>,
    pub standing: Standing,
    pub at: Timestamp,
}

impl Assignment {
    /// Whether it gives the user anything, and so takes a seat.
    pub(crate) fn held(&self) -> bool {
        !matches!(self.standing, Standing::Failed(_))
    }
}

/// A service plan that the user has or had.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub enabled: bool,
    pub at: Timestamp,
}

/// One user. A deleted one is kept until its purge.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    pub properties: Properties,
    pub manager: Option<Guid>,
    /// Users and groups who answer for a guest.
    pub sponsors: BTreeSet<Guid>,
    pub licenses: Vec<Assignment>,
    /// By service plan id. What was taken away stays listed as deleted.
    pub plans: BTreeMap<Guid, Plan>,
    /// Authentication methods, with `@odata.type`.
    pub methods: Vec<Value>,
    /// Names of directory roles; anybody with one is privileged.
    pub roles: Vec<String>,
    pub deleted: Option<Timestamp>,
}

impl User {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.properties.get(name).and_then(Value::as_str)
    }

    pub(crate) fn upn(&self) -> &str {
        self.text("userPrincipalName").unwrap_or_default()
    }

    pub(crate) fn synced(&self) -> bool {
        self.properties.get("onPremisesSyncEnabled") == Some(&Value::Bool(true))
    }

    pub(crate) fn guest(&self) -> bool {
        self.text("userType") == Some("Guest")
    }

    /// Whether any source gives this license.
    pub(crate) fn holds(&self, sku: Guid) -> bool {
        self.licenses.iter().any(|license| license.sku == sku && license.held())
    }

    /// The licenses in force, each once: `(sku, disabled plans)`, where a plan is disabled only if every source says so.
    pub(crate) fn held_licenses(&self) -> BTreeMap<Guid, Vec<Guid>> {
        let mut held: BTreeMap<Guid, Vec<Guid>> = BTreeMap::new();
        for license in self.licenses.iter().filter(|license| license.held()) {
            held.entry(license.sku)
                .and_modify(|disabled| disabled.retain(|plan| license.disabled.contains(plan)))
                .or_insert_with(|| license.disabled.clone());
        }
        held
    }

    fn license_states(&self) -> Value {
        let state = |license: &Assignment| {
            let (state, error) = match license.standing {
                Standing::Active => ("Active", "None"),
                Standing::Failed(error) => ("Error", error),
                Standing::Stranded => ("Error", "DependencyViolation"),
            };
            json!({
                "skuId": license.sku.to_string(),
                "disabledPlans": texts(&license.disabled),
                "assignedByGroup": license.by_group.map(|group| group.to_string()),
                "state": state,
                "error": error,
                "lastUpdatedDateTime": graph_time(license.at),
            })
        };
        self.licenses.iter().map(state).collect()
    }
}

/// A product that a group hands to its members.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Product {
    pub sku: Guid,
    pub disabled: Vec<Guid>,
}

/// One group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub properties: Properties,
    /// Deleted users stay recorded here and are left out of every answer.
    pub members: Arc<BTreeSet<Guid>>,
    pub owners: Arc<BTreeSet<Guid>>,
    pub products: Vec<Product>,
    /// `licenseProcessingState.state`, once the group has ever been licensed.
    pub processing: Option<&'static str>,
    /// The membership rule, when the emulator understands it.
    pub rule: Option<Arc<Rule>>,
    pub deleted: Option<Timestamp>,
}

impl Group {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.properties.get(name).and_then(Value::as_str)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.properties.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    fn has_type(&self, wanted: &str) -> bool {
        let types = self.properties.get("groupTypes").and_then(Value::as_array);
        types.is_some_and(|types| types.iter().any(|name| name == wanted))
    }

    /// A Microsoft 365 group.
    pub(crate) fn unified(&self) -> bool {
        self.has_type("Unified")
    }

    pub(crate) fn dynamic(&self) -> bool {
        self.has_type("DynamicMembership")
    }

    /// A mail-enabled security group or a distribution list: Exchange keeps it.
    pub(crate) fn kept_by_exchange(&self) -> bool {
        self.flag("mailEnabled") && !self.unified()
    }

    pub(crate) fn synced(&self) -> bool {
        self.flag("onPremisesSyncEnabled")
    }
}

/// What a filter, a selection or a sort can ask of an object.
pub(crate) trait Readable {
    /// The value of a property; null (or an empty list) when it was never set.
    fn read(&self, name: &str) -> Cow<'_, Value>;
}

static NULL: Value = Value::Null;

fn stored<'a>(kind: Kind, properties: &'a Properties, name: &str) -> Cow<'a, Value> {
    match properties.get(name) {
        Some(value) => Cow::Borrowed(value),
        None if crate::properties::find(kind, name).is_some_and(crate::properties::Property::is_list) => {
            Cow::Owned(Value::Array(Vec::new()))
        }
        None => Cow::Borrowed(&NULL),
    }
}

/// Ids as a JSON list.
pub(crate) fn texts<'a>(ids: impl IntoIterator<Item = &'a Guid>) -> Value {
    ids.into_iter().map(|id| Value::String(id.to_string())).collect()
}

impl Readable for (Guid, &User) {
    fn read(&self, name: &str) -> Cow<'_, Value> {
        let (id, user) = *self;
        match name {
            "id" => Cow::Owned(Value::String(id.to_string())),
            "assignedLicenses" => Cow::Owned(
                user.held_licenses()
                    .iter()
                    .map(|(sku, disabled)| json!({"skuId": sku.to_string(), "disabledPlans": texts(disabled)}))
                    .collect(),
            ),
            "licenseAssignmentStates" => Cow::Owned(user.license_states()),
            "assignedPlans" => Cow::Owned(crate::licenses::plans::assigned(&user.plans)),
            // `manager/id` is the one relation that a filter reaches.
            "manager" => Cow::Owned(user.manager.map_or(Value::Null, |id| json!({"id": id.to_string()}))),
            _ => stored(Kind::User, &user.properties, name),
        }
    }
}

impl Readable for (Guid, &Group) {
    fn read(&self, name: &str) -> Cow<'_, Value> {
        let (id, group) = *self;
        match name {
            "id" => Cow::Owned(Value::String(id.to_string())),
            "assignedLicenses" => Cow::Owned(
                group
                    .products
                    .iter()
                    .map(|product| json!({"skuId": product.sku.to_string(), "disabledPlans": texts(&product.disabled)}))
                    .collect(),
            ),
            "licenseProcessingState" => {
                Cow::Owned(group.processing.map_or(Value::Null, |state| json!({"state": state})))
            }
            _ => stored(Kind::Group, &group.properties, name),
        }
    }
}
