//! `joinery policy check`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use domain::policy::{self, Fault, Severity};
use serde::Serialize;

use super::{Answer, Answered};
use crate::print::{self, Format, Output, count};

/// Work on a policy file
#[derive(Debug, Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    Check(Check),
}

/// Show every fault of a policy at once, each with its place and its fix
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
struct Check {
    /// The policy file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

const AFTER_HELP: &str = "\
Touches nothing but the file; secrets are not looked up. Exit code 0: good, perhaps with warnings;
1: it has faults; 2: it cannot be read.

Examples:
  joinery policy check policy.toml
  joinery policy check policy.toml --output json";

/// A fault, for machines.
#[derive(Debug, Serialize)]
struct Found {
    severity: &'static str,
    line: usize,
    column: usize,
    message: String,
    help: Option<String>,
}

impl From<&Fault> for Found {
    fn from(fault: &Fault) -> Self {
        let severity = match fault.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let (message, help) = (fault.message.clone(), fault.help.clone());
        Self { severity, line: fault.line, column: fault.column, message, help }
    }
}

impl Policy {
    pub(crate) fn run(self) -> Answered {
        let PolicyCommand::Check(check) = self.command;
        let text = std::fs::read_to_string(&check.file)
            .map_err(|error| format!("{} cannot be read: {error}", check.file.display()))?;
        let (faults, policy) = match policy::Policy::parse(&text) {
            Ok(policy) => (policy.warnings.clone(), Some(policy)),
            Err(faults) => (faults, None),
        };
        if check.output.format == Format::Table {
            let name = check.file.display().to_string();
            let rendered: Vec<String> = faults.iter().map(|fault| fault.render(&name, &text)).collect();
            print::text(&(rendered.join("\n") + &summary(&check.file, &faults, policy.as_ref())))?;
        } else {
            let found: Vec<Found> = faults.iter().map(Found::from).collect();
            print::list(check.output.format, &found, |_| String::new())?;
        }
        Ok(Answer::of(policy.is_some()))
    }
}

fn summary(file: &Path, faults: &[Fault], policy: Option<&policy::Policy>) -> String {
    let errors = faults.iter().filter(|fault| fault.severity == Severity::Error).count();
    let warnings = faults.len() - errors;
    let gap = if faults.is_empty() { "" } else { "\n" };
    let name = file.display();
    match policy {
        Some(policy) => {
            let (connections, packages) = (policy.connections.len(), policy.packages.len());
            let warned = if warnings == 0 { String::new() } else { format!(", {}", count(warnings, "warning")) };
            format!(
                "{gap}{name}: good ({}, {}{warned})\n",
                count(connections, "connection"),
                count(packages, "package")
            )
        }
        None => format!("{gap}{name}: {}, {}\n", count(errors, "fault"), count(warnings, "warning")),
    }
}
