//! Putting off: what a change makes the service do later.

use jiff::{SignedDuration, Timestamp};

use super::State;
use crate::history::{History, View};
use crate::ids::Guid;
use crate::settling::Work;

impl State {
    pub(crate) fn schedule(&mut self, after_ms: u64, work: Work) {
        let after = SignedDuration::from_millis(i64::try_from(after_ms).unwrap_or(i64::MAX));
        self.schedule_at(self.now.saturating_add(after).unwrap_or(Timestamp::MAX), work);
    }

    pub(crate) fn schedule_at(&mut self, at: Timestamp, work: Work) {
        self.writes += 1;
        self.due.insert((at, self.writes), work);
    }

    pub(super) fn wake_licensing(&mut self, group: Guid, members: &[Guid]) {
        let carries =
            self.groups.get(&group).and_then(History::current).is_some_and(|group| !group.products.is_empty());
        if carries {
            self.schedule(self.latency.license_ms, Work::LicenseMembers { group, members: members.to_vec() });
        }
    }

    /// A user appeared or changed: every dynamic group looks again.
    pub(super) fn wake_rules(&mut self, user: Guid) {
        let dynamic: Vec<Guid> =
            self.live_groups(View::PRIMARY).filter(|(_, group)| group.rule.is_some()).map(|(id, _)| id).collect();
        for group in dynamic {
            self.wake_rule(group, Some(user));
        }
    }

    /// A group's rule appeared or changed: everybody is looked at again.
    pub(crate) fn wake_rule_of(&mut self, group: Guid) {
        if self.group(group).is_some_and(|group| group.rule.is_some()) {
            self.wake_rule(group, None);
        }
    }

    fn wake_rule(&mut self, group: Guid, user: Option<Guid>) {
        if self.rules_waiting.insert((group, user)) {
            self.schedule(self.latency.membership_ms, Work::EvaluateRule { group, user });
        }
    }
}
