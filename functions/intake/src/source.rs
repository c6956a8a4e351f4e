//! The HR sources by name, and what is particular to each: how it signs, what it sends, how that is read.

mod bamboohr;
mod standard_webhooks;

use crate::decode::{Decoded, Delivery, Refusal};
use crate::secret::Secret;
use crate::signature::{Scheme, SecretFault};

/// A source that this version reads, by the name the policy gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    name: &'static str,
    adapter: Adapter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Adapter {
    BambooHr,
    StandardWebhooks,
}

/// Every source we know of. A source without an adapter is a name that is understood and refused.
const SOURCES: &[(&str, Option<Adapter>)] = &[
    ("bamboohr", Some(Adapter::BambooHr)),
    ("standard-webhooks", Some(Adapter::StandardWebhooks)),
    ("standard_webhooks", Some(Adapter::StandardWebhooks)),
    ("standardwebhooks", Some(Adapter::StandardWebhooks)),
    ("standard", Some(Adapter::StandardWebhooks)),
    ("adp", None),
    ("cloudevents", None),
    ("csv", None),
    ("deel", None),
    ("factorial", None),
    ("finch", None),
    ("greenhouse", None),
    ("gusto", None),
    ("hibob", None),
    ("humi", None),
    ("merge", None),
    ("paylocity", None),
    ("personio", None),
    ("rippling", None),
    ("scim", None),
    ("successfactors", None),
    ("ukg", None),
    ("workday", None),
];

/// Why a name is no source that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    /// Nothing by that name is known.
    #[error("no such HR source is known; `bamboohr` and `standard-webhooks` are read by this version")]
    Unknown,
    /// Known, but there is no adapter for it.
    #[error("`{0}` is not read by this version; `bamboohr` and `standard-webhooks` are")]
    NotRead(&'static str),
}

impl Source {
    /// The source of this name, compared without case.
    pub fn named(name: &str) -> Result<Self, SourceFault> {
        let known = SOURCES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
        match known {
            Some((name, Some(adapter))) => Ok(Self { name, adapter: *adapter }),
            Some((name, None)) => Err(SourceFault::NotRead(name)),
            None => Err(SourceFault::Unknown),
        }
    }

    /// The name, as in the policy.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// How the source signs.
    pub fn scheme(self) -> &'static Scheme {
        match self.adapter {
            Adapter::BambooHr => &bamboohr::SCHEME,
            Adapter::StandardWebhooks => &standard_webhooks::SCHEME,
        }
    }

    /// Whether a secret can be a key of this source, for whoever checks the policy.
    pub fn check_secret(self, secret: &Secret) -> Result<(), SecretFault> {
        self.scheme().check_secret(secret)
    }

    /// Whether the source may send forms as well as JSON.
    pub(crate) fn sends_forms(self) -> bool {
        self.adapter == Adapter::BambooHr
    }

    pub(crate) fn read(self, delivery: &Delivery<'_>) -> Result<Decoded, Refusal> {
        match self.adapter {
            Adapter::BambooHr => bamboohr::read(delivery),
            Adapter::StandardWebhooks => standard_webhooks::read(delivery),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_or_known_or_neither_and_says_so() {
        assert_eq!(Source::named("BambooHR").map(Source::name), Ok("bamboohr"));
        assert_eq!(Source::named("standard-webhooks").map(Source::name), Ok("standard-webhooks"));
        assert_eq!(Source::named("hibob"), Err(SourceFault::NotRead("hibob")));
        assert_eq!(Source::named("excel"), Err(SourceFault::Unknown));
    }
}
