//! Everything about a person as one value.

use domain::attributes;
use domain::event::{FactValue, FieldKind};
use domain::ids::{ObjectId, PersonId};
use domain::ledger::{Grant, Origin, Target};
use domain::lifecycle::Standing;
use domain::matching::Found;
use domain::person::{Person, TimelineEntry};
use domain::planner::View;
use domain::policy::{PersonKind, Policy, skus};
use domain::progress;
use domain::record::{Record, Term};
use domain::step::{Action, Stage, Step, StepState};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Value, json};

use super::tenant::Seen;
use crate::print;

/// The whole story.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) person: PersonId,
    pub(super) lifecycle: Option<Lifecycle>,
    pub(super) record: RecordView,
    pub(super) account: Account,
    pub(super) grants: Vec<GrantView>,
    pub(super) steps: Vec<StepView>,
    pub(super) tasks: Vec<Task>,
    pub(super) timeline: Vec<TimelineEntry>,
    /// The zone times are shown in.
    #[serde(skip)]
    pub(super) zone: TimeZone,
}

/// Where the person stands.
#[derive(Debug, Serialize)]
pub(super) struct Lifecycle {
    pub(super) kind: &'static str,
    pub(super) phase: &'static str,
    pub(super) want: String,
    pub(super) why: String,
    pub(super) start: Option<Date>,
    pub(super) end: Option<Timestamp>,
    pub(super) next_due: Option<Timestamp>,
    pub(super) time_zone: Option<String>,
    pub(super) is_protected: bool,
}

/// What HR says.
#[derive(Debug, Serialize)]
pub(super) struct RecordView {
    pub(super) employee_number: Option<String>,
    /// The facts in force today.
    pub(super) facts: Vec<Fact>,
    /// Facts of each employment; they carry their own dates.
    pub(super) employments: Vec<Employment>,
    pub(super) is_deleted_at_source: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Fact {
    pub(super) field: &'static str,
    pub(super) value: Value,
    /// What is wrong with it and how to mend it, if it cannot be used.
    pub(super) fault: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Employment {
    pub(super) id: String,
    pub(super) facts: Vec<Fact>,
    pub(super) revoked_at: Option<Timestamp>,
}

/// The account by three views.
#[derive(Debug, Serialize)]
pub(super) struct Account {
    /// HR's: the properties it should have, or what is wrong with the facts.
    pub(super) hr: Hr,
    /// Ours: what we made or bound.
    pub(super) ours: Ours,
    /// The tenant's, read just now.
    pub(super) tenant: Seen,
    /// Where the tenant differs from HR.
    pub(super) differences: Vec<Difference>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Hr {
    pub(super) properties: attributes::Properties,
    pub(super) faults: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Ours {
    pub(super) object_id: Option<ObjectId>,
    pub(super) upn: Option<String>,
    pub(super) bound_at: Option<Timestamp>,
    pub(super) deleted_at: Option<Timestamp>,
    /// The name of an account creation whose outcome is not known yet.
    pub(super) open_creation: Option<String>,
    /// Whether an invitation's outcome is not known yet.
    pub(super) open_invitation: bool,
    /// How the account was found, if it was there before us.
    pub(super) found: Option<Found>,
    pub(super) credential: Credential,
    /// While it is up, nothing is granted.
    pub(super) fence_is_up: bool,
}

/// What became of the first password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Credential {
    None,
    Sealed,
    HandedOut,
}

#[derive(Debug, Serialize)]
pub(super) struct Difference {
    pub(super) property: String,
    pub(super) hr: Value,
    pub(super) tenant: Value,
}

/// An entry of the ledger.
#[derive(Debug, Serialize)]
pub(super) struct GrantView {
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) origin: Origin,
    pub(super) held: bool,
    pub(super) reasons: Vec<String>,
    pub(super) since: Timestamp,
}

#[derive(Debug, Serialize)]
pub(super) struct StepView {
    pub(super) id: String,
    pub(super) stage: Stage,
    pub(super) step: String,
    pub(super) why: String,
    pub(super) state: &'static str,
    /// For what it waits, what failed, or what a human must do.
    pub(super) note: Option<String>,
    /// Since when it is in its state.
    pub(super) since: Option<Timestamp>,
    pub(super) attempts: u32,
    pub(super) next_try: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
pub(super) struct Task {
    pub(super) task: String,
    pub(super) instructions: String,
}

impl Report {
    /// Gathers what follows from the person, the policy and what the tenant showed. Without a policy, what follows from it
    /// is left out.
    pub(super) fn new(person: &Person, policy: Option<&Policy>, now: Timestamp, seen: Seen) -> Self {
        let view = policy.map(|policy| View::new(person, policy, now));
        let standing = view.as_ref().map(|view| &view.standing);
        let zone = standing.map_or(TimeZone::UTC, |standing| standing.zone.clone());
        let today = standing.map_or_else(|| now.to_zoned(TimeZone::UTC).date(), |standing| standing.today);
        let tasks = progress::tasks(person);
        let task = |(step, instructions): (&Step, &str)| Task {
            task: step.action.phrase(),
            instructions: instructions.into(),
        };
        Self {
            person: person.head.person.clone(),
            lifecycle: view.as_ref().map(|view| lifecycle(&view.standing, person.head.rules_due, view.is_protected())),
            record: record(&person.head.record, today, &zone),
            account: account(person, view.as_ref(), seen),
            tasks: tasks.map(task).collect(),
            steps: steps(person),
            grants: Vec::new(),
            timeline: Vec::new(),
            zone,
        }
        .with_grants(person)
        .with_redemption(person)
    }

    /// Where in the line somebody stands who waits for a seat. In none: the policy's next look lets them in.
    pub(super) fn place_in_line(&mut self, step: &Step, place: Option<usize>, waiting: usize) {
        let (Some(place), id) = (place, step.id.to_string()) else { return };
        for shown in self.steps.iter_mut().filter(|shown| shown.id == id) {
            let why = shown.note.take().unwrap_or_default();
            shown.note = Some(format!("{why}: number {place} of {waiting} in line"));
        }
    }

    /// What became of an invitation is the reading of its step: pending is no failure.
    fn with_redemption(mut self, person: &Person) -> Self {
        let Seen::Account(account) = &self.account.tenant else { return self };
        let Some(state) = account.user.get("externalUserState").and_then(Value::as_str) else { return self };
        let invited = |step: &&Step| step.action == Action::InviteGuest && step.state.is_met();
        if let Some(invited) = person.steps.values().find(invited) {
            let id = invited.id.to_string();
            self.steps.iter_mut().filter(|step| step.id == id).for_each(|step| step.note = Some(state.to_owned()));
        }
        self
    }

    fn with_grants(mut self, person: &Person) -> Self {
        let names = match &self.account.tenant {
            Seen::Account(account) => account.groups.as_slice(),
            _ => &[],
        };
        let name = |id: &str| {
            names.iter().find(|group| group.id.eq_ignore_ascii_case(id)).and_then(|group| group.name.clone())
        };
        self.grants = person.grants.values().map(|grant| grant_view(grant, name)).collect();
        self
    }
}

fn lifecycle(standing: &Standing, rules_due: Option<Timestamp>, is_protected: bool) -> Lifecycle {
    let kind = match standing.kind {
        PersonKind::Tenant => "tenant account",
        PersonKind::Guest => "guest",
        PersonKind::None => "no account",
    };
    Lifecycle {
        kind,
        phase: standing.phase.as_str(),
        want: format!("{:?}", standing.want).to_lowercase(),
        why: standing.why.clone(),
        start: standing.start,
        end: standing.end,
        next_due: standing.next_due.into_iter().chain(rules_due).min(),
        time_zone: standing.zone.iana_name().map(str::to_owned),
        is_protected,
    }
}

fn record(record: &Record, today: Date, zone: &TimeZone) -> RecordView {
    let facts = record.facts_on(today, zone).map(|(field, value)| fact(field.path(), field.kind(), value));
    RecordView {
        employee_number: record.employee_number().map(str::to_owned),
        facts: facts.collect(),
        employments: record.terms().iter().map(|(id, term)| employment(id, term)).collect(),
        is_deleted_at_source: record.is_deleted_at_source(),
    }
}

fn employment(id: &str, term: &Term) -> Employment {
    let registers = term.registers.iter();
    Employment {
        id: id.to_owned(),
        facts: registers.map(|(field, register)| fact(field.path(), field.kind(), &register.value)).collect(),
        revoked_at: term.revoked.stamps().map(|stamp| stamp.recorded_at).max(),
    }
}

fn fact(field: &'static str, kind: FieldKind, value: &FactValue) -> Fact {
    let fault =
        if let FactValue::Fault(fault) = value { Some(format!("{}: {}", fault.problem, fault.fix)) } else { None };
    let value = match value {
        FactValue::Null | FactValue::Fault(_) => Value::Null,
        FactValue::Text(text) if kind == FieldKind::Masked => json!(print::masked(text)),
        FactValue::Text(text) | FactValue::Number(text) => json!(text),
        FactValue::Bool(yes) => json!(yes),
        FactValue::Date(date) => json!(date.to_string()),
        FactValue::Instant(at) => json!(at),
        FactValue::Texts(texts) => json!(texts),
    };
    Fact { field, value, fault }
}

fn account(person: &Person, view: Option<&View<'_>>, tenant: Seen) -> Account {
    let account = &person.head.account;
    let hr = match view.map(|view| &view.attributes) {
        None => Hr::default(),
        Some(Ok(properties)) => Hr { properties: properties.clone(), faults: Vec::new() },
        Some(Err(faults)) => {
            let faults = faults.iter().map(|(path, fault)| format!("`{path}` {}: {}", fault.problem, fault.fix));
            Hr { faults: faults.collect(), ..Hr::default() }
        }
    };
    let differences = match &tenant {
        Seen::Account(seen) => {
            let differing = attributes::difference(&hr.properties, &seen.user).into_iter();
            let have = |property: &str| seen.user.get(property).cloned().unwrap_or_default();
            differing.map(|(property, hr)| Difference { tenant: have(&property), property, hr }).collect()
        }
        _ => Vec::new(),
    };
    let ours = Ours {
        object_id: account.object_id.clone(),
        upn: account.upn.clone(),
        bound_at: account.bound_at,
        deleted_at: account.deleted_at,
        open_creation: account.intent.as_ref().map(|intent| intent.upn.clone()),
        open_invitation: account.invitation.is_some(),
        found: account.matching.found.clone(),
        credential: Credential::None,
        fence_is_up: false,
    };
    Account { hr, ours, tenant, differences }
}

fn grant_view(grant: &Grant, group_name: impl Fn(&str) -> Option<String>) -> GrantView {
    let (kind, id, name) = match &grant.target {
        Target::Group(id) => ("group", id.to_string(), group_name(id.as_str())),
        Target::License(id) => ("license", id.to_string(), skus::part_number(id).map(str::to_owned)),
    };
    let Grant { origin, held, since, ref reasons, .. } = *grant;
    GrantView { kind, id, name, origin, held, reasons: reasons.clone(), since }
}

/// Open steps first, each stage for itself.
fn steps(person: &Person) -> Vec<StepView> {
    let mut steps: Vec<StepView> = person.steps.values().map(step).collect();
    let met = |step: &StepView| matches!(step.state, "done" | "verified");
    steps.sort_by(|a, b| (a.stage, met(a), a.since, &a.step).cmp(&(b.stage, met(b), b.since, &b.step)));
    steps
}

fn step(step: &Step) -> StepView {
    let (note, since) = match &step.state {
        StepState::Pending => (None, None),
        StepState::Running { since: at } | StepState::Done { at } | StepState::Verified { at } => (None, Some(*at)),
        StepState::Waiting { why, since, .. } => (Some(why.clone()), Some(*since)),
        StepState::Failed { why } => (Some(why.clone()), None),
        StepState::Task { instructions } => (Some(instructions.clone()), None),
    };
    StepView {
        id: step.id.to_string(),
        stage: step.action.stage(),
        step: step.action.phrase(),
        why: step.why.clone(),
        state: step.state.word(),
        note,
        since,
        attempts: step.attempts,
        next_try: step.wake_at.filter(|_| !step.state.is_met()),
    }
}
