use serde_json::json;

use super::*;
use crate::person::{CreateIntent, Person};
use crate::policy::Policy;
use crate::sample::{ACCOUNT, BOSS, at, bound, person, policy};
use crate::step::{Stage, Step, StepId};
use std::collections::BTreeSet;

const NOW: &str = "2026-03-10T12:00";
const EMPLOYED: &str =
    "2026-01-01 hire_date=2020-01-01 status=active name.legal.given=Ada name.legal.family=Byron usage_location=NL";
const LEFT: &str = "2026-03-10T11:00 immediate=true";

fn user(extra: &serde_json::Value) -> User {
    let mut user = json!({
        "id": ACCOUNT, "accountEnabled": true, "givenName": "Ada", "surname": "Byron", "displayName": "Ada Byron",
        "employeeHireDate": "2020-01-01T00:00:00Z", "usageLocation": "NL",
    });
    user.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    user.as_object().unwrap().clone()
}

fn seen(extra: &serde_json::Value) -> Actual {
    Actual { sight: Sight::Present(user(extra)), ..unseen(Sight::Unknown) }
}

fn unseen(sight: Sight) -> Actual {
    Actual { sight, manager: None, wanted_manager: Manager::Unspoken, sessions_valid_from: None, has_methods: None }
}

/// What is asked for, one line a step: the phrase, and what it waits for.
fn asked(plan: &Plan) -> Vec<String> {
    let line = |step: &Planned| match &step.wait {
        Some(Wait::Until(at)) => format!("{} at {at}", step.action.phrase()),
        Some(Wait::For(..)) => format!("{} (waits)", step.action.phrase()),
        None | Some(Wait::Human(_)) => step.action.phrase(),
    };
    plan.steps.iter().map(line).collect()
}

fn planned_at(person: &Person, policy: &Policy, actual: &Actual, now: &str) -> Plan {
    plan(&View::new(person, policy, at(now)), actual)
}

fn planned(person: &Person, actual: &Actual) -> Vec<String> {
    asked(&planned_at(person, &policy(), actual, NOW))
}

fn set(person: &mut Person, action: Action, state: StepState) {
    let id = StepId::derive(&person.head.person, person.head.generation, &action);
    let generation = person.head.generation;
    let step =
        Step { id: id.clone(), generation, round: 1, action, why: String::new(), state, attempts: 1, wake_at: None };
    person.steps.insert(id, step);
}

#[test]
fn m17_somebody_employed_without_an_account_gets_one() {
    assert_eq!(planned(&person(&[EMPLOYED]), &unseen(Sight::Absent)), ["create the account, disabled"]);
}

#[test]
fn m17_an_account_that_is_as_it_should_be_is_left_alone() {
    assert!(planned(&bound(&[EMPLOYED]), &seen(&json!({}))).is_empty());
}

#[test]
fn m17_only_what_differs_is_written_and_sign_in_comes_last() {
    let person = bound(&[EMPLOYED, "2026-03-01 department.name=Sales job.title=null"]);
    let actual = seen(&json!({"accountEnabled": false, "department": "Legal", "jobTitle": "Clerk"}));
    assert_eq!(planned(&person, &actual), ["write department, jobTitle", "enable sign-in"]);
}

#[test]
fn nothing_is_enabled_before_the_first_day_and_what_is_enabled_is_blocked() {
    let person = bound(&["2026-03-01 hire_date=2026-03-16 name.legal.family=Byron name.legal.given=Ada"]);
    let off = seen(&json!({"accountEnabled": false, "employeeHireDate": "2026-03-16T00:00:00Z"}));
    assert!(planned(&person, &off).is_empty());
    let on = seen(&json!({"employeeHireDate": "2026-03-16T00:00:00Z"}));
    assert_eq!(planned(&person, &on), ["block sign-in"]);
}

#[test]
fn a_deleted_account_is_restored_and_a_vanished_one_is_a_task() {
    let person = bound(&[EMPLOYED]);
    assert_eq!(planned(&person, &unseen(Sight::Deleted)), ["restore the deleted account"]);
    assert_eq!(planned(&person, &unseen(Sight::Absent)), ["by hand: find a vanished account"]);
}

#[test]
fn an_account_that_we_deleted_and_the_tenant_purged_is_made_anew() {
    let mut person = bound(&[EMPLOYED]);
    person.head.account.deleted_at = Some(at("2026-01-02"));
    assert_eq!(planned(&person, &unseen(Sight::Absent)), ["create the account, disabled"]);
}

#[test]
fn an_account_that_cannot_be_seen_concludes_nothing() {
    let plan = planned_at(&bound(&[EMPLOYED]), &policy(), &unseen(Sight::Unknown), NOW);
    assert!(plan.steps.is_empty() && plan.is_inconclusive);
}

#[test]
fn m4_facts_the_directory_cannot_take_block_every_grant_and_are_named_with_their_fix() {
    let person = bound(&[EMPLOYED, "2026-03-01 department.name=? number=12345678901234567"]);
    let plan = planned_at(&person, &policy(), &seen(&json!({"accountEnabled": false})), NOW);
    assert_eq!(asked(&plan), ["by hand: correct the HR record"]);
    let Some(Wait::Human(instructions)) = &plan.steps[0].wait else { panic!("no instructions") };
    assert!(instructions.contains("`org.department.name` is not readable: send it again"), "{instructions}");
    assert!(
        instructions.contains("`worker.employee_number` has 17 characters, the directory holds 16"),
        "{instructions}"
    );
}

#[test]
fn faults_never_hold_a_cut() {
    let person = bound(&[EMPLOYED, "2026-03-01 department.name=? employment.type=other", LEFT]);
    assert_eq!(planned(&person, &seen(&json!({}))).len(), 4);
}

#[test]
fn m3_of_a_synchronized_account_only_the_location_is_written_and_the_rest_is_said() {
    let person = bound(&[EMPLOYED, "2026-03-01 department.name=Sales", "2026-03-02 usage_location=DE"]);
    let actual = seen(&json!({"onPremisesSyncEnabled": true, "accountEnabled": false, "department": "Legal"}));
    assert_eq!(
        planned(&person, &actual),
        ["by hand: change on-premises", "write usageLocation", "by hand: enable on-premises"]
    );
}

#[test]
fn m3_a_synchronized_accounts_manager_is_not_touched() {
    let mut actual = seen(&json!({"onPremisesSyncEnabled": true}));
    actual.wanted_manager = Manager::Known(BOSS.parse().unwrap());
    assert!(planned(&bound(&[EMPLOYED]), &actual).is_empty());
}

#[test]
fn a_manager_is_set_removed_or_waited_for() {
    let boss = || Some(BOSS.parse().unwrap());
    let check = |wanted: Manager, current, expected: &[&str]| {
        let actual = Actual { wanted_manager: wanted, manager: current, ..seen(&json!({})) };
        assert_eq!(planned(&bound(&[EMPLOYED]), &actual), expected);
    };
    check(Manager::Known(BOSS.parse().unwrap()), None, &[&format!("set manager {BOSS}")]);
    check(Manager::Known(BOSS.parse().unwrap()), boss(), &[]);
    check(Manager::Known(ACCOUNT.parse().unwrap()), boss(), &[]); // nobody is their own manager
    check(Manager::Unresolved, boss(), &["by hand: set the manager (waits)"]);
    check(Manager::Nobody, boss(), &["remove the manager"]);
    check(Manager::Nobody, None, &[]);
    check(Manager::Unspoken, boss(), &[]);
}

#[test]
fn m1_a_guest_is_invited_by_hand_and_let_in_again() {
    let external = "2026-03-01 employment.type=external";
    assert_eq!(planned(&person(&[EMPLOYED, external]), &unseen(Sight::Absent)), ["by hand: invite a guest"]);
    let guest = bound(&[EMPLOYED, external]);
    assert!(planned(&guest, &seen(&json!({"surname": "Lovelace"}))).is_empty(), "a guest's properties are not ours");
    assert_eq!(planned(&guest, &seen(&json!({"accountEnabled": false}))), ["enable sign-in"]);
}

#[test]
fn m1_a_visitor_never_gets_an_account_and_one_that_is_there_is_a_task() {
    let visitor = "2026-03-01 employment.type=visitor";
    assert!(planned(&person(&[EMPLOYED, visitor]), &unseen(Sight::Absent)).is_empty());
    assert_eq!(
        planned(&bound(&[EMPLOYED, visitor]), &seen(&json!({}))),
        ["by hand: account of a person who gets none"]
    );
    assert_eq!(planned(&bound(&[EMPLOYED, visitor, LEFT]), &seen(&json!({}))).len(), 4, "a cut cuts whatever the kind");
}

#[test]
fn m6_whoever_comes_back_gets_a_credential_before_sign_in_but_not_one_whose_password_is_kept_elsewhere() {
    let off = json!({"accountEnabled": false});
    let mut person = bound(&[EMPLOYED]);
    person.head.account.password_unknown = true;
    assert_eq!(planned(&person, &seen(&off)), ["issue a first credential", "enable sign-in"]);
    let synchronized = seen(&json!({"onPremisesSyncEnabled": true}));
    assert!(planned(&person, &synchronized).is_empty());
    let mut guest = bound(&[EMPLOYED, "2026-03-01 employment.type=external"]);
    guest.head.account.password_unknown = true;
    assert_eq!(planned(&guest, &seen(&off)), ["enable sign-in"]);
}

const CUT: [&str; 4] = ["block sign-in", "revoke sessions", "reset the password", "remove authentication methods"];

#[test]
fn a_cut_is_all_four_actions_at_once_whatever_a_read_says() {
    let person = bound(&[EMPLOYED, LEFT]);
    let blind =
        [unseen(Sight::Unknown), unseen(Sight::Absent), seen(&json!({"accountEnabled": false})), seen(&json!({}))];
    for actual in blind {
        assert_eq!(planned(&person, &actual), CUT, "{:?}", actual.sight);
    }
}

#[test]
fn a_cut_of_somebody_without_an_account_is_nothing_and_an_open_creation_keeps_it_open() {
    let mut person = person(&[EMPLOYED, LEFT]);
    assert!(planned(&person, &unseen(Sight::Absent)).is_empty());
    person.head.account.intent = Some(CreateIntent {
        upn: "ada@contoso.example".into(),
        credential: "c".into(),
        opened_at: at(NOW),
        conflict_since: None,
    });
    assert_eq!(planned(&person, &unseen(Sight::Absent)), ["find out whether the account was created"]);
}

#[test]
fn a_deleted_account_needs_no_cut_until_somebody_restores_it() {
    let mut person = bound(&[EMPLOYED, LEFT]);
    assert!(planned(&person, &unseen(Sight::Deleted)).is_empty());
    person.head.account.deleted_at = Some(at(NOW));
    assert!(planned(&person, &unseen(Sight::Absent)).is_empty());
    assert_eq!(planned(&person, &seen(&json!({}))), CUT);
}

fn cut_once() -> Person {
    let mut person = bound(&[EMPLOYED, LEFT]);
    for action in [
        Action::DisableAccount { pass: 1 },
        Action::RevokeSessions { pass: 1 },
        Action::ResetPassword,
        Action::RemoveMethods { pass: 1 },
    ] {
        set(&mut person, action, StepState::Done { at: at(NOW) });
    }
    person
}

#[test]
fn a_cut_is_repeated_after_the_longest_call_in_flight() {
    let person = cut_once();
    let off = seen(&json!({"accountEnabled": false}));
    let due = at(NOW) + IN_FLIGHT;
    let waits = ["block sign-in again", "revoke sessions again", "remove authentication methods"]
        .map(|phrase| format!("{phrase} at {due}"));
    assert_eq!(planned(&person, &off), waits);
    let then = asked(&plan(&View::new(&person, &policy(), due), &off));
    assert_eq!(then, ["block sign-in again", "revoke sessions again", "remove authentication methods"]);
}

#[test]
fn a_cut_that_was_repeated_is_over_until_a_read_shows_that_it_does_not_hold() {
    let mut person = cut_once();
    for action in
        [Action::DisableAccount { pass: 2 }, Action::RevokeSessions { pass: 2 }, Action::RemoveMethods { pass: 2 }]
    {
        set(&mut person, action, StepState::Verified { at: at("2026-03-10T12:10") });
    }
    let later = |actual: &Actual| asked(&planned_at(&person, &policy(), actual, "2026-03-11"));
    let off = Actual {
        sessions_valid_from: Some(at(NOW)),
        has_methods: Some(false),
        ..seen(&json!({"accountEnabled": false}))
    };
    assert!(later(&off).is_empty());
    assert!(later(&unseen(Sight::Unknown)).is_empty());
    assert_eq!(later(&seen(&json!({}))), ["block sign-in again"]);
    assert_eq!(
        later(&Actual { sessions_valid_from: Some(at("2026-03-09")), ..off.clone() }),
        ["revoke sessions again"]
    );
    assert_eq!(later(&Actual { has_methods: Some(true), ..off }), ["remove authentication methods"]);
}

#[test]
fn a_step_of_an_earlier_generation_does_not_stand_for_this_cut() {
    let mut person = cut_once();
    person.head.generation += 2;
    assert_eq!(planned(&person, &seen(&json!({"accountEnabled": false}))), CUT);
}

#[test]
fn m3_a_synchronized_account_is_cut_as_far_as_the_cloud_allows_and_the_rest_is_urgent() {
    let person = bound(&[EMPLOYED, LEFT]);
    let plan = planned_at(&person, &policy(), &seen(&json!({"onPremisesSyncEnabled": true})), NOW);
    assert_eq!(asked(&plan), ["revoke sessions", "remove authentication methods", "by hand: cut on-premises"]);
    assert!(plan.steps.iter().all(|step| step.action.is_urgent()));
    let again = planned_at(
        &cut_once(),
        &policy(),
        &seen(&json!({"onPremisesSyncEnabled": true, "accountEnabled": false})),
        "2026-03-10T12:05",
    );
    assert_eq!(asked(&again), ["revoke sessions again", "remove authentication methods"]);
}

fn ceo(lines: &[&str]) -> Person {
    let mut ceo = bound(lines);
    ceo.head.person = "hr:ceo".parse().unwrap();
    ceo
}

#[test]
fn a_protected_person_is_cut_by_a_human_only_and_that_is_urgent() {
    let ceo = ceo(&[EMPLOYED, LEFT]);
    for actual in [seen(&json!({})), unseen(Sight::Unknown)] {
        let plan = planned_at(&ceo, &policy(), &actual, NOW);
        assert_eq!(asked(&plan), ["by hand: cut a protected person"]);
        assert!(plan.steps[0].action.is_urgent());
    }
    assert!(planned(&ceo, &seen(&json!({"accountEnabled": false}))).is_empty(), "done by hand");
    assert!(planned(&ceo, &unseen(Sight::Deleted)).is_empty());
    let deleted = planned_at(&ceo, &policy(), &seen(&json!({})), "2027-01-01");
    assert_eq!(asked(&deleted), ["by hand: cut a protected person"]);
}

#[test]
fn a_protected_person_with_a_first_day_to_come_is_not_locked_out() {
    let ceo = ceo(&["2026-03-01 hire_date=2026-03-16 name.legal.given=Ada name.legal.family=Byron"]);
    let actual = seen(&json!({"employeeHireDate": "2026-03-16T00:00:00Z"}));
    assert_eq!(planned(&ceo, &actual), ["by hand: block a protected person's sign-in"]);
}

#[test]
fn an_account_is_deleted_only_when_nothing_of_the_cut_is_open() {
    let late = "2026-06-01";
    let open = bound(&[EMPLOYED, LEFT]);
    assert_eq!(asked(&planned_at(&open, &policy(), &seen(&json!({})), late)), CUT);
    let mut cut = cut_once();
    for action in
        [Action::DisableAccount { pass: 2 }, Action::RevokeSessions { pass: 2 }, Action::RemoveMethods { pass: 2 }]
    {
        set(&mut cut, action, StepState::Verified { at: at("2026-03-10T12:10") });
    }
    let off = seen(&json!({"accountEnabled": false}));
    assert_eq!(asked(&planned_at(&cut, &policy(), &off, late)), ["delete the account"]);
    assert!(asked(&planned_at(&cut, &policy(), &unseen(Sight::Deleted), late)).is_empty());
    let synchronized = seen(&json!({"accountEnabled": false, "onPremisesSyncEnabled": true}));
    assert_eq!(asked(&planned_at(&cut, &policy(), &synchronized, late)), ["by hand: delete on-premises"]);
}

#[test]
fn every_step_of_this_stage_belongs_to_it() {
    let person = bound(&[EMPLOYED, LEFT]);
    let steps = planned_at(&person, &policy(), &seen(&json!({})), NOW).steps;
    let stages: BTreeSet<Stage> = steps.iter().map(|step| step.action.stage()).collect();
    assert_eq!(stages, BTreeSet::from([Stage::Accounts]));
}
