//! Replicas without copies of the tenant: every object keeps its own recent writes, and a read decides, write by
//! write, whether the replica it hit has heard of it yet.
//!
//! A write made at `at` is seen by replica `k` once `at + lag(k, write) <= now`, where the lag is a fixed
//! pseudo-random number of milliseconds, at most the settling time in force *when the write was made*. Two reads a moment
//! apart may hit different replicas and disagree; after the settling time all agree. With a settling time of zero an
//! object has exactly one version and is changed in place.

use crate::ids::mix;

/// When and as the how-manieth a write happened, and how long it may stay unseen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub at_ms: i64,
    pub write: u64,
    pub settle_ms: u64,
}

/// Whose eyes a request reads with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub now_ms: i64,
    /// The replica that was hit, already mixed with the seed; `None` is the primary, which sees everything.
    pub replica: Option<u64>,
    /// Advanced queries are answered from an index, which is never ahead of the median replica.
    pub index: bool,
}

impl View {
    /// The view of the primary copy, which validates and carries out writes.
    pub(crate) const PRIMARY: Self = Self { now_ms: 0, replica: None, index: false };

    /// Whether a write has reached this reader.
    pub(crate) fn shows(self, stamp: Stamp) -> bool {
        let Some(replica) = self.replica else { return true };
        if stamp.settle_ms == 0 {
            return true;
        }
        let mut lag_ms = mix(&[replica, stamp.write]) % (stamp.settle_ms + 1);
        if self.index {
            lag_ms = lag_ms.max(stamp.settle_ms / 2);
        }
        self.now_ms >= stamp.at_ms.saturating_add_unsigned(lag_ms)
    }
}

#[derive(Clone, Debug)]
struct Version<T> {
    stamp: Stamp,
    /// `None`: the object is gone for good.
    value: Option<T>,
}

/// One object and those of its former states that a replica may still show.
#[derive(Clone, Debug)]
pub(crate) struct History<T> {
    latest: Version<T>,
    /// Oldest first; empty unless a write has not settled.
    older: Vec<Version<T>>,
    /// What a replica that has heard of no kept version shows: nothing for an object that was young, otherwise the
    /// oldest kept version.
    born: bool,
}

impl<T: Clone> History<T> {
    /// An object that has always been there.
    pub(crate) fn settled(value: T) -> Self {
        let stamp = Stamp { at_ms: 0, write: 0, settle_ms: 0 };
        Self { latest: Version { stamp, value: Some(value) }, older: Vec::new(), born: true }
    }

    /// An object created just now.
    pub(crate) fn created(stamp: Stamp, value: T) -> Self {
        Self { latest: Version { stamp, value: Some(value) }, older: Vec::new(), born: stamp.settle_ms == 0 }
    }

    /// The truth: what the last acknowledged write left.
    pub(crate) fn current(&self) -> Option<&T> {
        self.latest.value.as_ref()
    }

    /// What a read sees.
    pub(crate) fn seen(&self, view: View) -> Option<&T> {
        if view.shows(self.latest.stamp) {
            return self.latest.value.as_ref();
        }
        match self.older.iter().rev().find(|version| view.shows(version.stamp)) {
            Some(version) => version.value.as_ref(),
            None if self.born => self.older.first().unwrap_or(&self.latest).value.as_ref(),
            None => None,
        }
    }

    /// Opens the object for one write; `None` when it is gone.
    pub(crate) fn edit(&mut self, stamp: Stamp) -> Option<&mut T> {
        self.keep(stamp);
        self.latest.value.as_mut()
    }

    /// Removes the object for good.
    pub(crate) fn erase(&mut self, stamp: Stamp) {
        self.keep(stamp);
        self.latest.value = None;
    }

    /// Makes `latest` the version that the coming write changes, keeping the former state where it may still be shown.
    fn keep(&mut self, stamp: Stamp) {
        if stamp.settle_ms == 0 {
            self.older.clear();
            self.born = true;
        } else {
            let settled = |version: &Version<T>| {
                version.stamp.at_ms.saturating_add_unsigned(version.stamp.settle_ms) <= stamp.at_ms
            };
            self.older.push(self.latest.clone());
            if let Some(last) = self.older.iter().rposition(settled) {
                self.older.drain(..last);
                self.born = true;
            }
        }
        self.latest.stamp = stamp;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn view(replica: u64, now_ms: i64) -> View {
        View { now_ms, replica: Some(replica), index: false }
    }

    #[test]
    fn without_settling_time_a_write_is_seen_at_once_and_nothing_is_kept() {
        let mut history = History::settled(1);
        *history.edit(Stamp { at_ms: 10, write: 1, settle_ms: 0 }).unwrap() = 2;
        assert_eq!(history.seen(view(3, 10)), Some(&2));
        assert!(history.older.is_empty());
    }

    #[test]
    fn a_young_object_is_missing_on_some_replica_and_present_on_another() {
        let history = History::created(Stamp { at_ms: 0, write: 5, settle_ms: 1000 }, 1);
        let seen: Vec<bool> = (0..20).map(|replica| history.seen(view(replica, 500)).is_some()).collect();
        assert!(seen.contains(&true) && seen.contains(&false));
    }

    proptest! {
        #[test]
        fn after_the_settling_time_every_replica_agrees_with_the_primary(
            gaps in prop::collection::vec(0_i64..2000, 1..12), replica: u64, settle_ms in 0_u64..3000, index: bool,
        ) {
            let mut at_ms = 0;
            let mut history = History::created(Stamp { at_ms, write: 0, settle_ms }, 0_usize);
            for (write, gap) in gaps.iter().enumerate() {
                at_ms += gap;
                let stamp = Stamp { at_ms, write: write as u64 + 1, settle_ms };
                *history.edit(stamp).unwrap() = write + 1;
            }
            let late = View { now_ms: at_ms.saturating_add_unsigned(settle_ms), replica: Some(replica), index };
            prop_assert_eq!(history.seen(late), history.current());
        }

        #[test]
        fn one_replica_never_goes_back_behind_what_has_settled(
            gaps in prop::collection::vec(1_i64..2000, 1..12), replica: u64,
        ) {
            let settle_ms = 1000;
            let mut at_ms = 0;
            let mut history = History::settled(0_usize);
            for (write, gap) in gaps.iter().enumerate() {
                at_ms += gap;
                *history.edit(Stamp { at_ms, write: write as u64 + 1, settle_ms }).unwrap() = write + 1;
                let floor = gaps.iter().enumerate().filter(|(i, _)| {
                    gaps.iter().take(i + 1).sum::<i64>() + 1000 <= at_ms && *i <= write
                }).map(|(i, _)| i + 1).max().unwrap_or(0);
                prop_assert!(*history.seen(view(replica, at_ms)).unwrap() >= floor);
            }
        }
    }
}
