//! A difference between two policies as a value. The JSON form is an interface: add to it, change nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::attributes;
use domain::ids::PersonId;
use domain::person::Person;
use domain::planner::View;
use domain::planner::entitlements::{Entitlements, entitlements, projected};
use domain::planner::groups::Actual;
use domain::policy::{Package, PersonKind, Policy, Via};
use jiff::Timestamp;
use rules::{Explanation, Part, Property};
use serde::Serialize;

use super::sight::Sights;

/// The two policies.
pub(super) struct Policies {
    pub(super) old: Arc<Policy>,
    pub(super) new: Arc<Policy>,
}

/// The whole difference.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) as_of: Timestamp,
    /// The policies' fingerprints.
    old: String,
    new: String,
    /// How many people were compared.
    pub(super) people: usize,
    /// Every package of either policy, in the order of the files, the old one's first.
    pub(super) packages: Vec<PackageDiff>,
    /// People of whom nothing may be concluded, so that nothing is given to them or taken from them.
    pub(super) undecided: Vec<Note>,
    /// Why the tenant was not asked, or not any more.
    pub(super) tenant: Option<String>,
    /// Accounts that could not be read.
    pub(super) not_read: Vec<Note>,
    /// How many people with an account were judged by the roster alone.
    pub(super) by_roster: usize,
    /// Properties that rules read and only the tenant knows: of whoever was judged by the roster alone they counted as empty.
    pub(super) counted_as_empty: BTreeSet<String>,
}

/// A person and something about them.
#[derive(Debug, Serialize)]
pub(super) struct Note {
    pub(super) person: PersonId,
    pub(super) why: String,
}

/// One package under both policies.
#[derive(Debug, Serialize)]
pub(super) struct PackageDiff {
    pub(super) package: String,
    pub(super) change: Change,
    pub(super) old_rule: Option<String>,
    pub(super) new_rule: Option<String>,
    /// Whether Entra itself would refuse the rule, the new one if there is one.
    pub(super) extended: bool,
    pub(super) counts: Counts,
    pub(super) enter: Vec<Move>,
    pub(super) leave: Vec<Move>,
}

/// What of a package changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    Added,
    Removed,
    /// Its rule, and perhaps what it gives.
    Rule,
    /// What it gives; its rule is the same.
    Gives,
    None,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Counts {
    pub(super) enter: usize,
    pub(super) leave: usize,
    pub(super) stay: usize,
}

/// A person who enters or leaves.
#[derive(Debug, Serialize)]
pub(super) struct Move {
    pub(super) person: PersonId,
    pub(super) name: Option<String>,
    /// What settles it: clauses of the rule, or what else changed.
    pub(super) because: Vec<String>,
    pub(super) seen_in: Source,
}

/// Where the facts of an account came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Source {
    /// HR's facts over what the tenant shows.
    Tenant,
    /// HR's facts alone, though there is an account.
    Roster,
    /// HR's facts alone: there is no account yet.
    NoAccount,
}

impl Report {
    pub(super) fn new(policies: &Policies, as_of: Timestamp) -> Self {
        let Policies { old, new } = policies;
        let added = new.packages.iter().filter(|package| old.package(&package.name).is_none());
        let packages = old.packages.iter().chain(added);
        Self {
            as_of,
            old: old.fingerprint.clone(),
            new: new.fingerprint.clone(),
            people: 0,
            packages: packages.map(|package| PackageDiff::of(&package.name, policies)).collect(),
            undecided: Vec::new(),
            tenant: None,
            not_read: Vec::new(),
            by_roster: 0,
            counted_as_empty: BTreeSet::new(),
        }
    }

    pub(super) fn not_read(&mut self, person: PersonId, why: String) {
        self.not_read.push(Note { person, why });
    }

    /// Adds what one person's comparison showed.
    pub(super) fn add(&mut self, compared: Compared) {
        self.people += 1;
        self.by_roster += usize::from(compared.source == Source::Roster);
        self.counted_as_empty.extend(compared.counted_as_empty);
        if let Some(why) = compared.undecided {
            self.undecided.push(Note { person: compared.person.clone(), why });
        }
        for (package, way) in self.packages.iter_mut().zip(compared.ways) {
            let entry = |because| Move {
                person: compared.person.clone(),
                name: compared.name.clone(),
                because,
                seen_in: compared.source,
            };
            match way {
                Way::Enters(because) => package.enter.push(entry(because)),
                Way::Leaves(because) => package.leave.push(entry(because)),
                Way::Stays => package.counts.stay += 1,
                Way::Out => {}
            }
        }
    }

    /// Counts, and puts everything in order of people. `tenant`: why it was not asked to the end.
    pub(super) fn finish(&mut self, tenant: Option<String>) {
        self.tenant = tenant;
        self.undecided.sort_by(|a, b| a.person.cmp(&b.person));
        self.not_read.sort_by(|a, b| a.person.cmp(&b.person));
        for package in &mut self.packages {
            package.enter.sort_by(|a, b| a.person.cmp(&b.person));
            package.leave.sort_by(|a, b| a.person.cmp(&b.person));
            (package.counts.enter, package.counts.leave) = (package.enter.len(), package.leave.len());
        }
    }
}

impl PackageDiff {
    fn of(name: &str, policies: &Policies) -> Self {
        let (old, new) = (policies.old.package(name), policies.new.package(name));
        let change = match (old, new) {
            (None, _) => Change::Added,
            (_, None) => Change::Removed,
            // Places in the source differ, spellings may: what is printed is the rule.
            (Some(old), Some(new)) if old.rule.to_string() != new.rule.to_string() => Change::Rule,
            (Some(old), Some(new)) if (&old.groups, &old.licenses) != (&new.groups, &new.licenses) => Change::Gives,
            _ => Change::None,
        };
        let rule = |package: Option<&Package>| package.map(|package| package.rule.to_string());
        Self {
            package: name.to_owned(),
            change,
            old_rule: rule(old),
            new_rule: rule(new),
            extended: new.or(old).is_some_and(Package::is_extended),
            counts: Counts::default(),
            enter: Vec::new(),
            leave: Vec::new(),
        }
    }
}

/// One person under both policies.
pub(super) struct Compared {
    pub(super) person: PersonId,
    name: Option<String>,
    source: Source,
    /// By package, in the report's order.
    ways: Vec<Way>,
    undecided: Option<String>,
    counted_as_empty: BTreeSet<String>,
}

/// What becomes of a person in a package.
enum Way {
    Enters(Vec<String>),
    Leaves(Vec<String>),
    Stays,
    Out,
}

/// A person under one policy.
struct Look<'a> {
    view: View<'a>,
    actual: &'a Actual,
    given: Option<Entitlements>,
}

/// What becomes of a person, as the planner sees it.
pub(super) fn compare(person: &Person, policies: &Policies, sights: &Sights, now: Timestamp) -> Compared {
    let old = Look::new(person, &policies.old, &sights.old, now);
    let new = Look::new(person, &policies.new, &sights.new, now);
    let name = attributes::names(person, &new.view.standing).display;
    let added = policies.new.packages.iter().filter(|package| policies.old.package(&package.name).is_none());
    let packages = policies.old.packages.iter().chain(added);
    // Whoever had no account so far had nothing; of whose facts cannot be used, nothing is known.
    let is_decided = new.given.is_some() && (old.given.is_some() || old.view.attributes.is_ok());
    let way = |package: &Package| if is_decided { way(&package.name, &old, &new) } else { Way::Out };
    let looks = [&old, &new];
    Compared {
        person: person.head.person.clone(),
        name: Some(name).filter(|name| !name.is_empty()),
        source: sights.source,
        ways: packages.map(way).collect(),
        undecided: if is_decided {
            None
        } else {
            Some(if new.given.is_none() { new.undecided() } else { old.undecided() })
        },
        counted_as_empty: match sights.source {
            Source::Roster if is_decided => looks.into_iter().flat_map(Look::counted_as_empty).collect(),
            _ => BTreeSet::new(),
        },
    }
}

fn way(package: &str, old: &Look<'_>, new: &Look<'_>) -> Way {
    match (old.gives(package), new.gives(package)) {
        (Some(false), Some(true)) => Way::Enters(because(package, old, new)),
        (Some(true), Some(false)) => Way::Leaves(because(package, old, new)),
        (Some(true), Some(true)) => Way::Stays,
        _ => Way::Out,
    }
}

/// What settles the new verdict.
fn because(package: &str, old: &Look<'_>, new: &Look<'_>) -> Vec<String> {
    let Some(rule) = new.view.policy.package(package).map(|package| &package.rule) else {
        return vec!["the package is gone".into()];
    };
    if old.given.is_none() || old.view.standing.is_cut() != new.view.standing.is_cut() {
        return vec![new.view.standing.why.clone()];
    }
    let Some(user) = projected(&new.view, new.actual) else { return Vec::new() };
    rule.explain_at(&user, new.view.now).because().into_iter().map(told).collect()
}

/// A comparison and its verdict; not the value, which is the person's.
fn told(settling: &Explanation) -> String {
    match &settling.part {
        Part::Comparison { text, .. } => format!("{text} is {}", settling.holds),
        _ => String::new(),
    }
}

impl<'a> Look<'a> {
    fn new(person: &'a Person, policy: &'a Policy, actual: &'a Actual, now: Timestamp) -> Self {
        let view = View::new(person, policy, now);
        let given = entitlements(&view, actual);
        Self { view, actual, given }
    }

    /// Whether the package is given; None if that cannot be said just now.
    fn gives(&self, name: &str) -> Option<bool> {
        let (Some(given), Some(package)) = (&self.given, self.view.policy.package(name)) else { return Some(false) };
        let names = given.groups.values().chain(given.licenses.values().map(|license| &license.packages));
        if names.flatten().any(|one| one == name) {
            return Some(true);
        }
        let open_group = |id| given.keeps_group(id) && !given.groups.contains_key(id);
        let is_open = package.groups.iter().any(|group| open_group(&group.id))
            || package.licenses.iter().any(|license| match &license.via {
                Via::Group(group) => open_group(group),
                Via::Direct => given.keeps_license(&license.sku) && !given.licenses.contains_key(&license.sku),
            });
        if is_open { None } else { Some(false) }
    }

    /// Why nothing may be concluded.
    fn undecided(&self) -> String {
        let standing = &self.view.standing;
        match &self.view.attributes {
            _ if standing.kind == PersonKind::None => "gets no account".into(),
            Err(_) => "facts that the directory cannot take: see `joinery quality`".into(),
            Ok(_) => standing.why.clone(),
        }
    }

    /// What the rules read and HR's facts do not say.
    fn counted_as_empty(&self) -> impl Iterator<Item = String> {
        let known: BTreeSet<&str> = self.view.attributes.iter().flatten().map(|(name, _)| name.as_str()).collect();
        let read = self.view.policy.packages.iter().flat_map(|package| package.rule.reads());
        let read = read.map(Property::selected).filter(|name| *name != "accountEnabled");
        let missing: BTreeSet<String> = read.filter(|name| !known.contains(name)).map(str::to_owned).collect();
        missing.into_iter()
    }
}
