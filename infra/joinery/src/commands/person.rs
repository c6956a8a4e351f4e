//! `joinery person`: the whole story of one person, each part with whose view it is.

mod report;
mod show;
mod tenant;

use std::sync::Arc;

use clap::Args;
use domain::policy::Policy;
use domain::ports::{Fences, Lines, Roster, Vault};
use domain::step::StepState;
use joinery::desk::Desk;
use joinery::tenant::Environment;

use super::{Answer, Answered, Data};
use crate::print::{self, Output};
use crate::whom::Whom;
use report::{Credential, Report};
use tenant::Seen;

/// Show everything about one person: record, account, groups, licenses, steps, tasks, story
#[derive(Debug, Args)]
#[command(name = "person", after_help = AFTER_HELP)]
pub(crate) struct PersonCommand {
    #[command(flatten)]
    whom: Whom,
    /// How many entries of the story, the latest
    #[arg(long, value_name = "N", default_value_t = 40)]
    entries: usize,
    /// Do not read the tenant
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

const AFTER_HELP: &str = "\
The tenant is read as it is now, without our own writes laid over it; if it cannot be reached, that
is said and the rest is shown. Personal e-mail and mobile are masked. Exit code 1: nobody is called
so.

Examples:
  joinery person bamboo:1234
  joinery person zoe.mueller@contoso.example
  joinery person 11111111-2222-3333-4444-555555555555 --output json";

impl PersonCommand {
    pub(crate) async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let Some(person) = self.whom.find(&desk.store).await? else { return Ok(Answer::No) };
        let policy = match desk.policy() {
            Ok(policy) => Some(policy),
            Err(error) => {
                eprintln!("note: {}; what follows from it is left out", joinery::machine::chain(&error));
                None
            }
        };
        let id = &person.head.person;
        let seen = if self.offline { Seen::NotAsked } else { look(&desk, policy.as_ref(), &person).await };
        let credential = match &person.head.account.credential {
            None => Credential::None,
            Some(reference) if desk.store.peek(reference).await?.is_some() => Credential::Sealed,
            Some(_) => Credential::HandedOut,
        };
        let mut report = Report::new(&person, policy.as_deref(), desk.clock.now(), seen);
        report.account.ours.credential = credential;
        report.account.ours.fence_is_up = desk.store.is_up(id).await?;
        report.timeline = desk.store.timeline(id, self.entries).await?;
        for step in person.steps.values() {
            if let StepState::Waiting { sku: Some(sku), .. } = &step.state {
                let line = desk.store.line(sku).await?;
                report.place_in_line(step, line.place(id), line.waiting().len());
            }
        }
        print::item(self.output.format, &report, show::show)?;
        Ok(Answer::Yes)
    }
}

async fn look(desk: &Desk, policy: Option<&Arc<Policy>>, person: &domain::person::Person) -> Seen {
    let Some(object) = &person.head.account.object_id else { return Seen::NoAccount };
    match desk.clients(&Environment::of_process()) {
        Ok(clients) => tenant::look(&clients.ordinary, object, policy.map(Arc::as_ref)).await,
        Err(error) => Seen::Unreachable { why: joinery::machine::chain(&error) },
    }
}
