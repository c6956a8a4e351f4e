//! The life stories of `stories.txt`, and the law of `next_due`.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Standing, Want, standing};
use crate::event::{FactValue, WorkerEvent};
use crate::ids::PersonId;
use crate::person::Person;
use crate::policy::{PersonKind, Policy};
use crate::sample::{at, policy, said};

/// The fewest expectations the file may hold, so that a reader that skips lines is seen.
const EXPECTATIONS_MIN: usize = 120;

struct Story<'a> {
    connection: &'a str,
    name: &'a str,
    heard: Vec<WorkerEvent>,
    policy: Policy,
}

impl Story<'_> {
    fn standing(&self, events: &[WorkerEvent], now: Timestamp) -> (Person, Standing) {
        let mut person = Person::new(PersonId::new(self.connection, "7").unwrap());
        for event in events {
            person.head.record.apply(event);
        }
        let standing = standing(&person, &self.policy, now);
        (person, standing)
    }

    /// What is so at an instant; the same must come of the story told backwards and twice.
    fn look(&self, now: &str) -> (Person, Standing) {
        let told = self.standing(&self.heard, at(now));
        let backwards: Vec<_> = self.heard.iter().rev().chain(&self.heard).cloned().collect();
        assert_eq!(told, self.standing(&backwards, at(now)), "{} (told backwards)", self.name);
        told
    }

    fn check(&self, line: &str) {
        let (what, rest) = line.split_once(' ').unwrap();
        let words: Vec<_> = rest.split_whitespace().collect();
        let (person, standing) = self.look(words[0]);
        let seen = match what {
            "=" => {
                let end = words[3];
                let expected = (end != "-").then(|| at(end));
                assert_eq!(standing.end, expected, "{}: {line}: {}", self.name, standing.why);
                format!("{} {} {end}", standing.phase.as_str(), word(standing.want))
            }
            "kind" => match standing.kind {
                PersonKind::Tenant => "tenant".into(),
                PersonKind::Guest => "guest".into(),
                PersonKind::None => "none".into(),
            },
            "start" => standing.start.map_or("-".into(), |start| start.to_string()),
            "faults" if standing.faults.is_empty() => "-".into(),
            "faults" => standing.faults.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>().join(","),
            "fact" => match person.head.record.fact(words[1], standing.today, &standing.zone) {
                Some(FactValue::Text(text)) => format!("{} {text}", words[1]),
                Some(FactValue::Null) => format!("{} null", words[1]),
                _ => format!("{} -", words[1]),
            },
            _ => panic!("`{line}` is no expectation"),
        };
        assert_eq!(seen, words[1..].join(" "), "{}: {line}: {}", self.name, standing.why);
    }
}

fn word(want: Want) -> &'static str {
    match want {
        Want::Nothing => "nothing",
        Want::Disabled => "disabled",
        Want::Enabled => "enabled",
        Want::Cut => "cut",
        Want::Deleted => "deleted",
    }
}

#[test]
fn every_life_story_goes_as_it_should() {
    let mut story = Story { connection: "hr", name: "", heard: Vec::new(), policy: policy() };
    let mut expectations = 0;
    for line in include_str!("stories.txt").lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        if let Some(title) = line.strip_prefix("## ") {
            (story.connection, story.name) = title.split_once(": ").unwrap();
            story.heard.clear();
        } else if let Some(words) = line.strip_prefix("- ") {
            story.heard.push(said(story.connection, words));
        } else {
            story.check(line);
            expectations += 1;
        }
    }
    assert!(expectations >= EXPECTATIONS_MIN, "only {expectations} expectations were read");
}

#[test]
fn a_connection_the_policy_no_longer_names_grants_and_cuts_nothing() {
    let mut story = Story {
        connection: "hr",
        name: "",
        heard: vec![said("hr", "2026-03-01 hire_date=2020-01-01 immediate=true")],
        policy: policy(),
    };
    assert_eq!(story.look("2026-03-02").1.want, Want::Cut);
    story.policy.connections.clear();
    let (_, standing) = story.look("2026-03-02");
    assert_eq!((standing.want, standing.next_due), (Want::Nothing, None));
}

#[test]
fn the_source_deleting_its_record_is_a_finding_until_it_speaks_again() {
    let mut story = Story {
        connection: "hr",
        name: "",
        heard: vec![said("hr", "2026-03-01 hire_date=2020-01-01")],
        policy: policy(),
    };
    story.heard.push(said("hr", "2026-03-02 kind=record_deleted"));
    assert!(story.look("2026-03-03").0.head.record.is_deleted_at_source());
    story.heard.push(said("hr", "2026-03-04 status=active"));
    assert!(!story.look("2026-03-05").0.head.record.is_deleted_at_source());
}

#[test]
fn accounts_are_never_deleted_if_the_policy_says_never() {
    let mut story = Story {
        connection: "hr",
        name: "",
        heard: vec![said("hr", "2026-03-01 hire_date=2020-01-01 end_date=2026-03-02")],
        policy: policy(),
    };
    story.policy.accounts.delete_days_after = None;
    assert_eq!(story.look("2036-03-02").1.want, Want::Cut);
}

/// Whether a word of HR can lift a revoke said before it: a cancellation, or a date that may open a new term.
fn may_lift(line: &str) -> bool {
    ["cancelled=", "hire_date=", "first_day_of_work="].iter().any(|word| line.contains(word))
}

proptest! {
    /// Invariant 8: whatever was said before the revoke and comes late, and whatever merely repeats afterwards, lifts nothing.
    #[test]
    fn a_leaver_never_regains_access_through_a_late_or_repeated_message(
        lines in proptest::collection::vec(crate::record::generated::line(), 0..10),
        late in 0..10_usize,
        hours in 0..9_000_i64,
    ) {
        let revoke = "2026-04-12T12:30 immediate=true";
        let heard = |line: &&String| line.as_str() < revoke || !may_lift(line);
        let mut heard: Vec<_> = lines.iter().filter(heard).map(|line| said("hr", line)).collect();
        heard.insert(late.min(heard.len()), said("hr", revoke));
        let story = Story { connection: "hr", name: "", heard, policy: policy() };
        let standing = story.standing(&story.heard, at("2026-04-12T12:30") + SignedDuration::from_hours(hours)).1;
        prop_assert!(standing.is_cut(), "{:?}: {}", standing.want, standing.why);
    }

    /// Nobody looks at a person before `next_due` unless HR speaks, so nothing may change by time alone before it.
    #[test]
    fn the_standing_is_constant_from_now_to_next_due_which_is_later_than_now(
        lines in proptest::collection::vec(crate::record::generated::line(), 1..8),
        minutes in 0..300_000_i64,
        shares in proptest::collection::vec(0.0..1.0_f64, 4),
        connection in proptest::sample::select(vec!["hr", "ny", "hibob"]),
    ) {
        let heard: Vec<_> = lines.iter().map(|line| said(connection, line)).collect();
        let story = Story { connection, name: "", heard, policy: policy() };
        let now = at("2026-02-01") + SignedDuration::from_mins(minutes);
        let (person, first) = story.standing(&story.heard, now);
        let due = first.next_due.unwrap_or_else(|| now + SignedDuration::from_hours(24 * 400));
        prop_assert!(due > now);
        let last = due - SignedDuration::from_secs(1);
        let span = last.duration_since(now).max(SignedDuration::ZERO);
        for share in shares.into_iter().chain([1.0]) {
            let then = now + SignedDuration::from_secs_f64((span.as_secs_f64() * share).floor());
            let later = story.standing(&story.heard, then).1;
            let facts = |standing: &Standing| {
                let facts = person.head.record.facts_on(standing.today, &standing.zone);
                facts.map(|(field, value)| (field, value.clone())).collect::<Vec<_>>()
            };
            prop_assert_eq!(facts(&first), facts(&later));
            prop_assert_eq!(&Standing { today: first.today, ..later }, &first, "at {}", then);
        }
    }
}
