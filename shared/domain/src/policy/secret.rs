//! References to secrets. The policy names them; it never holds one.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a secret is found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretRef {
    /// `env:NAME`: the environment variable of this name.
    Env(String),
    /// `file:PATH`: the content of this file, without the line break at its end.
    File(PathBuf),
}

/// A text that is no reference. It is left out: it may be the secret itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a reference to a secret, expected env:NAME or file:PATH")]
pub struct BadSecretRef;

impl FromStr for SecretRef {
    type Err = BadSecretRef;

    fn from_str(text: &str) -> Result<Self, BadSecretRef> {
        match text.split_once(':') {
            Some(("env", name)) if is_variable(name) => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if is_path(path) => Ok(Self::File(path.into())),
            _ => Err(BadSecretRef),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// What POSIX calls a name: a letter or underscore, then letters, digits and underscores.
fn is_variable(name: &str) -> bool {
    let word = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    word && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

fn is_path(path: &str) -> bool {
    !path.trim().is_empty() && !path.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_reads_back_from_what_it_prints() {
        for text in ["env:BAMBOO_SECRET", "env:_x1", "file:/run/secrets/bamboo", "file:a:b"] {
            assert_eq!(text.parse::<SecretRef>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_may_be_a_secret_is_no_reference() {
        for text in ["", "env:", "file: ", "env:A B", "env:1A", "ENV:A", "whsec_c2VjcmV0", "https://hooks.example/x"] {
            assert_eq!(text.parse::<SecretRef>(), Err(BadSecretRef), "{text}");
        }
    }
}
