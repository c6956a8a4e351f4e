//! `joinery guard`: what the policy's guards hold, and what becomes of it.

use clap::{Args, Subcommand};
use domain::attributes;
use domain::ids::PersonId;
use domain::lifecycle;
use domain::policy::{GuardKind, Policy};
use domain::ports::StoreError;
use embedded::Decision;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use joinery::desk::Desk;
use joinery::edge::SystemEntropy;
use joinery::guards::{self, Decider, Held};
use serde::Serialize;

use super::{Answer, Answered, Data};
use crate::print::{self, Output, Rows};
use crate::whom::Whom;

/// See what guards hold because too many people were to lose access at once, and release or refuse it
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Guard {
    #[command(subcommand)]
    command: GuardCommand,
}

const AFTER_HELP: &str = "\
What is released is done at once, beyond the guard's count. What is refused is not done until HR says
something else of the person; then it is judged anew.

Examples:
  joinery guard list
  joinery guard release bamboo:12 bamboo:14 --by ana --why 'confirmed by HR, ticket 4711'
  joinery guard refuse --all --kind disable --by ana --why 'a faulty import'";

#[derive(Debug, Subcommand)]
enum GuardCommand {
    List(List),
    Release(Decide),
    Refuse(Refuse),
}

/// List what guards hold and what was refused, with names, longest first
#[derive(Debug, Args)]
struct List {
    /// Only of this kind
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<GuardKind>,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

/// Let it happen, beyond the guard's count
#[derive(Debug, Args)]
#[command(after_help = "Exit code 1: of somebody nothing was held.")]
struct Decide {
    /// Who: `CONNECTION:SOURCE_ID`, object ids, or user principal names
    #[arg(value_name = "PERSON", required_unless_present = "all")]
    people: Vec<String>,
    /// Everybody of whom something is held
    #[arg(long, conflicts_with = "people")]
    all: bool,
    /// Only of this kind: disable, delete, `remove_license` or `remove_member`
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<GuardKind>,
    /// Who decides
    #[arg(long, value_name = "NAME", value_parser = said)]
    by: String,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = said)]
    why: String,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

/// Let it not happen until HR says something else of the person
#[derive(Debug, Args)]
struct Refuse {
    #[command(flatten)]
    decide: Decide,
}

fn kind(text: &str) -> Result<GuardKind, String> {
    let word = text.replace('-', "_");
    let known = GuardKind::ALL.into_iter().find(|kind| kind.word() == word);
    known.ok_or_else(|| format!("one of {}", GuardKind::ALL.map(GuardKind::word).join(", ")))
}

/// A word for the record, on one line.
fn said(text: &str) -> Result<String, String> {
    let text = print::plain(text).trim().to_owned();
    if text.is_empty() { Err("say it".into()) } else { Ok(text) }
}

/// Something held or refused.
#[derive(Debug, Serialize)]
struct Row {
    person: PersonId,
    name: Option<String>,
    kind: &'static str,
    state: &'static str,
    why: String,
    since: Timestamp,
    /// Who decided, and why.
    decided: Option<String>,
    #[serde(skip)]
    zone: TimeZone,
}

impl Guard {
    pub(crate) async fn run(self) -> Answered {
        match self.command {
            GuardCommand::List(list) => list.run().await,
            GuardCommand::Release(decide) => decide.run(Decision::Release).await,
            GuardCommand::Refuse(Refuse { decide }) => decide.run(Decision::Refuse).await,
        }
    }
}

impl List {
    async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let policy = desk.policy().ok();
        let held = held(&desk, self.kind).await?;
        let rows: Vec<Row> = held.into_iter().map(|held| row(held, policy.as_deref(), desk.clock.now())).collect();
        print::list(self.output.format, &rows, |held| {
            let mut rows = Rows::new(&["PERSON", "NAME", "KIND", "STATE", "WHY", "SINCE", "DECIDED"]);
            for row in held {
                rows.push([
                    row.person.to_string(),
                    row.name.clone().unwrap_or_else(|| "-".into()),
                    row.kind.to_owned(),
                    row.state.to_owned(),
                    row.why.clone(),
                    print::when(row.since, &row.zone),
                    row.decided.clone().unwrap_or_else(|| "-".into()),
                ]);
            }
            rows.show("nothing is held")
        })?;
        Ok(Answer::Yes)
    }
}

async fn held(desk: &Desk, kind: Option<GuardKind>) -> Result<Vec<Held>, StoreError> {
    let mut held = guards::held(&desk.store).await?;
    held.retain(|held| kind.is_none_or(|kind| held.action.kind == kind));
    Ok(held)
}

fn row(Held { action, person }: Held, policy: Option<&Policy>, now: Timestamp) -> Row {
    let standing = policy.map(|policy| lifecycle::standing(&person, policy, now));
    let name = standing.as_ref().map(|standing| attributes::names(&person, standing).display);
    Row {
        person: action.person,
        name: name.filter(|name| !name.is_empty()),
        kind: action.kind.word(),
        state: if action.refused { "refused" } else { "held" },
        why: action.why,
        since: action.since,
        decided: action.decided,
        zone: standing.map_or(TimeZone::UTC, |standing| standing.zone),
    }
}

/// What became of one decision.
#[derive(Debug, Serialize)]
struct Outcome {
    person: String,
    kind: Option<&'static str>,
    decided: bool,
    note: &'static str,
}

impl Decide {
    async fn run(self, decision: Decision) -> Answered {
        let desk = self.data.open().await?;
        let held = held(&desk, self.kind).await?;
        let mut outcomes = Vec::new();
        let mut chosen: Vec<&Held> = Vec::new();
        if self.all {
            // What was refused was decided; somebody who changes their mind names it.
            chosen.extend(held.iter().filter(|held| !held.action.refused));
        }
        for name in &self.people {
            let person = Whom::named(name.clone()).find(&desk.store).await?.map(|person| person.head.person);
            let before = chosen.len();
            chosen.extend(held.iter().filter(|held| Some(&held.action.person) == person.as_ref()));
            if chosen.len() == before {
                let note = "nothing is held of this person";
                outcomes.push(Outcome { person: name.clone(), kind: None, decided: false, note });
            }
        }
        let decider = Decider { by: &self.by, why: &self.why, at: desk.clock.now() };
        for Held { action, .. } in chosen {
            let (kind, person) = (action.kind, &action.person);
            let decided = guards::decide(&desk.store, &SystemEntropy, kind, person, decision, decider).await?;
            let note = match (decided, decision) {
                (true, Decision::Release) => "released",
                (true, Decision::Refuse) => "refused",
                (false, _) => "nothing is held of this person any more",
            };
            outcomes.push(Outcome { person: person.to_string(), kind: Some(kind.word()), decided, note });
        }
        let all = outcomes.iter().all(|outcome| outcome.decided);
        print::list(self.output.format, &outcomes, |outcomes| {
            let mut rows = Rows::new(&["PERSON", "KIND", "DECIDED"]);
            for outcome in outcomes {
                rows.push([outcome.person.clone(), outcome.kind.unwrap_or("-").to_owned(), outcome.note.to_owned()]);
            }
            rows.show("nothing is held")
        })?;
        Ok(Answer::of(all))
    }
}
