//! The commands.

mod completions;
mod credential;
mod failures;
mod forecast;
mod guard;
mod hr;
mod licenses;
mod matching;
mod pages;
mod people;
mod person;
mod plan;
mod policy;
mod quality;
mod reconcile;
mod rules;
mod status;
mod switches;
mod tasks;
mod up;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use joinery::desk::{Desk, DeskError};

/// How a command ended, if it was not broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Yes, or done.
    Yes,
    /// No: invalid, refused, not found.
    No,
}

impl Answer {
    fn of(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// What a command comes to; an error is "broken, or wrongly used".
pub(crate) type Answered = Result<Answer, Box<dyn std::error::Error + Send + Sync>>;

/// Turns what the HR system says about people into accounts, groups and licenses in Microsoft 365.
#[derive(Parser)]
#[command(name = "joinery", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 yes or done, 1 no (invalid, refused, not found), 2 broken or wrong usage.

Examples:
  joinery policy check policy.toml
  joinery rules check 'user.department -eq \"Sales\"'
  joinery up --policy policy.toml
  joinery plan
  joinery person bamboo:1234";

#[derive(Subcommand)]
enum Command {
    Up(up::Up),
    Status(status::Status),
    People(people::People),
    Person(person::PersonCommand),
    Plan(plan::Plan),
    Match(matching::Match),
    Policy(policy::Policy),
    Rules(rules::Rules),
    Hr(hr::Hr),
    Observe(switches::Observe),
    Enforce(switches::Enforce),
    Stop(switches::Stop),
    Resume(switches::Resume),
    Tasks(tasks::Tasks),
    Pages(pages::Pages),
    Quality(quality::Quality),
    Reconcile(reconcile::Reconcile),
    Licenses(licenses::Licenses),
    Forecast(forecast::Forecast),
    Guard(guard::Guard),
    Failures(failures::Failures),
    Credential(credential::Credential),
    Completions(completions::Completions),
}

impl Arguments {
    pub(crate) async fn run(self) -> Answered {
        match self.command {
            Command::Up(command) => command.run().await,
            Command::Status(command) => command.run().await,
            Command::People(command) => command.run().await,
            Command::Person(command) => command.run().await,
            Command::Plan(command) => command.run().await,
            Command::Match(command) => command.run().await,
            Command::Policy(command) => command.run().await,
            Command::Rules(command) => command.run().await,
            Command::Hr(command) => command.run(),
            Command::Observe(command) => command.run().await,
            Command::Enforce(command) => command.run().await,
            Command::Stop(command) => command.run().await,
            Command::Resume(command) => command.run().await,
            Command::Tasks(command) => command.run().await,
            Command::Pages(command) => command.run().await,
            Command::Quality(command) => command.run().await,
            Command::Reconcile(command) => command.run().await,
            Command::Licenses(command) => command.run().await,
            Command::Forecast(command) => command.run().await,
            Command::Guard(command) => command.run().await,
            Command::Failures(command) => command.run().await,
            Command::Credential(command) => command.run().await,
            Command::Completions(command) => command.run(),
        }
    }
}

/// `--data`.
#[derive(Debug, Clone, Args)]
struct Data {
    /// The data directory
    #[arg(long = "data", value_name = "DIR", default_value = "./.joinery")]
    directory: PathBuf,
}

impl Data {
    async fn open(&self) -> Result<Desk, DeskError> {
        let desk = Desk::open(&self.directory).await?;
        if desk.clock_lost {
            eprintln!("note: the clock that this data lives by does not answer, times are the machine's");
        }
        Ok(desk)
    }
}
