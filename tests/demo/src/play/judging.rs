//! Compares what became of a scene, and of the day, with what the scenario says.

use std::collections::{BTreeMap, BTreeSet};

use domain::person::Person;
use domain::ports::{Roster as _, StoreError};
use domain::progress;
use domain::step::{Action, StepState};
use embedded::FailureFilter;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Ending, Play, PlayError};
use crate::scenario::{Facts, Overtaking, Role, Scene};
use crate::tenant::{Call, Snapshot};
use crate::verdict::Subject;

/// How soon a page must go out: no longer than anything is done together.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(1);
/// The most failures that are told.
const FAILURES_MAX: usize = 100;

impl Play<'_> {
    /// Whether the scene ended as it should.
    pub(super) async fn check(&mut self, scene: &Scene, before: usize) -> Result<(), PlayError> {
        let snapshot = self.company.stage.tenant.snapshot().await?;
        for check in &scene.then {
            let Some(role) = self.day.role(&check.person) else { continue };
            let mut facts = self.facts(role, &snapshot).await?;
            let account = snapshot.account_id(&role.id);
            let mut writes: Vec<String> = self.writes_about(account.as_deref(), &role.id).map(Call::brief).collect();
            writes.sort();
            facts.insert("writes".into(), json!(writes));
            let subject = Subject { place: &scene.title, name: &role.name };
            self.differences.extend(subject.compare(&check.facts, &facts));
        }
        let tenant = Subject { place: &scene.title, name: "the tenant" };
        if scene.quiet && !self.writes.is_empty() {
            self.differences.push(tenant.differs("writes", 0, self.writes.len()));
        }
        if let Some(order) = &scene.overtakes
            && !self.has_overtaken(order, &snapshot)
        {
            let expected = format!("the cut of {} before the account of {}", order.cut, order.created);
            self.differences.push(tenant.differs(
                "order of writes",
                expected,
                "the other way round, or one is missing",
            ));
        }
        self.check_pages(scene);
        self.tell(scene, before);
        Ok(())
    }

    /// The scene's pages, and no others, at the scene's first instant.
    fn check_pages(&mut self, scene: &Scene) {
        let begins = self.day.begins(scene);
        let mut expected: Vec<Vec<String>> =
            scene.pages.iter().map(|page| vec![page.person.clone(), page.says.clone()]).collect();
        let mut actual: Vec<String> = Vec::new();
        for page in &self.pages {
            let person = page.person.as_ref().map(ToString::to_string).unwrap_or_default();
            let late = if page.at.duration_since(begins) > AT_ONCE { " (late)" } else { "" };
            actual.push(format!("{person}{late} {}", page.text));
        }
        expected.sort();
        actual.sort();
        let actual: Vec<&str> = actual.iter().map(String::as_str).collect();
        let subject = Subject { place: &scene.title, name: "pages" };
        self.differences.extend(subject.compare_rows(&expected, &actual));
        let late = actual.iter().filter(|page| page.split(' ').nth(1) == Some("(late)"));
        self.differences.extend(late.map(|page| subject.differs("sent", "at once", page)));
    }

    /// Says how the scene ended.
    fn tell(&self, scene: &Scene, before: usize) {
        let bad = self.differences.iter().skip(before);
        bad.clone().for_each(|difference| self.terminal.note(false, &difference.to_string()));
        if self.differences.len() == before {
            let names = scene.then.iter().filter_map(|check| Some(self.day.role(&check.person)?.name.as_str()));
            let whom: Vec<&str> = names.collect();
            let whom = if whom.is_empty() { String::new() } else { format!(" for {}", whom.join(", ")) };
            let writes = match self.writes.len() {
                0 => "nothing was written to the tenant".to_owned(),
                1 => "one write to the tenant".to_owned(),
                many => format!("{many} writes to the tenant"),
            };
            self.terminal.note(true, &format!("as it should be{whom}; {writes}"));
        }
    }

    fn writes_about<'s>(&'s self, account: Option<&'s str>, anchor: &'s str) -> impl Iterator<Item = &'s Call> {
        self.writes.iter().filter(move |call| call.is_about(account, anchor))
    }

    fn has_overtaken(&self, order: &Overtaking, snapshot: &Snapshot) -> bool {
        let account = |id: &str| snapshot.account_id(id);
        let blocks =
            |call: &&Call| call.method == "PATCH" && call.body.get("accountEnabled") == Some(&Value::Bool(false));
        let makes = |call: &&Call| call.method == "POST" && call.path == "/users";
        let cut = self.writes_about(account(&order.cut).as_deref(), &order.cut).find(blocks).map(|call| call.number);
        let made = account(&order.created);
        let made = self.writes_about(made.as_deref(), &order.created).find(makes).map(|call| call.number);
        cut.zip(made).is_some_and(|(cut, made)| cut < made)
    }

    /// How tenant and roster show a person.
    async fn facts(&self, role: &Role, snapshot: &Snapshot) -> Result<Facts, StoreError> {
        let mut facts = snapshot.facts(&role.id);
        let store = self.company.joinery.store();
        let person = match role.id.parse() {
            Ok(id) => store.person(&id).await?,
            Err(_) => None,
        };
        if let Some(person) = person {
            let next = person.head.next_due.map(|at| at.to_zoned(self.day.zone_of(None)));
            facts.insert("next".into(), json!(next.map(|at| at.strftime("%Y-%m-%dT%H:%M").to_string())));
            facts.extend(steps(&person));
        }
        let held = joinery::guards::held(store).await?;
        let held = held.into_iter().map(|held| held.action).filter(|action| action.person.to_string() == role.id);
        let held =
            held.map(|action| format!("{}: {}", action.kind.word(), if action.refused { "refused" } else { "waits" }));
        facts.insert("held".into(), json!(held.collect::<BTreeSet<_>>()));
        Ok(facts)
    }

    /// Compares the end with the scenario's: everybody of the day, the seats, the failures, and everybody else.
    pub(super) async fn end(mut self) -> Result<Ending, PlayError> {
        let snapshot = self.company.stage.tenant.snapshot().await?;
        let place = "the end";
        let mut people = Vec::new();
        for role in &self.day.people {
            let actual = self.facts(role, &snapshot).await?;
            let mut expected = role.end.clone();
            let nothing = ["tasks", "uncut", "held"].map(|name| (name, json!([])));
            let id = role.account.iter().map(|id| ("id", json!(id)));
            for (name, nothing) in nothing.into_iter().chain([("waiting", json!(0)), ("open", json!(0))]).chain(id) {
                expected.entry(name.into()).or_insert(nothing);
            }
            self.differences.extend(Subject { place, name: &role.name }.compare(&expected, &actual));
            people.push(actual);
        }
        let seats =
            |seats: &BTreeMap<String, [i64; 2]>| seats.iter().map(|(sku, seats)| (sku.clone(), json!(seats))).collect();
        let taken = Subject { place, name: "seats taken and free" };
        self.differences.extend(taken.compare_all(&seats(&self.day.seats), &seats(&snapshot.seats())));
        let failures = self.company.joinery.store().failures(&FailureFilter::default(), FAILURES_MAX)?;
        if failures.len() != self.day.failures {
            let actual: Vec<String> =
                failures.iter().map(|failure| format!("{}: {}", failure.cause, failure.reason)).collect();
            self.differences.push(Subject { place, name: "joinery" }.differs(
                "failures",
                self.day.failures,
                actual.join("; "),
            ));
        }
        let ours: BTreeSet<String> = self.day.people.iter().filter_map(|role| snapshot.account_id(&role.id)).collect();
        let others = Subject { place, name: "everybody else" };
        self.differences.extend(others.compare_all(&self.begin.without(&ours), &snapshot.without(&ours)));
        Ok(Ending { people, differences: self.differences })
    }
}

/// What the roster says of a person's steps.
fn steps(person: &Person) -> Facts {
    let tasks: BTreeSet<&str> = person
        .steps
        .values()
        .filter_map(|step| match (&step.action, &step.state) {
            (Action::ByHand { what, .. }, StepState::Task { .. }) => Some(what.as_str()),
            (_, StepState::Task { .. }) => Some("another step"),
            _ => None,
        })
        .collect();
    let uncut: BTreeSet<String> = progress::uncut(person).map(|(step, _)| step.action.phrase()).collect();
    let count = |is: fn(&StepState) -> bool| person.steps.values().filter(|step| is(&step.state)).count();
    let settled = |state: &StepState| {
        matches!(state, StepState::Verified { .. } | StepState::Waiting { .. } | StepState::Task { .. })
    };
    Facts::from([
        ("generation".into(), json!(person.head.generation)),
        ("tasks".into(), json!(tasks)),
        ("uncut".into(), json!(uncut)),
        ("waiting".into(), json!(count(|state| matches!(state, StepState::Waiting { .. })))),
        ("open".into(), json!(person.steps.values().filter(|step| !settled(&step.state)).count())),
    ])
}
