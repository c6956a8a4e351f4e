//! HR systems by their words in the policy, and what is known of each.

use std::fmt;
use std::str::FromStr;

/// A kind of HR system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the products' own and say all there is")]
pub enum Source {
    BambooHr,
    StandardWebhooks,
    HiBob,
    Personio,
    Gusto,
    Finch,
    Merge,
    Adp,
    Paylocity,
    Rippling,
    Deel,
    Factorial,
    Greenhouse,
    SuccessFactors,
    Workday,
    Scim,
    Csv,
}

/// What an end date means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndDate {
    /// The last day of employment.
    Inclusive,
    /// The first day after it.
    Exclusive,
}

/// A word that names no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a known source")]
pub struct UnknownSource;

impl Source {
    /// Every source with its word.
    pub(super) const WORDS: [(Self, &'static str); 17] = [
        (Self::BambooHr, "bamboohr"),
        (Self::StandardWebhooks, "standard-webhooks"),
        (Self::HiBob, "hibob"),
        (Self::Personio, "personio"),
        (Self::Gusto, "gusto"),
        (Self::Finch, "finch"),
        (Self::Merge, "merge"),
        (Self::Adp, "adp"),
        (Self::Paylocity, "paylocity"),
        (Self::Rippling, "rippling"),
        (Self::Deel, "deel"),
        (Self::Factorial, "factorial"),
        (Self::Greenhouse, "greenhouse"),
        (Self::SuccessFactors, "successfactors"),
        (Self::Workday, "workday"),
        (Self::Scim, "scim"),
        (Self::Csv, "csv"),
    ];

    /// The policy's word for it.
    pub fn word(self) -> &'static str {
        let entry = Self::WORDS.iter().find(|(source, _)| *source == self);
        entry.map_or("", |(_, word)| word)
    }

    /// Whether this version of Joinery understands what the source sends.
    pub fn is_read_by_this_version(self) -> bool {
        matches!(self, Self::BambooHr | Self::StandardWebhooks)
    }

    /// Whether its messages are proven by a secret that the policy names. A CSV file is proven by who may put it there.
    pub fn needs_secret(self) -> bool {
        self != Self::Csv
    }

    /// Where this version reads its records back, unless the policy says otherwise. None: it only hears the source.
    pub fn api_url(self) -> Option<&'static str> {
        (self == Self::BambooHr).then_some("https://api.bamboohr.com")
    }

    /// What an end date of it means, unless the policy says otherwise.
    ///
    /// HiBob states the first day of the new state. Of the others it is documented or inferred that they state the
    /// last day; where nothing is known the last day is the milder error: access ends a day late on a date that was
    /// announced, and a termination for cause comes as "revoke now" and waits for no date.
    pub fn end_date(self) -> EndDate {
        if self == Self::HiBob { EndDate::Exclusive } else { EndDate::Inclusive }
    }

    /// Whether customers of the source are known to use its end date in either meaning.
    pub(super) fn end_date_differs_by_customer(self) -> bool {
        self == Self::BambooHr
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Source {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, UnknownSource> {
        let word = match text {
            "standard" | "standard_webhooks" => "standard-webhooks",
            other => other,
        };
        let entry = Self::WORDS.iter().find(|(_, known)| *known == word);
        entry.map(|(source, _)| *source).ok_or(UnknownSource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_reads_back_from_its_own_word() {
        for (source, word) in Source::WORDS {
            assert_eq!((source.to_string().as_str(), word.parse()), (word, Ok(source)));
        }
        for alias in ["standard", "standard_webhooks"] {
            assert_eq!(alias.parse(), Ok(Source::StandardWebhooks));
        }
        assert_eq!("BambooHR".parse::<Source>(), Err(UnknownSource));
    }
}
