//! From text to policy: TOML, then each section by its reader, then what only shows across sections.

mod accounts;
mod brakes;
mod connections;
mod packages;
mod reconcile;
mod tails;
mod tenant;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use rules::Dialect;
use toml::de::{DeTable, Error};

use super::fault::{Fault, Lines};
use super::nearest::{nearest, suggestion};
use super::schema;
use super::table::{Placed, Report, Table};
use super::{Compiled, DIALECTS, Policy, TEXT_MAX, fingerprint};

/// The version of the format that is read.
const VERSION: u64 = 1;

/// Reads and checks a policy; see [`Policy::parse`].
pub(super) fn policy(text: &str) -> Result<Policy, Vec<Fault>> {
    if text.len() > TEXT_MAX {
        let fault = Fault::new(0..0, "the policy is too long").help(format!("at most {TEXT_MAX} bytes"));
        return Err(vec![fault]);
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut report = Report::default();
    let read = sections(text, root.get_ref(), &mut report);
    let (faults, failed) = report.close(text, syntax(text, &errors));
    match read {
        Some(policy) if !failed => Ok(Policy { warnings: faults, ..policy }),
        _ => Err(faults),
    }
}

/// Every section, so that each reports its own faults whatever the others do.
fn sections<'t>(text: &str, root: &'t DeTable<'t>, report: &mut Report) -> Option<Policy> {
    let root = Table::open("the policy", &schema::ROOT, 0..0, root, report);
    if root.integer("version").is_some_and(|version| version != VERSION) {
        let fault = Fault::new(root.place("version"), "this version of the format is not known");
        report.add(fault.help(format!("write `version = {VERSION}`")));
    }
    let tenant = root.table("tenant").map(|table| tenant::read(table, report));
    let connections = connections::read(&root, report);
    let accounts = accounts::read(root.table("accounts"), report);
    let dialect = dialect(&root, report);
    let packages = packages::read(text, root.tables("packages"), dialect, report);
    let seats = packages::seats(root.table("seats"), report);
    let protected = brakes::protected(root.table("protected"), &connections, report);
    let guards = brakes::guards(root.table("guard"), report);
    let alerts = brakes::alerts(root.table("alerts"), report);
    let reconcile = reconcile::read(root.table("reconcile"), report);
    Some(Policy {
        tenant: tenant??,
        connections: connections.read,
        accounts,
        dialect,
        rules: Compiled::of(&packages),
        packages,
        seats,
        protected,
        guards,
        alerts,
        reconcile,
        fingerprint: fingerprint(text),
        warnings: Vec::new(),
    })
}

/// What packages' rules are written in. Of a word that is none the faults of rules say nothing: the wider language is taken.
fn dialect(root: &Table<'_>, report: &mut Report) -> Dialect {
    let Some(word) = root.text("dialect") else { return Dialect::default() };
    Dialect::named(word.value).unwrap_or_else(|| {
        let fault = Fault::new(word.at, format!("`{}` is no dialect of the rule language", word.value));
        report.add(fault.help(suggestion(word.value, &DIALECTS)));
        Dialect::Extended
    })
}

/// What is no TOML: one fault for each line, the first, for the parser stumbles on.
fn syntax(text: &str, errors: &[Error]) -> Vec<Fault> {
    let lines = Lines::of(text);
    let mut faults: Vec<(usize, Fault)> = errors
        .iter()
        .map(|error| {
            let span = error.span().unwrap_or(0..0);
            (lines.at(span.start).number, syntax_fault(text, span, error.message()))
        })
        .collect();
    faults.sort_by_key(|(line, fault)| (*line, fault.span.start));
    faults.dedup_by_key(|(line, _)| *line);
    faults.into_iter().map(|(_, fault)| fault).collect()
}

fn syntax_fault(text: &str, span: std::ops::Range<usize>, message: &str) -> Fault {
    if message.starts_with("string values must be quoted") {
        Fault::new(span, "a text without quotes").help("put it in double quotes")
    } else if message == "duplicate key" {
        let key = text.get(span.clone()).unwrap_or_default().to_owned();
        Fault::new(span, format!("`{key}` is written twice")).help("keep one of them")
    } else if message.contains("array") {
        Fault::new(span, message).help("is the list closed with `]`, with commas between its items?")
    } else {
        match message.split_once(", expected ") {
            Some((message, "nothing")) => Fault::new(span, message).help("remove it"),
            Some((message, expected)) => Fault::new(span, message).help(format!("here belongs {expected}")),
            None => Fault::new(span, message),
        }
    }
}

/// A time zone by its IANA name, from the table compiled in: a policy means the same on every machine.
fn time_zone(name: &Placed<&str>, report: &mut Report) -> Option<TimeZone> {
    let zones = TimeZoneDatabase::bundled();
    if let Ok(zone) = zones.get(name.value) {
        return Some(zone);
    }
    let known: Vec<String> = zones.available().map(|zone| zone.as_str().to_owned()).collect();
    let city = |zone: &&String| zone.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(name.value));
    let meant = known.iter().find(city).map(String::as_str);
    let fault = Fault::new(name.at.clone(), format!("`{}` is not an IANA time zone", name.value));
    report.add(match meant.or_else(|| nearest(name.value, known.iter().map(String::as_str))) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("write it like `Europe/Amsterdam`"),
    });
    None
}
