//! `joinery plan`: what would be done now, and why. The planner without the rest.

mod effect;
mod show;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use domain::ids::PersonId;
use domain::lifecycle;
use domain::person::Person;
use domain::policy::Policy;
use domain::ports::{Controls, Roster};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;
use joinery::desk::{Desk, load_policy};
use joinery::functions::Functions;
use joinery::tenant::Environment;
use stage::Trouble;
use tokio::task::JoinSet;

use super::{Answer, Answered, Data};
use crate::print::{self, Output};
use crate::whom::Whom;
use effect::{Effect, NotCut, NotRead, Report, later, of_stage};

/// How many people are looked at at a time.
pub(in crate::commands) const AT_A_TIME: usize = 6;
/// How often a look that is throttled is tried again.
const TRIES_MAX: usize = 4;
/// The longest pause before that.
const PAUSE_MAX: Duration = Duration::from_mins(1);
/// From how many people on a progress bar is worth it.
const BAR_FROM: usize = 10;

/// Show what would be done now and why; nothing is done
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Plan {
    /// Only for this person: `CONNECTION:SOURCE_ID`, an object id, or a user principal name
    #[arg(value_name = "PERSON")]
    whom: Option<String>,
    /// Plan under this policy instead of the one `joinery up` was started with
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

const AFTER_HELP: &str = "\
Reads the tenant and plans each person anew. Effects are `now`, `waits` (with what for), `human`
(only a human can do it), or `later`: what the policy gives somebody whose account is not there yet.
Exit code 1: nobody is called so; 2: somebody could not be looked at.

Examples:
  joinery plan
  joinery plan bamboo:1234
  joinery plan --policy changed.toml --output json";

impl Plan {
    pub(crate) async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let whom = match self.whom {
            None => desk.everyone().await?,
            Some(name) => match Whom::named(name).find(&desk.store).await? {
                Some(person) => vec![person.head.person],
                None => return Ok(Answer::No),
            },
        };
        let policy = match &self.policy {
            None => desk.policy(),
            Some(file) => load_policy(file),
        };
        let policy = policy.inspect_err(|error| eprintln!("{}", error.render()))?;
        let report = plan(&desk, &policy, whom).await?;
        let unread = report.not_read.len();
        print::item(self.output.format, &report, show::show)?;
        if unread == 0 { Ok(Answer::Yes) } else { Err(format!("{unread} could not be looked at").into()) }
    }
}

async fn plan(
    desk: &Desk,
    policy: &Arc<Policy>,
    whom: Vec<PersonId>,
) -> Result<Report, Box<dyn std::error::Error + Send + Sync>> {
    let functions = Arc::new(desk.functions(policy, &desk.clients(&Environment::of_process())?));
    let mut report = Report::new(desk.clock.now(), policy, desk.store.switches().await?);
    let bar = bar(whom.len());
    let mut waiting = whom.into_iter();
    let mut looking = JoinSet::new();
    loop {
        while looking.len() < AT_A_TIME {
            let Some(id) = waiting.next() else { break };
            let Some(person) = desk.store.person(&id).await? else { continue };
            let (functions, policy, now) = (Arc::clone(&functions), Arc::clone(policy), report.as_of);
            looking.spawn(async move {
                let zone = lifecycle::standing(&person, &policy, now).zone;
                let (mut effects, not_read) = look(&functions, &person, &zone).await;
                let not_cut = NotCut::of(&person, &effects);
                effects.extend(later(&person, &policy, now));
                (effects, not_read, not_cut)
            });
        }
        let Some(looked) = looking.join_next().await else { break };
        let (effects, not_read, not_cut) = looked?;
        report.add(effects, not_read, not_cut);
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.sort();
    Ok(report)
}

/// What each stage would do for a person; what cannot be read is said, and the rest is planned.
async fn look(functions: &Functions, person: &Person, zone: &TimeZone) -> (Vec<Effect>, Vec<NotRead>) {
    let (mut effects, mut not_read) = (Vec::new(), Vec::new());
    let id = &person.head.person;
    for tenant in functions.stages() {
        match patiently(tenant, person).await {
            Ok(look) if look.blind.is_some() => {
                not_read.push(NotRead::new(id, tenant.stage(), "the account is not visible yet"));
            }
            Ok(look) => {
                let planned = look.plan.steps.into_iter();
                effects.extend(planned.map(|planned| of_stage(person, tenant.stage(), zone, planned)));
            }
            Err(trouble) => not_read.push(NotRead::new(id, tenant.stage(), &reason(&trouble))),
        }
    }
    (effects, not_read)
}

/// Looks, and waits as told when there were too many looks.
async fn patiently(tenant: &dyn stage::Tenant, person: &Person) -> Result<stage::Look, Trouble> {
    let mut tries = 1;
    loop {
        match tenant.look(person).await {
            Err(Trouble::Graph(graph::Error::Throttled { retry_after, .. })) if tries < TRIES_MAX => {
                tries += 1;
                tokio::time::sleep(retry_after.min(PAUSE_MAX)).await;
            }
            looked => return looked,
        }
    }
}

fn reason(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Graph(error) => joinery::machine::chain(error),
        Trouble::Store(error) => joinery::machine::chain(error),
    }
}

/// On stderr and for a terminal only; `indicatif` sees to that.
pub(in crate::commands) fn bar(people: usize) -> ProgressBar {
    if people < BAR_FROM {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} people, {per_sec}, {eta} left");
    let bar = ProgressBar::new(u64::try_from(people).unwrap_or(u64::MAX));
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}
