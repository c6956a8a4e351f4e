//! Reads every address the tenant has ever given, so that none is issued to somebody else (architecture, invariant 7).

use std::sync::Arc;
use std::time::Duration;

use domain::ids::ObjectId;
use domain::ports::{AddressHolder, Clock, StoreError};
use embedded::Store;
use graph::model::without_mark_of_deletion;
use graph::{Client, Pages, limits, request};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer};
use tokio::sync::watch;

use super::asked_to;
use crate::machine::chain;

/// The setting that says when the addresses were last read to the end.
const SETTING: &str = "addresses-read-at";
/// How often they are read anew: for what others have made in the tenant meanwhile.
const AGE_MAX: SignedDuration = SignedDuration::from_hours(24);
/// How often it is looked whether it is time.
const LOOK: Duration = Duration::from_secs(30);
/// The first pause after a failure; it doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// Keeps the store's addresses up to date with the tenant's.
pub(super) struct Reading {
    graph: Arc<Client>,
    store: Store,
    clock: Arc<dyn Clock>,
    gate: watch::Sender<bool>,
}

/// Why a reading did not come to its end. The next one starts over: claims are idempotent, and a directory has no
/// snapshot to go on with.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error("the tenant's addresses cannot be listed")]
    Graph(#[from] graph::Error),
    #[error("addresses cannot be stored")]
    Store(#[from] StoreError),
}

impl Reading {
    /// The reading, and a gate that opens when the addresses have been read to the end once.
    pub(super) fn new(graph: Arc<Client>, store: Store, clock: Arc<dyn Clock>) -> (Self, watch::Receiver<bool>) {
        let (gate, opened) = watch::channel(false);
        (Self { graph, store, clock, gate }, opened)
    }

    /// Reads now if need be, and daily from then on.
    pub(super) async fn keep_up(self, mut stop: watch::Receiver<bool>) {
        let mut pause = PAUSE_FIRST;
        loop {
            let wait = match self.read_if_due().await {
                Ok(()) => {
                    self.gate.send_replace(true);
                    pause = PAUSE_FIRST;
                    LOOK
                }
                Err(error) => {
                    tracing::warn!(
                        error = chain(&error),
                        "the tenant's addresses are not read yet, no account is made before"
                    );
                    pause = pause.saturating_mul(2).min(PAUSE_MAX);
                    pause
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = asked_to(&mut stop) => return,
            }
        }
    }

    async fn read_if_due(&self) -> Result<(), Unread> {
        let last: Option<Timestamp> = self.store.setting(SETTING)?;
        let now = self.clock.now();
        if last.is_some_and(|last| now.duration_since(last).abs() < AGE_MAX) {
            return Ok(());
        }
        if last.is_some() {
            // Old news are better than none: what is read now only adds to it.
            self.gate.send_replace(true);
        }
        let properties = ["id", "userPrincipalName", "mail", "proxyAddresses"];
        let of_groups = ["id", "mail", "proxyAddresses"];
        let page = limits::PAGE_MAX;
        let mut count = self.claim_all(self.graph.pages(request::users(&properties, None, page))).await?;
        count += self.claim_all(self.graph.pages(request::deleted_users(&properties, None, page))).await?;
        count += self.claim_all(self.graph.pages(request::groups(&of_groups, None, page))).await?;
        self.store.set_setting(SETTING, &now)?;
        tracing::info!(addresses = count, "the tenant's addresses are read");
        Ok(())
    }

    /// Claims every address of a listing, a page to a transaction.
    async fn claim_all(&self, mut pages: Pages<'_, Addressed>) -> Result<usize, Unread> {
        let mut count = 0;
        while let Some(page) = pages.next().await? {
            // An object that cannot be read has no address we could name.
            let claims: Vec<_> = page.into_iter().flatten().flat_map(Addressed::claims).collect();
            self.store.claim_all(&claims)?;
            count += claims.len();
        }
        Ok(count)
    }
}

/// An object with addresses.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Addressed {
    id: String,
    user_principal_name: Option<String>,
    mail: Option<String>,
    #[serde(deserialize_with = "null_as_empty")]
    proxy_addresses: Vec<String>,
}

fn null_as_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Addressed {
    fn claims(self) -> Vec<(String, AddressHolder)> {
        let Ok(id) = self.id.parse::<ObjectId>() else { return Vec::new() };
        // The name of a deleted user stays taken.
        let upn = self.user_principal_name.map(|upn| without_mark_of_deletion(&upn, id.as_str()).to_owned());
        let proxies = self.proxy_addresses.iter().filter_map(|address| mail_address(address)).map(str::to_owned);
        let proxies: Vec<String> = proxies.collect();
        let all = upn.into_iter().chain(self.mail).chain(proxies).filter(|address| address.contains('@'));
        all.map(|address| (address, AddressHolder::Object(id.clone()))).collect()
    }
}

/// The address in `SMTP:…`, `smtp:…` or `sip:…`; other kinds (`X500:`, `EUM:`) are no mail addresses.
fn mail_address(proxy: &str) -> Option<&str> {
    let (kind, address) = proxy.split_once(':')?;
    (kind.eq_ignore_ascii_case("smtp") || kind.eq_ignore_ascii_case("sip")).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_address_of_an_object_is_claimed_for_it() {
        let object: Addressed = serde_json::from_value(json!({
            "id": "11111111-1111-1111-1111-11111111aaaa",
            "userPrincipalName": "11111111111111111111111111111AAAA".to_owned() + "no",
            "mail": "zoe@contoso.example",
            "proxyAddresses": ["SMTP:zoe@contoso.example", "smtp:z@contoso.example", "sip:zoe@contoso.example", "X500:/o=x"],
        }))
        .unwrap();
        let addresses: Vec<String> = object.claims().into_iter().map(|(address, _)| address).collect();
        assert_eq!(
            addresses,
            ["zoe@contoso.example", "zoe@contoso.example", "z@contoso.example", "zoe@contoso.example"]
        );
    }

    #[test]
    fn the_name_of_a_deleted_user_stays_taken() {
        let object: Addressed = serde_json::from_value(json!({
            "id": "11111111-1111-1111-1111-11111111aaaa",
            "userPrincipalName": "1111111111111111111111111111AAAA".to_owned() + "zoe@contoso.example",
            "mail": null,
            "proxyAddresses": null,
        }))
        .unwrap();
        let id: ObjectId = "11111111-1111-1111-1111-11111111aaaa".parse().unwrap();
        assert_eq!(object.claims(), [("zoe@contoso.example".to_owned(), AddressHolder::Object(id))]);
    }
}
