//! Calls that were not heard or were refused: when they are made again, and who is told.

use domain::amend::Aside;
use domain::person::{Person, TimelineKind};
use domain::ports::StoreError;
use domain::step::{Action, Step, StepState};
use jiff::{SignedDuration, Timestamp};

use super::REFUSED_PAUSE;
use crate::Work;

/// The first pause before a step that got no answer is tried again; it doubles with each try, as that of its message does.
const UNANSWERED_FIRST: SignedDuration = SignedDuration::from_secs(5);
/// The longest such pause.
const UNANSWERED_MAX: SignedDuration = SignedDuration::from_mins(15);
/// How often a part of a cut may go unanswered before it pages: a quarter of a minute, in which it was tried nine times.
const UNANSWERED_CUT_MAX: u32 = 3;

impl Work<'_> {
    /// Notes a call that was not heard or was refused. What may help by itself is left to the queue; the rest is a task, for nobody
    /// else would see it, is tried again later, and others' steps go on.
    pub(super) fn note_failure(
        &self,
        person: &mut Person,
        aside: &mut Aside,
        step: &Step,
        error: &graph::Error,
        now: Timestamp,
    ) {
        // Nothing was done, and all there is to do is to wait: it does not count as an attempt. A cut's is counted all the same, so
        // that it pages if it never ends.
        let is_concurrency = error.refusal() == Some(&graph::Refusal::Concurrency);
        let untouched = matches!(error, graph::Error::Throttled { .. }) || (is_concurrency && !step.action.cuts());
        if let Some(known) = person.steps.get_mut(&step.id) {
            known.attempts = known.attempts.saturating_sub(u32::from(untouched));
            known.wake_at = now.checked_add(pause_after(error, step.attempts)).ok();
            known.state = if untouched {
                StepState::Pending
            } else if error.is_transient() {
                StepState::Failed { why: error.to_string() }
            } else {
                let instructions = format!("Graph refuses ({error}): find out why; it is tried again every hour");
                StepState::Task { instructions }
            };
        }
        if !untouched {
            aside.timeline.push(self.line(TimelineKind::Failed, format!("{}: {error}", step.action.phrase())));
        }
    }

    pub(super) async fn page_failed_cut(&self, action: &Action, error: &graph::Error) -> Result<(), StoreError> {
        if !action.cuts() {
            return Ok(());
        }
        let phrase = action.phrase();
        let text = format!("access of {} could not be cut ({phrase}): {error}; cut by hand", self.person);
        self.page(&phrase, text).await
    }

    /// Pages when a part of a cut stays unheard. To be asked to wait is not to be unheard.
    pub(super) async fn page_unheard_cut(&self, step: &Step, error: &graph::Error) -> Result<(), StoreError> {
        let is_throttled = matches!(error, graph::Error::Throttled { .. });
        if is_throttled || step.attempts < UNANSWERED_CUT_MAX {
            return Ok(());
        }
        self.page_failed_cut(&step.action, error).await
    }
}

/// When a step that failed is tried again: not before Graph asked to.
fn pause_after(error: &graph::Error, attempts: u32) -> SignedDuration {
    if !error.is_transient() {
        return REFUSED_PAUSE;
    }
    let doublings = 2_i32.saturating_pow(attempts.saturating_sub(1).min(16));
    let pause = UNANSWERED_FIRST.saturating_mul(doublings).min(UNANSWERED_MAX);
    let asked = error.retry_after().and_then(|asked| SignedDuration::try_from(asked).ok());
    asked.map_or(pause, |asked| pause.max(asked))
}
