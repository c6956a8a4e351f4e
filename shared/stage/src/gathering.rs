//! Requests of several workers gathered, so that few calls carry them.
//!
//! ```text
//! worker ──ask──┐                         ┌─► one call for many ─► each asker hears its own answer
//! worker ──ask──┼─► who is still at work? ┤
//! worker ──ask──┘   nobody, or time's up  └─► …
//! ```
//!
//! # Guarantees
//! - Every request that is sent is sent once, and its asker hears one answer. Whoever stopped waiting before that is left out.
//! - Nobody waits longer than [`LINGER_MAX`] for somebody who has nothing to ask yet, and nobody for a call under way.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use graph::client::Sleep;
use tokio::sync::{Notify, oneshot};

/// How long the first who asks waits for the others: about as long as two reads take, so that whoever began with them can still come
/// along.
pub const LINGER_MAX: Duration = Duration::from_millis(300);

/// Where workers who began together ask together.
pub struct Gathering<Q, A> {
    state: Mutex<State<Q, A>>,
    bell: Notify,
    linger: Arc<dyn Sleep>,
}

struct State<Q, A> {
    /// Who may ask sooner or later: neither waiting for an answer nor gone.
    at_work: usize,
    asked: Vec<Asked<Q, A>>,
}

/// A request whose asker waits.
pub struct Asked<Q, A> {
    /// What is asked.
    pub what: Q,
    answer: oneshot::Sender<A>,
}

impl<Q, A> Asked<Q, A> {
    /// The request, and how to answer it.
    pub fn split(self) -> (Q, Answer<A>) {
        (self.what, Answer(self.answer))
    }
}

/// How a request is answered.
pub struct Answer<A>(oneshot::Sender<A>);

impl<A> Answer<A> {
    /// Tells the asker, if they still wait.
    pub fn tell(self, answer: A) {
        // Nobody hears it: what was asked is in the roster, and is looked at again.
        let _ = self.0.send(answer);
    }
}

/// One worker's place. Dropping it says that this worker asks nothing more.
pub struct Seat<'g, Q, A> {
    gathering: &'g Gathering<Q, A>,
}

impl<Q, A> Gathering<Q, A> {
    /// Nobody is here yet. `linger` is how time passes.
    pub fn new(linger: Arc<dyn Sleep>) -> Self {
        Self { state: Mutex::new(State { at_work: 0, asked: Vec::new() }), bell: Notify::new(), linger }
    }

    /// A place for one worker. Whoever has none when the first asks is not waited for.
    pub fn seat(&self) -> Seat<'_, Q, A> {
        self.state().at_work += 1;
        Seat { gathering: self }
    }

    /// Runs the workers, and has what they ask `sent`, until the workers are through. What was gathered goes out beside what is
    /// under way.
    pub async fn serve<T, F>(&self, workers: impl Future<Output = T>, send: impl Fn(Vec<Asked<Q, A>>) -> F) -> T
    where
        F: Future<Output = ()>,
    {
        let mut workers = pin!(workers);
        let mut under_way = FuturesUnordered::new();
        let mut gathered = pin!(self.gathered());
        loop {
            tokio::select! {
                // The workers first: whoever can still ask does so before it is decided that nobody will.
                biased;
                done = &mut workers => return done,
                Some(()) = under_way.next() => {}
                asked = &mut gathered => {
                    under_way.push(send(asked));
                    gathered.set(self.gathered());
                }
            }
        }
    }

    /// What was asked, as soon as everybody has asked or the first has waited long enough.
    async fn gathered(&self) -> Vec<Asked<Q, A>> {
        loop {
            self.until(|state| !state.asked.is_empty()).await;
            tokio::select! {
                biased;
                () = self.until(|state| state.at_work == 0) => {}
                () = self.linger.sleep(LINGER_MAX) => {}
            }
            let mut asked = std::mem::take(&mut self.state().asked);
            asked.retain(|asked| !asked.answer.is_closed());
            if !asked.is_empty() {
                return asked;
            }
        }
    }

    async fn until(&self, holds: impl Fn(&State<Q, A>) -> bool) {
        while !holds(&self.state()) {
            // A ring between the look and the wait is kept for us.
            self.bell.notified().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State<Q, A>> {
        // A panic elsewhere leaves the state whole: each change is a single step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave_work(&self) {
        self.state().at_work -= 1;
        self.bell.notify_one();
    }
}

impl<Q, A> Seat<'_, Q, A> {
    /// Asks for several things at once and waits for the answers, in their order. None: nobody answered, and the request may have
    /// been sent.
    pub async fn ask(&self, requests: Vec<Q>) -> Vec<Option<A>> {
        let mut answers = Vec::with_capacity(requests.len());
        let asking = requests.into_iter().map(|what| {
            let (answer, heard) = oneshot::channel();
            answers.push(heard);
            Asked { what, answer }
        });
        self.gathering.state().asked.extend(asking);
        let _away = Away::begin(self.gathering);
        let mut heard = Vec::with_capacity(answers.len());
        for answer in answers {
            heard.push(answer.await.ok());
        }
        heard
    }
}

impl<Q, A> Drop for Seat<'_, Q, A> {
    fn drop(&mut self) {
        self.gathering.leave_work();
    }
}

/// Somebody who waits for an answer, until dropped.
struct Away<'g, Q, A>(&'g Gathering<Q, A>);

impl<'g, Q, A> Away<'g, Q, A> {
    fn begin(gathering: &'g Gathering<Q, A>) -> Self {
        gathering.leave_work();
        Self(gathering)
    }
}

impl<Q, A> Drop for Away<'_, Q, A> {
    fn drop(&mut self) {
        self.0.state().at_work += 1;
    }
}

#[cfg(test)]
mod tests;
