//! What the directory takes: one table of rules per property, applied to every text before it is used.
//!
//! The limits are those of the cloud ("user resource type"; lengths in characters). Where the older preparation rules for synchronized
//! directories ("Errors supported by the `IdFix` tool", "Prepare for directory synchronization") are stricter, the list that fits the target
//! counts: what we write, we write to the cloud. An address that a guest is invited by has a list of its own, stricter still
//! ("Create invitation").
//!
//! As `IdFix` does, a corrected value is proposed where correcting is mechanical (characters, length, blanks); for a wrong
//! form and for duplicates a human must choose.

use super::forms;
use super::letters;
use crate::country;

/// One rule about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Not empty, and not only blanks.
    Filled,
    /// No control characters, line breaks among them.
    NoControls,
    /// No characters that cannot be seen, and none that stands for a lost one.
    Visible,
    /// Unicode's composed normal form (NFC): `é` is one character, so that equal names are equal texts.
    Composed,
    /// No blank at either end.
    Trimmed,
    /// No period at either end.
    NoEdgePeriods,
    /// At most so many characters.
    AtMost(usize),
    /// At most so many characters, of something that means nothing when it is cut short.
    AtMostWhole(usize),
    /// An address of RFC 5322 with a domain that mail can be sent to.
    Address,
    /// An address that Graph takes for an invitation.
    InvitedAddress,
    /// A telephone number.
    Phone,
    /// A language tag of BCP 47.
    Language,
    /// An assigned code of ISO 3166-1, two letters.
    Country,
}

use Rule::{
    Address, AtMost, AtMostWhole, Composed, Country, Filled, InvitedAddress, Language, NoControls, NoEdgePeriods,
    Phone, Trimmed, Visible,
};

/// A name or other text for people to read.
macro_rules! text {
    ($longest:literal) => {
        &[Filled, NoControls, Visible, Composed, Trimmed, AtMost($longest)]
    };
}

/// Every property that is written, and what it must be. Sorted, to be searched. `mail` and `invitedUserEmailAddress` are not written to the user, but
/// they find one or make one.
const STANDARDS: &[(&str, &[Rule])] = &[
    ("businessPhones", &[Filled, NoControls, Visible, Trimmed, AtMost(64), Phone]),
    ("city", text!(128)),
    ("companyName", text!(64)),
    ("country", text!(128)),
    ("department", text!(64)),
    ("displayName", text!(256)),
    ("division", text!(256)),
    ("employeeId", &[Filled, NoControls, Visible, Composed, Trimmed, AtMostWhole(16)]),
    ("employeeType", text!(64)),
    ("givenName", text!(64)),
    (
        "invitedUserEmailAddress",
        &[Filled, NoControls, Visible, Trimmed, NoEdgePeriods, AtMostWhole(250), InvitedAddress],
    ),
    ("jobTitle", text!(128)),
    ("mail", &[Filled, NoControls, Visible, Trimmed, NoEdgePeriods, AtMostWhole(255), Address]),
    ("mobilePhone", &[Filled, NoControls, Visible, Trimmed, AtMost(64), Phone]),
    ("officeLocation", text!(128)),
    ("postalCode", text!(40)),
    ("preferredLanguage", &[Filled, NoControls, Visible, Trimmed, AtMostWhole(64), Language]),
    ("state", text!(128)),
    ("streetAddress", text!(1024)),
    ("surname", text!(64)),
    ("usageLocation", &[Filled, NoControls, Trimmed, Country]),
];

/// Something a text breaks. Tells of the value only what is wrong with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Breach {
    /// What is wrong, as in `has 65 characters, the directory holds 64`.
    pub problem: String,
    /// What to do.
    pub fix: String,
    /// The whole value as it would do, where correcting is mechanical. Personal data.
    pub proposed: Option<String>,
}

/// Everything that a text breaks as a value of a property, by Graph's name. Nothing is known of a property that is not in the
/// table, and nothing may be written to it.
pub fn check(property: &str, text: &str) -> Vec<Breach> {
    let Some(rules) = rules(property) else {
        let (problem, fix) = ("has no standard here".into(), "report this".into());
        return vec![Breach { problem, fix, proposed: None }];
    };
    let broken: Vec<_> = rules.iter().filter_map(|rule| rule.breach(text)).collect();
    if broken.is_empty() {
        return Vec::new();
    }
    let mended = rules.iter().fold(text.to_owned(), |text, rule| rule.mend(text));
    let proposed = rules.iter().all(|rule| rule.breach(&mended).is_none()).then_some(mended);
    broken
        .into_iter()
        .map(|(problem, fix)| Breach { problem, fix: fix.to_owned(), proposed: proposed.clone() })
        .collect()
}

fn rules(property: &str) -> Option<&'static [Rule]> {
    let at = STANDARDS.binary_search_by(|(name, _)| (*name).cmp(property)).ok()?;
    STANDARDS.get(at).map(|(_, rules)| *rules)
}

impl Rule {
    /// What is wrong and what to do, if the text breaks the rule.
    fn breach(self, text: &str) -> Option<(String, &'static str)> {
        let breach = |problem: &str, fix| Some((problem.to_owned(), fix));
        let blank = text.trim().is_empty();
        match self {
            Filled if blank => breach("is blank", "give it in HR, or leave it out there"),
            // Of nothing nothing more is said.
            _ if blank => None,
            NoControls if text.chars().any(char::is_control) => {
                breach("holds control characters", "remove line breaks, tabs and the like in HR")
            }
            Visible if text.contains(letters::REPLACEMENT) => {
                breach("holds a character that was lost on the way", "write it again in HR, and check its encoding")
            }
            Visible if letters::has_invisible(text) => {
                breach("holds characters that cannot be seen", "write it again in HR, by hand and not pasted")
            }
            Composed if !letters::is_composed(text) => {
                breach("is not in Unicode's normal form NFC", "write it again in HR, by hand and not pasted")
            }
            Trimmed if text.trim() != text => {
                breach("begins or ends with a blank", "remove the blanks around it in HR")
            }
            NoEdgePeriods if text.trim_matches('.') != text => {
                breach("begins or ends with a period", "remove the period in HR")
            }
            AtMost(longest) | AtMostWhole(longest) if text.chars().count() > longest => {
                let problem = format!("has {} characters, the directory holds {longest}", text.chars().count());
                Some((problem, "shorten it in HR"))
            }
            Address if !forms::is_address(text) => {
                breach("is not an address that mail can be sent to", "write it like name@contoso.example in HR")
            }
            InvitedAddress if !forms::is_invited_address(text) => breach(
                "is not an address that a guest can be invited by",
                "write it like name@contoso.example in HR, with letters, digits, periods, hyphens and underscores only",
            ),
            Phone if !forms::is_phone(text) => breach(
                "is not a telephone number",
                "write it in HR with digits, and a plus sign in front of the country's number",
            ),
            Language if !forms::is_language(text) => {
                breach("is not a language tag", "write it in HR as BCP 47 has it, such as en-US or nl")
            }
            Country if !country::is_country(text) => {
                breach("is not a country code", "write the two letters of ISO 3166-1 in HR, such as NL")
            }
            _ => None,
        }
    }

    /// The text as this rule would have it, where that is mechanical; else as it is.
    fn mend(self, text: String) -> String {
        match self {
            NoControls => letters::without_controls(&text),
            Visible => letters::without_invisible(&text),
            Composed => letters::composed(&text),
            Trimmed => text.trim().to_owned(),
            NoEdgePeriods => text.trim_matches('.').to_owned(),
            AtMost(longest) => letters::shortened(&text, longest),
            Filled | AtMostWhole(_) | Address | InvitedAddress | Phone | Language | Country => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(STANDARDS.is_sorted_by(|left, right| left.0 < right.0));
    }

    /// Each line: property, whether it passes, the value proposed, the value; `|` between them, escapes as in Rust, `*N` repeats.
    #[test]
    fn m4_every_standard_takes_and_refuses_what_its_corpus_says() {
        let corpus = include_str!("standards.tsv");
        let lines: Vec<_> = corpus.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        assert!(lines.len() > 60, "the corpus is gone");
        for line in lines {
            let [property, expected, value] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("`{line}`") };
            let breaches = check(property, &written(value));
            let found = match breaches.first() {
                None => "fine".to_owned(),
                Some(Breach { proposed: Some(proposed), .. }) => format!("-> {}", proposed.escape_debug()),
                Some(Breach { proposed: None, .. }) => "no".to_owned(),
            };
            assert_eq!(found, expected_of(expected), "{line}");
        }
    }

    fn expected_of(expected: &str) -> String {
        expected
            .strip_prefix("-> ")
            .map_or_else(|| expected.to_owned(), |value| format!("-> {}", written(value).escape_debug()))
    }

    /// `\u{…}`, `\n` and `\t` as in Rust; `x*65` is 65 of them.
    fn written(value: &str) -> String {
        if let Some((letter, count)) = value.split_once('*') {
            return letter.repeat(count.parse().unwrap());
        }
        let mut text = value.replace("\\n", "\n").replace("\\t", "\t").replace("\\s", " ");
        while let Some((before, rest)) = text.split_once("\\u{") {
            let (hex, after) = rest.split_once('}').unwrap();
            let letter = char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap();
            text = format!("{before}{letter}{after}");
        }
        text
    }

    #[test]
    fn m4_a_breach_says_what_is_wrong_and_never_the_value() {
        for (property, _) in STANDARDS {
            for value in ["Geheim\u{200b}", "Geheim\n", " Geheim.", "Geheim\u{fffd}", &"Geheim".repeat(300)] {
                for breach in check(property, value) {
                    assert!(!breach.problem.contains("Geheim") && !breach.fix.contains("Geheim"), "{property}");
                }
            }
        }
    }

    #[test]
    fn m4_nothing_is_known_of_a_property_without_a_standard() {
        assert_eq!(check("aboutMe", "fine").len(), 1);
    }

    proptest! {
        #[test]
        fn m4_what_is_proposed_passes(property in prop::sample::select(STANDARDS.to_vec()), text in any_text()) {
            for breach in check(property.0, &text) {
                if let Some(proposed) = breach.proposed {
                    prop_assert!(check(property.0, &proposed).is_empty());
                }
            }
        }
    }

    fn any_text() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec![
            "\u{200b}", "e\u{301}", " ", ".", "\n", "@", "a", "7", "\u{200d}", "\u{feff}", "-", "\u{fb1d}",
        ]);
        prop_oneof![any::<String>(), prop::collection::vec(odd, 0..80).prop_map(|parts| parts.concat())]
    }
}
