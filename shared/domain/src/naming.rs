//! Addresses and first passwords: text in, text out.
//!
//! What an address may hold is Microsoft's rule for user principal names ("Self-service password reset policies", user name
//! policies): letters, digits and `' . - _ ! # ^ ~`, no accents, no dot before the `@`, at most 64 characters before it and 48 after. We
//! keep to `a-z 0-9 . - _`, which mail systems, URLs and OData keys all take as they are.
//!
//! Whether an address is free is not known here: [`candidates`] says which to try, in which order.

mod candidates;
mod password;
mod pattern;
mod transliteration;

pub use candidates::{DOMAIN_MAX, LOCAL_MAX, NUMBER_MAX, Names, candidates, mail_nickname};
pub use password::password;
pub use pattern::{NamePattern, PatternError};
pub use transliteration::transliterate;
