//! First passwords.

/// A password of 20 characters from 24 bytes that the caller has drawn from a cryptographic source.
///
/// It holds at least one lower-case letter, upper-case letter, digit and symbol, which is more than Entra asks (8 to 256 ASCII
/// characters of three of the four classes; "Self-service password reset policies"), and nothing that is mistaken for something else
/// when read from paper: no `l I 1 | !`, no `O o 0`, no quotes and no blanks.
///
/// The bytes are read as one number of 192 bits, from which each choice takes a remainder and leaves the quotient. All choices
/// together have about 2^172 outcomes, so no outcome is likelier than another by more than 2^-20 of its share. Four characters are drawn
/// from one class each and sixteen from all 63, then shuffled: about 110 bits are left to guess.
pub fn password(random: &[u8; 24]) -> String {
    let mut source = Source(*random);
    let mut characters: Vec<char> = CLASSES.iter().filter_map(|class| source.one_of(class)).collect();
    let all = CLASSES.concat();
    characters.extend((characters.len()..LENGTH).filter_map(|_| source.one_of(&all)));
    // Fisher and Yates, so that the place of a character does not tell its class.
    for last in (1..characters.len()).rev() {
        let other = source.below(last + 1);
        characters.swap(last, other);
    }
    characters.into_iter().collect()
}

const LENGTH: usize = 20;

const CLASSES: [&str; 4] = ["abcdefghjkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "#%+=?@*-"];

/// A number, its most significant byte first. It has no `Debug`.
struct Source([u8; 24]);

impl Source {
    /// A number below the limit: the remainder; the quotient stays. A limit of 0 gives 0.
    fn below(&mut self, limit: usize) -> usize {
        let limit = limit.max(1);
        self.0.iter_mut().fold(0, |rest, byte| {
            let dividend = rest * 256 + usize::from(*byte);
            *byte = u8::try_from(dividend / limit).unwrap_or(u8::MAX);
            dividend % limit
        })
    }

    /// One of these ASCII characters; none only if there are none.
    fn one_of(&mut self, characters: &str) -> Option<char> {
        let index = self.below(characters.len());
        characters.chars().nth(index)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;

    use super::*;

    fn check(password: &str) {
        assert_eq!(password.len(), 20, "{password}");
        for class in CLASSES {
            assert!(password.contains(|c| class.contains(c)), "{password} lacks one of {class}");
        }
        assert!(password.chars().all(|c| CLASSES.concat().contains(c)), "{password}");
        assert!(!password.contains(['l', 'I', '1', '|', '!', 'O', 'o', '0', 'i', ' ', '"', '\'', '`']), "{password}");
    }

    #[test]
    fn m06_the_classes_are_entras() {
        assert!(
            CLASSES[0].chars().all(|c| c.is_ascii_lowercase()) && CLASSES[1].chars().all(|c| c.is_ascii_uppercase())
        );
        assert!(CLASSES[2].chars().all(|c| c.is_ascii_digit()));
        assert!(CLASSES[3].chars().all(|c| r#"@#$%^&*-_!+=[]{}|\:',.?/`~"();<>"#.contains(c)));
    }

    #[test]
    fn m06_even_the_poorest_bytes_give_a_valid_password() {
        check(&password(&[0; 24]));
        check(&password(&[255; 24]));
    }

    #[test]
    fn division_agrees_with_arithmetic() {
        let mut bytes = [0; 24];
        bytes[16..].copy_from_slice(&1_234_567_890_123_u64.to_be_bytes());
        let mut source = Source(bytes);
        assert_eq!(source.below(63), 1_234_567_890_123 % 63);
        assert_eq!(source.below(7), usize::try_from(1_234_567_890_123_u64 / 63 % 7).unwrap());
        assert_eq!(source.below(1), 0);
    }

    #[test]
    fn m06_passwords_differ_and_no_place_tells_the_class_of_its_character() {
        const RUNS: u64 = 20_000;
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = || {
            // SplitMix64; a fixed seed, so that the test says the same each time.
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        };
        let mut digits: HashMap<usize, u64> = HashMap::new();
        let mut seen = HashSet::new();
        for _ in 0..RUNS {
            let mut bytes = [0; 24];
            for chunk in bytes.chunks_mut(8) {
                chunk.copy_from_slice(&next().to_be_bytes());
            }
            let password = password(&bytes);
            for (place, c) in password.chars().enumerate() {
                *digits.entry(place).or_default() += u64::from(c.is_ascii_digit());
            }
            assert!(seen.insert(password));
        }
        // One sure digit and 8 in 63 of the other sixteen, over twenty places: 15.2 %. Five standard deviations are 1.3 %.
        for (place, count) in digits {
            assert!((2_770..=3_300).contains(&count), "place {place} holds a digit {count} times of {RUNS}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn m06_every_password_meets_the_rules(random: [u8; 24]) {
            check(&password(&random));
        }
    }
}
