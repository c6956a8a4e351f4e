use jiff::SignedDuration;

use super::*;
use crate::sample::{OTHER, SALES, at, bound, person, policy};

const EMPLOYED: &str = "2026-01-01 hire_date=2020-01-01";

fn join(group: &str) -> Action {
    Action::AddMember { group: group.parse().unwrap() }
}

fn planned(action: Action, wait: impl Into<Option<Wait>>) -> Planned {
    Planned { action, why: "package sales".into(), wait: wait.into() }
}

fn plan(steps: Vec<Planned>) -> Plan {
    Plan { steps, ..Plan::of(Stage::Groups) }
}

fn waits_for(why: &str) -> Wait {
    Wait::For(why.into(), None)
}

/// One person, one step, one look after the other.
struct Story {
    person: Person,
    now: Timestamp,
}

impl Story {
    fn new() -> Self {
        Self { person: bound(&[EMPLOYED]), now: at("2026-03-10T12:00") }
    }

    fn after(&mut self, minutes: i64) -> &mut Self {
        self.now += SignedDuration::from_mins(minutes);
        self
    }

    fn look(&mut self, steps: Vec<Planned>) -> Progress {
        apply(&mut self.person, Stage::Groups, &plan(steps), &BTreeSet::new(), &policy(), self.now)
    }

    /// A look whose second read agrees.
    fn look_twice(&mut self, steps: Vec<Planned>) -> Progress {
        let agreed = settled(&self.person, Stage::Groups, &policy(), self.now);
        apply(&mut self.person, Stage::Groups, &plan(steps), &agreed, &policy(), self.now)
    }

    fn step(&mut self) -> &mut Step {
        self.person.steps.values_mut().next().unwrap()
    }

    fn set(&mut self, state: StepState, wake_in_minutes: i64) {
        let wake_at = Some(self.now + SignedDuration::from_mins(wake_in_minutes));
        let step = self.step();
        (step.state, step.wake_at, step.attempts) = (state, wake_at, 1);
    }
}

#[test]
fn what_is_asked_for_is_decided_once_and_can_be_carried_out_until_it_is_done() {
    let mut story = Story::new();
    let first = story.look(vec![planned(join(SALES), None)]);
    assert_eq!(first.decided, [(format!("add to group {SALES}"), "package sales".to_owned())]);
    assert_eq!(first.runnable.len(), 1);
    let again = story.after(1).look(vec![planned(join(SALES), None)]);
    assert!(again.decided.is_empty());
    assert_eq!(again.runnable, first.runnable);
    assert_eq!(story.step().round, 1);
}

#[test]
fn steps_run_in_the_order_of_the_plan_and_a_repeated_one_once() {
    let mut story = Story::new();
    let progress = story.look(vec![planned(join(SALES), None), planned(join(OTHER), None), planned(join(SALES), None)]);
    let actions: Vec<_> = progress.runnable.iter().map(|id| story.person.steps[id].action.clone()).collect();
    assert_eq!(actions, [join(SALES), join(OTHER)]);
}

#[test]
fn a_step_left_running_is_one_whose_worker_died() {
    let mut story = Story::new();
    story.look(vec![planned(join(SALES), None)]);
    let since = story.now;
    story.set(StepState::Running { since }, 5);
    assert_eq!(story.after(1).look(vec![planned(join(SALES), None)]).runnable.len(), 1);
}

#[test]
fn done_becomes_verified_by_two_agreeing_reads_after_the_settling_time_and_not_before() {
    let mut story = Story::new();
    story.look(vec![planned(join(SALES), None)]);
    let at = story.now;
    story.set(StepState::Done { at }, 5);
    assert!(story.after(4).look_twice(vec![]).verified.is_empty(), "not settled");
    assert_eq!(story.step().state, StepState::Done { at });
    assert_eq!(story.step().wake_at, Some(at + SignedDuration::from_mins(5)));
    assert!(story.after(1).look(vec![]).verified.is_empty(), "one read only");
    assert_eq!(story.look_twice(vec![]).verified, [format!("add to group {SALES}")]);
    let now = story.now;
    assert_eq!(story.step().state, StepState::Verified { at: now });
    assert_eq!(story.step().wake_at, None);
}

#[test]
fn a_met_step_that_is_asked_for_again_begins_a_new_round() {
    for state in [|at| StepState::Done { at }, |at| StepState::Verified { at }] {
        let mut story = Story::new();
        story.look(vec![planned(join(SALES), None)]);
        let now = story.now;
        story.set(state(now), 5);
        let again = story.after(60).look(vec![planned(join(SALES), None)]);
        assert_eq!((again.decided.len(), again.runnable.len()), (1, 1));
        let step = story.step();
        assert_eq!((step.round, step.attempts, step.state.clone(), step.wake_at), (2, 0, StepState::Pending, None));
    }
}

#[test]
fn waiting_keeps_its_place_in_the_line_whatever_it_waits_for() {
    let mut story = Story::new();
    let began = story.now;
    let first = story.look(vec![planned(join(SALES), waits_for("location"))]);
    assert_eq!(first.waits, [(format!("add to group {SALES}"), "location".to_owned())]);
    assert!(first.runnable.is_empty());
    assert!(story.after(15).look(vec![planned(join(SALES), waits_for("location"))]).waits.is_empty(), "nothing new");
    let now = story.now;
    assert_eq!(story.step().wake_at, Some(now + RECHECK));
    assert_eq!(story.after(15).look(vec![planned(join(SALES), waits_for("a seat"))]).waits.len(), 1);
    assert!(matches!(story.step().state, StepState::Waiting { since, .. } if since == began));
    assert_eq!(story.after(15).look(vec![planned(join(SALES), None)]).runnable.len(), 1, "served");
}

#[test]
fn what_has_to_wait_for_an_instant_is_woken_then() {
    let mut story = Story::new();
    let due = story.now + SignedDuration::from_mins(2);
    assert!(story.look(vec![planned(join(SALES), Some(Wait::Until(due)))]).runnable.is_empty());
    assert_eq!((story.step().state.clone(), story.step().wake_at), (StepState::Pending, Some(due)));
}

#[test]
fn failed_waits_for_its_time_and_a_task_too() {
    for state in [StepState::Failed { why: "refused".into() }, StepState::Task { instructions: "by hand".into() }] {
        let mut story = Story::new();
        story.look(vec![planned(join(SALES), None)]);
        story.set(state.clone(), 60);
        assert!(story.after(59).look(vec![planned(join(SALES), None)]).runnable.is_empty());
        assert_eq!(story.step().state, state);
        assert_eq!(story.after(1).look(vec![planned(join(SALES), None)]).runnable.len(), 1);
    }
}

#[test]
fn a_task_is_told_once_and_looked_at_again_and_again() {
    let mut story = Story::new();
    let by_hand = || planned(join(SALES), Some(Wait::Human("do it".into())));
    assert_eq!(story.look(vec![by_hand()]).tasks, [(join(SALES), "do it".to_owned())]);
    assert!(story.after(60).look(vec![by_hand()]).tasks.is_empty());
    assert!(story.step().wake_at.is_some_and(|at| at > story.now));
    assert_eq!(tasks(&story.person).map(|(_, instructions)| instructions).collect::<Vec<_>>(), ["do it"]);
    assert_eq!(story.look(vec![]).dropped, [format!("add to group {SALES}")], "done by hand");
    assert_eq!(tasks(&story.person).count(), 0);
}

#[test]
fn what_is_no_longer_needed_is_dropped_unless_a_call_may_have_taken_effect() {
    let mut story = Story::new();
    story.look(vec![planned(join(SALES), None), planned(join(OTHER), waits_for("a seat"))]);
    assert_eq!(story.look(vec![]).dropped.len(), 2);
    assert!(story.person.steps.is_empty());
    for state in [StepState::Running { since: story.now }, StepState::Failed { why: "no answer".into() }] {
        story.look(vec![planned(join(SALES), None)]);
        story.set(state, 5);
        assert!(story.look(vec![]).dropped.is_empty());
        let now = story.now;
        assert_eq!(story.step().state, StepState::Done { at: now }, "to be verified");
        story.person.steps.clear();
    }
}

#[test]
fn the_work_of_an_earlier_generation_is_dropped() {
    let mut story = Story::new();
    story.look(vec![planned(join(SALES), None)]);
    story.set(StepState::Failed { why: "no answer".into() }, 5);
    story.person.head.generation += 1;
    assert_eq!(story.look(vec![planned(join(SALES), None)]).dropped.len(), 1);
    assert_eq!((story.person.steps.len(), story.step().generation), (1, 1));
}

#[test]
fn a_look_that_concludes_nothing_leaves_every_step_and_its_place_in_the_line() {
    let mut story = Story::new();
    story.look(vec![planned(join(SALES), waits_for("a seat")), planned(join(OTHER), None)]);
    let before = story.person.clone();
    let blind = Plan { is_inconclusive: true, ..plan(vec![]) };
    story.after(60);
    let progress = apply(&mut story.person, Stage::Groups, &blind, &BTreeSet::new(), &policy(), story.now);
    assert_eq!((progress, story.person), (Progress::default(), before));
}

#[test]
fn a_stage_leaves_the_steps_of_others_alone() {
    let mut story = Story::new();
    story.look(vec![planned(join(SALES), None)]);
    let before = story.person.clone();
    let progress =
        apply(&mut story.person, Stage::Licenses, &Plan::of(Stage::Licenses), &BTreeSet::new(), &policy(), story.now);
    assert_eq!((progress, story.person), (Progress::default(), before));
}

#[test]
fn verified_steps_are_kept_up_to_a_limit_but_never_those_of_the_present_cut() {
    let mut story = Story::new();
    let cut = Action::DisableAccount { pass: 1 };
    let verified = |person: &mut Person, action: Action, at: Timestamp| {
        let id = StepId::derive(&person.head.person, 0, &action);
        let state = StepState::Verified { at };
        person.steps.insert(
            id.clone(),
            Step {
                id,
                generation: 0,
                round: 1,
                action,
                why: String::new(),
                state,
                attempts: 1,
                wake_at: None,
                by_hand: false,
            },
        );
    };
    verified(&mut story.person, cut.clone(), at("2020-01-01"));
    for number in 0..60 {
        let manager = format!("{number:08}-0000-0000-0000-000000000000").parse().unwrap();
        verified(&mut story.person, Action::SetManager { manager }, story.now + SignedDuration::from_mins(number));
    }
    apply(&mut story.person, Stage::Accounts, &Plan::default(), &BTreeSet::new(), &policy(), story.now);
    assert_eq!(story.person.steps.len(), VERIFIED_MAX + 1);
    assert!(story.person.steps.values().any(|step| step.action == cut));
    story.person.head.generation += 1;
    apply(&mut story.person, Stage::Accounts, &Plan::default(), &BTreeSet::new(), &policy(), story.now);
    assert!(!story.person.steps.values().any(|step| step.action == cut), "an earlier cut is history");
}

#[test]
fn the_ledger_takes_the_plans_notes_and_forgets_what_it_says() {
    use crate::ledger::{Grant, Origin, Target};
    let mut story = Story::new();
    let target = |group: &str| Target::Group(group.parse().unwrap());
    let grant = |group| Grant {
        target: target(group),
        origin: Origin::PreExisting,
        held: true,
        reasons: vec![],
        since: at("2026-01-01"),
    };
    story.person.grants.insert(target(OTHER), grant(OTHER));
    let plan = Plan { note: vec![grant(SALES)], forget: vec![target(OTHER)], ..plan(vec![]) };
    apply(&mut story.person, Stage::Groups, &plan, &BTreeSet::new(), &policy(), story.now);
    assert_eq!(story.person.grants.into_keys().collect::<Vec<_>>(), [target(SALES)]);
}

#[test]
fn a_cut_that_the_tenant_refused_closes_as_verified_once_a_human_made_it_and_not_before() {
    let cut = Action::DisableAccount { pass: 1 };
    let by_hand = Action::ByHand { stage: Stage::Accounts, what: "cut on-premises".into(), object: None };
    for action in [cut.clone(), by_hand] {
        let mut person = person(&["2026-01-01 hire_date=2020-01-01"]);
        person.head.cut = true;
        let id = StepId::derive(&person.head.person, 0, &action);
        let state = StepState::Task { instructions: "do it".into() };
        let step = Step {
            id: id.clone(),
            generation: 0,
            round: 1,
            action,
            why: String::new(),
            state,
            attempts: 1,
            wake_at: None,
            by_hand: false,
        };
        person.steps.insert(id.clone(), step);
        assert_eq!(uncut(&person).count(), 1);
        let (policy, noon) = (policy(), at("2026-03-10T12:00"));
        let turn = |person: &mut Person, plan: &Plan, agreed: bool, now| {
            let agreed = agreed.then(|| id.clone()).into_iter().collect();
            apply(person, Stage::Accounts, plan, &agreed, &policy, now)
        };
        let blind = Plan { is_inconclusive: true, ..Plan::of(Stage::Accounts) };
        turn(&mut person, &blind, false, noon);
        assert_eq!(uncut(&person).count(), 1, "nothing was seen");
        turn(&mut person, &Plan::of(Stage::Accounts), false, noon);
        assert_eq!(uncut(&person).count(), 0);
        assert_eq!(person.steps[&id].state, StepState::Done { at: noon });
        let later = at("2026-03-10T12:10");
        let progress = turn(&mut person, &Plan::of(Stage::Accounts), true, later);
        assert_eq!(progress.verified.len(), 1);
        assert_eq!(person.steps[&id].state, StepState::Verified { at: noon });
    }
}

#[test]
fn a_task_of_a_cut_that_nothing_stands_behind_any_more_is_dropped() {
    let action = Action::ByHand { stage: Stage::Accounts, what: "cut a protected person".into(), object: None };
    let mut person = person(&["2026-01-01 hire_date=2020-01-01"]);
    person.head.cut = true;
    let mut plan = Plan::of(Stage::Accounts);
    let wait = Some(Wait::Human("do it".into()));
    plan.steps.push(Planned { action, why: String::new(), wait });
    let (policy, noon) = (policy(), at("2026-03-10T12:00"));
    apply(&mut person, Stage::Accounts, &plan, &BTreeSet::new(), &policy, noon);
    // The protection was taken away: now we make the cut.
    plan.steps = vec![Planned { action: Action::DisableAccount { pass: 1 }, why: String::new(), wait: None }];
    let progress = apply(&mut person, Stage::Accounts, &plan, &BTreeSet::new(), &policy, noon);
    assert_eq!(progress.dropped, ["by hand: cut a protected person"]);
}
