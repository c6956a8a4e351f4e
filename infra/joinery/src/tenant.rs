//! Graph clients out of an address and the environment's credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::ports::{Clock, Entropy};
use graph::client::TokioSleep;
use graph::retry::Policy as RetryPolicy;
use graph::{Client, ClientSecretTokens, Config, Credentials, Http, Inputs, Lane, Pace, Secret};
use url::Url;

pub use graph::transport::is_loopback;

/// Where Graph is unless somebody says otherwise.
pub const PUBLIC_GRAPH: &str = "https://graph.microsoft.com/v1.0";

/// Reads a variable of the environment. A value and not a call, so that tests and the demo bring their own.
#[derive(Clone)]
pub struct Environment(Arc<Lookup>);

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Environment {
    /// The process's own.
    pub fn of_process() -> Self {
        Self(Arc::new(|name| std::env::var(name).ok()))
    }

    /// These variables and no others.
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let variables: BTreeMap<String, String> =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self(Arc::new(move |name| variables.get(name).cloned()))
    }

    /// The same, with a value for a variable that is not set.
    #[must_use]
    pub fn or(&self, name: &'static str, value: &str) -> Self {
        let (own, value) = (self.clone(), value.to_owned());
        Self(Arc::new(move |asked| own.get(asked).or_else(|| (asked == name).then(|| value.clone()))))
    }

    /// The variable's value, if it is set and not blank.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }
}

/// Why there is no way to the tenant.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    /// Not an address, or one in the clear.
    #[error("the graph address `{0}` cannot be used: it must be https, or http to this machine")]
    Address(String),
    /// Variables that must be set are not.
    #[error("no credentials: set {}", .0.join(", "))]
    NoCredentials(Vec<&'static str>),
    /// Half of the second identity.
    #[error("set both CUT_CLIENT_ID and CUT_CLIENT_SECRET, or neither")]
    HalfOfCut,
    /// `AZURE_AUTHORITY_HOST` is no address.
    #[error("AZURE_AUTHORITY_HOST is not an address: write it like https://login.microsoftonline.com")]
    Authority,
    /// The library refuses them.
    #[error("the credentials cannot be used")]
    Credentials(#[from] graph::token::CredentialError),
    /// The client refuses the address.
    #[error("the graph address cannot be used")]
    Insecure(#[from] graph::transport::Insecure),
    /// The machine gives us no HTTP client.
    #[error("no HTTP client could be made")]
    Http(#[source] reqwest::Error),
}

/// Who we are to the tenant. The secrets do not print.
#[derive(Debug, Clone)]
pub struct Identities {
    /// For ordinary work.
    pub ordinary: Credentials,
    /// For cuts.
    pub cuts: Credentials,
}

impl Identities {
    /// From the environment. For a Graph on this machine everything defaults to what its emulator takes; `tenant` is the
    /// domain it knows.
    pub fn from_environment(environment: &Environment, graph: &Url, tenant: &str) -> Result<Self, TenantError> {
        let emulated = is_loopback(graph);
        let mut missing = Vec::new();
        let mut variable = |name: &'static str, emulators: &str| match environment.get(name) {
            Some(value) => value,
            None if emulated => emulators.to_owned(),
            None => {
                missing.push(name);
                String::new()
            }
        };
        let tenant = variable("AZURE_TENANT_ID", tenant);
        let client_id = variable("AZURE_CLIENT_ID", "joinery");
        let secret = variable("AZURE_CLIENT_SECRET", "emulator");
        if !missing.is_empty() {
            return Err(TenantError::NoCredentials(missing));
        }
        let authority = authority(environment, graph)?;
        let ordinary = Credentials { tenant, client_id, client_secret: Secret::new(secret), authority };
        let cuts = match (environment.get("CUT_CLIENT_ID"), environment.get("CUT_CLIENT_SECRET")) {
            (Some(client_id), Some(secret)) => {
                Credentials { client_id, client_secret: Secret::new(secret), ..ordinary.clone() }
            }
            (None, None) if emulated && environment.get("AZURE_CLIENT_ID").is_none() => {
                Credentials { client_id: "joinery-cuts".into(), ..ordinary.clone() }
            }
            (None, None) => ordinary.clone(),
            _ => return Err(TenantError::HalfOfCut),
        };
        Ok(Self { ordinary, cuts })
    }

    /// Whether cuts go by the identity of ordinary work, and so share its quota.
    pub fn is_one(&self) -> bool {
        self.ordinary.client_id == self.cuts.client_id
    }
}

fn authority(environment: &Environment, graph: &Url) -> Result<Url, TenantError> {
    let host = match environment.get("AZURE_AUTHORITY_HOST") {
        Some(host) if host.contains("://") => host,
        Some(host) => format!("https://{host}"),
        None if is_loopback(graph) => return graph.join("/").map_err(|_| TenantError::Authority),
        None => graph::token::PUBLIC_AUTHORITY.to_owned(),
    };
    Url::parse(&host).map_err(|_| TenantError::Authority)
}

/// Graph's base address as written by a person: without a path it means version 1.0.
pub fn graph_address(text: &str) -> Result<Url, TenantError> {
    let refused = || TenantError::Address(text.to_owned());
    let mut url = Url::parse(text).map_err(|_| refused())?;
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if !secure || !url.has_host() || !url.username().is_empty() || url.password().is_some() {
        return Err(refused());
    }
    if url.path() == "/" {
        url.set_path("/v1.0");
    }
    Ok(url)
}

/// Two ways to one tenant.
pub struct Clients {
    /// For ordinary work.
    pub ordinary: Arc<Client>,
    /// For cuts: in a lane of their own, and with a quota of their own if the identity is another one.
    pub cuts: Arc<Client>,
}

impl Clients {
    /// Prepares both. Sends nothing yet.
    pub fn new(
        graph: &Url,
        identities: &Identities,
        clock: &Arc<dyn Clock>,
        entropy: &Arc<dyn Entropy>,
    ) -> Result<Self, TenantError> {
        let pace = Arc::new(Pace::default());
        let pace_of_cuts = if identities.is_one() { Arc::clone(&pace) } else { Arc::default() };
        let client = |credentials: &Credentials, lane, pace| -> Result<Arc<Client>, TenantError> {
            let http = Http::new(graph).map_err(TenantError::Http)?;
            let tokens = ClientSecretTokens::new(credentials.clone(), graph, &http)?;
            let config = Config { base_url: graph.clone(), retry: RetryPolicy::default(), lane };
            let inputs = inputs(Arc::clone(clock), Arc::clone(entropy));
            Ok(Arc::new(Client::new(config, Arc::new(http), Arc::new(tokens), pace, inputs)?))
        };
        Ok(Self {
            ordinary: client(&identities.ordinary, Lane::Ordinary, pace)?,
            cuts: client(&identities.cuts, Lane::Urgent, pace_of_cuts)?,
        })
    }
}

fn inputs(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Inputs {
    let random = move || {
        let bytes = entropy.bytes();
        bytes.iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte))
    };
    Inputs { now: Arc::new(move || clock.now()), random: Arc::new(random), sleep: Arc::new(TokioSleep) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(text: &str) -> Url {
        graph_address(text).unwrap()
    }

    #[test]
    fn a_graph_address_without_a_path_means_version_one() {
        assert_eq!(graph("http://127.0.0.1:8080").as_str(), "http://127.0.0.1:8080/v1.0");
        assert_eq!(graph(PUBLIC_GRAPH).as_str(), PUBLIC_GRAPH);
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for refused in
            ["http://graph.microsoft.com/v1.0", "http://127.0.0.1.contoso.example", "graph", "ftp://127.0.0.1"]
        {
            assert!(matches!(graph_address(refused), Err(TenantError::Address(_))), "{refused}");
        }
        assert!(graph_address("http://localhost:1").is_ok());
    }

    #[test]
    fn a_real_tenant_needs_every_credential_and_names_all_that_are_missing() {
        let environment = Environment::of([("AZURE_CLIENT_ID", "app"), ("AZURE_TENANT_ID", " ")]);
        let error = Identities::from_environment(&environment, &graph(PUBLIC_GRAPH), "contoso.example").unwrap_err();
        assert_eq!(error.to_string(), "no credentials: set AZURE_TENANT_ID, AZURE_CLIENT_SECRET");
    }

    #[test]
    fn the_emulator_takes_any_credentials_and_sees_cuts_under_their_own_identity() {
        let identities =
            Identities::from_environment(&Environment::of([]), &graph("http://127.0.0.1:1"), "contoso.example")
                .unwrap();
        assert_eq!(identities.ordinary.tenant, "contoso.example");
        assert_eq!(identities.ordinary.authority.as_str(), "http://127.0.0.1:1/");
        assert!(!identities.is_one());
    }

    #[test]
    fn cuts_fall_back_to_the_ordinary_identity_and_half_of_one_is_refused() {
        let all = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "a"), ("AZURE_CLIENT_SECRET", "hunter2")];
        let url = graph(PUBLIC_GRAPH);
        let identities = Identities::from_environment(&Environment::of(all), &url, "").unwrap();
        assert!(identities.is_one());
        assert_eq!(identities.ordinary.authority.as_str(), "https://login.microsoftonline.com/");
        assert!(!format!("{identities:?}").contains("hunter2"));
        let half = Environment::of([all[0], all[1], all[2], ("CUT_CLIENT_ID", "c")]);
        assert!(matches!(Identities::from_environment(&half, &url, ""), Err(TenantError::HalfOfCut)));
        let both = Environment::of([all[0], all[1], all[2], ("CUT_CLIENT_ID", "c"), ("CUT_CLIENT_SECRET", "s")]);
        assert!(!Identities::from_environment(&both, &url, "").unwrap().is_one());
    }
}
