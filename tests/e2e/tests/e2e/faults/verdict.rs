//! How an act ended, and what is wrong with that.

use std::collections::BTreeSet;

use domain::step::StepState;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::journeys::{Act, BYSTANDER};
use super::strike::{Call, RETRY_AFTER_S, Strike, Times};
use crate::world::tenant::{ANCHOR, difference};
use crate::world::{HrStrike, HrTrouble, Trouble, World};

/// What is refused for ever has become visible by then: a message is given up after eleven minutes.
const GIVEN_UP: SignedDuration = SignedDuration::from_mins(45);
/// A cut that is refused pages, and what else there is to cut is cut, within this time.
const AT_ONCE: SignedDuration = SignedDuration::from_mins(2);

/// An act as it ends when nothing goes wrong.
pub(super) struct Reference {
    pub(super) calls: Vec<Call>,
    pub(super) messages: usize,
    pub(super) writes: usize,
    pub(super) hr_calls: usize,
    end: Value,
    pages: BTreeSet<String>,
    /// The end a while later than an act that is disturbed for ever is judged, with the bystander moving meanwhile.
    beside: Value,
}

impl Reference {
    pub(super) async fn of(act: &Act) -> Self {
        let world = act.from.fork(Trouble::default());
        // What is looked at again by and by, for as long as a human has not acted, is the same look every time.
        world.run_until(act.from.now() + SignedDuration::from_mins(14)).await;
        let (calls, messages, hr_calls) = (made(&world), world.messages().0, world.hr_calls().0);
        let writes = world.writes();
        world.run_until(act.ends()).await;
        assert_eq!((world.failures(), world.wrongs()), (vec![], vec![]), "{}", act.name);
        let beside = beside(act, &Value::Null).await;
        Self {
            calls,
            messages,
            writes,
            hr_calls,
            end: end(&world).await,
            pages: pages(&world),
            beside: end(&beside).await,
        }
    }

    /// The how-manieth of its like a call is.
    pub(super) fn turn(&self, number: usize) -> usize {
        self.calls[..=number].iter().filter(|call| call.is(&self.calls[number])).count()
    }
}

fn made(world: &World) -> Vec<Call> {
    world.calls().iter().map(Call::read).collect()
}

fn pages(world: &World) -> BTreeSet<String> {
    world.pages().into_iter().map(|page| page.text).collect()
}

/// How a world stands, comparable.
async fn end(world: &World) -> Value {
    let mut tenant = world.tenant();
    for (list, id) in [("users", "id"), ("groups", "id"), ("deletedItems", "id"), ("seats", "skuId")] {
        let named = tenant[list].as_array().unwrap().iter();
        tenant[list] = named.map(|object| (object[id].as_str().unwrap().to_owned(), object.clone())).collect();
    }
    json!({"tenant": tenant, "books": world.books().await})
}

/// The act with these faults for as long as they are given up, while the bystander moves.
async fn beside(act: &Act, faults: &Value) -> World {
    let world = act.from.fork(Trouble::default());
    if !faults.is_null() {
        world.control("faults", faults);
    }
    world.hear("20", &json!({"org.department.name": "Law"})).await;
    world.run_until(act.from.now() + GIVEN_UP).await;
    world
}

/// Everything an end says of one person.
fn of(person: &str, end: &Value) -> Value {
    let name = format!("<{person}#0>");
    let users = end["tenant"]["users"].as_object().unwrap().values().filter(|user| user[ANCHOR] == person);
    let groups = end["tenant"]["groups"].as_object().unwrap().values();
    let groups = groups.filter(|group| group["members"].as_array().unwrap().contains(&json!(name)));
    json!({
        "books": end["books"][person],
        "users": users.collect::<Vec<_>>(),
        "groups": groups.map(|group| &group["displayName"]).collect::<Vec<_>>(),
    })
}

/// What differs from the undisturbed end, and everything that was paged, failed or should not have been granted.
async fn wrongs(reference: &Reference, world: &World) -> Vec<String> {
    let mut wrong = difference(&reference.end, &end(world).await);
    wrong.extend(world.failures().iter().map(|failure| format!("failed: {} {}", failure.cause, failure.reason)));
    wrong.extend(world.wrongs());
    wrong.extend(pages(world).difference(&reference.pages).map(|text| format!("paged: {text}")));
    wrong
}

/// A message that comes twice.
pub(super) async fn of_repetition(act: &Act, reference: &Reference, number: usize) -> Vec<String> {
    let world = act.from.fork(Trouble { again: Some(number), ..Trouble::default() });
    world.run_until(act.ends()).await;
    let mut wrong = wrongs(reference, &world).await;
    if world.messages().1 != 1 {
        wrong.push("it never came twice".into());
    }
    wrong
}

/// Everything dies before a write, and is opened again.
pub(super) async fn of_death(act: &Act, reference: &Reference, number: usize) -> Vec<String> {
    let world = act.from.fork(Trouble { crash_at: Some(number), ..Trouble::default() });
    let survived = Box::pin(world.survive(world.run_until(act.ends()))).await;
    let world = world.restart(Trouble::default());
    Box::pin(world.run_until(act.ends())).await;
    let mut wrong = wrongs(reference, &world).await;
    if survived {
        wrong.push("it never died".into());
    }
    wrong
}

/// A call to the HR system that is not answered as it should be.
pub(super) async fn of_hr(act: &Act, reference: &Reference, trouble: HrTrouble) -> Vec<String> {
    let world = act.from.fork(Trouble { hr: Some(trouble), ..Trouble::default() });
    world.run_until(act.ends()).await;
    let mut wrong = wrongs(reference, &world).await;
    if matches!(trouble.how, HrStrike::Refused(401 | 403, _)) {
        // A key that is not taken is for a human to replace.
        let pages = wrong.len();
        wrong.retain(|line| !line.starts_with("paged: records of connection `bamboo`"));
        if wrong.len() == pages {
            wrong.push("nobody was paged".into());
        }
    }
    if world.hr_calls().1 == 0 {
        wrong.push("it never struck".into());
    }
    wrong
}

/// A call to Graph that is struck.
pub(super) async fn of_call(
    act: &Act,
    reference: &Reference,
    number: usize,
    (strike, times): (Strike, Times),
) -> Vec<String> {
    let call = &reference.calls[number];
    let faults = strike.faults(times, call, reference.turn(number));
    let (world, mut wrong) = if times == Times::ForEver {
        let world = beside(act, &faults).await;
        let wrong = of_lesser_end(act, reference, number, strike, &world).await;
        (world, wrong)
    } else {
        let world = act.from.fork(Trouble::default());
        world.control("faults", &faults);
        world.run_until(act.ends()).await;
        let mut wrong = wrongs(reference, &world).await;
        if is_cut(act, call) && (strike.is_definite() || strike == Strike::Throttled(503)) {
            // Told at once, though the next try may do it.
            wrong.retain(|line| !line.starts_with("paged: "));
            // A method that is not there need not be removed; if it was said wrongly, the second pass finds it.
            let is_gone = call.method == "DELETE" && strike == Strike::Refused(404);
            let is_refused = !call.is_read() && strike.is_definite() && !is_gone;
            if is_refused && !is_paged_in_time(act, reference, number, &world) {
                wrong.push("nobody was paged".into());
            }
        }
        if call.is_read() && reference.turn(number) == 1 && !act.leavers.is_empty() {
            // Nobody knows yet what kind of account it is: the cut is tried all the same, and what is refused is told as such.
            wrong
                .retain(|line| !(line.starts_with("paged: ") && line.contains("the account is synchronized: do this")));
        }
        (world, wrong)
    };
    if strike == Strike::Doubled {
        // Who is told at the first try that somebody is a member already cannot know that it was themselves.
        wrong.retain(|line| {
            !(line.contains("/grants/") && line.replace(" PreExisting ", " Ours ").matches(" Ours ").count() == 2)
        });
    }
    if world.faults_struck().last() == Some(&0) {
        wrong.push("it never struck".into());
    }
    // Another stage's read of the same is another call, and so is one by the identity that only cuts.
    let is_alone = !call.is_read() || (strike == Strike::Throttled(429) && act.leavers.is_empty());
    if matches!(strike, Strike::Throttled(_)) && is_alone {
        wrong.extend(too_soon(&world, call));
    }
    wrong
}

fn is_cut(act: &Act, call: &Call) -> bool {
    !act.leavers.is_empty() && (call.cuts_sign_in() || call.lists_methods())
}

/// Calls that were repeated although Graph had asked to wait.
fn too_soon(world: &World, call: &Call) -> Vec<String> {
    let calls = made(world);
    let like: Vec<_> = calls.iter().filter(|made| made.is(call)).collect();
    let asked = like.iter().filter(|made| matches!(made.status, 429 | 503));
    let waits = asked.map(|made| (made.at, made.at + SignedDuration::from_secs(RETRY_AFTER_S)));
    let early =
        |(from, until)| like.iter().find(move |made| made.at > from && made.at < until).map(|made| (from, made.at));
    waits.filter_map(early).map(|(from, at)| format!("asked to wait at {from}, but repeated at {at}")).collect()
}

/// A call that is refused for ever: the person it is about has less than they should, and that is not hidden; nobody else has.
async fn of_lesser_end(act: &Act, reference: &Reference, number: usize, strike: Strike, world: &World) -> Vec<String> {
    let call = &reference.calls[number];
    let now = end(world).await;
    let mut wrong: Vec<_> = world.wrongs();
    let about = people_of(call, world);
    let is_shared = about.is_none();
    if !is_shared {
        wrong.extend(difference(&of(BYSTANDER, &reference.beside), &of(BYSTANDER, &now)));
    }
    if difference(&reference.beside, &now).is_empty() {
        return wrong;
    }
    let mut people = act.people.to_vec();
    people.retain(|person| about.as_deref().is_none_or(|about| about == *person || about == BYSTANDER));
    let mut told = Vec::new();
    for person in &people {
        told.extend(visible(world, person).await);
    }
    if told.is_empty() {
        wrong.push(format!("nobody is told: {:?}", difference(&reference.beside, &now)));
    }
    if !act.leavers.is_empty() {
        wrong.extend(cut_all_the_same(act, reference, number, strike, world));
    }
    wrong
}

/// Whom a call is about, if it names anybody's account.
fn people_of(call: &Call, world: &World) -> Option<String> {
    let snapshot = world.emulator().tenant().snapshot(false);
    let users = ["users", "deletedItems"].into_iter().flat_map(|list| snapshot[list].as_array().unwrap());
    let anchored: Vec<_> = users.filter_map(|user| Some((user["id"].as_str()?, user[ANCHOR].as_str()?))).collect();
    let named = |text: &str| anchored.iter().find(|(id, _)| text.contains(id)).map(|(_, person)| (*person).to_owned());
    let body = call.body.to_string();
    named(&call.path).or_else(|| call.body[ANCHOR].as_str().map(str::to_owned)).or_else(|| named(&body))
}

/// Where somebody who operates Joinery sees that something is wrong with a person, and what.
async fn visible(world: &World, person: &str) -> Vec<String> {
    let failures = world.failures().into_iter();
    let failed = failures.filter(|failure| failure.person.as_ref().is_some_and(|id| id.to_string() == person));
    let mut told: Vec<_> = failed.map(|failure| failure.reason).collect();
    told.extend(world.tasks(person).await);
    told.extend(world.pages().into_iter().map(|page| page.text).filter(|text| text.contains(person)));
    let known = world.person(person).await;
    let waits = known.steps.values().filter_map(|step| match &step.state {
        StepState::Waiting { why, .. } => Some(why.clone()),
        _ => None,
    });
    told.extend(waits);
    told
}

/// What else of a leaver's access there is to cut is cut, soon; and if it is sign-in that cannot be cut, somebody is paged.
fn cut_all_the_same(act: &Act, reference: &Reference, number: usize, strike: Strike, world: &World) -> Vec<String> {
    let (call, turn) = (&reference.calls[number], reference.turn(number));
    let made = made(world);
    let mut wrong = Vec::new();
    // Whoever waits for the seat that could not be taken away waits rightly.
    let about_leaver = |due: &&Call| people_of(due, world).is_none_or(|person| act.leavers.contains(&person.as_str()));
    for due in reference.calls.iter().filter(|due| !due.is_read() && !due.is(call)).filter(about_leaver) {
        // Who may read no groups cannot know which to leave.
        let possible = match (call.is_read(), call.path.as_str()) {
            (true, _) => due.cuts_sign_in() && !call.lists_methods(),
            (false, "/$batch") => !due.is_carried,
            _ => true,
        };
        let was_made = made.iter().any(|made| made.is(due) && made.status < 300 && made.at <= due.at + AT_ONCE);
        if possible && due.status < 300 && !was_made {
            wrong.push(format!("not made in time: {} {}", due.method, due.path));
        }
    }
    // Once the methods were removed, listing them only tells that they are gone.
    let is_told = || is_paged_in_time(act, reference, number, world);
    if (call.cuts_sign_in() || (call.lists_methods() && turn == 1)) && !is_told() {
        wrong.push(format!("nobody was paged in time that {strike:?} keeps a cut from being made"));
    }
    wrong
}

/// Whether by the time after a call of a cut was struck, or soon after it, somebody was paged about what the call is for. What is paged
/// about already, because the tenant refuses it by itself, is not paged about twice.
fn is_paged_in_time(act: &Act, reference: &Reference, number: usize, world: &World) -> bool {
    let (call, turn) = (&reference.calls[number], reference.turn(number));
    let Some(struck) = made(world).into_iter().filter(|made| made.is(call)).nth(turn - 1) else { return false };
    let about_leaver = |page: &domain::ports::Page| {
        page.person.as_ref().is_some_and(|person| act.leavers.contains(&person.to_string().as_str()))
    };
    let mut pages = world.pages().into_iter().filter(about_leaver);
    pages.any(|page| page.at <= struck.at + AT_ONCE && page.text.contains(call.cuts_by()))
}
