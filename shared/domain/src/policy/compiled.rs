//! The packages' rules, compiled together once: what every look at a person runs.

use std::sync::Arc;

use rules::{Dialect, RuleSet};

use super::Package;

/// The rules of a policy's packages, named by the packages' places.
#[derive(Debug, Clone)]
pub struct Compiled {
    set: Arc<RuleSet>,
    reads: Reads,
}

/// What the rules read of a user's surroundings, which is read of the tenant only where it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reads {
    /// Who the manager is.
    pub manager: bool,
    /// Which groups the user is in.
    pub groups: bool,
    /// Which service plans licenses have brought.
    pub plans: bool,
}

impl Compiled {
    pub(super) fn of(packages: &[Package]) -> Self {
        let reads = packages.iter().map(Package::reads).fold(Reads::default(), |all, one| Reads {
            manager: all.manager || one.manager,
            groups: all.groups || one.groups,
            plans: all.plans || one.plans,
        });
        Self { set: Arc::new(RuleSet::compile(packages.iter().map(|package| &package.rule))), reads }
    }

    /// The rules.
    pub fn set(&self) -> &RuleSet {
        &self.set
    }

    /// What they read besides the user's own properties.
    pub fn reads(&self) -> Reads {
        self.reads
    }
}

/// Equal packages compile to equal rules, and a policy compares its packages.
impl PartialEq for Compiled {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Package {
    /// What its rule reads besides the user's own properties.
    pub fn reads(&self) -> Reads {
        let others = self.rule.reads_others();
        Reads { manager: others.manager, groups: others.groups, plans: self.rule.feeds_on().licenses }
    }

    /// Whether its rule is one that Entra itself would refuse.
    pub fn is_extended(&self) -> bool {
        self.rule.dialect() == Dialect::Extended
    }
}
