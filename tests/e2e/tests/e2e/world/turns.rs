//! Whose turn it is: a test may lead workers through a world one deed at a time, and so decides who comes first.
//!
//! A worker that is led stops before everything it does in the sight of others. What only it can see (its own computing), what
//! nobody changes (the policy, the switches) and what nobody reads back (pages) is no place to stop: whoever comes first there,
//! the world is the same.

use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use domain::message::QueueName;
use http::Method;

use super::World;

/// What workers share, as far as two deeds can get into each other's way there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    /// A person's head, steps and grants.
    Roster,
    Fence,
    Lease,
    /// The guards' counts.
    Guards,
    /// Who waits for seats.
    Line,
    /// The books of addresses.
    Addresses,
    /// The sealed secrets.
    Vault,
    Queue(QueueName),
    /// Everything Graph shows.
    Tenant,
}

/// Something a worker is about to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deed {
    /// In words.
    pub(crate) what: String,
    reads: Vec<Thing>,
    writes: Vec<Thing>,
}

impl Deed {
    pub(crate) fn reads(what: &str, thing: Thing) -> Self {
        Self { what: what.into(), reads: vec![thing], writes: vec![] }
    }

    pub(crate) fn writes(what: &str, things: &[Thing]) -> Self {
        Self { what: what.into(), reads: vec![], writes: things.to_vec() }
    }

    /// A call to Graph. Stopped before it, it is under way: it left when the deed before it was done, and lands when it goes on.
    pub(crate) fn call(method: &Method, path: &str) -> Self {
        let what = format!("Graph: {method} {}", path.trim_start_matches("/v1.0"));
        if method == Method::GET { Self::reads(&what, Thing::Tenant) } else { Self::writes(&what, &[Thing::Tenant]) }
    }

    pub(crate) fn is_write(&self) -> bool {
        !self.writes.is_empty()
    }

    pub(crate) fn writes_to(&self, thing: Thing) -> bool {
        self.writes.contains(&thing)
    }

    pub(crate) fn is_call(&self) -> bool {
        self.reads.contains(&Thing::Tenant) || self.writes_to(Thing::Tenant)
    }

    pub(crate) fn moves_the_lease(&self) -> bool {
        self.writes_to(Thing::Lease)
    }

    pub(crate) fn moves_the_fence(&self) -> bool {
        self.writes_to(Thing::Fence)
    }

    /// Whether it matters which of the two comes first: one writes what the other reads or writes.
    pub(crate) fn conflicts_with(&self, other: &Self) -> bool {
        let touched = |deed: &Self, thing| deed.reads.contains(thing) || deed.writes.contains(thing);
        self.writes.iter().any(|thing| touched(other, thing)) || other.writes.iter().any(|thing| touched(self, thing))
    }
}

/// Stops workers that are led; everybody else passes.
#[derive(Default)]
pub(crate) struct Turns(Mutex<Led>);

#[derive(Default)]
enum Led {
    #[default]
    Nobody,
    /// The worker whose turn it is, and what it has stopped before.
    Somebody(Vec<Deed>),
}

impl Turns {
    /// A place to stop.
    pub(crate) async fn before(&self, deed: impl FnOnce() -> Deed) {
        let mut deed = Some(deed);
        poll_fn(|context| match (&mut *self.0.lock().unwrap(), deed.take()) {
            (Led::Somebody(stopped), Some(deed)) => {
                stopped.push(deed());
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(()),
        })
        .await;
    }

    /// Lets a worker do what it has stopped before and go on to the next place. Answers whether it is through, and what it has stopped
    /// before now.
    pub(crate) fn lead<T>(
        &self,
        worker: Pin<&mut (impl Future<Output = T> + ?Sized)>,
        context: &mut Context<'_>,
    ) -> (Poll<T>, Vec<Deed>) {
        *self.0.lock().unwrap() = Led::Somebody(Vec::new());
        let poll = worker.poll(context);
        match mem::take(&mut *self.0.lock().unwrap()) {
            Led::Somebody(stopped) => (poll, stopped),
            Led::Nobody => (poll, Vec::new()),
        }
    }
}

impl World {
    /// A worker's next message of a queue, taken and finished. False: there was none.
    pub(crate) async fn work_on(&self, queue: QueueName) -> bool {
        self.machine.work(queue).await.unwrap()
    }

    /// Wakes everybody who is due.
    pub(crate) async fn sweep(&self) {
        self.machine.sweep().await.unwrap();
    }

    /// Leads workers of this world.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }
}
