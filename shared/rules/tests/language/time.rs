//! What time alone does to a verdict.

use jiff::Timestamp;
use proptest::prelude::*;
use rules::{Context, Others, Rule, RuleSet};
use serde_json::{Value as Json, json};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn flips(rule: &str, user: &Json, now: &str) -> (bool, Option<String>) {
    let rule = Rule::new(rule).unwrap_or_else(|faults| panic!("{}", faults.render(rule)));
    let context = Context { now: at(now) };
    let verdict = rule.verdict(user, context);
    let set = RuleSet::compile([&rule]);
    assert_eq!(set.flips_at(&set.facts(user), context), verdict.flips_at);
    (verdict.matches, verdict.flips_at.map(|flip| flip.to_string()))
}

#[test]
fn m09_a_verdict_carries_the_instant_at_which_time_turns_it() {
    let user = json!({ "employeeHireDate": "2026-03-10T00:00:00Z", "department": "Sales" });
    for (rule, now, matches, flip) in [
        ("user.employeeHireDate -le system.now", "2026-03-01T00:00:00Z", false, Some("2026-03-10T00:00:00Z")),
        ("user.employeeHireDate -le system.now", "2026-03-10T00:00:00Z", true, None),
        ("user.employeeHireDate -le system.now -plus P7D", "2026-03-01T00:00:00Z", false, Some("2026-03-03T00:00:00Z")),
        (
            "user.employeeHireDate -ge system.now -minus P30D",
            "2026-03-01T00:00:00Z",
            true,
            Some("2026-04-09T00:00:00.000001Z"),
        ),
        (
            "-not (user.employeeHireDate -ge system.now)",
            "2026-03-01T00:00:00Z",
            false,
            Some("2026-03-10T00:00:00.000001Z"),
        ),
        (
            r#"user.employeeHireDate -le system.now -plus P7D -and user.department -eq "Legal""#,
            "2026-03-01T00:00:00Z",
            false,
            None,
        ),
        (
            "user.employeeHireDate -ge (system.now -plus P5D) -and user.employeeHireDate -le (system.now -plus P7D)",
            "2026-03-01T00:00:00Z",
            false,
            Some("2026-03-03T00:00:00Z"),
        ),
        (
            "user.employeeHireDate -ge (system.now -plus P5D) -and user.employeeHireDate -le (system.now -plus P7D)",
            "2026-03-04T00:00:00Z",
            true,
            Some("2026-03-05T00:00:00.000001Z"),
        ),
        ("user.employeeHireDate -le 2027-01-01", "2026-03-01T00:00:00Z", true, None),
    ] {
        assert_eq!(flips(rule, &user, now), (matches, flip.map(str::to_owned)), "{rule} at {now}");
    }
    assert_eq!(flips("user.employeeHireDate -le system.now", &json!({}), "2026-03-01T00:00:00Z"), (false, None));
}

#[test]
fn a_verdict_names_whose_facts_it_read_besides_the_users_own() {
    let context = Context { now: at("2026-03-01T00:00:00Z") };
    let read = |rule: &str| Rule::new(rule).unwrap().verdict(&json!({}), context).reads_others;
    assert_eq!(read(r#"Direct Reports for "m""#), Others { manager: true, groups: false });
    assert_eq!(read(r#"user.memberOf -any (group.objectId -in ["g"])"#), Others { manager: false, groups: true });
    assert_eq!(read("user.city -ne null"), Others::default());
}

#[test]
fn without_a_clock_nothing_is_true_of_now() {
    let rule = Rule::new("user.employeeHireDate -le system.now -or user.employeeHireDate -ge system.now").unwrap();
    let user = json!({ "employeeHireDate": "2026-03-10T00:00:00Z" });
    assert!(rule.needs_clock() && !rule.matches(&user));
    assert!(rule.matches_at(&user, at("2026-01-01T00:00:00Z")));
}

fn condition() -> impl Strategy<Value = String> {
    let sign = prop::sample::select(vec!["-plus", "-minus"]);
    let operator = prop::sample::select(vec!["-ge", "-le"]);
    let leaf = (operator, sign, 0..6_u32)
        .prop_map(|(operator, sign, hours)| format!("user.employeeHireDate {operator} system.now {sign} PT{hours}H"));
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" -and "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" -or "))),
            inner.prop_map(|inner| format!("-not ({inner})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn between_now_and_the_flip_nothing_changes_and_at_it_the_verdict_does(text in condition(), hour in -8_i64..8) {
        const HOUR: i64 = 3_600_000_000;
        prop_assume!(text.chars().count() <= rules::LENGTH_MAX);
        let rule = Rule::new(&text).map_err(|faults| TestCaseError::fail(faults.render(&text)))?;
        let start = at("2026-03-01T00:00:00Z").as_microsecond();
        let hire = Timestamp::from_microsecond(start + hour * HOUR).unwrap();
        let user = json!({ "employeeHireDate": hire.to_string() });
        let holds = |micros: i64| rule.matches_at(&user, Timestamp::from_microsecond(micros).unwrap());
        let flip = rule.verdict(&user, Context { now: at("2026-03-01T00:00:00Z") }).flips_at.map(Timestamp::as_microsecond);
        // Everything happens at a whole hour or a microsecond after it.
        for step in 0..20 {
            for micros in [start + step * HOUR, start + step * HOUR + 1] {
                if flip.is_none_or(|flip| micros < flip) {
                    prop_assert_eq!(holds(micros), holds(start), "{} at {}", text, micros);
                }
            }
        }
        if let Some(flip) = flip {
            prop_assert!(flip > start);
            prop_assert_ne!(holds(flip), holds(start), "{}", text);
            prop_assert_eq!(holds(flip - 1), holds(start), "{}", text);
        }
    }
}
