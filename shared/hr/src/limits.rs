//! Every limit of this crate, in one table.

use std::time::Duration;

/// How long a connection may take to open.
pub const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long one attempt may take, from the first byte sent to the last byte read.
pub const ATTEMPT_MAX: Duration = Duration::from_secs(20);

/// How long one call may take, attempts and waits together.
pub const CALL_MAX: Duration = Duration::from_secs(40);

/// Attempts of one call, the first included.
pub const ATTEMPTS_MAX: u32 = 3;

/// How long one call may wait between its attempts, in sum. Whoever must wait longer is told so.
pub const WAIT_MAX: Duration = Duration::from_secs(2);

/// The first back-off where the source names none; it doubles with each attempt.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(500);

/// The longest `Retry-After` believed.
pub const RETRY_AFTER_MAX: Duration = Duration::from_mins(15);

/// What a caller is told to wait where the source limits without naming a time.
pub const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(30);

/// Bytes read of one answer. A record with every field that is asked for is about 2 KB.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;
