//! When the process dies: the writes of a run are counted, and at one of them everything stops.
//!
//! # Why only before a write
//! Whatever is not written is lost with the process, and reads change nothing. So dying anywhere between one write and the
//! next is the same as dying just before the next one, and dying after the last one is dying at the end: the points before
//! every write (of the store, of a queue, of Graph) are all the different deaths there are. Dying after Graph carried a call out
//! and before its answer was heard is the point before the write that would have recorded the answer.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts the writes of a run.
pub(crate) struct Schedule {
    passed: AtomicUsize,
    crash_at: Option<usize>,
    bell: Notify,
}

impl Schedule {
    /// Dies before the write with this number, counted from 1; None: never.
    pub(crate) fn new(crash_at: Option<usize>) -> Self {
        Self { passed: AtomicUsize::new(0), crash_at, bell: Notify::new() }
    }

    /// The writes so far.
    pub(crate) fn passed(&self) -> usize {
        self.passed.load(Ordering::Relaxed)
    }

    /// A write is about to happen. If it is the fatal one this never returns: whoever runs the world drops everything.
    pub(crate) async fn write(&self) {
        let number = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
        if self.crash_at.is_some_and(|fatal| number >= fatal) {
            self.bell.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Runs until the end (`Some`) or until death (`None`), which drops the work where it stands.
    pub(crate) async fn survive<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.bell.notified() => None,
            done = work => Some(done),
        }
    }
}
