//! Any text, in any dialect: nothing panics; what is accepted is accepted again as it is printed, and means the same by
//! itself and in a set.

#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use rules::{Rule, RuleSet, Settings};
use serde_json::json;

fuzz_target!(|text: &str| {
    let users = [
        json!({}),
        json!({ "department": text, "displayName": "a", "otherMails": [text, "a"], "employeeHireDate": "2026-03-01T00:00:00Z" }),
    ];
    for settings in [Settings::ENTRA, Settings::EXTENDED, Settings::ENTRA.with_devices()] {
        let rule = match Rule::with(text, &settings) {
            Ok(rule) => rule,
            Err(faults) => {
                assert!(faults.render(text).contains('^'));
                continue;
            }
        };
        let printed = rule.to_string();
        // Hyphens can make the printed form longer than a rule may be.
        let again = (printed.chars().count() <= rules::LENGTH_MAX)
            .then(|| Rule::with(&printed, &settings).expect("what is printed is accepted"));
        let set = RuleSet::compile([&rule]);
        for user in &users {
            let now = Timestamp::UNIX_EPOCH;
            let verdict = rule.matches_at(user, now);
            assert_eq!(rule.explain_at(user, now).holds, verdict);
            assert_eq!(set.evaluate(&set.facts(user), now.into()).contains(0), verdict);
            assert!(again.as_ref().is_none_or(|again| again.matches_at(user, now) == verdict));
        }
    }
});
