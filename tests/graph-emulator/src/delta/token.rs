//! Where a round stands and what it asks, as the opaque token in its links.

use serde_json::{Value, json};

use crate::entity::Kind;
use crate::ids::{Guid, guid};
use crate::properties;
use crate::refusal::Refusal;
use crate::state::State;
use crate::state::journal::TOKEN_LIFE_MS;

/// A filter names at most so many objects.
const IDS_MAX: usize = 50;

/// What a delta query asks for, once and for all.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub kind: Kind,
    pub select: Option<Vec<String>>,
    pub ids: Option<Vec<Guid>>,
}

impl Query {
    pub(super) fn wants(&self, id: Guid) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(&id))
    }

    /// The properties to show.
    pub(super) fn properties(&self) -> Vec<&str> {
        match &self.select {
            Some(names) => {
                names.iter().map(String::as_str).filter(|name| *name != super::relation(self.kind)).collect()
            }
            None => properties::of(self.kind).iter().filter(|known| known.default).map(|known| known.name).collect(),
        }
    }

    /// Whether a change of this property or relation is told. Without a selection groups tell their members; users tell no
    /// manager.
    pub(super) fn tracks(&self, name: &str) -> bool {
        match &self.select {
            Some(names) => names.iter().any(|own| own == name),
            None => name == "members" || properties::find(self.kind, name).is_some_and(|known| known.default),
        }
    }
}

/// What a round has left to tell.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// Objects after this one, or the rest of this one's relation after that id.
    All { after: Option<(Guid, Option<Guid>)> },
    /// Changes after this number.
    Changes { after: u64 },
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub query: Query,
    pub place: Place,
    /// Once the round is over, everything up to this change has been told.
    pub told: u64,
    pub made_ms: i64,
}

impl Token {
    /// A first round: all objects, and then what changed since now.
    pub(super) fn all(query: Query, state: &State) -> Self {
        let made_ms = state.now.as_millisecond();
        Self { query, place: Place::All { after: None }, told: state.journal.last(), made_ms }
    }

    /// No objects, only what changes from now on.
    pub(super) fn latest(query: Query, state: &State) -> Self {
        let last = state.journal.last();
        Self { place: Place::Changes { after: last }, ..Self::all(query, state) }
    }

    /// The round that begins with a delta link.
    pub(super) fn again(self, state: &State) -> Self {
        let expired = self.expired(state);
        let made_ms = if expired { self.made_ms } else { state.now.as_millisecond() };
        let told = if state.journal.reaches(self.told) { u64::MAX } else { self.told };
        Self { told, made_ms, ..self }
    }

    fn expired(&self, state: &State) -> bool {
        state.now.as_millisecond().saturating_sub(self.made_ms) > TOKEN_LIFE_MS
    }

    /// Whether the journal still holds what this round needs.
    pub(super) fn good(&self, state: &State) -> bool {
        let reached = match self.place {
            Place::Changes { after } => state.journal.reaches(after),
            Place::All { .. } => state.journal.reaches(self.told),
        };
        reached && !self.expired(state)
    }

    pub(super) fn write(&self) -> String {
        let (all, part, after) = match self.place {
            Place::All { after: None } => (json!(""), Value::Null, Value::Null),
            Place::All { after: Some((id, part)) } => {
                (json!(id.to_string()), json!(part.map(|part| part.to_string())), Value::Null)
            }
            Place::Changes { after } => (Value::Null, Value::Null, json!(after)),
        };
        let ids = self.query.ids.as_ref().map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>());
        let kind = self.query.kind.name();
        json!([kind, self.query.select, ids, all, part, after, self.told, self.made_ms]).to_string()
    }

    pub(super) fn read(mark: &str, kind: Kind) -> Result<Self, Refusal> {
        Self::parse(mark).filter(|token| token.query.kind == kind).ok_or_else(|| Refusal::bad("Badly formed token."))
    }

    fn parse(mark: &str) -> Option<Self> {
        let fields: [Value; 8] = serde_json::from_str::<Vec<Value>>(mark).ok()?.try_into().ok()?;
        let [kind, select, ids, all, part, after, told, made_ms] = &fields;
        let kind = [Kind::User, Kind::Group].into_iter().find(|own| kind == own.name())?;
        let texts = |list: &Value| -> Option<Vec<String>> {
            list.as_array().map(|items| items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        };
        let ids = texts(ids).map(|ids| ids.iter().filter_map(|id| guid(id)).collect());
        let place = match (all.as_str(), after.as_u64()) {
            (None, Some(after)) => Place::Changes { after },
            (Some(""), None) => Place::All { after: None },
            (Some(id), None) => Place::All { after: Some((guid(id)?, part.as_str().and_then(guid))) },
            _ => return None,
        };
        let query = Query { kind, select: texts(select), ids };
        Some(Self { query, place, told: told.as_u64()?, made_ms: made_ms.as_i64()? })
    }
}

/// `id eq '…' or id eq '…'`, the only filter that delta queries know.
pub(super) fn read_ids(filter: &str) -> Result<Vec<Guid>, Refusal> {
    let unsupported = || Refusal::unsupported_query("Only 'id eq' joined by 'or' is supported with delta queries.");
    let one = |clause: &str| -> Option<Guid> {
        let words: Vec<&str> = clause.split_whitespace().collect();
        match words.as_slice() {
            ["id", "eq", quoted] => guid(quoted.trim_matches('\'')),
            _ => None,
        }
    };
    let ids: Vec<Guid> = filter.split(" or ").map(one).collect::<Option<_>>().ok_or_else(unsupported)?;
    if ids.len() > IDS_MAX {
        return Err(Refusal::unsupported_query(format!("The filter names more than {IDS_MAX} objects.")));
    }
    Ok(ids)
}
