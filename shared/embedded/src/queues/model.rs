//! The queue against SQS FIFO as written down in its documentation: one plain list, no SQL, no index, no receipts
//! table.

use std::collections::HashMap;
use std::time::Duration;

use domain::message::QueueName::{self, Groups, People};
use domain::ports::Outbox;
use proptest::prelude::*;

use super::{Delivery, Settled};
use crate::FailureFilter;
use crate::contract::message;
use crate::limits::{DEDUPLICATION_WINDOW, RECEIVES_MAX};
use crate::testing::Room;

/// What happens to the queue. Receipts are named by their place among all ever given, so that stale ones are tried as
/// well.
#[derive(Debug, Clone)]
enum Happening {
    Send { queue: QueueName, group: u8, id: u8 },
    Receive { queue: QueueName, max: usize, seconds: u64 },
    Delete(prop::sample::Index),
    Defer(prop::sample::Index, u64),
    Retry(prop::sample::Index, u64),
    ChangeVisibility(prop::sample::Index, u64),
    Pass { seconds: u64 },
    Restart,
}

fn happening() -> impl Strategy<Value = Happening> {
    let queue = || prop::sample::select(vec![People, Groups]);
    let receipt = any::<prop::sample::Index>;
    prop_oneof![
        6 => (queue(), 0..3u8, 0..12u8).prop_map(|(queue, group, id)| Happening::Send { queue, group, id }),
        8 => (queue(), 0..4usize, 0..40u64)
            .prop_map(|(queue, max, seconds)| Happening::Receive { queue, max, seconds }),
        3 => receipt().prop_map(Happening::Delete),
        2 => (receipt(), 0..60u64).prop_map(|(receipt, seconds)| Happening::Defer(receipt, seconds)),
        2 => (receipt(), 0..10u64).prop_map(|(receipt, seconds)| Happening::Retry(receipt, seconds)),
        2 => (receipt(), 0..60u64).prop_map(|(receipt, seconds)| Happening::ChangeVisibility(receipt, seconds)),
        6 => prop_oneof![9 => 1..60u64, 1 => 100..400u64].prop_map(|seconds| Happening::Pass { seconds }),
        1 => Just(Happening::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn the_queue_does_what_sqs_fifo_does(happenings in prop::collection::vec(happening(), 1..150)) {
        let mut pair = Pair { room: Some(Room::new()), model: Model::default(), receipts: Vec::new() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (turn, happening) in happenings.iter().enumerate() {
            runtime.block_on(pair.play(turn, happening));
            pair.compare();
        }
    }
}

/// Random plays get to dead letters by luck; this one always does.
#[tokio::test]
async fn the_model_knows_dead_letters_too() {
    let mut pair = Pair { room: Some(Room::new()), model: Model::default(), receipts: Vec::new() };
    for turn in 0..3 {
        pair.play(turn, &Happening::Send { queue: People, group: 0, id: u8::try_from(turn).unwrap() }).await;
    }
    for turn in 0..30 {
        pair.play(turn, &Happening::Receive { queue: People, max: 1, seconds: 5 }).await;
        pair.play(turn, &Happening::Pass { seconds: 5 }).await;
        pair.compare();
    }
    assert_eq!((pair.model.dead, pair.model.messages.len()), (3, 0));
}

struct Pair {
    room: Option<Room>,
    model: Model,
    /// Every receipt ever given: the store's, and the model's message with the count of its receives.
    receipts: Vec<(Delivery, (usize, u64))>,
}

impl Pair {
    async fn play(&mut self, turn: usize, happening: &Happening) {
        let room = self.room.take().unwrap();
        match happening {
            Happening::Send { queue, group, id } => {
                let body = turn.to_string();
                let (group, id) = (format!("g{group}"), id.to_string());
                room.store.send(*queue, message(&group, &id, &body)).await.unwrap();
                self.model.send(*queue, group, id, body);
            }
            Happening::Receive { queue, max, seconds } => {
                let given = room.store.receive(*queue, *max, Duration::from_secs(*seconds)).unwrap();
                let expected = self.model.receive(*queue, *max, *seconds);
                let seen = |delivery: &Delivery| (delivery.body.clone(), delivery.receive_count);
                let wanted: Vec<_> = expected.iter().map(|(_, body, count)| (body.clone(), *count)).collect();
                assert_eq!(given.iter().map(seen).collect::<Vec<_>>(), wanted);
                self.receipts.extend(given.into_iter().zip(expected.into_iter().map(|(receipt, ..)| receipt)));
            }
            Happening::Pass { seconds } => {
                room.clock.turn(Duration::from_secs(*seconds));
                self.model.now += seconds;
            }
            Happening::Restart => {
                self.room = Some(room.reopen());
                return;
            }
            settling => self.settle(&room, settling),
        }
        self.room = Some(room);
    }

    fn settle(&mut self, room: &Room, happening: &Happening) {
        let (Happening::Delete(index)
        | Happening::Defer(index, _)
        | Happening::Retry(index, _)
        | Happening::ChangeVisibility(index, _)) = happening
        else {
            unreachable!("nothing else settles")
        };
        if self.receipts.is_empty() {
            return;
        }
        let (delivery, held) = index.get(&self.receipts);
        let receipt = delivery.receipt;
        let seconds = Duration::from_secs;
        let (settled, expected) = match happening {
            Happening::Delete(_) => (room.store.delete(receipt), self.model.delete(*held)),
            Happening::Defer(_, delay) => (room.store.defer(receipt, seconds(*delay)), self.model.defer(*held, *delay)),
            Happening::Retry(_, delay) => {
                (room.store.retry(receipt, seconds(*delay), "x"), self.model.retry(*held, *delay))
            }
            Happening::ChangeVisibility(_, delay) => {
                (room.store.change_visibility(receipt, seconds(*delay)), self.model.change_visibility(*held, *delay))
            }
            _ => unreachable!("nothing else settles"),
        };
        assert_eq!(settled.unwrap(), expected);
    }

    fn compare(&self) {
        let store = &self.room.as_ref().unwrap().store;
        for queue in [People, Groups] {
            let depth = self.model.messages.iter().filter(|message| message.queue == queue).count();
            assert_eq!(store.depth(queue).unwrap(), u64::try_from(depth).unwrap());
        }
        let next = self.model.next_visible_at().map(|second| crate::contract::at(i64::try_from(second).unwrap()));
        assert_eq!(store.next_visible_at().unwrap(), next);
        assert_eq!(store.failures(&FailureFilter::default(), 1000).unwrap().len(), self.model.dead);
    }
}

#[derive(Default)]
struct Model {
    now: u64,
    sent: usize,
    /// In the order they were sent.
    messages: Vec<Sent>,
    /// When an id was last accepted.
    accepted: HashMap<(QueueName, String), u64>,
    dead: usize,
}

struct Sent {
    number: usize,
    queue: QueueName,
    group: String,
    body: String,
    hidden_until: u64,
    counted: u32,
    /// Receives in all, whether they count or not; with `held`, what a receipt is compared with.
    received: u64,
    held: bool,
}

impl Model {
    fn send(&mut self, queue: QueueName, group: String, id: String, body: String) {
        let window = DEDUPLICATION_WINDOW.as_secs();
        if self.accepted.get(&(queue, id.clone())).is_some_and(|at| self.now < at + window) {
            return;
        }
        self.accepted.insert((queue, id), self.now);
        let (number, hidden_until) = (self.sent, self.now);
        self.sent += 1;
        self.messages.push(Sent { number, queue, group, body, hidden_until, counted: 0, received: 0, held: false });
    }

    fn receive(&mut self, queue: QueueName, max: usize, seconds: u64) -> Vec<((usize, u64), String, u32)> {
        let mut given = Vec::new();
        // One of each group, also of those that are hidden for no time at all.
        let mut served: Vec<String> = Vec::new();
        // A dead letter makes way for the next of its group, also one that was passed by: look from the start again.
        'again: while given.len() < max {
            let mut seen: Vec<&str> = served.iter().map(String::as_str).collect();
            for place in 0..self.messages.len() {
                let message = &self.messages[place];
                if message.queue != queue || seen.contains(&message.group.as_str()) {
                    continue;
                }
                if message.hidden_until > self.now {
                    seen.push(&message.group);
                } else if message.counted >= RECEIVES_MAX {
                    self.messages.remove(place);
                    self.dead += 1;
                    continue 'again;
                } else {
                    let message = &mut self.messages[place];
                    message.hidden_until = self.now + seconds;
                    message.counted += 1;
                    message.received += 1;
                    message.held = true;
                    served.push(message.group.clone());
                    given.push(((message.number, message.received), message.body.clone(), message.counted));
                    continue 'again;
                }
            }
            break;
        }
        given
    }

    fn held(&mut self, (number, received): (usize, u64)) -> Option<(usize, &mut Sent)> {
        let now = self.now;
        let held = |message: &Sent| message.number == number && message.received == received && message.held;
        let place = self.messages.iter().position(|message| held(message) && message.hidden_until > now)?;
        Some((place, &mut self.messages[place]))
    }

    fn delete(&mut self, receipt: (usize, u64)) -> Settled {
        let Some((place, _)) = self.held(receipt) else { return Settled::Lapsed };
        self.messages.remove(place);
        Settled::Done
    }

    fn defer(&mut self, receipt: (usize, u64), delay: u64) -> Settled {
        let now = self.now;
        let Some((_, message)) = self.held(receipt) else { return Settled::Lapsed };
        (message.hidden_until, message.held) = (now + delay, false);
        message.counted -= 1;
        Settled::Done
    }

    fn retry(&mut self, receipt: (usize, u64), delay: u64) -> Settled {
        let now = self.now;
        let Some((place, message)) = self.held(receipt) else { return Settled::Lapsed };
        if message.counted < RECEIVES_MAX {
            (message.hidden_until, message.held) = (now + delay, false);
            return Settled::Done;
        }
        self.messages.remove(place);
        self.dead += 1;
        Settled::Parked
    }

    fn change_visibility(&mut self, receipt: (usize, u64), delay: u64) -> Settled {
        let now = self.now;
        let Some((_, message)) = self.held(receipt) else { return Settled::Lapsed };
        message.hidden_until = now + delay;
        Settled::Done
    }

    fn next_visible_at(&self) -> Option<u64> {
        let is_first = |message: &&Sent| {
            let same = |other: &&Sent| other.queue == message.queue && other.group == message.group;
            self.messages.iter().find(same).is_some_and(|first| first.number == message.number)
        };
        self.messages.iter().filter(is_first).map(|message| message.hidden_until).min()
    }
}
