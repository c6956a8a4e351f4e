//! Reads of the tenant that several stages need, with our own young writes laid over them (invariant 13).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::{ObjectId, SkuId};
use domain::ledger::Target;
use domain::overlay;
use domain::person::Person;
use domain::planner::groups::{Actual, GroupFacts, Refusal};
use domain::planner::licenses::Seats;
use domain::planner::{Sight, User};
use domain::policy::Policy;
use domain::step::{Action, StepState};
use graph::model::RefusesMembers;
use graph::{GroupId, UserId, request};
use jiff::{SignedDuration, Timestamp};

/// Reads for one policy.
#[derive(Clone)]
pub struct Reader {
    graph: Arc<graph::Client>,
    policy: Arc<Policy>,
    select: Arc<Vec<String>>,
    groups: Arc<Mutex<BTreeMap<ObjectId, (Timestamp, GroupFacts)>>>,
}

/// How long what is known of a group is believed without asking again. A group that changes its kind meanwhile makes Graph
/// refuse the write, which is handled.
const GROUP_FACTS_AGE_MAX: SignedDuration = SignedDuration::from_secs(60);

/// So many reads have to agree before an account is taken for gone.
const AGREEING_READS: usize = 2;

/// The user's groups and the facts about all groups that matter.
pub type Memberships = (BTreeSet<ObjectId>, BTreeMap<ObjectId, GroupFacts>);

impl Reader {
    /// A reader that asks for every property the domain manages, the policy's rules read, and the anchor.
    pub fn new(graph: Arc<graph::Client>, policy: Arc<Policy>) -> Self {
        let read = policy
            .packages
            .iter()
            .flat_map(|package| package.rule.reads().map(|property| property.selected().to_owned()));
        let fixed = graph::User::PROPERTIES.iter().map(|property| (*property).to_owned());
        let select: BTreeSet<String> = fixed.chain(read).chain([policy.tenant.anchor.clone()]).collect();
        // Relationships cannot be selected: they are read each in its own way.
        let is_relationship = |property: &String| ["memberOf", "manager"].contains(&property.as_str());
        let select = select.into_iter().filter(|property| !is_relationship(property)).collect();
        Self { graph, policy, select: Arc::new(select), groups: Arc::default() }
    }

    /// The client, for what only one stage does.
    pub fn graph(&self) -> &graph::Client {
        &self.graph
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The properties to select.
    pub fn select(&self) -> Vec<&str> {
        self.select.iter().map(String::as_str).collect()
    }

    /// The account of a bound person. A 404 on one that we made, bound or restored a moment ago says nothing; on any other it is
    /// believed if a second read agrees, for whoever is taken for gone leaves every line and is looked at no more.
    pub async fn sight(&self, person: &Person, now: Timestamp) -> Result<Sight, graph::Error> {
        let Some(id) = &person.head.account.object_id else { return Ok(Sight::Absent) };
        let id = UserId::from(id.as_str());
        let request = request::get_user((&id).into(), &self.select());
        for _ in 0..AGREEING_READS {
            if let Some(mut user) = self.graph.find::<User>(&request).await? {
                overlay::user(&mut user, person, &self.policy, now);
                return Ok(Sight::Present(user));
            }
            if self.is_young(person, now) {
                return Ok(Sight::Unknown);
            }
            if self.graph.deleted_user(&id, &["id"]).await?.is_some() {
                return Ok(Sight::Deleted);
            }
        }
        Ok(Sight::Absent)
    }

    fn is_young(&self, person: &Person, now: Timestamp) -> bool {
        let settle = overlay::settling(&self.policy);
        let lately = |at: Timestamp| at.saturating_add(settle).is_ok_and(|until| until > now);
        let made = |step: &domain::step::Step| match (&step.action, &step.state) {
            (Action::CreateAccount | Action::RestoreAccount, StepState::Done { at }) => lately(*at),
            _ => false,
        };
        person.head.account.bound_at.is_some_and(lately) || person.steps.values().any(made)
    }

    /// A user as packages' rules see it: with its groups, and with its manager if a rule asks for it.
    pub async fn actual(
        &self,
        person: &Person,
        id: &ObjectId,
        user: User,
        now: Timestamp,
    ) -> Result<Actual, graph::Error> {
        let (memberships, groups) = self.memberships(person, id, now).await?;
        let manager = if self.policy.rules.reads().manager { self.manager(person, id, now).await? } else { None };
        Ok(Actual { user, memberships, manager, groups })
    }

    /// The user's manager, as our writes have it.
    async fn manager(&self, person: &Person, id: &ObjectId, now: Timestamp) -> Result<Option<ObjectId>, graph::Error> {
        let manager = self.graph.get_manager(&UserId::from(id.as_str()), &["id"]).await?;
        let manager = manager.and_then(|manager| manager.id.as_str().parse().ok());
        Ok(overlay::manager(manager, person, &self.policy, now))
    }

    /// The groups the user is directly in, and what there is to know of them, of the policy's groups and of the ledger's.
    pub async fn memberships(
        &self,
        person: &Person,
        id: &ObjectId,
        now: Timestamp,
    ) -> Result<Memberships, graph::Error> {
        let id = UserId::from(id.as_str());
        let groups = self.graph.member_groups(&id, graph::Group::PROPERTIES).await?;
        let mut memberships = BTreeSet::new();
        let mut facts = BTreeMap::new();
        for group in &groups {
            if let Ok(id) = group.id.as_str().parse::<ObjectId>() {
                facts.insert(id.clone(), group_facts(group, &self.policy));
                memberships.insert(id);
            }
        }
        let ledger = person.grants.keys().filter_map(|target| match target {
            Target::Group(group) => Some(group.clone()),
            Target::License(_) => None,
        });
        let packages =
            self.policy.packages.iter().flat_map(|package| package.groups.iter().map(|group| group.id.clone()));
        let carriers = self.policy.carriers().into_iter().cloned();
        let wanted: BTreeSet<ObjectId> =
            ledger.chain(packages).chain(carriers).filter(|id| !facts.contains_key(id)).collect();
        for id in wanted {
            let known = self.group(&id, now).await?;
            facts.insert(id, known);
        }
        overlay::memberships(&mut memberships, person, &self.policy, now);
        Ok((memberships, facts))
    }

    /// What there is to know of a group, from a moment ago or read now.
    async fn group(&self, id: &ObjectId, now: Timestamp) -> Result<GroupFacts, graph::Error> {
        let known = || self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, facts)) = known().get(id).filter(|(at, _)| now.duration_since(*at).abs() < GROUP_FACTS_AGE_MAX)
        {
            return Ok(facts.clone());
        }
        let group = self.graph.get_group(&GroupId::from(id.as_str()), graph::Group::PROPERTIES).await?;
        let missing = GroupFacts { carries: Vec::new(), refusal: Some(Refusal::Missing) };
        let facts = group.as_ref().map_or(missing, |group| group_facts(group, &self.policy));
        known().insert(id.clone(), (now, facts.clone()));
        Ok(facts)
    }

    /// The products the tenant owns.
    pub async fn seats(&self) -> Result<BTreeMap<SkuId, Seats>, graph::Error> {
        let skus = self.graph.subscribed_skus().await?;
        let for_users = skus.into_iter().filter(graph::SubscribedSku::is_for_users);
        let seats = for_users.filter_map(|sku| {
            let free = sku.free_seats();
            let plans = sku.service_plans.into_iter().map(|plan| plan.service_plan_name).collect();
            Some((sku.sku_id.as_str().parse().ok()?, Seats { name: sku.sku_part_number, free, plans }))
        });
        Ok(seats.collect())
    }
}

fn group_facts(group: &graph::Group, policy: &Policy) -> GroupFacts {
    let carries = group.assigned_licenses.iter().filter_map(|license| license.sku_id.as_str().parse().ok()).collect();
    let allowed = |refusal: &RefusesMembers| {
        let id = group.id.as_str().parse().ok();
        *refusal == RefusesMembers::RoleAssignable && id.is_some_and(|id| policy.may_give_roles(&id))
    };
    let refusal = group.refuses_members().filter(|refusal| !allowed(refusal)).map(|refusal| match refusal {
        RefusesMembers::Dynamic => Refusal::Dynamic,
        RefusesMembers::Synchronized => Refusal::Synchronized,
        RefusesMembers::MailEnabledSecurity | RefusesMembers::Distribution => Refusal::MailEnabled,
        RefusesMembers::RoleAssignable | RefusesMembers::ManagementRestricted => Refusal::RoleAssignable,
        RefusesMembers::Unknown => Refusal::Unreadable,
    });
    GroupFacts { carries, refusal }
}
