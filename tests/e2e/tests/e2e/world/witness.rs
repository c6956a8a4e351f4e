//! Watches every granting call as it goes out: an end state that mends itself would hide that one should never have been made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use domain::ports::{Fences, Handle, Roster};
use embedded::Store;
use http::{Method, Request};
use serde_json::Value;

/// What was seen that must not be (architecture, invariant 8).
pub(crate) struct Witness {
    store: Store,
    under_way: Arc<Mutex<BTreeSet<Widened>>>,
    seen: Mutex<Vec<String>>,
    passwords: Mutex<BTreeMap<String, String>>,
}

/// Whose access a call widens, and which group's members; without one, everything of theirs. Under one lease somebody may be added to
/// several groups at the same time, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Widened {
    subject: String,
    group: Option<String>,
}

impl Widened {
    fn clashes_with(&self, other: &Self) -> bool {
        self.subject == other.subject && (self.group == other.group || self.group.is_none() || other.group.is_none())
    }
}

/// A granting call under way. It ends when its answer is there, or when whoever made it is gone.
pub(crate) struct Granting {
    subjects: Vec<Widened>,
    under_way: Arc<Mutex<BTreeSet<Widened>>>,
}

impl Drop for Granting {
    fn drop(&mut self) {
        let mut under_way = self.under_way.lock().unwrap();
        under_way.retain(|widened| !self.subjects.contains(widened));
    }
}

impl Witness {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, under_way: Arc::default(), seen: Mutex::default(), passwords: Mutex::default() }
    }

    /// A call goes out: it is under way until what this answers is dropped.
    pub(crate) async fn begins(&self, request: &Request<Bytes>) -> Granting {
        let body = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        let path = request.uri().path().trim_start_matches("/v1.0");
        let mut subjects = Vec::new();
        for (subject, group) in granted_to(request.method(), path, &body) {
            let line = format!("{} {path}", request.method());
            for person in self.store.find(&subject).await.unwrap() {
                if self.store.is_up(&person).await.unwrap() {
                    self.seen.lock().unwrap().push(format!("{line} for {person}, whose fence is up"));
                }
            }
            let widened = Widened { subject: format!("{subject:?}"), group };
            let mut under_way = self.under_way.lock().unwrap();
            if let Some(other) = under_way.iter().find(|other| other.clashes_with(&widened)) {
                self.seen.lock().unwrap().push(format!("{line}: {widened:?} beside {other:?}"));
            } else {
                under_way.insert(widened.clone());
                subjects.push(widened);
            }
        }
        Granting { subjects, under_way: Arc::clone(&self.under_way) }
    }

    /// A call was carried out. Remembers the password that it set, if any, which the tenant tells nobody.
    pub(crate) fn landed(&self, path: &str, body: &Bytes, answer: &Bytes) {
        let value = |bytes: &Bytes| serde_json::from_slice(bytes).unwrap_or(Value::Null);
        let Some(password) = value(body)["passwordProfile"]["password"].as_str().map(str::to_owned) else { return };
        let created = value(answer)["id"].as_str().map(str::to_owned);
        let id = created.unwrap_or_else(|| path.rsplit('/').next().unwrap_or_default().to_owned());
        self.passwords.lock().unwrap().insert(id, password);
    }

    /// The password that an account has, if it was set in this world.
    pub(crate) fn password(&self, object: &str) -> Option<String> {
        self.passwords.lock().unwrap().get(object).cloned()
    }

    /// Everything that must not be.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Whose access a call widens. Creating is left out: an account is made disabled, and a creation that is open keeps a cut open.
/// Setting a password is left out, too: a cut does the same.
fn granted_to(method: &Method, path: &str, body: &Value) -> Vec<(Handle, Option<String>)> {
    let object = |id: &str| Handle::Object(id.parse().unwrap());
    let linked = |link: &Value| link.as_str().and_then(|link| link.rsplit('/').next()).map(object);
    let list = |name: &str| body[name].as_array().into_iter().flatten();
    let member_of = |group: &str| {
        let group = group.to_owned();
        move |member| (member, Some(group.clone()))
    };
    let whole = |handle: Handle| vec![(handle, None)];
    let segments: Vec<_> = path.trim_start_matches('/').split('/').collect();
    match (method, segments.as_slice()) {
        (&Method::POST, ["$batch"]) => list("requests").flat_map(granted_by_item).collect(),
        (&Method::POST, ["groups", group, "members", "$ref"]) => {
            linked(&body["@odata.id"]).map(member_of(group)).into_iter().collect()
        }
        (&Method::PATCH, ["groups", group]) => {
            list("members@odata.bind").filter_map(linked).map(member_of(group)).collect()
        }
        (&Method::POST, ["users", id, "assignLicense"]) if list("addLicenses").next().is_some() => whole(object(id)),
        (&Method::POST, ["users", id, "reprocessLicenseAssignment"] | ["directory", "deletedItems", id, "restore"]) => {
            whole(object(id))
        }
        (&Method::PATCH, ["users", id]) if body["accountEnabled"] == true => whole(object(id)),
        (&Method::POST, ["invitations"]) => {
            let address = body["invitedUserEmailAddress"].as_str();
            address.map(|address| (Handle::WorkEmail(address.to_owned()), None)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn granted_by_item(item: &Value) -> Vec<(Handle, Option<String>)> {
    let text = |name: &str| item[name].as_str().unwrap_or_default();
    granted_to(&text("method").parse().unwrap(), text("url"), &item["body"])
}
