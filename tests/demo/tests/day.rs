//! The day, played against the real thing: everything in this process, real HTTP in between.

use std::error::Error;
use std::time::Duration;

use demo::company::Company;
use demo::operator::Operator;
use demo::play::{Ending, Play};
use demo::scenario::{Alert, Command, Day};
use demo::terminal::Terminal;
use serde_json::json;

async fn play(day: &Day) -> Result<Ending, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let company = Company::open(day, directory.path()).await?;
    let operator = Operator::find(&company.files.directory, false)?;
    let ending = Play::new(Terminal::mute(day), &company, &operator, Duration::ZERO).await?.run().await?;
    company.joinery.shutdown().await;
    Ok(ending)
}

#[tokio::test(flavor = "multi_thread")]
async fn m17_the_day_ends_exactly_as_the_scenario_says() {
    let ending = play(&Day::load().unwrap()).await.unwrap();
    let told: Vec<String> = ending.differences.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The demo must be able to fail: an end, a scene, an answer, a command, a page and a seat that are otherwise are each told.
#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_goes_otherwise_is_told_with_every_difference() {
    let mut day = Day::load().unwrap();
    day.scenes.truncate(2);
    day.people.retain(|role| role.id == "bamboo:201");
    day.scenes.remove(0);
    day.people[0].end.insert("groups".into(), json!(["All staff"]));
    let scene = &mut day.scenes[0];
    scene.then[0].facts.insert("enabled".into(), json!(false));
    scene.requests[0].status = 401;
    scene.quiet = true;
    scene.commands.push(Command { joinery: words(&["guard", "list"]), rows: vec![words(&["bamboo:201", "held"])] });
    let release = words(&["guard", "release", "bamboo:201", "--by", "ana", "--why", "nothing is held"]);
    scene.commands.push(Command { joinery: release, rows: vec![words(&["bamboo:201", "nothing is held"])] });
    scene.pages.push(Alert { person: "bamboo:201".into(), says: "held".into() });
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
    let expected =
        ["answer to “there is a new record”", "line 1", "exit code", "enabled", "writes", "line 1", "groups", "SPE_E3"];
    assert_eq!(facts, expected, "{told:?}");
    assert_eq!(told[7].1, "[19,1]");
}
