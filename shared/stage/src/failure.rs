//! What a failed call means for the message that caused it.

use std::time::Duration;

use domain::ports::{Failure, Outcome, StoreError};
use graph::Refusal;

/// Why a look or a step did not come to an end.
#[derive(Debug)]
pub enum Trouble {
    /// Graph was not heard, or refused.
    Graph(graph::Error),
    /// A store failed.
    Store(StoreError),
}

impl From<graph::Error> for Trouble {
    fn from(error: graph::Error) -> Self {
        Self::Graph(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The longest a message is put off; what takes longer stands in the roster with a time of its own.
const LATER_MAX: Duration = Duration::from_mins(15);
/// How long to put a message off when another change of the same object is under way (409).
const CONCURRENCY_PAUSE: Duration = Duration::from_secs(3);

impl Trouble {
    /// What becomes of the message. Throttling is no failure: it never counts toward a dead letter.
    pub fn into_result(self) -> Result<Outcome, Failure> {
        match self {
            Self::Store(error) => Err(error.into()),
            Self::Graph(error) => match &error {
                graph::Error::Throttled { retry_after, .. } => Ok(Outcome::Later((*retry_after).min(LATER_MAX))),
                graph::Error::Refused { refusal: Refusal::Concurrency, .. } => Ok(Outcome::Later(CONCURRENCY_PAUSE)),
                _ => Err(Failure::Retry(Box::new(error))),
            },
        }
    }
}
