//! The law: a plan that is carried out, as often as it asks for more, leaves nothing to plan.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::planner::licenses::{Actual as Tenant, Seats};
use crate::planner::{IN_FLIGHT, Sight, account, groups, is_enabled, is_synchronized, licenses};
use crate::policy::Policy;
use crate::progress;
use crate::sample::{ACCOUNT, E3, TEAMS, bound, person, policy};
use crate::step::{Action, Stage, StepState};

/// More rounds than any person's work takes: create, shape, enable, place, license; or cut, cut again, take, delete.
const ROUNDS_MAX: usize = 8;
const STAGES: [Stage; 3] = [Stage::Accounts, Stage::Groups, Stage::Licenses];

/// A tenant of one account, and what we know of its person.
#[derive(Debug, Clone)]
struct World {
    person: Person,
    sight: Sight,
    memberships: BTreeSet<ObjectId>,
    seats: i64,
}

impl World {
    fn plan(&self, stage: Stage, policy: &Policy, now: Timestamp) -> Plan {
        let view = View::new(&self.person, policy, now);
        let user = self.sight.user().cloned().unwrap_or_default();
        let groups = Actual { user, memberships: self.memberships.clone(), ..shown(&[]) };
        match (stage, &self.sight) {
            (Stage::Accounts, sight) => {
                let wanted_manager = account::Manager::Unspoken;
                let sight = sight.clone();
                let actual = account::Actual {
                    sight,
                    manager: None,
                    wanted_manager,
                    sponsors: None,
                    candidates: Vec::new(),
                    sessions_valid_from: None,
                    has_methods: Some(false),
                };
                account::plan(&view, &actual)
            }
            (Stage::Groups, Sight::Present(_)) => groups::plan(&view, &groups),
            (Stage::Licenses, Sight::Present(_)) => {
                let seat =
                    |sku: &str| (sku.parse().unwrap(), Seats { name: sku.into(), free: self.seats, plans: [].into() });
                licenses::plan(&view, &Tenant { groups, seats: [seat(E3), seat(VISIO)].into(), ..Tenant::default() })
            }
            _ => Plan::default(),
        }
    }

    /// Plans a stage and does what can be done. Whether that was anything.
    fn turn(&mut self, stage: Stage, policy: &Policy, now: Timestamp) -> bool {
        let plan = self.plan(stage, policy, now);
        let progress = progress::apply(&mut self.person, stage, &plan, &BTreeSet::new(), policy, now);
        for id in &progress.runnable {
            let step = self.person.steps.get_mut(id).unwrap();
            step.state = StepState::Done { at: now };
            let action = step.action.clone();
            self.carry(&action, now);
        }
        !progress.runnable.is_empty()
    }

    fn carry(&mut self, action: &Action, now: Timestamp) {
        match action {
            Action::CreateAccount => {
                self.person.head.account.object_id = Some(id(ACCOUNT));
                self.sight = Sight::Present(user(&json!({"accountEnabled": false, "usageLocation": null})));
            }
            Action::RestoreAccount => self.sight = Sight::Present(user(&json!({"accountEnabled": false}))),
            Action::DeleteAccount => {
                self.sight = Sight::Deleted;
                self.person.head.account.deleted_at = Some(now);
            }
            Action::AddMember { group } | Action::JoinCarrier { group, .. } => {
                self.memberships.insert(group.clone());
                self.give(Target::Group(group.clone()), now);
            }
            Action::RemoveMember { group } | Action::LeaveCarrier { group, .. } => {
                self.memberships.remove(group);
                self.person.grants.remove(&Target::Group(group.clone()));
            }
            Action::AssignLicense { sku, .. } => self.give(Target::License(sku.clone()), now),
            Action::RemoveLicense { sku } => drop(self.person.grants.remove(&Target::License(sku.clone()))),
            _ => {}
        }
        // What a write makes of the account, the overlay knows.
        let mut alone = self.person.clone();
        alone.steps.retain(|_, step| step.action == *action);
        if let Sight::Present(user) = &mut self.sight {
            crate::overlay::user(user, &alone, &policy(), now);
        }
    }

    fn give(&mut self, target: Target, now: Timestamp) {
        let known = self.person.grants.get(&target);
        let origin = known.map_or(Origin::Ours, |grant| grant.origin);
        let since = known.map_or(now, |grant| grant.since);
        self.person.grants.insert(target.clone(), Grant { target, origin, held: true, reasons: Vec::new(), since });
    }
}

fn records() -> impl Strategy<Value = Vec<&'static str>> {
    select(vec![
        vec![SELLER],
        vec![SELLER, "2026-02-01 department.name=Legal job.title=null"],
        vec![SELLER, LEFT],
        vec![SELLER, "2026-01-02 end_date=2026-01-10"],
        vec!["2026-03-01 hire_date=2026-03-16 name.legal.family=Byron department.name=Sales usage_location=NL"],
        vec!["2026-03-01 hire_date=2026-09-01 name.legal.family=Byron"],
        vec![SELLER, "2026-02-01 employment.type=external"],
        vec![SELLER, "2026-02-01 employment.type=visitor"],
        vec![SELLER, "2026-02-01 job.title=?"],
        vec!["2026-03-01 hire_date=2020-01-01 name.legal.family=Byron department.name=Sales"],
    ])
}

fn sights() -> impl Strategy<Value = Sight> {
    let e3 = |plans: &[&str]| json!({"skuId": E3, "assignedByGroup": null, "state": "Active", "disabledPlans": plans});
    let licenses = vec![json!([]), json!([e3(&[TEAMS])]), json!([e3(&[]), {"skuId": VISIO, "assignedByGroup": null}])];
    let present = (any::<[bool; 3]>(), select(vec!["Sales", "Legal"]), select(licenses));
    let present = present.prop_map(|([enabled, located, synchronized], department, licenses)| {
        Sight::Present(user(&json!({
            "accountEnabled": enabled, "usageLocation": located.then_some("NL"), "department": department,
            "onPremisesSyncEnabled": synchronized.then_some(true), "licenseAssignmentStates": licenses,
        })))
    });
    prop_oneof![6 => present, 1 => Just(Sight::Absent), 1 => Just(Sight::Deleted), 1 => Just(Sight::Unknown)]
}

fn worlds() -> impl Strategy<Value = World> {
    let groups = || subsequence(vec![SALES, STAFF, CARRIER, EXCLUSIVE, OTHER], 0..=5);
    let parts = (records(), sights(), groups(), groups(), any::<[bool; 3]>(), 0..2_i64);
    parts.prop_map(|(lines, sight, memberships, ledger, [ours, held, protected], seats)| {
        let mut person = if sight == Sight::Absent { person(&lines) } else { bound(&lines) };
        if protected {
            person.head.person = "hr:ceo".parse().unwrap();
        }
        let origin = if ours { Origin::Ours } else { Origin::PreExisting };
        let ledger = ledger.into_iter().map(|group| Target::Group(id(group)));
        for target in ledger.chain(ours.then(|| Target::License(E3.parse().unwrap()))) {
            grant(&mut person, target, origin, held || !ours, "2026-01-02");
        }
        World { person, sight, memberships: memberships.iter().map(|group| id(group)).collect(), seats }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_plan_that_is_carried_out_leaves_nothing_to_plan(mut world in worlds()) {
        let policy = policy();
        let mut now = at(NOW);
        let mut rounds = 0;
        while STAGES.map(|stage| world.turn(stage, &policy, now)) != [false; 3] {
            now += IN_FLIGHT + SignedDuration::from_mins(6);
            rounds += 1;
            prop_assert!(rounds < ROUNDS_MAX, "still at work: {:?}", world.person.steps);
        }
        for stage in STAGES {
            let plan = world.plan(stage, &policy, now);
            prop_assert!(plan.steps.iter().all(|step| step.wait.is_some()), "{:?}", plan);
            prop_assert!(plan.note.is_empty() && plan.forget.is_empty(), "{:?}", plan);
        }
        let view = View::new(&world.person, &policy, now);
        if let (Sight::Present(user), true, false) = (&world.sight, view.standing.is_cut(), view.is_protected()) {
            prop_assert!(!is_enabled(user) || is_synchronized(user), "a leaver keeps access");
            prop_assert!(world.memberships.is_empty(), "a leaver keeps groups");
        }
    }

    #[test]
    fn nothing_is_granted_to_anybody_who_is_cut_and_nothing_taken_from_the_protected(world in worlds()) {
        let policy = policy();
        let view = View::new(&world.person, &policy, at(NOW));
        for stage in STAGES {
            for step in world.plan(stage, &policy, at(NOW)).steps {
                prop_assert!(!(view.standing.is_cut() && step.action.grants()), "{:?}", step);
                let takes = step.action.cuts() || matches!(
                    step.action,
                    Action::DeleteAccount | Action::RemoveMember { .. } | Action::LeaveCarrier { .. } | Action::RemoveLicense { .. }
                );
                prop_assert!(!(view.is_protected() && takes), "{:?}", step);
            }
        }
    }
}
