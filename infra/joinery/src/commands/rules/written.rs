//! A rule as it reaches the program: from the command line, from a file, from stdin.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use rules::{Diagnostics, Dialect, Rule, Settings};

use crate::print::plain;

/// The longest file that is read as a rule, in bytes. A rule has at most 3,072 characters; what is longer than this is no
/// rule that somebody could shorten.
const RULE_BYTES_MAX: u64 = 1 << 20;

/// A rule, said by `--rule` or `--rule-file`.
#[derive(Debug, Args)]
pub(super) struct Said {
    /// The rule; may begin with a hyphen
    #[arg(long, value_name = "RULE", allow_hyphen_values = true, value_parser = rule_argument, required_unless_present = "rule_file")]
    rule: Option<String>,
    /// The file that holds the rule, over as many lines as it likes; `-` reads stdin
    #[arg(long, value_name = "FILE", conflicts_with = "rule")]
    rule_file: Option<PathBuf>,
    #[command(flatten)]
    language: Language,
}

/// `--extended`.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Language {
    /// Take more than Entra does: any property Graph gives a user, any date, `memberOf` among other conditions
    #[arg(long)]
    extended: bool,
}

impl Language {
    pub(super) fn dialect(self) -> Dialect {
        if self.extended { Dialect::Extended } else { Dialect::Entra }
    }

    /// For a rule about users.
    pub(super) fn settings(self) -> Settings {
        Settings { dialect: self.dialect(), ..Settings::ENTRA }
    }
}

impl Said {
    /// The rule. One that is invalid is told on stderr and is None.
    pub(super) fn rule(&self) -> Result<Option<Rule>, String> {
        let text = text(self.rule.as_deref(), self.rule_file.as_deref())?;
        let settings = self.language.settings();
        match Rule::with(&text, &settings) {
            Ok(rule) => Ok(Some(rule)),
            Err(faults) => {
                eprint!("{}", render(&text, &faults, settings));
                Ok(None)
            }
        }
    }
}

/// A rule may begin with a hyphen, as `-not (…)` does, but nothing that is one word after two hyphens is one: that is an
/// option, mistyped.
pub(super) fn rule_argument(text: &str) -> Result<String, String> {
    let is_option = text.strip_prefix("--").is_some_and(|name| {
        let name = name.split_once('=').map_or(name, |(name, _)| name);
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
    });
    if is_option { Err("there is no such option, and it is not a rule".into()) } else { Ok(text.to_owned()) }
}

/// The rule's text. Of a file all of it is one rule: lines may end as on Windows, and neither a byte order mark nor what is
/// blank at the end counts.
pub(super) fn text(rule: Option<&str>, file: Option<&Path>) -> Result<String, String> {
    let Some(file) = file else { return Ok(rule.unwrap_or_default().to_owned()) };
    let broken = |problem: String| format!("{} cannot be read: {problem}", name(file));
    let mut bytes = Vec::new();
    open(file)
        .and_then(|opened| opened.take(RULE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| broken(error.to_string()))?;
    if bytes.len() as u64 > RULE_BYTES_MAX {
        return Err(broken(format!("it has more than {RULE_BYTES_MAX} bytes, and no rule has")));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let is_wide = error.as_bytes().starts_with(&[0xff, 0xfe]) || error.as_bytes().starts_with(&[0xfe, 0xff]);
        broken(if is_wide { "it is UTF-16: save it as UTF-8".into() } else { "it is not UTF-8".into() })
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).trim_end().to_owned())
}

/// A file, or stdin.
pub(super) fn open(file: &Path) -> io::Result<Box<dyn BufRead>> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(BufReader::with_capacity(1 << 16, File::open(file)?)))
}

/// What to call it in a message.
pub(super) fn name(file: &Path) -> String {
    if file == Path::new("-") { "stdin".into() } else { file.display().to_string() }
}

/// Every fault with its line, and whether the other dialect would have taken the rule.
pub(super) fn render(text: &str, faults: &Diagnostics, settings: Settings) -> String {
    let mut told: String = faults.render(text).lines().map(|line| plain(line) + "\n").collect();
    if is_valid_extended(text, settings) {
        told += "\nnote: Entra does not take this rule, the extended dialect does: --extended\n";
    }
    told
}

/// Whether a rule that Entra refuses would be taken with `--extended`.
pub(super) fn is_valid_extended(text: &str, settings: Settings) -> bool {
    let extended = Settings { dialect: Dialect::Extended, ..settings };
    settings.dialect == Dialect::Entra && Rule::with(text, &extended).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_option_is_not_taken_for_a_rule() {
        for rule in ["-not (user.city -eq null)", "", "--", "--not (user.city -eq null)", "--(", "user.city -eq null"] {
            assert_eq!(rule_argument(rule).as_deref(), Ok(rule));
        }
        for option in ["--extnded", "--output-json", "--outptu=json"] {
            assert!(rule_argument(option).is_err(), "{option}");
        }
    }

    #[test]
    fn a_file_is_one_rule_whatever_wrote_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |bytes: &[u8]| {
            std::fs::write(file.path(), bytes).unwrap();
            text(None, Some(file.path()))
        };
        let rule = "user.city -eq\r\n  \"Łódź\"";
        assert_eq!(read(format!("\u{feff}{rule}\r\n\r\n").as_bytes()).unwrap(), rule);
        assert_eq!(read(b"").unwrap(), "");
        assert!(read(b"\xff\xfeu\0").unwrap_err().ends_with("it is UTF-16: save it as UTF-8"));
        assert!(read(b"user.city -eq \"\xe9\"").unwrap_err().ends_with("it is not UTF-8"));
        assert!(read(&vec![b' '; (1 << 20) + 1]).unwrap_err().contains("no rule has"));
    }
}
