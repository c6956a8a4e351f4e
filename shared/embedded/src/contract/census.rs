//! Reconciliation: many people asked for at once, and a run that keeps its place.

use domain::ids::{ObjectId, PersonId, SkuId};
use domain::ledger::{Grant, Origin, Target};
use domain::person::{Change, Head};
use domain::ports::StoreError;
use domain::reconcile::census::{Told, Whom};
use domain::reconcile::memberships::Member;
use domain::reconcile::{Finding, Kind, Known, Place, Run, RunName, Scope};

use super::{Subject, Verdict, at, grant, head, object, person, sku, with_head};

/// The first head of somebody with an account.
fn with_account(number: u32, phase: &str) -> Result<Head, domain::ids::BadId> {
    let mut head = Head { phase: phase.to_owned(), ..head(&person(number)?) };
    head.account.object_id = Some(object(number)?);
    Ok(head)
}

/// Somebody with an account, and what else is wanted of them.
async fn bound(subject: &impl Subject, number: u32, phase: &str, targets: &[Target]) -> Result<PersonId, StoreError> {
    let Ok(first) = with_account(number, phase) else { return Err(StoreError::Conflict) };
    let id = first.person.clone();
    let put_grants = targets.iter().cloned().map(grant).collect();
    subject.roster().commit(Change { put_grants, fence: Some(phase == "leaver"), ..with_head(first) }).await?;
    Ok(id)
}

fn run(version: u64) -> Run {
    Run {
        name: RunName::Real,
        id: "r".to_owned(),
        version,
        scopes: Scope::ALL.into(),
        policy: String::new(),
        began_at: at(0),
        part_began_at: at(0),
        touched_at: at(0),
        ended_at: None,
        place: Place::Seats,
        accounts: 0,
        members: 0,
        unreadable: 0,
        reads_sign_ins: None,
        seats: Vec::new(),
    }
}

fn finding(kind: Kind, number: u32) -> Result<Finding, domain::ids::BadId> {
    Ok(Finding::of(kind).about(&person(number)?))
}

pub async fn whoever_is_bound_to_an_account_is_told(subject: &impl Subject) -> Verdict {
    let one = bound(subject, 1, "active", &[Target::Group(object(9)?)]).await?;
    let two = bound(subject, 2, "leaver", &[]).await?;
    let three = bound(subject, 3, "rehire", &[]).await?;
    let accounts = [object(2)?, object(7)?, object(1)?, object(3)?];
    let known = subject.census().bound(&accounts.iter().collect::<Vec<_>>()).await?;
    let number = |place: usize| known.get(place).and_then(Option::as_ref).map_or(0, |known| known.number);
    assert!(number(0) != number(2) && number(2) != number(3), "everybody has a number of their own");
    let expected = |place, person, is_cut, is_open| {
        Some(Known { number: number(place), person, is_cut, is_open, licenses: Vec::new() })
    };
    let all = [
        expected(0, two, true, Some(false)),
        None,
        expected(2, one, false, Some(true)),
        expected(3, three, false, None),
    ];
    assert_eq!(known, all);
    Ok(())
}

pub async fn the_licenses_of_the_ledger_stand_beside_the_account(subject: &impl Subject) -> Verdict {
    let (given, intended, found) = (sku(1)?, sku(2)?, sku(3)?);
    let target = |sku: &SkuId| Target::License(sku.clone());
    let group = Target::Group(object(9)?);
    bound(subject, 1, "active", &[target(&given), group.clone()]).await?;
    let next = |version| Ok::<_, domain::ids::BadId>(Head { version, ..with_account(1, "active")? });
    let told = async || -> Result<Vec<(SkuId, bool)>, StoreError> {
        let Ok(account) = object(1) else { return Err(StoreError::Conflict) };
        let known = subject.census().bound(&[&account]).await?.into_iter().flatten();
        let mut licenses: Vec<_> = known.flat_map(|known| known.licenses).collect();
        licenses.sort_by(|one, other| one.sku.cmp(&other.sku));
        Ok(licenses.into_iter().map(|license| (license.sku, license.is_given)).collect())
    };
    assert_eq!(told().await?, [(given.clone(), true)]);
    let put_grants = vec![
        Grant { held: false, ..grant(target(&intended)) },
        Grant { origin: Origin::PreExisting, reasons: Vec::new(), ..grant(target(&found)) },
    ];
    subject.roster().commit(Change { put_grants, ..with_head(next(2)?) }).await?;
    assert_eq!(told().await?, [(given.clone(), true), (intended.clone(), false), (found.clone(), false)]);
    let (put_grants, delete_grants) = (vec![grant(target(&intended))], vec![target(&given), group]);
    subject.roster().commit(Change { put_grants, delete_grants, ..with_head(next(3)?) }).await?;
    assert_eq!(told().await?, [(intended, true), (found, false)]);
    Ok(())
}

pub async fn members_are_told_with_whether_the_ledger_knows(subject: &impl Subject) -> Verdict {
    let group: ObjectId = object(9)?;
    let one = bound(subject, 1, "active", &[Target::Group(group.clone())]).await?;
    let two = bound(subject, 2, "leaver", &[]).await?;
    let three = bound(subject, 3, "active", &[]).await?;
    let accounts = [object(1)?, object(2)?, object(3)?, object(4)?];
    for (all, is_granted) in [(true, false), (false, true)] {
        let members = subject.census().members(&group, &accounts.iter().collect::<Vec<_>>(), all).await?;
        let tell = |member: Option<Member>| member.map(|member| (member.person, member.is_cut, member.is_granted));
        let told: Vec<_> = members.into_iter().map(tell).collect();
        let expected = [(&one, false, true), (&two, true, false), (&three, false, is_granted)];
        let expected = expected.map(|(person, is_cut, is_granted)| Some((person.clone(), is_cut, is_granted)));
        let expected: Vec<_> = expected.into_iter().chain([None]).collect();
        assert_eq!(told, expected);
    }
    Ok(())
}

pub async fn whoever_no_page_showed_is_unsighted_until_they_are_sighted(subject: &impl Subject) -> Verdict {
    let group: ObjectId = object(9)?;
    let one = bound(subject, 1, "active", &[]).await?;
    let two = bound(subject, 2, "active", &[Target::Group(group.clone())]).await?;
    let three = bound(subject, 3, "active", &[Target::Group(group.clone())]).await?;
    let census = subject.census();
    census.begin(&run(1), None).await?;
    let unsighted = async |whom, after| census.unsighted(RunName::Real, whom, after, 2).await;
    assert_eq!(unsighted(Whom::Bound, None).await?, [one.clone(), two.clone()], "no more than asked");
    assert_eq!(unsighted(Whom::Bound, Some(&two)).await?, std::slice::from_ref(&three));
    let accounts = [object(1)?, object(2)?, object(3)?];
    let known = census.bound(&accounts.iter().collect::<Vec<_>>()).await?;
    let numbers: Vec<u64> = known.into_iter().flatten().map(|known| known.number).collect();
    let [first, second, third] = numbers.as_slice() else { return Err("three are known".into()) };
    let sighted = vec![*first, *third, *third];
    census.advance(&run(2), &Told { sighted, ..Told::default() }).await?;
    assert_eq!(unsighted(Whom::Bound, None).await?, std::slice::from_ref(&two));
    assert_eq!(unsighted(Whom::In(&group), None).await?, std::slice::from_ref(&two));
    let told = Told { sighted: vec![*second], forgets: true, ..Told::default() };
    census.advance(&run(3), &told).await?;
    assert_eq!(unsighted(Whom::In(&group), None).await?, [three], "a new part begins");
    Ok(())
}

pub async fn a_run_is_stored_only_on_the_version_before_it(subject: &impl Subject) -> Verdict {
    let census = subject.census();
    assert_eq!(census.run(RunName::Real).await?, None);
    census.begin(&run(1), None).await?;
    let conflicts = |result| assert!(matches!(result, Err(StoreError::Conflict)));
    conflicts(census.begin(&run(1), None).await);
    conflicts(census.advance(&run(3), &Told::default()).await);
    let told = Told { findings: vec![finding(Kind::Unlicensed, 1)?], ..Told::default() };
    census.advance(&run(2), &told).await?;
    conflicts(census.advance(&run(2), &told).await);
    assert_eq!(census.run(RunName::Real).await?, Some(run(2)));
    assert_eq!(census.run(RunName::DryRun).await?, None);
    census.begin(&run(3), Some(2)).await?;
    assert_eq!(census.findings(RunName::Real, 0, 10).await?, [], "the findings go with their run");
    Ok(())
}

pub async fn a_finding_is_kept_once_and_its_person_woken_once(subject: &impl Subject) -> Verdict {
    let census = subject.census();
    census.begin(&run(1), None).await?;
    let (drift, other) = (finding(Kind::SignInOpen, 1)?, finding(Kind::Unlicensed, 1)?);
    let told = Told { findings: vec![drift.clone(), other.clone(), drift.clone()], ..Told::default() };
    census.advance(&run(2), &told).await?;
    let found: Vec<Finding> =
        census.findings(RunName::Real, 0, 10).await?.into_iter().map(|(_, found)| found).collect();
    assert_eq!(found, [drift.clone(), other]);
    let tally = [(Kind::SignInOpen, 1), (Kind::Unlicensed, 1)];
    assert_eq!(census.tally(RunName::Real).await?, tally.into());
    let unwoken = census.unwoken(RunName::Real, 10).await?;
    let numbers: Vec<u64> = unwoken.iter().map(|(number, _)| *number).collect();
    assert_eq!(unwoken.into_iter().map(|(_, found)| found).collect::<Vec<_>>(), [drift]);
    census.woke(RunName::Real, &numbers).await?;
    census.advance(&run(3), &told).await?;
    assert_eq!(census.unwoken(RunName::Real, 10).await?, []);
    let dry = Run { name: RunName::DryRun, ..run(1) };
    census.begin(&dry, None).await?;
    census.advance(&Run { version: 2, ..dry }, &told).await?;
    assert_eq!(census.unwoken(RunName::DryRun, 10).await?, [], "a dry run wakes nobody");
    Ok(())
}
