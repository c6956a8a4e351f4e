//! The shell around the functions on one machine: takes, hands over, settles; and sweeps for who is due.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::message::{Message, QueueName};
use domain::ports::{Clock, Entropy, Failure, Outbox, Outcome, Outgoing, Roster, StoreError};
use embedded::limits::RECEIVE_MAX;
use embedded::{Delivery, Receipt, Store};
use futures_util::future::join_all;
use graph::limits::MEMBERS_MAX;
use jiff::{SignedDuration, Timestamp};

use crate::functions::Functions;

/// How long a message stays hidden while a function works on it.
const VISIBILITY: Duration = Duration::from_mins(3);
/// How long a function may work on one message. It ends well before the message shows again.
const RECORD_MAX: Duration = Duration::from_secs(150);
/// The first pause before a failed message is tried again; it doubles with each try.
const RETRY_FIRST: Duration = Duration::from_secs(5);
/// The longest pause between tries.
const RETRY_MAX: Duration = Duration::from_mins(15);
/// How many people one sweep wakes.
const SWEEP_MAX: usize = 500;
/// When a person who was woken is woken again, should the wake-up have been lost.
const REWAKE: SignedDuration = SignedDuration::from_mins(10);
/// When a line is looked at again, should the look have been lost.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(3);

/// The receiving side of the queues.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// The next messages of a queue, at most `max`, hidden from others for a while; of each message group only the first.
    async fn take(&self, queue: QueueName, max: usize, visibility: Duration) -> Result<Vec<Delivery>, StoreError>;
    /// Settles a message.
    async fn settle(&self, receipt: Receipt, how: Settlement) -> Result<(), StoreError>;
}

/// How a message is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// Done.
    Delete,
    /// Again after this long, without counting.
    Defer(Duration),
    /// Again after this long; the last try goes to the failures.
    Retry(Duration, String),
    /// To the failures now: cause and reason.
    Bury(&'static str, String),
}

#[async_trait]
impl Inbox for Store {
    async fn take(&self, queue: QueueName, max: usize, visibility: Duration) -> Result<Vec<Delivery>, StoreError> {
        self.receive(queue, max, visibility)
    }

    async fn settle(&self, receipt: Receipt, how: Settlement) -> Result<(), StoreError> {
        // A lapsed receipt has settled nothing: the message is somebody else's now, and handling it again is harmless.
        let _ = match how {
            Settlement::Delete => self.delete(receipt)?,
            Settlement::Defer(pause) => self.defer(receipt, pause)?,
            Settlement::Retry(pause, reason) => self.retry(receipt, pause, &reason)?,
            Settlement::Bury(cause, reason) => self.bury(receipt, cause, &reason)?,
        };
        Ok(())
    }
}

/// How many messages of a queue are worked on together: as many people as one call can add to a group.
fn together(queue: QueueName) -> usize {
    if queue == QueueName::Groups { MEMBERS_MAX } else { 1 }
}

/// The functions at work on one machine.
#[derive(Clone)]
pub struct Machine {
    /// Where messages come from.
    pub inbox: Arc<dyn Inbox>,
    /// Who takes them.
    pub functions: Functions,
    /// Who is due.
    pub roster: Arc<dyn Roster>,
    /// Where wake-ups go.
    pub outbox: Arc<dyn Outbox>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For message ids.
    pub entropy: Arc<dyn Entropy>,
}

impl Machine {
    /// Takes messages of a queue, has them handled and settles them. False: there were none.
    pub async fn work(&self, queue: QueueName) -> Result<bool, StoreError> {
        let deliveries = self.take(queue).await?;
        let any = !deliveries.is_empty();
        for settled in self.finish(queue, deliveries).await {
            settled?;
        }
        Ok(any)
    }

    /// Takes as many messages of a queue as are worked on together, each of another person. They show again by themselves unless they
    /// are finished.
    pub async fn take(&self, queue: QueueName) -> Result<Vec<Delivery>, StoreError> {
        let mut taken = Vec::new();
        loop {
            let wanted = (together(queue) - taken.len()).min(RECEIVE_MAX);
            match self.inbox.take(queue, wanted, VISIBILITY).await {
                Ok(more) => {
                    let there_are_more = more.len() == wanted;
                    taken.extend(more);
                    if !there_are_more || taken.len() == together(queue) {
                        break;
                    }
                }
                // What is in hand is worked on; the rest shows again.
                Err(_) if !taken.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    /// Has messages handled that were taken together, and settles each as soon as it is done. Answers how.
    pub async fn finish(&self, queue: QueueName, deliveries: Vec<Delivery>) -> Vec<Result<Settlement, StoreError>> {
        let batch = self.functions.batch();
        // Everybody is seated before the first begins.
        let work: Vec<_> = deliveries.into_iter().map(|one| self.finish_one(queue, one, batch.seat())).collect();
        batch.serve(join_all(work)).await
    }

    async fn finish_one(
        &self,
        queue: QueueName,
        delivery: Delivery,
        seat: groups::Seat<'_>,
    ) -> Result<Settlement, StoreError> {
        let handled = tokio::time::timeout(RECORD_MAX, self.functions.handle(queue, &delivery.body, seat)).await;
        let result = handled.unwrap_or_else(|_| Err(Failure::Retry("it took longer than a message may".into())));
        let how = settlement(result, delivery.receive_count);
        match &how {
            Settlement::Retry(_, reason) => {
                tracing::warn!(%queue, group = %delivery.group, reason, "failed, will be tried again");
            }
            Settlement::Bury(cause, reason) => {
                tracing::error!(%queue, group = %delivery.group, cause, reason, "failed for good");
            }
            Settlement::Delete | Settlement::Defer(_) => {}
        }
        self.inbox.settle(delivery.receipt, how.clone()).await?;
        Ok(how)
    }

    /// Wakes everyone for whom something is due by now, and has lines for seats looked at. Answers how many of both.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let again = now.saturating_add(REWAKE).unwrap_or(now);
        let due = self.roster.take_due(now, again, SWEEP_MAX).await?;
        for person in &due {
            let message = Message::wake(person, "due", &self.entropy.id());
            let outgoing =
                Outgoing { group: person.to_string(), deduplication_id: self.entropy.id(), body: message.to_json() };
            self.outbox.send(QueueName::People, outgoing).await?;
        }
        Ok(due.len() + self.sweep_lines(now).await?)
    }

    /// Has the lines looked at that ask for it: one message for all of them, however many people wait. Answers how many lines.
    async fn sweep_lines(&self, now: Timestamp) -> Result<usize, StoreError> {
        let again = now.saturating_add(LOOK_AGAIN).unwrap_or(now);
        let skus = self.functions.lines().take_looks(now, again).await?;
        let looked_at = skus.len();
        if looked_at > 0 {
            let body = Message::seats(skus, &self.entropy.id()).to_json();
            let outgoing = Outgoing { group: "seats".into(), deduplication_id: self.entropy.id(), body };
            self.outbox.send(QueueName::Licenses, outgoing).await?;
        }
        Ok(looked_at)
    }
}

fn settlement(result: Result<Outcome, Failure>, tries: u32) -> Settlement {
    match result {
        Ok(Outcome::Done) => Settlement::Delete,
        Ok(Outcome::Later(pause)) => Settlement::Defer(pause),
        Err(Failure::Retry(error)) => Settlement::Retry(pause_after(tries), chain(error.as_ref())),
        Err(Failure::Park { cause, source }) => Settlement::Bury(cause, chain(source.as_ref())),
    }
}

fn pause_after(tries: u32) -> Duration {
    RETRY_FIRST.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1))).min(RETRY_MAX)
}

/// An error and its causes in one line; each tells only its own part.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_message_is_tried_again_ever_more_slowly_and_not_for_ever_more_slowly() {
        let pauses: Vec<u64> = (1..=9).map(|tries| pause_after(tries).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 900]);
    }

    #[test]
    fn waiting_is_not_failing() {
        let pause = Duration::from_secs(30);
        assert_eq!(settlement(Ok(Outcome::Later(pause)), 7), Settlement::Defer(pause));
        let parked = settlement(Err(Failure::Park { cause: "c", source: "why".into() }), 1);
        assert_eq!(parked, Settlement::Bury("c", "why".into()));
    }
}
