use super::*;
use crate::matching::{Decision, Evidence, Found, FoundBy, State};
use crate::person::{CreateIntent, InviteIntent, Person};
use crate::policy::{MatchPolicy, Policy};
use crate::sample::{ACCOUNT, BOSS, at, bound, person, policy};
use crate::step::{Stage, Step, StepId, StepState};
use std::collections::BTreeSet;

const NOW: &str = "2026-03-10T12:00";
const EMPLOYED: &str =
    "2026-01-01 hire_date=2020-01-01 status=active name.legal.given=Ada name.legal.family=Byron usage_location=NL";
const LEFT: &str = "2026-03-10T11:00 immediate=true";

fn user(extra: &Value) -> User {
    let mut user = json!({
        "id": ACCOUNT, "accountEnabled": true, "givenName": "Ada", "surname": "Byron", "displayName": "Ada Byron",
        "employeeHireDate": "2020-01-01T00:00:00Z", "usageLocation": "NL",
        "extension_0123456789abcdef0123456789abcdef_joineryPerson": "hr:7",
    });
    user.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    user.as_object().unwrap().clone()
}

fn seen(extra: &Value) -> Actual {
    Actual { sight: Sight::Present(user(extra)), ..unseen(Sight::Unknown) }
}

fn unseen(sight: Sight) -> Actual {
    Actual {
        sight,
        manager: None,
        wanted_manager: Manager::Unspoken,
        sponsors: None,
        candidates: Vec::new(),
        sessions_valid_from: None,
        has_methods: None,
    }
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
    let step = Step {
        id: id.clone(),
        generation,
        round: 1,
        action,
        why: String::new(),
        state,
        attempts: 1,
        wake_at: None,
        by_hand: false,
    };
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

const EXTERNAL: &str = "2026-03-01 employment.type=external contact.work_email=ada@elsewhere.example";

#[test]
fn m01_a_guest_is_invited_on_the_first_day_and_not_before() {
    let guest = person(&[EMPLOYED, EXTERNAL]);
    assert_eq!(planned(&guest, &unseen(Sight::Absent)), ["invite as a guest"]);
    let early = person(&["2026-03-01 hire_date=2026-03-16 name.legal.family=Byron", EXTERNAL]);
    assert!(planned(&early, &unseen(Sight::Absent)).is_empty());
    let now = View::new(&early, &policy(), at(NOW)).standing;
    assert_eq!(now.next_due, Some(at("2026-03-16T06:00")));
    assert_eq!(
        asked(&planned_at(&early, &policy(), &unseen(Sight::Absent), "2026-03-16T06:00")),
        ["invite as a guest"]
    );
}

#[test]
fn m01_m04_a_guest_without_an_address_that_can_be_invited_is_a_task_that_names_the_field() {
    let guest = person(&[EMPLOYED, EXTERNAL, "2026-03-02 contact.work_email=ada+x@elsewhere.example"]);
    let plan = planned_at(&guest, &policy(), &unseen(Sight::Absent), NOW);
    assert_eq!(asked(&plan), ["by hand: correct the HR record"]);
    let Some(Wait::Human(instructions)) = &plan.steps[0].wait else { panic!("no instructions") };
    assert!(
        instructions.starts_with("`contact.work_email` is not an address that a guest can be invited by"),
        "{instructions}"
    );
}

#[test]
fn m01_of_a_guests_account_the_inviting_company_writes_its_own_part_and_names_a_sponsor() {
    let guest = bound(&[EMPLOYED, EXTERNAL, "2026-03-02 department.name=Sales work_mobile=+31201234567"]);
    let account = json!({"surname": "Lovelace", "userType": "Guest", "accountEnabled": false});
    let mut actual = seen(&account);
    assert_eq!(planned(&guest, &actual), ["write department, employeeType", "enable sign-in"]);
    actual =
        seen(&json!({"surname": "Lovelace", "userType": "Guest", "department": "Sales", "employeeType": "external"}));
    actual.wanted_manager = Manager::Known(BOSS.parse().unwrap());
    assert!(planned(&guest, &actual).is_empty(), "sponsors were not read");
    actual.sponsors = Some(BTreeSet::new());
    assert_eq!(planned(&guest, &actual), [format!("add sponsor {BOSS}")]);
    actual.sponsors = Some(BTreeSet::from([BOSS.parse().unwrap()]));
    assert!(planned(&guest, &actual).is_empty());
    actual.wanted_manager = Manager::Nobody;
    assert!(planned(&guest, &actual).is_empty(), "others named this sponsor");
    let mut ours = guest.clone();
    set(&mut ours, Action::AddSponsor { sponsor: BOSS.parse().unwrap() }, StepState::Verified { at: at(NOW) });
    assert_eq!(planned(&ours, &actual), [format!("remove sponsor {BOSS}")]);
}

#[test]
fn m01_a_guest_is_cut_without_a_password_reset() {
    let guest = bound(&[EMPLOYED, EXTERNAL, LEFT]);
    let expected = ["block sign-in", "revoke sessions", "remove authentication methods"];
    assert_eq!(planned(&guest, &seen(&json!({"userType": "Guest"}))), expected);
    assert_eq!(planned(&guest, &unseen(Sight::Unknown)), expected);
    let converted = bound(&[EMPLOYED, LEFT]);
    assert_eq!(planned(&converted, &seen(&json!({"userType": "Guest"}))), expected, "the account is what counts");
    let member = seen(&json!({"userType": "Member"}));
    assert_eq!(planned(&guest, &member), CUT);
}

#[test]
fn m01_another_kind_of_person_than_the_account_is_a_humans_task_and_nothing_is_written() {
    let account = json!({"userType": "Guest", "surname": "Lovelace"});
    assert_eq!(planned(&bound(&[EMPLOYED]), &seen(&account)), ["by hand: make a member of a guest"]);
    let guest = bound(&[EMPLOYED, EXTERNAL]);
    assert_eq!(planned(&guest, &seen(&json!({"userType": "Member"}))), ["by hand: make a guest of a member"]);
    let visitor = person(&[EMPLOYED, "2026-03-01 employment.type=visitor", "2026-03-02 employment.type=employee"]);
    assert_eq!(planned(&visitor, &unseen(Sight::Absent)), ["create the account, disabled"]);
}

#[test]
fn what_was_begun_for_another_kind_of_person_is_settled_first() {
    let mut guest = person(&[EMPLOYED, EXTERNAL]);
    guest.head.account.intent = Some(creation());
    assert_eq!(planned(&guest, &unseen(Sight::Absent)), ["find out whether the account was created"]);
    let mut member = person(&[EMPLOYED]);
    member.head.account.invitation = Some(invitation());
    assert_eq!(planned(&member, &unseen(Sight::Absent)), ["find out whether the account was created"]);
    let mut nobody = person(&[EMPLOYED, "2026-03-01 employment.type=visitor"]);
    nobody.head.account.invitation = Some(invitation());
    assert_eq!(planned(&nobody, &unseen(Sight::Absent)), ["find out whether the account was created"]);
}

fn creation() -> CreateIntent {
    CreateIntent { upn: "ada@contoso.example".into(), credential: "c".into(), opened_at: at(NOW), conflict_since: None }
}

fn invitation() -> InviteIntent {
    InviteIntent { address: "ada@elsewhere.example".into(), opened_at: at(NOW), guest: None }
}

fn candidate(object: &str, evidence: &[Evidence]) -> Candidate {
    Candidate {
        object_id: object.parse().unwrap(),
        evidence: evidence.iter().copied().collect(),
        state: State::Enabled,
        is_guest: false,
        is_synchronized: false,
        claimed_by: None,
    }
}

fn with_candidates(candidates: &[Candidate]) -> Actual {
    Actual { candidates: candidates.to_vec(), ..unseen(Sight::Absent) }
}

#[test]
fn nothing_is_created_while_an_account_may_be_the_persons_and_a_rejection_frees_it() {
    let mut ada = person(&[EMPLOYED]);
    let actual = with_candidates(&[candidate(ACCOUNT, &[Evidence::Mail]), candidate(BOSS, &[Evidence::EmployeeId])]);
    let plan = planned_at(&ada, &policy(), &actual, NOW);
    assert_eq!(asked(&plan), ["by hand: match an existing account"]);
    let Some(Wait::Human(instructions)) = &plan.steps[0].wait else { panic!("no instructions") };
    for part in ["2 accounts", ACCOUNT, BOSS, "same mail", "joinery match confirm hr:7", "joinery match reject hr:7"] {
        assert!(instructions.contains(part), "{part}: {instructions}");
    }
    let no = |object: &str| Decision { object_id: object.parse().unwrap(), by: None, at: at(NOW) };
    ada.head.account.matching.rejected = vec![no(ACCOUNT)];
    assert_eq!(planned(&ada, &actual), ["by hand: match an existing account"]);
    ada.head.account.matching.rejected.push(no(BOSS));
    assert_eq!(planned(&ada, &actual), ["create the account, disabled"]);
    ada.head.account.matching.confirmed = Some(no(BOSS));
    assert_eq!(planned(&ada, &actual), [format!("take account {BOSS} as this person's")]);
}

#[test]
fn our_own_mark_binds_by_itself_unless_it_stands_twice() {
    let ada = person(&[EMPLOYED]);
    let (mine, other) =
        (candidate(ACCOUNT, &[Evidence::Anchor]), candidate(BOSS, &[Evidence::EmployeeId, Evidence::Mail]));
    let bind = [format!("take account {ACCOUNT} as this person's")];
    assert_eq!(planned(&ada, &with_candidates(&[other.clone(), mine.clone()])), bind);
    let deleted = Candidate { state: State::Deleted, ..candidate(BOSS, &[Evidence::Anchor]) };
    assert_eq!(planned(&ada, &with_candidates(&[mine.clone(), deleted.clone()])), bind, "the living one");
    let deleted_alone = [format!("take account {BOSS} as this person's")];
    assert_eq!(planned(&ada, &with_candidates(&[deleted])), deleted_alone);
    let twin = candidate(BOSS, &[Evidence::Anchor]);
    assert_eq!(planned(&ada, &with_candidates(&[mine, twin])), ["by hand: match an existing account"]);
}

#[test]
fn the_policy_may_let_an_exact_and_only_employee_number_bind_and_nothing_less() {
    let mut policy = policy();
    policy.accounts.matching = MatchPolicy::EmployeeId;
    let ada = person(&[EMPLOYED]);
    let check = |candidates: &[Candidate], expected: &str| {
        assert_eq!(asked(&planned_at(&ada, &policy, &with_candidates(candidates), NOW)), [expected], "{candidates:?}");
    };
    let number = candidate(ACCOUNT, &[Evidence::EmployeeId]);
    let (bind, ask) = (format!("take account {ACCOUNT} as this person's"), "by hand: match an existing account");
    check(std::slice::from_ref(&number), &bind);
    check(&[Candidate { state: State::Disabled, ..number.clone() }], &bind);
    check(&[Candidate { is_synchronized: true, ..number.clone() }], &bind);
    check(&[candidate(ACCOUNT, &[Evidence::Mail, Evidence::Upn])], ask);
    check(&[number.clone(), candidate(BOSS, &[Evidence::EmployeeId])], ask);
    check(&[number.clone(), candidate(BOSS, &[Evidence::Mail])], ask);
    check(&[Candidate { state: State::Deleted, ..number.clone() }], ask);
    check(&[Candidate { is_guest: true, ..number.clone() }], ask);
    check(&[Candidate { claimed_by: Some("hr:8".into()), ..number }], ask);
}

#[test]
fn a_bound_account_gets_our_mark_a_synchronized_one_by_hand_and_another_records_stops_everything() {
    const ANCHOR: &str = "extension_0123456789abcdef0123456789abcdef_joineryPerson";
    let ada = bound(&[EMPLOYED]);
    assert_eq!(planned(&ada, &seen(&json!({ANCHOR: null}))), [format!("write {ANCHOR}")]);
    let synchronized = seen(&json!({ANCHOR: null, "onPremisesSyncEnabled": true}));
    assert_eq!(planned(&ada, &synchronized), ["by hand: mark a synchronized account"]);
    let theirs = seen(&json!({ANCHOR: "hr:8", "accountEnabled": false, "surname": "Other"}));
    assert_eq!(planned(&ada, &theirs), ["by hand: settle whose account it is"]);
}

#[test]
fn an_account_found_by_its_number_alone_is_not_cut_before_somebody_confirms_unless_it_has_stood_for_a_week() {
    let mut ceo = bound(&[EMPLOYED, LEFT]);
    let found = |by, time| Some(Found { by, at: at(time) });
    ceo.head.account.matching.found = found(FoundBy::EmployeeId, "2026-03-10T10:00");
    let plan = planned_at(&ceo, &policy(), &seen(&json!({})), NOW);
    assert_eq!(asked(&plan), ["by hand: confirm whose account it is before access is cut"]);
    assert!(plan.steps[0].action.is_urgent());
    assert_eq!(asked(&planned_at(&ceo, &policy(), &seen(&json!({})), "2026-12-01")).len(), 1, "nor deleted later");
    assert!(planned(&ceo, &seen(&json!({"accountEnabled": false}))).is_empty());
    ceo.head.account.matching.found = found(FoundBy::EmployeeId, "2026-03-03T10:00");
    assert_eq!(planned(&ceo, &seen(&json!({}))), CUT);
    ceo.head.account.matching.found = found(FoundBy::Confirmation, "2026-03-10T10:00");
    assert_eq!(planned(&ceo, &seen(&json!({}))), CUT);
}

#[test]
fn an_account_confirmed_for_somebody_who_has_left_is_bound_to_be_cut() {
    let mut left = person(&[EMPLOYED, LEFT]);
    left.head.account.matching.confirmed =
        Some(Decision { object_id: ACCOUNT.parse().unwrap(), by: None, at: at(NOW) });
    assert_eq!(planned(&left, &unseen(Sight::Absent)), [format!("take account {ACCOUNT} as this person's")]);
}

#[test]
fn a_refused_cut_is_asked_for_until_a_read_shows_that_a_human_made_it() {
    let mut admin = bound(&[EMPLOYED, LEFT]);
    let task = || StepState::Task { instructions: "by hand".into() };
    for action in [Action::DisableAccount { pass: 1 }, Action::ResetPassword] {
        set(&mut admin, action, task());
    }
    for action in [Action::RevokeSessions { pass: 1 }, Action::RemoveMethods { pass: 1 }] {
        set(&mut admin, action, StepState::Done { at: at("2026-03-10T11:50") });
    }
    let again = ["revoke sessions again", "remove authentication methods"];
    let open = ["block sign-in", "reset the password", again[0], again[1]];
    for actual in [seen(&json!({})), unseen(Sight::Unknown)] {
        assert_eq!(planned(&admin, &actual), open);
    }
    let off = seen(&json!({"accountEnabled": false}));
    assert_eq!(planned(&admin, &off), again);
    // Somebody may have signed in until a human blocked it.
    let by_hand = Action::DisableAccount { pass: 1 };
    set(&mut admin, by_hand.clone(), StepState::Done { at: at(NOW) });
    admin.steps.values_mut().filter(|step| step.action == by_hand).for_each(|step| step.by_hand = true);
    set(&mut admin, Action::ResetPassword, StepState::Done { at: at(NOW) });
    for action in [Action::RevokeSessions { pass: 2 }, Action::RemoveMethods { pass: 2 }] {
        set(&mut admin, action, StepState::Verified { at: at("2026-03-10T11:55") });
    }
    let revoked = |time| Actual { sessions_valid_from: Some(at(time)), ..off.clone() };
    assert_eq!(planned(&admin, &revoked("2026-03-10T11:55")), ["revoke sessions again"]);
    assert!(planned(&admin, &revoked("2026-03-10T12:00")).is_empty());
    assert_eq!(planned(&admin, &seen(&json!({})))[0], "block sign-in again", "somebody enabled it");
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
    assert_eq!(
        planned(&guest, &seen(&json!({"accountEnabled": false, "employeeType": "external"}))),
        ["enable sign-in"]
    );
}

#[test]
fn a_credential_waits_until_no_reset_can_take_its_place() {
    let mut person = bound(&[EMPLOYED]);
    person.head.account.password_unknown = true;
    person.head.account.reset_begun_at = Some(at(NOW));
    let landed = at(NOW) + IN_FLIGHT;
    let asked_at = |now: Timestamp| {
        let off = seen(&json!({"accountEnabled": false}));
        asked(&plan(&View::new(&person, &policy(), now), &off))
    };
    for held in [at(NOW), landed - jiff::SignedDuration::from_micros(1)] {
        assert_eq!(asked_at(held), [&format!("issue a first credential at {landed}"), "enable sign-in"]);
    }
    assert_eq!(asked_at(landed), ["issue a first credential", "enable sign-in"]);
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
    person.head.account.intent = Some(creation());
    assert_eq!(planned(&person, &unseen(Sight::Absent)), ["find out whether the account was created"]);
    person.head.account.intent = None;
    person.head.account.invitation = Some(invitation());
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
    let mark = "extension_0123456789abcdef0123456789abcdef_joineryPerson";
    let actual = seen(&json!({"employeeHireDate": "2026-03-16T00:00:00Z", mark: "hr:ceo"}));
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
    assert_eq!(
        asked(&planned_at(&cut, &policy(), &unseen(Sight::Absent), late)),
        ["delete the account"],
        "a read may be wrong"
    );
    let mut deleted = cut.clone();
    set(&mut deleted, Action::DeleteAccount, StepState::Done { at: at(late) });
    assert!(asked(&planned_at(&deleted, &policy(), &unseen(Sight::Absent), late)).is_empty(), "and is asked once");
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
