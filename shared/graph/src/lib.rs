//! The part of Microsoft Graph that Joinery uses.
//!
//! ```text
//! Client ── typed methods: `get_user`, `add_member`, `assign_license`, …
//!    │          each builds a `Request`, which is a value and opens no socket
//!    ▼
//! one loop: Pace (may it go now?) ─► Transport (send) ─► retry::Policy (again, or not?)
//!    │
//!    ▼
//! Error ── a documented refusal │ throttled │ an undocumented answer │ no answer at all │ no token
//! ```
//!
//! What is absent: AWS, our own domain (the functions translate between these wire models and it), the emulator's
//! types, the clock, randomness (both are [`Inputs`]), and waits longer than the in-call budget: whoever must wait
//! longer is told how long, and lets the queue's visibility time-out do the waiting.
//!
//! Nothing here prints personal data or secrets: errors and `Debug` show the shape of the call (`GET /users/{id}`),
//! Graph's error code, ids and the `request-id`, never the text of an answer.

pub mod batch;
pub mod client;
pub mod error;
pub mod filter;
pub mod ids;
pub mod limits;
pub mod model;
pub mod pace;
pub mod page;
pub mod request;
pub mod retry;
pub mod secret;
pub mod token;
pub mod transport;

pub use client::{Client, Config, Inputs};
pub use error::{Answer, Error, Refusal};
pub use ids::{GroupId, SkuId, UserId};
pub use model::{Group, SubscribedSku, Unreadable, User};
pub use pace::{Lane, Pace};
pub use page::{Page, Pages};
pub use request::{License, NewUser, Request, UserKey};
pub use secret::Secret;
pub use token::{ClientSecretTokens, Credentials, Tokens};
pub use transport::{Http, Transport};
