//! Countries by the names people write, to the code the directory wants.

/// One country a line: ISO 3166-1 alpha-2, alpha-3, then its English names, separated by tabs. Names as in ISO 3166-1 and
/// the Unicode CLDR, with the older and shorter ones still in use.
const COUNTRIES: &str = include_str!("countries.tsv");

/// The alpha-2 code of a country given as alpha-2, alpha-3 or an English name; None for anything else. Case, accents,
/// punctuation, a leading `the` and `St.` for `Saint` make no difference.
pub fn alpha2(text: &str) -> Option<&'static str> {
    let wanted = plain(text);
    COUNTRIES.lines().find_map(|line| {
        let mut names = line.split('\t');
        let code = names.next()?;
        (plain(code) == wanted || names.any(|name| plain(name) == wanted)).then_some(code)
    })
}

fn plain(name: &str) -> String {
    let name = deunicode::deunicode(name).to_lowercase().replace('&', " and ");
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '\'' && letter != '.');
    let words = words.filter(|word| !word.is_empty() && *word != "the");
    let words = words.map(|word| if matches!(word, "st" | "st.") { "saint" } else { word });
    words.flat_map(str::chars).filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_codes_and_spellings_lead_to_the_one_code() {
        for (text, code) in [
            ("United States", "US"),
            ("united states of america", "US"),
            ("USA", "US"),
            ("U.S.A.", "US"),
            ("us", "US"),
            ("United Kingdom", "GB"),
            ("UK", "GB"),
            ("Netherlands", "NL"),
            ("The Netherlands", "NL"),
            ("Côte d'Ivoire", "CI"),
            ("Cote d’Ivoire", "CI"),
            ("Saint Lucia", "LC"),
            ("St Lucia", "LC"),
            ("Turkey", "TR"),
            ("Bosnia & Herzegovina", "BA"),
            ("South Korea", "KR"),
            ("Viet Nam", "VN"),
            ("Vietnam", "VN"),
            ("Germany", "DE"),
            ("Czech Republic", "CZ"),
            ("Czechia", "CZ"),
            ("Russian Federation", "RU"),
            ("Taiwan", "TW"),
            ("Canada", "CA"),
        ] {
            assert_eq!(alpha2(text), Some(code), "{text}");
        }
    }

    #[test]
    fn what_is_no_country_is_not_guessed_at() {
        for text in ["", "Europe", "ZZ", "Unitedstan", "U", "---", "王国"] {
            assert_eq!(alpha2(text), None, "{text}");
        }
    }

    #[test]
    fn no_name_stands_for_two_countries() {
        let mut seen = std::collections::BTreeMap::new();
        for line in COUNTRIES.lines() {
            let code = line.split('\t').next().unwrap();
            for name in line.split('\t') {
                let earlier = seen.insert(plain(name), code);
                assert!(earlier.is_none_or(|earlier| earlier == code), "{name}: {earlier:?} and {code}");
            }
        }
        assert_eq!(COUNTRIES.lines().count(), 249);
    }
}
