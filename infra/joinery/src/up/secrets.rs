//! The secrets that the policy names, read where they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::policy::{Policy, SecretRef, Source};
use intake::{Adapter, Secret};
use url::Url;

use crate::tenant::{Environment, is_loopback};

/// The longest file that is read for a secret, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// The sizes of a Standard Webhooks key, in bytes ("Standard Webhooks", Signature scheme).
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Why a secret cannot be used. Names the reference, never the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretFault {
    /// It is not there.
    #[error("the secret `{reference}` of {whose} is not there")]
    Missing {
        /// Whose it is.
        whose: String,
        /// Where it should be.
        reference: SecretRef,
        /// What the machine said of the file.
        #[source]
        source: Option<std::io::Error>,
    },
    /// It is there, but it can be no key.
    #[error("the secret `{reference}` of {whose} cannot be used: {problem}")]
    Unusable {
        /// Whose it is.
        whose: String,
        /// Where it is.
        reference: SecretRef,
        /// What is wrong with it.
        problem: String,
    },
}

/// Every connection that sends webhooks, with its secrets.
pub(super) fn connections(
    policy: &Policy,
    environment: &Environment,
    beside: &Path,
) -> Result<BTreeMap<String, intake::Connection>, SecretFault> {
    let mut connections = BTreeMap::new();
    for (name, connection) in &policy.connections {
        // The policy's check has refused sources that are not read.
        let Ok(adapter) = Adapter::of(connection.source) else { continue };
        let whose = format!("connection `{name}`");
        let mut secrets = Vec::new();
        for reference in &connection.secrets {
            let text = read(reference, environment, beside, &whose)?;
            let secret = Secret::new(&text);
            let problem = adapter.check_secret(&secret).err().map(|fault| fault.to_string());
            if let Some(problem) = problem.or_else(|| wrong_size(connection.source, &text)) {
                return Err(SecretFault::Unusable { whose, reference: reference.clone(), problem });
            }
            secrets.push(secret);
        }
        connections.insert(name.clone(), intake::Connection { adapter, secrets });
    }
    Ok(connections)
}

/// The key of a connection's API.
pub(super) fn api_key(
    connection: &str,
    reference: &SecretRef,
    environment: &Environment,
    beside: &Path,
) -> Result<Secret, SecretFault> {
    let whose = format!("connection `{connection}`");
    let text = read(reference, environment, beside, &whose)?;
    if text.trim().is_empty() {
        let problem = "it is empty".to_owned();
        return Err(SecretFault::Unusable { whose, reference: reference.clone(), problem });
    }
    Ok(Secret::new(&text))
}

/// Where pages are sent.
pub(super) fn alert_address(
    policy: &Policy,
    environment: &Environment,
    beside: &Path,
) -> Result<Option<Url>, SecretFault> {
    let Some(reference) = &policy.alerts else { return Ok(None) };
    let whose = "the alerts webhook".to_owned();
    let address = Url::parse(read(reference, environment, beside, &whose)?.trim());
    match address {
        Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => Ok(Some(url)),
        _ => {
            let problem = "it is no https address".to_owned();
            Err(SecretFault::Unusable { whose, reference: reference.clone(), problem })
        }
    }
}

/// A relative path is sought beside the policy, wherever the program was started.
fn read(reference: &SecretRef, environment: &Environment, beside: &Path, whose: &str) -> Result<String, SecretFault> {
    let missing = |source| SecretFault::Missing { whose: whose.to_owned(), reference: reference.clone(), source };
    match reference {
        SecretRef::Env(name) => environment.get(name).ok_or_else(|| missing(None)),
        SecretRef::File(path) => read_file(&beside.join(path)).map_err(|error| missing(Some(error))),
    }
}

fn read_file(path: &PathBuf) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A key shorter than the standard asks for can be guessed; a longer one is probably something else.
fn wrong_size(source: Source, text: &str) -> Option<String> {
    if source != Source::StandardWebhooks {
        return None;
    }
    let text = text.trim();
    let digits = text.strip_prefix("whsec_").unwrap_or(text).trim_end_matches('=').len();
    let bytes = digits * 3 / 4;
    (!KEY_BYTES.contains(&bytes))
        .then(|| format!("a key has {} to {} bytes, this one has {bytes}", KEY_BYTES.start(), KEY_BYTES.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"
version = 1
[tenant]
domain = "contoso.example"
time_zone = "Europe/Amsterdam"
anchor = "extension_0123456789abcdef0123456789abcdef_joineryPerson"
[connections.hr]
source = "standard-webhooks"
secrets = ["env:HR", "file:next"]
[alerts]
webhook = "env:ALERTS"
"#;
    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn check(key: &str, next: Option<&str>) -> Result<usize, String> {
        let directory = tempfile::tempdir().unwrap();
        if let Some(next) = next {
            std::fs::write(directory.path().join("next"), next).unwrap();
        }
        let policy = Policy::parse(POLICY).unwrap();
        let connections = connections(&policy, &Environment::of([("HR", key)]), directory.path());
        connections.map(|found| found["hr"].secrets.len()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn secrets_come_from_the_environment_and_from_files_beside_the_policy() {
        assert_eq!(check(KEY, Some(&format!("{KEY}\n"))), Ok(2));
    }

    #[test]
    fn a_missing_secret_is_named_with_its_connection_and_reference() {
        assert_eq!(check("", None).unwrap_err(), "the secret `env:HR` of connection `hr` is not there");
        assert_eq!(check(KEY, None).unwrap_err(), "the secret `file:next` of connection `hr` is not there");
    }

    #[test]
    fn a_key_of_the_wrong_size_is_refused_and_not_shown() {
        let short = check("whsec_c2hvcnQ=", Some(KEY)).unwrap_err();
        assert!(short.contains("24 to 64 bytes, this one has 5") && !short.contains("c2hvcnQ"), "{short}");
        assert!(check(&"A".repeat(90), Some(KEY)).unwrap_err().contains("this one has 67"));
        assert!(check("whsec_*", Some(KEY)).unwrap_err().contains("not base64"));
    }

    #[test]
    fn pages_go_to_https_only_and_the_address_is_not_shown() {
        let policy = Policy::parse(POLICY).unwrap();
        let address = |text| alert_address(&policy, &Environment::of([("ALERTS", text)]), Path::new(""));
        assert!(address("https://hooks.contoso.example/T0/hunter2").unwrap().is_some());
        assert!(address("http://127.0.0.1:1/x").unwrap().is_some());
        let refused = address("http://hooks.contoso.example/T0/hunter2").unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("hunter2"));
    }
}
