//! Fence and lease.

use domain::person::{Change, Head};

use super::{Subject, Verdict, at, head, nothing, person, with_head};

pub async fn nobody_known_is_behind_a_fence(subject: &impl Subject) -> Verdict {
    assert!(subject.fences().is_up(&person(1)?).await?);
    subject.roster().commit(with_head(head(&person(2)?))).await?;
    assert!(subject.fences().is_up(&person(1)?).await?);
    assert!(!subject.fences().is_up(&person(2)?).await?);
    Ok(())
}

pub async fn a_fence_stands_as_the_last_commit_that_spoke_of_it_left_it(subject: &impl Subject) -> Verdict {
    let (roster, fences, id) = (subject.roster(), subject.fences(), person(1)?);
    let with = |version, fence| Change { fence, ..with_head(Head { version, ..head(&id) }) };
    for (version, said, up) in [(1, Some(true), true), (2, None, true), (3, Some(false), false), (4, None, false)] {
        roster.commit(with(version, said)).await?;
        assert_eq!(fences.is_up(&id).await?, up, "after version {version}");
    }
    roster.commit(Change { fence: Some(true), ..nothing(&id, 4) }).await?;
    assert!(fences.is_up(&id).await?, "raised without a head");
    Ok(())
}

pub async fn a_lease_has_one_holder_until_it_ends(subject: &impl Subject) -> Verdict {
    let (fences, id) = (subject.fences(), person(1)?);
    assert!(fences.take_lease(&id, "a", at(0), at(10)).await?);
    assert!(!fences.take_lease(&id, "b", at(9), at(30)).await?);
    assert!(fences.take_lease(&id, "a", at(5), at(20)).await?, "the holder may take it again");
    assert!(!fences.take_lease(&id, "b", at(19), at(30)).await?);
    assert!(fences.take_lease(&id, "b", at(20), at(30)).await?, "it has ended");
    assert!(!fences.take_lease(&id, "a", at(20), at(40)).await?);
    assert!(fences.take_lease(&person(2)?, "a", at(20), at(40)).await?, "each person has their own");
    Ok(())
}

pub async fn a_lease_is_given_back_by_its_holder_only(subject: &impl Subject) -> Verdict {
    let (fences, id) = (subject.fences(), person(1)?);
    assert!(fences.take_lease(&id, "a", at(0), at(10)).await?);
    fences.release_lease(&id, "b").await?;
    assert!(!fences.take_lease(&id, "b", at(1), at(10)).await?);
    fences.release_lease(&id, "a").await?;
    assert!(fences.take_lease(&id, "b", at(1), at(10)).await?);
    Ok(())
}
