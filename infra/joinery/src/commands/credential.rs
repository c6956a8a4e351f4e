//! `joinery credential`.

use clap::Args;
use domain::amend::amend;
use domain::person::{TimelineEntry, TimelineKind};
use domain::ports::{Entropy, Vault};
use joinery::edge::SystemEntropy;
use serde_json::json;

use super::{Answer, Answered, Data};
use crate::print::{self, Format, Output};
use crate::whom::Whom;

/// Print a person's first password, once
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Credential {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

const AFTER_HELP: &str = "\
The password is printed on stdout and destroyed here: there is no second time. The person must
replace it at the first sign-in. Hand it over by a way that only they can read. Exit code 1: there
is none (any more).

Example:
  joinery credential bamboo:1234";

impl Credential {
    pub(crate) async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let Some(person) = self.whom.find(&desk.store).await? else { return Ok(Answer::No) };
        let id = person.head.person.clone();
        let Some(reference) = &person.head.account.credential else {
            eprintln!("{id} has no first password: the account was not made by Joinery, or is not made yet");
            return Ok(Answer::No);
        };
        let Some(secret) = desk.store.take(reference).await? else {
            eprintln!("the first password of {id} has been handed out already: reset it in Entra");
            return Ok(Answer::No);
        };
        let upn = person.head.account.upn.unwrap_or_default();
        if self.output.format == Format::Table {
            print::text(&(secret + "\n"))?;
            eprintln!("this was the first password of {id} ({upn}); it must be replaced at the first sign-in");
        } else {
            let handed_out = json!({"person": id, "upn": upn, "password": secret});
            print::item(self.output.format, &handed_out, |_| String::new())?;
        }
        let line = TimelineEntry {
            at: desk.clock.now(),
            kind: TimelineKind::Did,
            function: "joinery".into(),
            text: "the first password was handed out to an operator".into(),
            correlation_id: SystemEntropy.id(),
        };
        amend(&desk.store, &id, |_, aside| aside.timeline.push(line.clone())).await?;
        Ok(Answer::Yes)
    }
}
