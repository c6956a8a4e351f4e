//! The one loop in which a person is changed: load, change in memory, commit; again if the head has moved on since it was loaded.

use crate::ids::PersonId;
use crate::person::{Person, TimelineEntry};
use crate::ports::{Roster, StoreError};

/// How often a change is repeated on a fresh load before the conflict is handed on.
const TRIES_MAX: usize = 8;

/// What a change commits besides the person.
#[derive(Debug, Default)]
pub struct Aside {
    /// Entries for the timeline.
    pub timeline: Vec<TimelineEntry>,
    /// Raises or lowers the fence.
    pub fence: Option<bool>,
}

/// Loads the person (a new one if nothing is known), changes it and commits what changed, in one transaction. The change may run
/// several times, each time on a fresh load, so it must not remember.
pub async fn amend<R>(
    roster: &dyn Roster,
    id: &PersonId,
    mut change: impl FnMut(&mut Person, &mut Aside) -> R,
) -> Result<(Person, R), StoreError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let before = roster.person(id).await?.unwrap_or_else(|| Person::new(id.clone()));
        let mut person = before.clone();
        let mut aside = Aside::default();
        let answer = change(&mut person, &mut aside);
        let mut commit = person.change_since(&before);
        commit.fence = aside.fence;
        commit.timeline = aside.timeline;
        if let Some(head) = &commit.head {
            person.head.version = head.version;
        }
        if commit.is_empty() {
            return Ok((person, answer));
        }
        match roster.commit(commit).await {
            Ok(()) => return Ok((person, answer)),
            Err(StoreError::Conflict) if tries < TRIES_MAX => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::task::{Context, Poll, Waker};

    use async_trait::async_trait;
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::ids::SkuId;
    use crate::ledger::{Grant, Origin, Target};
    use crate::person::{Change, TimelineKind};
    use crate::ports::Handle;
    use crate::sample::{ACCOUNT, OTHER, SALES, STAFF, at, said};
    use crate::step::{Action, Step, StepId, StepState};

    /// One person, kept as the port promises; before each of the first commits somebody else adds a refused name.
    #[derive(Default)]
    struct Memory {
        person: Mutex<Option<Person>>,
        timeline: Mutex<Vec<TimelineEntry>>,
        intruders: Mutex<usize>,
        commits: Mutex<usize>,
    }

    impl Memory {
        fn store(&self, change: Change) -> Result<(), StoreError> {
            let mut stored = self.person.lock().unwrap();
            let mut person = stored.clone().unwrap_or_else(|| Person::new(change.person.clone()));
            if change.rests_on != person.head.version {
                return Err(StoreError::Conflict);
            }
            person.head = change.head.unwrap_or(person.head);
            person.steps.extend(change.put_steps.into_iter().map(|step| (step.id.clone(), step)));
            person.steps.retain(|id, _| !change.delete_steps.contains(id));
            person.grants.extend(change.put_grants.into_iter().map(|grant| (grant.target.clone(), grant)));
            person.grants.retain(|target, _| !change.delete_grants.contains(target));
            self.timeline.lock().unwrap().extend(change.timeline);
            *stored = Some(person);
            Ok(())
        }

        fn refused(&self) -> Vec<String> {
            self.person
                .lock()
                .unwrap()
                .as_ref()
                .map(|person| person.head.account.refused_upns.clone())
                .unwrap_or_default()
        }

        fn intrude(&self) {
            let mut left = self.intruders.lock().unwrap();
            if *left > 0 {
                *left -= 1;
                let before = self.person.lock().unwrap().clone().unwrap_or_else(|| Person::new(id()));
                let mut after = before.clone();
                after.head.account.refused_upns.push(format!("other{left}"));
                self.store(after.change_since(&before)).unwrap();
            }
        }
    }

    #[async_trait]
    impl Roster for Memory {
        async fn person(&self, _: &PersonId) -> Result<Option<Person>, StoreError> {
            Ok(self.person.lock().unwrap().clone())
        }
        async fn commit(&self, change: Change) -> Result<(), StoreError> {
            *self.commits.lock().unwrap() += 1;
            self.intrude();
            self.store(change)
        }
        async fn timeline(&self, _: &PersonId, _: usize) -> Result<Vec<TimelineEntry>, StoreError> {
            Ok(self.timeline.lock().unwrap().clone())
        }
        async fn find(&self, _: &Handle) -> Result<Vec<PersonId>, StoreError> {
            Ok(Vec::new())
        }
        async fn list(&self, _: Option<&PersonId>, _: usize) -> Result<Vec<PersonId>, StoreError> {
            Ok(Vec::new())
        }
        async fn take_due(&self, _: Timestamp, _: Timestamp, _: usize) -> Result<Vec<PersonId>, StoreError> {
            Ok(Vec::new())
        }
        async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
            Ok(None)
        }
        async fn waiting_for(&self, _: &SkuId, _: usize) -> Result<Vec<PersonId>, StoreError> {
            Ok(Vec::new())
        }
    }

    /// Nothing in memory ever waits, so one poll is enough.
    fn now<F: Future>(future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => unreachable!("memory waits for nothing"),
        }
    }

    fn id() -> PersonId {
        "hr:7".parse().unwrap()
    }

    fn granted(target: Target) -> Grant {
        Grant { target, origin: Origin::Ours, held: true, reasons: Vec::new(), since: at("2026-03-01") }
    }

    fn refuse(person: &mut Person, aside: &mut Aside) {
        person.head.account.refused_upns.push("mine".into());
        let text = "refused".to_owned();
        let entry = TimelineEntry {
            at: at("2026-03-10"),
            kind: TimelineKind::Decided,
            function: "test".into(),
            text,
            correlation_id: "c".into(),
        };
        aside.timeline.push(entry);
    }

    #[test]
    fn a_change_is_repeated_on_a_fresh_load_and_nobody_elses_is_lost() {
        let roster = Memory { intruders: Mutex::new(3), ..Memory::default() };
        let mut runs = 0;
        let (person, ()) = now(amend(&roster, &id(), |person, aside| {
            runs += 1;
            refuse(person, aside);
        }))
        .unwrap();
        assert_eq!(roster.refused(), ["other2", "other1", "other0", "mine"]);
        assert_eq!(runs, 4);
        assert_eq!(roster.timeline.lock().unwrap().len(), 1, "what was tried in vain left no line");
        assert_eq!(Some(person), *roster.person.lock().unwrap(), "what is returned is what is stored");
    }

    #[test]
    fn what_leaves_the_head_as_it_is_rests_on_it_all_the_same() {
        let roster = Memory { intruders: Mutex::new(1), ..Memory::default() };
        let target = Target::Group(SALES.parse().unwrap());
        let may_have = |person: &Person| person.head.account.refused_upns.is_empty();
        let (person, ()) = now(amend(&roster, &id(), |person, _| {
            if may_have(person) {
                person.grants.insert(target.clone(), granted(target.clone()));
            }
        }))
        .unwrap();
        assert_eq!(person.grants.len(), 0, "what was decided on another head is decided anew");
        assert_eq!(Some(person), *roster.person.lock().unwrap());
    }

    #[test]
    fn a_conflict_that_does_not_end_is_handed_on_and_leaves_nothing_behind() {
        let roster = Memory { intruders: Mutex::new(usize::MAX), ..Memory::default() };
        assert!(matches!(now(amend(&roster, &id(), refuse)), Err(StoreError::Conflict)));
        assert_eq!(*roster.commits.lock().unwrap(), TRIES_MAX);
        assert!(!roster.refused().contains(&"mine".to_owned()));
    }

    #[test]
    fn what_changes_nothing_commits_nothing() {
        let roster = Memory::default();
        let (person, answer) = now(amend(&roster, &id(), |_, _| 7)).unwrap();
        assert_eq!((person.head.version, answer, *roster.commits.lock().unwrap()), (0, 7, 0));
    }

    #[test]
    fn a_fence_alone_is_something_to_commit() {
        let roster = Memory::default();
        now(amend(&roster, &id(), |_, aside| aside.fence = Some(true))).unwrap();
        assert_eq!(*roster.commits.lock().unwrap(), 1);
    }

    fn people() -> impl Strategy<Value = Person> {
        let steps = proptest::collection::btree_map(0..4_u8, 0..3_u8, 0..4);
        let grants = proptest::sample::subsequence(vec![SALES, STAFF, OTHER], 0..=3);
        (steps, grants, any::<bool>(), any::<bool>(), 0..3_u32).prop_map(|(steps, grants, held, bound, generation)| {
            let mut person = Person::new(id());
            for (manager, attempts) in steps {
                let manager = format!("{manager:08}-0000-0000-0000-000000000000").parse().unwrap();
                let action = Action::SetManager { manager };
                let id = StepId::derive(&person.head.person, 0, &action);
                let (why, attempts) = (String::new(), u32::from(attempts));
                let step = Step {
                    id: id.clone(),
                    generation: 0,
                    round: 1,
                    action,
                    why,
                    state: StepState::Pending,
                    attempts,
                    wake_at: None,
                    by_hand: false,
                };
                person.steps.insert(id, step);
            }
            for group in grants {
                let target = Target::Group(group.parse().unwrap());
                person.grants.insert(target.clone(), Grant { held, ..granted(target) });
            }
            person.head.account.object_id = bound.then(|| ACCOUNT.parse().unwrap());
            person.head.generation = generation;
            person.head.record.apply(&said("hr", "2026-03-01 hire_date=2020-01-01"));
            person
        })
    }

    proptest! {
        #[test]
        fn what_changed_since_before_applied_to_before_gives_after(before in people(), after in people()) {
            let roster = Memory { person: Mutex::new(Some(before.clone())), ..Memory::default() };
            let mut change = after.change_since(&before);
            prop_assert_eq!(change.is_empty(), before == after);
            prop_assert_eq!(change.head.is_some(), before.head != after.head);
            change.timeline.clear();
            roster.store(change).unwrap();
            let mut stored = roster.person.lock().unwrap().clone().unwrap();
            stored.head.version = after.head.version;
            prop_assert_eq!(stored, after);
        }

        #[test]
        fn a_person_is_read_back_as_it_was_stored(person in people()) {
            let again = |text: String| serde_json::from_str::<crate::person::Head>(&text).unwrap();
            prop_assert_eq!(again(serde_json::to_string(&person.head).unwrap()), person.head);
            for step in person.steps.into_values() {
                prop_assert_eq!(serde_json::from_str::<Step>(&serde_json::to_string(&step).unwrap()).unwrap(), step);
            }
        }
    }
}
