//! The tenant's contents, and the few doors through which they change. Nothing here knows HTTP.
//!
//! Whoever changes a user goes through [`State::edit_user`], which keeps the seats and the index of names right;
//! whoever changes a membership goes through [`State::join`] and [`State::leave`], which wake group licensing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::Undecided;
use crate::entity::{Group, Kind, Properties, User};
use crate::history::{History, Stamp, View};
use crate::ids::{Draw, Guid, guid, hash_text, mix};
use crate::refusal::Refusal;
use crate::seed::{AccessPassPolicy, Application, Collaboration, Extension};
use crate::settling::{Latency, Work};
use jiff::Timestamp;
use journal::{GroupTrace, Journal, UserTrace, What};

mod domains;
pub(crate) mod journal;
mod skus;
mod waking;

pub(crate) use skus::Sku;

/// One tenant.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The emulator's time of the call being served.
    pub now: Timestamp,
    pub organization: Properties,
    pub domains: Vec<Properties>,
    pub skus: BTreeMap<Guid, Sku>,
    pub users: BTreeMap<Guid, History<User>>,
    pub groups: BTreeMap<Guid, History<Group>>,
    /// Live users by lower-case principal name.
    names: HashMap<String, Guid>,
    /// The extension properties that are known to exist.
    pub extensions: Vec<Extension>,
    /// No list was seeded: any well-formed extension property exists.
    pub any_extension: bool,
    pub applications: Vec<Application>,
    pub access_pass: AccessPassPolicy,
    pub collaboration: Collaboration,
    /// Work that the service does by itself, by the instant it falls due.
    pub due: BTreeMap<(Timestamp, u64), Work>,
    /// Rule evaluations that already wait in `due`; the state at their time counts, so one is enough.
    pub rules_waiting: HashSet<(Guid, Option<Guid>)>,
    pub latency: Latency,
    pub undecided: Undecided,
    pub draw: Draw,
    /// What delta queries tell.
    pub journal: Journal,
    pub delta_pages: crate::delta::Pages,
    /// What was sent, for whoever wants to look.
    pub outbox: crate::mail::Outbox,
    writes: u64,
    reads: u64,
}

/// What a write to an object needs to know before it may change it.
pub(crate) type Found<'a, T> = Result<(Guid, &'a T), Refusal>;

impl State {
    pub(crate) fn empty(now: Timestamp, draw_seed: u64, undecided: Undecided) -> Self {
        Self {
            now,
            organization: Properties::new(),
            domains: Vec::new(),
            skus: BTreeMap::new(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            names: HashMap::new(),
            extensions: Vec::new(),
            any_extension: true,
            applications: Vec::new(),
            access_pass: AccessPassPolicy::default(),
            collaboration: Collaboration::default(),
            due: BTreeMap::new(),
            rules_waiting: HashSet::new(),
            latency: Latency::default(),
            undecided,
            draw: Draw::new(draw_seed),
            journal: Journal::default(),
            delta_pages: crate::delta::Pages::default(),
            outbox: crate::mail::Outbox::default(),
            writes: 0,
            reads: 0,
        }
    }

    /// The stamp of the next write.
    pub(crate) fn stamp(&mut self) -> Stamp {
        self.writes += 1;
        Stamp { at_ms: self.now.as_millisecond(), write: self.writes, settle_ms: self.latency.settle_ms }
    }

    /// The eyes of the next request: with latency, those of some replica.
    pub(crate) fn next_view(&mut self, index: bool) -> View {
        if self.latency.settle_ms == 0 && self.writes == 0 {
            return View::PRIMARY;
        }
        self.reads += 1;
        let replica = mix(&[self.latency.seed, self.reads]) % self.latency.replicas.max(1);
        let replica = Some(mix(&[self.latency.seed, replica, 1]));
        View { now_ms: self.now.as_millisecond(), replica, index }
    }

    // ---- users

    /// A live user, as the primary has it.
    pub(crate) fn user(&self, id: Guid) -> Option<&User> {
        self.seen_user(View::PRIMARY, id)
    }

    /// A live user, as a reader sees it.
    pub(crate) fn seen_user(&self, view: View, id: Guid) -> Option<&User> {
        self.users.get(&id)?.seen(view).filter(|user| user.deleted.is_none())
    }

    /// All live users that a reader sees, in id order.
    pub(crate) fn live_users(&self, view: View) -> impl Iterator<Item = (Guid, &User)> {
        self.users.iter().filter_map(move |(id, history)| {
            history.seen(view).filter(|user| user.deleted.is_none()).map(|user| (*id, user))
        })
    }

    /// A live user by object id or principal name.
    pub(crate) fn find_user(&self, view: View, key: &str) -> Found<'_, User> {
        let id = match guid(key) {
            Some(id) => Some(id),
            None => self.user_named(view, key),
        };
        id.and_then(|id| self.seen_user(view, id).map(|user| (id, user))).ok_or_else(|| Refusal::missing(key))
    }

    /// The id behind a principal name, as a reader sees it.
    pub(crate) fn user_named(&self, view: View, upn: &str) -> Option<Guid> {
        if self.latency.settle_ms == 0 || view.replica.is_none() {
            return self.names.get(&upn.to_lowercase()).copied();
        }
        self.live_users(view).find(|(_, user)| user.upn().eq_ignore_ascii_case(upn)).map(|(id, _)| id)
    }

    pub(crate) fn add_user(&mut self, id: Guid, user: User) {
        let stamp = self.stamp();
        self.names.insert(user.upn().to_lowercase(), id);
        self.users.insert(id, History::created(stamp, user));
        self.journal.push(stamp, Kind::User, id, What::Life);
        self.seat_change(&BTreeSet::new(), &self.seats_of(id));
        self.wake_rules(id);
    }

    /// Puts a user in place without history: for the seed.
    pub(crate) fn plant_user(&mut self, id: Guid, user: User) {
        if user.deleted.is_none() {
            self.names.insert(user.upn().to_lowercase(), id);
        }
        self.users.insert(id, History::settled(user));
        self.seat_change(&BTreeSet::new(), &self.seats_of(id));
    }

    /// Changes a user, live or deleted.
    pub(crate) fn edit_user(&mut self, id: Guid, change: impl FnOnce(&mut User)) {
        let before = self.seats_of(id);
        let stamp = self.stamp();
        let Some(user) = self.users.get_mut(&id).and_then(|history| history.edit(stamp)) else { return };
        let (was_live, old_name) = (user.deleted.is_none(), user.upn().to_lowercase());
        let before_all = UserTrace::of(user);
        change(user);
        for what in before_all.changes(user) {
            self.journal.push(stamp, Kind::User, id, what);
        }
        let (is_live, new_name) = (user.deleted.is_none(), user.upn().to_lowercase());
        if was_live && (!is_live || old_name != new_name) {
            self.names.remove(&old_name);
        }
        if is_live {
            self.names.insert(new_name, id);
        }
        self.seat_change(&before, &self.seats_of(id));
        self.wake_rules(id);
    }

    /// Removes a user for good, from every group and every report too.
    pub(crate) fn erase_user(&mut self, id: Guid) {
        self.edit_user(id, |user| user.licenses.clear());
        let stamp = self.stamp();
        if let Some(history) = self.users.get_mut(&id) {
            history.erase(stamp);
            self.journal.push(stamp, Kind::User, id, What::Life);
        }
        for group in self.groups_with(id) {
            self.edit_members(group, &[], &[id]);
            self.edit_group(group, |group| {
                Arc::make_mut(&mut group.owners).remove(&id);
            });
        }
        let reports: Vec<Guid> = self
            .users
            .iter()
            .filter_map(|(report, history)| {
                history.current().is_some_and(|user| user.manager == Some(id)).then_some(*report)
            })
            .collect();
        for report in reports {
            self.edit_user(report, |user| user.manager = None);
        }
    }

    /// The products whose seats a user takes: none once deleted.
    fn seats_of(&self, id: Guid) -> BTreeSet<Guid> {
        let user = self.user(id);
        let held = user.iter().flat_map(|user| user.licenses.iter().filter(|license| license.held()));
        held.map(|license| license.sku).collect()
    }

    fn seat_change(&mut self, before: &BTreeSet<Guid>, after: &BTreeSet<Guid>) {
        if before == after {
            return;
        }
        let changes =
            before.difference(after).map(|sku| (*sku, -1)).chain(after.difference(before).map(|sku| (*sku, 1)));
        for (sku, by) in changes {
            let stamp = self.stamp();
            if let Some(consumed) = self.skus.get_mut(&sku).and_then(|sku| sku.consumed.edit(stamp)) {
                *consumed += by;
            }
        }
    }

    // ---- groups

    /// A live group, as the primary has it.
    pub(crate) fn group(&self, id: Guid) -> Option<&Group> {
        self.seen_group(View::PRIMARY, id)
    }

    /// A live group, as a reader sees it.
    pub(crate) fn seen_group(&self, view: View, id: Guid) -> Option<&Group> {
        self.groups.get(&id)?.seen(view).filter(|group| group.deleted.is_none())
    }

    /// All live groups that a reader sees, in id order.
    pub(crate) fn live_groups(&self, view: View) -> impl Iterator<Item = (Guid, &Group)> {
        self.groups.iter().filter_map(move |(id, history)| {
            history.seen(view).filter(|group| group.deleted.is_none()).map(|group| (*id, group))
        })
    }

    /// A live group by object id.
    pub(crate) fn find_group(&self, view: View, key: &str) -> Found<'_, Group> {
        let id = guid(key).ok_or_else(|| Refusal::not_a_guid(key))?;
        self.seen_group(view, id).map(|group| (id, group)).ok_or_else(|| Refusal::missing(key))
    }

    pub(crate) fn add_group(&mut self, id: Guid, group: Group) {
        let stamp = self.stamp();
        let joined: Vec<Guid> = group.members.iter().copied().collect();
        self.groups.insert(id, History::created(stamp, group));
        self.journal.push(stamp, Kind::Group, id, What::Life);
        if !joined.is_empty() {
            self.journal.push(stamp, Kind::Group, id, What::Relation { name: "members", joined, left: Vec::new() });
        }
        self.wake_rule_of(id);
    }

    /// Changes a group's own state. Memberships change through [`Self::join`] and [`Self::leave`].
    pub(crate) fn edit_group(&mut self, id: Guid, change: impl FnOnce(&mut Group)) {
        let stamp = self.stamp();
        if let Some(group) = self.groups.get_mut(&id).and_then(|history| history.edit(stamp)) {
            let before = GroupTrace::of(group);
            change(group);
            for what in before.changes(group) {
                self.journal.push(stamp, Kind::Group, id, what);
            }
        }
    }

    fn edit_members(&mut self, id: Guid, joined: &[Guid], left: &[Guid]) {
        let stamp = self.stamp();
        let Some(group) = self.groups.get_mut(&id).and_then(|history| history.edit(stamp)) else { return };
        let members = Arc::make_mut(&mut group.members);
        let joined: Vec<Guid> = joined.iter().copied().filter(|member| members.insert(*member)).collect();
        let left: Vec<Guid> = left.iter().copied().filter(|member| members.remove(member)).collect();
        if !joined.is_empty() || !left.is_empty() {
            self.journal.push(stamp, Kind::Group, id, What::Relation { name: "members", joined, left });
        }
    }

    /// Adds members, all in one write.
    pub(crate) fn join(&mut self, group: Guid, members: &[Guid]) {
        self.edit_members(group, members, &[]);
        self.wake_licensing(group, members);
    }

    /// Takes one member out.
    pub(crate) fn leave(&mut self, group: Guid, member: Guid) {
        self.edit_members(group, &[], &[member]);
        self.wake_licensing(group, &[member]);
    }

    /// Removes a group for good, from the groups it was nested in too.
    pub(crate) fn erase_group(&mut self, id: Guid) {
        let stamp = self.stamp();
        if let Some(history) = self.groups.get_mut(&id) {
            history.erase(stamp);
            self.journal.push(stamp, Kind::Group, id, What::Life);
        }
        for parent in self.direct_groups(View::PRIMARY, id) {
            self.leave(parent, id);
        }
    }

    /// The groups, deleted ones included, that list somebody as member or owner.
    fn groups_with(&self, id: Guid) -> Vec<Guid> {
        let lists = |group: &Group| group.members.contains(&id) || group.owners.contains(&id);
        self.groups.iter().filter(|(_, history)| history.current().is_some_and(lists)).map(|(id, _)| *id).collect()
    }

    /// The groups somebody is directly in, as a reader sees it, in id order.
    pub(crate) fn direct_groups(&self, view: View, member: Guid) -> Vec<Guid> {
        self.live_groups(view).filter(|(_, group)| group.members.contains(&member)).map(|(id, _)| id).collect()
    }

    /// The groups somebody is in directly or through nesting, in id order.
    pub(crate) fn transitive_groups(&self, view: View, member: Guid) -> BTreeSet<Guid> {
        let mut found = BTreeSet::new();
        let mut frontier = self.direct_groups(view, member);
        while let Some(group) = frontier.pop() {
            if found.insert(group) {
                frontier.extend(self.direct_groups(view, group));
            }
        }
        found
    }

    // ---- ids

    /// A stable id for something that has only a name.
    pub(crate) fn id_of_name(name: &str) -> Guid {
        crate::ids::shaped(hash_text(name), mix(&[hash_text(name)]))
    }
}
