//! The day, played against the real thing: everything in this process, real HTTP in between.

use std::error::Error;
use std::time::Duration;

use demo::company::Company;
use demo::play::{Ending, Play};
use demo::scenario::Day;
use demo::terminal::Terminal;
use serde_json::json;

async fn play(day: &Day) -> Result<Ending, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let company = Company::open(day, directory.path()).await?;
    let ending = Play::new(Terminal::mute(day), &company, Duration::ZERO).await?.run().await?;
    company.joinery.shutdown().await;
    Ok(ending)
}

#[tokio::test(flavor = "multi_thread")]
async fn m17_the_day_ends_exactly_as_the_scenario_says() {
    let ending = play(&Day::load().unwrap()).await.unwrap();
    let told: Vec<String> = ending.differences.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// The demo must be able to fail: an end, a scene, an answer and a seat that are otherwise are each told.
#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_goes_otherwise_is_told_with_every_difference() {
    let mut day = Day::load().unwrap();
    day.scenes.truncate(2);
    day.people.retain(|role| role.id == "bamboo:201");
    day.scenes.remove(0);
    day.people[0].end.insert("groups".into(), json!(["All staff"]));
    day.scenes[0].then[0].facts.insert("enabled".into(), json!(false));
    day.scenes[0].requests[0].status = 401;
    day.scenes[0].quiet = true;
    day.seats.insert("SPE_E3".into(), [18, 2]);
    day.seats.insert("SPE_F1".into(), [6, 14]);
    day.seats.insert("SPE_E5".into(), [5, 1]);
    let told: Vec<(String, String)> = play(&day)
        .await
        .unwrap()
        .differences
        .into_iter()
        .map(|difference| (difference.fact, difference.actual))
        .collect();
    let facts: Vec<&str> = told.iter().map(|(fact, _)| fact.as_str()).collect();
    assert_eq!(facts, ["answer to “there is a new record”", "enabled", "writes", "groups", "SPE_E3"], "{told:?}");
    assert_eq!(told[4].1, "[19,1]");
}
