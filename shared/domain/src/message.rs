//! What travels on the queues. Versioned JSON; golden fixtures in the tests keep old messages readable.
//!
//! Only intake's message carries facts. Every later one says *who*, never *what*, so that duplicates, delays and
//! reordering are harmless and a replay is always safe.

use serde::{Deserialize, Serialize};

use crate::event::WorkerEvent;
use crate::ids::{PersonId, SkuId};

/// The queues. Every queue is FIFO, with the person's id as message group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueName {
    /// To `people`.
    People,
    /// To `people`, ahead of everything: revokes, terminations, any end date.
    PeopleUrgent,
    /// To `accounts`.
    Accounts,
    /// To `accounts`, for cuts that are due.
    AccountsUrgent,
    /// To `groups`.
    Groups,
    /// To `licenses`.
    Licenses,
}

impl QueueName {
    /// Every queue, urgent ones first.
    pub const ALL: [Self; 6] =
        [Self::PeopleUrgent, Self::AccountsUrgent, Self::People, Self::Accounts, Self::Groups, Self::Licenses];

    /// The name, as in `people-urgent`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::PeopleUrgent => "people-urgent",
            Self::Accounts => "accounts",
            Self::AccountsUrgent => "accounts-urgent",
            Self::Groups => "groups",
            Self::Licenses => "licenses",
        }
    }
}

impl std::fmt::Display for QueueName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for QueueName {
    type Err = UnknownQueue;
    fn from_str(text: &str) -> Result<Self, UnknownQueue> {
        Self::ALL.into_iter().find(|queue| queue.as_str() == text).ok_or(UnknownQueue)
    }
}

/// A name that is no queue's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a queue")]
pub struct UnknownQueue;

/// A message, with the id that follows one HR request from webhook to last step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Version of the format; this one is 1.
    pub v: u8,
    /// Follows the work through every stage and every log line.
    pub correlation_id: String,
    /// What it says.
    #[serde(flatten)]
    pub body: Body,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    /// HR spoke of a person (to `people` only).
    HrEvent {
        /// What it said, reduced.
        event: Box<WorkerEvent>,
    },
    /// Look at this person again.
    Wake {
        /// Whom.
        person: PersonId,
        /// Why, for the timeline: free of personal data.
        why: String,
    },
    /// Look whether there are seats for those who wait (to `licenses` only).
    Seats {
        /// The products they wait for.
        skus: Vec<SkuId>,
    },
}

impl Message {
    /// A wake-up.
    pub fn wake(person: &PersonId, why: &str, correlation_id: &str) -> Self {
        Self {
            v: 1,
            correlation_id: correlation_id.to_owned(),
            body: Body::Wake { person: person.clone(), why: why.to_owned() },
        }
    }

    /// A look at lines.
    pub fn seats(skus: Vec<SkuId>, correlation_id: &str) -> Self {
        Self { v: 1, correlation_id: correlation_id.to_owned(), body: Body::Seats { skus } }
    }

    /// HR's word.
    pub fn hr_event(event: WorkerEvent) -> Self {
        Self {
            v: 1,
            correlation_id: event.event_id.as_str().to_owned(),
            body: Body::HrEvent { event: Box::new(event) },
        }
    }

    /// The JSON that travels.
    pub fn to_json(&self) -> String {
        // Maps with text keys and plain values: serialization has no way to fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a message. An unknown version or type is an error: it is parked, not guessed at.
    pub fn from_json(text: &str) -> Result<Self, BadMessage> {
        // The version first: another one may have types that are not known here.
        #[derive(Deserialize)]
        struct Versioned {
            v: u8,
        }
        let Versioned { v } = serde_json::from_str(text).map_err(BadMessage::Json)?;
        if v == 1 { serde_json::from_str(text).map_err(BadMessage::Json) } else { Err(BadMessage::Version(v)) }
    }
}

/// A message that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum BadMessage {
    /// Not the JSON of a message.
    #[error("not a message")]
    Json(#[source] serde_json::Error),
    /// Written by a version that is not ours.
    #[error("message version {0} is not known, this one reads version 1")]
    Version(u8),
}
