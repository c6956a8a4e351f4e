//! `joinery rules eval`: a rule on users, one after the other as they are read.

use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use domain::ports::Clock;
use jiff::Timestamp;
use joinery::edge::SystemClock;
use rules::{Dialect, Rule};
use serde::Serialize;
use serde_json::{Map, Value};

use super::written::{Said, name, open};
use crate::commands::{Answer, Answered};
use crate::print::{self, Format, Output, plain};

/// The longest line that is read, in bytes: more than Graph gives of any user.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Tell of each user whether a rule selects them
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Eval {
    #[command(flatten)]
    said: Said,
    /// The users, one JSON object to a line; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    users: PathBuf,
    /// What `system.now` is, as in 2026-03-01T00:00:00Z; the machine's time if not given
    #[arg(long, value_name = "INSTANT")]
    now: Option<Timestamp>,
    #[command(flatten)]
    output: Output,
}

const AFTER_HELP: &str = "\
Users are objects as Graph returns them: `id` and Graph's property names; what is absent is null.
`manager` is {\"id\": …}, `memberOf` a list of group ids. Blank lines are skipped; users are read and
answered one by one, so a file may be of any length. With --output json (or ndjson) every user is
answered by one line {\"id\":…,\"match\":true|false}, in order.
Exit code 0: every user was answered, whatever the answers; 1: the rule is invalid (told on stderr),
or about devices; 2: a line is no user (what came before it is answered), or wrong usage.

Examples:
  joinery rules eval --rule 'user.department -eq \"Sales\"' --users users.jsonl
  joinery rules eval --rule-file rule.txt --users users.jsonl --now 2026-03-01T00:00:00Z --output json";

/// A user's answer, exactly so: scripts read it.
#[derive(Debug, Serialize)]
struct Selected<'a> {
    id: &'a Value,
    r#match: bool,
}

impl Eval {
    pub(super) fn run(self) -> Answered {
        let Some(rule) = self.said.rule()? else { return Ok(Answer::No) };
        let now = self.now.unwrap_or_else(|| SystemClock.now());
        let mut users = Users::open(&self.users)?;
        let mut out = print::stream();
        let answered = answer(&rule, now, &mut users, self.output.format, &mut out);
        // What is answered is answered, also before a line that is no user.
        out.flush()?;
        answered.map(|()| Answer::Yes)
    }
}

fn answer(
    rule: &Rule,
    now: Timestamp,
    users: &mut Users,
    format: Format,
    out: &mut impl Write,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (mut read, mut matching) = (0_usize, 0_usize);
    while let Some((id, user)) = users.next()? {
        let matches = rule.matches_at(&user, now);
        read += 1;
        matching += usize::from(matches);
        if format == Format::Table {
            let shown = id.as_str().map_or_else(|| id.to_string(), plain);
            writeln!(out, "{matches:5}  {shown}")?;
        } else {
            serde_json::to_writer(&mut *out, &Selected { id: &id, r#match: matches })?;
            out.write_all(b"\n")?;
        }
    }
    if format == Format::Table {
        let mark = if rule.dialect() == Dialect::Extended { " (extended: Entra itself refuses the rule)" } else { "" };
        writeln!(out, "{matching} of {} selected{mark}", print::count(read, "user"))?;
    }
    Ok(())
}

/// A user's id, and the user.
type User = (Value, Map<String, Value>);

/// The users of a file, one by one.
struct Users {
    name: String,
    lines: Box<dyn BufRead>,
    /// The line read last, from 1.
    at: usize,
    line: Vec<u8>,
}

impl Users {
    fn open(file: &Path) -> Result<Self, String> {
        let name = name(file);
        let lines = open(file).map_err(|error| format!("{name} cannot be read: {error}"))?;
        Ok(Self { name, lines, at: 0, line: Vec::new() })
    }

    /// The next user and their id.
    fn next(&mut self) -> Result<Option<User>, String> {
        loop {
            match self.read() {
                Err(error) => return Err(format!("{} cannot be read: {error}", self.name)),
                Ok(0) => return Ok(None),
                Ok(_) => {}
            }
            self.at += 1;
            let mark: &[u8] = if self.at == 1 { "\u{feff}".as_bytes() } else { &[] };
            let line = self.line.strip_prefix(mark).unwrap_or(&self.line).trim_ascii();
            if !line.is_empty() {
                return user(line).map(Some).map_err(|problem| format!("{}, line {}: {problem}", self.name, self.at));
            }
        }
    }

    fn read(&mut self) -> io::Result<usize> {
        self.line.clear();
        let read = self.lines.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut self.line)?;
        if read as u64 > LINE_BYTES_MAX {
            let problem = format!("line {} has more than {LINE_BYTES_MAX} bytes", self.at + 1);
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        Ok(read)
    }
}

/// A user and their id, out of one object. The problem names no value: users are people.
fn user(json: &[u8]) -> Result<User, String> {
    let user = object(json)?;
    match user.get("id") {
        Some(id @ (Value::String(_) | Value::Number(_))) => Ok((id.clone(), user)),
        Some(Value::Null) | None => Err("the user has no `id`".into()),
        Some(_) => Err("the user's `id` is not a string".into()),
    }
}

/// One JSON object.
pub(super) fn object(json: &[u8]) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(json) {
        Ok(Value::Object(user)) => Ok(user),
        Ok(_) => Err("this is not a user: write one JSON object, as Graph returns it".into()),
        Err(error) => {
            let told = error.to_string();
            let problem = told.rsplit_once(" at line ").map_or(told.as_str(), |(problem, _)| problem);
            let line = if error.line() > 1 { format!("line {}, ", error.line()) } else { String::new() };
            Err(format!("this is not JSON: {problem}, at {line}byte {}", error.column()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(lines: &'static str) -> Users {
        Users { name: "u.jsonl".into(), lines: Box::new(lines.as_bytes()), at: 0, line: Vec::new() }
    }

    fn ran(rule: &str, lines: &'static str, format: Format) -> (String, Result<(), String>) {
        let rule = Rule::new(rule).unwrap();
        let mut out = Vec::new();
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        let ended = answer(&rule, now, &mut users(lines), format, &mut out).map_err(|error| error.to_string());
        (String::from_utf8(out).unwrap(), ended)
    }

    #[test]
    fn every_user_is_answered_in_order_and_blank_lines_are_skipped() {
        let lines = "\u{feff}{\"id\":\"b\",\"city\":\"Oslo\"}\r\n\n  \n{\"id\":\"a \\\"\\u001b\",\"city\":null}\n{\"city\":[1e999999],\"id\":7}";
        let (out, ended) = ran("user.city -eq \"oslo\"", lines, Format::Json);
        assert!(ended.unwrap_err().starts_with("u.jsonl, line 5: this is not JSON: number out of range"));
        assert_eq!(out, "{\"id\":\"b\",\"match\":true}\n{\"id\":\"a \\\"\\u001b\",\"match\":false}\n");
        let (out, ended) =
            ran("user.city -eq \"oslo\"", "{\"id\":7,\"city\":{}}\n{\"id\":\"x\\u001b\"}", Format::Table);
        assert_eq!((out.as_str(), ended), ("false  7\nfalse  x \n0 of 2 users selected\n", Ok(())));
    }

    #[test]
    fn a_line_that_is_no_user_is_named_and_nothing_of_it_is_told() {
        for (lines, told) in [
            ("{\"city\":\"Oslo\"}", "u.jsonl, line 1: the user has no `id`"),
            ("\n{\"id\":null}", "u.jsonl, line 2: the user has no `id`"),
            ("{\"id\":[\"Zoë\"]}", "u.jsonl, line 1: the user's `id` is not a string"),
            ("[{\"id\":\"Zoë\"}]", "u.jsonl, line 1: this is not a user: write one JSON object, as Graph returns it"),
            ("{\"id\":\"Zoë\"", "u.jsonl, line 1: this is not JSON: EOF while parsing an object, at byte 12"),
        ] {
            assert_eq!(ran("user.city -eq null", lines, Format::Json), (String::new(), Err(told.to_owned())));
        }
        let deep: &'static str = Box::leak(format!("{{\"id\":\"a\",\"x\":{}", "[".repeat(100_000)).into_boxed_str());
        assert!(ran("user.city -eq null", deep, Format::Json).1.unwrap_err().contains("recursion limit exceeded"));
    }

    #[test]
    fn values_of_the_wrong_type_are_null_and_large_numbers_are_text() {
        let lines = "{\"id\":\"a\",\"accountEnabled\":\"yes\",\"department\":18446744073709551615,\"city\":123456789012345678901234567890,\"memberOf\":5,\"manager\":[],\"assignedPlans\":{\"service\":1}}";
        for rule in [
            "user.accountEnabled -eq null",
            "user.department -eq \"18446744073709551615\" -and user.city -ne null",
            "-not (user.memberOf -any (group.objectId -in ['11111111-1111-1111-1111-111111111111']))",
            "user.assignedPlans -any (assignedPlan.service -eq \"1\")",
        ] {
            let rule = Rule::with(rule, &rules::Settings::EXTENDED).unwrap();
            let mut out = Vec::new();
            answer(&rule, Timestamp::UNIX_EPOCH, &mut users(lines), Format::Json, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), "{\"id\":\"a\",\"match\":true}\n", "{rule}");
        }
    }
}
