//! Tokens for Graph through `azure_identity`, which caches them until five minutes before they end.
//!
//! Its own ways that do not suit a function are set right here: eight retries within a minute become two within
//! [`limits::TOKEN_MAX`], and a token that Graph refuses is forgotten, which its cache cannot do (freshly granted roles
//! need a new token, too).
//!
//! It accepts https authorities only. The emulator speaks plain http on this machine, so for a loopback authority it is
//! told `https` and the transport below it says `http` again: one code path for both, and nothing but a loopback
//! address ever leaves in the clear.

mod loopback;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use azure_core::{
    cloud::CustomConfiguration,
    credentials::TokenCredential,
    error::ErrorKind,
    http::{ClientOptions, ExponentialRetryOptions, HttpClient, RetryOptions, Transport as AzureTransport},
    time::Duration,
};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use url::Url;

use crate::{
    limits,
    secret::Secret,
    transport::{Http, Insecure, is_loopback, require_secure},
};

/// Where tokens come from unless `AZURE_AUTHORITY_HOST` says otherwise.
pub const PUBLIC_AUTHORITY: &str = "https://login.microsoftonline.com";

/// Gives tokens for Graph.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// A token that is good for some minutes.
    async fn token(&self) -> Result<Secret, TokenError>;

    /// Graph has refused the token: do not give it again.
    fn forget(&self);
}

/// Why there is no token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenError {
    /// The token endpoint did not answer in time.
    #[error("the token endpoint did not answer within {} s", limits::TOKEN_MAX.as_secs())]
    Timeout,
    /// The token endpoint could not be reached, or is not well.
    #[error("the token endpoint is not available")]
    Unavailable(#[source] Arc<azure_core::Error>),
    /// The token endpoint refused: a wrong or expired secret, an unknown application or tenant. The cause names the
    /// application and Entra's error number, no person and no secret.
    #[error("no token was given")]
    Refused(#[source] Arc<azure_core::Error>),
}

impl TokenError {
    /// The library wraps what happened into "authentication failed"; what happened is one level down.
    fn from_azure(error: azure_core::Error) -> Self {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(inner) = cause {
            if let Some(ErrorKind::HttpResponse { status, .. }) =
                inner.downcast_ref::<azure_core::Error>().map(azure_core::Error::kind)
            {
                let refused = (400..500).contains(&u16::from(*status)) && u16::from(*status) != 429;
                return if refused { Self::Refused(Arc::new(error)) } else { Self::Unavailable(Arc::new(error)) };
            }
            cause = inner.source();
        }
        Self::Unavailable(Arc::new(error))
    }
}

/// Who we are to Entra. The secret does not print.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The tenant: an id or a domain.
    pub tenant: String,
    /// The application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// The host of the token endpoint ([`PUBLIC_AUTHORITY`], a national cloud's, or the emulator's).
    pub authority: Url,
}

/// Credentials that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// Secrets would travel in the clear.
    #[error("the authority host cannot be used")]
    Insecure(#[from] Insecure),
    /// A tenant, client id or secret that is empty or malformed.
    #[error("the credentials cannot be used")]
    Malformed(#[source] azure_core::Error),
}

/// Tokens for an application with a client secret.
pub struct ClientSecretTokens {
    credentials: Credentials,
    scope: String,
    http: Arc<dyn HttpClient>,
    current: Mutex<Arc<ClientSecretCredential>>,
}

impl ClientSecretTokens {
    /// Prepares tokens for the Graph at `graph`, over the connections of `http`. Sends nothing yet.
    pub fn new(credentials: Credentials, graph: &Url, http: &Http) -> Result<Self, CredentialError> {
        require_secure(&credentials.authority)?;
        let http: Arc<dyn HttpClient> = if credentials.authority.scheme() == "http" {
            Arc::new(loopback::PlainHttp::new(http.client().clone()))
        } else {
            Arc::new(http.client().clone())
        };
        let current = credential(&credentials, &http).map_err(CredentialError::Malformed)?;
        Ok(Self { scope: scope(graph), credentials, http, current: Mutex::new(current) })
    }
}

#[async_trait]
impl Tokens for ClientSecretTokens {
    async fn token(&self) -> Result<Secret, TokenError> {
        let credential = Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner));
        let scopes = [self.scope.as_str()];
        match tokio::time::timeout(limits::TOKEN_MAX, credential.get_token(&scopes, None)).await {
            Ok(Ok(token)) => Ok(Secret::new(token.token.secret())),
            Ok(Err(error)) => Err(TokenError::from_azure(error)),
            Err(_) => Err(TokenError::Timeout),
        }
    }

    fn forget(&self) {
        // A new credential has an empty cache. The same arguments made one before, so this cannot fail; if it did, the
        // old one would go on.
        if let Ok(fresh) = credential(&self.credentials, &self.http) {
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}

impl fmt::Debug for ClientSecretTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSecretTokens").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

fn credential(
    credentials: &Credentials,
    http: &Arc<dyn HttpClient>,
) -> Result<Arc<ClientSecretCredential>, azure_core::Error> {
    let mut cloud = CustomConfiguration::default();
    cloud.authority_host = https(&credentials.authority);
    let client_options = ClientOptions {
        cloud: Some(Arc::new(cloud.into())),
        transport: Some(AzureTransport::new(Arc::clone(http))),
        retry: RetryOptions::exponential(ExponentialRetryOptions {
            max_retries: limits::TOKEN_RETRIES_MAX,
            max_total_elapsed: Duration::try_from(limits::TOKEN_MAX).unwrap_or_default(),
            ..ExponentialRetryOptions::default()
        }),
        ..ClientOptions::default()
    };
    ClientSecretCredential::new(
        &credentials.tenant,
        credentials.client_id.clone(),
        azure_core::credentials::Secret::new(credentials.client_secret.reveal().to_owned()),
        Some(ClientSecretCredentialOptions { client_options }),
    )
}

/// The authority as the library wants it; [`loopback`] undoes this. `Url` refuses to change some schemes, hence text.
fn https(authority: &Url) -> String {
    match authority.as_str().strip_prefix("http://") {
        Some(rest) => format!("https://{rest}"),
        None => authority.to_string(),
    }
}

/// Graph's own scope, in each national cloud named after its host; an emulator stands in for the public one.
fn scope(graph: &Url) -> String {
    match graph.host_str() {
        Some(host) if !is_loopback(graph) => format!("https://{host}/.default"),
        _ => "https://graph.microsoft.com/.default".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(authority: &str) -> Credentials {
        Credentials {
            tenant: "contoso.example".into(),
            client_id: "11111111-1111-1111-1111-111111111111".into(),
            client_secret: Secret::new("hunter2"),
            authority: Url::parse(authority).unwrap(),
        }
    }

    fn tokens(authority: &str) -> Result<ClientSecretTokens, CredentialError> {
        let graph = Url::parse("https://graph.microsoft.com/v1.0").unwrap();
        ClientSecretTokens::new(credentials(authority), &graph, &Http::new(&graph).unwrap())
    }

    #[test]
    fn a_plain_http_authority_is_accepted_on_this_machine_only() {
        assert!(tokens("http://127.0.0.1:4010").is_ok());
        assert!(tokens(PUBLIC_AUTHORITY).is_ok());
        let error = tokens("http://login.contoso.example").unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.to_string().contains("must be https"), "{source}");
    }

    #[test]
    fn credentials_print_without_their_secret() {
        let printed = format!("{:?} {:?}", credentials(PUBLIC_AUTHORITY), tokens(PUBLIC_AUTHORITY).unwrap());
        assert!(printed.contains("11111111") && !printed.contains("hunter2"), "{printed}");
    }

    #[test]
    fn the_scope_follows_the_cloud() {
        let check = |graph: &str, expected: &str| assert_eq!(scope(&Url::parse(graph).unwrap()), expected);
        check("https://graph.microsoft.com/v1.0", "https://graph.microsoft.com/.default");
        check("https://graph.microsoft.us/v1.0", "https://graph.microsoft.us/.default");
        check("http://127.0.0.1:4010/v1.0", "https://graph.microsoft.com/.default");
    }
}
