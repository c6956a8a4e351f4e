use super::*;
use crate::planner::groups::plan;
use crate::sample::{bound, policy, said};

fn planned(person: &Person, actual: &Actual) -> Plan {
    plan(&View::new(person, &policy(), at(NOW)), actual)
}

fn group(text: &str) -> Target {
    Target::Group(id(text))
}

fn is_empty(plan: &Plan) -> bool {
    plan.steps.is_empty() && plan.note.is_empty() && plan.forget.is_empty() && !plan.is_inconclusive
}

const CLERK: &str = "2026-02-01 department.name=Legal";

#[test]
fn m9_who_matches_joins_and_who_does_not_match_is_not_added() {
    let seller = planned(&bound(&[SELLER]), &shown(&[]));
    assert_eq!(asked(&seller), set([STAFF, SALES, EXCLUSIVE].map(|group| format!("add to group {group}"))));
    let clerk = planned(&bound(&[SELLER, CLERK]), &shown(&[]));
    assert_eq!(asked(&clerk), set([format!("add to group {STAFF}")]));
}

#[test]
fn m9_who_no_longer_matches_leaves_what_we_gave() {
    let mut clerk = bound(&[SELLER, CLERK]);
    grant(&mut clerk, group(SALES), Origin::Ours, true, "2026-01-02");
    assert_eq!(asked(&planned(&clerk, &shown(&[SALES, STAFF]))), set([format!("remove from group {SALES}")]));
}

#[test]
fn rules_are_asked_of_the_user_as_the_account_stage_will_leave_it() {
    let actual = Actual { user: user(&json!({"accountEnabled": false, "department": "Legal"})), ..shown(&[]) };
    assert!(asked(&planned(&bound(&[SELLER]), &actual)).contains(&format!("add to group {SALES}")));
    let waiting = bound(&["2026-03-01 hire_date=2026-03-16 name.legal.family=Byron department.name=Sales"]);
    let plan = asked(&planned(&waiting, &shown(&[])));
    assert_eq!(plan, set([SALES, EXCLUSIVE].map(|group| format!("add to group {group}"))), "not enabled yet: no staff");
}

#[test]
fn m3_rules_are_asked_of_a_synchronized_user_as_it_is() {
    let actual = Actual { user: user(&json!({"onPremisesSyncEnabled": true, "department": "Legal"})), ..shown(&[]) };
    assert_eq!(asked(&planned(&bound(&[SELLER]), &actual)), set([format!("add to group {STAFF}")]));
}

#[test]
fn what_is_there_is_noted_once_as_pre_existing_with_its_reasons_and_never_removed_by_rules() {
    let mut person = bound(&[SELLER]);
    let plan = planned(&person, &shown(&[STAFF, SALES, EXCLUSIVE]));
    assert!(plan.steps.is_empty());
    let sales = plan.note.iter().find(|grant| grant.target == group(SALES)).unwrap();
    assert_eq!(
        (sales.origin, sales.held, sales.reasons.as_slice()),
        (Origin::PreExisting, true, &["sales".to_owned()][..])
    );
    for note in plan.note {
        person.grants.insert(note.target.clone(), note);
    }
    assert!(is_empty(&planned(&person, &shown(&[STAFF, SALES, EXCLUSIVE]))), "noted once");
    person.head.record.apply(&said("hr", CLERK));
    let plan = planned(&person, &shown(&[STAFF, SALES]));
    assert!(asked(&plan).is_empty(), "{plan:?}");
}

#[test]
fn a_group_that_is_exclusively_ours_keeps_nobody_the_rules_do_not_name() {
    let clerk = bound(&[SELLER, CLERK]);
    assert_eq!(
        asked(&planned(&clerk, &shown(&[STAFF, EXCLUSIVE, OTHER]))),
        set([format!("remove from group {EXCLUSIVE}")])
    );
}

#[test]
fn a_leaver_loses_ours_and_what_was_there_before_us_unless_the_policy_keeps_it() {
    let mut leaver = bound(&[SELLER, LEFT]);
    grant(&mut leaver, group(SALES), Origin::Ours, true, "2026-01-02");
    grant(&mut leaver, group(STAFF), Origin::PreExisting, true, "2026-01-02");
    let actual = shown(&[SALES, STAFF, OTHER]);
    assert_eq!(
        asked(&planned(&leaver, &actual)),
        set([SALES, STAFF, OTHER].map(|group| format!("remove from group {group}")))
    );
    let mut keeping = policy();
    keeping.accounts.leavers_keep_preexisting = true;
    let plan = plan(&View::new(&leaver, &keeping, at(NOW)), &actual);
    assert_eq!(asked(&plan), set([format!("remove from group {SALES}")]));
}

#[test]
fn m18_drift_is_mended_and_stays_ours() {
    let mut person = bound(&[SELLER]);
    grant(&mut person, group(SALES), Origin::Ours, true, "2026-01-02");
    let plan = planned(&person, &shown(&[STAFF, EXCLUSIVE]));
    assert_eq!(asked(&plan), set([format!("add to group {SALES}")]));
    assert!(plan.forget.is_empty());
}

#[test]
fn what_was_there_before_us_and_is_given_again_becomes_ours() {
    let mut person = bound(&[SELLER]);
    grant(&mut person, group(SALES), Origin::PreExisting, true, "2026-01-02");
    grant(&mut person, group(OTHER), Origin::PreExisting, true, "2026-01-02");
    let plan = planned(&person, &shown(&[STAFF, EXCLUSIVE]));
    assert_eq!(asked(&plan), set([format!("add to group {SALES}")]));
    assert_eq!(plan.forget, [group(SALES), group(OTHER)]);
}

#[test]
fn an_intent_is_kept_until_its_call_can_no_longer_land() {
    let mut clerk = bound(&[SELLER, CLERK]);
    grant(&mut clerk, group(SALES), Origin::Ours, false, "2026-03-10T11:58");
    assert!(planned(&clerk, &shown(&[STAFF])).forget.is_empty(), "two minutes old");
    assert_eq!(
        asked(&planned(&clerk, &shown(&[STAFF, SALES]))),
        set([format!("remove from group {SALES}")]),
        "it landed"
    );
    grant(&mut clerk, group(SALES), Origin::Ours, false, "2026-03-10T11:50");
    assert_eq!(planned(&clerk, &shown(&[STAFF])).forget, [group(SALES)]);
}

#[test]
fn m8_what_cannot_be_written_is_told_before_any_write() {
    use Refusal::{Dynamic, MailEnabled, Missing, RoleAssignable, Synchronized, Unreadable};
    for refusal in [Dynamic, Synchronized, MailEnabled, RoleAssignable, Missing, Unreadable] {
        let plan = planned(&bound(&[SELLER]), &refusing(shown(&[STAFF, EXCLUSIVE]), SALES, refusal));
        assert_eq!(asked(&plan), set(["by hand: change a group by hand".into()]), "{refusal:?}");
        assert_eq!(plan.steps[0].wait, Some(Wait::Human(refusal.instructions().into())));
    }
    let mut unknown = shown(&[STAFF, EXCLUSIVE]);
    unknown.groups.remove(&id(SALES));
    let plan = planned(&bound(&[SELLER]), &unknown);
    assert_eq!(asked(&plan), set(["by hand: change a group by hand".into()]), "a group of which nothing is known");
}

#[test]
fn m8_a_leaver_stays_in_what_cannot_be_written_and_that_is_a_task() {
    let leaver = bound(&[SELLER, LEFT]);
    let planned = |refusal| asked(&planned(&leaver, &refusing(shown(&[OTHER]), OTHER, refusal)));
    for refusal in [Refusal::Synchronized, Refusal::MailEnabled, Refusal::RoleAssignable, Refusal::Unreadable] {
        assert_eq!(planned(refusal), set(["by hand: change a group by hand".into()]), "{refusal:?}");
    }
    assert!(planned(Refusal::Dynamic).is_empty(), "Entra sees to it");
}

#[test]
fn carriers_are_left_to_the_license_stage_even_while_no_license_is_assigned_to_them() {
    let mut leaver = bound(&[SELLER, LEFT]);
    grant(&mut leaver, group(CARRIER), Origin::Ours, true, "2026-01-02");
    let mut actual = shown(&[CARRIER]);
    assert!(asked(&planned(&leaver, &actual)).is_empty());
    actual.groups.get_mut(&id(CARRIER)).unwrap().carries.clear();
    assert!(asked(&planned(&leaver, &actual)).is_empty());
    let mut licensed = shown(&[OTHER]);
    licensed.groups.get_mut(&id(OTHER)).unwrap().carries = vec![VISIO.parse().unwrap()];
    assert!(
        asked(&planned(&leaver, &licensed)).is_empty(),
        "a group the policy does not know, but the tenant licenses"
    );
}

#[test]
fn nothing_is_taken_from_a_protected_person() {
    let mut ceo = bound(&[SELLER, CLERK]);
    ceo.head.person = "hr:ceo".parse().unwrap();
    grant(&mut ceo, group(SALES), Origin::Ours, true, "2026-01-02");
    let by_hand = set(["by hand: take access from a protected person".into()]);
    assert_eq!(asked(&planned(&ceo, &shown(&[STAFF, SALES]))), by_hand);
    ceo.head.record.apply(&said("hr", LEFT));
    let actual = refusing(shown(&[STAFF, SALES, OTHER]), OTHER, Refusal::Synchronized);
    assert!(asked(&planned(&ceo, &actual)).is_empty(), "the account stage has asked a human");
}

#[test]
fn facts_that_cannot_be_used_conclude_nothing_about_grants_and_hold_no_cut() {
    let mut person = bound(&[SELLER, "2026-02-01 job.title=?"]);
    grant(&mut person, group(OTHER), Origin::Ours, true, "2026-01-02");
    let plan = planned(&person, &shown(&[OTHER]));
    assert!(plan.steps.is_empty() && plan.forget.is_empty() && plan.is_inconclusive);
    person.head.record.apply(&said("hr", LEFT));
    assert_eq!(asked(&planned(&person, &shown(&[OTHER]))), set([format!("remove from group {OTHER}")]));
}

#[test]
fn nobody_who_should_have_no_account_yet_or_never_is_placed_or_displaced() {
    let early = bound(&["2026-03-01 hire_date=2026-06-01 name.legal.family=Byron department.name=Sales"]);
    assert!(is_empty(&planned(&early, &shown(&[EXCLUSIVE]))));
    let visitor = bound(&[SELLER, "2026-02-01 employment.type=visitor"]);
    assert!(is_empty(&planned(&visitor, &shown(&[EXCLUSIVE]))));
}
