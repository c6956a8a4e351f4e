//! `[protected]`, `[guard.KIND]`, `[alerts]`: what holds Joinery back, and whom it tells.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use toml::de::DeTable;

use super::super::fault::Fault;
use super::super::nearest::suggestion;
use super::super::table::{Placed, Report, Table};
use super::super::{Guard, GuardKind, SecretRef, schema};
use super::connections::Connections;
use crate::ids::PersonId;

const WINDOW: SignedDuration = SignedDuration::from_hours(1);
const WINDOW_MIN: SignedDuration = SignedDuration::from_mins(1);
const WINDOW_MAX: SignedDuration = SignedDuration::from_hours(24 * 7);

pub(super) fn protected<'t>(
    table: Option<Placed<&'t DeTable<'t>>>,
    connections: &Connections,
    report: &mut Report,
) -> BTreeSet<PersonId> {
    let mut people = BTreeSet::new();
    let Some(table) = table else { return people };
    let table = Table::open("`[protected]`", &schema::PROTECTED, table.at, table.value, report);
    for text in table.texts("people") {
        let Ok(person) = text.value.parse::<PersonId>() else {
            let fault = Fault::new(text.at, "this is not a person's id");
            report.add(fault.help("write `CONNECTION:SOURCE_ID`, such as `bamboo:1`"));
            continue;
        };
        // Where no connection could be read at all, that has been said.
        if !connections.names.is_empty() && !connections.names.contains(person.connection()) {
            let names: Vec<&str> = connections.names.iter().map(String::as_str).collect();
            let message = format!("there is no connection `{}`", person.connection());
            report.add(Fault::new(text.at, message).help(suggestion(person.connection(), &names)));
        } else if !people.insert(person) {
            report.add(Fault::new(text.at, "this person stands here twice").help("keep one of them"));
        }
    }
    people
}

pub(super) fn guards<'t>(table: Option<Placed<&'t DeTable<'t>>>, report: &mut Report) -> BTreeMap<GuardKind, Guard> {
    let mut guards = BTreeMap::new();
    let words = GuardKind::ALL.map(GuardKind::word);
    for (name, value) in table.into_iter().flat_map(|table| table.value) {
        let word: &str = name.get_ref();
        let kind = GuardKind::ALL.into_iter().find(|kind| kind.word() == word);
        if kind.is_none() {
            let fault = Fault::new(name.span(), format!("`{word}` is not something that is guarded"));
            report.add(fault.help(suggestion(word, &words)));
        }
        let Some(table) = value.get_ref().as_table() else {
            let fault = Fault::new(value.span(), "a guard is a table");
            report.add(fault.help(format!("head it with `[guard.{}]`", kind.map_or("KIND", GuardKind::word))));
            continue;
        };
        let title = format!("`[guard.{word}]`");
        let table = Table::open(&title, &schema::GUARD, value.span(), table, report);
        guards.extend(kind.zip(guard(&title, &table, report)));
    }
    guards
}

fn guard(title: &str, table: &Table<'_>, report: &mut Report) -> Option<Guard> {
    let window = match table.text("window") {
        Some(text) => window(&text, report),
        None => Some(WINDOW),
    };
    if !table.mentions("people") && !table.mentions("percent") {
        let fault = Fault::new(table.at.clone(), format!("{title} has no threshold"));
        report.add_missing(fault.help("add `people = 5`, `percent = 5.0`, or both"));
    }
    Some(Guard {
        people: table.integer("people").and_then(|people| people.try_into().ok()),
        percent: table.number("percent"),
        window: window?,
    })
}

fn window(text: &Placed<&str>, report: &mut Report) -> Option<SignedDuration> {
    let fault = |message: &str| Fault::new(text.at.clone(), message);
    let Some(window) = duration(text.value) else {
        report.add(
            fault("`window` is not a length of time").help("write a whole number and `m`, `h` or `d`, such as `1h`"),
        );
        return None;
    };
    let inside = (WINDOW_MIN..=WINDOW_MAX).contains(&window);
    if !inside {
        report.add(fault("`window` is out of bounds").help("from `1m` to `7d`"));
    }
    inside.then_some(window)
}

/// A whole number of minutes, hours or days; a day is 24 hours.
pub(super) fn duration(text: &str) -> Option<SignedDuration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let minutes_each = match unit {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        _ => return None,
    };
    let number: u32 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    Some(SignedDuration::from_mins(i64::from(number) * minutes_each))
}

pub(super) fn alerts<'t>(table: Option<Placed<&'t DeTable<'t>>>, report: &mut Report) -> Option<SecretRef> {
    let table = table?;
    if let Some(value) = table.value.get("webhook")
        && value.get_ref().as_str().is_none_or(|text| text.parse::<SecretRef>().is_err())
    {
        report.conceal(value.span());
    }
    let table = Table::open("`[alerts]`", &schema::ALERTS, table.at, table.value, report);
    table.text("webhook").and_then(|text| secret(&text, report))
}

/// A reference to a secret. What is none is concealed: it may be the secret.
pub(super) fn secret(text: &Placed<&str>, report: &mut Report) -> Option<SecretRef> {
    let read = text.value.parse().ok();
    if read.is_none() {
        let fault = Fault::new(text.at.clone(), "this is not a reference to a secret");
        report.add(fault.help("write `env:NAME` or `file:PATH`; the secret itself does not belong in the policy"));
    }
    read
}
