//! Rules and their verdicts; rules and their canonical forms; rules and their diagnostics, whole.
//!
//! `RULES_BLESS=1` writes what is rendered into the corpora, to be read in the difference before it is committed.

use jiff::Timestamp;
use rules::{Rule, RuleSet, Settings};
use serde_json::Value as Json;

fn corpus(name: &str) -> (String, String) {
    let path = format!("{}/tests/language/{name}", env!("CARGO_MANIFEST_DIR"));
    let corpus = std::fs::read_to_string(&path).expect("the corpus");
    (path, corpus)
}

fn blessing() -> bool {
    std::env::var_os("RULES_BLESS").is_some()
}

/// The settings that the word before a case asks for.
fn settings(kind: &str) -> Settings {
    match kind {
        "extended" => Settings::EXTENDED,
        "device" => Settings::ENTRA.with_devices(),
        _ => Settings::ENTRA,
    }
}

fn read(text: &str, settings: &Settings) -> Rule {
    Rule::with(text, settings).unwrap_or_else(|faults| panic!("{}", faults.render(text)))
}

#[test]
fn m09_every_rule_of_the_corpus_gives_its_verdict() {
    let (_, corpus) = corpus("verdicts.jsonl");
    let mut cases = 0;
    for line in corpus.lines().filter(|line| !line.is_empty()) {
        let case: Json = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let text = case["rule"].as_str().expect("a rule");
        let rule = read(text, &settings(case["dialect"].as_str().unwrap_or_default()));
        let now: Timestamp = case["now"].as_str().unwrap_or("2026-03-01T00:00:00Z").parse().expect("an instant");
        let set = RuleSet::compile([&rule]);
        for (user, expected) in case["match"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|user| (user, true))
            .chain(case["no"].as_array().into_iter().flatten().map(|user| (user, false)))
        {
            assert_eq!(rule.matches_at(user, now), expected, "{text} on {user}");
            assert_eq!(rule.explain_at(user, now).holds, expected, "explaining {text} on {user}");
            assert_eq!(set.evaluate(&set.facts(user), now.into()).contains(0), expected, "compiled {text} on {user}");
            cases += 1;
        }
    }
    assert!(cases > 300, "the corpus has shrunk to {cases}");
}

#[test]
fn m09_every_rule_as_people_write_them_is_read_and_printed() {
    let (path, corpus) = corpus("accepted.txt");
    let (mut written, mut cases) = (String::new(), 0);
    for case in corpus.split("=== ").skip(1) {
        let (head, rest) = case.split_once('\n').expect("a head");
        let (text, prints) = rest.split_once("\n--- prints\n").expect("a rule and what is printed");
        let kind = settings(head);
        let printed = read(text, &kind).to_string();
        assert!(blessing() || printed == prints.trim_end(), "{text}\nprints {printed}");
        assert_eq!(read(&printed, &kind).to_string(), printed);
        written.extend(["=== ", head, "\n", text, "\n--- prints\n", &printed, "\n"]);
        cases += 1;
    }
    assert!(cases > 150, "the corpus has shrunk to {cases}");
    if blessing() {
        std::fs::write(path, written).expect("the corpus is written");
    }
}

#[test]
fn m09_every_fault_is_reported_underlined_and_with_advice() {
    let (path, corpus) = corpus("diagnostics.txt");
    let (mut written, mut cases) = (String::new(), 0);
    for case in corpus.split("=== ").skip(1) {
        let (head, rest) = case.split_once('\n').expect("a head");
        let (text, said) = rest.split_once("\n--- says\n").expect("a rule and what is said of it");
        let kind = settings(head.split(' ').next().unwrap_or_default());
        let faults = Rule::with(text, &kind).err().unwrap_or_else(|| panic!("not refused: {text}"));
        let rendered = faults.render(text);
        assert!(
            blessing() || rendered.trim_end() == said.trim_end(),
            "{text}\nexpected:\n{said}\nrendered:\n{rendered}"
        );
        written.extend(["=== ", head, "\n", text, "\n--- says\n", &rendered, "\n"]);
        cases += 1;
    }
    assert!(cases > 180, "the corpus has shrunk to {cases}");
    if blessing() {
        std::fs::write(path, written).expect("the corpus is written");
    }
}
