//! A plan as a value: effects with their reasons, and counts. The JSON form is an interface: add to it, change nothing.

use std::collections::BTreeMap;

use domain::ids::PersonId;
use domain::person::Person;
use domain::planner::entitlements::{entitlements, reason};
use domain::planner::groups::Actual;
use domain::planner::{Planned, View, Wait};
use domain::policy::Policy;
use domain::ports::Switches;
use domain::progress;
use domain::step::{Action, Stage, StepId, StepState};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;

use crate::commands::switches::Position;

/// The whole plan.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) as_of: Timestamp,
    /// The policy's fingerprint.
    pub(super) policy: String,
    #[serde(flatten)]
    pub(super) position: Position,
    /// How many people were looked at.
    pub(super) people: usize,
    /// How many effects of each kind there are now.
    pub(super) counts: BTreeMap<String, usize>,
    pub(super) effects: Vec<Effect>,
    pub(super) not_read: Vec<NotRead>,
    /// Whose access could not be cut.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) not_cut: Vec<NotCut>,
}

/// Something of a cut that the tenant refused, or that only a human can do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct NotCut {
    pub(super) person: PersonId,
    /// What is missing.
    pub(super) what: String,
    /// Why, and what to do.
    pub(super) note: String,
}

impl NotCut {
    /// What of a person's cut is known to be missing, and what a look at the tenant shows to be.
    pub(super) fn of(person: &Person, effects: &[Effect]) -> Vec<Self> {
        let id = &person.head.person;
        let not_cut = |what: String, note: &str| Self { person: id.clone(), what, note: note.to_owned() };
        let known = progress::uncut(person).map(|(step, note)| not_cut(step.action.phrase(), note));
        let planned = effects.iter().filter(|effect| effect.when == When::Human && effect.action.is_urgent());
        let planned = planned.map(|effect| not_cut(effect.what.clone(), effect.note.as_deref().unwrap_or_default()));
        let mut all: Vec<Self> = known.chain(planned).collect();
        all.sort();
        all.dedup_by(|a, b| a.what == b.what);
        all
    }
}

/// One thing that would be done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Effect {
    pub(super) person: PersonId,
    pub(super) stage: Stage,
    /// What kind of thing, the action's own word.
    pub(super) kind: String,
    /// What, in words.
    pub(super) what: String,
    pub(super) why: String,
    pub(super) when: When,
    /// Until when it waits.
    pub(super) until: Option<Timestamp>,
    /// What it waits for, or what a human must do.
    pub(super) note: Option<String>,
    /// The action itself.
    pub(super) action: Action,
    /// The zone its times are shown in.
    #[serde(skip)]
    pub(super) zone: TimeZone,
}

/// When it would be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum When {
    /// At once.
    Now,
    /// It waits.
    Waits,
    /// By a human.
    Human,
    /// When the account is there.
    Later,
}

impl When {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Waits => "waits",
            Self::Human => "human",
            Self::Later => "later",
        }
    }
}

/// A look that failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct NotRead {
    pub(super) person: PersonId,
    pub(super) stage: Stage,
    pub(super) why: String,
}

impl NotRead {
    pub(super) fn new(person: &PersonId, stage: Stage, why: &str) -> Self {
        Self { person: person.clone(), stage, why: why.to_owned() }
    }
}

impl Report {
    pub(super) fn new(as_of: Timestamp, policy: &Policy, switches: Switches) -> Self {
        Self {
            as_of,
            policy: policy.fingerprint.clone(),
            position: switches.into(),
            people: 0,
            counts: BTreeMap::new(),
            effects: Vec::new(),
            not_read: Vec::new(),
            not_cut: Vec::new(),
        }
    }

    /// Adds what one person's look showed.
    pub(super) fn add(&mut self, effects: Vec<Effect>, not_read: Vec<NotRead>, not_cut: Vec<NotCut>) {
        self.not_cut.extend(not_cut);
        self.people += 1;
        for effect in effects.iter().filter(|effect| effect.when == When::Now) {
            *self.counts.entry(effect.kind.clone()).or_default() += 1;
        }
        self.effects.extend(effects);
        self.not_read.extend(not_read);
    }

    /// By person; within one, as planned.
    pub(super) fn sort(&mut self) {
        self.effects.sort_by(|a, b| a.person.cmp(&b.person));
        self.not_cut.sort();
        self.not_read.sort_by(|a, b| (&a.person, a.stage).cmp(&(&b.person, b.stage)));
    }
}

/// A planned step as an effect. What the plan would do now, but what was tried and is held at a guard or left to a human, is shown as
/// it stands.
pub(super) fn of_stage(person: &Person, stage: Stage, zone: &TimeZone, planned: Planned) -> Effect {
    let (when, until, note) = match planned.wait {
        None => stands(person, &planned.action),
        Some(Wait::Until(at)) => (When::Waits, Some(at), None),
        Some(Wait::For(what, _)) => (When::Waits, None, Some(what)),
        Some(Wait::Human(instructions)) => (When::Human, None, Some(instructions)),
    };
    let (kind, what) = (kind(&planned.action), planned.action.phrase());
    let (person, zone) = (person.head.person.clone(), zone.clone());
    Effect { person, stage, kind, what, why: planned.why, when, until, note, action: planned.action, zone }
}

fn stands(person: &Person, action: &Action) -> (When, Option<Timestamp>, Option<String>) {
    let id = StepId::derive(&person.head.person, person.head.generation, action);
    match person.steps.get(&id).map(|step| &step.state) {
        // A seat that was missing may be there by now: the plan has just looked.
        Some(StepState::Waiting { why, sku: None, .. }) => (When::Waits, None, Some(why.clone())),
        Some(StepState::Task { instructions }) => (When::Human, None, Some(instructions.clone())),
        _ => (When::Now, None, None),
    }
}

/// What the policy gives somebody who has no account yet: the later stages see nothing before it is there.
pub(super) fn later(person: &Person, policy: &Policy, now: Timestamp) -> Vec<Effect> {
    if person.head.account.object_id.is_some() {
        return Vec::new();
    }
    let view = View::new(person, policy, now);
    let Some(given) = entitlements(&view, &Actual::default()) else { return Vec::new() };
    let carriers = policy.carriers();
    let groups = given.groups.into_iter().map(|(group, packages)| {
        let action = if carriers.contains(&group) {
            Action::JoinCarrier { group, skus: Vec::new() }
        } else {
            Action::AddMember { group }
        };
        (action, packages)
    });
    let licenses = given.licenses.into_iter().map(|(sku, license)| {
        let disabled_plans = license.disabled_plans.into_iter().collect();
        (Action::AssignLicense { sku, disabled_plans }, license.packages)
    });
    let effect = |(action, packages): (Action, Vec<String>)| Effect {
        person: person.head.person.clone(),
        stage: action.stage(),
        kind: kind(&action),
        what: action.phrase(),
        why: reason(policy, &packages),
        when: When::Later,
        until: None,
        note: Some("when the account is there".into()),
        action,
        zone: view.standing.zone.clone(),
    };
    groups.chain(licenses).map(effect).collect()
}

/// The action's own word, as it is stored.
fn kind(action: &Action) -> String {
    let value = serde_json::to_value(action).unwrap_or_default();
    value.get("action").and_then(Value::as_str).unwrap_or_default().to_owned()
}
