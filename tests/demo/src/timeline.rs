//! Joins two sources into lines, one per fact: the roster's timelines (what was heard, decided, done, read back) and the
//! emulator's own record of calls, which is put beside what Joinery says it did.
//!
//! The roster is read before the record of calls: a call is over before the roster says so, so none is missed.

use std::collections::{BTreeMap, HashMap};

use domain::ids::PersonId;
use domain::person::{TimelineEntry, TimelineKind};
use domain::ports::{Roster, StoreError};
use jiff::Timestamp;

use crate::company::ANCHOR;
use crate::scenario::{Day, Role};
use crate::tenant::{Call, Snapshot};

/// The longest timeline one person can have in a day.
const ENTRIES_MAX: usize = 2_000;

/// One fact about one person.
#[derive(Debug, Clone)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// Who, as a place in [`Day::people`].
    pub person: usize,
    /// What kind of fact.
    pub kind: TimelineKind,
    /// The fact.
    pub text: String,
    /// The call that Graph saw, and its answer.
    pub call: Option<String>,
    /// Puts facts of one instant in the order of the calls.
    order: u64,
}

/// What a roster's timeline says anew: whose line it is, and the line.
pub type Entries = Vec<(usize, TimelineEntry)>;

/// What has been shown already.
#[derive(Debug, Default)]
pub struct Timeline {
    shown: BTreeMap<String, usize>,
    /// Writes that no fact has claimed yet.
    unclaimed: Vec<Call>,
    /// The last call that was claimed, by person.
    last_order: HashMap<usize, u64>,
}

impl Timeline {
    /// What the roster says that has not been shown yet.
    pub async fn entries(&mut self, day: &Day, roster: &dyn Roster) -> Result<Entries, StoreError> {
        let mut news = Vec::new();
        for (person, role) in day.people.iter().enumerate() {
            let Ok(id) = role.id.parse::<PersonId>() else { continue };
            let entries = roster.timeline(&id, ENTRIES_MAX).await?;
            let shown = self.shown.insert(role.id.clone(), entries.len()).unwrap_or(0);
            news.extend(entries.into_iter().skip(shown).map(|entry| (person, entry)));
        }
        Ok(news)
    }

    /// The facts in it, in order. `writes` are the calls since the last time.
    pub fn lines(&mut self, day: &Day, entries: Entries, writes: Vec<Call>, snapshot: &Snapshot) -> Vec<Line> {
        self.unclaimed.extend(writes);
        let mut names = snapshot.names();
        names.insert(ANCHOR.to_owned(), "our mark".to_owned());
        let mut lines = Vec::new();
        for (person, entry) in entries {
            let Some(role) = day.people.get(person) else { continue };
            let calls = self.claim(&entry, role, snapshot.account_id(&role.id).as_deref());
            if let Some(call) = calls.last() {
                self.last_order.insert(person, call.number);
            }
            let order = self.last_order.get(&person).copied().unwrap_or(0);
            let call = calls.first().map(|first| match calls.len() {
                1 => shown(first, &names),
                many => format!("{} and {} more", shown(first, &names), many - 1),
            });
            lines.push(Line { at: entry.at, person, kind: entry.kind, text: plain(&entry.text, &names), call, order });
        }
        lines.sort_by_key(|line| (line.at, line.order));
        merged(lines)
    }

    /// The writes that stand behind a fact. Removing methods takes one for each, everything else just one.
    fn claim(&mut self, entry: &TimelineEntry, role: &Role, account: Option<&str>) -> Vec<Call> {
        let Some((method, part)) = write_behind(&entry.text).filter(|_| entry.kind == TimelineKind::Did) else {
            return Vec::new();
        };
        let object = entry.text.split([' ', ':', ',']).find(|word| word.len() == 36 && word.contains('-'));
        let fits = |call: &mut Call| {
            let succeeded = (200..300).contains(&call.status);
            let about = object.is_none_or(|id| call.path.contains(id) || call.body.to_string().contains(id));
            succeeded && about && call.method == method && call.path.contains(part) && call.is_about(account, &role.id)
        };
        let most = if part == METHODS { usize::MAX } else { 1 };
        self.unclaimed.extract_if(.., fits).take(most).collect()
    }
}

/// The part of the path of every authentication method.
const METHODS: &str = "/authentication/";
/// The longest path that is shown whole.
const PATH_MAX: usize = 56;

fn shown(call: &Call, names: &BTreeMap<String, String>) -> String {
    let path = plain(&call.path, names);
    let path = match path.char_indices().nth(PATH_MAX) {
        Some((end, _)) => format!("{}…", path.get(..end).unwrap_or(&path)),
        None => path,
    };
    format!("{} {path} {}", call.method, call.status)
}

/// The method and a part of the path of the write that a phrase of the roster's timeline stands for.
fn write_behind(text: &str) -> Option<(&'static str, &'static str)> {
    const WRITES: &[(&str, &str, &str)] = &[
        ("create the account", "POST", "/users"),
        ("invite as a guest", "POST", "/invitations"),
        ("add sponsor", "POST", "/sponsors/$ref"),
        ("issue a first credential", "PATCH", "/users/"),
        ("write ", "PATCH", "/users/"),
        ("set manager", "PUT", "/manager/$ref"),
        ("enable sign-in", "PATCH", "/users/"),
        ("block sign-in", "PATCH", "/users/"),
        ("revoke sessions", "POST", "/revokeSignInSessions"),
        ("reset the password", "PATCH", "/users/"),
        ("remove authentication methods", "DELETE", METHODS),
        ("add to ", "POST", "/members/$ref"),
        ("remove from ", "DELETE", "/members/"),
        ("assign license", "POST", "/assignLicense"),
        ("remove license", "POST", "/assignLicense"),
        ("reprocess", "POST", "/reprocessLicenseAssignment"),
        ("delete the account", "DELETE", "/users/"),
    ];
    let found = WRITES.iter().find(|(phrase, ..)| text.starts_with(phrase));
    found.map(|(_, method, part)| (*method, *part))
}

/// Ids become what people call them.
fn plain(text: &str, names: &BTreeMap<String, String>) -> String {
    let mut plain = text.to_owned();
    for (id, name) in names {
        if plain.contains(id.as_str()) {
            plain = plain.replace(id.as_str(), name);
        }
    }
    plain
}

/// What one person's neighboring facts say of several things for one reason becomes one line: "x: read back" and "y: read
/// back" are "x · y: read back". What was done stays a line for each thing, for each has its call.
fn merged(lines: Vec<Line>) -> Vec<Line> {
    let mut merged: Vec<Line> = Vec::new();
    for line in lines {
        let same = |known: &&mut Line| (known.at, known.person, known.kind) == (line.at, line.person, line.kind);
        let told_together = line.kind != TimelineKind::Did && line.kind != TimelineKind::Heard;
        let run = merged.iter_mut().rev().take_while(same).find_map(|known| {
            let (whats, why) = known.text.split_once(": ")?;
            let (what, own) = line.text.split_once(": ")?;
            let text = (why == own).then(|| format!("{whats} · {what}: {why}"))?;
            Some((known, text))
        });
        match run {
            Some((known, text)) if told_together => known.text = text,
            _ => merged.push(line),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: TimelineKind, text: &str) -> Line {
        Line { at: Timestamp::UNIX_EPOCH, person: 0, kind, text: text.into(), call: None, order: 0 }
    }

    #[test]
    fn what_is_true_for_the_same_reason_is_one_line_and_what_was_done_never_is() {
        use TimelineKind::{Decided, Did, Verified};
        let lines = [
            line(Decided, "add to Sales: package sales"),
            line(Decided, "add to Portal: package sales"),
            line(Decided, "add to All staff: package everyone"),
            line(Did, "add to Sales: done"),
            line(Did, "add to Portal: done"),
            line(Verified, "add to Sales: read back"),
            line(Verified, "add to Portal: read back"),
        ];
        let texts: Vec<String> = merged(lines.into()).into_iter().map(|line| line.text).collect();
        let expected = [
            "add to Sales · add to Portal: package sales",
            "add to All staff: package everyone",
            "add to Sales: done",
            "add to Portal: done",
            "add to Sales · add to Portal: read back",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn ids_are_shown_as_names() {
        let names = BTreeMap::from([("1111".to_owned(), "Sales".to_owned())]);
        assert_eq!(plain("POST /groups/1111/members/$ref", &names), "POST /groups/Sales/members/$ref");
    }
}
