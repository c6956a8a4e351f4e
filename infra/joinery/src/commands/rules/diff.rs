//! `joinery rules diff`: whom a changed policy would move, before anything is saved.

mod compare;
mod show;
mod sight;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use domain::policy::Policy;
use domain::ports::Roster;
use joinery::desk::{Desk, PolicyError, load_policy};
use joinery::tenant::Environment;
use tokio::task::JoinSet;

use crate::commands::plan::{AT_A_TIME, bar};
use crate::commands::{Answer, Answered, Data};
use crate::print::{self, Output};
use compare::{Policies, Report, Source, compare};
use sight::{Sights, Tenant};

/// Show whom a changed policy puts into its packages and whom it takes out, before anything is saved
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Diff {
    /// The policy as it is
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The policy as it would be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Do not ask the tenant: whatever only it knows of an account counts as empty
    #[arg(long)]
    roster_only: bool,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

const AFTER_HELP: &str = "\
Looks at everyone in the roster under both policies as the planner does, on the account as HR's
facts will leave it. Accounts are read in the tenant, as `joinery plan` reads them; of those that
cannot be read (or with --roster-only) the roster alone speaks, and it is said which properties
counted as empty. Whoever leaves a package loses what Joinery granted through it, unless another
package gives it, too; what was there before stays. `joinery plan --policy NEW` shows every step.
Exit code 0: compared, whether or not there is a difference; 1: a policy has faults; 2: broken.

Examples:
  joinery rules diff policy.toml changed.toml
  joinery rules diff policy.toml changed.toml --roster-only --output json";

impl Diff {
    pub(super) async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let (old, new) = (load(&self.old)?, load(&self.new)?);
        let (Some(old), Some(new)) = (old, new) else { return Ok(Answer::No) };
        let tenant = if self.roster_only {
            Err("--roster-only".to_owned())
        } else {
            let clients = desk.clients(&Environment::of_process());
            clients.map(|clients| Tenant::new(&clients, &old, &new)).map_err(|error| joinery::machine::chain(&error))
        };
        let report = look(&desk, &Arc::new(Policies { old, new }), tenant).await?;
        print::item(self.output.format, &report, show::show)?;
        Ok(Answer::Yes)
    }
}

/// A policy; its faults are told on stderr.
fn load(file: &Path) -> Result<Option<Arc<Policy>>, PolicyError> {
    match load_policy(file) {
        Ok(policy) => Ok(Some(policy)),
        Err(faulty @ PolicyError::Faulty { .. }) => {
            eprintln!("{}", faulty.render());
            Ok(None)
        }
        Err(broken) => Err(broken),
    }
}

async fn look(
    desk: &Desk,
    policies: &Arc<Policies>,
    mut tenant: Result<Tenant, String>,
) -> Result<Report, Box<dyn std::error::Error + Send + Sync>> {
    let now = desk.clock.now();
    let mut report = Report::new(policies, now);
    let everyone = desk.everyone().await?;
    let bar = bar(everyone.len());
    let mut waiting = everyone.into_iter();
    let mut looking = JoinSet::new();
    loop {
        while looking.len() < AT_A_TIME {
            let Some(id) = waiting.next() else { break };
            let Some(person) = desk.store.person(&id).await? else { continue };
            let (policies, tenant) = (Arc::clone(policies), tenant.as_ref().ok().cloned());
            looking.spawn(async move {
                let sights = match tenant {
                    _ if person.head.account.object_id.is_none() => Ok(Sights::new(Source::NoAccount)),
                    Some(tenant) => tenant.sights(&person, now).await,
                    None => Ok(Sights::new(Source::Roster)),
                };
                let (sights, trouble) = match sights {
                    Ok(sights) => (sights, None),
                    Err(trouble) => (Sights::new(Source::Roster), Some(trouble)),
                };
                (compare(&person, &policies, &sights, now), trouble)
            });
        }
        let Some(looked) = looking.join_next().await else { break };
        let (compared, trouble) = looked?;
        match trouble {
            // Whoever does not answer at all is not asked about everybody else.
            Some(trouble) if trouble.is_deaf => tenant = Err(trouble.why),
            Some(trouble) => report.not_read(compared.person.clone(), trouble.why),
            None => {}
        }
        report.add(compared);
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.finish(tenant.err());
    Ok(report)
}
