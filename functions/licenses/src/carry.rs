//! Carrying out: direct licenses of a person that change together in one call, everything else on its own.
//!
//! One call, because a product that goes and its successor that comes must not leave the person without mailbox in between, and because an
//! add-on needs its base. Graph does all of a call or nothing; what one product spoils is tried again in parts, so that the others are
//! not held up by it: what comes first, each on its own, and then what goes, unless its successor did not come.

use domain::ids::SkuId;
use domain::ledger::Origin;
use domain::person::Person;
use domain::planner::licenses::{Actual, replaces};
use domain::step::{Action, Step};
use graph::{Error, GroupId, License, Refusal, UserId};
use stage::{Effect, Trouble};

use crate::line::{Names, needed};
use crate::{App, VISIBLE_PAUSE};

/// What a step came to.
type Heard = Result<Effect, Trouble>;

impl App {
    /// Direct licenses of one person that are to change together.
    pub(crate) async fn change(&self, person: &Person, user: &UserId, steps: &[Step]) -> Vec<Heard> {
        let all: Vec<&Step> = steps.iter().collect();
        match self.call(user, &all).await {
            Err(error) if !error.is_transient() && steps.len() > 1 => self.change_in_parts(person, user, steps).await,
            result => {
                let mut heard = Vec::with_capacity(steps.len());
                for step in steps {
                    heard.push(self.told(person, step, result.clone()).await);
                }
                heard
            }
        }
    }

    /// The same one by one: something of it is refused, and Graph does not say what.
    async fn change_in_parts(&self, person: &Person, user: &UserId, steps: &[Step]) -> Vec<Heard> {
        let mut results: Vec<Option<Result<(), Error>>> = steps.iter().map(|_| None).collect();
        let mut heard: Vec<Option<Heard>> = steps.iter().map(|_| None).collect();
        let names = Actual { seats: self.reader.seats().await.unwrap_or_default(), ..Actual::default() };
        // Twice: what depends on another product of these may go after it.
        for _ in 0..2 {
            for (at, step) in in_order(steps) {
                let is_open = |result: &Option<Result<(), Error>>| !matches!(result, Some(Ok(())));
                if !results.get(at).is_some_and(is_open) {
                    continue;
                }
                let missing = successors(&names, step, steps, &results).next();
                let result = match missing {
                    Some(sku) => {
                        let why = format!("stays until {} is there in its place", names.name(sku));
                        heard
                            .iter_mut()
                            .skip(at)
                            .take(1)
                            .for_each(|slot| *slot = Some(Ok(Effect::Wait(why.clone(), None))));
                        continue;
                    }
                    None => self.call(user, &[step]).await,
                };
                heard.iter_mut().skip(at).take(1).for_each(|slot| *slot = None);
                results.iter_mut().skip(at).take(1).for_each(|slot| *slot = Some(result.clone()));
            }
        }
        let mut answers = Vec::with_capacity(steps.len());
        for ((step, result), waits) in steps.iter().zip(results).zip(heard) {
            answers.push(match (waits, result) {
                (Some(waits), _) => waits,
                (None, Some(result)) => self.told(person, step, result).await,
                (None, None) => Ok(Effect::Later(VISIBLE_PAUSE)),
            });
        }
        answers
    }

    async fn call(&self, user: &UserId, steps: &[&Step]) -> Result<(), Error> {
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        for step in steps {
            match &step.action {
                Action::AssignLicense { sku, disabled_plans } => {
                    let disabled_plans = disabled_plans.iter().map(ToString::to_string).collect();
                    add.push(License { sku: graph::SkuId::from(sku.as_str()), disabled_plans });
                }
                Action::RemoveLicense { sku } => remove.push(graph::SkuId::from(sku.as_str())),
                _ => {}
            }
        }
        self.reader.graph().assign_license(user, &add, &remove).await
    }

    /// A step that goes on its own.
    pub(crate) async fn carry_one(&self, person: &Person, user: &UserId, step: &Step) -> Heard {
        let graph = self.reader.graph();
        let result = match &step.action {
            Action::AssignLicense { .. } | Action::RemoveLicense { .. } => self.call(user, &[step]).await,
            Action::JoinCarrier { group, .. } => graph.add_member(&GroupId::from(group.as_str()), user).await,
            Action::LeaveCarrier { group, .. } => graph.remove_member(&GroupId::from(group.as_str()), user).await,
            Action::ReprocessLicenses { .. } => graph.reprocess(user).await,
            _ => return Ok(Effect::Human("this version cannot do this step: report it".into(), false)),
        };
        self.told(person, step, result).await
    }

    async fn told(&self, person: &Person, step: &Step, result: Result<(), Error>) -> Heard {
        match &step.action {
            Action::RemoveLicense { sku } => self.taken(result, std::slice::from_ref(sku)).await,
            Action::LeaveCarrier { skus, .. } => self.taken(result, skus).await,
            _ => self.given(person, step, result).await,
        }
    }

    /// What giving a license came to. A seat that turns out to be none is waited for.
    async fn given(&self, person: &Person, step: &Step, result: Result<(), Error>) -> Heard {
        let (id, skus) = (&person.head.person, needed(&step.action));
        let effect = match result {
            Ok(()) => Effect::done(words(&step.action)),
            Err(error) => match error.refusal() {
                Some(Refusal::NoSeats { sku }) => return self.without_seat(person, skus, sku).await,
                Some(Refusal::AlreadyMember) if step.attempts <= 1 => {
                    Effect::Done("was a member already".into(), Some(Origin::PreExisting))
                }
                Some(Refusal::AlreadyMember) => Effect::done("an earlier call had added it"),
                Some(Refusal::NotFound) => return Ok(Effect::Later(VISIBLE_PAUSE)),
                Some(_) | None if error.is_transient() => return Err(error.into()),
                // Whether it helped is read back; if it did not, the plan says what a human must do.
                _ if matches!(step.action, Action::ReprocessLicenses { .. }) => {
                    self.leave(id, skus).await?;
                    return Ok(Effect::done(format!("asked Entra to try again; it says: {error}")));
                }
                refusal => {
                    let explained = match refusal {
                        Some(refusal) => self.explain(person, skus, refusal).await?,
                        None => None,
                    };
                    // What is promised to somebody who cannot use it is somebody else's.
                    self.leave(id, skus).await?;
                    return explained.ok_or_else(|| error.into());
                }
            },
        };
        self.take_seats(id, skus).await?;
        Ok(effect)
    }

    async fn without_seat(&self, person: &Person, skus: &[SkuId], missing: &str) -> Heard {
        let named = skus.iter().find(|sku| sku.as_str().eq_ignore_ascii_case(missing)).or(skus.first());
        let names = self.reader.seats().await?;
        if let Some(sku) = named {
            self.give_back(&person.head.person, skus, sku).await?;
        }
        let name = named.and_then(|sku| names.get(sku)).map_or("the product", |seats| &seats.name);
        Ok(Effect::Wait(format!("no seat of {name} is free"), named.cloned()))
    }

    /// What a refusal means and how to mend it, where that is known.
    async fn explain(&self, person: &Person, skus: &[SkuId], refusal: &Refusal) -> Result<Option<Effect>, Trouble> {
        let human = |text: String| Ok(Some(Effect::Human(text, false)));
        match refusal {
            Refusal::LocationMissing => {
                Ok(Some(Effect::Wait("the account has no usage location yet".into(), None)))
            }
            Refusal::NotCompanyLicense { .. } | Refusal::NotForUsers => {
                human(format!("{refusal}: correct the policy, or buy the product"))
            }
            Refusal::MutuallyExclusive => {
                let (product, others) = self.company_of(person, skus).await?;
                human(format!(
                    "a service plan of {product} excludes one of {others}: turn one of the two off (`disabled_plans` in the policy), or give only one of the products"
                ))
            }
            Refusal::DependencyMissing => {
                let (product, others) = self.company_of(person, skus).await?;
                human(format!(
                    "a service plan of {product} needs one that this person does not have (they have {others}): give the base product in the same package"
                ))
            }
            Refusal::InsufficientPrivileges => human(
                "Graph refuses: the group is dynamic, or Joinery lacks LicenseAssignment.ReadWrite.All or GroupMember.ReadWrite.All"
                    .into(),
            ),
            _ => Ok(None),
        }
    }

    /// Names of a product, and of the others that the person has or is to have from us.
    async fn company_of(&self, person: &Person, skus: &[SkuId]) -> Result<(String, String), Trouble> {
        let names: Names = self.reader.seats().await?;
        let name = |sku: &SkuId| names.get(sku).map_or_else(|| sku.to_string(), |seats| seats.name.clone());
        let others = person.steps.values().flat_map(|step| needed(&step.action)).filter(|sku| !skus.contains(sku));
        let mut others: Vec<_> = others.map(name).collect();
        others.sort();
        others.dedup();
        let others = if others.is_empty() { "the products they had before".to_owned() } else { others.join(", ") };
        Ok((skus.first().map_or_else(|| "this product".to_owned(), name), others))
    }

    /// What taking a license came to. If it went, whoever waits for a seat is looked at.
    async fn taken(&self, result: Result<(), Error>, skus: &[SkuId]) -> Heard {
        let effect = match result {
            Ok(()) => Effect::done("removed"),
            Err(error) => match error.refusal() {
                // Of what is young a replica may know nothing yet: the ledger forgets it when a read shows it gone, too.
                Some(Refusal::NotFound | Refusal::LicenseNotHeld) => {
                    Effect::Wait("gone already, says Graph: read back".into(), None)
                }
                Some(Refusal::LicenseInherited) => Effect::done("is inherited from a group, and goes with it"),
                Some(Refusal::DependencyMissing) => {
                    let text = "another product of this person depends on this one: remove that first";
                    return Ok(Effect::Human(text.into(), false));
                }
                Some(Refusal::InsufficientPrivileges) => {
                    let text =
                        "Graph refuses: the group is dynamic, or Joinery lacks a permission; do this step by hand";
                    return Ok(Effect::Human(text.into(), false));
                }
                _ => return Err(error.into()),
            },
        };
        self.free_seats(skus).await?;
        Ok(effect)
    }
}

fn words(action: &Action) -> &'static str {
    match action {
        Action::AssignLicense { .. } => "assigned",
        Action::ReprocessLicenses { .. } => "reprocessing requested",
        _ => "added",
    }
}

/// What comes before what goes, each with its place.
fn in_order(steps: &[Step]) -> impl Iterator<Item = (usize, &Step)> {
    let comes = |step: &Step| matches!(step.action, Action::AssignLicense { .. });
    let coming = steps.iter().enumerate().filter(move |(_, step)| comes(step));
    coming.chain(steps.iter().enumerate().filter(move |(_, step)| !comes(step)))
}

/// Products that take over what a product that goes keeps, and that have not come.
fn successors<'a>(
    names: &'a Actual,
    going: &'a Step,
    steps: &'a [Step],
    results: &'a [Option<Result<(), Error>>],
) -> impl Iterator<Item = &'a SkuId> {
    let going = if let Action::RemoveLicense { sku } = &going.action { Some(sku) } else { None };
    steps.iter().zip(results).filter_map(move |(step, result)| match (&step.action, result) {
        (Action::AssignLicense { .. }, Some(Ok(()))) => None,
        (Action::AssignLicense { sku, .. }, _) => going.filter(|going| replaces(names, sku, going)).map(|_| sku),
        _ => None,
    })
}
