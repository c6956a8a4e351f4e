//! Pages: a row in the store always, and to the policy's webhook as far as it can be reached, never in anybody's way.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Page, Pager, StoreError};
use embedded::Store;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use url::Url;

use super::asked_to;
use crate::tenant::{TenantError, is_loopback};

/// How many pages wait for delivery; with more, the rest stay rows.
const WAITING_MAX: usize = 256;
/// How long one delivery may take.
const DELIVERY_MAX: Duration = Duration::from_secs(10);
/// How often a page is tried.
const TRIES_MAX: u32 = 3;
/// The pause before the second try; the third waits twice as long.
const PAUSE_FIRST: Duration = Duration::from_secs(2);

/// Raises pages.
#[derive(Clone)]
pub(super) struct Alarm {
    store: Store,
    waiting: Option<mpsc::Sender<Page>>,
}

#[async_trait]
impl Pager for Alarm {
    async fn page(&self, page: Page) -> Result<(), StoreError> {
        if !self.store.raise(&page)? {
            return Ok(());
        }
        tracing::warn!(key = page.key, "paged: {}", page.text);
        if self.waiting.as_ref().is_some_and(|waiting| waiting.try_send(page).is_err()) {
            tracing::error!("too many pages wait for the alerts webhook: see `joinery pages`");
        }
        Ok(())
    }
}

/// The way to the webhook, if the policy names one.
pub(super) struct Alerts(Option<(reqwest::Client, Url)>);

impl Alerts {
    /// Prepares the way.
    pub(super) fn new(address: Option<Url>) -> Result<Self, TenantError> {
        let Some(address) = address else { return Ok(Self(None)) };
        let builder = reqwest::Client::builder().timeout(DELIVERY_MAX).redirect(reqwest::redirect::Policy::none());
        let builder = if is_loopback(&address) { builder.no_proxy() } else { builder };
        Ok(Self(Some((builder.build().map_err(TenantError::Http)?, address))))
    }

    /// The alarm over a store, and the work of delivering what it raises.
    pub(super) fn over(self, store: Store) -> (Alarm, Delivery) {
        let Some((http, address)) = self.0 else { return (Alarm { store, waiting: None }, Delivery(None)) };
        let (waiting, pages) = mpsc::channel(WAITING_MAX);
        (Alarm { store, waiting: Some(waiting) }, Delivery(Some((http, address, pages))))
    }
}

/// Delivers pages, one after the other.
pub(super) struct Delivery(Option<(reqwest::Client, Url, mpsc::Receiver<Page>)>);

impl Delivery {
    pub(super) async fn deliver(self, mut stop: watch::Receiver<bool>) {
        let Some((http, address, mut pages)) = self.0 else {
            asked_to(&mut stop).await;
            return;
        };
        loop {
            let page = tokio::select! {
                page = pages.recv() => page,
                () = asked_to(&mut stop) => None,
            };
            let Some(page) = page else { return };
            deliver(&http, &address, &page).await;
        }
    }
}

/// The address is a secret: it stays out of every line.
async fn deliver(http: &reqwest::Client, address: &Url, page: &Page) {
    let body = json!({"text": page.text, "person": page.person, "key": page.key, "at": page.at}).to_string();
    let mut pause = PAUSE_FIRST;
    for attempt in 1..=TRIES_MAX {
        let post = http.post(address.clone()).header("content-type", "application/json").body(body.clone());
        match post.send().await.and_then(reqwest::Response::error_for_status) {
            Ok(_) => return,
            Err(error) => {
                let error = error.without_url();
                tracing::warn!(key = page.key, attempt, error = %error, "the alerts webhook did not take a page");
            }
        }
        if attempt < TRIES_MAX {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::edge::SystemClock;

    /// Takes one request, answers 204 and gives its text.
    async fn take(listener: &TcpListener) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0, "the request broke off");
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
        String::from_utf8(request).unwrap()
    }

    #[tokio::test]
    async fn a_page_is_sent_once_however_often_it_is_raised() {
        let directory = tempfile::tempdir().unwrap();
        let options = embedded::Options { durability: embedded::Durability::Crash };
        let store = Store::open(directory.path(), Arc::new(SystemClock), options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Url::parse(&format!("http://{}/hook", listener.local_addr().unwrap())).unwrap();
        let (alarm, delivery) = Alerts::new(Some(address)).unwrap().over(store.clone());
        let (_stop, stopped) = watch::channel(false);
        let delivering = tokio::spawn(delivery.deliver(stopped));
        let page = |key: &str| {
            let at = jiff::Timestamp::UNIX_EPOCH;
            Page { key: key.into(), person: "hr:7".parse().ok(), text: format!("look at {key}"), at }
        };
        for key in ["first", "first", "second"] {
            alarm.page(page(key)).await.unwrap();
        }
        let (first, second) = (take(&listener).await, take(&listener).await);
        assert!(first.starts_with("POST /hook") && first.contains("look at first"), "{first}");
        assert!(second.contains("look at second") && second.contains(r#""person":"hr:7""#), "{second}");
        assert_eq!(store.pages(10).unwrap().len(), 2);
        delivering.abort();
    }
}
