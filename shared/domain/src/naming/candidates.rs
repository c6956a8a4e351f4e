//! Which addresses to try for a person, in which order.

use std::collections::HashSet;
use std::fmt;

use super::pattern::{NamePattern, Part, Which};
use super::transliteration::{tidy, transliterate};

/// Characters before the `@` of a user principal name.
pub const LOCAL_MAX: usize = 64;

/// Characters after it.
pub const DOMAIN_MAX: usize = 48;

/// The last number that `{n}` takes; the first is 2. Past it a person has to choose.
pub const NUMBER_MAX: u8 = 99;

/// What an address is made of, as HR writes it. `Debug` does not show it.
#[derive(Clone, Copy, Default)]
pub struct Names<'a> {
    /// Given name, or the name the person prefers to it.
    pub given: Option<&'a str>,
    /// Middle names.
    pub middle: Option<&'a str>,
    /// Family name.
    pub family: Option<&'a str>,
    /// What to use when no name leaves a single letter; made from the person's id.
    pub fallback: &'a str,
}

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

/// Distinct user principal names to try, best first: each pattern in order, those with `{n}` once for every number from 2 to
/// [`NUMBER_MAX`].
///
/// A pattern that uses a name the person lacks is skipped. When that leaves none — somebody with one name only — the names
/// there are, joined by dots, stand in, then the fallback; both alone and numbered. A local part that grows too long has its longest names
/// cut, never its number. None at all when the domain is empty or longer than [`DOMAIN_MAX`].
pub fn candidates<'a>(
    patterns: &'a [NamePattern],
    names: Names<'_>,
    domain: &str,
) -> impl Iterator<Item = String> + use<'a> {
    let names = Spelled::of(names);
    let domain = domain.to_ascii_lowercase();
    let is_domain_usable = (1..=DOMAIN_MAX).contains(&domain.len()) && domain.is_ascii();
    let substitutes =
        if patterns.iter().any(|pattern| names.satisfies(pattern)) { Vec::new() } else { names.substitutes() };
    let mut given_out = HashSet::new();

    let of_patterns =
        patterns.iter().filter_map(move |pattern| names.fill(pattern)).chain(substitutes).flat_map(Filled::locals);
    of_patterns
        .take_while(move |_| is_domain_usable)
        .map(move |local| format!("{local}@{domain}"))
        .filter(move |candidate| given_out.insert(candidate.clone()))
}

/// The mail nickname that goes with a user principal name: its local part, without what Exchange refuses in an alias
/// ("Prepare for directory synchronization to Microsoft 365"). `user` when nothing of it is left.
pub fn mail_nickname(upn: &str) -> String {
    let local = upn.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let nickname: String = tidy(&local).chars().take(LOCAL_MAX).collect();
    or_user(tidy(&nickname))
}

fn or_user(text: String) -> String {
    if text.is_empty() { "user".to_owned() } else { text }
}

/// The names as addresses spell them; none is empty.
struct Spelled {
    given: Option<String>,
    middle: Option<String>,
    family: Option<String>,
    fallback: String,
}

impl Spelled {
    fn of(names: Names<'_>) -> Self {
        let spell = |name: Option<&str>| name.map(transliterate).filter(|name| !name.is_empty());
        Self {
            given: spell(names.given),
            middle: spell(names.middle),
            family: spell(names.family),
            fallback: or_user(transliterate(names.fallback)),
        }
    }

    fn get(&self, which: Which) -> Option<&str> {
        match which {
            Which::Given => self.given.as_deref(),
            Which::Middle => self.middle.as_deref(),
            Which::Family => self.family.as_deref(),
        }
    }

    fn satisfies(&self, pattern: &NamePattern) -> bool {
        pattern.parts.iter().all(|part| match part {
            Part::Name { which, .. } => self.get(*which).is_some(),
            Part::Text(_) | Part::Number => true,
        })
    }

    fn fill(&self, pattern: &NamePattern) -> Option<Filled> {
        let piece = |part: &Part| {
            Some(match part {
                Part::Text(text) => Piece::Text(text.clone()),
                Part::Number => Piece::Number,
                Part::Name { which, initial } => {
                    let name = self.get(*which)?;
                    Piece::Name(if *initial { name.chars().take(1).collect() } else { name.to_owned() })
                }
            })
        };
        pattern.parts.iter().map(piece).collect::<Option<_>>().map(Filled)
    }

    /// For somebody whom no pattern fits.
    fn substitutes(&self) -> Vec<Filled> {
        let known: Vec<&str> =
            [&self.given, &self.middle, &self.family].into_iter().flatten().map(String::as_str).collect();
        let stem = if known.is_empty() { self.fallback.clone() } else { known.join(".") };
        vec![Filled(vec![Piece::Name(stem.clone())]), Filled(vec![Piece::Name(stem), Piece::Number])]
    }
}

/// A pattern with a person's names in it.
struct Filled(Vec<Piece>);

#[derive(Clone)]
enum Piece {
    Text(String),
    /// The only kind that is cut to fit.
    Name(String),
    Number,
}

impl Filled {
    fn locals(self) -> impl Iterator<Item = String> {
        let last = if self.0.iter().any(|piece| matches!(piece, Piece::Number)) { NUMBER_MAX } else { 2 };
        (2..=last).map(move |number| self.local(number))
    }

    fn local(&self, number: u8) -> String {
        let number = number.to_string();
        let mut pieces = self.0.clone();
        for piece in &mut pieces {
            if let Piece::Name(name) = piece {
                name.truncate(LOCAL_MAX);
            }
        }
        let length = |pieces: &[Piece]| -> usize {
            let each = pieces.iter().map(|piece| match piece {
                Piece::Text(text) | Piece::Name(text) => text.len(),
                Piece::Number => number.len(),
            });
            each.sum()
        };
        // Each turn takes one letter, of at most 64 for each of a dozen names.
        let mut excess = length(&pieces).saturating_sub(LOCAL_MAX);
        while excess > 0 {
            let names =
                pieces.iter_mut().filter_map(|piece| if let Piece::Name(name) = piece { Some(name) } else { None });
            if let Some(longest) = names.max_by_key(|name| name.len()) {
                longest.pop();
            }
            excess -= 1;
        }
        let joined: String = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) | Piece::Name(text) => text.as_str(),
                Piece::Number => number.as_str(),
            })
            .collect();
        tidy(&joined)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn patterns(texts: &[&str]) -> Vec<NamePattern> {
        texts.iter().map(|text| text.parse().expect(text)).collect()
    }

    fn first(count: usize, texts: &[&str], names: Names<'_>) -> Vec<String> {
        candidates(&patterns(texts), names, "contoso.example").take(count).collect()
    }

    const USUAL: [&str; 3] = ["{given}.{family}", "{given}.{middle}.{family}", "{given}.{family}{n}"];

    fn named<'a>(given: &'a str, family: &'a str) -> Names<'a> {
        Names { given: Some(given), family: Some(family), fallback: "p-1", ..Names::default() }
    }

    #[test]
    fn m02_patterns_are_tried_in_order_and_numbers_count_from_two() {
        let names = Names { middle: Some("Thị"), ..named("Ánh", "Nguyễn") };
        assert_eq!(
            first(4, &USUAL, names),
            [
                "anh.nguyen@contoso.example",
                "anh.thi.nguyen@contoso.example",
                "anh.nguyen2@contoso.example",
                "anh.nguyen3@contoso.example"
            ]
        );
        assert_eq!(candidates(&patterns(&USUAL), names, "contoso.example").count(), 100);
    }

    #[test]
    fn m02_two_people_of_one_name_have_addresses_enough() {
        let taken = first(1, &USUAL, named("小明", "王"));
        let names = named("晓明", "王");
        let next = candidates(&patterns(&USUAL), names, "contoso.example").find(|candidate| !taken.contains(candidate));
        assert_eq!(
            (taken[0].as_str(), next.as_deref()),
            ("xiaoming.wang@contoso.example", Some("xiaoming.wang2@contoso.example"))
        );
    }

    #[test]
    fn a_pattern_whose_name_is_missing_is_skipped() {
        assert_eq!(
            first(2, &USUAL, named("Zoë", "Müller-Łukasz")),
            ["zoe.muller-lukasz@contoso.example", "zoe.muller-lukasz2@contoso.example"]
        );
    }

    #[test]
    fn somebody_with_one_name_or_none_gets_an_address_all_the_same() {
        let mononym = Names { given: Some("Suharto"), fallback: "p-1", ..Names::default() };
        assert_eq!(first(2, &USUAL, mononym), ["suharto@contoso.example", "suharto2@contoso.example"]);
        let unreadable = Names { given: Some("😀"), family: Some("’"), fallback: "P-1", ..Names::default() };
        assert_eq!(first(2, &USUAL, unreadable), ["p-1@contoso.example", "p-12@contoso.example"]);
    }

    #[test]
    fn initials_and_fixed_text_are_filled_in() {
        let names = Names { middle: Some("Émile"), ..named("Jean-Luc", "d’Or") };
        assert_eq!(
            first(2, &["ext-{g}{m}{f}", "{family}.{g}"], names),
            ["ext-jed@contoso.example", "dor.j@contoso.example"]
        );
    }

    #[test]
    fn a_long_name_is_cut_and_its_number_kept() {
        let long = "Wolfeschlegelsteinhausenbergerdorff".repeat(3);
        let all: Vec<_> = candidates(&patterns(&USUAL), named(&long, &long), "contoso.example").collect();
        assert_eq!(all.len(), 99);
        for (index, candidate) in all.iter().enumerate() {
            let local = candidate.strip_suffix("@contoso.example").expect("the domain");
            assert_eq!(local.len(), LOCAL_MAX, "{candidate}");
            assert!(index == 0 || local.ends_with(&(index + 1).to_string()), "{candidate}");
        }
    }

    #[test]
    fn no_candidate_is_made_for_a_domain_that_is_too_long() {
        let domain = |length: usize| format!("{}.example", "x".repeat(length - 8));
        let count = |domain: &str| candidates(&patterns(&USUAL), named("A", "B"), domain).count();
        assert_eq!((count(&domain(DOMAIN_MAX)), count(&domain(DOMAIN_MAX + 1)), count("")), (99, 0, 0));
    }

    #[test]
    fn a_nickname_is_the_local_part_without_what_exchange_refuses() {
        for (upn, nickname) in [
            ("zoe.muller-lukasz@contoso.example", "zoe.muller-lukasz"),
            ("O'Brien#x@contoso.example", "obrienx"),
            (".a..b.@x", "a.b"),
            ("!#@x", "user"),
            ("", "user"),
        ] {
            assert_eq!(mail_nickname(upn), nickname, "{upn}");
        }
        assert_eq!(mail_nickname(&"x".repeat(300)).len(), LOCAL_MAX);
    }

    /// As Microsoft has it, and not as we narrow it.
    fn is_valid_upn(upn: &str) -> bool {
        let Some((local, domain)) = upn.split_once('@') else {
            return false;
        };
        (1..=64).contains(&local.len())
            && (1..=48).contains(&domain.len())
            && upn.len() <= 113
            && !domain.contains('@')
            && local.chars().all(|c| c.is_ascii_alphanumeric() || "'.-_!#^~".contains(c))
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
    }

    fn pattern() -> impl Strategy<Value = String> {
        let part =
            prop::sample::select(vec!["{given}", "{middle}", "{family}", "{g}", "{m}", "{f}", ".", "-", "x", ".."]);
        (prop::collection::vec(part, 1..10), any::<bool>()).prop_filter_map("no name in it", |(parts, numbered)| {
            let text = parts.concat() + if numbered { "{n}" } else { "" };
            text.parse::<NamePattern>().is_ok().then_some(text)
        })
    }

    fn name() -> impl Strategy<Value = Option<String>> {
        prop::option::of(prop_oneof!["\\PC{0,12}", "[a-zé .'-]{0,120}", "\\p{Han}{1,40}"])
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn m02_every_candidate_is_a_valid_and_different_address(
            texts in prop::collection::vec(pattern(), 0..4),
            (given, middle, family, fallback) in (name(), name(), name(), "\\PC{0,80}"),
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let names = Names {
                given: given.as_deref(), middle: middle.as_deref(), family: family.as_deref(), fallback: &fallback,
            };
            let all: Vec<_> = candidates(&patterns(&texts), names, "Contoso.example").collect();
            prop_assert!(!all.is_empty());
            prop_assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
            for candidate in &all {
                prop_assert!(is_valid_upn(candidate), "{}", candidate);
                prop_assert_eq!(mail_nickname(candidate), candidate.split('@').next().unwrap());
            }
        }

        #[test]
        fn m02_transliteration_leaves_only_what_an_address_holds_and_is_stable(text in "\\PC{0,40}") {
            let ascii = transliterate(&text);
            prop_assert!(ascii.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c)));
            prop_assert!(!ascii.contains("..") && !ascii.starts_with('.') && !ascii.ends_with('.'));
            prop_assert_eq!(transliterate(&ascii), ascii.clone());
            prop_assert!(mail_nickname(&text).len() <= LOCAL_MAX);
        }
    }
}
