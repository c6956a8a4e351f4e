//! HR webhooks: verify, reduce, store, answer.
//!
//! [`handle`] is the front door: it proves who speaks, reads what they say into canonical events, stores each on a queue and
//! only then answers 202 (architecture, invariant 6). [`hr_decode_report`] is the same judgment without the storing.
//!
//! No HTTP server, no AWS, no roster and no policy: a connection's source and secrets come in as values.

mod decode;
mod door;
mod form;
mod problem;
mod report;
pub mod signature;
mod source;
mod urgent;

pub use decode::{Decoded, Delivery, Unreadable, decode};
pub use door::{App, BODY_BYTES_MAX, Connection, handle};
pub use hr::Secret;
pub use report::{DecodeReport, DecodeRequest, hr_decode_report};
pub use source::{Adapter, SourceFault};
pub use urgent::urgent;
