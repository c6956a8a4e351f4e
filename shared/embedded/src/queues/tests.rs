use std::time::Duration;

use domain::message::QueueName::{self, Groups, People};
use domain::ports::{FailureReport, Outbox, StoreError};

use super::{Delivery, Receipt, Settled};
use crate::contract::{at, message};
use crate::limits::{BODY_BYTES_MAX, DEDUPLICATION_WINDOW, RECEIVE_MAX, RECEIVES_MAX, VISIBILITY_MAX};
use crate::testing::Room;
use crate::{FailureFilter, Store};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_receive_gives_only_the_first_message_of_each_group() {
    let room = sent(&[("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3"), ("b", "b2")]).await;
    let first = take(&room.store, 10);
    assert_eq!(bodies(&first), ["a1", "b1"]);
    assert_eq!(bodies(&take(&room.store, 10)), [""; 0], "both groups are in flight");
    assert_eq!(room.store.delete(first[0].receipt).unwrap(), Settled::Done);
    assert_eq!(bodies(&take(&room.store, 10)), ["a2"], "the group goes on, the other still waits");
}

#[tokio::test]
async fn a_receive_gives_the_oldest_first_and_no_more_than_asked() {
    let room = Room::new();
    for number in 0..30 {
        room.store
            .send(People, message(&format!("g{number}"), &format!("{number}"), &format!("{number:02}")))
            .await
            .unwrap();
    }
    assert_eq!(bodies(&take(&room.store, 2)), ["00", "01"]);
    assert_eq!(take(&room.store, 0).len(), 0);
    assert_eq!(take(&room.store, 1000).len(), RECEIVE_MAX);
    assert_eq!(bodies(&take(&room.store, 1)), ["12"]);
}

#[tokio::test]
async fn a_delivery_tells_what_was_sent_and_when() {
    let room = Room::new();
    room.store.send(People, message("bamboo:1", "id", "{}")).await.unwrap();
    room.clock.turn(SECOND);
    let [delivery] = take(&room.store, 1).try_into().unwrap();
    assert_eq!((delivery.group.as_str(), delivery.body.as_str()), ("bamboo:1", "{}"));
    assert_eq!((delivery.receive_count, delivery.sent_at), (1, at(0)));
    assert_eq!(room.store.oldest(People).unwrap(), Some(at(0)));
    assert!(!format!("{delivery:?}").contains("bamboo"), "Debug holds neither group nor body");
}

#[tokio::test]
async fn a_message_comes_again_when_its_visibility_ends_and_its_group_waits_until_then() {
    let room = sent(&[("a", "a1"), ("a", "a2")]).await;
    let lost = take(&room.store, 1)[0].receipt;
    room.clock.turn(Duration::from_secs(30) - Duration::from_micros(1));
    assert_eq!(take(&room.store, 1).len(), 0);
    room.clock.turn(Duration::from_micros(1));
    let [again] = take(&room.store, 1).try_into().unwrap();
    assert_eq!((again.body.as_str(), again.receive_count), ("a1", 2));
    assert_ne!(again.receipt, lost);
}

#[tokio::test]
async fn a_receipt_whose_visibility_ended_settles_nothing_and_says_so() {
    let room = sent(&[("a", "a1")]).await;
    let lost = take(&room.store, 1)[0].receipt;
    room.clock.turn(Duration::from_secs(30));
    lapsed(&room.store, lost);
    let again = take(&room.store, 1)[0].receipt;
    lapsed(&room.store, lost);
    assert_eq!(room.store.depth(People).unwrap(), 1);
    assert_eq!(room.store.delete(again).unwrap(), Settled::Done);
    assert_eq!(room.store.depth(People).unwrap(), 0);
    lapsed(&room.store, again);
}

#[tokio::test]
async fn visibility_can_be_prolonged_and_ended() {
    let room = sent(&[("a", "a1")]).await;
    let receipt = take(&room.store, 1)[0].receipt;
    room.clock.turn(20 * SECOND);
    assert_eq!(room.store.change_visibility(receipt, 60 * SECOND).unwrap(), Settled::Done);
    room.clock.turn(59 * SECOND);
    assert_eq!(take(&room.store, 1).len(), 0);
    assert_eq!(room.store.change_visibility(receipt, Duration::ZERO).unwrap(), Settled::Done);
    assert_eq!(take(&room.store, 1)[0].receive_count, 2);
}

#[tokio::test]
async fn nothing_is_hidden_for_longer_than_sqs_allows() {
    let room = sent(&[("a", "a1")]).await;
    let receipt = room.store.receive(People, 1, Duration::MAX).unwrap()[0].receipt;
    assert_eq!(room.store.next_visible_at().unwrap(), Some(at(0) + VISIBILITY_MAX));
    assert_eq!(room.store.defer(receipt, Duration::MAX).unwrap(), Settled::Done);
    assert_eq!(room.store.next_visible_at().unwrap(), Some(at(0) + VISIBILITY_MAX));
}

#[tokio::test]
async fn a_deferred_message_keeps_its_place_and_its_receive_does_not_count() {
    let room = sent(&[("a", "a1"), ("a", "a2"), ("b", "b1")]).await;
    for _ in 0..3 * RECEIVES_MAX {
        let [delivery] = take(&room.store, 1).try_into().unwrap();
        assert_eq!((delivery.body.as_str(), delivery.receive_count), ("a1", 1));
        assert_eq!(room.store.defer(delivery.receipt, 5 * SECOND).unwrap(), Settled::Done);
        lapsed(&room.store, delivery.receipt);
        room.clock.turn(4 * SECOND);
        let [other] = take(&room.store, 10).try_into().unwrap();
        assert_eq!(other.body, "b1", "the group waits, others do not");
        assert_eq!(room.store.defer(other.receipt, Duration::ZERO).unwrap(), Settled::Done);
        room.clock.turn(SECOND);
    }
    assert_eq!(failures(&room.store), []);
}

#[tokio::test]
async fn an_equal_id_is_dropped_for_five_minutes_from_the_accepted_send() {
    let room = sent(&[("a", "same")]).await;
    room.clock.turn(DEDUPLICATION_WINDOW.saturating_sub(SECOND));
    room.store.send(People, message("a", "same", "dropped")).await.unwrap();
    assert_eq!(room.store.depth(People).unwrap(), 1, "and the drop does not begin a new window");
    room.clock.turn(SECOND);
    room.store.send(People, message("a", "same", "accepted")).await.unwrap();
    assert_eq!(room.store.depth(People).unwrap(), 2);
}

#[tokio::test]
async fn a_message_nobody_settles_goes_to_the_failures_at_the_receive_after_the_last() {
    let room = sent(&[("bamboo:1", "a1"), ("bamboo:1", "a2")]).await;
    for count in 1..=RECEIVES_MAX {
        assert_eq!(take(&room.store, 1)[0].receive_count, count);
        room.clock.turn(30 * SECOND);
    }
    assert_eq!(failures(&room.store), []);
    assert_eq!(bodies(&take(&room.store, 10)), ["a2"], "the group goes on in the same receive");
    let [failure] = failures(&room.store).try_into().unwrap();
    assert_eq!((failure.body.as_str(), failure.attempts, failure.cause.as_str()), ("a1", RECEIVES_MAX, "dead-letter"));
    assert_eq!((failure.function.as_str(), failure.queue), ("people", Some(People)));
    assert_eq!(failure.person, Some("bamboo:1".parse().unwrap()));
    assert_eq!(failure.reason, "received 8 times and not settled in time");
}

#[tokio::test]
async fn a_message_that_fails_at_its_last_receive_goes_to_the_failures_with_that_reason() {
    let room = sent(&[("a", "a1")]).await;
    for count in 1..=RECEIVES_MAX {
        let delivery = take(&room.store, 1).remove(0);
        let settled = room.store.retry(delivery.receipt, SECOND, &format!("failure {count}")).unwrap();
        assert_eq!(settled, if count < RECEIVES_MAX { Settled::Done } else { Settled::Parked });
        lapsed(&room.store, delivery.receipt);
        room.clock.turn(SECOND);
    }
    let [failure] = failures(&room.store).try_into().unwrap();
    assert_eq!((failure.reason.as_str(), failure.attempts), ("failure 8", RECEIVES_MAX));
    assert_eq!(room.store.depth(People).unwrap(), 0);
}

#[tokio::test]
async fn a_dead_letter_tells_the_last_failure_it_knows() {
    let room = sent(&[("a", "a1")]).await;
    let first = take(&room.store, 1)[0].receipt;
    assert_eq!(room.store.retry(first, SECOND, "no route to the tenant").unwrap(), Settled::Done);
    for _ in 1..=RECEIVES_MAX {
        room.clock.turn(30 * SECOND);
        let _ = take(&room.store, 1);
    }
    let reason = failures(&room.store).remove(0).reason;
    assert!(reason.ends_with("the last failure told: no route to the tenant"), "{reason}");
}

#[tokio::test]
async fn a_message_is_buried_with_its_cause_and_the_group_goes_on() {
    let room = Room::new();
    room.store.send(QueueName::AccountsUrgent, message("bamboo:1", "1", "bad")).await.unwrap();
    room.store.send(QueueName::AccountsUrgent, message("bamboo:1", "2", "good")).await.unwrap();
    let bad = room.store.receive(QueueName::AccountsUrgent, 1, SECOND).unwrap()[0].receipt;
    assert_eq!(room.store.bury(bad, "bad-event", "it is no event").unwrap(), Settled::Parked);
    let [failure] = failures(&room.store).try_into().unwrap();
    assert_eq!((failure.cause.as_str(), failure.reason.as_str()), ("bad-event", "it is no event"));
    assert_eq!((failure.function.as_str(), failure.queue), ("accounts", Some(QueueName::AccountsUrgent)));
    assert_eq!(bodies(&room.store.receive(QueueName::AccountsUrgent, 1, SECOND).unwrap()), ["good"]);
}

#[tokio::test]
async fn the_next_instant_with_something_to_receive_is_that_of_a_groups_first_message() {
    let room = Room::new();
    assert_eq!(room.store.next_visible_at().unwrap(), None);
    room.store.send(People, message("a", "1", "a1")).await.unwrap();
    let first = take(&room.store, 1)[0].receipt;
    room.store.send(People, message("a", "2", "behind the first")).await.unwrap();
    assert_eq!(room.store.next_visible_at().unwrap(), Some(at(30)));
    assert_eq!(room.store.defer(first, 90 * SECOND).unwrap(), Settled::Done);
    assert_eq!(room.store.next_visible_at().unwrap(), Some(at(90)));
    room.store.send(Groups, message("a", "3", "another queue")).await.unwrap();
    assert_eq!(room.store.next_visible_at().unwrap(), Some(at(0)));
}

#[tokio::test]
async fn queues_are_counted_apart() {
    let room = sent(&[("a", "a1"), ("a", "a2")]).await;
    let _ = take(&room.store, 1);
    assert_eq!((room.store.depth(People).unwrap(), room.store.depth(Groups).unwrap()), (2, 0));
    assert_eq!(room.store.oldest(Groups).unwrap(), None);
}

#[tokio::test]
async fn a_body_too_large_for_sqs_is_refused() {
    let room = Room::new();
    let send = |length| room.store.send(People, message("a", "1", &"x".repeat(length)));
    assert!(matches!(send(BODY_BYTES_MAX + 1).await, Err(StoreError::Unavailable(_))));
    send(BODY_BYTES_MAX).await.unwrap();
    assert_eq!(room.store.depth(People).unwrap(), 1);
}

#[test]
fn receivers_at_once_never_share_a_message_and_keep_each_groups_order() {
    let room = Room::new();
    let (groups, each) = (8, 25);
    let waker = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for number in 0..groups * each {
        let (group, id) = (format!("g{}", number % groups), number.to_string());
        waker.block_on(room.store.send(People, message(&group, &id, &id))).unwrap();
    }
    // Half the threads have a connection of their own, as another process has.
    let stores = [room.store.clone(), room.store.clone(), room.second(), room.second()];
    let log = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for store in &stores {
            scope.spawn(|| {
                while store.depth(People).unwrap() > 0 {
                    for delivery in store.receive(People, 3, 30 * SECOND).unwrap() {
                        log.lock().unwrap().push((delivery.group.clone(), delivery.body.parse::<u32>().unwrap()));
                        assert_eq!(store.delete(delivery.receipt).unwrap(), Settled::Done);
                    }
                }
            });
        }
    });
    let log = log.into_inner().unwrap();
    assert_eq!(log.len(), usize::try_from(groups * each).unwrap());
    for group in 0..groups {
        let order: Vec<_> =
            log.iter().filter(|(name, _)| *name == format!("g{group}")).map(|(_, body)| *body).collect();
        assert_eq!(order, (0..each).map(|turn| turn * groups + group).collect::<Vec<_>>());
    }
}

/// A room with these (group, body) on `people`; the body is the deduplication id too.
async fn sent(messages: &[(&str, &str)]) -> Room {
    let room = Room::new();
    for (group, body) in messages {
        room.store.send(People, message(group, body, body)).await.unwrap();
    }
    room
}

fn take(store: &Store, max: usize) -> Vec<Delivery> {
    store.receive(People, max, 30 * SECOND).unwrap()
}

fn bodies(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.body.as_str()).collect()
}

fn failures(store: &Store) -> Vec<FailureReport> {
    store.failures(&FailureFilter::default(), 100).unwrap()
}

fn lapsed(store: &Store, receipt: Receipt) {
    let (before, parked) = (store.next_visible_at().unwrap(), failures(store).len());
    assert_eq!(store.delete(receipt).unwrap(), Settled::Lapsed);
    assert_eq!(store.change_visibility(receipt, Duration::ZERO).unwrap(), Settled::Lapsed);
    assert_eq!(store.defer(receipt, Duration::ZERO).unwrap(), Settled::Lapsed);
    assert_eq!(store.retry(receipt, Duration::ZERO, "").unwrap(), Settled::Lapsed);
    assert_eq!(store.bury(receipt, "", "").unwrap(), Settled::Lapsed);
    assert_eq!((store.next_visible_at().unwrap(), failures(store).len()), (before, parked));
}
