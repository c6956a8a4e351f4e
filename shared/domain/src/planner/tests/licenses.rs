use super::*;
use crate::planner::licenses::{Actual as Tenant, Seats, held, plan, plan_and_claim, to_come};
use crate::sample::{E3, SWAY, TEAMS, bound, policy, said};
use crate::step::{Action, Step, StepId, StepState};

fn sku(text: &str) -> Target {
    Target::License(text.parse().unwrap())
}

fn tenant(groups: Actual, seats: &[(&str, i64)]) -> Tenant {
    let seats = seats.iter().map(|(sku, free)| {
        (sku.parse().unwrap(), Seats { name: format!("SKU-{}", &sku[..4]), free: *free, plans: [].into() })
    });
    Tenant { groups, seats: seats.collect(), ..Tenant::default() }
}

fn free(groups: Actual) -> Tenant {
    tenant(groups, &[(E3, 1), (VISIO, 1)])
}

fn licensed(memberships: &[&str], states: &Value) -> Actual {
    Actual { user: user(&json!({"licenseAssignmentStates": states})), ..shown(memberships) }
}

fn direct(sku: &str, disabled: &[&str]) -> Value {
    json!({"skuId": sku, "assignedByGroup": null, "state": "Active", "error": "None", "disabledPlans": disabled})
}

fn by_group(error: &str) -> Value {
    let state = if error == "None" { "Active" } else { "Error" };
    json!({"skuId": VISIO, "assignedByGroup": CARRIER, "state": state, "error": error, "disabledPlans": []})
}

fn planned(person: &Person, actual: &Tenant) -> Plan {
    plan(&View::new(person, &policy(), at(NOW)), actual)
}

/// Somebody to whom we gave E3 directly and Visio through the carrier.
fn seller() -> Person {
    let mut seller = bound(&[SELLER]);
    grant(&mut seller, sku(E3), Origin::Ours, true, "2026-01-02");
    grant(&mut seller, Target::Group(id(CARRIER)), Origin::Ours, true, "2026-01-02");
    seller
}

fn clerk() -> Person {
    let mut clerk = seller();
    clerk.head.record.apply(&said("hr", "2026-02-01 department.name=Legal"));
    clerk
}

#[test]
fn m12_licenses_come_directly_or_by_their_carrier_group() {
    let plan = planned(&bound(&[SELLER]), &free(shown(&[])));
    assert_eq!(asked(&plan), set([format!("assign license {E3}"), format!("add to license group {CARRIER}")]));
}

#[test]
fn plans_that_every_package_leaves_off_stay_off_and_no_others() {
    let disabled = |person: &Person| {
        let steps = planned(person, &free(shown(&[]))).steps.into_iter();
        let assigned = steps.filter_map(|step| {
            if let Action::AssignLicense { disabled_plans, .. } = step.action { Some(disabled_plans) } else { None }
        });
        assigned.flatten().map(|plan| plan.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(disabled(&bound(&[SELLER])), [TEAMS], "sales wants Sway, staff does not: it is on");
    assert_eq!(disabled(&bound(&[SELLER, "2026-02-01 department.name=Legal"])), [TEAMS, SWAY]);
}

#[test]
fn a_license_that_is_as_it_should_be_is_left_alone_and_other_plans_are_switched_without_a_seat() {
    let groups = |disabled: &[&str]| licensed(&[CARRIER], &json!([direct(E3, disabled), by_group("None")]));
    assert!(planned(&seller(), &free(groups(&[TEAMS]))).steps.is_empty());
    assert_eq!(asked(&planned(&seller(), &tenant(groups(&[]), &[(E3, 0)]))), set([format!("assign license {E3}")]));
}

#[test]
fn the_plans_of_a_license_that_was_there_before_us_are_somebody_elses_choice() {
    let plan = planned(&bound(&[SELLER]), &free(licensed(&[CARRIER], &json!([direct(E3, &[SWAY]), by_group("None")]))));
    assert!(plan.steps.is_empty());
    assert!(plan.note.iter().any(|grant| grant.target == sku(E3) && grant.origin == Origin::PreExisting));
}

#[test]
fn m11_no_license_before_location() {
    let waits = "(waits: the account has no usage location yet)";
    let expected = set([format!("assign license {E3} {waits}"), format!("add to license group {CARRIER} {waits}")]);
    let mut groups = shown(&[]);
    groups.user.insert("usageLocation".into(), Value::Null);
    assert_eq!(asked(&planned(&bound(&[SELLER]), &free(groups.clone()))), expected);
    groups.user.remove("usageLocation");
    assert_eq!(asked(&planned(&bound(&[SELLER]), &free(groups))), expected);
}

#[test]
fn m13_without_a_seat_a_license_waits_and_says_for_which() {
    let planned = |seats: &[(&str, i64)]| planned(&bound(&[SELLER]), &tenant(shown(&[]), seats));
    let out = planned(&[(E3, 0), (VISIO, -2)]);
    let e3 = format!("assign license {E3} (waits: no seat of SKU-05e9 is free)");
    assert_eq!(asked(&out), set([e3, format!("add to license group {CARRIER} (waits: no seat of SKU-c592 is free)")]));
    for step in &out.steps {
        assert!(matches!(&step.wait, Some(Wait::For(_, Some(_)))), "{step:?}");
    }
    let unowned = planned(&[(E3, 1)]);
    assert!(
        asked(&unowned)
            .contains(&format!("add to license group {CARRIER} (waits: the tenant does not own product {VISIO})"))
    );
}

#[test]
fn m13_a_product_that_is_held_from_another_source_needs_no_second_seat() {
    let groups = licensed(&[], &json!([direct(VISIO, &[])]));
    let plan = planned(&bound(&[SELLER]), &tenant(groups, &[(E3, 1), (VISIO, 0)]));
    assert!(asked(&plan).contains(&format!("add to license group {CARRIER}")));
}

#[test]
fn m13_the_same_carrier_is_the_same_step_in_whatever_order_its_products_are_read() {
    let actions = |carries: [&str; 2]| {
        let mut groups = shown(&[]);
        groups.groups.get_mut(&id(CARRIER)).unwrap().carries = carries.map(|sku| sku.parse().unwrap()).into();
        planned(&bound(&[SELLER]), &free(groups)).steps.into_iter().map(|step| step.action).collect::<Vec<_>>()
    };
    assert_eq!(actions([E3, VISIO]), actions([VISIO, E3]));
}

#[test]
fn m12_who_no_longer_matches_loses_what_we_gave_and_nothing_else() {
    let groups = licensed(&[CARRIER], &json!([direct(E3, &[TEAMS, SWAY]), by_group("None"), direct(VISIO, &[])]));
    let plan = planned(&clerk(), &free(groups));
    assert_eq!(
        asked(&plan),
        set([format!("remove from license group {CARRIER}")]),
        "E3 comes with staff, Visio was there before"
    );
}

#[test]
fn a_leaver_loses_every_license_unless_the_policy_keeps_what_was_there_before() {
    let mut leaver = seller();
    leaver.head.record.apply(&said("hr", LEFT));
    let actual = free(licensed(&[CARRIER], &json!([direct(E3, &[]), by_group("None"), direct(VISIO, &[])])));
    let ours = [format!("remove license {E3}"), format!("remove from license group {CARRIER}")];
    let mut all = set(ours.clone());
    all.insert(format!("remove license {VISIO}"));
    assert_eq!(asked(&planned(&leaver, &actual)), all);
    let mut keeping = policy();
    keeping.accounts.leavers_keep_preexisting = true;
    assert_eq!(asked(&plan(&View::new(&leaver, &keeping, at(NOW)), &actual)), set(ours));
}

#[test]
fn a_license_that_is_gone_is_forgotten_but_an_intent_only_when_it_can_no_longer_land() {
    let mut leaver = bound(&[SELLER, LEFT]);
    grant(&mut leaver, sku(E3), Origin::Ours, true, "2026-01-02");
    grant(&mut leaver, sku(VISIO), Origin::Ours, false, "2026-03-10T11:58");
    assert_eq!(planned(&leaver, &free(shown(&[]))).forget, [sku(E3)]);
    grant(&mut leaver, sku(VISIO), Origin::Ours, false, "2026-03-10T11:50");
    assert_eq!(planned(&leaver, &free(shown(&[]))).forget, [sku(E3), sku(VISIO)]);
}

#[test]
fn m14_a_guest_is_not_put_into_a_group_that_carries_licenses() {
    let mut groups = shown(&[]);
    groups.user.insert("userType".into(), json!("Guest"));
    let by_user = planned(&bound(&[SELLER]), &free(groups));
    assert!(asked(&by_user).contains("by hand: license a guest"), "{by_user:?}");
    let by_kind = planned(&bound(&[SELLER, "2026-02-01 employment.type=external"]), &free(shown(&[])));
    assert!(asked(&by_kind).contains("by hand: license a guest"), "{by_kind:?}");
}

#[test]
fn m8_a_carrier_that_cannot_be_written_is_told_before_any_write() {
    for refusal in [Refusal::Dynamic, Refusal::Synchronized, Refusal::Missing, Refusal::Unreadable] {
        let groups = refusing(licensed(&[], &json!([direct(E3, &[TEAMS])])), CARRIER, refusal);
        assert_eq!(
            asked(&planned(&seller(), &free(groups))),
            set(["by hand: change a group by hand".into()]),
            "{refusal:?}"
        );
    }
    let mut unlicensed = licensed(&[], &json!([direct(E3, &[TEAMS])]));
    unlicensed.groups.get_mut(&id(CARRIER)).unwrap().carries.clear();
    assert_eq!(asked(&planned(&seller(), &free(unlicensed))), set(["by hand: license a carrier group".into()]));
}

#[test]
fn a_group_license_without_a_seat_is_reprocessed_once_there_is_one_and_not_again_before_that_has_settled() {
    let states = json!([direct(E3, &[TEAMS]), by_group("CountViolation")]);
    let actual = |seats| tenant(licensed(&[CARRIER], &states), &[(E3, 1), (VISIO, seats)]);
    let phrase = format!("reprocess the licenses of group {CARRIER}");
    let mut seller = seller();
    assert_eq!(asked(&planned(&seller, &actual(0))), set([format!("{phrase} (waits: no seat of SKU-c592 is free)")]));
    assert_eq!(asked(&planned(&seller, &actual(1))), set([phrase.clone()]));
    let action = Action::ReprocessLicenses { group: id(CARRIER), skus: vec![VISIO.parse().unwrap()] };
    let step_id = StepId::derive(&seller.head.person, 0, &action);
    for (done, expected) in [("2026-03-10T11:59", set([])), ("2026-03-10T11:54", set([phrase]))] {
        let state = StepState::Done { at: at(done) };
        let step = Step {
            id: step_id.clone(),
            generation: 0,
            round: 1,
            action: action.clone(),
            why: String::new(),
            state,
            attempts: 1,
            wake_at: None,
            by_hand: false,
        };
        seller.steps.insert(step_id.clone(), step);
        assert_eq!(asked(&planned(&seller, &actual(1))), expected, "{done}");
    }
}

#[test]
fn any_other_error_of_a_group_license_is_a_task_and_tried_again_and_the_innocent_products_are_no_task() {
    let planned = |error: &str| {
        asked(&planned(&seller(), &free(licensed(&[CARRIER], &json!([direct(E3, &[TEAMS]), by_group(error)])))))
    };
    let again = format!("reprocess the licenses of group {CARRIER}");
    for error in [
        "MutuallyExclusiveViolation",
        "DependencyViolation",
        "ProhibitedInUsageLocationViolation",
        "UniquenessViolation",
        "New",
    ] {
        assert_eq!(planned(error), set(["by hand: mend a group license".into(), again.clone()]), "{error}");
    }
    assert_eq!(planned("Other"), set([again]), "another product of the group is to blame");
}

#[test]
fn no_license_is_taken_from_a_protected_person() {
    let mut ceo = clerk();
    ceo.head.person = "hr:ceo".parse().unwrap();
    let actual = free(licensed(&[CARRIER], &json!([direct(E3, &[TEAMS, SWAY]), by_group("None")])));
    assert_eq!(asked(&planned(&ceo, &actual)), set(["by hand: take access from a protected person".into()]));
    ceo.head.record.apply(&said("hr", LEFT));
    assert!(planned(&ceo, &actual).steps.is_empty());
}

#[test]
fn what_graph_says_of_licenses_is_read_whole_and_rubbish_is_passed_over() {
    let states =
        json!([direct(E3, &[TEAMS]), by_group("CountViolation"), {"skuId": "no guid"}, {"state": "Active"}, 7]);
    let held = held(&user(&json!({"licenseAssignmentStates": states})));
    assert_eq!(held.len(), 2);
    assert_eq!(
        (held[0].sku.as_str(), &held[0].by_group, held[0].disabled_plans.len(), &held[0].error),
        (E3, &None, 1, &None)
    );
    assert_eq!((held[1].by_group.clone(), held[1].error.as_deref()), (Some(id(CARRIER)), Some("CountViolation")));
}

#[test]
fn m12_a_direct_copy_of_ours_goes_once_the_group_gives_all_of_it_and_never_before() {
    let seller_with_both = || {
        let mut seller = seller();
        grant(&mut seller, sku(VISIO), Origin::Ours, true, "2026-01-02");
        seller
    };
    let actual =
        |error| free(licensed(&[CARRIER], &json!([direct(E3, &[TEAMS]), direct(VISIO, &[]), by_group(error)])));
    assert_eq!(asked(&planned(&seller_with_both(), &actual("None"))), set([format!("remove license {VISIO}")]));
    let stays = format!("remove license {VISIO} (waits: stays until SKU-c592 is there in its place)");
    assert!(asked(&planned(&seller_with_both(), &actual("DependencyViolation"))).contains(&stays));
    let mut was_there = seller_with_both();
    grant(&mut was_there, sku(VISIO), Origin::PreExisting, true, "2026-01-02");
    assert!(planned(&was_there, &actual("None")).steps.is_empty(), "it is somebody else's");
}

/// The policy with another product wherever it gave E3.
fn upgraded(part_number: &str) -> crate::policy::Policy {
    let mut policy = policy();
    let e5 = crate::policy::skus::sku_id(part_number).unwrap();
    for package in &mut policy.packages {
        for license in &mut package.licenses {
            if license.sku.as_str() == E3 {
                license.sku = e5.clone();
                license.disabled_plans.clear();
            }
        }
    }
    policy
}

#[test]
fn m13_a_mailbox_stays_until_its_successor_comes_in_the_same_call_or_is_there() {
    let policy = upgraded("SPE_E5");
    let e5 = crate::policy::skus::sku_id("SPE_E5").unwrap();
    let planned = |seats| {
        let groups = licensed(&[CARRIER], &json!([direct(E3, &[TEAMS]), by_group("None")]));
        let actual = tenant(groups, &[(e5.as_str(), seats), (E3, 0), (VISIO, 1)]);
        asked(&plan(&View::new(&seller(), &policy, at(NOW)), &actual))
    };
    let assign = format!("assign license {e5}");
    assert_eq!(planned(1), set([format!("remove license {E3}"), assign.clone()]));
    let stays = format!("remove license {E3} (waits: stays until SKU-06eb is there in its place)");
    assert_eq!(planned(0), set([stays, format!("{assign} (waits: no seat of SKU-06eb is free)")]));
}

#[test]
fn a_product_that_keeps_nothing_for_its_person_goes_at_once() {
    let policy = upgraded("POWER_BI_PRO");
    let bi = crate::policy::skus::sku_id("POWER_BI_PRO").unwrap();
    let groups = licensed(&[CARRIER], &json!([direct(E3, &[TEAMS]), by_group("None")]));
    let planned = plan(&View::new(&seller(), &policy, at(NOW)), &tenant(groups, &[(bi.as_str(), 0)]));
    assert!(asked(&planned).contains(&format!("remove license {E3}")), "{planned:?}");
}

#[test]
fn m14_nobody_is_licensed_through_a_group_that_holds_guests() {
    let mut actual = free(licensed(&[], &json!([direct(E3, &[TEAMS])])));
    actual.with_guests.insert(id(CARRIER));
    assert_eq!(asked(&planned(&seller(), &actual)), set(["by hand: take guests out of a carrier group".into()]));
}

#[test]
fn m13_a_claim_names_what_is_lacking_and_the_most_urgent_package_that_gives_it() {
    let mut policy = policy();
    policy.packages[1].priority = 7;
    let groups = licensed(&[], &json!([direct(VISIO, &[])]));
    let (_, claims) = plan_and_claim(&View::new(&bound(&[SELLER]), &policy, at(NOW)), &free(groups));
    let claimed: Vec<_> = claims.iter().map(|claim| (claim.skus.clone(), claim.priority)).collect();
    assert_eq!(claimed, [(vec![E3.parse().unwrap()], 7)], "Visio is held from another source");
}

#[test]
fn m13_what_a_joiner_will_need_is_known_before_there_is_an_account_and_a_leaver_needs_nothing() {
    let mut policy = policy();
    policy.packages[1].priority = 7;
    let needs = |person: &Person| {
        let view = View::new(person, &policy, at(NOW));
        to_come(&view).into_iter().map(|(sku, priority)| (sku.to_string(), priority)).collect::<Vec<_>>()
    };
    let joiner = crate::sample::person(&[SELLER]);
    assert_eq!(needs(&joiner), [(E3.to_owned(), 7), (VISIO.to_owned(), 7)]);
    assert_eq!(needs(&bound(&[SELLER, LEFT])), []);
}
