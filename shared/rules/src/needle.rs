//! A string to be found in others.

use std::hash::{Hash, Hasher};

use memchr::memmem::Finder;

use crate::facts::fold;

/// A folded string, prepared for being searched for: values are short, so preparing each search anew would cost more
/// than it.
#[derive(Clone, Debug)]
pub(crate) struct Needle(Box<Finder<'static>>);

impl Needle {
    pub(crate) fn new(text: &str) -> Self {
        Self(Box::new(Finder::new(fold(text).as_bytes()).into_owned()))
    }

    /// Whether the folded text contains it. Both are UTF-8, so bytes that match are letters that match.
    pub(crate) fn is_in(&self, folded: &str) -> bool {
        self.0.find(folded.as_bytes()).is_some()
    }
}

impl PartialEq for Needle {
    fn eq(&self, other: &Self) -> bool {
        self.0.needle() == other.0.needle()
    }
}

impl Eq for Needle {}

impl Hash for Needle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.needle().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_needle_is_found_wherever_it_is_and_only_whole() {
        for (needle, text, found) in [
            ("", "", true),
            ("", "a", true),
            ("LE", "sales", true),
            ("lez", "sales", false),
            ("ë", "zoë", true),
            ("a", "", false),
        ] {
            assert_eq!(Needle::new(needle).is_in(text), found, "{needle} in {text}");
        }
        assert_eq!(Needle::new("A"), Needle::new("a"));
        assert_ne!(Needle::new("a"), Needle::new("b"));
    }
}
