//! `joinery rules explain`: why a rule selects somebody, or does not.

use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Args;
use domain::ports::Clock;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use joinery::edge::SystemClock;
use rules::{Dialect, Explanation, Part, Rule};
use serde::Serialize;
use serde_json::{Map, Value};

use super::ReadsOthers;
use super::eval::object;
use super::written::{Said, name, open};
use crate::commands::{Answer, Answered};
use crate::print::{self, Output, pairs, plain};

/// The longest file that is read, in bytes: more than Graph gives of any user.
const USER_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Tell why a rule selects a user or does not: each clause, true or false, with the value seen
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Explain {
    #[command(flatten)]
    said: Said,
    /// The user as Graph returns it, one JSON object; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    user: PathBuf,
    /// What `system.now` is, as in 2026-03-01T00:00:00Z; the machine's time if not given
    #[arg(long, value_name = "INSTANT")]
    now: Option<Timestamp>,
    #[command(flatten)]
    output: Output,
}

const AFTER_HELP: &str = "\
The user is an object with Graph's property names; what is absent is null. `manager` is {\"id\": …},
`memberOf` a list of group ids. Prints the values it sees: they are a person's.
Exit code 0: explained, whatever the verdict; 1: the rule is invalid (told on stderr); 2: the user
cannot be read, or wrong usage.

Examples:
  joinery rules explain --rule 'user.department -eq \"Sales\"' --user user.json
  joinery rules explain --rule-file rule.txt --user user.json --now 2026-03-01T00:00:00Z --output json";

/// The JSON form: an interface. Add to it, change nothing.
#[derive(Debug, Serialize)]
struct Report {
    id: Option<Value>,
    r#match: bool,
    /// The rule as it is printed.
    rule: String,
    /// `extended` if Entra itself would refuse the rule, else `entra`.
    dialect: String,
    now: Timestamp,
    /// When time alone changes the verdict.
    flips_at: Option<Timestamp>,
    /// Whose facts the rule reads besides the user's own.
    reads_others: ReadsOthers,
    clauses: Clause,
    #[serde(skip)]
    drawn: String,
}

/// A clause of the rule and what it came to.
#[derive(Debug, Serialize)]
struct Clause {
    holds: bool,
    #[serde(flatten)]
    part: ClausePart,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum ClausePart {
    Any(Vec<Clause>),
    All(Vec<Clause>),
    Not(Box<Clause>),
    #[serde(untagged)]
    Comparison {
        clause: String,
        /// By Graph's name.
        property: String,
        seen: Value,
        extended: bool,
        /// Its place in the rule.
        bytes: Range<usize>,
    },
}

impl From<Explanation> for Clause {
    fn from(explanation: Explanation) -> Self {
        let each = |parts: Vec<Explanation>| parts.into_iter().map(Self::from).collect();
        let part = match explanation.part {
            Part::Any(parts) => ClausePart::Any(each(parts)),
            Part::All(parts) => ClausePart::All(each(parts)),
            Part::Not(inner) => ClausePart::Not(Box::new(Self::from(*inner))),
            Part::Comparison { text, span, property, seen } => ClausePart::Comparison {
                clause: text,
                property: property.graph_name().to_owned(),
                seen: seen.to_json(),
                extended: property.is_extended(),
                bytes: span,
            },
        };
        Self { holds: explanation.holds, part }
    }
}

impl Explain {
    pub(super) fn run(self) -> Answered {
        let Some(rule) = self.said.rule()? else { return Ok(Answer::No) };
        let user = read(&self.user)?;
        let now = self.now.unwrap_or_else(|| SystemClock.now());
        print::item(self.output.format, &Report::of(&rule, &user, now), Report::show)?;
        Ok(Answer::Yes)
    }
}

fn read(file: &Path) -> Result<Map<String, Value>, String> {
    let name = name(file);
    let mut bytes = Vec::new();
    open(file)
        .and_then(|opened| opened.take(USER_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("{name} cannot be read: {error}"))?;
    if bytes.len() as u64 > USER_BYTES_MAX {
        return Err(format!("{name} cannot be read: it has more than {USER_BYTES_MAX} bytes"));
    }
    object(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes)).map_err(|problem| format!("{name}: {problem}"))
}

impl Report {
    fn of(rule: &Rule, user: &Map<String, Value>, now: Timestamp) -> Self {
        let verdict = rule.verdict(user, now.into());
        let explanation = rule.explain_at(user, now);
        Self {
            id: user.get("id").cloned(),
            r#match: verdict.matches,
            rule: rule.to_string(),
            dialect: rule.dialect().to_string(),
            now,
            flips_at: verdict.flips_at,
            reads_others: verdict.reads_others.into(),
            drawn: explanation.to_string(),
            clauses: explanation.into(),
        }
    }

    /// The tree of clauses, and what can change the verdict.
    fn show(&self) -> String {
        let verdict = if self.r#match { "selected" } else { "not selected" };
        let mark = if self.dialect == Dialect::Extended.to_string() { ", by a rule that is extended" } else { "" };
        let tree = self.drawn.lines().fold(String::new(), |tree, line| tree + "  " + &plain(line) + "\n");
        let others = match (self.reads_others.manager, self.reads_others.groups) {
            (false, false) => "nobody's",
            (true, false) => "who the manager is",
            (false, true) => "which groups the user is in",
            (true, true) => "who the manager is, which groups the user is in",
        };
        let flips = self.flips_at.map_or_else(|| "never".into(), |at| print::when(at, &TimeZone::UTC));
        let facts = [("changes by time alone", flips), ("reads besides the user's own facts", others.to_owned())];
        format!("{verdict}{mark}\n\n{tree}\n{}", pairs(&facts))
    }
}
