//! Joins two sources into lines, one per fact: the roster's timelines (what was heard, decided, done, read back) and the
//! emulator's own record of calls, which is put beside what Joinery says it did.

use std::collections::{BTreeMap, HashMap};

use domain::ids::PersonId;
use domain::person::{TimelineEntry, TimelineKind};
use domain::ports::{Roster, StoreError};
use jiff::Timestamp;

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

/// What has been shown already.
#[derive(Debug, Default)]
pub struct Timeline {
    shown: BTreeMap<String, usize>,
    /// Writes that no fact has claimed yet.
    unclaimed: Vec<Call>,
    /// The last call that was claimed, by person.
    last_order: HashMap<String, u64>,
}

impl Timeline {
    /// The facts since the last time, in order. `writes` are the calls since then.
    pub async fn news(
        &mut self,
        day: &Day,
        roster: &dyn Roster,
        writes: Vec<Call>,
        snapshot: &Snapshot,
    ) -> Result<Vec<Line>, StoreError> {
        self.unclaimed.extend(writes);
        let names = snapshot.names();
        let mut lines = Vec::new();
        for (person, role) in day.people.iter().enumerate() {
            let Ok(id) = role.id.parse::<PersonId>() else { continue };
            let entries = roster.timeline(&id, ENTRIES_MAX).await?;
            let shown = self.shown.insert(role.id.clone(), entries.len()).unwrap_or(0);
            let account = snapshot.account_id(&role.id);
            for entry in entries.into_iter().skip(shown) {
                let call = self.claim(&entry, role, account.as_deref());
                let order = self.last_order.get(&role.id).copied().unwrap_or(0);
                let call = call.map(|call| format!("{} {} {}", call.method, plain(&call.path, &names), call.status));
                let text = plain(&entry.text, &names);
                lines.push(Line { at: entry.at, person, kind: entry.kind, text, call, order });
            }
        }
        lines.sort_by_key(|line| (line.at, line.order));
        Ok(merged(lines))
    }

    /// The write that stands behind a fact.
    fn claim(&mut self, entry: &TimelineEntry, role: &Role, account: Option<&str>) -> Option<Call> {
        if entry.kind != TimelineKind::Did {
            return None;
        }
        let (method, part) = write_behind(&entry.text)?;
        let fits = |call: &Call| {
            let succeeded = (200..300).contains(&call.status);
            succeeded && call.method == method && call.path.contains(part) && call.is_about(account, &role.id)
        };
        let place = self.unclaimed.iter().position(fits)?;
        let call = self.unclaimed.remove(place);
        self.last_order.insert(role.id.clone(), call.number);
        Some(call)
    }
}

/// The method and a part of the path of the write that a phrase of the roster's timeline stands for.
fn write_behind(text: &str) -> Option<(&'static str, &'static str)> {
    const WRITES: &[(&str, &str, &str)] = &[
        ("create the account", "POST", "/users"),
        ("write ", "PATCH", "/users/"),
        ("set manager", "PUT", "/manager/$ref"),
        ("enable sign-in", "PATCH", "/users/"),
        ("block sign-in", "PATCH", "/users/"),
        ("revoke sessions", "POST", "/revokeSignInSessions"),
        ("reset the password", "PATCH", "/users/"),
        ("remove authentication methods", "DELETE", "/authentication/"),
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

/// Neighbors that say the same of several things become one line: "x: read back" and "y: read back" are "x · y".
fn merged(lines: Vec<Line>) -> Vec<Line> {
    let mut merged: Vec<Line> = Vec::new();
    for line in lines {
        let split = |text: &str| text.split_once(": ").map(|(what, why)| (what.to_owned(), why.to_owned()));
        if let (Some(last), Some((what, why))) = (merged.last_mut(), split(&line.text)) {
            let same = (last.at, last.person, last.kind) == (line.at, line.person, line.kind);
            let told_together = matches!(line.kind, TimelineKind::Verified | TimelineKind::Decided);
            if let Some((whats, _)) = split(&last.text).filter(|(_, known)| same && told_together && *known == why) {
                last.text = format!("{whats} · {what}: {why}");
                continue;
            }
        }
        merged.push(line);
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
