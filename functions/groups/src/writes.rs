//! Membership writes in as few calls as Graph allows, each with an answer of its own.
//!
//! ```text
//! additions to one group ──► PATCH of up to 20 ── refused, perhaps because of one of them ──┐
//! everything else ─────────► $batch of up to 20 ◄──────────────────────── each by itself ──┘
//! ```
//!
//! Calls of one gathering run side by side, so that a group which is throttled or broken delays nobody else's. A PATCH is all
//! or nothing ("Add members"): when it is refused, nobody was added, and each goes by itself at once, so that only the culprit
//! fails. When its answer is lost, each is told so, and from then on goes by itself.

use std::collections::BTreeMap;

use domain::ids::PersonId;
use domain::ledger::Origin;
use domain::person::Person;
use domain::planner::groups::Refusal as GroupRefusal;
use domain::step::{Action, Step};
use futures_util::stream::{self, Stream, StreamExt};
use graph::limits::{BATCH_MAX, MEMBERS_MAX};
use graph::request::{self, Members};
use graph::{GroupId, Refusal, Request, UserId};
use jiff::Timestamp;
use stage::{Asked, Due, Effect, Trouble};

use crate::{App, VISIBLE_PAUSE};

/// How many calls of one gathering are under way at a time.
const CALLS_MAX: usize = 8;

/// What a write came to.
pub(crate) type Heard = Result<Effect, Trouble>;

/// One person and one group.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    person: PersonId,
    user: UserId,
    group: GroupId,
    action: Action,
    attempts: u32,
    lease: Option<Timestamp>,
}

/// A write and its place among those asked for.
type Placed<'a> = (usize, &'a Write);
/// Answers, each with the place of its write.
type Answers = Vec<(usize, Heard)>;

/// The writes of a person's steps; if there can be none, what to tell instead.
pub(crate) fn of(person: &Person, steps: &[Step], lease: Option<Timestamp>) -> Result<Vec<Write>, Vec<Heard>> {
    let Some(user) = &person.head.account.object_id else {
        return Err(steps.iter().map(|_| Ok(Effect::Later(VISIBLE_PAUSE))).collect());
    };
    let write = |step: &Step| match &step.action {
        Action::AddMember { group } | Action::RemoveMember { group } => Some(Write {
            person: person.head.person.clone(),
            user: UserId::from(user.as_str()),
            group: GroupId::from(group.as_str()),
            action: step.action.clone(),
            attempts: step.attempts,
            lease,
        }),
        _ => None,
    };
    let unknown = || Ok(Effect::Human("this version cannot do this step: report it".into(), false));
    let writes: Option<Vec<_>> = steps.iter().map(write).collect();
    writes.ok_or_else(|| steps.iter().map(|_| unknown()).collect())
}

/// Carries out writes, and answers each as soon as its call has ended.
pub(crate) async fn answer(app: &App, asked: Vec<Asked<Write, Heard>>) {
    let (writes, answers): (Vec<_>, Vec<_>) = asked.into_iter().map(Asked::split).unzip();
    let mut answers: BTreeMap<usize, _> = answers.into_iter().enumerate().collect();
    let mut ended = std::pin::pin!(answered(app, &writes));
    while let Some(heard) = ended.next().await {
        for (place, heard) in heard {
            if let Some(answer) = answers.remove(&place) {
                answer.tell(heard);
            }
        }
    }
}

/// Carries out writes: an answer for each, in their order.
pub(crate) async fn carry_out(app: &App, writes: &[Write]) -> Vec<Heard> {
    let heard: Vec<Answers> = answered(app, writes).collect().await;
    heard.into_iter().flatten().collect::<BTreeMap<_, _>>().into_values().collect()
}

/// The answers to writes, as their calls end.
fn answered<'a>(app: &'a App, writes: &'a [Write]) -> impl Stream<Item = Answers> + 'a {
    stream::iter(calls(writes)).map(|call| make(app, call)).buffer_unordered(CALLS_MAX)
}

/// One call.
#[derive(Debug)]
enum Call<'a> {
    /// At least two and at most twenty people into one group.
    Together(Vec<Placed<'a>>),
    /// At most twenty requests, each for itself.
    Each(Vec<Placed<'a>>),
}

/// The calls that carry writes: people who are to be added to the same group share one. What was tried before goes by itself: it may
/// have been done, or may be what keeps the others out.
fn calls(writes: &[Write]) -> Vec<Call<'_>> {
    let (mut joining, mut alone) = (BTreeMap::<&str, Vec<Placed<'_>>>::new(), Vec::new());
    for (place, write) in writes.iter().enumerate() {
        if write.action.grants() && write.attempts <= 1 {
            joining.entry(write.group.as_str()).or_default().push((place, write));
        } else {
            alone.push((place, write));
        }
    }
    let mut calls = Vec::new();
    for members in joining.values().flat_map(|members| members.chunks(MEMBERS_MAX)) {
        match members {
            [one] => alone.push(*one),
            several => calls.push(Call::Together(several.to_vec())),
        }
    }
    calls.extend(alone.chunks(BATCH_MAX).map(|few| Call::Each(few.to_vec())));
    calls
}

async fn make(app: &App, call: Call<'_>) -> Answers {
    match call {
        Call::Together(due) => together(app, due).await,
        Call::Each(due) => each(app, due).await,
    }
}

/// Adds people to one group, all or none; if Graph will not, each by itself.
async fn together(app: &App, due: Vec<Placed<'_>>) -> Answers {
    let (mut heard, due) = braked(app, due).await;
    let users: Vec<UserId> = due.iter().map(|(_, write)| write.user.clone()).collect();
    let (Some((_, first)), Some((members, []))) = (due.first(), Members::take(&users)) else { return heard };
    match app.reader.graph().add_members(&first.group, members).await {
        Err(error) if is_perhaps_of_one(&error) => {
            tracing::info!(group = %first.group, people = due.len(), %error, "not added together: each by itself");
            heard.extend(each(app, due).await);
        }
        result => heard.extend(due.iter().map(|(place, write)| (*place, write.came_to(result.clone())))),
    }
    heard
}

/// Sends each write by itself, in one `$batch` if there are several.
async fn each(app: &App, due: Vec<Placed<'_>>) -> Answers {
    let (mut heard, due) = braked(app, due).await;
    let requests: Vec<Request> = due.iter().map(|(_, write)| write.request()).collect();
    let graph = app.reader.graph();
    let results = match requests.as_slice() {
        [] => Vec::new(),
        [one] => vec![graph.execute(one).await],
        several => graph.batch(several).await.into_iter().map(|item| item.map(drop)).collect(),
    };
    heard.extend(due.iter().zip(results).map(|((place, write), result)| (*place, write.came_to(result))));
    heard
}

/// Asks the brakes once more, right before a call: the answers to what must not go out, and what may.
async fn braked<'a>(app: &App, placed: Vec<Placed<'a>>) -> (Answers, Vec<Placed<'a>>) {
    let due: Vec<_> = placed.iter().map(|(_, write)| write.due()).collect();
    let verdicts = stage::ask_again(&app.ports, &due).await;
    let (mut held, mut free) = (Vec::new(), Vec::new());
    for ((place, write), verdict) in placed.into_iter().zip(verdicts) {
        match verdict {
            Ok(None) => free.push((place, write)),
            Ok(Some(effect)) => held.push((place, Ok(effect))),
            Err(error) => held.push((place, Err(error.into()))),
        }
    }
    (held, free)
}

/// Whether a refusal of several may be the fault of one, and surely nothing was done.
fn is_perhaps_of_one(error: &graph::Error) -> bool {
    match error {
        // Of the group, whoever is added; or of the moment.
        graph::Error::Refused { refusal, .. } => {
            !matches!(refusal, Refusal::MailEnabledGroup | Refusal::ReadOnlySynced | Refusal::Concurrency)
        }
        graph::Error::Undocumented { may_have_taken_effect, .. } => !may_have_taken_effect,
        _ => false,
    }
}

impl Write {
    fn due(&self) -> Due<'_> {
        Due { person: &self.person, action: &self.action, lease: self.lease }
    }

    fn request(&self) -> Request {
        if self.action.grants() {
            request::add_member(&self.group, &self.user)
        } else {
            request::remove_member(&self.group, &self.user)
        }
    }

    fn came_to(&self, result: Result<(), graph::Error>) -> Heard {
        if self.action.grants() { added(result, self.attempts) } else { removed(result) }
    }
}

/// What an addition came to. "Already a member" at the first attempt means that somebody else was there before us;
/// later, that an earlier call of ours took effect although it failed.
fn added(result: Result<(), graph::Error>, attempts: u32) -> Heard {
    let Err(error) = result else { return Ok(Effect::done("added")) };
    match error.refusal() {
        Some(Refusal::AlreadyMember) if attempts <= 1 => {
            Ok(Effect::Done("was a member already".into(), Some(Origin::PreExisting)))
        }
        Some(Refusal::AlreadyMember) => Ok(Effect::done("an earlier call had added it")),
        Some(Refusal::NotFound) => Ok(Effect::Later(VISIBLE_PAUSE)),
        _ => refused(error),
    }
}

/// What a removal came to. "Not found" is what was wanted, but of what is young a replica may know nothing yet: the ledger forgets it
/// when a read shows it gone, too.
fn removed(result: Result<(), graph::Error>) -> Heard {
    let Err(error) = result else { return Ok(Effect::done("removed")) };
    match error.refusal() {
        Some(Refusal::NotFound) => Ok(Effect::Wait("no member any more, says Graph: read back".into(), None)),
        _ => refused(error),
    }
}

/// A group that turned out to be of another kind than it looked.
fn refused(error: graph::Error) -> Heard {
    let kind = match error.refusal() {
        Some(Refusal::MailEnabledGroup) => GroupRefusal::MailEnabled,
        Some(Refusal::ReadOnlySynced) => GroupRefusal::Synchronized,
        Some(Refusal::InsufficientPrivileges) => {
            let instructions = "Graph refuses: the group is dynamic or gives directory roles, or Joinery lacks a permission; do this step by hand";
            return Ok(Effect::Human(instructions.into(), false));
        }
        _ => return Err(error.into()),
    };
    Ok(Effect::Human(kind.instructions().into(), false))
}

#[cfg(test)]
mod tests;
