//! What the tenant shows of an account at this moment.

use std::time::Duration;

use domain::ids::ObjectId;
use domain::planner::User;
use domain::policy::{Policy, skus};
use graph::{Client, UserId, request};
use serde::Serialize;

/// What nobody needs to see here: personal addresses, and what is told by the licenses already.
const NOT_SHOWN: &[&str] = &["otherMails", "assignedPlans", "assignedLicenses"];
/// How long the tenant may take.
const LOOK_MAX: Duration = Duration::from_secs(20);

/// What was seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "seen", rename_all = "snake_case")]
pub(super) enum Seen {
    /// Nobody looked.
    NotAsked,
    /// No account is bound, so there is nothing to look for.
    NoAccount,
    /// It could not be read.
    Unreachable {
        /// Why.
        why: String,
    },
    /// There is no such account, or it is among the deleted ones.
    Gone,
    /// The account.
    Account(Box<Account>),
}

/// An account in the tenant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Account {
    /// Its properties, by Graph's names.
    pub(super) user: User,
    /// The groups it is directly in.
    pub(super) groups: Vec<Group>,
    /// Its licenses from each source.
    pub(super) licenses: Vec<License>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct License {
    pub(super) sku: String,
    pub(super) name: Option<&'static str>,
    /// The group it comes from; none for a direct assignment.
    pub(super) by_group: Option<String>,
    pub(super) state: Option<String>,
    pub(super) error: Option<String>,
}

/// Reads the account as it is, our young writes not laid over it: a debugger does not guess.
pub(super) async fn look(graph: &Client, object: &ObjectId, policy: Option<&Policy>) -> Seen {
    match tokio::time::timeout(LOOK_MAX, read(graph, object, policy)).await {
        Ok(Ok(Some(account))) => Seen::Account(Box::new(account)),
        Ok(Ok(None)) => Seen::Gone,
        Ok(Err(error)) => Seen::Unreachable { why: joinery::machine::chain(&error) },
        Err(_) => Seen::Unreachable { why: "no answer in time".into() },
    }
}

async fn read(graph: &Client, object: &ObjectId, policy: Option<&Policy>) -> Result<Option<Account>, graph::Error> {
    let id = UserId::from(object.as_str());
    let anchor = policy.map(|policy| policy.tenant.anchor.as_str());
    let shown = graph::User::PROPERTIES.iter().copied().filter(|property| !NOT_SHOWN.contains(property));
    let select: Vec<&str> = shown.chain(anchor).collect();
    let Some(mut user) = graph.find::<User>(&request::get_user((&id).into(), &select)).await? else { return Ok(None) };
    user.retain(|property, _| !property.starts_with('@'));
    let groups = graph.member_groups(&id, &["id", "displayName"]).await?;
    let groups = groups.into_iter().map(|group| Group { id: group.id.as_str().to_owned(), name: group.display_name });
    let licenses = licenses(&user);
    Ok(Some(Account { groups: groups.collect(), licenses, user }))
}

fn licenses(user: &User) -> Vec<License> {
    let states = user.get("licenseAssignmentStates").cloned().unwrap_or_default();
    let states: Vec<graph::model::LicenseState> = serde_json::from_value(states).unwrap_or_default();
    let license = |state: graph::model::LicenseState| {
        let sku = state.sku_id.as_str().to_owned();
        License {
            name: sku.parse().ok().and_then(|id| skus::part_number(&id)),
            sku,
            by_group: state.assigned_by_group.map(|group| group.as_str().to_owned()),
            state: state.state,
            error: state.error.filter(|error| error != "None"),
        }
    };
    states.into_iter().map(license).collect()
}
