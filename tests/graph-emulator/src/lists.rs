//! From objects to answers: selection, expansion, collections and their pages.

use serde_json::{Map, Value, json};

use crate::entity::{Kind, Readable};
use crate::filter::Filter;
use crate::history::View;
use crate::ids::Guid;
use crate::properties::{self, Write};
use crate::query::sort_key;
use crate::refusal::Refusal;
use crate::state::State;
use crate::wire::{Answer, Request, Served};

/// A page with sign-in activity holds at most so many.
const SIGN_IN_PAGE_MAX: usize = 500;
/// `$expand` returns at most so many related objects.
const EXPANDED_MAX: usize = 20;

/// A directory object behind a reference: what lists of members, owners and memberships hold.
#[derive(Clone, Debug)]
pub(crate) enum Object<'a> {
    User(Guid, &'a crate::entity::User),
    Group(Guid, &'a crate::entity::Group),
    /// A directory role, which exists only as the name of what somebody holds.
    Role(&'a str),
}

impl Object<'_> {
    pub(crate) fn id(&self) -> Guid {
        match self {
            Self::User(id, _) | Self::Group(id, _) => *id,
            Self::Role(name) => State::id_of_name(name),
        }
    }

    /// The object as a member of a mixed list, with its type.
    pub(crate) fn render(&self, selection: &Selection) -> Value {
        let (kind, mut body) = match self {
            Self::User(id, user) => (Kind::User.odata(), selection.of(Kind::User, &(*id, *user))),
            Self::Group(id, group) => (Kind::Group.odata(), selection.of(Kind::Group, &(*id, *group))),
            Self::Role(name) => {
                let mut body = Map::new();
                body.insert("id".into(), Value::String(self.id().to_string()));
                body.insert("displayName".into(), Value::String((*name).to_owned()));
                ("#microsoft.graph.directoryRole", body)
            }
        };
        body.insert("@odata.type".into(), Value::String(kind.into()));
        Value::Object(body)
    }
}

impl State {
    /// A live user or group, as a reader sees it.
    pub(crate) fn object(&self, view: View, id: Guid) -> Option<Object<'_>> {
        let user = self.seen_user(view, id).map(|user| Object::User(id, user));
        user.or_else(|| self.seen_group(view, id).map(|group| Object::Group(id, group)))
    }
}

/// Which properties to show.
#[derive(Clone, Debug)]
pub(crate) enum Selection {
    Default,
    Names(Vec<String>),
}

impl Selection {
    /// What `$select` says, if all its names exist for one of these kinds.
    pub(crate) fn parse(request: &Request<'_>, kinds: &[Kind]) -> Result<Self, Refusal> {
        let Some(names) = &request.query.select else { return Ok(Self::Default) };
        for name in names {
            let known = kinds.iter().any(|kind| properties::find(*kind, name).is_some());
            if !known && !request.state.extension_exists(name) {
                let kind = kinds.first().copied().unwrap_or(Kind::User);
                return Err(Refusal::unknown_property(name, kind.name()));
            }
        }
        Ok(Self::Names(names.clone()))
    }

    /// The selected part of an object.
    pub(crate) fn of(&self, kind: Kind, object: &dyn Readable) -> Map<String, Value> {
        let mut body = Map::new();
        match self {
            Self::Default => {
                for property in properties::of(kind).iter().filter(|property| property.default) {
                    body.insert(property.name.into(), object.read(property.name).into_owned());
                }
            }
            Self::Names(names) => {
                let known = |name: &&String| properties::find(kind, name).is_some() || properties::is_extension(name);
                for name in names.iter().filter(known) {
                    // Documented as never returned by a GET: it exists to be filtered by.
                    let hidden = matches!(name.as_str(), "hasMembersWithLicenseErrors" | "passwordProfile");
                    let value = if hidden { Value::Null } else { object.read(name).into_owned() };
                    body.insert(name.clone(), value);
                }
            }
        }
        body
    }

    pub(crate) fn has(&self, wanted: &str) -> bool {
        matches!(self, Self::Names(names) if names.iter().any(|name| name == wanted))
    }

    fn has_sharepoint(&self, kind: Kind) -> bool {
        let Self::Names(names) = self else { return false };
        names.iter().any(|name| properties::find(kind, name).is_some_and(|known| known.write == Write::SharePoint))
    }
}

/// One object as the answer to a GET, a POST or an action.
pub(crate) fn entity(
    request: &Request<'_>,
    status: u16,
    place: &str,
    selection: &Selection,
    object: &Object<'_>,
) -> Answer {
    let mut body = match object {
        Object::User(id, user) => selection.of(Kind::User, &(*id, *user)),
        Object::Group(id, group) => selection.of(Kind::Group, &(*id, *group)),
        Object::Role(_) => Map::new(),
    };
    expand(request, object, &mut body);
    body.insert("@odata.context".into(), request.context(place));
    Answer::json(status, Value::Object(body))
}

/// `GET /users` and `GET /groups`: filter, order, count, page.
pub(crate) fn list<'s>(
    request: &'s Request<'_>,
    kind: Kind,
    place: &str,
    objects: impl Iterator<Item = Object<'s>>,
    readable: &dyn Fn(&Object<'s>, &Filter) -> bool,
) -> Served {
    let selection = Selection::parse(request, &[kind])?;
    if selection.has_sharepoint(kind) {
        return Err(Refusal::not_built());
    }
    check_expand(request, kind)?;
    let filter = read_filter(request, kind)?;
    let by_activity = filter.as_ref().is_some_and(|filter| filter.names("signInActivity"));
    if selection.has("signInActivity") || by_activity {
        check_sign_in_activity(request)?;
        if request.query.page() > SIGN_IN_PAGE_MAX {
            return Err(Refusal::bad(format!(
                "Invalid page size specified. Must be between 1 and {SIGN_IN_PAGE_MAX} inclusive."
            )));
        }
    }
    if by_activity && filter.as_ref().is_some_and(|filter| !filter.names_only("signInActivity")) {
        return Err(Refusal::unsupported_query(
            "Filtering on 'signInActivity' cannot be combined with other properties.",
        ));
    }
    let search = read_search(request)?;
    let mut found: Vec<Object<'_>> = objects
        .filter(|object| filter.as_ref().is_none_or(|filter| readable(object, filter)))
        .filter(|object| search.as_ref().is_none_or(|search| search.matches(object)))
        .collect();
    let ordered = order(request, kind, filter.is_some(), &mut found)?;
    let render = |object: &Object<'_>| {
        let mut body = match object {
            Object::User(id, user) => selection.of(kind, &(*id, *user)),
            Object::Group(id, group) => selection.of(kind, &(*id, *group)),
            Object::Role(_) => Map::new(),
        };
        expand(request, object, &mut body);
        Value::Object(body)
    };
    page(request, place, &found, ordered, render)
}

/// A list of related objects: members, owners, memberships, reports.
pub(crate) fn related(request: &Request<'_>, place: &str, cast: Option<Kind>, objects: Vec<Object<'_>>) -> Served {
    let kinds: &[Kind] = match cast {
        Some(Kind::User) => &[Kind::User],
        Some(Kind::Group) => &[Kind::Group],
        None => &[Kind::User, Kind::Group],
    };
    let selection = Selection::parse(request, kinds)?;
    let wanted = |object: &Object<'_>| match cast {
        None => true,
        Some(Kind::User) => matches!(object, Object::User(..)),
        Some(Kind::Group) => matches!(object, Object::Group(..)),
    };
    let filter = match (cast, request.query.filter.as_ref()) {
        (_, None) => None,
        (Some(kind), Some(_)) => read_filter(request, kind)?,
        (None, Some(_)) => return Err(Refusal::unsupported_query("Filters on this relation need a cast to a type.")),
    };
    let passes = |object: &Object<'_>| {
        filter.as_ref().is_none_or(|filter| match object {
            Object::User(id, user) => filter.passes(&(*id, *user)),
            Object::Group(id, group) => filter.passes(&(*id, *group)),
            Object::Role(_) => false,
        })
    };
    let found: Vec<Object<'_>> = objects.into_iter().filter(|object| wanted(object) && passes(object)).collect();
    page(request, place, &found, false, |object| object.render(&selection))
}

/// Sign-ins are audit data, with a permission of their own.
pub(crate) fn check_sign_in_activity(request: &Request<'_>) -> Result<(), Refusal> {
    let may = request.app.may(&["AuditLog.Read.All"])
        && request.app.may(&["User.Read.All", "User.ReadWrite.All", "Directory.Read.All"]);
    if may { Ok(()) } else { Err(Refusal::denied()) }
}

fn read_filter(request: &Request<'_>, kind: Kind) -> Result<Option<Filter>, Refusal> {
    let Some(text) = &request.query.filter else { return Ok(None) };
    let filter = Filter::parse(text)?;
    filter.check(kind, &|name| request.state.extension_exists(name), request.advanced())?;
    Ok(Some(filter))
}

/// Sorts by `$orderby`; tells whether it did.
fn order(request: &Request<'_>, kind: Kind, filtered: bool, found: &mut [Object<'_>]) -> Result<bool, Refusal> {
    let Some(orderby) = &request.query.orderby else { return Ok(false) };
    let mut words = orderby.split_whitespace();
    let (name, direction) = (words.next().unwrap_or_default(), words.next().unwrap_or("asc"));
    let sortable = ["displayName", "userPrincipalName", "createdDateTime", "mail"];
    if !sortable.contains(&name) || properties::find(kind, name).is_none() || !["asc", "desc"].contains(&direction) {
        return Err(Refusal::unsupported_query(format!("Sorting not supported by '{orderby}'.")));
    }
    if filtered && !request.advanced() {
        return Err(Refusal::unsupported_query("Sorting not supported for current query."));
    }
    let key = |object: &Object<'_>| match object {
        Object::User(id, user) => sort_key(&(*id, *user).read(name)),
        Object::Group(id, group) => sort_key(&(*id, *group).read(name)),
        Object::Role(name) => (*name).to_owned(),
    };
    found.sort_by_cached_key(key);
    if direction == "desc" {
        found.reverse();
    }
    Ok(true)
}

/// One page. An unordered list goes on behind the last id, so that it survives changes between the pages; an ordered
/// one goes on behind so many objects.
fn page<'o>(
    request: &Request<'_>,
    place: &str,
    found: &[Object<'o>],
    ordered: bool,
    render: impl Fn(&Object<'o>) -> Value,
) -> Served {
    let start = match &request.query.from {
        None => 0,
        Some(from) if ordered => from.parse().map_err(|_| Refusal::bad("The page token does not fit this query."))?,
        Some(from) => found.partition_point(|object| object.id().to_string() <= *from),
    };
    let rest = found.get(start..).unwrap_or_default();
    let shown = rest.get(..request.query.page()).unwrap_or(rest);
    let mut body = Map::new();
    body.insert("@odata.context".into(), request.context(place));
    if request.advanced() {
        body.insert("@odata.count".into(), json!(found.len()));
    }
    if let (true, Some(last)) = (shown.len() < rest.len(), shown.last()) {
        let mark = if ordered { (start + shown.len()).to_string() } else { last.id().to_string() };
        body.insert("@odata.nextLink".into(), Value::String(request.query.next_link(&request.url(), &mark)));
    }
    body.insert("value".into(), shown.iter().map(render).collect());
    Ok(Answer::json(200, Value::Object(body)))
}

// ---- $expand

/// Refuses an expansion that does not exist or is not allowed here.
pub(crate) fn check_expand(request: &Request<'_>, kind: Kind) -> Result<(), Refusal> {
    if request.query.expand.is_empty() {
        return Ok(());
    }
    if request.advanced() {
        return Err(Refusal::unsupported_query("'$expand' is not supported with advanced queries."));
    }
    let known: &[&str] = match kind {
        Kind::User => &["manager", "directReports", "memberOf", "sponsors"],
        Kind::Group => &["members", "owners"],
    };
    match request.query.expand.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Refusal::unknown_property(name, kind.name())),
        None => Ok(()),
    }
}

fn expand(request: &Request<'_>, object: &Object<'_>, body: &mut Map<String, Value>) {
    for name in &request.query.expand {
        let (state, view) = (&*request.state, request.view);
        let ids: Vec<Guid> = match (object, name.as_str()) {
            (Object::User(_, user), "manager") => {
                let manager = user.manager.and_then(|id| state.object(view, id));
                if let Some(manager) = manager {
                    body.insert(name.clone(), manager.render(&Selection::Default));
                }
                continue;
            }
            (Object::User(id, _), "directReports") => {
                state.live_users(view).filter(|(_, user)| user.manager == Some(*id)).map(|(report, _)| report).collect()
            }
            (Object::User(id, _), "memberOf") => state.direct_groups(view, *id),
            (Object::User(_, user), "sponsors") => user.sponsors.iter().copied().collect(),
            (Object::Group(_, group), "members") => group.members.iter().copied().collect(),
            (Object::Group(_, group), "owners") => group.owners.iter().copied().collect(),
            _ => continue,
        };
        let objects = ids.iter().filter_map(|id| state.object(view, *id)).take(EXPANDED_MAX);
        body.insert(name.clone(), objects.map(|object| object.render(&Selection::Default)).collect());
    }
}

// ---- $search

/// `"property:words"`: every word begins a word of the property.
struct Search {
    property: &'static str,
    words: Vec<String>,
}

impl Search {
    fn matches(&self, object: &Object<'_>) -> bool {
        let value = match object {
            Object::User(id, user) => (*id, *user).read(self.property).into_owned(),
            Object::Group(id, group) => (*id, *group).read(self.property).into_owned(),
            Object::Role(_) => Value::Null,
        };
        let text = value.as_str().unwrap_or_default().to_lowercase();
        let begins = |word: &String| {
            text.starts_with(word.as_str())
                || text.split(|c: char| !c.is_alphanumeric()).any(|own| own.starts_with(word.as_str()))
        };
        self.words.iter().all(begins)
    }
}

/// One quoted clause over a name; combined clauses are refused rather than half understood.
fn read_search(request: &Request<'_>) -> Result<Option<Search>, Refusal> {
    let Some(text) = &request.query.search else { return Ok(None) };
    if !request.eventual {
        return Err(Refusal::unsupported_query(
            "Request with $search query parameter only works through MSGraph with a special request header: \
             'ConsistencyLevel: eventual'",
        ));
    }
    let clause = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(|inner| inner.split_once(':'));
    let properties =
        ["displayName", "mail", "mailNickname", "userPrincipalName", "givenName", "surname", "description"];
    let known = clause.and_then(|(name, words)| {
        properties.into_iter().find(|property| *property == name).map(|property| (property, words))
    });
    match known {
        Some((property, words)) if !words.contains('"') => {
            let words = words.split_whitespace().map(str::to_lowercase).collect();
            Ok(Some(Search { property, words }))
        }
        _ => Err(Refusal::bad(format!("Unrecognized query argument specified: '{text}'."))),
    }
}
