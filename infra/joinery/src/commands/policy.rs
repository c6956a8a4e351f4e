//! `joinery policy`.

mod tenant;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use domain::policy::{self, Fault, Severity};
use domain::ports::{Clock, Entropy};
use joinery::edge::{SystemClock, SystemEntropy};
use joinery::tenant::{Clients, Environment, Identities, PUBLIC_GRAPH, TenantError, graph_address};
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
    Schema(Schema),
}

/// Print the shape of a policy as a JSON Schema, for editors
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  joinery policy schema > policy.schema.json")]
struct Schema {}

/// Show every fault of a policy at once, each with its place and its fix
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
struct Check {
    /// The policy file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Look in the tenant, too: domain, extension property, groups, products, permissions; nothing is written
    #[arg(long)]
    tenant: bool,
    /// Microsoft Graph, a national cloud's, or an emulator on this machine
    #[arg(long, value_name = "URL", default_value = PUBLIC_GRAPH, requires = "tenant")]
    graph_url: String,
    #[command(flatten)]
    output: Output,
}

const AFTER_HELP: &str = "\
Touches nothing but the file; secrets are not looked up. With --tenant what the policy names is looked up in
the tenant, with the credentials `joinery up` takes. Exit code 0: good, perhaps with warnings; 1: it has
faults; 2: it cannot be read, or the tenant cannot be asked.

Examples:
  joinery policy check policy.toml
  joinery policy check policy.toml --output json
  joinery policy check policy.toml --tenant";

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
    pub(crate) async fn run(self) -> Answered {
        match self.command {
            PolicyCommand::Check(check) => check.run().await,
            PolicyCommand::Schema(Schema {}) => {
                print::text(&(serde_json::to_string_pretty(&policy::json_schema())? + "\n"))?;
                Ok(Answer::Yes)
            }
        }
    }
}

impl Check {
    async fn run(self) -> Answered {
        let text = std::fs::read_to_string(&self.file)
            .map_err(|error| format!("{} cannot be read: {error}", self.file.display()))?;
        let (mut faults, policy) = match policy::Policy::parse(&text) {
            Ok(policy) => (policy.warnings.clone(), Some(policy)),
            Err(faults) => (faults, None),
        };
        if let Some(policy) = policy.as_ref().filter(|_| self.tenant) {
            let client = self.client(policy)?;
            faults.extend(tenant::check(&client, policy, &text).await?);
            faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
        }
        let policy = policy.filter(|_| faults.iter().all(|fault| fault.severity == Severity::Warning));
        if self.output.format == Format::Table {
            let name = self.file.display().to_string();
            let rendered: Vec<String> = faults.iter().map(|fault| fault.render(&name, &text)).collect();
            print::text(&(rendered.join("\n") + &summary(&self.file, &faults, policy.as_ref())))?;
        } else {
            let found: Vec<Found> = faults.iter().map(Found::from).collect();
            print::list(self.output.format, &found, |_| String::new())?;
        }
        Ok(Answer::of(policy.is_some()))
    }

    fn client(&self, policy: &policy::Policy) -> Result<Arc<graph::Client>, TenantError> {
        let url = graph_address(&self.graph_url)?;
        let identities = Identities::from_environment(&Environment::of_process(), &url, &policy.tenant.domain)?;
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        Ok(Clients::new(&url, &identities, &clock, &entropy)?.ordinary)
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
            let extended: Vec<&str> =
                policy.packages.iter().filter(|package| package.is_extended()).map(|package| &*package.name).collect();
            let extended = match extended.join(", ") {
                names if names.is_empty() => names,
                names => format!(", beyond Entra: {names}"),
            };
            let warned = if warnings == 0 { String::new() } else { format!(", {}", count(warnings, "warning")) };
            format!(
                "{gap}{name}: good ({}, {}{extended}{warned})\n",
                count(connections, "connection"),
                count(packages, "package")
            )
        }
        None => format!("{gap}{name}: {}, {}\n", count(errors, "fault"), count(warnings, "warning")),
    }
}
