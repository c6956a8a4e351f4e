//! Workers: each queue has its own, so that no lane ever waits behind another.

use std::time::Duration;

use domain::message::QueueName;
use domain::ports::{Page, Pager};
use embedded::Delivery;
use embedded::limits::RECEIVES_MAX;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::alerts::Alarm;
use super::asked_to;
use super::bells::Bells;
use crate::machine::{Machine, Settlement, chain};

/// How often an idle queue is looked at without being rung for: for what time or another process brings.
const TICK: Duration = Duration::from_millis(200);
/// How long a queue rests after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(2);

/// The workers of one queue.
pub(super) struct Group {
    pub(super) queue: QueueName,
    pub(super) machine: Machine,
    pub(super) bells: Bells,
    pub(super) alarm: Alarm,
    /// Opened when the queue may be worked on; None: it is open from the start.
    pub(super) gate: Option<watch::Receiver<bool>>,
}

/// How many handfuls of a queue are in hand at a time: one message each, of `groups` as many as are worked on together. They wait for
/// Graph most of their time.
fn hands(queue: QueueName) -> usize {
    match queue {
        QueueName::PeopleUrgent | QueueName::People => 2,
        QueueName::AccountsUrgent | QueueName::Accounts | QueueName::Groups | QueueName::Licenses => 4,
    }
}

impl Group {
    /// Works until told to stop, then finishes what is in hand.
    pub(super) async fn work(mut self, mut stop: watch::Receiver<bool>) {
        if let Some(gate) = &mut self.gate {
            tokio::select! {
                _ = gate.wait_for(|open| *open) => {}
                () = asked_to(&mut stop) => return,
            }
        }
        let mut in_hand = JoinSet::new();
        loop {
            let pause = self.take_what_fits(&mut in_hand).await;
            tokio::select! {
                Some(ended) = in_hand.join_next() => note(ended),
                () = self.bells.of(self.queue).notified() => {}
                () = tokio::time::sleep(pause) => {}
                () = asked_to(&mut stop) => break,
            }
        }
        while let Some(ended) = in_hand.join_next().await {
            note(ended);
        }
    }

    /// Takes messages until the hands are full or there are none. Answers when to look again without being rung for.
    async fn take_what_fits(&self, in_hand: &mut JoinSet<()>) -> Duration {
        while in_hand.len() < hands(self.queue) {
            match self.machine.take(self.queue).await {
                Ok(deliveries) if deliveries.is_empty() => return TICK,
                Ok(deliveries) => {
                    in_hand.spawn(finish(self.machine.clone(), self.alarm.clone(), self.queue, deliveries));
                }
                Err(error) => {
                    tracing::error!(queue = %self.queue, error = chain(&error), "the queue cannot be read");
                    return STORE_PAUSE;
                }
            }
        }
        // Rung by whoever's hand becomes free.
        STORE_PAUSE
    }
}

/// Finishes what was taken together. What could not be settled shows again.
async fn finish(machine: Machine, alarm: Alarm, queue: QueueName, deliveries: Vec<Delivery>) {
    let about = |one: &Delivery| (one.group.clone(), one.message_id.clone(), one.receive_count);
    let about: Vec<_> = deliveries.iter().map(about).collect();
    for ((group, id, receives), how) in about.into_iter().zip(machine.finish(queue, deliveries).await) {
        let settled = match how {
            Ok(how) if is_urgent(queue) && is_given_up(&how, receives) => {
                alarm.page(given_up(&machine, queue, &group, &id)).await
            }
            how => how.map(drop),
        };
        if let Err(error) = settled {
            tracing::error!(error = chain(&error), "a message could not be settled and will show again");
        }
    }
}

fn is_urgent(queue: QueueName) -> bool {
    matches!(queue, QueueName::PeopleUrgent | QueueName::AccountsUrgent)
}

/// Whether the message went to the failures: asked for, or because it was its last try.
fn is_given_up(how: &Settlement, receives: u32) -> bool {
    match how {
        Settlement::Bury(..) => true,
        Settlement::Retry(..) => receives >= RECEIVES_MAX,
        Settlement::Delete | Settlement::Defer(_) => false,
    }
}

/// What failed on an urgent lane may be access that nobody has cut.
fn given_up(machine: &Machine, queue: QueueName, group: &str, message: &str) -> Page {
    let text = format!(
        "{group}: a message on {queue} failed for good, access that should end may not have: \
         see `joinery failures list`, and cut by hand if need be"
    );
    Page { key: format!("{group}|failed|{message}"), person: group.parse().ok(), text, at: machine.clock.now() }
}

fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(panicked = error.is_panic(), "a worker broke; its messages will show again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_goes_to_the_failures_is_given_up() {
        let retry = Settlement::Retry(TICK, String::new());
        assert!(!is_given_up(&retry, RECEIVES_MAX - 1) && is_given_up(&retry, RECEIVES_MAX));
        assert!(is_given_up(&Settlement::Bury("c", String::new()), 1));
        assert!(!is_given_up(&Settlement::Defer(TICK), RECEIVES_MAX));
    }
}
