//! Rules that read more than the person's own properties.

use super::*;
use crate::planner::groups::plan;
use crate::policy::Policy;
use crate::progress;
use crate::sample::{BOSS, E3, TEAMS, bound};
use crate::step::{Action, Stage, Step, StepId, StepState};

/// A policy of these packages: name, rule, the group they give.
fn policy(dialect: &str, packages: &[(&str, &str, &str)]) -> Policy {
    let packages = packages.iter().map(|(name, rule, group)| {
        format!("[[packages]]\nname = \"{name}\"\nrule = '''{rule}'''\ngroups = [{{ id = \"{group}\" }}]\n")
    });
    let text = format!(
        "version = 1\ndialect = \"{dialect}\"\n[tenant]\ndomain = \"contoso.example\"\ntime_zone = \"Europe/Amsterdam\"\n\
         anchor = \"extension_0123456789abcdef0123456789abcdef_joineryPerson\"\n\
         [connections.hr]\nsource = \"standard-webhooks\"\nsecrets = [\"env:HR\"]\n{}",
        packages.collect::<String>()
    );
    Policy::parse(&text).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn planned(person: &Person, policy: &Policy, actual: &Actual) -> Plan {
    plan(&View::new(person, policy, at(NOW)), actual)
}

fn joins(group: &str) -> BTreeSet<String> {
    set([format!("add to group {group}")])
}

#[test]
fn m09_a_plan_says_when_time_alone_will_change_it() {
    let newcomers = [("newcomers", "user.employeeHireDate -ge system.now -minus P30D", STAFF)];
    let policy = policy("entra", &newcomers);
    let newcomer = bound(&["2026-03-01 hire_date=2026-03-01 name.legal.family=Byron"]);
    let plan = planned(&newcomer, &policy, &shown(&[]));
    // To the microsecond: at the thirtieth day itself the rule still holds.
    assert_eq!((asked(&plan), plan.changes_at), (joins(STAFF), Some("2026-03-31T00:00:00.000001Z".parse().unwrap())));
    let old_hand = planned(&bound(&[SELLER]), &policy, &shown(&[]));
    assert_eq!((asked(&old_hand), old_hand.changes_at), (BTreeSet::new(), None));
    let leaver = bound(&["2026-03-01 hire_date=2026-03-01 name.legal.family=Byron", LEFT]);
    assert_eq!(planned(&leaver, &policy, &shown(&[])).changes_at, None, "of a leaver no rule is asked");
}

#[test]
fn what_a_rule_will_say_is_remembered_and_forgotten_with_a_plan_that_concludes_something() {
    let policy = policy("entra", &[("newcomers", "user.employeeHireDate -ge system.now -minus P30D", STAFF)]);
    let mut person = bound(&["2026-03-01 hire_date=2026-03-01 name.legal.family=Byron"]);
    let due = Some(at("2026-03-31"));
    let mut apply = |stage, plan: Plan| {
        progress::apply(&mut person, stage, &plan, &BTreeSet::new(), &policy, at(NOW));
        person.head.rules_due
    };
    assert_eq!(apply(Stage::Groups, Plan { changes_at: due, ..Plan::of(Stage::Groups) }), due);
    assert_eq!(apply(Stage::Groups, Plan { is_inconclusive: true, ..Plan::of(Stage::Groups) }), due);
    assert_eq!(apply(Stage::Licenses, Plan::of(Stage::Licenses)), due);
    assert_eq!(apply(Stage::Groups, Plan::of(Stage::Groups)), None);
}

#[test]
fn m09_rules_see_the_groups_and_the_manager_whom_the_tenant_shows() {
    let rule = format!("user.memberOf -any (group.objectId -in ['{OTHER}', '{SALES}'])");
    let policy =
        policy("entra", &[("after", &rule, STAFF), ("team", &format!("Direct Reports for \"{BOSS}\""), EXCLUSIVE)]);
    let person = bound(&[SELLER]);
    assert_eq!(asked(&planned(&person, &policy, &shown(&[]))), BTreeSet::new());
    assert_eq!(asked(&planned(&person, &policy, &shown(&[SALES]))), joins(STAFF));
    let managed = Actual { manager: Some(id(BOSS)), ..shown(&[]) };
    assert_eq!(asked(&planned(&person, &policy, &managed)), joins(EXCLUSIVE));
    let other = Actual { manager: Some(id(OTHER)), ..shown(&[]) };
    assert_eq!(asked(&planned(&person, &policy, &other)), BTreeSet::new());
}

#[test]
fn while_a_license_is_on_its_way_rules_about_plans_neither_give_nor_take_and_afterwards_they_are_asked_twice_more() {
    let rule = format!("user.assignedPlans -any (assignedPlan.servicePlanId -eq \"{TEAMS}\")");
    let policy = policy("entra", &[("has teams", &rule, STAFF)]);
    let mut person = bound(&[SELLER]);
    grant(&mut person, Target::Group(id(SALES)), Origin::Ours, true, "2026-01-02");
    grant(&mut person, Target::Group(id(STAFF)), Origin::Ours, true, "2026-01-02");
    let action = Action::AssignLicense { sku: E3.parse().unwrap(), disabled_plans: Vec::new() };
    let step_id = StepId::derive(&person.head.person, 0, &action);
    let with = |state: StepState, teams: bool, member: bool| {
        let mut person = person.clone();
        let (why, wake_at) = (String::new(), None);
        let step = Step {
            id: step_id.clone(),
            generation: 0,
            round: 1,
            action: action.clone(),
            why,
            state,
            attempts: 1,
            wake_at,
            by_hand: false,
        };
        person.steps.insert(step_id.clone(), step);
        let plans = if teams { json!([{"servicePlanId": TEAMS, "capabilityStatus": "Enabled"}]) } else { json!([]) };
        let actual = shown(if member { &[STAFF, SALES] } else { &[SALES] });
        let actual = Actual { user: user(&json!({"assignedPlans": plans})), ..actual };
        let plan = planned(&person, &policy, &actual);
        (asked(&plan), plan.changes_at)
    };
    let leave = |group: &str| format!("remove from group {group}");
    // Settling takes five minutes.
    for young in [StepState::Done { at: at("2026-03-10T11:58") }, StepState::Running { since: at(NOW) }] {
        assert_eq!(with(young.clone(), true, false).0, set([leave(SALES)]), "not given: {young:?}");
        assert_eq!(with(young.clone(), false, true).0, set([leave(SALES)]), "not taken: {young:?}");
    }
    let settled = StepState::Done { at: at("2026-03-10T11:55") };
    assert_eq!(
        with(settled.clone(), true, false),
        (&joins(STAFF) | &set([leave(SALES)]), Some(at("2026-03-10T12:10")))
    );
    assert_eq!(with(settled, false, true).0, set([leave(SALES), leave(STAFF)]));
    let verified = |time| with(StepState::Verified { at: at(time) }, true, true).1;
    assert_eq!(verified("2026-03-10T11:30"), Some(at("2026-03-10T12:30")));
    assert_eq!(verified("2026-03-10T10:59"), None, "not for ever");
}

#[test]
fn m09_what_entra_could_not_express_is_marked_in_the_reason() {
    let packages =
        [("interns", "user.employeeType -eq \"intern\"", STAFF), ("sales", "user.department -eq \"Sales\"", SALES)];
    let policy = policy("extended", &packages);
    let intern = bound(&[SELLER, "2026-02-01 employment.type=intern"]);
    let plan = planned(&intern, &policy, &shown(&[]));
    let why: BTreeSet<_> = plan.steps.iter().map(|step| step.why.as_str()).collect();
    assert_eq!(why, BTreeSet::from(["package interns (extended rule)", "package sales"]));
}
