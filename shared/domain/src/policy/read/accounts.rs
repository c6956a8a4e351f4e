//! `[accounts]`.

use std::collections::BTreeMap;

use jiff::civil::Time;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::fault::Fault;
use super::super::nearest::{listed, nearest, suggestion};
use super::super::table::{Placed, Report, Table};
use super::super::{Accounts, Guests, MatchPolicy, PersonKind, schema};
use crate::event::{Field, FieldKind};
use crate::naming::{NamePattern, PatternError};

const UPN: [&str; 3] = ["{given}.{family}", "{given}.{middle}.{family}", "{given}.{family}{n}"];
const KINDS: [(&str, PersonKind); 8] = [
    ("employee", PersonKind::Tenant),
    ("intern", PersonKind::Tenant),
    ("temporary", PersonKind::Tenant),
    ("seasonal", PersonKind::Tenant),
    ("contractor", PersonKind::Tenant),
    ("contingent", PersonKind::Tenant),
    ("external", PersonKind::Guest),
    ("visitor", PersonKind::None),
];
const CREATE_DAYS_BEFORE: u16 = 14;
const ENABLE_AT: Time = Time::constant(6, 0, 0, 0);
const CUT_AT: Time = Time::constant(18, 0, 0, 0);
const DELETE_DAYS_AFTER: u16 = 30;

/// Where a guest finds everything they were given.
const REDIRECT_URL: &str = "https://myapps.microsoft.com";

/// What a pattern may ask for.
const PLACEHOLDERS: [&str; 7] = ["given", "middle", "family", "g", "m", "f", "n"];

pub(super) fn read<'t>(table: Option<Placed<&'t DeTable<'t>>>, report: &mut Report) -> Accounts {
    let none = DeTable::default();
    let (at, entries) = table.map_or((0..0, &none), |table| (table.at, table.value));
    let table = Table::open("`[accounts]`", &schema::ACCOUNTS, at, entries, report);
    let days = |key: &str| table.integer(key).and_then(|days| u16::try_from(days).ok());
    Accounts {
        upn: upn(&table, report),
        kinds: kinds(&table, report),
        create_days_before: days("create_days_before").unwrap_or(CREATE_DAYS_BEFORE),
        enable_at: table.text("enable_at").and_then(|text| time(&text, "enable_at", report)).unwrap_or(ENABLE_AT),
        cut_at: table.text("cut_at").and_then(|text| time(&text, "cut_at", report)).unwrap_or(CUT_AT),
        delete_days_after: delete_days_after(&table, days("delete_days_after"), report),
        leavers_keep_preexisting: table.bool("leavers_keep_preexisting").unwrap_or(false),
        matching: table.text("match").map(|text| matching(&text, report)).unwrap_or_default(),
        guests: guests(table.table("guests"), report),
    }
}

fn matching(text: &Placed<&str>, report: &mut Report) -> MatchPolicy {
    let words = ["confirm", "employee_id"];
    match text.value {
        "confirm" => {}
        "employee_id" => return MatchPolicy::EmployeeId,
        other => {
            let fault = Fault::new(text.at.clone(), format!("`{other}` cannot bind an account"));
            report.add(fault.help(suggestion(other, &words)));
        }
    }
    MatchPolicy::Confirm
}

fn guests<'t>(table: Option<Placed<&'t DeTable<'t>>>, report: &mut Report) -> Guests {
    let none = DeTable::default();
    let (at, entries) = table.map_or((0..0, &none), |table| (table.at, table.value));
    let table = Table::open("`[accounts.guests]`", &schema::GUESTS, at, entries, report);
    let redirect_url = match table.text("redirect_url") {
        None => REDIRECT_URL.to_owned(),
        Some(text) => {
            let rest = text.value.strip_prefix("https://").unwrap_or_default();
            if rest.is_empty() || rest.starts_with('/') || rest.contains(char::is_whitespace) {
                let fault = Fault::new(text.at, "`redirect_url` is not an address that guests can be sent to");
                report.add(fault.help(format!("write it like `{REDIRECT_URL}`")));
            }
            text.value.to_owned()
        }
    };
    Guests { redirect_url, send_message: table.bool("send_message").unwrap_or(true) }
}

fn upn(table: &Table<'_>, report: &mut Report) -> Vec<String> {
    if !table.has("upn") {
        return UPN.map(String::from).to_vec();
    }
    let patterns = table.texts("upn");
    let fault = |message: &str, help: &str| Fault::new(table.place("upn"), message).help(help);
    if patterns.is_empty() {
        let help = format!("write `upn = [{}]`", UPN.map(|pattern| format!("{pattern:?}")).join(", "));
        report.add(fault("no pattern for addresses", &help));
    } else if !patterns.iter().any(|pattern| pattern.value.contains("{n}")) {
        let help = "end with a pattern that holds `{n}`, such as `{given}.{family}{n}`: else namesakes need a human";
        report.add(fault("no pattern can give a name to everybody", help).warning());
    }
    patterns.iter().filter_map(|pattern| name_pattern(pattern, report)).map(|pattern| pattern.to_string()).collect()
}

fn name_pattern(pattern: &Placed<&str>, report: &mut Report) -> Option<NamePattern> {
    let error = match pattern.value.parse() {
        Ok(pattern) => return Some(pattern),
        Err(error) => error,
    };
    // The error's own words, with what to do about it behind a semicolon.
    let words = error.to_string();
    let (message, advice) =
        words.split_once("; ").map_or((words.as_str(), None), |(said, advice)| (said, Some(advice)));
    let help = match &error {
        PatternError::UnknownPlaceholder(name) => {
            nearest(name, PLACEHOLDERS).map(|near| format!("did you mean `{{{near}}}`?"))
        }
        PatternError::Unclosed(_) => Some("add the missing `}`".to_owned()),
        PatternError::Character('@') => Some("leave the domain out: it is `domain` of `[tenant]`".to_owned()),
        PatternError::Character('}') => Some("open the placeholder with `{`".to_owned()),
        PatternError::RepeatedNumber => Some("keep one of them".to_owned()),
        _ => None,
    };
    let fault = Fault::new(pattern.at.clone(), message);
    report.add(match help.or_else(|| advice.map(str::to_owned)) {
        Some(help) => fault.help(help),
        None => fault,
    });
    None
}

/// The defaults, with what the policy says put over them: naming one type leaves the others as they are.
fn kinds(table: &Table<'_>, report: &mut Report) -> BTreeMap<String, PersonKind> {
    let mut kinds: BTreeMap<_, _> = KINDS.iter().map(|(word, kind)| ((*word).to_owned(), *kind)).collect();
    let written = table.table("kinds").map(|table| table.value);
    for (name, value) in written.into_iter().flatten() {
        let word: &str = name.get_ref();
        if !employment_types().contains(&word) {
            let fault = Fault::new(name.span(), format!("`{word}` is not an employment type"));
            report.add(fault.help(suggestion(word, employment_types())));
        }
        if let Some(kind) = kind(value, report) {
            kinds.insert(word.to_owned(), kind);
        }
    }
    kinds
}

/// The words of the canonical event.
fn employment_types() -> &'static [&'static str] {
    match Field::of("employment.type").map(Field::kind) {
        Some(FieldKind::Word(words)) => words,
        _ => &[],
    }
}

fn kind(value: &Spanned<DeValue<'_>>, report: &mut Report) -> Option<PersonKind> {
    let words = ["tenant", "guest", "none"];
    let Some(word) = value.get_ref().as_str() else {
        let fault = Fault::new(value.span(), "the kind of a person is a text");
        report.add(fault.help(format!("one of {}", listed(&words))));
        return None;
    };
    match word {
        "tenant" => Some(PersonKind::Tenant),
        "guest" => Some(PersonKind::Guest),
        "none" => Some(PersonKind::None),
        _ => {
            let fault = Fault::new(value.span(), format!("`{word}` is not a kind of person"));
            report.add(fault.help(suggestion(word, &words)));
            None
        }
    }
}

fn time(text: &Placed<&str>, key: &str, report: &mut Report) -> Option<Time> {
    let two_digits = |text: &str| -> Option<i8> {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let parts = text.value.split_once(':').and_then(|(hour, minute)| Some((two_digits(hour)?, two_digits(minute)?)));
    let time = parts.and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok());
    if time.is_none() {
        let fault = Fault::new(text.at.clone(), format!("`{key}` is not a time of day"));
        report.add(fault.help("write hours and minutes, `\"00:00\"` to `\"23:59\"`"));
    }
    time
}

fn delete_days_after(table: &Table<'_>, days: Option<u16>, report: &mut Report) -> Option<u16> {
    match table.text("delete_days_after") {
        Some(text) if text.value == "never" => None,
        Some(text) => {
            let message = format!("`{}` is not a number of days", text.value);
            report.add(Fault::new(text.at, message).help("write a number without quotes, or `\"never\"`"));
            None
        }
        None => Some(days.unwrap_or(DELETE_DAYS_AFTER)),
    }
}
