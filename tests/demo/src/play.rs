//! Plays the day: moves the clock, sends what HR sends, waits until everything has come to rest, shows and checks.
//!
//! The clock stands still between moves. Everything that is possible at an instant is done before time goes on to the next
//! instant at which anything is due, so that a day takes seconds and nothing depends on how fast the machine is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::message::QueueName;
use domain::person::TimelineKind;
use domain::ports::{Roster as _, StoreError};
use domain::step::{Action, StepState};
use embedded::FailureFilter;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::company::{Company, Files};
use crate::scenario::{Day, Facts, Overtaking, Request, Role, Scene};
use crate::tenant::{Call, Snapshot, TenantError};
use crate::terminal::Terminal;
use crate::timeline::Timeline;
use crate::verdict::{Difference, Subject};

/// How long, by the machine's clock, anything may take to come to rest.
const REST_MAX: Duration = Duration::from_secs(30);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(20);
/// So many looks in a row must show the same.
const SAME_LOOKS: u32 = 3;
/// A message hidden for so long is in somebody's hands; one that waits is hidden for less.
const IN_HAND: SignedDuration = SignedDuration::from_secs(170);
/// How long a scene lasts at most before the next: a cut is repeated after two minutes.
const SCENE_MAX: SignedDuration = SignedDuration::from_mins(10);
/// What is due within so little time is done together.
const TOGETHER: SignedDuration = SignedDuration::from_millis(300);
/// How often time moves on within a scene.
const MOVES_MAX: usize = 200;
/// How long an answer to a webhook may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Why the play broke off.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// The emulator.
    #[error("the tenant cannot be asked")]
    Tenant(#[from] TenantError),
    /// The roster.
    #[error("the roster cannot be read")]
    Store(#[from] StoreError),
    /// The webhook listener did not answer at all.
    #[error("a webhook was not answered")]
    Webhook(#[from] reqwest::Error),
    /// A connection of the day is none of the policy's.
    #[error("there is no connection `{0}`")]
    Connection(String),
    /// Something goes on and on, or hangs.
    #[error("`{0}` did not come to rest within {limit} s", limit = REST_MAX.as_secs())]
    Restless(String),
}

/// A day being played.
pub struct Play<'a> {
    day: &'a Day,
    company: &'a Company,
    terminal: Terminal<'a>,
    timeline: Timeline,
    http: reqwest::Client,
    /// A rest before each scene, for whoever is watching.
    pause: Duration,
    last_call: u64,
    /// The writes of the scene.
    writes: Vec<Call>,
    begin: Snapshot,
    differences: Vec<Difference>,
}

/// How the day ended.
pub struct Ending {
    /// For every person of the day, how the tenant and the roster show them.
    pub people: Vec<Facts>,
    /// Everything that is not as it should be.
    pub differences: Vec<Difference>,
}

/// What changes as long as anything goes on.
#[derive(PartialEq)]
struct Pulse {
    visible: Option<Timestamp>,
    due: Option<Timestamp>,
    depth: u64,
    calls: u64,
}

impl<'a> Play<'a> {
    /// Gets ready. `pause` is a rest before each scene, for whoever is watching.
    pub async fn new(terminal: Terminal<'a>, company: &'a Company, pause: Duration) -> Result<Self, PlayError> {
        let day = terminal.day();
        let begin = company.stage.tenant.snapshot().await?;
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_MAX).build()?;
        let (timeline, writes, differences) = (Timeline::default(), Vec::new(), Vec::new());
        Ok(Self { day, company, terminal, timeline, http, pause, last_call: 0, writes, begin, differences })
    }

    /// Plays every scene.
    pub async fn run(mut self) -> Result<Ending, PlayError> {
        let beginnings: Vec<Timestamp> = self.day.scenes.iter().map(|scene| self.day.begins(scene)).collect();
        let last = beginnings.last().map(|last| last.saturating_add(SCENE_MAX).unwrap_or(*last));
        let until = beginnings.iter().copied().skip(1).chain(last);
        for ((scene, begins), next) in self.day.scenes.iter().zip(&beginnings).zip(until) {
            self.scene(scene, *begins, next).await?;
        }
        self.end().await
    }

    async fn scene(&mut self, scene: &'a Scene, begins: Timestamp, next: Timestamp) -> Result<(), PlayError> {
        tokio::time::sleep(self.pause).await;
        self.terminal.scene(scene);
        self.writes.clear();
        self.move_clock(begins).await?;
        for request in &scene.requests {
            self.send(scene, request, begins).await?;
        }
        let until = begins.saturating_add(SCENE_MAX).unwrap_or(next).min(next);
        for _ in 0..MOVES_MAX {
            self.rest(scene).await?;
            let Some(due) = self.next_due(until).await? else { return self.check(scene).await };
            self.move_clock(due.saturating_add(TOGETHER).unwrap_or(due)).await?;
        }
        Err(PlayError::Restless(scene.title.clone()))
    }

    /// The next instant before `until` at which anything is due.
    async fn next_due(&self, until: Timestamp) -> Result<Option<Timestamp>, PlayError> {
        let store = self.company.joinery.store();
        let next = store.next_visible_at()?.into_iter().chain(store.next_due().await?).min();
        Ok(next.filter(|at| *at < until))
    }

    /// Sets the emulator's clock and waits until Joinery has heard of it.
    async fn move_clock(&self, to: Timestamp) -> Result<(), PlayError> {
        self.company.stage.tenant.set_clock(to).await?;
        let deadline = Instant::now() + REST_MAX;
        while self.company.joinery.clock().now() != to {
            if Instant::now() > deadline {
                return Err(PlayError::Restless("the clock".into()));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    async fn send(&mut self, scene: &Scene, request: &Request, now: Timestamp) -> Result<(), PlayError> {
        let signer = self.company.files.signers.get(&request.to);
        let signer = signer.ok_or_else(|| PlayError::Connection(request.to.clone()))?;
        let forger = request.forged.then(|| Files::forger(signer));
        let path = format!("/hr/{}", request.to);
        let mut post =
            self.http.post(format!("{}{path}", self.company.hooks)).header("content-type", "application/json");
        for (name, value) in
            forger.as_ref().unwrap_or(signer).sign(request.id.as_deref().unwrap_or_default(), now, &request.body)
        {
            post = post.header(name, value);
        }
        let status = post.body(request.body.clone()).send().await?.status();
        let as_expected = status.as_u16() == request.status;
        let person = self.day.people.iter().position(|role| role.id == request.person).unwrap_or_default();
        self.terminal.says(now, person, &request.says, &format!("POST {path} {status}"), as_expected);
        if !as_expected {
            let subject = Subject { place: &scene.title, name: &request.person };
            self.differences.push(subject.differs(&format!("answer to “{}”", request.says), request.status, status));
        }
        Ok(())
    }

    /// Waits until nothing goes on at this instant, and shows what goes on meanwhile.
    async fn rest(&mut self, scene: &Scene) -> Result<(), PlayError> {
        let deadline = Instant::now() + REST_MAX;
        let mut last = None;
        let mut same = 0;
        while same < SAME_LOOKS {
            if Instant::now() > deadline {
                return Err(PlayError::Restless(scene.title.clone()));
            }
            tokio::time::sleep(LOOK).await;
            self.show_news(scene).await?;
            let pulse = self.pulse().await?;
            let now = self.company.joinery.clock().now();
            let goes_on = |at: Timestamp| at <= now || at.duration_since(now) >= IN_HAND;
            let busy = pulse.visible.is_some_and(goes_on) || pulse.due.is_some_and(|due| due <= now);
            same = if !busy && last.as_ref() == Some(&pulse) { same + 1 } else { 0 };
            last = Some(pulse);
        }
        Ok(())
    }

    async fn pulse(&self) -> Result<Pulse, PlayError> {
        let store = self.company.joinery.store();
        let mut depth = 0;
        for queue in QueueName::ALL {
            depth += store.depth(queue)?;
        }
        Ok(Pulse { visible: store.next_visible_at()?, due: store.next_due().await?, depth, calls: self.last_call })
    }

    async fn show_news(&mut self, scene: &Scene) -> Result<(), PlayError> {
        let tenant = &self.company.stage.tenant;
        let entries = self.timeline.entries(self.day, self.company.joinery.store()).await?;
        let (writes, last) = tenant.writes(self.last_call).await?;
        self.last_call = last;
        self.writes.extend(writes.iter().cloned());
        let snapshot = tenant.snapshot().await?;
        for line in self.timeline.lines(self.day, entries, writes, &snapshot) {
            let made = line.kind == TimelineKind::Did && line.text.starts_with("create the account");
            if !(scene.brief && self.is_merely_imported(scene, line.person)) || made {
                self.terminal.line(&line);
            }
        }
        Ok(())
    }

    fn is_merely_imported(&self, scene: &Scene, person: usize) -> bool {
        let id = self.day.people.get(person).map(|role| role.id.as_str());
        scene.overtakes.as_ref().is_some_and(|order| Some(order.cut.as_str()) != id)
    }

    /// Whether the scene ended as it should.
    async fn check(&mut self, scene: &Scene) -> Result<(), PlayError> {
        let before = self.differences.len();
        let snapshot = self.company.stage.tenant.snapshot().await?;
        for check in &scene.then {
            let Some(role) = self.day.role(&check.person) else { continue };
            let facts = self.facts(role, &snapshot).await?;
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
        Ok(())
    }

    fn has_overtaken(&self, order: &Overtaking, snapshot: &Snapshot) -> bool {
        let account = |id: &str| snapshot.account_id(id);
        let blocks =
            |call: &&Call| call.method == "PATCH" && call.body.get("accountEnabled") == Some(&Value::Bool(false));
        let makes = |call: &&Call| call.method == "POST" && call.path == "/users";
        let of = |call: &&Call, id: &str| call.is_about(account(id).as_deref(), id);
        let cut = self.writes.iter().find(|call| blocks(call) && of(call, &order.cut));
        let made = self.writes.iter().find(|call| makes(call) && of(call, &order.created));
        cut.zip(made).is_some_and(|(cut, made)| cut.number < made.number)
    }

    /// How tenant and roster show a person.
    async fn facts(&self, role: &Role, snapshot: &Snapshot) -> Result<Facts, PlayError> {
        let mut facts = snapshot.facts(&role.id);
        let person = match role.id.parse() {
            Ok(id) => self.company.joinery.store().person(&id).await?,
            Err(_) => None,
        };
        let steps = || person.iter().flat_map(|person| person.steps.values());
        let tasks: BTreeSet<&str> = steps()
            .filter_map(|step| match (&step.action, &step.state) {
                (Action::ByHand { what, .. }, StepState::Task { .. }) => Some(what.as_str()),
                (_, StepState::Task { .. }) => Some("another step"),
                _ => None,
            })
            .collect();
        let count = |is: fn(&StepState) -> bool| steps().filter(|step| is(&step.state)).count();
        let settled = |state: &StepState| {
            matches!(state, StepState::Verified { .. } | StepState::Waiting { .. } | StepState::Task { .. })
        };
        facts.insert("tasks".into(), json!(tasks));
        facts.insert("waiting".into(), json!(count(|state| matches!(state, StepState::Waiting { .. }))));
        facts.insert("open".into(), json!(steps().filter(|step| !settled(&step.state)).count()));
        Ok(facts)
    }

    /// Compares the end with the scenario's: everybody of the day, the seats, the failures, and everybody else.
    async fn end(mut self) -> Result<Ending, PlayError> {
        let snapshot = self.company.stage.tenant.snapshot().await?;
        let place = "the end";
        let mut people = Vec::new();
        for role in &self.day.people {
            let actual = self.facts(role, &snapshot).await?;
            let mut expected = role.end.clone();
            for (name, nothing) in [("tasks", json!([])), ("waiting", json!(0)), ("open", json!(0))] {
                expected.entry(name.into()).or_insert(nothing);
            }
            self.differences.extend(Subject { place, name: &role.name }.compare(&expected, &actual));
            people.push(actual);
        }
        let seats =
            |seats: &BTreeMap<String, [i64; 2]>| seats.iter().map(|(sku, seats)| (sku.clone(), json!(seats))).collect();
        let taken = Subject { place, name: "seats taken and free" };
        self.differences.extend(taken.compare_all(&seats(&self.day.seats), &seats(&snapshot.seats())));
        let failures = self.company.joinery.store().failures(&FailureFilter::default(), 100)?;
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
