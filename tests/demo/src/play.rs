//! Plays the day: moves the clock, sends what HR sends, acts as people act, waits until everything has come to rest, shows
//! and checks.
//!
//! The clock stands still between moves. Everything that is possible at an instant is done before time goes on to the next
//! instant at which anything is due, so that a day takes seconds and nothing depends on how fast the machine is.

mod judging;

use std::time::Duration;

use domain::message::QueueName;
use domain::person::TimelineKind;
use domain::ports::{Page, Roster as _, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::company::{Company, Files};
use crate::operator::{Operator, OperatorError};
use crate::scenario::{Act, Command, Day, Facts, Request, Scene};
use crate::tenant::{Call, Snapshot, TenantError};
use crate::terminal::Terminal;
use crate::timeline::{Line, Timeline};
use crate::verdict::{Difference, Subject};

/// How long, by the machine's clock, anything may take to come to rest.
const REST_MAX: Duration = Duration::from_secs(30);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(10);
/// So many looks in a row must show the same.
const SAME_LOOKS: u32 = 3;
/// Who is due is swept for at once, or, right after a sweep, when the clock has gone on: then so many looks see nothing.
const OVERDUE_LOOKS: u32 = 50;
/// By how much it must have gone on: sweeps follow each other no closer than the policy's settling time.
const NEXT_SWEEP: SignedDuration = SignedDuration::from_secs(2);
/// A message hidden for so long is in somebody's hands; one that waits is hidden for less.
const IN_HAND: SignedDuration = SignedDuration::from_secs(170);
/// What is due within so little time is done together.
const TOGETHER: SignedDuration = SignedDuration::from_millis(300);
/// How often time moves on within a scene.
const MOVES_MAX: usize = 200;
/// What is shown of everybody.
const MILESTONES: &[&str] = &["create the account", "block sign-in: "];
/// The most pages of a day.
const PAGES_MAX: usize = 1_000;
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
    /// The operator's program.
    #[error("the operator's program cannot be run")]
    Operator(#[from] OperatorError),
    /// An act that cannot be put.
    #[error("“{0}” is about somebody without an account, or no JSON")]
    Act(String),
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
    operator: &'a Operator,
    terminal: Terminal<'a>,
    timeline: Timeline,
    http: reqwest::Client,
    /// A rest before each scene, for whoever is watching.
    pause: Duration,
    last_call: u64,
    /// The writes of the scene.
    writes: Vec<Call>,
    /// The pages of the scene, and how many went out before it.
    pages: Vec<Page>,
    paged_before: usize,
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
    pub async fn new(
        terminal: Terminal<'a>,
        company: &'a Company,
        operator: &'a Operator,
        pause: Duration,
    ) -> Result<Self, PlayError> {
        let begin = company.stage.tenant.snapshot().await?;
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_MAX).build()?;
        Ok(Self {
            day: terminal.day(),
            company,
            operator,
            terminal,
            timeline: Timeline::default(),
            http,
            pause,
            last_call: 0,
            writes: Vec::new(),
            pages: Vec::new(),
            paged_before: 0,
            begin,
            differences: Vec::new(),
        })
    }

    /// Plays every scene.
    pub async fn run(mut self) -> Result<Ending, PlayError> {
        let scenes = &self.day.scenes;
        for (at, scene) in scenes.iter().enumerate() {
            let next = scenes.get(at + 1).map_or(Timestamp::MAX, |next| self.day.begins(next));
            self.scene(scene, self.day.ends(scene).min(next)).await?;
        }
        self.end().await
    }

    async fn scene(&mut self, scene: &'a Scene, until: Timestamp) -> Result<(), PlayError> {
        tokio::time::sleep(self.pause).await;
        self.terminal.scene(scene);
        let (begins, before) = (self.day.begins(scene), self.differences.len());
        self.writes.clear();
        self.paged_before += std::mem::take(&mut self.pages).len();
        self.move_clock(begins).await?;
        for request in &scene.requests {
            self.send(scene, request, begins).await?;
            if scene.in_turn {
                self.rest(scene).await?;
            }
        }
        for act in &scene.acts {
            self.act(act, begins).await?;
        }
        for command in &scene.commands {
            self.rest(scene).await?;
            self.command(scene, command).await?;
        }
        for _ in 0..MOVES_MAX {
            self.rest(scene).await?;
            let Some(due) = self.next_due(until).await? else { return self.check(scene, before).await };
            let now = self.company.joinery.clock().now();
            let due = if due > now { due } else { now.saturating_add(NEXT_SWEEP).unwrap_or(now) };
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
        let person = self.place(&request.person);
        self.terminal.says(now, person, &request.says, &format!("POST {path} {status}"), as_expected);
        if !as_expected {
            let subject = Subject { place: &scene.title, name: &request.person };
            self.differences.push(subject.differs(&format!("answer to “{}”", request.says), request.status, status));
        }
        Ok(())
    }

    /// Does what somebody does without Joinery.
    async fn act(&self, act: &Act, now: Timestamp) -> Result<(), PlayError> {
        let tenant = &self.company.stage.tenant;
        let account = tenant.snapshot().await?.account_id(&act.person);
        let put = account.map(|account| act.put.replace("{account}", &account));
        let (Some(put), Ok(body)) = (put, serde_json::from_str(&act.body)) else {
            return Err(PlayError::Act(act.says.clone()));
        };
        self.terminal.acts(now, self.place(&act.person), &act.says);
        Ok(tenant.put(&put, &body).await?)
    }

    /// Types a command, and looks whether it answers as it should.
    async fn command(&mut self, scene: &Scene, command: &Command) -> Result<(), PlayError> {
        let said = self.operator.run(&command.joinery).await?;
        let line = crate::operator::shell(&command.joinery);
        self.terminal.command(&line, &said.lines);
        let subject = Subject { place: &scene.title, name: &line };
        if said.code != Some(0) {
            self.differences.push(subject.differs("exit code", 0, format!("{:?}", said.code)));
        }
        self.differences.extend(subject.compare_rows(&command.rows, &said.rows().collect::<Vec<_>>()));
        Ok(())
    }

    /// Somebody's place in the day.
    fn place(&self, person: &str) -> usize {
        self.day.people.iter().position(|role| role.id == person).unwrap_or_default()
    }

    /// Waits until nothing goes on at this instant, and shows what goes on meanwhile.
    async fn rest(&mut self, scene: &Scene) -> Result<(), PlayError> {
        let deadline = Instant::now() + REST_MAX;
        let mut last = None;
        let (mut same, mut enough) = (0, SAME_LOOKS);
        while same < enough {
            if Instant::now() > deadline {
                return Err(PlayError::Restless(scene.title.clone()));
            }
            tokio::time::sleep(LOOK).await;
            self.show_news(scene).await?;
            let pulse = self.pulse().await?;
            let now = self.company.joinery.clock().now();
            let goes_on = |at: Timestamp| at <= now || at.duration_since(now) >= IN_HAND;
            let busy = pulse.visible.is_some_and(goes_on);
            enough = if pulse.due.is_some_and(|due| due <= now) { OVERDUE_LOOKS } else { SAME_LOOKS };
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
            if self.is_followed(scene, &line) {
                self.terminal.line(&line);
            }
        }
        let pages = self.company.joinery.store().pages(PAGES_MAX)?;
        for page in pages.into_iter().skip(self.paged_before + self.pages.len()) {
            let person = page.person.as_ref().map(ToString::to_string).unwrap_or_default();
            self.terminal.page(page.at, self.place(&person), &page.text);
            self.pages.push(page);
        }
        Ok(())
    }

    /// Whether a line is shown: of people who are not followed only what matters most.
    fn is_followed(&self, scene: &Scene, line: &Line) -> bool {
        let id = self.day.people.get(line.person).map(|role| &role.id);
        let is_milestone = match line.kind {
            TimelineKind::Did => MILESTONES.iter().any(|did| line.text.starts_with(did)),
            TimelineKind::Failed => true,
            _ => false,
        };
        scene.follow.is_empty() || is_milestone || id.is_some_and(|id| scene.follow.contains(id))
    }
}
