//! Lines for seats: stored on the version before, and looked at when they ask for it.

use domain::ports::StoreError;
use domain::seats::{Line, Rank, Supply};
use jiff::SignedDuration;
use jiff::civil::Date;

use super::{Subject, Verdict, at, person, sku};

pub async fn a_line_nobody_asked_in_is_a_new_one(subject: &impl Subject) -> Verdict {
    assert_eq!(subject.lines().line(&sku(1)?).await?, Line::new(sku(1)?));
    assert_eq!(subject.lines().next_look().await?, None);
    Ok(())
}

pub async fn a_line_comes_back_as_stored_and_each_product_has_its_own(subject: &impl Subject) -> Verdict {
    let line = waited_in(1, 1, 10)?;
    subject.lines().store(line.clone()).await?;
    assert_eq!(subject.lines().line(&sku(1)?).await?, line);
    assert_eq!(subject.lines().line(&sku(2)?).await?, Line::new(sku(2)?));
    Ok(())
}

pub async fn a_line_is_stored_only_on_the_version_before_it(subject: &impl Subject) -> Verdict {
    let lines = subject.lines();
    let first = waited_in(1, 1, 10)?;
    lines.store(first.clone()).await?;
    let mut second = versioned(first.clone(), 2);
    second.leave(&person(1)?, at(11));
    for stale in [first, versioned(second.clone(), 3)] {
        assert!(matches!(lines.store(stale).await, Err(StoreError::Conflict)));
    }
    lines.store(second.clone()).await?;
    assert!(matches!(lines.store(second.clone()).await, Err(StoreError::Conflict)));
    assert_eq!(lines.line(&sku(1)?).await?, second);
    Ok(())
}

pub async fn a_line_is_looked_at_when_it_asks_for_it_once_until_the_retry(subject: &impl Subject) -> Verdict {
    let lines = subject.lines();
    // Each is to be looked at a minute after somebody asked in vain.
    for (number, second) in [(1, 10), (2, 0), (3, 500)] {
        lines.store(waited_in(number, 1, second)?).await?;
    }
    assert_eq!(lines.next_look().await?, Some(at(60)));
    assert_eq!(lines.take_looks(at(59), at(200)).await?, []);
    assert_eq!(lines.take_looks(at(70), at(200)).await?, [sku(1)?, sku(2)?]);
    assert_eq!(lines.next_look().await?, Some(at(200)));
    assert_eq!(lines.take_looks(at(199), at(300)).await?, []);
    assert_eq!(lines.take_looks(at(200), at(300)).await?, [sku(1)?, sku(2)?]);
    assert_eq!(lines.line(&sku(1)?).await?, waited_in(1, 1, 10)?, "a sweep leaves the line alone");
    Ok(())
}

pub async fn a_line_in_which_nobody_waits_is_not_looked_at(subject: &impl Subject) -> Verdict {
    let lines = subject.lines();
    let mut line = waited_in(1, 1, 0)?;
    lines.store(line.clone()).await?;
    line.leave(&person(1)?, at(1));
    lines.store(versioned(line, 2)).await?;
    assert_eq!(lines.next_look().await?, None);
    assert_eq!(lines.take_looks(at(9_000), at(9_100)).await?, []);
    Ok(())
}

fn versioned(mut line: Line, version: u64) -> Line {
    line.version = version;
    line
}

/// The first stored line of a product, in which somebody has asked in vain at this second.
fn waited_in(product: u32, number: u32, second: i64) -> Result<Line, domain::ids::BadId> {
    let mut line = versioned(Line::new(sku(product)?), 1);
    let rank = Rank { priority: 100, start: Date::constant(2026, 3, 2), since: at(second) };
    let supply = Supply { free: 0, read_at: at(second) };
    line.ask(&person(number)?, rank, supply, at(second), SignedDuration::from_secs(2));
    Ok(line)
}
