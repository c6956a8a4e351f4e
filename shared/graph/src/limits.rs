//! Every limit of this crate, in one table.

use std::time::Duration;

/// How long a connection may take to open.
pub const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long one attempt may take, from the first byte sent to the last byte read.
pub const ATTEMPT_MAX: Duration = Duration::from_secs(30);

/// How long one call may take: token, attempts and waits together. A call begun this long ago is no longer on its way
/// from us, which is what a cut waits for before it verifies.
pub const CALL_MAX: Duration = Duration::from_secs(40);

/// How long getting a token may take, its own retries included.
pub const TOKEN_MAX: Duration = Duration::from_secs(15);

/// How often the token library may repeat its request. Its default of 8 outlives any function's time-out.
pub const TOKEN_RETRIES_MAX: u32 = 2;

/// Attempts of one call, the first included.
pub const ATTEMPTS_MAX: u32 = 3;

/// How long one call may wait between its attempts, in sum.
pub const WAIT_MAX: Duration = Duration::from_secs(2);

/// The first back-off when Graph names none; it doubles with each attempt.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(250);

/// The longest `Retry-After` believed. Graph's own windows end after five minutes ("Microsoft Graph service-specific
/// throttling limits"); anything longer is more likely an error than a wish.
pub const RETRY_AFTER_MAX: Duration = Duration::from_mins(10);

/// What a caller is told to wait when Graph throttles without naming a time.
pub const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(10);

/// Requests in one `$batch` ("Combine multiple HTTP requests using JSON batching").
pub const BATCH_MAX: usize = 20;

/// Members in one PATCH of `members@odata.bind` ("Add members").
pub const MEMBERS_MAX: usize = 20;

/// Groups in one `checkMemberGroups` ("directoryObject: checkMemberGroups").
pub const CHECK_GROUPS_MAX: usize = 20;

/// Objects in one page of a directory list ("List users", `$top`).
pub const PAGE_MAX: u16 = 999;

/// Objects in one page of users with their sign-in activity ("List users").
pub const SIGN_IN_PAGE_MAX: u16 = 500;

/// Pages followed in one listing: a million objects, then something is wrong.
pub const PAGES_MAX: u32 = 1_000;

/// Bytes read of one answer. A full page of users with every property is about 4 MB.
pub const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Authentication methods removed of one user. Entra lets a user hold far fewer.
pub const METHODS_MAX: usize = 50;

/// Write requests per application and tenant, and the window they are counted in ("Microsoft Graph service-specific
/// throttling limits", Identity and access).
pub const WRITES_PER_WINDOW: u32 = 3_000;

/// See [`WRITES_PER_WINDOW`].
pub const WRITE_WINDOW: Duration = Duration::from_secs(150);

/// Our share of [`WRITES_PER_WINDOW`] for ordinary work, in percent; the rest is kept for cuts.
pub const WRITE_SHARE_PERCENT: u32 = 80;

/// Objects in a list that is read whole. A user is in far fewer groups, a tenant owns far fewer products.
pub const LIST_MAX: usize = 10_000;
