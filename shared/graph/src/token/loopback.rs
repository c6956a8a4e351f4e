//! The token endpoint of an emulator on this machine, which speaks plain http.

use async_trait::async_trait;
use azure_core::{
    error::{Error, ErrorKind},
    http::{AsyncRawResponse, HttpClient, Request},
};

use crate::transport::is_loopback;

/// Sends what is addressed to `https://` on this machine over plain http instead, and refuses every other address.
#[derive(Debug)]
pub(super) struct PlainHttp {
    client: reqwest::Client,
}

impl PlainHttp {
    pub(super) fn new(client: reqwest::Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl HttpClient for PlainHttp {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut request = request.clone();
        if !is_loopback(request.url()) || request.url_mut().set_scheme("http").is_err() {
            return Err(Error::with_message(ErrorKind::Other, "plain http is for this machine's own addresses only"));
        }
        self.client.execute_request(&request).await
    }
}

#[cfg(test)]
mod tests {
    use azure_core::http::{Method, Url};

    use super::*;

    #[tokio::test]
    async fn no_other_machine_is_asked_in_the_clear() {
        let client = PlainHttp::new(reqwest::Client::new());
        let request =
            Request::new(Url::parse("https://login.contoso.example/t/oauth2/v2.0/token").unwrap(), Method::Post);
        let error = client.execute_request(&request).await.unwrap_err();
        assert!(error.to_string().contains("this machine"), "{error}");
    }
}
