//! `joinery rules check`.

use std::ops::Range;
use std::path::PathBuf;

use clap::Args;
use rules::{Diagnostic, Dialect, Rule, Settings};
use serde::Serialize;

use super::ReadsOthers;
use super::written::{Language, is_valid_extended, name, render, rule_argument, text};
use crate::commands::{Answer, Answered};
use crate::print::{self, Output, count, pairs};

/// Show everything that is wrong with a rule at once, each fault underlined in its place
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Check {
    /// The rule; may begin with a hyphen
    #[arg(value_name = "RULE", allow_hyphen_values = true, value_parser = rule_argument, required_unless_present = "file")]
    rule: Option<String>,
    /// The file that holds the rule; `-` reads stdin
    #[arg(long, value_name = "FILE", conflicts_with = "rule")]
    file: Option<PathBuf>,
    #[command(flatten)]
    language: Language,
    #[command(flatten)]
    output: Output,
}

const AFTER_HELP: &str = "\
The rule is read as Entra reads it; rules about devices are checked, too. A file is one rule, over
as many lines as it likes; a byte order mark and blanks at the end do not count. In JSON, places
are line and column (from 1) and ranges of bytes and of characters (from 0) of the rule.
Exit code 0: valid; 1: invalid; 2: the file cannot be read, or wrong usage.

Examples:
  joinery rules check 'user.department -eq \"Sales\"'
  joinery rules check '-not (user.department -in [\"Sales\", \"Legal\"])'
  joinery rules check --extended 'user.employeeType -eq \"Contractor\"'
  joinery rules check --file rule.txt --output json";

/// The JSON form: an interface. Add to it, change nothing.
#[derive(Debug, Serialize)]
struct Report {
    valid: bool,
    /// What the rule was read as: `entra` or `extended`.
    dialect: String,
    #[serde(flatten)]
    about: Option<About>,
    /// Whether a rule that is invalid would be valid with `--extended`.
    valid_extended: bool,
    diagnostics: Vec<Found>,
}

/// What there is to know of a valid rule.
#[derive(Debug, Serialize)]
struct About {
    /// The rule as it is printed: keywords with hyphens, properties in their documented spelling.
    canonical: String,
    /// `user` or `device`.
    object: String,
    /// Whether Entra itself would refuse it.
    extended: bool,
    /// What it reads, by Graph's names.
    reads: Vec<String>,
    /// Whether time alone can change its verdict.
    reads_clock: bool,
    reads_others: ReadsOthers,
}

#[derive(Debug, Serialize)]
struct Found {
    message: String,
    help: Option<String>,
    line: usize,
    column: usize,
    bytes: Range<usize>,
    characters: Range<usize>,
}

impl Check {
    pub(super) fn run(self) -> Answered {
        let text = text(self.rule.as_deref(), self.file.as_deref())?;
        let settings = self.language.settings().with_devices();
        let read = Rule::with(&text, &settings);
        let report = Report::of(&text, settings, &read);
        print::item(self.output.format, &report, |report| match &read {
            Ok(_) => report.show(),
            Err(faults) => {
                let whose = self.file.as_deref().map_or_else(|| "the rule".to_owned(), name);
                format!("{}\n{whose}: {}\n", render(&text, faults, settings), count(faults.len(), "fault"))
            }
        })?;
        Ok(Answer::of(report.valid))
    }
}

impl Report {
    fn of(text: &str, settings: Settings, read: &Result<Rule, rules::Diagnostics>) -> Self {
        let diagnostics: Vec<Found> = match read {
            Ok(_) => Vec::new(),
            Err(faults) => faults.iter().map(|fault| Found::of(fault, text)).collect(),
        };
        Self {
            valid: read.is_ok(),
            dialect: settings.dialect.to_string(),
            about: read.as_ref().ok().map(About::of),
            valid_extended: read.is_ok() || is_valid_extended(text, settings),
            diagnostics,
        }
    }

    /// For people.
    fn show(&self) -> String {
        let Some(about) = &self.about else { return String::new() };
        let verdict = if about.extended { "valid, extended: Entra itself refuses it" } else { "valid" };
        let others = [
            (about.reads_others.manager, "who the manager is"),
            (about.reads_others.groups, "which groups somebody is in"),
            (about.reads_clock, "the time"),
        ];
        let others: Vec<&str> = others.into_iter().filter(|(is_read, _)| *is_read).map(|(_, what)| what).collect();
        let mut facts = vec![
            ("rule", about.canonical.clone()),
            ("about", format!("{}s", about.object)),
            ("reads", about.reads.join(", ")),
        ];
        if !others.is_empty() {
            facts.push(("changes with", others.join(", ")));
        }
        format!("{verdict}\n{}", pairs(&facts))
    }
}

impl About {
    fn of(rule: &Rule) -> Self {
        Self {
            canonical: rule.to_string(),
            object: rule.object().to_string(),
            extended: rule.dialect() == Dialect::Extended,
            reads: rule.reads().map(|property| property.graph_name().to_owned()).collect(),
            reads_clock: rule.needs_clock(),
            reads_others: rule.reads_others().into(),
        }
    }
}

impl Found {
    fn of(fault: &Diagnostic, text: &str) -> Self {
        let (line, column) = fault.line_and_column(text);
        let characters = |end: usize| text.char_indices().take_while(|(at, _)| *at < end).count();
        Self {
            message: fault.message.clone(),
            help: fault.help.clone(),
            line,
            column,
            bytes: fault.span.clone(),
            characters: characters(fault.span.start)..characters(fault.span.end),
        }
    }
}
