//! The open questions are switches; what a rule says of itself; its limits.

use rules::choices::{
    BareNow, DirectReports, EmptyUnderAll, EscapedQuotes, LongDurations, NegationOnCollection, NotBeforeNull,
    PropertyCase, QuoteEscape, QuotedBoolean,
};
use rules::{Choices, NullUnderNegation, Object, Properties, Rule, Settings};
use serde_json::json;

fn with(choices: Choices) -> Settings {
    Settings { choices, ..Settings::ENTRA }
}

fn accepted(text: &str, choices: Choices) -> bool {
    Rule::with(text, &with(choices)).is_ok()
}

#[test]
fn the_answers_of_the_table_are_the_default() {
    assert_eq!(Choices::default(), Choices::DEFAULT);
    assert_eq!(Settings::default(), Settings::ENTRA);
}

#[test]
fn the_open_question_about_null_is_one_switch() {
    let nobody = json!({});
    for text in [
        r#"user.department -ne "Sales""#,
        r#"user.department -notIn ["Sales"]"#,
        r#"user.department -notContains "a""#,
        r#"user.department -notStartsWith "S""#,
        r#"user.department -notEndsWith "s""#,
        r#"user.department -notMatch "^S""#,
        "user.accountEnabled -ne true",
        "user.employeeHireDate -ne 2020-01-01",
    ] {
        let rule = Rule::new(text).unwrap();
        assert!(rule.matches(&nobody), "{text}");
        let rule = rule.with_null_under_negation(NullUnderNegation::Fails);
        assert!(!rule.matches(&nobody), "{text}");
        let user =
            json!({ "department": "Legal", "accountEnabled": false, "employeeHireDate": "2021-01-01T00:00:00Z" });
        assert!(rule.matches(&user) || text.contains("Contains"), "{text}");
    }
    let rule = Rule::new(r#"user.department -ne null -or -not (user.department -eq "x")"#).unwrap();
    assert!(rule.with_null_under_negation(NullUnderNegation::Fails).matches(&nobody));
}

#[test]
fn what_all_and_a_negative_operator_say_of_collections_are_switches() {
    let all = Rule::new(r#"user.otherMails -all (_ -endsWith ".example")"#).unwrap();
    let (nobody, mixed) = (json!({ "otherMails": [] }), json!({ "otherMails": ["a@b.example", "a@b.test"] }));
    assert!(all.matches(&nobody) && !all.matches(&mixed));
    let fails = Choices { empty_under_all: EmptyUnderAll::Fails, ..Choices::DEFAULT };
    assert!(!all.with_choices(fails).matches(&nobody));

    let negative = Rule::new(r#"user.otherMails -notEndsWith ".example""#).unwrap();
    assert!(negative.matches(&mixed) && !negative.matches(&nobody));
    let every = Choices { negation_on_collection: NegationOnCollection::EveryValue, ..Choices::DEFAULT };
    let negative = negative.with_choices(every);
    assert!(!negative.matches(&mixed) && negative.matches(&nobody));
}

#[test]
fn whether_a_manager_is_among_the_reports_is_a_switch() {
    let rule = Rule::new(r#"Direct Reports for "M-1""#).unwrap();
    let (report, manager) = (json!({ "id": "r", "manager": { "id": "m-1" } }), json!({ "id": "m-1" }));
    assert!(rule.matches(&report) && rule.matches(&manager));
    let only = Choices { direct_reports: DirectReports::ReportsOnly, ..Choices::DEFAULT };
    let rule = rule.with_choices(only);
    assert!(rule.matches(&report) && !rule.matches(&manager));
    assert_eq!(rule.reads().map(rules::Property::selected).collect::<Vec<_>>(), ["manager"]);
}

#[test]
fn how_a_rule_may_be_written_are_switches() {
    let base = Choices::DEFAULT;
    for (text, other) in [
        ("-not (user.mail -eq null)", Choices { not_before_null: NotBeforeNull::Refused, ..base }),
        ("user.MAIL -eq null", Choices { property_case: PropertyCase::AsDocumented, ..base }),
        (r#"user.mail -eq "\"x\"""#, Choices { quote_escape: QuoteEscape::Backtick, ..base }),
        (r#"user.mail -eq "`"x`"""#, Choices { quote_escape: QuoteEscape::Backslash, ..base }),
        (r#"user.mail -eq `"x`""#, Choices { escaped_quotes: EscapedQuotes::Refused, ..base }),
        (r#"user.accountEnabled -eq "true""#, Choices { quoted_boolean: QuotedBoolean::Refused, ..base }),
        ("user.employeeHireDate -ge system.now -plus P1M", Choices { long_durations: LongDurations::Refused, ..base }),
        ("user.employeeHireDate -ge now", Choices { bare_now: BareNow::Refused, ..base }),
    ] {
        assert!(accepted(text, base), "{text}");
        assert!(!accepted(text, other), "{text}");
    }
}

#[test]
fn a_rule_names_what_it_reads_once() {
    let rule = Rule::new(r#"user.MOBILE -eq null or user.city -in ["a"] and user.mobile -startsWith "+""#).unwrap();
    let names: Vec<_> = rule.reads().map(|property| (property.name(), property.graph_name())).collect();
    assert_eq!(names, [("mobile", "mobilePhone"), ("city", "city")]);
    assert!(!rule.needs_clock() && rule.reads_others() == rules::Others::default());
}

#[test]
fn an_explanation_shows_every_clause_and_the_value_seen() {
    let text = r#"user.city eq "oslo" or not (user.mobile -startsWith "+47" and user.accountEnabled eq true) or user.assignedPlans any (assignedPlan.service eq "SCO")"#;
    let user = json!({
        "city": "Oslo", "mobilePhone": "+47 1",
        "assignedPlans": [{ "service": "exchange", "capabilityStatus": "Enabled" }],
    });
    let expected = "\
true  any of
  true  user.city -eq \"oslo\"  (city is \"Oslo\")
  true  not
    false all of
      true  user.mobile -startsWith \"+47\"  (mobilePhone is \"+47 1\")
      false user.accountEnabled -eq true  (accountEnabled is null)
  false user.assignedPlans -any (assignedPlan.service -eq \"SCO\")  (assignedPlans is [{capabilityStatus: \"Enabled\", service: \"exchange\"}])
";
    let explanation = Rule::new(text).unwrap().explain(&user);
    assert_eq!(explanation.to_string(), expected);
    assert!(!format!("{explanation:?}").contains("+47 1"));
}

#[test]
fn any_type_that_has_properties_can_be_asked() {
    struct Everywhere;
    impl Properties for Everywhere {
        fn get(&self, graph_name: &str) -> rules::Value<'_> {
            rules::Value::Str(graph_name.to_owned().into())
        }
    }
    let rule = Rule::new(r#"user.objectId -eq "id" -and user.extensionAttribute7 -startsWith "onPremises""#).unwrap();
    let anybody: &dyn Properties = &Everywhere;
    assert!(rule.matches(anybody) && rule.explain(anybody).holds);
}

#[test]
fn a_rule_says_what_it_feeds_on() {
    let rule = Rule::new("user.memberOf -any (group.objectId -in ['G2', \"g1\", 'g2'])").unwrap();
    assert_eq!(rule.feeds_on().groups.into_iter().collect::<Vec<_>>(), ["g1", "g2"]);
    assert!(rule.reads_others().groups && !rule.reads_others().manager);
    let rule =
        Rule::new(r#"user.assignedPlans -all (assignedPlan.service -ne "SCO") -and user.city -ne null"#).unwrap();
    assert!(rule.feeds_on().licenses && rule.feeds_on().groups.is_empty());
    assert_eq!(Rule::new("user.city -ne null").unwrap().feeds_on(), rules::Feeds::default());
}

#[test]
fn a_rule_for_devices_is_read_where_it_is_asked_for() {
    let text = r#"device.devicePhysicalIds -any _ -startsWith "[ZTDId]""#;
    assert!(Rule::new(text).is_err());
    let rule = Rule::with(text, &Settings::ENTRA.with_devices()).unwrap();
    assert_eq!(rule.object(), Object::Device);
    assert_eq!(rule.to_string(), r#"device.devicePhysicalIds -any (_ -startsWith "[ZTDId]")"#);
}

#[test]
fn limits_are_met_to_the_character() {
    let rule = |length: usize| format!("user.city -eq \"{}\"", "é".repeat(length - 16));
    assert!(Rule::new(&rule(rules::LENGTH_MAX)).is_ok());
    assert!(Rule::new(&rule(rules::LENGTH_MAX + 1)).is_err());
    let nested = |depth: usize| format!("{}user.city -eq null{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Rule::new(&nested(rules::DEPTH_MAX)).is_ok());
    assert!(Rule::new(&nested(rules::DEPTH_MAX + 1)).is_err());
    let negated = |depth: usize| format!("{}user.city -eq \"a\"", "-not ".repeat(depth));
    let deepest = Rule::new(&negated(rules::DEPTH_MAX)).unwrap();
    assert_eq!(Rule::new(&deepest.to_string()).unwrap().ast(), deepest.ast());
    assert!(Rule::new(&negated(rules::DEPTH_MAX + 1)).is_err());
    let quantified =
        |depth: usize| format!("{}user.otherMails -any _ -eq \"a\"{}", "(".repeat(depth), ")".repeat(depth));
    let deepest = Rule::new(&quantified(rules::DEPTH_MAX - 1)).unwrap();
    assert_eq!(Rule::new(&deepest.to_string()).unwrap().ast(), deepest.ast());
    assert!(Rule::new(&quantified(rules::DEPTH_MAX)).is_err());
}
