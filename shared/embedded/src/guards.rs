//! Guards: who was admitted, is held, was released or refused. The count and the admission that rests on it are one
//! transaction, so that however many workers ask at once, no more pass than the guard allows.

use async_trait::async_trait;
use domain::guard::{HeldAction, Request, Verdict, limit};
use domain::ids::PersonId;
use domain::policy::{Guard, GuardKind};
use domain::ports::{Guards, StoreError};
use rusqlite::{Connection, Params};

use crate::columns::{Query, at_most, column, corrupt, execute, instant, micros, rows};
use crate::store::Store;

const ADMITTED: &str = "admitted";
const HELD: &str = "held";
const RELEASED: &str = "released";
const REFUSED: &str = "refused";

/// What a human decides about something held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may be carried out, beyond the guard's count.
    Release,
    /// It must not, until the person's facts change.
    Refuse,
}

#[async_trait]
impl Guards for Store {
    async fn admit(&self, request: &Request, guard: &Guard) -> Result<Verdict, StoreError> {
        self.write(|connection| {
            let key = (request.kind.word(), request.person.to_string(), &request.subject);
            let stored = rows(
                connection,
                "SELECT state, facts FROM guarded WHERE kind = ?1 AND person = ?2 AND subject = ?3",
                key,
                |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
            )?;
            match stored.first().map(|(state, facts)| (state.as_str(), facts)) {
                Some((ADMITTED, _)) => Ok(Verdict::Admitted),
                Some((HELD, facts)) if *facts == request.facts => Ok(Verdict::Held),
                // What is released or refused later is what was asked for last.
                Some((HELD, _)) => restate(connection, request),
                Some((RELEASED, facts)) if *facts == request.facts => {
                    decide(connection, request, ADMITTED, Verdict::Admitted)
                }
                Some((REFUSED, facts)) if *facts == request.facts => Ok(Verdict::Refused),
                Some((RELEASED | REFUSED, _)) | None => judge(connection, request, guard),
                Some(_) => Err(corrupt("guarded", "a known state")),
            }
        })
    }
}

impl Store {
    /// What guards hold, and what was refused, longest first; at most `limit`.
    pub fn held_actions(&self, limit: usize) -> Result<Vec<HeldAction>, StoreError> {
        self.read(|connection| {
            let stored = rows(
                connection,
                "SELECT kind, person, state, why, at, decided FROM guarded WHERE state IN ('held', 'refused')
                 ORDER BY at, person, kind LIMIT ?1",
                [at_most(limit)],
                |row| {
                    let words: [String; 4] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
                    Ok((words, row.get::<_, i64>(4)?, row.get::<_, Option<String>>(5)?))
                },
            )?;
            stored
                .into_iter()
                .map(|([kind, person, state, why], at, decided)| {
                    let kind = GuardKind::ALL.into_iter().find(|known| known.word() == kind);
                    Ok(HeldAction {
                        kind: kind.ok_or_else(|| corrupt("guarded", "a kind of guard"))?,
                        person: person.parse().map_err(|_| corrupt("guarded", "a person's id"))?,
                        refused: state == REFUSED,
                        why,
                        since: instant("guarded", at)?,
                        decided,
                    })
                })
                .collect()
        })
    }

    /// Decides everything a guard of this kind holds (or has refused) of a person. `decided` says who, and why. False: there
    /// was nothing to decide.
    pub fn decide_guarded(
        &self,
        kind: GuardKind,
        person: &PersonId,
        decision: Decision,
        decided: &str,
    ) -> Result<bool, StoreError> {
        let state = match decision {
            Decision::Release => RELEASED,
            Decision::Refuse => REFUSED,
        };
        self.write(|connection| {
            let changed = execute(
                connection,
                "UPDATE guarded SET state = ?3, decided = ?4
                 WHERE kind = ?1 AND person = ?2 AND state IN ('held', 'refused')",
                (kind.word(), person.to_string(), state, decided),
            )?;
            Ok(changed > 0)
        })
    }
}

/// Admits a new request if it stays within the guard, else holds it.
fn judge(connection: &Connection, request: &Request, guard: &Guard) -> Query<Verdict> {
    let population = count(connection, "SELECT count(*) FROM people WHERE object_id IS NOT NULL", [])?;
    let begins = request.now.saturating_sub(guard.window).unwrap_or(request.now);
    let others = count(
        connection,
        "SELECT count(DISTINCT person) FROM guarded WHERE kind = ?1 AND state = 'admitted' AND at > ?2 AND person <> ?3",
        (request.kind.word(), micros(begins), request.person.to_string()),
    )?;
    if limit(guard, population).is_none_or(|limit| others < limit) {
        decide(connection, request, ADMITTED, Verdict::Admitted)
    } else {
        decide(connection, request, HELD, Verdict::Held)
    }
}

fn count(connection: &Connection, sql: &str, params: impl Params) -> Query<u64> {
    let counted = column::<i64>(connection, sql, params)?;
    Ok(counted.first().and_then(|count| u64::try_from(*count).ok()).unwrap_or(0))
}

fn decide(connection: &Connection, request: &Request, state: &str, verdict: Verdict) -> Query<Verdict> {
    execute(
        connection,
        "INSERT INTO guarded (kind, person, subject, facts, state, why, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (kind, person, subject) DO UPDATE SET facts = excluded.facts, state = excluded.state, why = excluded.why,
             at = excluded.at, decided = CASE excluded.state WHEN 'held' THEN NULL ELSE decided END",
        (
            request.kind.word(),
            request.person.to_string(),
            &request.subject,
            &request.facts,
            state,
            &request.why,
            micros(request.now),
        ),
    )?;
    Ok(verdict)
}

/// Asked for again on other facts: still held, and since then.
fn restate(connection: &Connection, request: &Request) -> Query<Verdict> {
    execute(
        connection,
        "UPDATE guarded SET facts = ?4, why = ?5 WHERE kind = ?1 AND person = ?2 AND subject = ?3",
        (request.kind.word(), request.person.to_string(), &request.subject, &request.facts, &request.why),
    )?;
    Ok(Verdict::Held)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::ports::Clock;
    use jiff::SignedDuration;

    use super::*;
    use crate::testing::Room;

    const TWO: Guard = Guard { people: Some(2), percent: None, window: SignedDuration::from_hours(1) };

    async fn ask(room: &Room, person: &str, subject: &str, facts: &str) -> Verdict {
        let request = Request {
            kind: GuardKind::Disable,
            person: format!("hr:{person}").parse().unwrap(),
            subject: subject.into(),
            facts: facts.into(),
            why: "left".into(),
            now: room.clock.now(),
        };
        room.store.admit(&request, &TWO).await.unwrap()
    }

    fn decide(room: &Room, person: &str, decision: Decision) -> bool {
        let person = format!("hr:{person}").parse().unwrap();
        room.store.decide_guarded(GuardKind::Disable, &person, decision, "ana: checked").unwrap()
    }

    #[tokio::test]
    async fn a_guard_counts_distinct_people_and_nothing_twice() {
        let room = Room::new();
        assert_eq!(ask(&room, "1", "generation 1", "a").await, Verdict::Admitted);
        assert_eq!(ask(&room, "1", "generation 1", "b").await, Verdict::Admitted);
        assert_eq!(ask(&room, "1", "generation 3", "b").await, Verdict::Admitted);
        assert_eq!(ask(&room, "2", "generation 1", "a").await, Verdict::Admitted);
        assert_eq!(ask(&room, "3", "generation 1", "a").await, Verdict::Held);
        assert_eq!(room.store.held_actions(10).unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_is_held_stays_held_when_the_window_has_passed_and_new_people_pass() {
        let room = Room::new();
        for person in ["1", "2", "3"] {
            ask(&room, person, "generation 1", "a").await;
        }
        room.clock.turn(Duration::from_hours(2));
        assert_eq!(ask(&room, "3", "generation 1", "a").await, Verdict::Held);
        assert_eq!(ask(&room, "4", "generation 1", "a").await, Verdict::Admitted);
    }

    #[tokio::test]
    async fn a_release_admits_beyond_the_count_and_a_refusal_stands_until_the_facts_change() {
        let room = Room::new();
        for person in ["1", "2", "3", "4"] {
            ask(&room, person, "generation 1", "a").await;
        }
        assert!(decide(&room, "3", Decision::Release) && decide(&room, "4", Decision::Refuse));
        assert_eq!(ask(&room, "3", "generation 1", "a").await, Verdict::Admitted);
        assert_eq!(ask(&room, "4", "generation 1", "a").await, Verdict::Refused);
        assert_eq!(ask(&room, "4", "generation 1", "b").await, Verdict::Held, "judged anew, and the window is full");
        assert!(!decide(&room, "1", Decision::Refuse), "what was admitted is done");
    }

    #[tokio::test]
    async fn a_release_binds_to_the_facts_it_was_given_for() {
        let room = Room::new();
        for person in ["1", "2", "3", "4"] {
            ask(&room, person, "generation 1", "a").await;
        }
        // Asked for on other facts before the release: it is those that are released.
        assert_eq!(ask(&room, "3", "generation 1", "b").await, Verdict::Held);
        assert!(decide(&room, "3", Decision::Release) && decide(&room, "4", Decision::Release));
        assert_eq!(ask(&room, "3", "generation 1", "b").await, Verdict::Admitted);
        assert_eq!(ask(&room, "4", "generation 1", "b").await, Verdict::Held, "on other facts");
        let held = room.store.held_actions(10).unwrap();
        let [held] = held.as_slice() else { panic!("{held:?}") };
        assert_eq!((held.person.source_id(), held.decided.as_deref()), ("4", None), "nothing is decided of it");
    }

    #[test]
    fn workers_that_ask_at_once_share_one_count() {
        let room = Room::new();
        let now = room.clock.now();
        let workers: Vec<_> = (0..8).map(|id| (id, room.second())).collect();
        let admitted = std::thread::scope(|scope| {
            let asked = workers.iter().map(|(id, store)| {
                let request = Request {
                    kind: GuardKind::Disable,
                    person: format!("hr:{id}").parse().unwrap(),
                    subject: "generation 1".into(),
                    facts: "a".into(),
                    why: "left".into(),
                    now,
                };
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(store.admit(&request, &TWO)).unwrap()
                })
            });
            let asked: Vec<_> = asked.collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).filter(|v| *v == Verdict::Admitted).count()
        });
        assert_eq!(admitted, 2);
    }
}
