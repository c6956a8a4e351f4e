//! Ids, and the emulator's only source of chance: a counter mixed with a seed. The same calls draw the same ids.

pub(crate) use uuid::Uuid as Guid;

/// Reads an object id in the one form that Graph uses: 36 characters with hyphens.
pub(crate) fn guid(text: &str) -> Option<Guid> {
    if text.len() == 36 { Guid::try_parse(text).ok() } else { None }
}

/// Spreads a few numbers over 64 bits (the finalizer of splitmix64), so that neighbors look unrelated.
pub(crate) fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9E37_79B9_7F4A_7C15, |state, part| {
        let mut word = (state ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15);
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    })
}

/// A stable number for a text (FNV-1a).
pub(crate) fn hash_text(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A v4-shaped id made from two numbers.
pub(crate) fn shaped(high: u64, low: u64) -> Guid {
    uuid::Builder::from_random_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes()).into_uuid()
}

/// A deterministic stream of ids.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    seed: u64,
    drawn: u64,
}

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.drawn += 1;
        mix(&[self.seed, self.drawn])
    }

    pub(crate) fn guid(&mut self) -> Guid {
        shaped(self.number(), self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_an_object_id() {
        assert!(guid("11111111-1111-1111-1111-111111111111").is_some());
        assert!(guid("11111111111111111111111111111111").is_none());
        assert!(guid("{1111111-1111-1111-1111-11111111111}").is_none());
    }

    #[test]
    fn the_same_seed_draws_the_same_ids() {
        let (mut one, mut two, mut other) = (Draw::new(7), Draw::new(7), Draw::new(8));
        let first = one.guid();
        assert_eq!(first, two.guid());
        assert_ne!(first, other.guid());
        assert_ne!(first, one.guid());
    }
}
