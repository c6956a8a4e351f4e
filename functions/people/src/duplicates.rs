//! Whom else HR says the same number or address of: kept in the head, for every stage to judge by.
//!
//! When that changes, the others are looked at again, too: a corrected event about one of two clears both. They are woken before the change
//! is stored, so that whoever redelivers the message after a crash in between wakes them once more; it ends because only a change wakes.

use std::collections::BTreeSet;

use domain::amend::amend;
use domain::attributes::duplicates::{self, Other, Shared};
use domain::ids::PersonId;
use domain::message::{Message, QueueName};
use domain::person::{Person, TimelineEntry, TimelineKind};
use domain::ports::StoreError;

use crate::{App, send};

/// Looks the others up and keeps them in the person's head.
pub(crate) async fn note(app: &App, person: &Person, correlation_id: &str) -> Result<(), StoreError> {
    let shared = look_up(app, person).await?;
    if shared == person.head.shared {
        return Ok(());
    }
    let (before, after) = (ids(&person.head.shared), ids(&shared));
    for other in before.symmetric_difference(&after) {
        let message = Message::wake(other, "what HR says of somebody else has changed", correlation_id);
        send(app, QueueName::People, other, &message).await?;
    }
    amend(app.roster.as_ref(), &person.head.person, |person, aside| {
        person.head.shared.clone_from(&shared);
        for (path, others) in shared.iter().filter(|_| before != after) {
            let others: Vec<String> = others.iter().map(|other| other.person.to_string()).collect();
            aside.timeline.push(TimelineEntry {
                at: app.clock.now(),
                kind: TimelineKind::Decided,
                function: "people".into(),
                text: format!("HR says the same {path} of {}", others.join(", ")),
                correlation_id: correlation_id.to_owned(),
            });
        }
    })
    .await?;
    Ok(())
}

/// Nobody is looked up for somebody whose access has ended: what they had is free.
async fn look_up(app: &App, person: &Person) -> Result<Shared, StoreError> {
    let mut shared = Shared::new();
    let handles = if person.head.cut { Vec::new() } else { duplicates::handles(&person.head) };
    for (path, handle) in handles {
        let mut found = Vec::new();
        for id in app.roster.find(&handle).await? {
            if id != person.head.person {
                found.extend(app.roster.person(&id).await?);
            }
        }
        let others: BTreeSet<Other> = duplicates::others(&person.head, &found);
        if !others.is_empty() {
            shared.insert(path.to_owned(), others);
        }
    }
    Ok(shared)
}

fn ids(shared: &Shared) -> BTreeSet<PersonId> {
    shared.values().flatten().map(|other| other.person.clone()).collect()
}
