//! Following a hint: HR said that something about a person changed, and not what.
//!
//! What is to be fetched, and when, is kept in the person's head and so survives a crash at any point: a hint is stored with
//! its fetches before the first of them, and a fetch is struck off in the transaction that merges what it brought. When HR
//! cannot be read the fetch is put off in the head too; the message is done, and counts toward no dead letter.

use domain::event::{EventKind, FactValue, Field, WorkerEvent};
use domain::fetch_back::Postponed;
use domain::ids::EventId;
use domain::lifecycle::Standing;
use domain::person::{Person, TimelineKind};
use domain::ports::{Failure, Page, StoreError};
use hr::Error;
use jiff::{SignedDuration, Timestamp};

use crate::{App, Look, look, wake_stages};

/// How long the fetches of one record may fail before somebody is told.
const OUTAGE_QUIET: SignedDuration = SignedDuration::from_mins(30);

/// Whether an event says nothing but whose record to look at. That a record was deleted is a finding and no hint: there is
/// nothing to fetch, and nobody is offboarded by it.
pub(crate) fn is_hint(event: &WorkerEvent) -> bool {
    event.facts.is_empty() && event.kind != EventKind::RecordDeleted
}

/// Fetches the person's record if that is due, merges it, and hands the person on if it said anything new, or if they stand
/// elsewhere than `before` because time went by. Whoever redelivers the message after a crash in between hands them on again.
pub(crate) async fn follow(app: &App, person: &Person, before: &Standing, correlation_id: &str) -> Result<(), Failure> {
    let id = &person.head.person;
    let begun = app.clock.now();
    if !person.head.fetch_back.is_due(begun) {
        return Ok(());
    }
    // Whoever woke us: it all goes back to the hint.
    let hint = person.head.fetch_back.hint().cloned();
    let correlation_id = hint.as_ref().map_or(correlation_id, EventId::as_str);
    let fetched = match app.readers.of(id.connection()) {
        Some(reader) => Some(reader.employee(id.source_id()).await),
        None => None,
    };
    if let Some(Err(error)) = &fetched {
        tracing::warn!(person = %id, error = chain(error), correlation_id, "the record could not be read back");
    }
    let (person, (is_new, standing)) = look(app, id, correlation_id, |look| {
        let is_new = match &fetched {
            Some(Ok(record)) => look.take(begun, record),
            Some(Err(error)) => look.take_none(begun, error),
            None => look.give_up(),
        };
        (is_new, look.stand())
    })
    .await?;
    if let Some(Err(error)) = &fetched {
        page(app, &person, error).await?;
    }
    if is_new || standing != *before {
        wake_stages(app, &person, &standing, correlation_id).await?;
    }
    Ok(())
}

/// Pages when a connection's records cannot be read: whoever leaves meanwhile, and of whom only the record tells, keeps access. At once
/// if HR refuses the key, for that mends itself never; else when it lasts. Once a day for each connection.
async fn page(app: &App, person: &Person, error: &Error) -> Result<(), StoreError> {
    let is_refused = matches!(error, Error::Unauthorized { .. });
    let since = person.head.fetch_back.failing_since();
    let lasts = since.is_some_and(|since| app.clock.now().duration_since(since) >= OUTAGE_QUIET);
    if !is_refused && !lasts {
        return Ok(());
    }
    let (connection, at) = (person.head.person.connection(), app.clock.now());
    let remedy = if is_refused {
        "give Joinery a key that is valid and may see employees"
    } else {
        "see that HR's API can be reached from here"
    };
    let text = format!(
        "records of connection `{connection}` cannot be read ({}), so changes that HR only hints at, leavers among them, go \
         unseen: {remedy}",
        chain(error)
    );
    let key = format!("{connection}|hr-unreadable|{}", at.strftime("%Y-%m-%d"));
    app.pager.page(Page { key, person: None, text, at }).await
}

impl Look<'_> {
    /// Remembers to fetch the record, or says why it is not fetched.
    pub(crate) fn hear_hint(&mut self, event: &WorkerEvent) {
        if self.readers.of(self.person.head.person.connection()).is_some() {
            let changed = event.source.occurred_at.unwrap_or(event.source.received_at);
            self.person.head.fetch_back.hear(&event.event_id, changed, self.now);
        } else if event.vendor_changed_fields.is_empty() || !event.changed_fields.is_empty() {
            // Fields that mean nothing to us are not missed.
            self.say_it_cannot_be_followed();
        }
    }

    fn say_it_cannot_be_followed(&mut self) {
        let connection = self.person.head.person.connection();
        let text = format!(
            "HR said that something changed and not what, and this cannot be followed: the policy gives connection \
             `{connection}` no `api` to read records from; add one, or have HR send the fields"
        );
        self.line(TimelineKind::Task, text);
    }

    /// The policy has taken the `api` away.
    fn give_up(&mut self) -> bool {
        self.person.head.fetch_back.forget();
        self.say_it_cannot_be_followed();
        false
    }

    /// Merges a fetched record. Answers whether it said anything new. A record is told whole every time: the story names the
    /// fields that are not as they were.
    fn take(&mut self, begun: Timestamp, record: &WorkerEvent) -> bool {
        let changed = record.facts.iter().filter(|(field, value)| !self.knows(**field, value));
        let changed: Vec<&str> = changed.map(|(field, _)| field.path()).collect();
        let is_new = self.merge(record);
        self.person.head.fetch_back.fetched(begun, record.version.source_updated_at);
        let said = if changed.is_empty() { "nothing new in it".to_owned() } else { changed.join(", ") };
        self.line(TimelineKind::Heard, format!("HR's record was read back: {said}"));
        is_new
    }

    /// Whether the record says so already. To be silent of a field and to call it empty is the same here.
    fn knows(&self, field: Field, value: &FactValue) -> bool {
        let record = &self.person.head.record;
        let zone = self.policy.time_zone(self.person.head.person.connection());
        let today = self.now.to_zoned(zone.clone()).date();
        let of_terms = record.terms().values().filter_map(|term| term.registers.get(field.path()));
        let mut known =
            of_terms.map(|register| &register.value).chain(record.fact(field.path(), today, zone)).peekable();
        if known.peek().is_none() { *value == FactValue::Null } else { known.any(|known| known == value) }
    }

    /// Notes why there is no record: never that somebody left.
    fn take_none(&mut self, begun: Timestamp, error: &Error) -> bool {
        let fetches = &mut self.person.head.fetch_back;
        let asked = match error {
            Error::NotFound => {
                fetches.answered(begun);
                let text =
                    "HR has no record that can be read; nothing follows from that, and nobody is offboarded by it";
                self.line(TimelineKind::Heard, text.to_owned());
                return false;
            }
            Error::Limited { retry_after } => Some(*retry_after),
            Error::Unauthorized { .. } | Error::Undocumented { .. } | Error::NoAnswer(_) => None,
        };
        match fetches.postpone(begun, self.now, asked) {
            Postponed::Until { at, first: true } => {
                self.line(TimelineKind::Waits, format!("{}; the record is read at {at}", chain(error)));
            }
            Postponed::Until { first: false, .. } => {}
            Postponed::GivenUp => {
                let text = format!("{}, for a day; the record is read after HR's next word", chain(error));
                self.line(TimelineKind::Failed, text);
            }
        }
        false
    }
}

/// An error and its causes in one line; each tells only its own part.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
