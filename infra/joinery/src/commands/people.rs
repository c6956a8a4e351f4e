//! `joinery people`.

use clap::Args;
use domain::attributes;
use domain::ids::{ObjectId, PersonId};
use domain::lifecycle;
use domain::person::Person;
use domain::policy::Policy;
use domain::ports::Roster;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Answer, Answered, Data};
use crate::print::{self, Output, Rows};

/// List everyone in the roster
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  joinery people\n  joinery people --phase leaver --output ndjson")]
pub(crate) struct People {
    /// Only people of this phase: unknown, pre-hire, active, leaver or rehire
    #[arg(long, value_name = "PHASE", value_parser = ["unknown", "pre-hire", "active", "leaver", "rehire"])]
    phase: Option<String>,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Serialize)]
struct Row {
    person: PersonId,
    name: Option<String>,
    phase: String,
    upn: Option<String>,
    object_id: Option<ObjectId>,
    next_due: Option<Timestamp>,
    /// Steps that are not done yet.
    open_steps: usize,
    #[serde(skip)]
    zone: TimeZone,
}

impl People {
    pub(crate) async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let policy = desk.policy().ok();
        let now = desk.clock.now();
        let mut people = Vec::new();
        for id in desk.everyone().await? {
            let Some(person) = desk.store.person(&id).await? else { continue };
            if self.phase.as_ref().is_none_or(|phase| *phase == person.head.phase) {
                people.push(row(&person, policy.as_deref(), now));
            }
        }
        print::list(self.output.format, &people, |people| {
            let mut rows = Rows::new(&["PERSON", "NAME", "PHASE", "ACCOUNT", "NEXT DUE", "OPEN STEPS"]);
            for row in people {
                rows.push([
                    row.person.to_string(),
                    row.name.clone().unwrap_or_else(|| "-".into()),
                    row.phase.clone(),
                    row.upn.clone().unwrap_or_else(|| "-".into()),
                    print::when_known(row.next_due, &row.zone),
                    row.open_steps.to_string(),
                ]);
            }
            rows.show("nobody")
        })?;
        Ok(Answer::Yes)
    }
}

/// The phase is that of the last look; names and zone need the policy's calendar.
fn row(person: &Person, policy: Option<&Policy>, now: Timestamp) -> Row {
    let standing = policy.map(|policy| lifecycle::standing(person, policy, now));
    let name = standing.as_ref().map(|standing| attributes::names(person, standing).display);
    let head = &person.head;
    Row {
        person: head.person.clone(),
        name: name.filter(|name| !name.is_empty()),
        phase: head.phase.clone(),
        upn: head.account.upn.clone(),
        object_id: head.account.object_id.clone(),
        next_due: head.due(),
        open_steps: person.steps.values().filter(|step| !step.state.is_met()).count(),
        zone: standing.map_or(TimeZone::UTC, |standing| standing.zone),
    }
}
