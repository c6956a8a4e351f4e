//! `joinery status`.

use std::collections::BTreeMap;

use clap::Args;
use domain::message::QueueName;
use domain::policy::skus;
use domain::ports::{Controls, Roster, StoreError};
use domain::step::StepState;
use embedded::FailureFilter;
use jiff::Timestamp;
use joinery::desk::Desk;
use joinery::guards;
use serde::Serialize;

use super::switches::Position;
use super::{Answer, Answered, Data};
use crate::print::{self, Output, Rows};

/// The most failures that are counted.
const FAILURES_MAX: usize = 100_000;

/// Show how things stand: queues, people, steps, seats, failures
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  joinery status --output json")]
pub(crate) struct Status {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Serialize)]
struct Report {
    now: Timestamp,
    /// Whether a `joinery up` runs on this data.
    up: bool,
    #[serde(flatten)]
    position: Position,
    /// Set if the policy file differs from the one in force, or cannot be used.
    policy_note: Option<String>,
    queues: Vec<Queue>,
    phases: BTreeMap<String, usize>,
    steps: BTreeMap<&'static str, usize>,
    /// People who wait for a seat, by product.
    waiting_for_seats: BTreeMap<String, usize>,
    failures: BTreeMap<String, usize>,
    /// What guards hold for a human to decide, by kind.
    held: BTreeMap<&'static str, usize>,
    next_due: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Queue {
    #[serde(rename = "queue")]
    name: QueueName,
    depth: u64,
    oldest: Option<Timestamp>,
}

impl Status {
    pub(crate) async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let report = report(&desk).await?;
        print::item(self.output.format, &report, show)?;
        Ok(Answer::Yes)
    }
}

async fn report(desk: &Desk) -> Result<Report, StoreError> {
    let queue = |name| {
        let store = &desk.store;
        Ok::<_, StoreError>(Queue { name, depth: store.depth(name)?, oldest: store.oldest(name)? })
    };
    let mut report = Report {
        now: desk.clock.now(),
        up: desk.is_up(),
        position: desk.store.switches().await?.into(),
        policy_note: policy_note(desk),
        queues: QueueName::ALL.into_iter().map(queue).collect::<Result<_, _>>()?,
        phases: BTreeMap::new(),
        steps: BTreeMap::new(),
        waiting_for_seats: BTreeMap::new(),
        failures: BTreeMap::new(),
        held: BTreeMap::new(),
        next_due: desk.store.next_due().await?,
    };
    for failure in desk.store.failures(&FailureFilter::default(), FAILURES_MAX)? {
        *report.failures.entry(failure.cause).or_default() += 1;
    }
    for held in guards::held(&desk.store).await?.into_iter().filter(|held| !held.action.refused) {
        *report.held.entry(held.action.kind.word()).or_default() += 1;
    }
    for id in desk.everyone().await? {
        let Some(person) = desk.store.person(&id).await? else { continue };
        *report.phases.entry(person.head.phase.clone()).or_default() += 1;
        for step in person.steps.values() {
            *report.steps.entry(step.state.word()).or_default() += 1;
            if let StepState::Waiting { sku: Some(sku), .. } = &step.state {
                let name = skus::part_number(sku).map_or_else(|| sku.to_string(), str::to_owned);
                *report.waiting_for_seats.entry(name).or_default() += 1;
            }
        }
    }
    Ok(report)
}

fn policy_note(desk: &Desk) -> Option<String> {
    let in_force = &desk.remembered.as_ref()?.fingerprint;
    match desk.policy() {
        Ok(policy) if policy.fingerprint == *in_force => None,
        Ok(_) => Some("the policy file has changed since it was taken in force: restart `joinery up`".into()),
        Err(error) => Some(format!("{error}; what was read at the start stays in force")),
    }
}

fn show(report: &Report) -> String {
    let up = if report.up { "running" } else { "not running: nothing is worked on" };
    let mut lines = vec![
        ("joinery up", up.to_owned()),
        ("mode", report.position.mode.to_owned()),
        ("stopped", report.position.stopped.to_owned()),
    ];
    if let Some(note) = &report.policy_note {
        lines.push(("policy", note.clone()));
    }
    let mut text = print::pairs(&lines) + &print::heading("Queues");
    let mut queues = Rows::new(&["QUEUE", "MESSAGES", "OLDEST"]);
    for queue in &report.queues {
        let oldest = queue.oldest.map_or_else(|| "-".into(), |at| print::span(report.now.duration_since(at)));
        queues.push([queue.name.to_string(), queue.depth.to_string(), oldest]);
    }
    text += &queues.show("");
    text += &counts("People by phase", "PHASE", &report.phases, "nobody");
    text += &counts("Steps by state", "STATE", &report.steps, "no steps");
    text += &counts("Waiting for a seat", "PRODUCT", &report.waiting_for_seats, "nobody");
    text += &counts("Held by a guard", "KIND", &report.held, "nothing");
    text + &counts("Failures by cause", "CAUSE", &report.failures, "none")
}

fn counts<K: ToString>(title: &str, column: &'static str, counts: &BTreeMap<K, usize>, none: &str) -> String {
    let mut rows = Rows::new(&[column, "COUNT"]);
    for (name, count) in counts {
        rows.push([name.to_string(), count.to_string()]);
    }
    print::heading(title) + &rows.show(none)
}
