//! BambooHR's "Get Employee" in memory, over HTTP: Basic authentication, XML unless JSON is asked for, missing records,
//! limits, and reads that lag behind changes. It is NOT BambooHR. It serves NO OTHER CALL: no directory, no tables, no
//! reports, no files, no time off, no writes but through the control interface. It SENDS NO WEBHOOKS. It has NO HISTORY: there are
//! no future-dated rows, so `onlyCurrent` changes nothing, and a change is as its writer says. It knows NO PERMISSIONS beyond the
//! key: no field is hidden from anybody. It checks NO VALUES. It KEEPS NOTHING on disk.
//!
//! It depends on nothing of ours and shares no type with the client: both speak the documented wire format.
//!
//! # How it works
//!
//! [`Company`] is synchronous: [`Company::answer`] takes a [`Call`] and gives an [`Answer`]. [`Emulator`] shares one between an
//! axum router, a socket and the test that looks inside. Time is an input: the clock stands where it was put, or ticks with the
//! [`Machine`] clock that the program hands in. A change becomes readable when the lag has passed by that clock.
//!
//! Seed: `{"now":…,"company":"acme","keys":["…"],"employees":{"12":{"firstName":…}},"limits":{…}}`, every key optional. Without
//! `keys` any key passes. Control, each GET and PUT: `/_control/clock` (`now`, `advance_ms`, `running`),
//! `/_control/employees` (fields by id are merged into the record, null deletes it), `/_control/limits` (`per_minute`, `lag_ms`,
//! `status`), `/_control/calls` (PUT empties the list).
//!
//! # Undocumented, and fixed here
//!
//! | What | Here |
//! |---|---|
//! | a company that is not this one | 404 |
//! | the window of the limit | the minute that begins with its first call |
//! | the answer to too many calls | 503, as until September 2026; `status` 429 is what came after |
//! | whether refused calls count | those without a right key do, limited ones do not |
//! | names of fields | any case; the answer repeats them as they were asked |
//! | an empty value | `0000-00-00` for a date, else null (in XML: empty) |

mod clock;
mod company;
mod control;
mod employees;
mod limits;
mod server;
mod wire;

pub use clock::Machine;
pub use company::{Company, Options, SeedError};
pub use server::{Emulator, Running};
pub use wire::{Answer, Body, Call};
