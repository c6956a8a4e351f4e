//! Every limit of the store, in one table.

use std::time::Duration;

/// How often a message is received, without being given back uncounted, before it goes to the failures.
pub const RECEIVES_MAX: u32 = 8;

/// For how long an equal deduplication id is dropped ("Exactly-once processing in Amazon SQS").
pub const DEDUPLICATION_WINDOW: Duration = Duration::from_mins(5);

/// The longest a message may be hidden at once ("Amazon SQS visibility timeout"); longer is taken as this.
pub const VISIBILITY_MAX: Duration = Duration::from_hours(12);

/// The largest body, in bytes ("Amazon SQS message quotas": 1 MiB).
pub const BODY_BYTES_MAX: usize = 1_048_576;

/// The most messages one receive gives ("`ReceiveMessage`").
pub const RECEIVE_MAX: usize = 10;

/// How often one receive looks again after moving dead letters to the failures; the next receive goes on.
pub const DEAD_LETTER_ROUNDS_MAX: usize = 100;

/// The most people one handle answers with.
pub const FOUND_MAX: usize = 10;

/// The largest sealed secret, in bytes.
pub const SECRET_BYTES_MAX: usize = 65_536;

/// How long a call waits for another process's write before it fails as unavailable.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Prepared statements kept per store; above the number of distinct ones, so that none is prepared twice.
pub const STATEMENTS_MAX: usize = 128;

/// SQLite's page cache per store, in KiB; grows only as pages are read.
pub const CACHE_KIB: u32 = 1024;
