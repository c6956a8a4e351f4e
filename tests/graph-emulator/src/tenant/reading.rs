//! What can be told of a call as it arrives, before anything is done.

use jiff::Timestamp;
use serde_json::Value;

use super::{BATCH, Tenant};
use crate::calls::Entry;
use crate::history::View;
use crate::ids::{Guid, guid};
use crate::routes::{self, Found};
use crate::wire::Call;

/// A call as it arrived.
#[derive(Clone)]
pub(super) struct Read {
    pub found: Found,
    /// Objects that its path names.
    pub subjects: Vec<Guid>,
    pub body: Option<Result<Value, ()>>,
}

impl Read {
    /// What the record will hold of it, so far.
    pub(super) fn entry(&self, call: &Call<'_>, path: &str, at: Timestamp, batch: Option<u64>) -> Entry {
        // What a batch carries is recorded item by item.
        let body = self.body.as_ref().filter(|_| path != BATCH).and_then(|body| body.clone().ok());
        Entry { at, batch, body, subjects: self.subjects.clone(), ..Entry::of(call, path) }
    }
}

impl Tenant {
    /// What can be said about a call before anything is done.
    pub(super) fn read(&self, call: &Call<'_>, path: &str) -> Read {
        let found = routes::find(call.method.as_str(), path);
        let subjects = self.subjects(&found);
        let body = (!call.body.is_empty()).then(|| serde_json::from_slice::<Value>(call.body).map_err(drop));
        Read { found, subjects, body }
    }

    fn subjects(&self, found: &Found) -> Vec<Guid> {
        match found {
            Found::Route(_, params) => params.iter().filter_map(|param| self.subject(param)).collect(),
            Found::WrongMethod | Found::Nothing => Vec::new(),
        }
    }

    /// The object that a path names first.
    pub(crate) fn first_subject(&self, call: &Call<'_>, path: &str) -> Option<Guid> {
        self.subjects(&routes::find(call.method.as_str(), path)).first().copied()
    }

    /// The id that a variable segment stands for, if it is an object's.
    fn subject(&self, param: &str) -> Option<Guid> {
        guid(param).or_else(|| self.state.user_named(View::PRIMARY, param))
    }
}

pub(super) fn client_request_id<'c>(call: &Call<'c>) -> Option<&'c str> {
    call.headers.get("client-request-id").and_then(|id| id.to_str().ok())
}

/// The path below `/v1.0`. Microsoft's JavaScript client sets a link that is not `https` behind its base address, link and all;
/// the link is what counts.
pub(crate) fn graph_path(path: &str) -> Option<&str> {
    let path = path.strip_prefix("/v1.0")?;
    if path.starts_with("/http://") { path.split_once("/v1.0").map(|(_, rest)| rest) } else { Some(path) }
}

/// The address under which the caller knows this service. Who stands in front of it, as an SDK's own transport that insists on
/// `https` does, says so the usual way.
pub(super) fn base(call: &Call<'_>) -> String {
    let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
    let host = header("x-forwarded-host").or_else(|| header("host")).unwrap_or("localhost");
    let scheme = header("x-forwarded-proto").filter(|scheme| *scheme == "https").unwrap_or("http");
    format!("{scheme}://{host}/v1.0")
}

impl Entry {
    pub(super) fn of(call: &Call<'_>, path: &str) -> Self {
        Self {
            at: Timestamp::UNIX_EPOCH,
            method: call.method.to_string(),
            path: path.to_owned(),
            query: call.query.to_owned(),
            app: String::new(),
            status: 0,
            subjects: Vec::new(),
            batch: None,
            lost: false,
            body: None,
        }
    }
}
