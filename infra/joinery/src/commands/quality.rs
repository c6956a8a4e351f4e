//! `joinery quality`: whose records the directory cannot take, and what to correct in HR.

use clap::Args;
use domain::attributes::{self, Finding};
use domain::event::{Field, FieldKind};
use domain::ids::PersonId;
use domain::lifecycle::{self, Standing};
use domain::person::Person;
use domain::policy::Policy;
use domain::ports::Roster;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Answer, Answered, Data};
use crate::print::{self, Output, Rows};
use crate::whom::Whom;

/// Show whose records do not meet the directory's standards, and what to correct in HR
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Quality {
    /// Only this person: `CONNECTION:SOURCE_ID`, an object id, or a user principal name
    #[arg(value_name = "PERSON")]
    whom: Option<String>,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

const AFTER_HELP: &str = "\
Nothing is given to or written about such a person until HR sends a corrected record; cutting access goes on.
A value is proposed where correcting is mechanical. Exit code 0: nobody has a fault; 1: somebody has, or
nobody is called so.

Examples:
  joinery quality
  joinery quality bamboo:1234 --output json";

/// One fault of one person.
#[derive(Debug, Serialize)]
struct Row {
    person: PersonId,
    field: String,
    problem: String,
    fix: String,
    /// A value that would do; personal ones are masked.
    proposed: Option<String>,
    /// When HR said what is at fault; for what is missing, when HR last said anything.
    since: Option<Timestamp>,
    #[serde(skip)]
    zone: TimeZone,
}

impl Quality {
    pub(crate) async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let policy = desk.policy().inspect_err(|error| eprintln!("{}", error.render()))?;
        let whom = match self.whom {
            None => desk.everyone().await?,
            Some(name) => match Whom::named(name).find(&desk.store).await? {
                Some(person) => vec![person.head.person],
                None => return Ok(Answer::No),
            },
        };
        let mut faults = Vec::new();
        for id in whom {
            let Some(person) = desk.store.person(&id).await? else { continue };
            faults.extend(of(&person, &policy, desk.clock.now()));
        }
        print::list(self.output.format, &faults, |faults| {
            let mut rows = Rows::new(&["PERSON", "FIELD", "PROBLEM", "FIX", "PROPOSED", "SINCE"]);
            for row in faults {
                rows.push([
                    row.person.to_string(),
                    row.field.clone(),
                    row.problem.clone(),
                    row.fix.clone(),
                    row.proposed.clone().unwrap_or_else(|| "-".into()),
                    print::when_known(row.since, &row.zone),
                ]);
            }
            rows.show("nobody has a fault")
        })?;
        Ok(Answer::of(faults.is_empty()))
    }
}

/// The faults of a person. Somebody whose access is cut is not asked about: nothing of theirs is written any more.
fn of(person: &Person, policy: &Policy, now: Timestamp) -> Vec<Row> {
    let standing = lifecycle::standing(person, policy, now);
    if standing.is_cut() {
        return Vec::new();
    }
    let findings = attributes::findings(person, &standing, policy);
    findings.into_iter().map(|finding| row(person, &standing, finding)).collect()
}

fn row(person: &Person, standing: &Standing, Finding { path, fault, proposed }: Finding) -> Row {
    let record = &person.head.record;
    let said = record.said_at(&path, standing.today, &standing.zone);
    Row {
        person: person.head.person.clone(),
        since: said.or_else(|| record.newest().map(|stamp| stamp.recorded_at)),
        proposed: proposed.map(|value| if is_personal(&path) { print::masked(&value) } else { value }),
        field: path,
        problem: fault.problem,
        fix: fault.fix,
        zone: standing.zone.clone(),
    }
}

/// What only the person's own circle should read: private addresses and numbers, and where somebody lives.
fn is_personal(path: &str) -> bool {
    path.starts_with("home_") || Field::of(path).is_some_and(|field| field.kind() == FieldKind::Masked)
}
