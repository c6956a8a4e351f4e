//! A secret that never shows itself.

/// A secret shared with an HR source, as the source writes it (`whsec_…`, 32 hex characters, …): a signing key or an API key.
///
/// It has no `Display`, no serde form and no comparison, and its Debug is blank, so that it cannot reach a log line.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes the secret's text; blanks around it (a file's last line break) are no part of it.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The text, for the one who proves by it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
