//! The form in which a record is stored: lists instead of maps with composite keys.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Announced, Latest, Record, Register, Said, Stamp, Term};
use crate::event::{FactValue, Field, FieldFault};

/// A record as JSON.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StoredRecord {
    facts: Vec<StoredRegister>,
    terms: Vec<StoredTerm>,
    employee_number: Option<(Stamp, String)>,
    deleted_at_source: Option<Stamp>,
    newest: Option<Stamp>,
}

#[derive(Clone, Serialize, Deserialize)]
struct StoredTerm {
    id: String,
    starts: Vec<(Date, Announced)>,
    /// Those that can be used and those that cannot: the value tells which is which.
    registers: Vec<StoredRegister>,
    statuses: Vec<(String, Said)>,
    revoked: Latest,
    cancelled: Latest,
}

#[derive(Clone, Serialize, Deserialize)]
struct StoredRegister {
    field: String,
    value: StoredValue,
    stamp: Stamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    effective: Option<Date>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    beside: Vec<(String, Date)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inclusive_end: Option<bool>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredValue {
    Null,
    Text(String),
    Bool(bool),
    Date(Date),
    Instant(Timestamp),
    Number(String),
    Texts(Vec<String>),
    Fault(FieldFault),
}

impl From<Record> for StoredRecord {
    fn from(record: Record) -> Self {
        let facts = record.facts.into_iter();
        let facts = facts.flat_map(|(field, dated)| dated.into_values().map(move |register| store(field, register)));
        let terms = record.terms.into_iter().map(|(id, term)| StoredTerm {
            id,
            starts: term.starts.into_iter().collect(),
            registers: term
                .registers
                .into_iter()
                .chain(term.faults)
                .map(|(field, register)| store(field, register))
                .collect(),
            statuses: term.statuses.into_iter().collect(),
            revoked: term.revoked,
            cancelled: term.cancelled,
        });
        Self {
            facts: facts.collect(),
            terms: terms.collect(),
            employee_number: record.employee_number,
            deleted_at_source: record.deleted_at_source,
            newest: record.newest,
        }
    }
}

impl From<StoredRecord> for Record {
    /// A field that left the allow-list since it was stored is dropped.
    fn from(stored: StoredRecord) -> Self {
        let mut record = Self {
            employee_number: stored.employee_number,
            deleted_at_source: stored.deleted_at_source,
            newest: stored.newest,
            ..Self::default()
        };
        for (field, register) in stored.facts.into_iter().filter_map(load) {
            record.facts.entry(field).or_default().insert(register.effective, register);
        }
        for term in stored.terms {
            let registers = term.registers.into_iter().filter_map(load);
            let (faults, registers) =
                registers.partition(|(_, register)| matches!(register.value, FactValue::Fault(_)));
            let loaded = Term {
                starts: term.starts.into_iter().collect(),
                registers,
                faults,
                statuses: term.statuses.into_iter().collect(),
                revoked: term.revoked,
                cancelled: term.cancelled,
            };
            record.terms.insert(term.id, loaded);
        }
        record
    }
}

fn store(field: Field, register: Register) -> StoredRegister {
    let value = match register.value {
        FactValue::Null => StoredValue::Null,
        FactValue::Text(text) => StoredValue::Text(text),
        FactValue::Bool(yes) => StoredValue::Bool(yes),
        FactValue::Date(date) => StoredValue::Date(date),
        FactValue::Instant(at) => StoredValue::Instant(at),
        FactValue::Number(text) => StoredValue::Number(text),
        FactValue::Texts(texts) => StoredValue::Texts(texts),
        FactValue::Fault(fault) => StoredValue::Fault(fault),
    };
    StoredRegister {
        field: field.path().to_owned(),
        value,
        stamp: register.stamp,
        effective: register.effective,
        beside: register.beside.into_iter().map(|(field, date)| (field.path().to_owned(), date)).collect(),
        inclusive_end: register.inclusive_end,
    }
}

fn load(stored: StoredRegister) -> Option<(Field, Register)> {
    let value = match stored.value {
        StoredValue::Null => FactValue::Null,
        StoredValue::Text(text) => FactValue::Text(text),
        StoredValue::Bool(yes) => FactValue::Bool(yes),
        StoredValue::Date(date) => FactValue::Date(date),
        StoredValue::Instant(at) => FactValue::Instant(at),
        StoredValue::Number(text) => FactValue::Number(text),
        StoredValue::Texts(texts) => FactValue::Texts(texts),
        StoredValue::Fault(fault) => FactValue::Fault(fault),
    };
    let register = Register {
        stamp: stored.stamp,
        value,
        effective: stored.effective,
        beside: stored.beside.into_iter().filter_map(|(path, date)| Some((Field::of(&path)?, date))).collect(),
        inclusive_end: stored.inclusive_end,
    };
    Field::of(&stored.field).map(|field| (field, register))
}
