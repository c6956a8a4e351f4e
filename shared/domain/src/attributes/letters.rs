//! Characters: what cannot be seen, and Unicode's normal form.

use icu_normalizer::ComposingNormalizerBorrowed;

/// Stands where a character was lost in a conversion. Which one it was, nobody can tell.
pub(super) const REPLACEMENT: char = '\u{fffd}';

/// Characters without a shape of their own, by range: soft hyphen, joiners and fillers, marks of direction, variation selectors, tags.
/// From Unicode's `Default_Ignorable_Code_Point`, and what breaks lines.
const INVISIBLE: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Zero width non-joiner and joiner. Persian and the scripts of India spell with them.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// Whether there is something that cannot be seen, joiners within a script that spells with them left out.
pub(super) fn has_invisible(text: &str) -> bool {
    without_invisible(text) != text
}

/// The text without it.
pub(super) fn without_invisible(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let spells = |letter: Option<&char>| {
        letter.is_some_and(|letter| !letter.is_ascii() && !letter.is_whitespace() && !is_invisible(*letter))
    };
    let kept = letters.iter().enumerate().filter(|(at, letter)| {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let joins = JOINERS.contains(letter) && spells(before) && spells(letters.get(at + 1));
        joins || !is_invisible(**letter)
    });
    kept.map(|(_, letter)| *letter).collect()
}

fn is_invisible(letter: char) -> bool {
    INVISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&letter))
}

/// Control characters as single blanks.
pub(super) fn without_controls(text: &str) -> String {
    let parts = text.split(char::is_control).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// Whether the text is in normal form NFC.
pub(super) fn is_composed(text: &str) -> bool {
    text.is_ascii() || ComposingNormalizerBorrowed::new_nfc().is_normalized(text)
}

/// The text in normal form NFC.
pub(super) fn composed(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// At most so many characters of a text; no blank at the end.
pub(super) fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joiners_belong_to_scripts_that_spell_with_them() {
        for name in ["مهدی\u{200c}زاده", "क्\u{200d}ष", "Zoë", "山田\u{3000}太郎"] {
            assert!(!has_invisible(name), "{}", name.escape_debug());
        }
        for name in ["Zo\u{200c}e", "\u{200d}ë", "ë\u{200d} ë", "ë\u{200d}\u{200d}ë", "A\u{ad}da"] {
            assert!(has_invisible(name), "{}", name.escape_debug());
        }
    }

    #[test]
    fn names_that_look_alike_become_one_text() {
        assert!(!is_composed("Zoe\u{308}"));
        assert_eq!(composed("Zoe\u{308}"), "Zoë");
        assert_eq!(without_controls("\tAda\r\nByron\u{85}"), "Ada Byron");
    }
}
