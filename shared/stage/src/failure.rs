//! What a failed call means for the message that caused it.

use std::time::Duration;

use domain::ports::{Failure, Outcome, StoreError};

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
impl Trouble {
    /// What becomes of the message. That Graph asks to wait is no failure, be it by 429 or by 503: it never counts toward a dead
    /// letter, and nothing is repeated sooner.
    pub fn into_result(self) -> Result<Outcome, Failure> {
        match self {
            Self::Store(error) => Err(error.into()),
            Self::Graph(error) => match error.retry_after() {
                Some(pause) => Ok(Outcome::Later(pause.min(LATER_MAX))),
                None => Err(Failure::Retry(Box::new(error))),
            },
        }
    }
}
