//! `joinery rules`: Entra's dynamic-membership rules, without a tenant.

mod check;
mod diff;
mod eval;
mod explain;
mod written;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Answered;

/// Check, try and explain dynamic-membership rules; see whom a changed policy would move
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Rules {
    #[command(subcommand)]
    command: RulesCommand,
}

const AFTER_HELP: &str = "\
Rules are Entra's, as its portal takes them. With --extended they may say more than Entra takes;
such a rule is marked `extended` wherever it is shown.

Examples:
  joinery rules check 'user.department -eq \"Sales\"'
  joinery rules eval --rule-file rule.txt --users users.jsonl --output json
  joinery rules explain --rule 'user.department -eq \"Sales\"' --user user.json
  joinery rules diff policy.toml changed.toml";

/// Whose facts a rule reads besides the user's own, as it is printed for machines.
#[derive(Debug, Serialize)]
struct ReadsOthers {
    manager: bool,
    groups: bool,
}

impl From<::rules::Others> for ReadsOthers {
    fn from(others: ::rules::Others) -> Self {
        Self { manager: others.manager, groups: others.groups }
    }
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    Check(check::Check),
    Eval(eval::Eval),
    Explain(explain::Explain),
    Diff(diff::Diff),
}

impl Rules {
    pub(crate) async fn run(self) -> Answered {
        match self.command {
            RulesCommand::Check(check) => check.run(),
            RulesCommand::Eval(eval) => eval.run(),
            RulesCommand::Explain(explain) => explain.run(),
            RulesCommand::Diff(diff) => diff.run().await,
        }
    }
}
