//! The grant ledger: of all the access a person has, what is ours, and why (architecture, invariant 14).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{ObjectId, SkuId};

/// What a grant gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "target", content = "id", rename_all = "snake_case")]
pub enum Target {
    /// Membership of a group (carrier or not).
    Group(ObjectId),
    /// A directly assigned license.
    License(SkuId),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Group(id) => write!(f, "group:{id}"),
            Self::License(id) => write!(f, "license:{id}"),
        }
    }
}

/// Who gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// We did.
    Ours,
    /// It was there before us. Rules never remove it; leaving does, unless the policy says otherwise.
    PreExisting,
}

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What.
    pub target: Target,
    /// Who gave it.
    pub origin: Origin,
    /// Whether the call that gives it has been acknowledged. False: intended, the call may or may not have taken effect.
    pub held: bool,
    /// The packages that ask for it; empty for what is pre-existing and asked for by none.
    pub reasons: Vec<String>,
    /// Since when it stands here.
    pub since: Timestamp,
}
