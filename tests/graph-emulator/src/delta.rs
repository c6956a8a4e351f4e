//! `GET /users/delta` and `GET /groups/delta`. Sources: "Use delta query to track changes in Microsoft Graph data",
//! "user: delta", "group: delta".
//!
//! A first round walks over all objects, a later one over the journal of changes, both in pages. A reader who has not heard
//! of a change yet skips it, and the link at the end begins before it: what came after is then told again. So are the
//! documented nuisances honest ones: replays, one id several times in a round, pages that are empty because nothing on
//! them is tracked, lag.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::entity::{Kind, Readable};
use crate::history::View;
use crate::ids::Guid;
use crate::properties::{self, Write};
use crate::query;
use crate::refusal::Refusal;
use crate::state::State;
use crate::state::journal::{Change, What};
use crate::wire::{Answer, Request, Served};

mod token;

use token::{Place, Query, Token};

/// Options that delta queries do not know.
const REFUSED: &[&str] = &["$expand", "$top", "$orderby", "$search", "$count"];
/// Returned when selected, but their changes are not tracked.
const UNTRACKED: &[&str] = &["licenseAssignmentStates", "signInActivity"];

/// How much a page of a round covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pages {
    /// Objects or changes.
    pub objects: usize,
    /// Members of one group, in a first round.
    pub members: usize,
}

impl Default for Pages {
    fn default() -> Self {
        Self { objects: 100, members: 200 }
    }
}

impl Pages {
    pub(crate) fn show(self) -> Value {
        json!({"page": self.objects, "members": self.members})
    }

    /// Changes what is named and leaves the rest.
    pub(crate) fn put(&mut self, body: &Value) -> Result<(), String> {
        let size = |name: &str, old: usize| match body.get(name) {
            None => Ok(old),
            Some(size) => size
                .as_u64()
                .and_then(|size| usize::try_from(size).ok())
                .filter(|size| *size > 0)
                .ok_or_else(|| format!("`{name}` is not a whole number above zero")),
        };
        *self = Self { objects: size("page", self.objects)?, members: size("members", self.members)? };
        Ok(())
    }
}

/// `GET /users/delta`
pub(crate) fn users(request: &mut Request<'_>) -> Served {
    delta(request, Kind::User)
}

/// `GET /groups/delta`
pub(crate) fn groups(request: &mut Request<'_>) -> Served {
    delta(request, Kind::Group)
}

fn delta(request: &mut Request<'_>, kind: Kind) -> Served {
    let round = match (&request.query.from, request.query.delta.as_deref()) {
        (Some(mark), _) => Token::read(mark, kind)?,
        (None, None | Some("")) => Token::all(asked(request, kind)?, request.state),
        (None, Some("latest")) => Token::latest(asked(request, kind)?, request.state),
        (None, Some(text)) => Token::read(&query::read_token(text)?, kind)?.again(request.state),
    };
    if !round.good(request.state) {
        return Err(Refusal::resync(start_over(request, &round.query)));
    }
    let view = View { index: true, ..request.view };
    let page = match round.place {
        Place::All { after } => everything(request, view, kind, &round.query, after),
        Place::Changes { after } => changes(request, view, kind, &round.query, after),
    };
    // What this reader has not heard of must be told by the next round.
    let unseen = request.state.journal.first_unseen(view);
    let told = unseen.map_or(round.told, |first| round.told.min(first.saturating_sub(1)));
    let (link, name, place, told) = if let Some(place) = page.next {
        ("@odata.nextLink", "$skiptoken", place, told)
    } else {
        let told = told.min(page.scanned);
        ("@odata.deltaLink", "$deltatoken", Place::Changes { after: told }, told)
    };
    let token = Token { place, told, ..round };
    let address = format!("{}?{name}={}", request.url(), query::write_token(&token.write()));
    let set = if kind == Kind::User { "users" } else { "groups" };
    Ok(Answer::json(200, json!({"@odata.context": request.context(set), link: address, "value": page.items})))
}

/// The same query from the beginning, with an empty token.
fn start_over(request: &Request<'_>, query: &Query) -> String {
    let mut rest = form_urlencoded::Serializer::new(String::new());
    if let Some(names) = &query.select {
        rest.append_pair("$select", &names.join(","));
    }
    if let Some(ids) = &query.ids {
        let each: Vec<String> = ids.iter().map(|id| format!("id eq '{id}'")).collect();
        rest.append_pair("$filter", &each.join(" or "));
    }
    rest.append_pair("$deltatoken", "");
    format!("{}?{}", request.url(), rest.finish())
}

/// What a first request asks for.
fn asked(request: &Request<'_>, kind: Kind) -> Result<Query, Refusal> {
    if let Some(option) = REFUSED.iter().find(|option| request.query.given(option)) {
        return Err(Refusal::unsupported_query(format!("'{option}' is not supported with delta queries.")));
    }
    for name in request.query.select.iter().flatten() {
        let known = properties::find(kind, name);
        if known.is_some_and(|known| known.write == Write::SharePoint) {
            return Err(Refusal::not_built());
        }
        if known.is_none() && name != relation(kind) && !request.state.extension_exists(name) {
            return Err(Refusal::unknown_property(name, kind.name()));
        }
    }
    let ids = request.query.filter.as_deref().map(token::read_ids).transpose()?;
    Ok(Query { kind, select: request.query.select.clone(), ids })
}

/// The relation that a delta query can track.
fn relation(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "manager",
        Kind::Group => "members",
    }
}

/// A page of a round.
struct Page {
    items: Vec<Value>,
    /// Where the next one begins.
    next: Option<Place>,
    /// The last change that was looked at.
    scanned: u64,
}

/// One object's part of a page.
#[derive(Default)]
struct Touched {
    /// Everything about it is news.
    whole: bool,
    names: BTreeSet<String>,
    /// Who joined (true) or left (false) its relation.
    related: BTreeMap<Guid, bool>,
}

/// A page of a first round: live objects in the order of their ids, large groups in several parts.
fn everything(
    request: &Request<'_>,
    view: View,
    kind: Kind,
    query: &Query,
    after: Option<(Guid, Option<Guid>)>,
) -> Page {
    let (state, pages) = (&*request.state, request.state.delta_pages);
    let begins = |id: Guid| after.is_none_or(|(last, part)| id > last || (id == last && part.is_some()));
    let ids: Vec<Guid> = match kind {
        Kind::User => state.live_users(view).map(|(id, _)| id).collect(),
        Kind::Group => state.live_groups(view).map(|(id, _)| id).collect(),
    };
    let mut page = Page { items: Vec::new(), next: None, scanned: u64::MAX };
    let mut place = after;
    let mut wanted = ids.into_iter().filter(|id| begins(*id) && query.wants(*id)).peekable();
    while let Some(id) = wanted.peek().copied() {
        if page.items.len() == pages.objects {
            page.next = Some(Place::All { after: place });
            break;
        }
        let part = place.filter(|(last, _)| *last == id).and_then(|(_, part)| part);
        let mut related: Vec<Guid> = related(state, view, kind, query, id);
        related.retain(|other| part.is_none_or(|part| *other > part));
        let more = related.len() > pages.members;
        related.truncate(pages.members);
        place = Some((id, related.last().copied().filter(|_| more)));
        let related = related.into_iter().map(|other| (other, true)).collect();
        let touched = Touched { whole: true, names: BTreeSet::new(), related };
        page.items.extend(item(request, view, query, id, &touched));
        if !more {
            wanted.next();
        }
    }
    page
}

fn related(state: &State, view: View, kind: Kind, query: &Query, id: Guid) -> Vec<Guid> {
    if !query.tracks(relation(kind)) {
        return Vec::new();
    }
    match kind {
        Kind::User => state.seen_user(view, id).and_then(|user| user.manager).into_iter().collect(),
        Kind::Group => {
            state.seen_group(view, id).map(|group| group.members.iter().copied().collect()).unwrap_or_default()
        }
    }
}

/// A page of a later round: so many changes, folded by object.
fn changes(request: &Request<'_>, view: View, kind: Kind, query: &Query, after: u64) -> Page {
    let journal = &request.state.journal;
    let mut order: Vec<Guid> = Vec::new();
    let mut found: BTreeMap<Guid, Touched> = BTreeMap::new();
    let mut scanned = after;
    let mut mine = journal.after(after).filter(|(_, change)| change.kind == kind);
    for (number, change) in mine.by_ref().take(request.state.delta_pages.objects) {
        scanned = number;
        if view.shows(change.stamp) && query.wants(change.id) && tracked(query, change) {
            if !found.contains_key(&change.id) {
                order.push(change.id);
            }
            found.entry(change.id).or_default().add(change);
        }
    }
    let next = mine.next().is_some().then_some(Place::Changes { after: scanned });
    let items = order.iter().filter_map(|id| item(request, view, query, *id, found.get(id)?)).collect();
    // Behind the last change of this kind only others' follow: they need not be looked at again.
    let scanned = if next.is_none() { journal.last() } else { scanned };
    Page { items, next, scanned }
}

fn tracked(query: &Query, change: &Change) -> bool {
    match &change.what {
        What::Life => true,
        What::Properties(names) => names.iter().any(|name| query.tracks(name) && !UNTRACKED.contains(&name.as_str())),
        What::Relation { name, .. } => query.tracks(name),
    }
}

impl Touched {
    fn add(&mut self, change: &Change) {
        match &change.what {
            What::Life => self.whole = true,
            What::Properties(names) => self.names.extend(names.iter().cloned()),
            What::Relation { joined, left, .. } => {
                self.related.extend(left.iter().map(|id| (*id, false)));
                self.related.extend(joined.iter().map(|id| (*id, true)));
            }
        }
    }
}

/// An object as a round tells it. One that was deleted is only its id and why it is gone.
fn item(request: &Request<'_>, view: View, query: &Query, id: Guid, touched: &Touched) -> Option<Value> {
    let state = &*request.state;
    let removed = |reason: &str| Some(json!({"id": id.to_string(), "@removed": {"reason": reason}}));
    let mut body = match query.kind {
        Kind::User => match state.users.get(&id)?.seen(view) {
            None => return removed("deleted"),
            Some(user) if user.deleted.is_some() => return removed("changed"),
            Some(user) => shown(request, query, &(id, user), touched),
        },
        Kind::Group => match state.groups.get(&id)?.seen(view) {
            None => return removed("deleted"),
            Some(group) if group.deleted.is_some() => return removed("changed"),
            Some(group) => shown(request, query, &(id, group), touched),
        },
    };
    let links = touched.related.iter().filter_map(|(other, joined)| {
        let group = state.groups.contains_key(other);
        let odata_type = if group { Kind::Group } else { Kind::User }.odata();
        match (joined, state.object(view, *other)) {
            // Deleted people stay recorded as members and are not shown.
            (true, None) => None,
            (true, Some(_)) => Some(json!({"@odata.type": odata_type, "id": other.to_string()})),
            (false, _) => {
                Some(json!({"@odata.type": odata_type, "id": other.to_string(), "@removed": {"reason": "deleted"}}))
            }
        }
    });
    let links: Vec<Value> = links.collect();
    if !links.is_empty() {
        body.insert(format!("{}@delta", relation(query.kind)), Value::Array(links));
    }
    Some(Value::Object(body))
}

/// The selected properties: what was never set is left out, what was cleared is null.
fn shown(request: &Request<'_>, query: &Query, object: &dyn Readable, touched: &Touched) -> Map<String, Value> {
    let minimal = request.minimal && !touched.whole;
    let mut body = Map::from_iter([("id".to_owned(), object.read("id").into_owned())]);
    for name in query.properties() {
        let changed = touched.names.contains(name);
        let value = object.read(name);
        if !changed && (minimal || value.is_null()) {
            continue;
        }
        body.insert(name.to_owned(), value.into_owned());
    }
    body
}
