//! What can go wrong when a record is read back. Nothing here holds a body, a name or a key.

use std::time::Duration;

use crate::transport::Lost;

/// Why a record could not be read. Its text tells its own part only; the cause is the source.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The source has no record of this id that the key may see. Also said of a record so young that it cannot be read yet.
    #[error("HR has no such record")]
    NotFound,
    /// The key is wrong, was withdrawn, or may not see employees.
    #[error("HR refuses the API key ({status})")]
    Unauthorized {
        /// The answer's status.
        status: u16,
    },
    /// The source asks to wait: too many calls, or it is not available for a while.
    #[error("HR asks to wait {} s", retry_after.as_secs())]
    Limited {
        /// For how long.
        retry_after: Duration,
    },
    /// An answer that the documentation does not know.
    #[error("HR's answer ({status}) {problem}")]
    Undocumented {
        /// The answer's status.
        status: u16,
        /// What is wrong with it, without quoting it.
        problem: &'static str,
    },
    /// No answer came back.
    #[error("HR did not answer")]
    NoAnswer(#[source] Lost),
}
