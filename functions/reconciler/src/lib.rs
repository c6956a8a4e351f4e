//! `reconciler`: holds the whole tenant against the roster, a page at a time, and wakes whoever drifted.
//!
//! It writes nothing to the tenant and decides nothing: whoever is woken is looked at by the stages, which plan. What is nobody's drift is kept as
//! a finding.
//!
//! ```text
//! seats ─► users, 999 a page ─► bound accounts that no page showed ─► members of each group of the policy ─► HR ─► end
//!             │ the next page is on its way while this one is compared
//!             ▼
//!          one transaction: the place, who was sighted, what was found ─► wake-ups
//! ```
//!
//! # Guarantees
//! - Memory is that of two pages, however large the tenant is.
//! - A run that is cut off anywhere goes on where it was, under the next [`run`]: at the page it had not stored. Its deadline is an input.
//! - Nobody is woken twice for one drift within a run, but after a death between sending and noting it, more than five minutes later.
//!
//! # What it does not compare
//! Properties other than the location and our mark (the stages see those at every look), service plans that somebody turned on or off, and
//! HR's lists: no source's list is read yet, and each is reported as not readable. Inactive accounts are reported; nothing is reclaimed.

mod listing;
mod seats;
mod translation;
mod turn;

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::policy::Policy;
use domain::ports::{Clock, Entropy, Lines, Outbox, Roster, StoreError};
use domain::reconcile::{Census, Place, Run, RunName, Scope};
use jiff::Timestamp;

pub use listing::select;
pub use seats::products;

/// What `reconciler` may touch.
#[derive(Clone)]
pub struct App {
    /// The policy in force.
    pub policy: Arc<Policy>,
    /// Reads the tenant, and nothing else.
    pub graph: Arc<graph::Client>,
    /// Loads people; commits nothing.
    pub roster: Arc<dyn Roster>,
    /// Tells who waits for seats; moves nobody.
    pub lines: Arc<dyn Lines>,
    /// Looks many people up at once, and keeps the run.
    pub census: Arc<dyn Census>,
    /// Wakes people.
    pub outbox: Arc<dyn Outbox>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For the run's id.
    pub entropy: Arc<dyn Entropy>,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Order {
    /// Whether people are woken.
    pub name: RunName,
    /// What is compared.
    pub scopes: BTreeSet<Scope>,
    /// When to stop, between two pages; the rest is left to the next run. None: at the end.
    pub deadline: Option<Timestamp>,
}

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// To the end.
    Whole,
    /// To its deadline; the rest goes on under the next run.
    CutOff,
}

/// Why it did not come to its end. Its place is stored: the same order again goes on there.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The tenant cannot be read just now, or at all.
    #[error("the tenant cannot be read")]
    Graph(#[from] graph::Error),
    /// The store failed.
    #[error("the roster cannot be read or written")]
    Store(#[source] StoreError),
    /// Another run has the place.
    #[error("another reconciliation is under way")]
    Elsewhere,
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Conflict) { Self::Elsewhere } else { Self::Store(error) }
    }
}

/// Reconciles, from where the run of this name was cut off or else from the beginning. `on_page` is told of every page.
pub async fn run(app: &App, order: &Order, on_page: &(dyn Fn(&Run) + Sync)) -> Result<Ended, Trouble> {
    let mut turn = turn::Turn::begin(app, order).await?;
    // What an earlier turn found and did not come to say.
    turn.wake().await?;
    while turn.run.place != Place::End {
        if turn.is_over() {
            return Ok(Ended::CutOff);
        }
        turn.part(on_page).await?;
    }
    let Run { id, accounts, members, .. } = &turn.run;
    tracing::info!(run = id, accounts, members, "reconciled");
    Ok(Ended::Whole)
}
