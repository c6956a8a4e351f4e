//! What is particular to each HR source: how it signs, what it sends, how that is read. One module per source, one table.

mod bamboohr;
mod standard_webhooks;

use domain::policy::Source;

use crate::decode::{Decoded, Delivery, Refusal};
use crate::signature::{Scheme, SecretFault};
use hr::Secret;

/// A source that this version reads. There is one of each, so a reference is all that is ever handed around.
#[derive(Debug)]
pub struct Adapter {
    pub(crate) source: Source,
    pub(crate) scheme: Scheme,
    /// Whether the source may send forms as well as JSON.
    pub(crate) sends_forms: bool,
    pub(crate) read: fn(&Delivery<'_>) -> Result<Decoded, Refusal>,
}

/// Why a source cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    /// Nothing by that name is known.
    #[error("no such HR source is known; `bamboohr` and `standard-webhooks` are read by this version")]
    Unknown,
    /// Known, but there is no adapter for it.
    #[error("`{0}` is not read by this version; `bamboohr` and `standard-webhooks` are")]
    NotRead(Source),
}

impl Adapter {
    /// The adapter of a source.
    pub fn of(source: Source) -> Result<&'static Self, SourceFault> {
        let adapters = [&bamboohr::ADAPTER, &standard_webhooks::ADAPTER];
        adapters.into_iter().find(|adapter| adapter.source == source).ok_or(SourceFault::NotRead(source))
    }

    /// The adapter of the source that is called so, in any case of letters.
    pub fn named(word: &str) -> Result<&'static Self, SourceFault> {
        Self::of(word.trim().to_ascii_lowercase().parse().map_err(|_| SourceFault::Unknown)?)
    }

    /// The source's word in the policy.
    pub fn name(&self) -> &'static str {
        self.source.word()
    }

    /// How the source signs.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Whether a secret can be a key of this source at all. How long it must be is for the policy to say.
    pub fn check_secret(&self, secret: &Secret) -> Result<(), SecretFault> {
        self.scheme.check_secret(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_or_known_or_neither_and_says_so() {
        assert_eq!(Adapter::named("standard").map(Adapter::name), Ok("standard-webhooks"));
        assert_eq!(Adapter::named("hibob").map(Adapter::name), Err(SourceFault::NotRead(Source::HiBob)));
        assert_eq!(Adapter::named("excel").map(Adapter::name), Err(SourceFault::Unknown));
        assert!(SourceFault::NotRead(Source::HiBob).to_string().starts_with("`hibob` is not read by this version"));
    }

    #[test]
    fn the_policy_promises_exactly_what_is_read() {
        for word in ["bamboohr", "standard-webhooks", "hibob", "personio", "finch", "csv", "workday"] {
            let source: Source = word.parse().unwrap();
            assert_eq!(Adapter::of(source).is_ok(), source.is_read_by_this_version(), "{word}");
        }
    }
}
