//! "Did you mean …?"

/// Words longer than this get no suggestion: comparing is quadratic.
const WORD_MAX: usize = 64;

/// The candidate that the word was probably meant to be: the same but for case and separators, or at most a third of
/// its letters away. The first of several equally near ones.
pub(super) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > WORD_MAX {
        return None;
    }
    let plain = plain(word);
    let allowed = (plain.chars().count() / 3).max(1);
    let near = candidates.into_iter().filter_map(|candidate| {
        let distance = strsim::osa_distance(&plain, &self::plain(candidate));
        (distance <= allowed).then_some((distance, candidate))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// The help for a word that is not one of the candidates: the nearest, or all of them.
pub(super) fn suggestion(word: &str, candidates: &[&str]) -> String {
    match nearest(word, candidates.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of {}", listed(candidates)),
    }
}

/// The words in backticks, with commas between.
pub(super) fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn plain(word: &str) -> String {
    word.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_mended_and_another_word_is_not() {
        let words = ["domain", "time_zone", "anchor", "settle_ms"];
        for (word, meant) in [
            ("timezone", Some("time_zone")),
            ("timeZone", Some("time_zone")),
            ("domian", Some("domain")),
            ("settle-ms", Some("settle_ms")),
            ("color", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, words), meant, "{word}");
        }
        assert_eq!(nearest(&"domain".repeat(50), words), None);
    }
}
