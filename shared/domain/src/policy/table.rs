//! A table of the file, checked against its schema: unknown, missing and misshapen keys are reported when it is
//! opened, all of them, and what is left can be read without asking again.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::fault::{Fault, Lines, Severity};
use super::nearest::{listed, nearest};
use super::schema::{self, Key, Need, Schema, Shape};

/// What was found so far.
#[derive(Default)]
pub(super) struct Report {
    found: Vec<Fault>,
    /// Faults of leaving something out. They are dropped where the text is no TOML: there it may only have been lost.
    missing: Vec<Fault>,
    secrets: Vec<Range<usize>>,
}

impl Report {
    /// Adds a fault.
    pub(super) fn add(&mut self, fault: Fault) {
        self.found.push(fault);
    }

    /// Adds the fault of leaving something out.
    pub(super) fn add_missing(&mut self, fault: Fault) {
        self.missing.push(fault);
    }

    /// Nothing of these bytes will be shown.
    pub(super) fn conceal(&mut self, span: Range<usize>) {
        self.secrets.push(span);
    }

    /// All of it in the order of the text: warnings, and whether there is an error among them. After syntax errors only
    /// those faults count that stand on other lines.
    pub(super) fn close(mut self, text: &str, syntax: Vec<Fault>) -> (Vec<Fault>, bool) {
        self.secrets.sort_by_key(|secret| secret.start);
        let lines = Lines::of(text);
        let broken: BTreeSet<usize> = syntax.iter().map(|fault| lines.at(fault.span.start).number).collect();
        let missing = if broken.is_empty() { self.missing } else { Vec::new() };
        let on_sound_line = |fault: &Fault| !broken.contains(&lines.at(fault.span.start).number);
        let found = self.found.into_iter().filter(on_sound_line);
        let mut all: Vec<Fault> =
            (syntax.into_iter().chain(found).chain(missing)).map(|fault| fault.placed(&lines, &self.secrets)).collect();
        all.sort_by_key(|fault| (fault.span.start, fault.span.end));
        let failed = all.iter().any(|fault| fault.severity == Severity::Error);
        (all, failed)
    }
}

/// A value and the bytes it stands in.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) at: Range<usize>,
}

/// A table of which every entry is known and has the right shape.
pub(super) struct Table<'t> {
    /// Where it stands: its header, or the whole of it where it is written inline.
    pub(super) at: Range<usize>,
    entries: BTreeMap<&'static str, &'t Spanned<DeValue<'t>>>,
    /// Keys that are written, be it with a wrong value or in a wrong spelling.
    mentioned: BTreeSet<&'static str>,
}

impl<'t> Table<'t> {
    /// Reports what does not fit the schema and keeps the rest. `title` names the table in messages.
    pub(super) fn open(
        title: &str,
        schema: &Schema,
        at: Range<usize>,
        table: &'t DeTable<'t>,
        report: &mut Report,
    ) -> Self {
        let (mut entries, mut mentioned) = (BTreeMap::new(), BTreeSet::new());
        for (name, value) in table {
            let Some(key) = schema.key(name.get_ref()) else {
                mentioned.extend(unknown(title, schema, name, report));
                continue;
            };
            mentioned.insert(key.name);
            if fits(key, value, report) {
                entries.insert(key.name, value);
            }
        }
        for key in schema.keys.iter().filter(|key| key.need == Need::Required && !mentioned.contains(key.name)) {
            report.add_missing(Fault::new(at.clone(), format!("{title} lacks `{}`", key.name)).help(addition(key)));
        }
        Self { at, entries, mentioned }
    }

    /// Whether the key is written, be it with a wrong value or in a wrong spelling.
    pub(super) fn mentions(&self, key: &str) -> bool {
        self.mentioned.contains(key)
    }

    /// Whether the key is written but cannot be used. That has been reported, and what follows from it is not worth a
    /// word.
    pub(super) fn is_spoiled(&self, key: &str) -> bool {
        self.mentions(key) && !self.has(key)
    }

    /// Whether the key is there and has its shape.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Where the key's value stands; the table's own place if it is not there.
    pub(super) fn place(&self, key: &str) -> Range<usize> {
        self.entries.get(key).map_or_else(|| self.at.clone(), |value| value.span())
    }

    /// The key's text.
    pub(super) fn text(&self, key: &str) -> Option<Placed<&'t str>> {
        let value = self.entries.get(key)?;
        Some(Placed { value: value.get_ref().as_str()?, at: value.span() })
    }

    /// The key's texts; none if it is not there.
    pub(super) fn texts(&self, key: &str) -> Vec<Placed<&'t str>> {
        let list = self.entries.get(key).and_then(|value| value.get_ref().as_array());
        let texts = list
            .into_iter()
            .flatten()
            .filter_map(|item| Some(Placed { value: item.get_ref().as_str()?, at: item.span() }));
        texts.collect()
    }

    /// The key's yes or no.
    pub(super) fn bool(&self, key: &str) -> Option<bool> {
        self.entries.get(key)?.get_ref().as_bool()
    }

    /// The key's whole number.
    pub(super) fn integer(&self, key: &str) -> Option<u64> {
        self.entries.get(key)?.get_ref().as_integer().and_then(whole)
    }

    /// The key's number.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.entries.get(key).and_then(|value| decimal(value.get_ref()))
    }

    /// The key's table, not yet checked.
    pub(super) fn table(&self, key: &str) -> Option<Placed<&'t DeTable<'t>>> {
        self.entries.get(key).and_then(|value| as_table(value))
    }

    /// The key's tables, not yet checked; none if it is not there.
    pub(super) fn tables(&self, key: &str) -> Vec<Placed<&'t DeTable<'t>>> {
        let list = self.entries.get(key).and_then(|value| value.get_ref().as_array());
        list.into_iter().flatten().filter_map(as_table).collect()
    }
}

fn as_table<'t>(value: &'t Spanned<DeValue<'t>>) -> Option<Placed<&'t DeTable<'t>>> {
    Some(Placed { value: value.get_ref().as_table()?, at: value.span() })
}

/// Whether the value has the key's shape; what does not is reported. Of a list the fitting items are kept.
fn fits(key: &Key, value: &Spanned<DeValue<'_>>, report: &mut Report) -> bool {
    let shape = key.shape;
    let right = match (shape, value.get_ref()) {
        (Shape::Text | Shape::TextOrInteger(..), DeValue::String(_))
        | (Shape::Bool, DeValue::Boolean(_))
        | (Shape::Table | Shape::Map, DeValue::Table(_)) => true,
        (Shape::Integer(low, high) | Shape::TextOrInteger(low, high), DeValue::Integer(number)) => {
            return within(
                whole(number).is_some_and(|number| (low..=high).contains(&number)),
                key,
                low,
                high,
                value,
                report,
            );
        }
        (Shape::Number(low, high), DeValue::Integer(_) | DeValue::Float(_)) => {
            let inside = decimal(value.get_ref()).is_some_and(|number| (low.into()..=high.into()).contains(&number));
            return within(inside, key, low, high, value, report);
        }
        (Shape::Texts, DeValue::Array(items)) => {
            items_fit(key, "a text", items.iter().filter(|item| !item.get_ref().is_str()), report);
            true
        }
        (Shape::Tables, DeValue::Array(items)) => {
            items_fit(key, "a table", items.iter().filter(|item| !item.get_ref().is_table()), report);
            true
        }
        _ => false,
    };
    if !right {
        let message = format!("`{}` is {}, not {}", key.name, shape.phrase(), kind(value.get_ref()));
        report.add(Fault::new(value.span(), message).help(correction(key)));
    }
    right
}

fn within<N: std::fmt::Display>(
    inside: bool,
    key: &Key,
    low: N,
    high: N,
    value: &Spanned<DeValue<'_>>,
    report: &mut Report,
) -> bool {
    if !inside {
        let message = format!("`{}` is out of bounds", key.name);
        report.add(Fault::new(value.span(), message).help(format!("from {low} to {high}")));
    }
    inside
}

fn items_fit<'v>(key: &Key, wanted: &str, wrong: impl Iterator<Item = &'v Spanned<DeValue<'v>>>, report: &mut Report) {
    for item in wrong {
        let message = format!("each of `{}` is {wanted}, not {}", key.name, kind(item.get_ref()));
        report.add(Fault::new(item.span(), message).help(correction(key)));
    }
}

/// Reports a key that the table does not have; returns the key that was meant.
fn unknown(title: &str, schema: &Schema, name: &Spanned<Cow<'_, str>>, report: &mut Report) -> Option<&'static str> {
    let word: &str = name.get_ref();
    let fault = Fault::new(name.span(), format!("unknown key `{word}` in {title}"));
    let elsewhere = || schema::ALL.iter().find(|other| !other.header.is_empty() && other.key(word).is_some());
    let known: Vec<&'static str> = schema.keys.iter().map(|key| key.name).collect();
    let near = nearest(word, known.iter().copied());
    report.add(if let Some(near) = near {
        fault.help(format!("did you mean `{near}`?"))
    } else if let Some(key) = schema::ROOT.key(word) {
        fault.help(if matches!(key.shape, Shape::Integer(..)) {
            format!("`{word}` belongs at the top, before the first `[table]`")
        } else {
            correction(key)
        })
    } else if let Some(home) = elsewhere() {
        fault.help(format!("`{word}` belongs in `{}`", home.header))
    } else {
        fault.help(format!("known here: {}", listed(&known)))
    });
    near
}

fn correction(key: &Key) -> String {
    match (key.shape, key.name) {
        (Shape::Tables, name @ "packages") => format!("head each with `[[{name}]]`"),
        (Shape::Table, name) if schema::ROOT.key(name).is_some() => format!("head it with `[{name}]`"),
        (Shape::Map, name @ "connections") => format!("head each with `[{name}.NAME]`"),
        (Shape::Map, name @ "guard") => format!("head each with `[{name}.disable]` and the like"),
        (_, name) => format!("write `{name} = {}`", key.example),
    }
}

fn addition(key: &Key) -> String {
    match key.shape {
        Shape::Table => format!("add a table headed `[{}]`", key.name),
        _ => format!("add `{} = {}`", key.name, key.example),
    }
}

/// What a value is, in words.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date or time without quotes",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn whole(number: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

#[expect(clippy::cast_precision_loss, reason = "only numbers up to 100 pass the bounds, and those are exact")]
fn decimal(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(number) => whole(number).map(|number| number as f64),
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_every_key_has_the_shape_of_the_key() {
        for key in schema::ALL.iter().flat_map(|schema| schema.keys).filter(|key| !key.example.contains('…')) {
            let value = DeValue::parse(key.example).unwrap();
            let mut report = Report::default();
            assert!(fits(key, &value, &mut report) && report.found.is_empty(), "{}", key.name);
        }
    }

    #[test]
    fn every_key_stands_in_the_example_policy() {
        let example = include_str!("../../data/policy.example.toml");
        for key in schema::ALL.iter().flat_map(|schema| schema.keys) {
            let written = [format!("{} = ", key.name), format!("[{}", key.name), format!(".{}]", key.name)];
            assert!(written.iter().any(|written| example.contains(written)), "{}", key.name);
        }
    }
}
