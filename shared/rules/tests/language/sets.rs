//! Many rules at once, and what is run again after a change.

use jiff::Timestamp;
use proptest::prelude::*;
use rules::{Context, Rule, RuleSet};
use serde_json::json;

use super::generated::{rule, user};

fn context() -> Context {
    Timestamp::from_second(1_772_323_200).expect("an instant").into()
}

#[test]
fn a_set_answers_by_the_places_of_its_rules() {
    let rules = [
        r#"user.department -eq "Sales""#,
        r#"user.department -in ["Legal", "sales"] -and user.mail -match "^a""#,
        "user.department -eq null",
        r#"user.mail -endsWith "@b.example" -or user.city -startsWith "Os""#,
        r#"user.department -ne "Sales""#,
    ]
    .map(|text| Rule::new(text).unwrap());
    let set = RuleSet::compile(&rules);
    let user = json!({ "department": "SALES", "mail": "a@b.example" });
    let found = set.evaluate(&set.facts(&user), context());
    assert_eq!(found.iter().collect::<Vec<_>>(), [0, 1, 3]);
    assert!(found.contains(1) && !found.contains(2) && !found.contains(99));
    let nobody = set.evaluate(&set.facts(&json!({})), context());
    assert_eq!(nobody.iter().collect::<Vec<_>>(), [2, 4]);
    let empty = RuleSet::compile([]);
    assert!(empty.is_empty() && empty.evaluate(&empty.facts(&user), context()).iter().next().is_none());
}

#[test]
fn only_the_rules_that_read_what_changed_are_run_again() {
    let rules = [
        r#"user.department -eq "Sales""#,
        r#"user.city -eq "Oslo" -and user.department -ne null"#,
        r#"user.extensionAttribute1 -eq "x""#,
        "user.employeeHireDate -le system.now",
    ]
    .map(|text| Rule::new(text).unwrap());
    let set = RuleSet::compile(&rules);
    assert_eq!(set.len(), 4);
    assert_eq!(set.readers(&["department"]).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(set.readers(&["city", "department"]).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(set.readers(&["onPremisesExtensionAttributes"]).collect::<Vec<_>>(), [2]);
    assert_eq!(set.readers(&["system.now"]).collect::<Vec<_>>(), [3]);
    assert_eq!(set.readers(&["mail"]).count(), 0);

    let mut user = json!({ "department": "Sales", "city": "Oslo", "onPremisesExtensionAttributes": { "extensionAttribute1": "x" } });
    let mut facts = set.facts(&user);
    let before = set.evaluate(&facts, context());
    assert_eq!(before.iter().collect::<Vec<_>>(), [0, 1, 2]);
    user["department"] = "Legal".into();
    // What changed without being named is not looked at: the previous verdict stands.
    user["onPremisesExtensionAttributes"] = json!({});
    set.refresh(&mut facts, &user, &["department"]);
    let after = set.reevaluate(&facts, context(), &before, &["department"]);
    assert_eq!(after.iter().collect::<Vec<_>>(), [1, 2]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_run_again_agrees_with_what_is_run_afresh(
        texts in prop::collection::vec(rule(), 1..6),
        old in user(),
        new in user(),
        take in prop::collection::vec(any::<bool>(), 10),
    ) {
        prop_assume!(texts.iter().all(|text| text.chars().count() <= rules::LENGTH_MAX));
        let rules: Vec<_> = texts.iter().map(|text| Rule::new(text).unwrap()).collect();
        let set = RuleSet::compile(&rules);
        let mut changed = old.clone();
        let names: Vec<String> = old.as_object().unwrap().keys().zip(&take).filter(|(_, take)| **take).map(|(name, _)| name.clone()).collect();
        for name in &names {
            changed[name] = new[name].clone();
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut facts = set.facts(&old);
        let before = set.evaluate(&facts, context());
        set.refresh(&mut facts, &changed, &names);
        prop_assert_eq!(&facts, &set.facts(&changed));
        prop_assert_eq!(set.reevaluate(&facts, context(), &before, &names), set.evaluate(&facts, context()));
        let flips: Vec<_> = rules.iter().filter_map(|rule| rule.verdict(&changed, context()).flips_at).collect();
        prop_assert_eq!(set.flips_at(&facts, context()), flips.into_iter().min());
    }
}
