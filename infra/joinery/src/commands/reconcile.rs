//! `joinery reconcile`: the whole tenant compared now, and the report of it.

mod report;

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use domain::reconcile::{RunName, Scope};
use indicatif::{ProgressBar, ProgressStyle};
use joinery::machine::chain;
use reconciler::{App, Ended, Order, Trouble};

use super::{Answer, Answered, Data, licenses};
use report::{Format, Report};

/// How often it waits for a tenant that throttles, and the longest each time.
const WAITS_MAX: usize = 100;
/// See [`WAITS_MAX`].
const WAIT_MAX: Duration = Duration::from_mins(5);

/// Compare the whole tenant with what it should be, wake whoever drifted, and report
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Reconcile {
    /// Wake nobody
    #[arg(long)]
    dry_run: bool,
    /// Compare only this; may be given several times
    #[arg(long, value_name = "SCOPE", value_enum)]
    scope: Vec<Part>,
    #[command(flatten)]
    data: Data,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    output: Format,
}

const AFTER_HELP: &str = "\
Nothing is written to the tenant: whoever drifted is looked at by `joinery up`, which mends it under all
brakes. A run that was cut off goes on where it was. Exit code 1: somebody has drifted.

Examples:
  joinery reconcile --dry-run
  joinery reconcile --scope licenses
  joinery reconcile --dry-run --output csv > findings.csv";

/// A scope, as it is given.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Part {
    /// Accounts: there, enabled or not, located, marked
    Accounts,
    /// Licenses and seats
    Licenses,
    /// Memberships of the policy's groups
    Groups,
    /// HR's own lists
    Hr,
}

impl Part {
    fn scope(self) -> Scope {
        match self {
            Self::Accounts => Scope::Accounts,
            Self::Licenses => Scope::Licenses,
            Self::Groups => Scope::Groups,
            Self::Hr => Scope::Hr,
        }
    }
}

impl Reconcile {
    pub(crate) async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let app = licenses::app(&desk)?;
        let mut scopes: BTreeSet<Scope> = self.scope.iter().map(|part| part.scope()).collect();
        if scopes.is_empty() {
            scopes = Scope::ALL.into();
        }
        let name = if self.dry_run { RunName::DryRun } else { RunName::Real };
        reconcile(&app, &Order { name, scopes, deadline: None }).await?;
        let run = app.census.run(name).await?.ok_or("the run is gone: another one has begun")?;
        let tally = app.census.tally(name).await?;
        let drifted: u64 = tally.iter().filter(|(kind, _)| kind.wakes()).map(|(_, count)| count).sum();
        Report { census: app.census.as_ref(), run, tally }.print(self.output).await?;
        if !self.dry_run && drifted > 0 && !desk.is_up() {
            eprintln!("note: `joinery up` is not running: whoever was woken is looked at once it does");
        }
        Ok(Answer::of(drifted == 0))
    }
}

/// Runs to the end, however often the tenant throttles.
async fn reconcile(app: &App, order: &Order) -> Result<(), Trouble> {
    let bar = bar();
    let mut waits = 0;
    loop {
        let on_page = |run: &domain::reconcile::Run| {
            bar.set_message(format!("{} accounts, {} members read", run.accounts, run.members));
            bar.tick();
        };
        match reconciler::run(app, order, &on_page).await {
            Ok(Ended::Whole) => break,
            Ok(Ended::CutOff) => {}
            Err(Trouble::Graph(error)) if error.retry_after().is_some() && waits < WAITS_MAX => {
                waits += 1;
                bar.set_message(chain(&error));
                tokio::time::sleep(error.retry_after().unwrap_or_default().min(WAIT_MAX)).await;
            }
            Err(error) => {
                bar.finish_and_clear();
                return Err(error);
            }
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// On stderr and for a terminal only; `indicatif` sees to that. How large a tenant is, nobody knows before its end.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}");
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}
