//! The generated JSON Schema against the reader: it takes every good policy, and refuses bad ones for their shape alone.

#![expect(clippy::unwrap_used, reason = "a test may end in a panic anywhere")]

use std::fs;
use std::path::Path;

use domain::policy::{Policy, json_schema};
use jsonschema::Validator;
use serde_json::Value;

const EXAMPLE: &str = include_str!("../data/policy.example.toml");

/// What of the corpus is bad in shape, and must show in an editor already.
const MISSHAPEN: [&str; 4] = ["empty.toml", "lost_sections.toml", "unknown_keys.toml", "wrong_types.toml"];

fn validator() -> Validator {
    jsonschema::validator_for(&json_schema()).unwrap()
}

/// The text as JSON; None if it is no TOML.
fn json(text: &str) -> Option<Value> {
    toml::from_str::<toml::Table>(text).ok().and_then(|table| serde_json::to_value(table).ok())
}

#[test]
fn the_example_is_valid_and_every_slip_in_it_shows() {
    let validator = validator();
    assert!(validator.is_valid(&json(EXAMPLE).unwrap()));
    for (right, wrong) in [
        ("domain = ", "domian = "),
        ("settle_ms = 300000", "settle_ms = \"5m\""),
        ("settle_ms = 300000", "settle_ms = -1"),
        ("percent = 5.0", "percent = 500"),
        ("end_date = \"inclusive\"", "end_date = \"last\""),
        ("visitor = \"none\"", "visitor = \"nobody\""),
        ("[guard.delete]", "[guard.deletion]"),
        ("via = \"direct\"", "via = \"straight\""),
        ("rule = 'user.department -in", "rules = 'user.department -in"),
    ] {
        assert!(EXAMPLE.contains(right), "{right}");
        assert!(!validator.is_valid(&json(&EXAMPLE.replacen(right, wrong, 1)).unwrap()), "{wrong}");
    }
}

#[test]
fn the_schema_refuses_what_is_misshapen_and_nothing_that_the_reader_takes() {
    let validator = validator();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/policies");
    let (mut refused, mut seen) = (Vec::new(), 0);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let Some(policy) = json(&text).filter(|_| path.extension().is_some_and(|ending| ending == "toml")) else {
            continue;
        };
        seen += 1;
        if !validator.is_valid(&policy) {
            assert!(Policy::parse(&text).is_err(), "{name} is good, and the schema refuses it");
            refused.push(name);
        }
    }
    assert!(seen > 10, "the corpus is gone");
    for name in MISSHAPEN {
        assert!(refused.iter().any(|refused| refused == name), "{name} shows in no editor: {refused:?}");
    }
}
