//! Who is due, and who waits in line.

use std::slice::from_ref;

use domain::person::{Change, Head};
use domain::step::{Action, StepState};
use jiff::Timestamp;

use super::{Subject, Verdict, at, head, nothing, person, sku, step, waiting, with_head};

pub async fn whoever_is_due_is_taken_once_until_the_retry(subject: &impl Subject) -> Verdict {
    let (roster, id) = (subject.roster(), person(1)?);
    roster.commit(due(1, 1, Some(at(10)))?).await?;
    assert_eq!(roster.next_due().await?, Some(at(10)));
    assert_eq!(roster.take_due(at(9), at(100), 10).await?, []);
    assert_eq!(roster.take_due(at(10), at(100), 10).await?, from_ref(&id));
    assert_eq!(roster.next_due().await?, Some(at(100)));
    assert_eq!(roster.take_due(at(99), at(200), 10).await?, []);
    assert_eq!(roster.take_due(at(100), at(200), 10).await?, from_ref(&id));
    let head = roster.person(&id).await?.ok_or("the person is known")?.head;
    assert_eq!((head.version, head.next_due), (1, Some(at(10))), "a sweep leaves the head alone");
    Ok(())
}

pub async fn a_rule_that_turns_by_time_makes_its_person_due(subject: &impl Subject) -> Verdict {
    let (roster, id) = (subject.roster(), person(1)?);
    let turning = |version, rules_due| with_head(Head { version, next_due: Some(at(50)), rules_due, ..head(&id) });
    roster.commit(turning(1, Some(at(20)))).await?;
    assert_eq!(roster.next_due().await?, Some(at(20)));
    assert_eq!(roster.take_due(at(20), at(30), 10).await?, from_ref(&id));
    roster.commit(turning(2, Some(at(70)))).await?;
    assert_eq!(roster.next_due().await?, Some(at(50)), "whichever comes first");
    roster.commit(turning(3, None)).await?;
    assert_eq!(roster.next_due().await?, Some(at(50)));
    Ok(())
}

pub async fn a_step_that_wakes_makes_its_person_due(subject: &impl Subject) -> Verdict {
    let (roster, id) = (subject.roster(), person(1)?);
    let wakes = |action, second| step(&id, action, Some(at(second)));
    let steps =
        vec![wakes(Action::CreateAccount, 20), wakes(Action::EnableAccount, 30), wakes(Action::ResetPassword, 90)];
    roster.commit(Change { put_steps: steps, ..with_head(head(&id)) }).await?;
    assert_eq!(roster.next_due().await?, Some(at(20)));
    assert_eq!(roster.take_due(at(40), at(100), 10).await?, from_ref(&id));
    assert_eq!(roster.next_due().await?, Some(at(90)), "what was not due stays as it is");
    let woken = step(&id, Action::ResetPassword, None);
    roster.commit(Change { put_steps: vec![woken], ..nothing(&id, 1) }).await?;
    assert_eq!(roster.next_due().await?, Some(at(100)));
    let forgotten = [Action::CreateAccount, Action::EnableAccount].map(|action| step(&id, action, None).id);
    roster.commit(Change { delete_steps: forgotten.into(), ..nothing(&id, 1) }).await?;
    assert_eq!(roster.next_due().await?, None);
    Ok(())
}

pub async fn a_sweep_takes_those_due_longest_first_and_no_more_than_asked(subject: &impl Subject) -> Verdict {
    let roster = subject.roster();
    for (number, second) in [(1, 30), (2, 10), (3, 20), (4, 99)] {
        roster.commit(due(number, 1, Some(at(second)))?).await?;
    }
    assert_eq!(roster.take_due(at(40), at(1000), 2).await?, [person(2)?, person(3)?]);
    assert_eq!(roster.take_due(at(40), at(1000), 2).await?, [person(1)?]);
    assert_eq!(roster.take_due(at(40), at(1000), 2).await?, []);
    Ok(())
}

pub async fn a_commit_sets_the_due_time_anew(subject: &impl Subject) -> Verdict {
    let roster = subject.roster();
    roster.commit(due(1, 1, Some(at(10)))?).await?;
    roster.take_due(at(10), at(1000), 10).await?;
    roster.commit(due(1, 2, Some(at(50)))?).await?;
    assert_eq!(roster.next_due().await?, Some(at(50)));
    roster.commit(due(1, 3, None)?).await?;
    assert_eq!(roster.next_due().await?, None);
    Ok(())
}

pub async fn the_line_for_a_seat_is_in_order_of_waiting(subject: &impl Subject) -> Verdict {
    let (roster, sku, other) = (subject.roster(), sku(1)?, sku(2)?);
    for (number, since) in [(1, 30), (4, 20), (2, 10), (3, 20)] {
        let id = person(number)?;
        // Everybody also waits for the other product, the other way round.
        let steps = vec![waiting(&id, &sku, at(since)), waiting(&id, &other, at(100 - since))];
        roster.commit(Change { put_steps: steps, ..with_head(head(&id)) }).await?;
    }
    let line = [person(2)?, person(3)?, person(4)?, person(1)?];
    assert_eq!(roster.waiting_for(&sku, 10).await?, line);
    assert_eq!(roster.waiting_for(&sku, 2).await?, line.iter().take(2).cloned().collect::<Vec<_>>());
    assert_eq!(roster.waiting_for(&other, 1).await?, [person(1)?]);
    Ok(())
}

pub async fn whoever_stops_waiting_leaves_the_line(subject: &impl Subject) -> Verdict {
    let (roster, sku) = (subject.roster(), sku(1)?);
    for number in [1, 2] {
        let id = person(number)?;
        let put_steps = vec![waiting(&id, &sku, at(10))];
        roster.commit(Change { put_steps, ..with_head(head(&id)) }).await?;
    }
    let mut served = waiting(&person(1)?, &sku, at(10));
    served.state = StepState::Done { at: at(20) };
    roster.commit(Change { put_steps: vec![served], ..nothing(&person(1)?, 1) }).await?;
    assert_eq!(roster.waiting_for(&sku, 10).await?, [person(2)?]);
    let gone = waiting(&person(2)?, &sku, at(10)).id;
    roster.commit(Change { delete_steps: vec![gone], ..nothing(&person(2)?, 1) }).await?;
    assert_eq!(roster.waiting_for(&sku, 10).await?, []);
    Ok(())
}

fn due(number: u32, version: u64, next_due: Option<Timestamp>) -> Result<Change, domain::ids::BadId> {
    Ok(with_head(Head { version, next_due, ..head(&person(number)?) }))
}
