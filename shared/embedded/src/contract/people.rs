//! What a roster does with one person, and how it finds them.

use std::slice::from_ref;

use domain::ids::PersonId;
use domain::ledger::Target;
use domain::person::{Change, Head, Person};
use domain::ports::{Handle, StoreError};
use domain::record::Record;
use domain::step::{Action, StepState};

use super::{Subject, Verdict, at, entry, grant, head, nothing, numbered, object, person, sku, step, with_head};

pub async fn a_stranger_is_nobody(subject: &impl Subject) -> Verdict {
    let roster = subject.roster();
    assert_eq!(roster.person(&person(1)?).await?, None);
    assert_eq!(roster.timeline(&person(1)?, 10).await?, []);
    assert_eq!(roster.list(None, 10).await?, []);
    assert_eq!(roster.next_due().await?, None);
    Ok(())
}

pub async fn a_person_comes_back_as_committed(subject: &impl Subject) -> Verdict {
    let mut full = full_person()?;
    let change = full.change_since(&Person::new(full.head.person.clone()));
    subject.roster().commit(change).await?;
    full.head.version = 1;
    assert_eq!(subject.roster().person(&full.head.person).await?, Some(full));
    Ok(())
}

pub async fn a_head_is_stored_only_on_the_version_before_it(subject: &impl Subject) -> Verdict {
    let (roster, id) = (subject.roster(), person(1)?);
    let version = |version| with_head(Head { version, ..head(&id) });
    for early in [0, 2] {
        assert!(matches!(roster.commit(version(early)).await, Err(StoreError::Conflict)), "{early} before 1");
    }
    for next in [1, 2, 3] {
        roster.commit(version(next)).await?;
    }
    for late in [1, 2, 3, 5] {
        assert!(matches!(roster.commit(version(late)).await, Err(StoreError::Conflict)), "{late} after 3");
    }
    for rests_on in [0, 2, 4, u64::MAX] {
        let leap = Change { rests_on, ..version(4) };
        assert!(matches!(roster.commit(leap).await, Err(StoreError::Conflict)), "4 on {rests_on}");
    }
    assert_eq!(roster.person(&id).await?.map(|person| person.head.version), Some(3));
    Ok(())
}

pub async fn a_first_head_conflicts_with_one_already_there(subject: &impl Subject) -> Verdict {
    let (roster, id) = (subject.roster(), person(1)?);
    let first = |phase: &str| with_head(Head { phase: phase.to_owned(), ..head(&id) });
    roster.commit(first("ours")).await?;
    assert!(matches!(roster.commit(first("theirs")).await, Err(StoreError::Conflict)));
    assert_eq!(roster.person(&id).await?.map(|person| person.head.phase), Some("ours".to_owned()));
    Ok(())
}

pub async fn a_refused_change_leaves_no_trace(subject: &impl Subject) -> Verdict {
    let roster = subject.roster();
    let full = full_person()?;
    let id = full.head.person.clone();
    roster.commit(with_head(head(&id))).await?;
    let before = roster.person(&id).await?;
    let mut refused = full.change_since(&Person::new(id.clone()));
    refused.fence = Some(true);
    refused.timeline = vec![entry("never")];
    assert!(matches!(roster.commit(refused).await, Err(StoreError::Conflict)));
    assert_eq!(roster.person(&id).await?, before);
    assert_eq!(roster.timeline(&id, 10).await?, []);
    assert_eq!(roster.next_due().await?, None);
    assert!(!subject.fences().is_up(&id).await?);
    Ok(())
}

pub async fn a_change_without_a_head_needs_a_known_person(subject: &impl Subject) -> Verdict {
    let (roster, id) = (subject.roster(), person(1)?);
    for rests_on in [0, 1] {
        let lowered = Change { fence: Some(false), timeline: vec![entry("never")], ..nothing(&id, rests_on) };
        assert!(matches!(roster.commit(lowered).await, Err(StoreError::Conflict)));
    }
    assert!(subject.fences().is_up(&id).await?);
    assert_eq!(roster.timeline(&id, 10).await?, []);
    Ok(())
}

pub async fn a_change_without_a_head_is_stored_only_on_the_head_it_rests_on(subject: &impl Subject) -> Verdict {
    let (roster, id) = (subject.roster(), person(1)?);
    for version in [1, 2] {
        roster.commit(with_head(Head { version, ..head(&id) })).await?;
    }
    let before = roster.person(&id).await?;
    let made_on = |rests_on| -> Result<Change, StoreError> {
        let (Ok(group), put_steps) = (object(1), vec![step(&id, Action::EnableAccount, Some(at(1)))]) else {
            return Err(StoreError::Conflict);
        };
        let (put_grants, timeline) = (vec![grant(Target::Group(group))], vec![entry("given")]);
        Ok(Change { fence: Some(false), put_steps, put_grants, timeline, ..nothing(&id, rests_on) })
    };
    for other in [0, 1, 3, u64::MAX] {
        assert!(matches!(roster.commit(made_on(other)?).await, Err(StoreError::Conflict)), "{other}, and it is 2");
        assert_eq!((roster.person(&id).await?, roster.next_due().await?), (before.clone(), None));
        assert_eq!(roster.timeline(&id, 10).await?, []);
    }
    roster.commit(made_on(2)?).await?;
    roster.commit(Change { timeline: vec![entry("and on")], ..nothing(&id, 2) }).await?;
    let known = roster.person(&id).await?.ok_or("the person is known")?;
    assert_eq!((known.head.version, known.steps.len(), known.grants.len()), (2, 1, 1));
    assert_eq!(roster.timeline(&id, 10).await?, [entry("given"), entry("and on")]);
    Ok(())
}

pub async fn steps_grants_and_timeline_are_stored_without_touching_the_head(subject: &impl Subject) -> Verdict {
    let (roster, id) = (subject.roster(), person(1)?);
    roster.commit(with_head(head(&id))).await?;
    let mut done = step(&id, Action::EnableAccount, None);
    let items = Change {
        put_steps: vec![done.clone(), step(&id, Action::CreateAccount, None)],
        put_grants: vec![grant(Target::Group(object(1)?))],
        timeline: vec![entry("planned")],
        ..nothing(&id, 1)
    };
    roster.commit(items).await?;
    done.state = StepState::Done { at: at(1) };
    let again = Change { put_steps: vec![done.clone()], timeline: vec![entry("done")], ..nothing(&id, 1) };
    roster.commit(again).await?;
    let known = roster.person(&id).await?.ok_or("the person is known")?;
    assert_eq!((known.head.version, known.steps.len(), known.grants.len()), (1, 2, 1));
    assert_eq!(known.steps.get(&done.id), Some(&done));
    assert_eq!(roster.timeline(&id, 10).await?, [entry("planned"), entry("done")]);
    Ok(())
}

pub async fn steps_and_grants_are_forgotten_when_told(subject: &impl Subject) -> Verdict {
    let roster = subject.roster();
    let mut full = full_person()?;
    roster.commit(full.change_since(&Person::new(full.head.person.clone()))).await?;
    full.head.version = 1;
    let mut less = full.clone();
    less.steps.pop_first();
    less.grants.pop_first();
    roster.commit(less.change_since(&full)).await?;
    assert_eq!(roster.person(&full.head.person).await?, Some(less));
    Ok(())
}

pub async fn the_timeline_gives_the_latest_entries_newest_last(subject: &impl Subject) -> Verdict {
    let (roster, id, other) = (subject.roster(), person(1)?, person(2)?);
    roster.commit(Change { timeline: vec![entry("1"), entry("2")], ..with_head(head(&id)) }).await?;
    roster.commit(Change { timeline: vec![entry("other")], ..with_head(head(&other)) }).await?;
    roster.commit(Change { timeline: vec![entry("3")], ..nothing(&id, 1) }).await?;
    assert_eq!(roster.timeline(&id, 2).await?, [entry("2"), entry("3")]);
    assert_eq!(roster.timeline(&id, 9).await?, [entry("1"), entry("2"), entry("3")]);
    assert_eq!(roster.timeline(&id, 0).await?, []);
    Ok(())
}

pub async fn a_person_is_found_by_object_name_number_and_address(subject: &impl Subject) -> Verdict {
    let (roster, id) = (subject.roster(), person(1)?);
    let mut known = head(&id);
    known.record = Record::of(&numbered(&id, "E-7"));
    known.account.object_id = Some(object(1)?);
    known.account.upn = Some("Zoe.Mueller@Contoso.Example".to_owned());
    known.work_email = Some("Zoe@Contoso.Example".to_owned());
    roster.commit(with_head(known)).await?;
    let number =
        |connection: &str| Handle::EmployeeNumber { connection: connection.to_owned(), number: "E-7".to_owned() };
    let (name, address) = ("zoe.MUELLER@contoso.example".to_owned(), "zoe@CONTOSO.example".to_owned());
    for handle in [Handle::Object(object(1)?), Handle::Upn(name), number("bamboo"), Handle::WorkEmail(address)] {
        assert_eq!(roster.find(&handle).await?, from_ref(&id), "{handle:?}");
    }
    let stranger = || "zoe".to_owned();
    for handle in
        [Handle::Object(object(2)?), Handle::Upn(stranger()), number("another"), Handle::WorkEmail(stranger())]
    {
        assert_eq!(roster.find(&handle).await?, [], "{handle:?}");
    }
    Ok(())
}

pub async fn a_handle_that_changed_finds_its_new_owner_only(subject: &impl Subject) -> Verdict {
    let (roster, old, new) = (subject.roster(), person(1)?, person(2)?);
    let named = |id: &PersonId, version, upn: Option<&str>| {
        let mut known = Head { version, ..head(id) };
        known.account.upn = upn.map(str::to_owned);
        with_head(known)
    };
    roster.commit(named(&old, 1, Some("a@contoso.example"))).await?;
    roster.commit(named(&old, 2, None)).await?;
    roster.commit(named(&new, 1, Some("a@contoso.example"))).await?;
    assert_eq!(roster.find(&Handle::Upn("a@contoso.example".to_owned())).await?, [new]);
    Ok(())
}

pub async fn several_people_at_one_handle_are_all_given_ten_at_most(subject: &impl Subject) -> Verdict {
    let roster = subject.roster();
    let handle = Handle::Object(object(1)?);
    for number in 1..=12 {
        let mut known = head(&person(number)?);
        known.account.object_id = Some(object(1)?);
        roster.commit(with_head(known)).await?;
        assert_eq!(roster.find(&handle).await?.len(), usize::try_from(number)?.min(10));
    }
    Ok(())
}

pub async fn listing_goes_through_everyone_once(subject: &impl Subject) -> Verdict {
    let roster = subject.roster();
    let everyone = (1..=7).map(person).collect::<Result<Vec<_>, _>>()?;
    for id in everyone.iter().rev() {
        roster.commit(with_head(head(id))).await?;
    }
    let mut seen: Vec<PersonId> = Vec::new();
    for page in [3, 3, 1, 0] {
        let next = roster.list(seen.last(), 3).await?;
        assert_eq!(next.len(), page);
        seen.extend(next);
    }
    assert_eq!(seen, everyone);
    Ok(())
}

/// A person with something in every place, due at once.
fn full_person() -> Result<Person, Box<dyn std::error::Error + Send + Sync>> {
    let mut full = Person::new(person(1)?);
    let id = full.head.person.clone();
    full.head.record = Record::of(&numbered(&id, "E-7"));
    full.head.account.object_id = Some(object(1)?);
    full.head.account.bound_at = Some(at(5));
    full.head.generation = 2;
    "active".clone_into(&mut full.head.phase);
    full.head.next_due = Some(at(60));
    let waiting = super::waiting(&id, &sku(1)?, at(3));
    for step in [waiting, step(&id, Action::CreateAccount, Some(at(30))), step(&id, Action::EnableAccount, None)] {
        full.steps.insert(step.id.clone(), step);
    }
    for target in [Target::Group(object(2)?), Target::License(sku(1)?)] {
        full.grants.insert(target.clone(), grant(target));
    }
    Ok(full)
}
