//! `[connections.NAME]`.

mod api;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::super::fault::Fault;
use super::super::nearest::{listed, suggestion};
use super::super::table::{Placed, Report, Table};
use super::super::{Connection, EndDate, SecretRef, Source, schema};
use super::time_zone;

const PRECEDENCE: u32 = 1;

/// The longest name: it is part of every person's id.
const NAME_MAX: usize = 64;

/// What was read.
#[derive(Default)]
pub(super) struct Connections {
    /// The sound ones.
    pub(super) read: BTreeMap<String, Connection>,
    /// The names of all, sound or not.
    pub(super) names: BTreeSet<String>,
}

pub(super) fn read(root: &Table<'_>, report: &mut Report) -> Connections {
    let mut found = Connections::default();
    let mut precedences: Vec<(u32, String, Range<usize>)> = Vec::new();
    let entries = root.table("connections").map(|table| table.value);
    for (name, value) in entries.into_iter().flatten() {
        found.names.insert(name.get_ref().to_string());
        check_name(name, report);
        let Some(table) = value.get_ref().as_table() else {
            let message = format!("connection `{}` is a table", name.get_ref());
            let help = format!("head it with `[connections.{}]`", name.get_ref());
            report.add(Fault::new(value.span(), message).help(help));
            continue;
        };
        let title = format!("`[connections.{}]`", name.get_ref());
        let table = Table::open(&title, &schema::CONNECTION, value.span(), table, report);
        conceal_secrets(value, report);
        api::conceal_key(value, report);
        if let Some(connection) = connection(name.get_ref(), &table, report) {
            precedences.push((connection.precedence, connection.name.clone(), table.place("precedence")));
            found.read.insert(connection.name.clone(), connection);
        }
    }
    if found.names.is_empty() && !root.is_spoiled("connections") {
        let fault = Fault::new(0..0, "no connection: nobody will ever be heard of").warning();
        report.add_missing(fault.help("add a table headed `[connections.NAME]`"));
    }
    warn_of_equal_precedence(precedences, report);
    found
}

fn connection(name: &str, table: &Table<'_>, report: &mut Report) -> Option<Connection> {
    let source = table.text("source").and_then(|text| source(&text, report));
    let secrets = secrets(source, table, report);
    let zone = table.text("time_zone").and_then(|text| time_zone(&text, report));
    let end_date = table.text("end_date").and_then(|text| end_date(&text, report));
    if let Some(source) = source.filter(|source| source.end_date_differs_by_customer() && !table.mentions("end_date")) {
        let fault =
            Fault::new(table.at.clone(), format!("what an end date of `{source}` means differs between its customers"));
        let help =
            "write `end_date = \"inclusive\"` if it is the last day of work, `\"exclusive\"` if the first day without";
        report.add_missing(fault.help(help).warning());
    }
    let api = table.table("api").and_then(|table| api::read(source, table, report));
    let source = source?;
    Some(Connection {
        name: name.to_owned(),
        source,
        secrets,
        time_zone: zone,
        end_date: end_date.unwrap_or(source.end_date()),
        end_date_is_explicit: end_date.is_some(),
        precedence: table.integer("precedence").and_then(|number| number.try_into().ok()).unwrap_or(PRECEDENCE),
        api,
    })
}

/// The name stands in person ids before a colon and in addresses between slashes.
fn check_name(name: &Spanned<std::borrow::Cow<'_, str>>, report: &mut Report) {
    let plain = |byte: u8| byte == b'-' || byte == b'_' || byte.is_ascii_alphanumeric();
    let text = name.get_ref();
    if text.is_empty() || text.len() > NAME_MAX || !text.bytes().all(plain) {
        let message = format!("`{text}` cannot name a connection");
        let help =
            format!("letters, digits, `-` and `_`, at most {NAME_MAX}: it is part of `/hr/NAME` and of person ids");
        report.add(Fault::new(name.span(), message).help(help));
    }
}

fn source(text: &Placed<&str>, report: &mut Report) -> Option<Source> {
    let fault = |message: String| Fault::new(text.at.clone(), message);
    match text.value.parse::<Source>() {
        Ok(source) if source.is_read_by_this_version() => Some(source),
        Ok(source) => {
            let readable = Source::WORDS.iter().filter(|(source, _)| source.is_read_by_this_version());
            let words: Vec<&str> = readable.map(|(_, word)| *word).collect();
            let help = format!("it reads {}", listed(&words));
            report.add(fault(format!("`{source}` is not read by this version")).help(help));
            None
        }
        Err(_) => {
            let words = Source::WORDS.map(|(_, word)| word);
            let message = format!("`{}` is not a known source", text.value);
            report.add(fault(message).help(suggestion(text.value, &words)));
            None
        }
    }
}

fn secrets(source: Option<Source>, table: &Table<'_>, report: &mut Report) -> Vec<SecretRef> {
    let written = table.texts("secrets");
    if let Some(source) =
        source.filter(|source| source.needs_secret() && written.is_empty() && !table.is_spoiled("secrets"))
    {
        let fault = Fault::new(
            table.place("secrets"),
            format!("a `{source}` connection needs a secret to prove its messages by"),
        );
        report.add_missing(fault.help("add `secrets = [\"env:NAME\"]` or `[\"file:PATH\"]`"));
    }
    let mut read = Vec::new();
    for text in written {
        match super::brakes::secret(&text, report) {
            Some(secret) if read.contains(&secret) => {
                report.add(Fault::new(text.at, "this secret stands here twice").help("keep one of them"));
            }
            secret => read.extend(secret),
        }
    }
    read
}

/// Whatever stands under `secrets` and is no reference may be the secret itself, also where its shape is wrong.
fn conceal_secrets(connection: &Spanned<DeValue<'_>>, report: &mut Report) {
    let Some(value) = connection.get_ref().get("secrets") else { return };
    let items = value.get_ref().as_array();
    for item in items.into_iter().flatten().chain(items.is_none().then_some(value)) {
        let is_reference = item.get_ref().as_str().is_some_and(|text| text.parse::<SecretRef>().is_ok());
        if !is_reference {
            report.conceal(item.span());
        }
    }
}

fn end_date(text: &Placed<&str>, report: &mut Report) -> Option<EndDate> {
    match text.value {
        "inclusive" => Some(EndDate::Inclusive),
        "exclusive" => Some(EndDate::Exclusive),
        other => {
            let message = format!("`{other}` is not a meaning of an end date");
            report.add(Fault::new(text.at.clone(), message).help(suggestion(other, &["inclusive", "exclusive"])));
            None
        }
    }
}

/// With equal precedence neither connection's word is the better one; their names decide, which nobody means.
fn warn_of_equal_precedence(mut precedences: Vec<(u32, String, Range<usize>)>, report: &mut Report) {
    precedences.sort_by_key(|(precedence, _, at)| (*precedence, at.start));
    for pair in precedences.windows(2) {
        if let [(one, first, _), (other, second, at)] = pair
            && one == other
        {
            let message = format!("`{first}` and `{second}` have the same precedence {one}");
            let help = "give each its own: the lower wins where two connections state one fact";
            report.add(Fault::new(at.clone(), message).help(help).warning());
        }
    }
}
