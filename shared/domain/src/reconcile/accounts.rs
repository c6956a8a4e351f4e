//! Accounts and their licenses.

use jiff::Timestamp;
use serde_json::Value;

use super::{Finding, Judge, Kind, Scope};
use crate::ids::{ObjectId, PersonId, SkuId};
use crate::ledger::{Grant, Origin, Target};
use crate::lifecycle::Want;
use crate::person::Person;
use crate::planner::View;
use crate::planner::licenses::Held;
use crate::policy::PersonKind;
use crate::step::{Action, Stage};

/// An account as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a property of its own in the tenant, and any combination occurs"
)]
pub struct Account {
    /// Its id.
    pub id: ObjectId,
    /// Whether it can be signed in to.
    pub is_enabled: bool,
    /// Whether it is a guest's.
    pub is_guest: bool,
    /// Whether AD DS masters it.
    pub is_synchronized: bool,
    /// Whether it has a usage location.
    pub is_located: bool,
    /// Whether any license is in force.
    pub is_licensed: bool,
    /// Our mark on it.
    pub mark: Option<String>,
    /// Every source of a license.
    pub licenses: Vec<Held>,
    /// When it was made.
    pub made_at: Option<Timestamp>,
    /// When somebody signed in last, if that was read.
    pub signed_in_at: Option<Timestamp>,
}

/// What the roster can say of an account's person for a thousand accounts at once: as of the last look at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The store's own number of the person, by which a run notes that they were sighted: small, and the same for good.
    pub number: u64,
    /// Who is bound to the account.
    pub person: PersonId,
    /// Whether access was to be off.
    pub is_cut: bool,
    /// Whether sign-in was to be open. None: the phase alone does not say.
    pub is_open: Option<bool>,
    /// Licenses of the ledger.
    pub licenses: Vec<Licensed>,
}

/// A license of the ledger, as far as the first look needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Licensed {
    /// The product.
    pub sku: SkuId,
    /// Whether packages give it, and the tenant has said so.
    pub is_given: bool,
}

impl Licensed {
    /// What the first look needs of a grant; None of a membership.
    pub fn of(grant: &Grant) -> Option<Self> {
        let Target::License(sku) = &grant.target else { return None };
        Some(Self { sku: sku.clone(), is_given: is_given(grant) })
    }
}

impl Known {
    /// Whether sign-in was to be open, by what the head keeps of the last look.
    pub fn is_open(is_cut: bool, phase: &str) -> Option<bool> {
        match phase {
            _ if is_cut => Some(false),
            "active" => Some(true),
            "pre-hire" => Some(false),
            _ => None,
        }
    }
}

impl Account {
    fn direct(&self, sku: &SkuId) -> Option<&Held> {
        self.licenses.iter().find(|held| held.by_group.is_none() && held.sku == *sku)
    }

    fn bears_mark_of(&self, person: &PersonId) -> bool {
        let parts = self.mark.as_deref().and_then(|mark| mark.split_once(':'));
        parts.is_some_and(|(connection, id)| connection == person.connection() && id == person.source_id())
    }
}

impl Judge<'_> {
    /// Whether an account may have drifted from what the roster keeps of its person. Suspects too much rather than too little.
    pub fn suspects(&self, account: &Account, known: &Known) -> bool {
        let of_access = known.is_open != Some(account.is_enabled)
            || (!known.is_cut && (!account.is_located || !account.bears_mark_of(&known.person)));
        let direct = || account.licenses.iter().any(|held| held.by_group.is_none());
        let lost = || known.licenses.iter().any(|license| license.is_given && account.direct(&license.sku).is_none());
        let in_error = || account.licenses.iter().any(|held| held.error.is_some());
        let of_licenses = || if known.is_cut { direct() } else { lost() || in_error() };
        (self.compares(Scope::Accounts) && of_access) || (self.compares(Scope::Licenses) && of_licenses())
    }

    /// How an account has drifted from what its person's should be.
    pub fn drift(&self, account: &Account, person: &Person) -> Vec<Finding> {
        let view = View::new(person, self.policy, self.read_at);
        let is_bound = person.head.account.object_id.as_ref() == Some(&account.id);
        if !is_bound || view.awaits_confirmation() {
            return Vec::new();
        }
        let mut found = Vec::new();
        if self.compares(Scope::Accounts) && !self.is_asked(person, Stage::Accounts) {
            found.extend(self.sign_in(account, &view));
            found.extend(self.properties(account, &view));
        }
        if self.compares(Scope::Licenses) {
            self.licenses(account, &view, &mut found);
        }
        found.into_iter().map(|finding| finding.about(&person.head.person).at(&account.id)).collect()
    }

    fn sign_in(&self, account: &Account, view: &View<'_>) -> Option<Finding> {
        let person = view.person;
        let enabling = |action: &Action| matches!(action, Action::EnableAccount);
        let blocking = |action: &Action| action.is_urgent();
        let kind = match (view.standing.want, account.is_enabled) {
            (Want::Enabled, false) if view.standing.kind != PersonKind::None && !self.is_in_hand(person, enabling) => {
                Kind::SignInBlocked
            }
            // Before the first day a synchronized account is left as it is.
            (Want::Disabled, true) if account.is_synchronized || view.standing.kind == PersonKind::None => return None,
            (Want::Cut | Want::Deleted | Want::Disabled, true) if !self.is_in_hand(person, blocking) => {
                Kind::SignInOpen
            }
            _ => return None,
        };
        Some(Finding::of(kind))
    }

    fn properties(&self, account: &Account, view: &View<'_>) -> Vec<Finding> {
        let Some(desired) = given(view) else { return Vec::new() };
        let writing = |property: &str| {
            let writes = |action: &Action| matches!(action, Action::UpdateAccount { properties } if properties.contains_key(property));
            self.is_in_hand(view.person, writes)
        };
        let is_unlocated = !account.is_located && desired.get("usageLocation").is_some_and(Value::is_string);
        let is_unmarked = !account.bears_mark_of(&view.person.head.person);
        let location = is_unlocated && !writing("usageLocation");
        let mark = is_unmarked && !writing(&self.policy.tenant.anchor);
        let lost = [(location, Kind::LocationMissing), (mark, Kind::MarkMissing)];
        lost.into_iter().filter(|(is_lost, _)| *is_lost).map(|(_, kind)| Finding::of(kind)).collect()
    }

    fn licenses(&self, account: &Account, view: &View<'_>, found: &mut Vec<Finding>) {
        let person = view.person;
        if view.standing.is_cut() {
            let removing = |sku: &SkuId| {
                self.is_in_hand(person, |action| matches!(action, Action::RemoveLicense { sku: own } if own == sku))
            };
            let all = !self.policy.accounts.leavers_keep_preexisting;
            let is_ours = |sku: &SkuId| {
                let grant = person.grants.get(&Target::License(sku.clone()));
                grant.is_some_and(|grant| grant.origin == Origin::Ours)
            };
            let direct = account.licenses.iter().filter(|held| held.by_group.is_none() && !view.is_protected());
            let unwanted = direct.filter(|held| (all || is_ours(&held.sku)) && !removing(&held.sku));
            found.extend(unwanted.map(|held| Finding::of(Kind::LicenseUnwanted).of_sku(&held.sku)));
        } else if given(view).is_some() && !self.is_asked(person, Stage::Licenses) {
            let assigning = |sku: &SkuId| {
                self.is_in_hand(person, |action| matches!(action, Action::AssignLicense { sku: own, .. } if own == sku))
            };
            let lost = person.grants.values().filter(|grant| is_given(grant) && !holds(account, grant));
            let lost = lost.filter_map(|grant| if let Target::License(sku) = &grant.target { Some(sku) } else { None });
            found.extend(lost.filter(|sku| !assigning(sku)).map(|sku| Finding::of(Kind::LicenseMissing).of_sku(sku)));
            found.extend(self.stuck(account, person));
        }
    }

    /// Licenses of our carrier groups that found no seat, though there is one now: Entra does not try again by itself.
    fn stuck(&self, account: &Account, person: &Person) -> Vec<Finding> {
        let mut stuck = Vec::new();
        for held in account.licenses.iter().filter(|held| held.error.as_deref() == Some("CountViolation")) {
            let Some(group) = &held.by_group else { continue };
            let mending =
                |action: &Action| matches!(action, Action::ReprocessLicenses { group: own, .. } if own == group);
            let is_ours = person.grants.contains_key(&Target::Group(group.clone()));
            if is_ours && self.products.free(&held.sku) > 0 && !self.is_in_hand(person, mending) {
                stuck.push(Finding::of(Kind::LicenseStuck).of_sku(&held.sku).in_group(group));
            }
        }
        stuck
    }

    /// What of an account a human should know.
    pub fn findings(&self, account: &Account, known: Option<&Known>) -> Vec<Finding> {
        if !self.compares(Scope::Licenses) {
            return Vec::new();
        }
        let mut found = Vec::new();
        let starts_later = known.is_some_and(|known| !known.is_cut && known.is_open != Some(true));
        if account.is_enabled && !account.is_guest && !account.is_licensed {
            found.push(Finding::of(Kind::Unlicensed));
        }
        if !account.is_enabled && account.is_licensed && !starts_later {
            found.push(Finding::of(Kind::LicensedDisabled));
        }
        found.extend(self.inactivity(account));
        for held in &account.licenses {
            let finding = |kind| {
                let finding = Finding::of(kind).of_sku(&held.sku);
                if let Some(group) = &held.by_group { finding.in_group(group) } else { finding }
            };
            if !self.is_managed(held, known) {
                found.push(finding(Kind::Unmanaged));
            }
            if let Some(error) = &held.error {
                found.push(finding(Kind::LicenseError).because(error.as_str()));
            }
        }
        found.extend(self.products.overlaps(&account.licenses).into_iter().map(|(sku, by)| {
            Finding::of(Kind::Overlap).of_sku(&sku).because(format!("all of it is in {}", self.products.name(&by)))
        }));
        let whose = |finding: Finding| known.map_or(finding.clone(), |known| finding.about(&known.person));
        found.into_iter().map(|finding| whose(finding.at(&account.id))).collect()
    }

    /// Whether somebody of ours answers for a license: the ledger, or a carrier group of the policy.
    fn is_managed(&self, held: &Held, known: Option<&Known>) -> bool {
        match &held.by_group {
            Some(group) => self.products.is_carrier(group),
            None => known.is_some_and(|known| known.licenses.iter().any(|license| license.sku == held.sku)),
        }
    }

    fn inactivity(&self, account: &Account) -> Option<Finding> {
        let days = self.policy.reconcile.inactive_days.filter(|_| self.tells_sign_ins)?;
        let since = account.signed_in_at.or(account.made_at).filter(|_| account.is_enabled)?;
        let idle = self.read_at.duration_since(since).as_hours() / 24;
        let how = if account.signed_in_at.is_some() { "since the last sign-in" } else { "never, since it was made" };
        (idle >= i64::from(days)).then(|| Finding::of(Kind::Inactive).because(format!("{idle} days {how}")))
    }

    /// What an account that nobody is bound to tells by its mark, given whom the mark names.
    pub fn marked(&self, account: &Account, mark: &PersonId, person: Option<&Person>) -> Option<Finding> {
        let finding = |kind| Finding::of(kind).about(mark).at(&account.id);
        let Some(person) = person else { return Some(finding(Kind::MarkUnknown)) };
        if person.head.account.object_id.is_some() {
            return Some(finding(Kind::MarkUnknown));
        }
        let view = View::new(person, self.policy, self.read_at);
        let in_hand =
            person.head.account.is_being_made() || self.is_in_hand(person, |action| action.stage() == Stage::Accounts);
        (given(&view).is_some() && !in_hand).then(|| finding(Kind::AccountUnbound))
    }

    /// Somebody whose bound account no page of the users showed. `began_at`: when the first of them was read.
    pub fn vanished(&self, person: &Person, began_at: Timestamp) -> Option<Finding> {
        let account = &person.head.account;
        let object = account.object_id.as_ref().filter(|_| account.deleted_at.is_none())?;
        // Bound while the pages were read, it may have stood on one that had passed.
        let is_young = account.bound_at.is_some_and(|at| {
            at.saturating_add(crate::overlay::settling(self.policy)).is_ok_and(|until| until >= began_at)
        });
        let making = |action: &Action| matches!(action, Action::CreateAccount | Action::RestoreAccount);
        let view = View::new(person, self.policy, self.read_at);
        let in_hand = self.is_in_hand(person, making) || self.is_asked(person, Stage::Accounts);
        let is_wanted = given(&view).is_some() && !is_young && !in_hand;
        is_wanted.then(|| Finding::of(Kind::AccountMissing).about(&person.head.person).at(object))
    }
}

/// The properties of an account that is to be there, if they can be used.
fn given<'v>(view: &'v View<'_>) -> Option<&'v crate::attributes::Properties> {
    let is_wanted = matches!(view.standing.want, Want::Enabled | Want::Disabled);
    view.attributes.as_ref().ok().filter(|_| is_wanted && view.standing.kind != PersonKind::None)
}

/// Whether packages give it, and the tenant has said so.
pub(super) fn is_given(grant: &Grant) -> bool {
    grant.held && !grant.reasons.is_empty()
}

/// Whether the account shows a license of the ledger; of a membership it says nothing.
fn holds(account: &Account, grant: &Grant) -> bool {
    if let Target::License(sku) = &grant.target { account.direct(sku).is_some() } else { true }
}
