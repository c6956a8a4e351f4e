//! What holds of every rule and every text.

use jiff::Timestamp;
use proptest::prelude::*;
use rules::{Rule, RuleSet, Settings, parse};

use super::generated::{almost, rule, user};
use super::naive;

fn now() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().expect("an instant")
}

fn read(text: &str) -> Result<Rule, TestCaseError> {
    Rule::new(text).map_err(|faults| TestCaseError::fail(faults.render(text)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printing_and_parsing_gives_the_same_tree(text in rule()) {
        prop_assume!(text.chars().count() < 2_400);
        let tree = parse(&text).map_err(|faults| TestCaseError::fail(faults.render(&text)))?;
        prop_assert_eq!(&parse(&tree.to_string()).unwrap(), &tree, "{}", tree);
        let rule = read(&text)?;
        let again = Rule::new(&rule.to_string()).unwrap();
        prop_assert_eq!(again.ast(), rule.ast());
        prop_assert_eq!(again.to_string(), rule.to_string());
    }

    #[test]
    fn the_naive_the_compiled_and_the_printed_rule_agree(
        texts in prop::collection::vec(rule(), 1..6),
        users in prop::collection::vec(user(), 1..8),
    ) {
        prop_assume!(texts.iter().all(|text| text.chars().count() < 2_400));
        let rules = texts.iter().map(|text| read(text)).collect::<Result<Vec<_>, _>>()?;
        let set = RuleSet::compile(&rules);
        let mut evaluator = set.evaluator();
        for user in &users {
            let found = evaluator.evaluate(&set.facts(user), now().into()).clone();
            for (place, (rule, text)) in rules.iter().zip(&texts).enumerate() {
                let verdict = naive::matches(parse(text).unwrap().root(), user, now());
                prop_assert_eq!(rule.matches_at(user, now()), verdict, "{} on {}", rule, user);
                prop_assert_eq!(rule.explain_at(user, now()).holds, verdict);
                prop_assert_eq!(found.contains(place), verdict, "compiled {} on {}", rule, user);
                prop_assert_eq!(Rule::new(&rule.to_string()).unwrap().matches_at(user, now()), verdict);
            }
            prop_assert_eq!(found.iter().filter(|rule| *rule < rules.len()).count(), found.iter().count());
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![almost(), any::<String>(), "[ -~]{0,80}"]) {
        for settings in [Settings::EXTENDED, Settings::ENTRA.with_devices()] {
            if let Ok(rule) = Rule::with(&text, &settings) {
                prop_assert!(Rule::with(&rule.to_string(), &settings).is_ok(), "{}", rule);
            }
        }
        match (parse(&text), Rule::new(&text)) {
            (Ok(tree), checked) => {
                let again = parse(&tree.to_string());
                prop_assert_eq!(again.as_ref(), Ok(&tree));
                if let Err(faults) = checked {
                    prop_assert!(!faults.is_empty());
                }
            }
            (Err(_), Ok(_)) => prop_assert!(false, "checked although it does not parse"),
            (Err(grammar), Err(all)) => {
                prop_assert!(!grammar.is_empty());
                prop_assert!(all.len() >= grammar.len());
                prop_assert!(all.render(&text).contains('^'));
            }
        }
    }

    #[test]
    fn no_pattern_makes_it_panic(pattern in "[a-z\\\\\\[\\](){}?*+^$|<>=!:'#,0-9&~\\- ]{0,24}") {
        let text = format!("user.city -match '{}'", pattern.replace('\'', "''"));
        if let Ok(rule) = Rule::new(&text) {
            rule.matches(&serde_json::json!({ "city": pattern }));
        }
    }
}
