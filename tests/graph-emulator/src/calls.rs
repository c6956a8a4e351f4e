//! The record of every call in order, with passwords covered. The oldest are forgotten when there are very many.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::auth::cover;
use crate::ids::Guid;

/// So many calls are remembered.
const KEPT_MAX: usize = 100_000;

/// One call and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub at: Timestamp,
    pub method: String,
    pub path: String,
    pub query: String,
    pub app: String,
    pub status: u16,
    /// Ids the call is about: from its path first, then from its body or its answer.
    pub subjects: Vec<Guid>,
    /// The call that carried this one in a batch.
    pub batch: Option<u64>,
    /// The answer was not delivered.
    pub lost: bool,
    pub body: Option<Value>,
}

/// The record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    entries: VecDeque<(u64, Entry)>,
    last: u64,
}

impl Calls {
    /// Takes the next number, so that a batch comes before what it carries.
    pub(crate) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(crate) fn record(&mut self, number: u64, mut entry: Entry) {
        entry.body = entry.body.as_ref().map(cover);
        let place = self.entries.iter().rposition(|(own, _)| *own < number).map_or(0, |place| place + 1);
        self.entries.insert(place, (number, entry));
        if self.entries.len() > KEPT_MAX {
            self.entries.pop_front();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// The calls after a number.
    pub(crate) fn since(&self, number: u64) -> Value {
        let start = self.entries.partition_point(|(own, _)| *own <= number);
        self.entries.range(start..).map(|(number, entry)| show(*number, entry)).collect()
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }
}

fn show(number: u64, entry: &Entry) -> Value {
    json!({
        "seq": number,
        "at": entry.at.to_string(),
        "method": entry.method,
        "path": entry.path,
        "query": entry.query,
        "app": entry.app,
        "status": entry.status,
        "subject": entry.subjects.first().map(ToString::to_string),
        "related": entry.subjects.iter().skip(1).map(ToString::to_string).collect::<Vec<_>>(),
        "batch": entry.batch,
        "lost": entry.lost,
        "body": entry.body,
    })
}
