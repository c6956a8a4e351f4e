//! Whose account it is that was there before us: candidates by evidence, never by name, and what humans decided.
//!
//! The anchor is our own mark and binds by itself. Everything else is evidence for a human, unless the policy lets an exact and
//! only employee number bind. A wrong match is the worst we can do to anybody: their access would follow somebody else's
//! record.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::FactValue;
use crate::guest;
use crate::ids::ObjectId;
use crate::planner::View;
use crate::policy::{MatchPolicy, PersonKind};

/// How long a binding that only the policy made has to stand before a cut trusts it: long enough for somebody to notice that the
/// wrong account follows this record.
pub const PROVING: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How many candidates one look weighs; whoever has more is a mistake in the tenant that a human must see anyway.
pub const CANDIDATES_MAX: usize = 20;
/// How many rejections one record keeps.
pub const REJECTED_MAX: usize = 50;

/// Why an account may be a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// It carries the person's anchor.
    Anchor,
    /// It has the person's employee number.
    EmployeeId,
    /// It has an address that HR gives the person.
    Mail,
    /// It is called as HR says.
    Upn,
}

impl Evidence {
    /// Graph's word for where it was found.
    pub fn word(self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::EmployeeId => "employeeId",
            Self::Mail => "mail",
            Self::Upn => "userPrincipalName",
        }
    }
}

/// An account that may be a person's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The account.
    pub object_id: ObjectId,
    /// What speaks for it.
    pub evidence: BTreeSet<Evidence>,
    /// Whether it can be signed in to, or is gone.
    pub state: State,
    /// Whether it is a guest's.
    pub is_guest: bool,
    /// Whether AD DS masters it.
    pub is_synchronized: bool,
    /// The anchor it carries, if it is another record's.
    pub claimed_by: Option<String>,
}

/// Whether an account is there, and open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It can be signed in to.
    Enabled,
    /// It cannot.
    Disabled,
    /// It is among the deleted items.
    Deleted,
}

impl Candidate {
    /// What a human needs to see of it, in a line and without personal data.
    pub fn phrase(&self) -> String {
        let evidence = self.evidence.iter().map(|evidence| evidence.word()).collect::<Vec<_>>().join(", ");
        let state = match self.state {
            State::Enabled => "enabled",
            State::Disabled => "disabled",
            State::Deleted => "deleted",
        };
        let kind = if self.is_guest { "guest" } else { "member" };
        let synchronized = if self.is_synchronized { ", synchronized" } else { "" };
        let claimed = self.claimed_by.as_ref().map(|by| format!(", marked as {by}")).unwrap_or_default();
        format!("{} (same {evidence}; {state} {kind}{synchronized}{claimed})", self.object_id)
    }
}

/// What humans decided about a record's account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Matching {
    /// The account that is this person's, by somebody's word.
    pub confirmed: Option<Decision>,
    /// Accounts that are somebody else's.
    pub rejected: Vec<Decision>,
    /// How the bound account was found, if it was there before us.
    pub found: Option<Found>,
}

/// A human's word on one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The account.
    pub object_id: ObjectId,
    /// Who said so, as given.
    pub by: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// How a bound account that was there before us was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// By what.
    pub by: FoundBy,
    /// When it was bound.
    pub at: Timestamp,
}

/// By what an account was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// By the person's anchor.
    Anchor,
    /// By a human.
    Confirmation,
    /// By the employee number alone, as the policy allows.
    EmployeeId,
}

/// What to look for.
#[derive(Clone, PartialEq, Eq)]
pub struct Clues {
    /// The person's anchor.
    pub anchor: String,
    /// The employee number.
    pub employee_id: Option<String>,
    /// Addresses, lower case.
    pub addresses: BTreeSet<String>,
    /// Principal names, lower case.
    pub names: BTreeSet<String>,
}

/// What a look at one account shows of it.
#[derive(Clone, Default)]
#[expect(missing_docs, reason = "each is Graph's property of that name")]
pub struct Shown<'a> {
    pub anchor: Option<&'a str>,
    pub employee_id: Option<&'a str>,
    pub user_principal_name: Option<&'a str>,
    pub mail: Option<&'a str>,
    pub proxy_addresses: &'a [String],
    pub account_enabled: Option<bool>,
    pub is_guest: bool,
    pub is_synchronized: bool,
    pub is_deleted: bool,
}

impl Clues {
    /// What this person's record says an account would be known by. Names of people are no clue.
    pub fn of(view: &View<'_>) -> Self {
        let standing = &view.standing;
        let record = &view.person.head.record;
        let text = |path: &str| {
            let fact = record.fact(path, standing.today, &standing.zone).and_then(FactValue::as_text);
            fact.map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty())
        };
        let mail = text("contact.work_email").filter(|mail| mail.contains('@'));
        let proposed = text("contact.proposed_user_name")
            .map(|name| if name.contains('@') { name } else { format!("{name}@{}", view.policy.tenant.domain) });
        let invited = (standing.kind == PersonKind::Guest).then(|| guest::address(view.person, standing, view.policy));
        let invited = invited.and_then(Result::ok).map(|address| address.to_lowercase());
        Self {
            anchor: view.person.head.person.to_string(),
            employee_id: record.employee_number().map(str::to_owned),
            addresses: mail.iter().cloned().chain(invited).chain(proposed.clone()).collect(),
            names: mail.into_iter().chain(proposed).collect(),
        }
    }

    /// An account as a candidate, if anything speaks for it.
    pub fn weigh(&self, object_id: ObjectId, shown: &Shown<'_>) -> Option<Candidate> {
        let is_ours = shown.anchor == Some(self.anchor.as_str());
        let lower = |text: &str| text.to_lowercase();
        let proxies = shown.proxy_addresses.iter().filter_map(|proxy| {
            let (kind, address) = proxy.split_once(':')?;
            kind.eq_ignore_ascii_case("smtp").then(|| lower(address))
        });
        let mut held = shown.mail.map(lower).into_iter().chain(proxies);
        // The hex digits of its id stand before a deleted user's name.
        let name = shown.user_principal_name.map(|name| {
            let digits = object_id.as_str().replace('-', "");
            let name = lower(name);
            name.strip_prefix(&digits).filter(|_| shown.is_deleted).map(str::to_owned).unwrap_or(name)
        });
        let number = shown.employee_id.zip(self.employee_id.as_deref());
        let evidence = [
            (Evidence::Anchor, is_ours),
            (Evidence::EmployeeId, number.is_some_and(|(has, said)| has.eq_ignore_ascii_case(said))),
            (Evidence::Mail, held.any(|address| self.addresses.contains(&address))),
            (Evidence::Upn, name.is_some_and(|name| self.names.contains(&name))),
        ];
        let evidence: BTreeSet<_> =
            evidence.into_iter().filter_map(|(evidence, holds)| holds.then_some(evidence)).collect();
        let claimed_by = shown.anchor.filter(|anchor| !is_ours && !anchor.is_empty()).map(str::to_owned);
        (!evidence.is_empty()).then_some(Candidate {
            object_id,
            evidence,
            state: match (shown.is_deleted, shown.account_enabled) {
                (true, _) => State::Deleted,
                (false, Some(true)) => State::Enabled,
                (false, _) => State::Disabled,
            },
            is_guest: shown.is_guest,
            is_synchronized: shown.is_synchronized,
            claimed_by,
        })
    }
}

/// What follows from the candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody's account is in the way: one may be made.
    Free,
    /// This account is the person's.
    Bind(ObjectId, FoundBy),
    /// A human must say whose these are.
    Ask(Vec<Candidate>),
}

/// Decides what candidates mean for a person who has no account yet.
pub fn decide(view: &View<'_>, candidates: &[Candidate]) -> Verdict {
    let matching = &view.person.head.account.matching;
    if let Some(confirmed) = &matching.confirmed {
        return Verdict::Bind(confirmed.object_id.clone(), FoundBy::Confirmation);
    }
    let is_rejected = |candidate: &&Candidate| matching.rejected.iter().any(|no| no.object_id == candidate.object_id);
    let open: Vec<&Candidate> = candidates.iter().filter(|candidate| !is_rejected(candidate)).collect();
    let marked: Vec<&&Candidate> = open.iter().filter(|one| one.evidence.contains(&Evidence::Anchor)).collect();
    let alive: Vec<&&&Candidate> = marked.iter().filter(|one| one.state != State::Deleted).collect();
    match (alive.as_slice(), marked.as_slice(), open.as_slice()) {
        ([only], ..) => Verdict::Bind(only.object_id.clone(), FoundBy::Anchor),
        ([], [only], _) => Verdict::Bind(only.object_id.clone(), FoundBy::Anchor),
        (_, _, []) => Verdict::Free,
        ([], [], [only]) if view.policy.accounts.matching == MatchPolicy::EmployeeId && is_plain(only) => {
            Verdict::Bind(only.object_id.clone(), FoundBy::EmployeeId)
        }
        _ => Verdict::Ask(open.into_iter().cloned().collect()),
    }
}

/// A member's live account with the same employee number that nobody has marked.
fn is_plain(candidate: &Candidate) -> bool {
    candidate.evidence.contains(&Evidence::EmployeeId)
        && candidate.state != State::Deleted
        && !candidate.is_guest
        && candidate.claimed_by.is_none()
}

/// What a human is told who must decide.
pub fn instructions(view: &View<'_>, candidates: &[Candidate]) -> String {
    let person = &view.person.head.person;
    let count = if candidates.len() == 1 { "one account".to_owned() } else { format!("{} accounts", candidates.len()) };
    let list = candidates.iter().map(Candidate::phrase).collect::<Vec<_>>().join("; ");
    format!(
        "{count} may be this person's: {list}. If one is, `joinery match confirm {person} OBJECT_ID --by YOUR-NAME`; each that is \
         somebody else's, `joinery match reject {person} OBJECT_ID`. None is made while one is open"
    )
}

impl View<'_> {
    /// Whether the bound account is this person's by an employee number alone, and the cut came too soon after for anybody to
    /// have noticed a mistake. It is not cut before a human confirms.
    pub fn awaits_confirmation(&self) -> bool {
        let found = self.person.head.account.matching.found.as_ref();
        let Some(found) = found.filter(|found| found.by == FoundBy::EmployeeId && self.standing.is_cut()) else {
            return false;
        };
        let proven = found.at.saturating_add(PROVING).unwrap_or(Timestamp::MAX);
        self.standing.end.is_none_or(|end| end < proven)
    }
}

#[cfg(test)]
mod tests;
