//! Watches every granting call as it goes out: an end state that mends itself would hide that one should never have been made.

use std::collections::BTreeSet;
use std::sync::Mutex;

use bytes::Bytes;
use domain::ports::{Fences, Handle, Roster};
use embedded::Store;
use http::{Method, Request};
use serde_json::Value;

/// What was seen that must not be (architecture, invariant 8).
pub(crate) struct Witness {
    store: Store,
    under_way: Mutex<BTreeSet<String>>,
    seen: Mutex<Vec<String>>,
}

impl Witness {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, under_way: Mutex::default(), seen: Mutex::default() }
    }

    /// A call goes out. If it gives somebody access, answers whom, until [`Witness::ends`].
    pub(crate) async fn begins(&self, request: &Request<Bytes>) -> Option<String> {
        let subject = granted_to(request)?;
        let line = format!("{} {}", request.method(), request.uri().path());
        let handle = Handle::Object(subject.parse().unwrap());
        for person in self.store.find(&handle).await.unwrap() {
            if self.store.is_up(&person).await.unwrap() {
                self.seen.lock().unwrap().push(format!("{line} for {person}, whose fence is up"));
            }
        }
        if !self.under_way.lock().unwrap().insert(subject.clone()) {
            self.seen.lock().unwrap().push(format!("{line} beside another grant to {subject}"));
        }
        Some(subject)
    }

    /// A granting call came back.
    pub(crate) fn ends(&self, subject: &str) {
        self.under_way.lock().unwrap().remove(subject);
    }

    /// Everything that must not be.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Whose access a request widens. Creating is left out: an account is made disabled, and a creation that is open keeps a cut open.
fn granted_to(request: &Request<Bytes>) -> Option<String> {
    let body: Value = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
    let segments: Vec<_> = request.uri().path().split('/').skip(2).collect();
    match (request.method(), segments.as_slice()) {
        (&Method::POST, ["groups", _, "members", "$ref"]) => {
            body["@odata.id"].as_str().and_then(|link| link.rsplit('/').next()).map(str::to_owned)
        }
        (&Method::POST, ["users", id, "assignLicense"]) => {
            let gives = body["addLicenses"].as_array().is_some_and(|list| !list.is_empty());
            gives.then(|| (*id).to_owned())
        }
        (&Method::PATCH, ["users", id]) => (body["accountEnabled"] == true).then(|| (*id).to_owned()),
        (&Method::POST, ["directory", "deletedItems", id, "restore"]) => Some((*id).to_owned()),
        _ => None,
    }
}
