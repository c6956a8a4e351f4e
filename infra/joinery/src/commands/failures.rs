//! `joinery failures`: what could not be done, and doing it again.

mod body;

use clap::{Args, Subcommand};
use domain::ids::PersonId;
use domain::message::QueueName;
use domain::ports::{Entropy, FailureReport};
use embedded::{FailureFilter, Replayed, Store};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use joinery::desk::Desk;
use joinery::edge::SystemEntropy;
use serde::Serialize;
use serde_json::Value;

use super::{Answer, Answered, Data};
use crate::print::{self, Output, Rows};

/// The most failures that are looked through.
const FAILURES_MAX: usize = 100_000;

/// See what could not be done, why and for whom, and replay exactly that
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Failures {
    #[command(subcommand)]
    command: FailuresCommand,
}

const AFTER_HELP: &str = "\
A replay is safe as often as you like: messages say whom to look at, not what to do.

Examples:
  joinery failures list --since 2h
  joinery failures show accounts-17
  joinery failures replay accounts-17 accounts-18
  joinery failures replay --all --cause dead-letter --yes";

#[derive(Debug, Subcommand)]
enum FailuresCommand {
    List(List),
    Show(Show),
    Replay(Replay),
}

/// Which failures.
#[derive(Debug, Args)]
struct Selection {
    /// Only of this cause
    #[arg(long, value_name = "CAUSE")]
    cause: Option<String>,
    /// Only of this function
    #[arg(long, value_name = "FUNCTION")]
    function: Option<String>,
    /// Only about this person
    #[arg(long, value_name = "CONNECTION:SOURCE_ID")]
    person: Option<PersonId>,
    /// Only since then: an instant, or how long ago (90m, 2h, 3d)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Since>,
    /// At most so many, the oldest first
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    At(Timestamp),
    Ago(SignedDuration),
}

fn since(text: &str) -> Result<Since, String> {
    if let Ok(at) = text.parse() {
        return Ok(Since::At(at));
    }
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = text.strip_prefix(number).unwrap_or_default();
    let seconds = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("write an instant such as 2026-03-02T09:00:00Z, or 90m, 2h, 3d".into()),
    };
    let number: u32 = number.parse().map_err(|_| "that is not a number of minutes, hours or days")?;
    Ok(Since::Ago(SignedDuration::from_secs(i64::from(number) * seconds)))
}

impl Selection {
    fn select(&self, store: &Store, now: Timestamp) -> Result<Vec<FailureReport>, domain::ports::StoreError> {
        let filter = FailureFilter {
            function: self.function.clone(),
            queue: None,
            person: self.person.clone(),
            cause: self.cause.clone(),
        };
        let from = self.since.map_or(Timestamp::MIN, |since| match since {
            Since::At(at) => at,
            Since::Ago(span) => now.saturating_sub(span).unwrap_or(Timestamp::MIN),
        });
        let found = store.failures(&filter, FAILURES_MAX)?.into_iter().filter(|failure| failure.at >= from);
        Ok(found.take(self.limit.unwrap_or(FAILURES_MAX)).collect())
    }
}

/// List failures, the oldest first
#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

/// Show one failure whole; personal e-mail, phones and addresses are masked
#[derive(Debug, Args)]
struct Show {
    /// The failure's id
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

/// Put failures back on their queues
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 1: some could not be replayed.\n\nExample:\n  joinery failures replay --all --since 1d"
)]
struct Replay {
    /// The failures' ids
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<String>,
    /// All that the other options let through
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

/// A failure, without its body.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    at: Timestamp,
    function: String,
    queue: Option<QueueName>,
    person: Option<PersonId>,
    cause: String,
    reason: String,
    likely_fix: &'static str,
    attempts: u32,
}

impl From<FailureReport> for Row {
    fn from(report: FailureReport) -> Self {
        let likely_fix = likely_fix(&report.cause);
        let FailureReport { id, function, queue, person, cause, reason, attempts, at, .. } = report;
        Self { id, at, function, queue, person, cause, reason, likely_fix, attempts }
    }
}

/// What helps in most cases.
fn likely_fix(cause: &str) -> &'static str {
    match cause {
        "bad-event" => "have HR send a corrected event; this one came from no queue and is not replayed",
        "bad-message" => "it was written by another version: replay it with that one",
        "bad-person-id" => "have HR send an id without control characters, then discard this one",
        "corrupt-state" => "the stored data cannot be read: restore the data directory from a backup",
        "wrong-message" => "a message came to the wrong queue: report it",
        _ => "see the reason; when its cause is gone, replay",
    }
}

impl Failures {
    pub(crate) async fn run(self) -> Answered {
        match self.command {
            FailuresCommand::List(list) => list.run().await,
            FailuresCommand::Show(show) => show.run().await,
            FailuresCommand::Replay(replay) => replay.run().await,
        }
    }
}

fn zone(desk: &Desk) -> TimeZone {
    desk.policy().map_or(TimeZone::UTC, |policy| policy.tenant.time_zone.clone())
}

fn person(person: Option<&PersonId>) -> String {
    person.map_or_else(|| "-".into(), PersonId::to_string)
}

impl List {
    async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let zone = zone(&desk);
        let found = self.selection.select(&desk.store, desk.clock.now())?;
        let found: Vec<Row> = found.into_iter().map(Row::from).collect();
        print::list(self.output.format, &found, |found| {
            let mut rows = Rows::new(&["ID", "AT", "FUNCTION", "PERSON", "CAUSE", "TRIES", "REASON"]);
            for row in found {
                rows.push([
                    row.id.clone(),
                    print::when(row.at, &zone),
                    row.function.clone(),
                    person(row.person.as_ref()),
                    row.cause.clone(),
                    row.attempts.to_string(),
                    row.reason.clone(),
                ]);
            }
            rows.show("no failures")
        })?;
        Ok(Answer::Yes)
    }
}

#[derive(Debug, Serialize)]
struct Whole {
    #[serde(flatten)]
    row: Row,
    /// What was to be handled, masked; null if it is not JSON.
    body: Option<Value>,
}

impl Show {
    async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let Some(report) = desk.store.failure(&self.id)? else {
            eprintln!("there is no failure {} (any more)", self.id);
            return Ok(Answer::No);
        };
        let zone = zone(&desk);
        let body = body::masked(&report.body);
        let whole = Whole { row: report.into(), body };
        print::item(self.output.format, &whole, |whole| {
            let row = &whole.row;
            let queue = row.queue.map_or("- (only its sender can repeat it)", QueueName::as_str);
            let pairs = print::pairs(&[
                ("id", row.id.clone()),
                ("at", print::when(row.at, &zone)),
                ("function", row.function.clone()),
                ("queue", queue.to_owned()),
                ("person", person(row.person.as_ref())),
                ("tries", row.attempts.to_string()),
                ("cause", row.cause.clone()),
                ("reason", row.reason.clone()),
                ("likely fix", row.likely_fix.to_owned()),
            ]);
            let body = whole.body.as_ref().and_then(|body| serde_json::to_string_pretty(body).ok());
            pairs + &print::heading("Body, masked") + &body.unwrap_or_else(|| "not JSON, not shown".into()) + "\n"
        })?;
        Ok(Answer::Yes)
    }
}

/// What became of one replay.
#[derive(Debug, Serialize)]
struct Outcome {
    id: String,
    replayed: bool,
    note: Option<&'static str>,
}

impl Replay {
    async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let ids: Vec<String> = if self.all {
            let selected = self.selection.select(&desk.store, desk.clock.now())?;
            // What came from no queue can be repeated by its sender only.
            selected.into_iter().filter(|failure| failure.queue.is_some()).map(|failure| failure.id).collect()
        } else {
            self.ids
        };
        if self.all && !self.yes && !ids.is_empty() {
            let what = print::count(ids.len(), "failure");
            if !print::can_ask() {
                return Err(format!("say --yes to replay {what}: there is nobody to ask").into());
            }
            if !print::ask(&format!("replay {what}?"))? {
                return Ok(Answer::No);
            }
        }
        let mut results = Vec::new();
        for id in ids {
            let replayed = desk.store.replay(&id, &SystemEntropy.id())?;
            results.push(Outcome { id, replayed: replayed == Replayed::Sent, note: note(replayed) });
        }
        let all = results.iter().all(|result| result.replayed);
        print::list(self.output.format, &results, |results| {
            let mut rows = Rows::new(&["ID", "REPLAYED"]);
            for result in results {
                rows.push([result.id.clone(), result.note.unwrap_or("done").to_owned()]);
            }
            rows.show("nothing to replay")
        })?;
        Ok(Answer::of(all))
    }
}

fn note(replayed: Replayed) -> Option<&'static str> {
    match replayed {
        Replayed::Sent => None,
        Replayed::Unknown => Some("there is no such failure (any more)"),
        Replayed::NoQueue => Some("it came from no queue: only its sender can repeat it"),
        Replayed::NotFresh => Some("its new id was not new: try again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_takes_an_instant_or_how_long_ago() {
        assert_eq!(since("2h"), Ok(Since::Ago(SignedDuration::from_hours(2))));
        assert_eq!(since("90m"), Ok(Since::Ago(SignedDuration::from_mins(90))));
        assert_eq!(since("2026-03-02T09:00:00Z"), Ok(Since::At("2026-03-02T09:00:00Z".parse().unwrap())));
        for wrong in ["h", "2 weeks", "-1d", "", "99999999999d"] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }
}
