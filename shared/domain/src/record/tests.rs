//! The laws of merging.

use proptest::prelude::*;

use super::generated::line;
use super::{EFFECTIVE_DATES_MAX, Record};
use crate::event::WorkerEvent;
use crate::lifecycle::standing;
use crate::person::Person;
use crate::sample::{at, policy, said};

fn heard(events: &[WorkerEvent]) -> Record {
    let mut record = Record::default();
    for event in events {
        record.apply(event);
    }
    record
}

fn events() -> impl Strategy<Value = Vec<WorkerEvent>> {
    proptest::collection::vec(line(), 1..10).prop_map(|lines| lines.iter().map(|line| said("hr", line)).collect())
}

/// Events, and the same in another order and with repetitions.
fn events_twice() -> impl Strategy<Value = (Vec<WorkerEvent>, Vec<WorkerEvent>)> {
    (events(), any::<prop::sample::Index>()).prop_flat_map(|(events, extra)| {
        let mut again = events.clone();
        again.push(extra.get(&events).clone());
        (Just(events), Just(again).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_order_and_repetition_of_the_same_events_gives_the_same_record_and_standing((told, again) in events_twice(), hours in 0..5_000_i64) {
        prop_assert_eq!(heard(&told), heard(&again));
        let now = at("2026-02-01") + jiff::SignedDuration::from_hours(hours);
        let standing = |events: &[WorkerEvent]| {
            let mut person = Person::new("hr:7".parse().unwrap());
            person.head.record = heard(events);
            standing(&person, &policy(), now)
        };
        prop_assert_eq!(standing(&told), standing(&again));
    }

    #[test]
    fn merging_is_associative_and_idempotent(one in events(), two in events(), three in events()) {
        let (one, two, three) = (heard(&one), heard(&two), heard(&three));
        let join = |a: &Record, b: &Record| { let mut all = a.clone(); all.merge(b); all };
        prop_assert_eq!(join(&join(&one, &two), &three), join(&one, &join(&two, &three)));
        prop_assert_eq!(join(&one, &one), one.clone());
        prop_assert_eq!(join(&one, &Record::default()), one);
    }

    #[test]
    fn the_stored_form_is_read_back_as_it_was(events in events()) {
        let record = heard(&events);
        let stored = serde_json::to_string(&record).unwrap();
        prop_assert_eq!(serde_json::from_str::<Record>(&stored).unwrap(), record);
    }
}

#[test]
fn a_field_that_left_the_allow_list_is_dropped_when_it_is_read_back() {
    let stored =
        serde_json::to_string(&heard(&[said("hr", "2026-03-01 department.name=Sales job.title=Clerk")])).unwrap();
    let read: Record = serde_json::from_str(&stored.replace("org.job.title", "org.job.salary")).unwrap();
    assert_eq!(read, {
        let mut kept = heard(&[said("hr", "2026-03-01 id=x department.name=Sales")]);
        let stamp = read.newest().unwrap().clone();
        kept.facts
            .values_mut()
            .flat_map(|dated| dated.values_mut())
            .for_each(|register| register.stamp = stamp.clone());
        kept.newest = Some(stamp);
        kept
    });
}

#[test]
fn history_is_bounded_and_what_was_said_without_a_date_is_not_history() {
    let mut lines = vec!["2026-03-01 department.name=Sales".to_owned()];
    for day in 0..=EFFECTIVE_DATES_MAX {
        let from =
            jiff::civil::date(2030, 1, 1).checked_add(jiff::Span::new().days(i64::try_from(day).unwrap())).unwrap();
        lines.push(format!("2026-03-01 from={from} department.name=Legal"));
    }
    let mut record = heard(&lines.iter().map(|line| said("hr", line)).collect::<Vec<_>>());
    let dates: Vec<_> = record.facts.remove("org.department.name").unwrap().into_keys().collect();
    assert_eq!(dates.len(), EFFECTIVE_DATES_MAX + 1);
    assert_eq!(dates.first(), Some(&None));
    assert_eq!(dates.get(1), Some(&Some(jiff::civil::date(2030, 1, 2))), "the earliest goes first");
}

#[test]
fn an_employee_number_is_the_one_stated_last() {
    let record = heard(&[said("hr", "2026-03-02 number=18"), said("hr", "2026-03-01 number=17")]);
    assert_eq!(record.employee_number(), Some("18"));
}
