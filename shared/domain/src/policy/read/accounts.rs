//! `[accounts]`.

use std::collections::BTreeMap;

use jiff::civil::Time;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::fault::Fault;
use super::super::nearest::{listed, suggestion};
use super::super::table::{Placed, Report, Table};
use super::super::{Accounts, PersonKind, schema};
use crate::event::{Field, FieldKind};

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

/// What a pattern may ask for.
const PLACEHOLDERS: [&str; 7] = ["given", "middle", "family", "g", "m", "f", "n"];

/// The longest part before the `@` (Microsoft's password policy page, "User principal name policies").
const LOCAL_PART_MAX: usize = 64;

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
    }
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
        let help = "end with a pattern that holds `{n}`, such as `{given}.{family}{n}`: else the third of a name needs a human";
        report.add(fault("no pattern can give a name to everybody", help).warning());
    }
    patterns.iter().filter(|pattern| check_pattern(pattern, report)).map(|pattern| pattern.value.to_owned()).collect()
}

/// Whether the pattern is sound; if not, the first thing wrong with it is reported.
fn check_pattern(pattern: &Placed<&str>, report: &mut Report) -> bool {
    let problem = match literals(pattern.value) {
        Err(problem) => Some(problem),
        Ok(literals) if !pattern.value.contains('{') => Some(if literals.is_empty() {
            ("the pattern is empty".into(), "write it like `{given}.{family}`".into())
        } else {
            ("the pattern gives everybody the same address".into(), format!("use one of {}", placeholders()))
        }),
        Ok(literals) => problem_of_literals(pattern.value, &literals),
    };
    let sound = problem.is_none();
    if let Some((message, help)) = problem {
        report.add(Fault::new(pattern.at.clone(), message).help(help));
    }
    sound
}

/// A message and its help.
type Problem = (String, String);

/// The pattern without its placeholders.
fn literals(pattern: &str) -> Result<String, Problem> {
    let mut literals = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        literals.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            return Err(("a placeholder is not closed".into(), "add the missing `}`".into()));
        };
        if !PLACEHOLDERS.contains(&name) {
            let help = match suggestion(name, &PLACEHOLDERS) {
                near if near.starts_with("did") => near,
                _ => format!("one of {}", placeholders()),
            };
            return Err((format!("`{{{}}}` is not a placeholder", name.escape_debug()), help));
        }
        rest = after;
    }
    literals.push_str(rest);
    Ok(literals)
}

/// What a user principal name may not hold (Microsoft's password policy page, "User principal name policies").
fn problem_of_literals(pattern: &str, literals: &str) -> Option<Problem> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "'.-_!#^~".contains(letter);
    if literals.contains('@') {
        Some(("the pattern holds an `@`".into(), "leave it out: the domain is `domain` of `[tenant]`".into()))
    } else if literals.contains('}') {
        Some(("a `}` closes nothing".into(), "open the placeholder with `{`".into()))
    } else if let Some(letter) = literals.chars().find(|letter| !allowed(*letter)) {
        let message = format!("`{}` cannot stand in a user principal name", letter.escape_debug());
        Some((message, "use letters, digits and `' . - _ ! # ^ ~`".into()))
    } else if pattern.starts_with('.') || pattern.ends_with('.') || pattern.contains("..") {
        let help = "a dot stands between two other characters";
        Some(("the pattern has a dot too many".into(), help.into()))
    } else if literals.len() >= LOCAL_PART_MAX {
        let help = format!("an address has {LOCAL_PART_MAX} characters before the `@`");
        Some(("the pattern leaves no room for a name".into(), help))
    } else {
        None
    }
}

fn placeholders() -> String {
    let braced = PLACEHOLDERS.map(|name| format!("{{{name}}}"));
    listed(&braced.each_ref().map(String::as_str))
}

/// The defaults, with what the policy says put over them: naming one type leaves the others as they are.
fn kinds(table: &Table<'_>, report: &mut Report) -> BTreeMap<String, PersonKind> {
    let mut kinds: BTreeMap<_, _> = KINDS.iter().map(|(word, kind)| ((*word).to_owned(), *kind)).collect();
    let written = table.table("kinds").map(|table| table.value);
    for (name, value) in written.into_iter().flatten() {
        let word: &str = name.get_ref();
        if !employment_types().contains(&word) {
            let fault = Fault::new(name.span(), format!("`{}` is not an employment type", word.escape_debug()));
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
            let fault = Fault::new(value.span(), format!("`{}` is not a kind of person", word.escape_debug()));
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
            let message = format!("`{}` is not a number of days", text.value.escape_debug());
            report.add(Fault::new(text.at, message).help("write a number without quotes, or `\"never\"`"));
            None
        }
        None => Some(days.unwrap_or(DELETE_DAYS_AFTER)),
    }
}
