//! `-match`: .NET's regular expressions, as far as they can be run in bounded time.
//!
//! Entra's dialect is not documented; a maintainer's remark says .NET's. The `regex` crate searches in time linear in
//! the value, so it has no look-around and no backreferences. A pattern is carried over ([`dialect`]) construct by
//! construct: what both know is kept, what only the spelling differs in is respelled, what cannot be carried over is
//! refused by its name. Two differences remain and are not seen in a pattern: .NET's `$` also matches before a final
//! line break, and its `\w` differs in a few marks and joiners.

mod dialect;

use std::hash::{Hash, Hasher};

use regex::{Regex, RegexBuilder};

/// A compiled pattern: case-insensitive, found anywhere in the value.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    source: Box<str>,
    regex: Regex,
}

/// Memory for one compiled pattern, in bytes: room for `^\w{1,64}@`, not for `\w{1000}`. The second pattern of a rule may
/// take half of it, the third a third, and so on: what a rule of nothing but patterns needs is still little, in memory
/// and in time.
const SIZE_MAX: usize = 1 << 23;

/// Groups inside one another.
const NEST_MAX: u32 = 50;

impl Pattern {
    /// Compiles it, or says everything that stands against it. So many other patterns of its rule came before it.
    pub(crate) fn new(source: &str, before: usize) -> Result<Self, Vec<String>> {
        let translated = dialect::from_dotnet(source)?;
        let size_max = SIZE_MAX / before.saturating_add(1);
        let compiled = RegexBuilder::new(&translated)
            .case_insensitive(true)
            .size_limit(size_max)
            .dfa_size_limit(size_max)
            .nest_limit(NEST_MAX)
            .build();
        match compiled {
            Ok(regex) => Ok(Self { source: source.into(), regex }),
            Err(regex::Error::CompiledTooBig(_)) => {
                Err(vec!["this pattern is too large to be run in bounded memory".into()])
            }
            Err(error) => Err(vec![format!("this is not a regular expression: {}", cause(&error.to_string()))]),
        }
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// The sentence of an error that draws the pattern above it.
fn cause(error: &str) -> &str {
    error.lines().last().unwrap_or(error).trim_start_matches("error: ")
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern, 0).unwrap_or_else(|faults| panic!("{pattern}: {faults:?}")).is_match(text)
    }

    #[test]
    fn patterns_search_without_case_and_anywhere() {
        for (pattern, text, expected) in [
            ("^Da.*", "David", true),
            ("^Da.*", "aDa", false),
            (".*vid", "David", true),
            (".*vid", "Da", false),
            ("AGO", "Lagos", true),
            (r"^\d{3}$", "123", true),
            (r"^(?<area>\d+)-", "47-11", true),
            (r"^(?'area'\d+)-", "47-11", true),
            (r"a\Z", "ba", true),
            (r"\<b\>", "a<b>", true),
            ("[[]x]", "[x]", true),
            ("[a&&b]", "&", true),
            ("[a--b]", "b", true),
            ("[]a]", "]", true),
            ("[^]a]", "]", false),
            ("a{x}", "a{x}", true),
            ("a{,2}", "a{,2}", true),
            (r"x\e", "x\u{1b}", true),
            (r"[\w-]+@", "a-b@", true),
            ("a|", "z", true),
            ("(?#only a remark)b", "b", true),
            ("(?i:A)b", "ab", true),
            ("x{2}?y", "xxy", true),
            (r"^[\w.]{1,64}@", "zoë.a@b", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn what_dotnet_has_and_we_have_not_is_named() {
        for (pattern, named) in [
            ("(?=a)", "look-ahead"),
            ("(?!a)", "look-ahead"),
            ("(?<=a)b", "look-behind"),
            ("(?<!a)b", "look-behind"),
            (r"(a)\1", "backreference"),
            (r"(?<x>a)\k<x>", "backreference"),
            ("(?>a+)", "atomic group"),
            ("(?(1)a|b)", "condition"),
            ("(?<a-b>x)", "balancing group"),
            ("[a-z-[aeiou]]", "subtraction"),
            (r"\Ga", r"`\G`"),
            (r"\cA", r"`\c`"),
            (r"\012", "octal"),
            ("(?P<x>a)", "Python"),
            ("(?n)a", "`n`"),
            ("a++", "one after another"),
            ("a{2}{3}", "one after another"),
            ("(a", "unclosed group"),
            ("a)", "unopened group"),
            ("*", "repetition"),
            ("[a", "unclosed character class"),
            (r"\w{1000}{1000}", "one after another"),
            (r"(\w{200}){200}", "too large"),
            (r"a\", "incomplete escape"),
        ] {
            let faults = Pattern::new(pattern, 0).expect_err(pattern);
            assert!(faults.iter().any(|fault| fault.contains(named)), "{pattern}: {faults:?}");
        }
        assert_eq!(Pattern::new(r"(?=a)(?<=b)\1", 0).unwrap_err().len(), 3);
    }

    #[test]
    fn the_later_patterns_of_a_rule_may_take_less() {
        assert!(Pattern::new(r"^\w{1,64}@", 0).is_ok());
        assert!(Pattern::new(r"^\w{1,64}@", 100).is_err());
        assert!(Pattern::new(r"^\d{5}$|^[a-z]+@contoso\.(com|no)$", 100).is_ok());
    }
}
