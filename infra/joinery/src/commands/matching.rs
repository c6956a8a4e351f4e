//! `joinery match`: whose account is it that was there before us?

use accounts::matching::{self, Answer as Said};
use clap::{Args, Subcommand};
use domain::ids::{ObjectId, PersonId};
use domain::matching::{Candidate, Decision, Found, Verdict, decide};
use domain::person::Person;
use domain::planner::View;
use domain::policy::{PersonKind, Policy};
use domain::ports::Roster;
use joinery::desk::Desk;
use joinery::functions::Functions;
use joinery::tenant::Environment;
use serde::Serialize;
use stage::Trouble;

use super::{Answer, Answered, Data};
use crate::print::{self, Output, Rows};
use crate::whom::Whom;

/// See which accounts may be whose, and say which one is
#[derive(Debug, Args)]
#[command(name = "match", args_conflicts_with_subcommands = true, after_help = AFTER_HELP)]
pub(crate) struct Match {
    #[command(subcommand)]
    decision: Option<Decide>,
    #[command(flatten)]
    list: List,
}

const AFTER_HELP: &str = "\
Without a decision: for everybody who has no account yet (or for PERSON), the accounts of the tenant
that may be theirs, living or deleted, and what speaks for each: our own mark (anchor), employeeId,
mail, userPrincipalName. Nobody is matched by name. While one is open no account is made.
Exit code 1: refused, or nobody is called so.

A wrong word is taken back by the other one, as long as `found` does not say `bound`. What is bound
stays bound: by then the account carries our mark and HR's facts, and steps and grants are recorded
against it. To mend it: name the person under `[protected]` in the policy and restart `joinery up`,
so that nothing is taken from the account without a human; have HR give the record another id; and
keep that account by hand.

Examples:
  joinery match
  joinery match confirm bamboo:1234 11111111-2222-3333-4444-555555555555 --by grace
  joinery match reject bamboo:1234 11111111-2222-3333-4444-555555555555";

/// Which records to list.
#[derive(Debug, Args)]
struct List {
    /// Only this person: `CONNECTION:SOURCE_ID`, an object id, or a user principal name
    #[arg(value_name = "PERSON")]
    whom: Option<String>,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Subcommand)]
enum Decide {
    Confirm(Confirm),
    Reject(Reject),
}

/// Say that an account is this person's: it is bound to the record
#[derive(Debug, Args)]
struct Confirm {
    #[command(flatten)]
    whom: Whom,
    /// The account's object id
    #[arg(value_name = "OBJECT_ID")]
    object: ObjectId,
    /// Who says so; default: whoever is logged in here
    #[arg(
        long,
        value_name = "NAME",
        env = "USER",
        hide_env = true,
        default_value = "somebody at a terminal",
        hide_default_value = true
    )]
    by: String,
    /// Even if the person has left (the account will be cut), is protected, or is an administrator
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

/// Say that an account is somebody else's: it is left alone, and another one may be made
#[derive(Debug, Args)]
struct Reject {
    #[command(flatten)]
    whom: Whom,
    /// The account's object id
    #[arg(value_name = "OBJECT_ID")]
    object: ObjectId,
    /// Who says so
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

impl Match {
    pub(crate) async fn run(self) -> Answered {
        match self.decision {
            None => self.list.run().await,
            Some(Decide::Confirm(confirm)) => confirm.run().await,
            Some(Decide::Reject(reject)) => reject.run().await,
        }
    }
}

/// One record and the accounts that may be its.
#[derive(Debug, Serialize)]
struct Record {
    person: PersonId,
    /// `bound`, `none`, `one` or `several`.
    found: &'static str,
    /// The bound account.
    object_id: Option<ObjectId>,
    /// How it was found, if it was there before us.
    bound_by: Option<Found>,
    /// Accounts that may be the person's; rejected ones are not among them.
    candidates: Vec<Candidate>,
    /// What somebody said, and has not been carried out.
    confirmed: Option<Decision>,
    rejected: Vec<Decision>,
    /// What follows.
    then: String,
}

impl List {
    async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let policy = desk.policy().inspect_err(|error| eprintln!("{}", error.render()))?;
        let functions = desk.functions(&policy, &desk.clients(&Environment::of_process())?);
        let mut records = Vec::new();
        match self.whom {
            Some(name) => {
                let Some(person) = Whom::named(name).find(&desk.store).await? else { return Ok(Answer::No) };
                records.push(record(&desk, &policy, &functions, &person).await?);
            }
            None => {
                for id in desk.everyone().await? {
                    let Some(person) = desk.store.person(&id).await? else { continue };
                    if is_open(&desk, &policy, &person) {
                        records.push(record(&desk, &policy, &functions, &person).await?);
                    }
                }
            }
        }
        print::list(self.output.format, &records, show)?;
        Ok(Answer::Yes)
    }
}

/// Whether somebody should have an account, or had one somewhere, and none is bound.
fn is_open(desk: &Desk, policy: &Policy, person: &Person) -> bool {
    let standing = domain::lifecycle::standing(person, policy, desk.clock.now());
    person.head.account.object_id.is_none() && standing.kind != PersonKind::None
}

async fn record(
    desk: &Desk,
    policy: &Policy,
    functions: &Functions,
    person: &Person,
) -> Result<Record, Box<dyn std::error::Error + Send + Sync>> {
    let account = &person.head.account;
    let view = View::new(person, policy, desk.clock.now());
    let bound = account.object_id.is_some();
    let found = if bound { Vec::new() } else { matching::look(functions.accounts(), person).await.map_err(broken)? };
    let is_rejected = |one: &Candidate| account.matching.rejected.iter().any(|no| no.object_id == one.object_id);
    let candidates: Vec<Candidate> = found.into_iter().filter(|one| !is_rejected(one)).collect();
    let then = match decide(&view, &candidates) {
        _ if bound => "nothing: the account is bound".to_owned(),
        _ if account.is_being_made() => "an account is being made".to_owned(),
        Verdict::Bind(object, _) => format!("{object} is bound"),
        Verdict::Ask(_) => "a human decides: confirm one, or reject each".to_owned(),
        Verdict::Free => "one is made when it is due".to_owned(),
    };
    let found = match candidates.len() {
        _ if bound => "bound",
        0 => "none",
        1 => "one",
        _ => "several",
    };
    Ok(Record {
        person: person.head.person.clone(),
        found,
        object_id: account.object_id.clone(),
        bound_by: account.matching.found.clone(),
        candidates,
        confirmed: account.matching.confirmed.clone(),
        rejected: account.matching.rejected.clone(),
        then,
    })
}

fn broken(trouble: Trouble) -> Box<dyn std::error::Error + Send + Sync> {
    match trouble {
        Trouble::Graph(error) => Box::new(error),
        Trouble::Store(error) => Box::new(error),
    }
}

fn show(records: &[Record]) -> String {
    let mut rows = Rows::new(&["PERSON", "FOUND", "ACCOUNTS THAT MAY BE THEIRS", "THEN"]);
    for record in records {
        let accounts = record.candidates.iter().map(Candidate::phrase).collect::<Vec<_>>().join("\n");
        let bound = || record.object_id.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        let accounts = if accounts.is_empty() { bound() } else { accounts };
        rows.push([record.person.to_string(), record.found.to_owned(), accounts, record.then.clone()]);
    }
    rows.show("everybody who gets an account has one")
}

/// What became of a decision.
#[derive(Debug, Serialize)]
struct Decided {
    person: PersonId,
    object_id: ObjectId,
    /// `recorded` or `refused`.
    answer: &'static str,
    why: Vec<String>,
}

impl Confirm {
    async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let Some((functions, person)) = prepare(&desk, &self.whom).await? else { return Ok(Answer::No) };
        let said = matching::confirm(functions.accounts(), &person, &self.object, &self.by, self.yes).await;
        answer(self.output, person, self.object, said.map_err(broken)?)
    }
}

impl Reject {
    async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let Some((functions, person)) = prepare(&desk, &self.whom).await? else { return Ok(Answer::No) };
        let said = matching::reject(functions.accounts(), &person, &self.object, self.by.as_deref()).await;
        answer(self.output, person, self.object, said.map_err(broken)?)
    }
}

async fn prepare(
    desk: &Desk,
    whom: &Whom,
) -> Result<Option<(Functions, PersonId)>, Box<dyn std::error::Error + Send + Sync>> {
    let policy = desk.policy().inspect_err(|error| eprintln!("{}", error.render()))?;
    let functions = desk.functions(&policy, &desk.clients(&Environment::of_process())?);
    Ok(whom.find(&desk.store).await?.map(|person| (functions, person.head.person)))
}

fn answer(output: Output, person: PersonId, object_id: ObjectId, said: Said) -> Answered {
    let (recorded, why) = match said {
        Said::Recorded => (true, Vec::new()),
        Said::Refused(why) => (false, vec![why]),
        Said::Insist(mut why) => {
            why.push("say it again with --yes if that is meant".into());
            (false, why)
        }
    };
    let decided = Decided { person, object_id, answer: if recorded { "recorded" } else { "refused" }, why };
    print::item(output.format, &decided, |decided| {
        let why = if decided.why.is_empty() { String::new() } else { format!(": {}", decided.why.join("; ")) };
        format!("{}, account {}: {}{why}\n", decided.person, decided.object_id, decided.answer)
    })?;
    Ok(Answer::of(recorded))
}
