//! The clients by which HR's records are read back, as the policy names them.

use std::path::Path;
use std::sync::Arc;

use domain::policy::Policy;
use domain::ports::{Clock, Entropy};
use hr::bamboohr::{Client, Config, Inputs, TokioSleep};
use hr::{Http, Readers};
use url::Url;

use super::secrets::{self, SecretFault};
use crate::tenant::Environment;

/// Why records cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReaderFault {
    /// The key is not there.
    #[error(transparent)]
    Key(#[from] SecretFault),
    /// The address cannot be used.
    #[error("`base_url` of connection `{connection}` cannot be used")]
    Address {
        /// The connection's name.
        connection: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No connections can be opened at all.
    #[error("HTTP cannot be used")]
    Http(#[source] reqwest::Error),
}

/// A reader for each connection whose `api` the policy names. Sends nothing yet.
pub(super) fn readers(
    policy: &Policy,
    environment: &Environment,
    beside: &Path,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Readers, ReaderFault> {
    let with_api = policy.connections.values().filter_map(|connection| Some((connection, connection.api.as_ref()?)));
    let clients = with_api.map(|(connection, api)| {
        let name = &connection.name;
        let address = |source: Box<dyn std::error::Error + Send + Sync>| ReaderFault::Address {
            connection: name.clone(),
            source,
        };
        let base_url = Url::parse(&api.base_url).map_err(|error| address(error.into()))?;
        let http = Arc::new(Http::new(&base_url).map_err(ReaderFault::Http)?);
        let key = secrets::api_key(name, &api.key, environment, beside)?;
        let config = Config { connection: name.clone(), company: api.company.clone(), base_url, key };
        let inputs = Inputs { clock: Arc::clone(clock), entropy: Arc::clone(entropy), sleep: Arc::new(TokioSleep) };
        Client::new(config, http, inputs).map_err(|error| address(error.into()))
    });
    clients.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::{FollowedClock, SystemEntropy};

    fn check(api: &str, key: &str) -> Result<bool, String> {
        let text = format!(
            "version = 1\n[tenant]\ndomain = \"contoso.example\"\ntime_zone = \"Europe/Amsterdam\"\n\
             anchor = \"extension_0123456789abcdef0123456789abcdef_joineryPerson\"\n\
             [connections.bamboo]\nsource = \"bamboohr\"\nsecrets = [\"env:HR\"]\nend_date = \"inclusive\"\n{api}\n"
        );
        let policy = Policy::parse(&text).unwrap();
        let environment = Environment::of([("KEY", key)]);
        let clock: Arc<dyn Clock> = Arc::new(FollowedClock::default());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let readers = readers(&policy, &environment, Path::new(""), &clock, &entropy);
        readers.map(|readers| readers.of("bamboo").is_some()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_connection_with_an_api_has_a_reader_and_one_without_has_none() {
        assert_eq!(check("api = { company = \"acme\", key = \"env:KEY\" }", "hunter2"), Ok(true));
        assert_eq!(check("", ""), Ok(false));
    }

    #[test]
    fn a_missing_key_is_named() {
        let missing = check("api = { company = \"acme\", key = \"env:KEY\" }", "").unwrap_err();
        assert_eq!(missing, "the secret `env:KEY` of connection `bamboo` is not there");
    }
}
