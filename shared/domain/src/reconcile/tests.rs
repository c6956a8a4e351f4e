use std::collections::BTreeSet;

use proptest::prelude::*;

use super::memberships::Member;
use super::products::Product;
use super::*;
use crate::ids::PlanId;
use crate::ledger::{Grant, Origin, Target};
use crate::lifecycle;
use crate::planner::licenses::Held;
use crate::sample::{ACCOUNT, CARRIER, E3, EXCLUSIVE, OTHER, STAFF, TEAMS, VISIO, at, bound, policy};
use crate::step::StepId;

const NOW: &str = "2026-03-10T12:00";
const EMPLOYED: &str =
    "2026-01-01 hire_date=2020-01-01 name.legal.given=Ada name.legal.family=Byron location.country=NL";
const LEFT: &str = "2026-02-01 end_date=2026-02-01";
const LATER: &str = "2026-01-01 hire_date=2026-03-20 name.legal.given=Ada name.legal.family=Byron location.country=NL";

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// Somebody as the last look left them, with grants of a package.
fn person(lines: &[&str], grants: &[Target]) -> Person {
    let mut person = bound(lines);
    let standing = lifecycle::standing(&person, &policy(), at(NOW));
    person.head.cut = standing.is_cut();
    person.head.phase = standing.phase.as_str().into();
    for target in grants {
        let grant = Grant {
            target: target.clone(),
            origin: Origin::Ours,
            held: true,
            reasons: vec!["staff".into()],
            since: at("2026-01-02"),
        };
        person.grants.insert(target.clone(), grant);
    }
    person
}

fn license(sku: &str) -> Target {
    Target::License(id(sku))
}

fn group(group: &str) -> Target {
    Target::Group(id(group))
}

fn held(sku: &str, by_group: Option<&str>, error: Option<&str>) -> Held {
    Held { sku: id(sku), by_group: by_group.map(id), disabled_plans: BTreeSet::new(), error: error.map(str::to_owned) }
}

/// An account in good order, with one license.
fn account() -> Account {
    Account {
        id: id(ACCOUNT),
        is_enabled: true,
        is_guest: false,
        is_synchronized: false,
        is_located: true,
        is_licensed: true,
        mark: Some("hr:7".into()),
        licenses: vec![held(E3, None, None)],
        made_at: Some(at("2026-01-02")),
        signed_in_at: None,
    }
}

fn product(sku: &str, free: i64, plans: &[&str]) -> Product {
    let seats = Seats {
        sku: id(sku),
        name: sku[..4].into(),
        owned: 10,
        warning: 0,
        suspended: 0,
        consumed: 10 - free,
        free,
        waiting: 0,
    };
    Product { seats, plans: plans.iter().map(|plan| id(plan)).collect() }
}

fn products(free: i64) -> Products {
    Products::new([product(E3, free, &[TEAMS]), product(VISIO, free, &[])], [id(CARRIER)].into())
}

/// What the roster would say of the person in one row.
fn known(person: &Person) -> Known {
    Known {
        number: 1,
        person: person.head.person.clone(),
        is_cut: person.head.cut,
        is_open: Known::is_open(person.head.cut, &person.head.phase),
        licenses: person.grants.values().filter_map(Licensed::of).collect(),
    }
}

fn judged<R>(free: i64, look: impl FnOnce(&Judge<'_>) -> R) -> R {
    let (policy, products, scopes) = (policy(), products(free), Scope::ALL.into());
    look(&Judge { policy: &policy, products: &products, scopes: &scopes, read_at: at(NOW), tells_sign_ins: true })
}

fn kinds(found: &[Finding]) -> Vec<Kind> {
    found.iter().map(|finding| finding.kind).collect()
}

#[track_caller]
fn check(account: &Account, person: &Person, expected: &[Kind]) {
    judged(1, |judge| {
        assert_eq!(kinds(&judge.drift(account, person)), expected);
        assert!(expected.is_empty() || judge.suspects(account, &known(person)), "drift that is not suspected");
    });
}

fn step(person: &Person, action: Action, state: StepState) -> Step {
    Step {
        id: StepId::derive(&person.head.person, person.head.generation, &action),
        generation: person.head.generation,
        round: 1,
        action,
        why: String::new(),
        state,
        attempts: 1,
        wake_at: None,
        by_hand: false,
    }
}

fn doing(mut person: Person, action: Action, state: StepState) -> Person {
    let step = step(&person, action, state);
    person.steps.insert(step.id.clone(), step);
    person
}

#[test]
fn m18_what_is_as_it_should_be_is_no_drift_and_not_even_suspected() {
    let employed = person(&[EMPLOYED], &[license(E3)]);
    check(&account(), &employed, &[]);
    judged(1, |judge| assert!(!judge.suspects(&account(), &known(&employed))));
    let leaver = person(&[EMPLOYED, LEFT], &[]);
    let cut = Account { is_enabled: false, is_licensed: false, licenses: Vec::new(), ..account() };
    check(&cut, &leaver, &[]);
    judged(1, |judge| assert!(!judge.suspects(&cut, &known(&leaver))));
}

#[test]
fn m18_each_drift_of_an_account_is_told() {
    let employed = || person(&[EMPLOYED], &[license(E3), group(CARRIER)]);
    check(&Account { is_enabled: false, ..account() }, &employed(), &[Kind::SignInBlocked]);
    check(&Account { is_located: false, ..account() }, &employed(), &[Kind::LocationMissing]);
    check(&Account { mark: None, ..account() }, &employed(), &[Kind::MarkMissing]);
    check(&Account { mark: Some("hr:70".into()), ..account() }, &employed(), &[Kind::MarkMissing]);
    check(&Account { licenses: Vec::new(), ..account() }, &employed(), &[Kind::LicenseMissing]);
    let by_group = vec![held(E3, Some(CARRIER), None)];
    check(&Account { licenses: by_group, ..account() }, &employed(), &[Kind::LicenseMissing]);
    check(&account(), &person(&[LATER], &[license(E3)]), &[Kind::SignInOpen]);
    check(&account(), &person(&[EMPLOYED, LEFT], &[]), &[Kind::SignInOpen, Kind::LicenseUnwanted]);
    let synchronized = Account { is_synchronized: true, ..account() };
    check(&synchronized, &person(&[LATER], &[license(E3)]), &[]);
    let stranger = Account { id: id(OTHER), is_enabled: false, ..account() };
    check(&stranger, &employed(), &[]);
}

#[test]
fn m12_a_group_license_without_a_seat_is_drift_once_there_is_one() {
    let employed = person(&[EMPLOYED], &[license(E3), group(CARRIER)]);
    let stuck = vec![held(E3, None, None), held(VISIO, Some(CARRIER), Some("CountViolation"))];
    let account = Account { licenses: stuck, ..account() };
    check(&account, &employed, &[Kind::LicenseStuck]);
    judged(0, |judge| assert_eq!(kinds(&judge.drift(&account, &employed)), []));
    judged(0, |judge| {
        let findings = judge.findings(&account, Some(&known(&employed)));
        assert_eq!(kinds(&findings), [Kind::LicenseError]);
        assert_eq!(findings[0].detail.as_deref(), Some("CountViolation"));
    });
}

#[test]
fn m18_what_is_under_way_waits_or_was_just_written_is_no_drift() {
    let employed = || person(&[EMPLOYED], &[license(E3)]);
    let blocked = Account { is_enabled: false, ..account() };
    let since = at("2026-03-10T11:00");
    let lately = at("2026-03-10T11:58");
    let in_hand = [
        StepState::Pending,
        StepState::Running { since },
        StepState::Waiting { why: String::new(), sku: None, since },
        StepState::Failed { why: String::new() },
        StepState::Task { instructions: String::new() },
        StepState::Done { at: lately },
        StepState::Verified { at: at(NOW) },
    ];
    for state in in_hand {
        check(&blocked, &doing(employed(), Action::EnableAccount, state.clone()), &[]);
        let assign = Action::AssignLicense { sku: id(E3), disabled_plans: Vec::new() };
        check(&Account { licenses: Vec::new(), ..account() }, &doing(employed(), assign, state), &[]);
    }
    for over in [StepState::Done { at: since }, StepState::Verified { at: since }] {
        check(&blocked, &doing(employed(), Action::EnableAccount, over), &[Kind::SignInBlocked]);
    }
    let mut rejoined = doing(employed(), Action::EnableAccount, StepState::Pending);
    rejoined.head.generation += 1;
    check(&blocked, &rejoined, &[Kind::SignInBlocked]);
}

#[test]
fn m18_only_what_is_compared_is_told() {
    let (policy, products) = (policy(), products(1));
    let leaver = person(&[EMPLOYED, LEFT], &[]);
    for (scope, expected) in
        [(Scope::Accounts, vec![Kind::SignInOpen]), (Scope::Licenses, vec![Kind::LicenseUnwanted]), (Scope::Hr, vec![])]
    {
        let scopes = [scope].into();
        let judge =
            Judge { policy: &policy, products: &products, scopes: &scopes, read_at: at(NOW), tells_sign_ins: true };
        assert_eq!(kinds(&judge.drift(&account(), &leaver)), expected);
        assert_eq!(judge.suspects(&account(), &known(&leaver)), !expected.is_empty());
    }
}

#[test]
fn m18_an_account_that_no_page_showed_is_drift_unless_it_is_young_or_was_to_go() {
    let began = at("2026-03-10T11:50");
    judged(1, |judge| {
        let vanished = |person: &Person| judge.vanished(person, began).map(|finding| finding.kind);
        assert_eq!(vanished(&person(&[EMPLOYED], &[])), Some(Kind::AccountMissing));
        assert_eq!(vanished(&person(&[EMPLOYED, LEFT], &[])), None);
        let mut young = person(&[EMPLOYED], &[]);
        young.head.account.bound_at = Some(at("2026-03-10T11:49"));
        assert_eq!(vanished(&young), None);
        let mut ours = person(&[EMPLOYED], &[]);
        ours.head.account.deleted_at = Some(at("2026-03-01"));
        assert_eq!(vanished(&ours), None);
        let restoring = doing(person(&[EMPLOYED], &[]), Action::RestoreAccount, StepState::Pending);
        assert_eq!(vanished(&restoring), None);
    });
}

#[test]
fn m18_memberships_are_drift_where_they_are_missing_unwanted_or_not_ours() {
    let (staff, exclusive) = (id(STAFF), id(EXCLUSIVE));
    let began = at("2026-03-10T11:50");
    judged(1, |judge| {
        let given = person(&[EMPLOYED], &[group(STAFF)]);
        assert_eq!(judge.left(&staff, &given, began).map(|finding| finding.kind), Some(Kind::MemberMissing));
        assert_eq!(judge.left(&exclusive, &given, began), None);
        let adding = Action::AddMember { group: id(STAFF) };
        let young = doing(given.clone(), adding, StepState::Done { at: at("2026-03-10T11:49") });
        assert_eq!(judge.left(&staff, &young, began), None);
        assert_eq!(judge.unwanted(&staff, &person(&[EMPLOYED], &[])), None, "it was there before us");
        let kind = |found: Option<Finding>| found.map(|finding| finding.kind);
        assert_eq!(kind(judge.unwanted(&exclusive, &person(&[EMPLOYED], &[]))), Some(Kind::MemberUnwanted));
        assert_eq!(kind(judge.unwanted(&staff, &person(&[EMPLOYED, LEFT], &[]))), Some(Kind::MemberUnwanted));
        let member = |is_cut, is_granted| Member { number: 1, person: id("hr:7"), is_cut, is_granted };
        assert!(
            judge.suspects_member(&staff, &member(true, false))
                && judge.suspects_member(&exclusive, &member(false, false))
        );
        assert!(
            !judge.suspects_member(&staff, &member(false, false))
                && !judge.suspects_member(&staff, &member(true, true))
        );
    });
}

#[test]
fn m16_findings_tell_what_nobody_uses_and_nobody_answers_for() {
    let find = |account: &Account, known: Option<&Known>| judged(1, |judge| kinds(&judge.findings(account, known)));
    let employed = known(&person(&[EMPLOYED], &[license(E3)]));
    assert_eq!(find(&account(), Some(&employed)), []);
    assert_eq!(find(&account(), None), [Kind::Unmanaged]);
    let bare = Account { is_licensed: false, licenses: Vec::new(), ..account() };
    assert_eq!(find(&bare, Some(&employed)), [Kind::Unlicensed]);
    assert_eq!(find(&Account { is_guest: true, ..bare.clone() }, None), []);
    assert_eq!(find(&Account { is_enabled: false, ..bare }, None), []);
    let blocked = Account { is_enabled: false, ..account() };
    assert_eq!(find(&blocked, Some(&employed)), [Kind::LicensedDisabled]);
    assert_eq!(find(&blocked, Some(&known(&person(&[LATER], &[license(E3)])))), [], "licensed before the first day");
    let carried = Account { licenses: vec![held(VISIO, Some(CARRIER), None)], ..account() };
    assert_eq!(find(&carried, None), []);
    let foreign = Account { licenses: vec![held(VISIO, Some(OTHER), None)], ..account() };
    assert_eq!(find(&foreign, Some(&employed)), [Kind::Unmanaged]);
}

#[test]
fn a_product_is_spare_where_another_one_brings_all_of_it_that_is_on() {
    let (small, large) = (id::<SkuId>(VISIO), id::<SkuId>(E3));
    let plans = ["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"];
    let products = Products::new([product(VISIO, 1, &plans[..1]), product(E3, 1, &plans)], BTreeSet::new());
    let overlaps = |held: &[Held]| products.overlaps(held);
    let both = [held(VISIO, None, None), held(E3, None, None)];
    assert_eq!(overlaps(&both), [(small.clone(), large)]);
    assert_eq!(overlaps(&both[..1]), []);
    let off: BTreeSet<PlanId> = [id(plans[0])].into();
    let without = [both[0].clone(), Held { disabled_plans: off.clone(), ..both[1].clone() }];
    assert_eq!(overlaps(&without), [], "the larger one has it off");
    let neither = [Held { disabled_plans: off, ..both[0].clone() }, without[1].clone()];
    assert_eq!(overlaps(&neither).len(), 1);
    assert_eq!(overlaps(&[both[0].clone(), held(E3, None, Some("CountViolation"))]), []);
}

fn any_account() -> impl Strategy<Value = Account> {
    let mark = prop_oneof![Just(None), Just(Some("hr:7".to_owned())), Just(Some("hr:8".to_owned()))];
    let by_group = prop_oneof![Just(None), Just(Some(CARRIER)), Just(Some(OTHER))];
    let error = prop_oneof![Just(None), Just(Some("CountViolation")), Just(Some("Other"))];
    let license =
        (prop_oneof![Just(E3), Just(VISIO)], by_group, error).prop_map(|(sku, by, error)| held(sku, by, error));
    let flags = any::<(bool, bool, bool, bool)>();
    (flags, mark, prop::collection::vec(license, 0..3)).prop_map(|(flags, mark, licenses)| Account {
        is_enabled: flags.0,
        is_guest: flags.1,
        is_synchronized: flags.2,
        is_located: flags.3,
        is_licensed: !licenses.is_empty(),
        mark,
        licenses,
        ..account()
    })
}

fn any_person() -> impl Strategy<Value = Person> {
    let rehired = "2026-02-20 hire_date=2026-03-01 job=2";
    let lines = prop_oneof![
        Just(vec![EMPLOYED]),
        Just(vec![EMPLOYED, LEFT]),
        Just(vec![LATER]),
        Just(vec![EMPLOYED, LEFT, rehired]),
        Just(vec![]),
    ];
    let grants = prop::sample::subsequence(vec![license(E3), license(VISIO), group(CARRIER), group(STAFF)], 0..=4);
    (lines, grants).prop_map(|(lines, grants)| person(&lines, &grants))
}

proptest! {
    #[test]
    fn the_first_look_suspects_whatever_the_second_finds(account in any_account(), person in any_person(), scopes in prop::sample::subsequence(Scope::ALL.to_vec(), 0..=4)) {
        let (policy, products) = (policy(), products(1));
        let scopes = scopes.into_iter().collect();
        let judge = Judge { policy: &policy, products: &products, scopes: &scopes, read_at: at(NOW), tells_sign_ins: true };
        let drift = judge.drift(&account, &person);
        prop_assert!(drift.is_empty() || judge.suspects(&account, &known(&person)), "{drift:?}");
        prop_assert!(drift.iter().all(|finding| finding.kind.wakes() && finding.person.is_some()));
        let findings = judge.findings(&account, Some(&known(&person)));
        prop_assert!(findings.iter().all(|finding| !finding.kind.wakes()));
    }

    #[test]
    fn a_run_goes_through_every_part_once_and_ends(
        scopes in prop::sample::subsequence(Scope::ALL.to_vec(), 0..=4),
        groups in prop::sample::subsequence(vec![STAFF, CARRIER, EXCLUSIVE, OTHER], 0..=4),
    ) {
        let scopes: BTreeSet<Scope> = scopes.into_iter().collect();
        let groups: BTreeSet<ObjectId> = groups.into_iter().map(id).collect();
        let all: BTreeSet<&ObjectId> = groups.iter().collect();
        let mut parts = vec![Place::Seats];
        while parts.last() != Some(&Place::End) {
            prop_assert!(parts.len() < 20);
            parts.push(parts.last().unwrap().next(&scopes, &all));
        }
        let has = |scope| usize::from(scopes.contains(&scope));
        let users = parts.iter().filter(|place| matches!(place, Place::Users { .. })).count();
        prop_assert_eq!(users, has(Scope::Accounts).max(has(Scope::Licenses)));
        let vanished = parts.iter().filter(|place| matches!(place, Place::Vanished { .. })).count();
        prop_assert_eq!(vanished, has(Scope::Accounts));
        let members = parts.iter().filter(|place| matches!(place, Place::Members { .. })).count();
        let left = parts.iter().filter(|place| matches!(place, Place::Left { .. })).count();
        prop_assert_eq!((members, left), (has(Scope::Groups) * groups.len(), has(Scope::Groups) * groups.len()));
        prop_assert_eq!(parts.iter().filter(|place| **place == Place::Hr).count(), has(Scope::Hr));
    }
}
