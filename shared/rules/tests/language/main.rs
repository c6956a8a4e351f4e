//! The rule language against its corpora, and its laws against generated rules.

#[cfg(test)]
mod corpora {
    //! Rules and their verdicts; rules and their diagnostics, whole.

    use rules::{NullUnderNegation, Properties, Rule};
    use serde_json::Value as Json;

    #[test]
    fn m09_every_rule_of_the_corpus_gives_its_verdict() {
        let corpus = include_str!("verdicts.jsonl");
        let mut cases = 0;
        for line in corpus.lines().filter(|line| !line.is_empty()) {
            let case: Json = serde_json::from_str(line).expect("a line of JSON");
            let text = case["rule"].as_str().expect("a rule");
            let rule = Rule::new(text).unwrap_or_else(|faults| panic!("{}", faults.render(text)));
            assert_eq!(
                rule.matches(&case["user"]),
                case["match"],
                "{text} on {}",
                case["user"]
            );
            assert_eq!(
                rule.explain(&case["user"]).holds,
                case["match"],
                "explaining {text} on {}",
                case["user"]
            );
            cases += 1;
        }
        assert!(cases > 60, "the corpus has shrunk to {cases}");
    }

    /// `RULES_BLESS=1` writes what is rendered into the corpus, to be read in the difference before it is committed.
    #[test]
    fn m09_every_fault_is_reported_underlined_and_with_advice() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/language/diagnostics.txt"
        );
        let corpus = std::fs::read_to_string(path).expect("the corpus");
        let bless = std::env::var_os("RULES_BLESS").is_some();
        let mut rendered = String::new();
        for case in corpus.split("=== rule\n").skip(1) {
            let (rule, _) = case
                .split_once("\n--- says\n")
                .expect("a rule and what is said of it");
            let faults = Rule::new(rule)
                .err()
                .unwrap_or_else(|| panic!("not refused: {rule}"));
            let said = format!("{rule}\n--- says\n{}\n", faults.render(rule));
            assert!(
                bless || said == case,
                "expected:\n{case}\nrendered:\n{said}"
            );
            rendered.extend(["=== rule\n", &said]);
        }
        if bless {
            std::fs::write(path, rendered).expect("the corpus is written");
        }
    }

    #[test]
    fn the_open_question_about_null_is_one_switch() {
        let rule = Rule::new(r#"user.department -ne "Sales""#).unwrap();
        let nobody = serde_json::json!({});
        assert!(rule.matches(&nobody));
        let rule = rule.with_null_under_negation(NullUnderNegation::Fails);
        assert!(!rule.matches(&nobody));
        assert!(rule.matches(&serde_json::json!({ "department": "Legal" })));
        let rule =
            Rule::new(r#"user.department -ne null -or -not (user.department -eq "x")"#).unwrap();
        assert!(
            rule.with_null_under_negation(NullUnderNegation::Fails)
                .matches(&nobody)
        );
    }

    #[test]
    fn a_rule_names_what_it_reads_once() {
        let rule = Rule::new(
            r#"user.MOBILE -eq null or user.city -in ["a"] and user.mobile -startsWith "+""#,
        )
        .unwrap();
        let names: Vec<_> = rule
            .reads()
            .map(|property| (property.name(), property.graph_name()))
            .collect();
        assert_eq!(names, [("mobile", "mobilePhone"), ("city", "city")]);
    }

    #[test]
    fn an_explanation_shows_every_clause_and_the_value_seen() {
        let rule = Rule::new(
            r#"user.city eq "oslo" or not (user.mobile -startsWith "+47" and user.accountEnabled eq true)"#,
        );
        let user = serde_json::json!({ "city": "Oslo", "mobilePhone": "+47 1" });
        let expected = "\
true  any of
  true  user.city -eq \"oslo\"  (city is \"Oslo\")
  true  not
    false all of
      true  user.mobile -startsWith \"+47\"  (mobilePhone is \"+47 1\")
      false user.accountEnabled -eq true  (accountEnabled is null)
";
        let explanation = rule.unwrap().explain(&user);
        assert_eq!(explanation.to_string(), expected);
        assert!(!format!("{explanation:?}").contains("+47 1"));
    }

    #[test]
    fn the_canonical_form_has_hyphens_documented_names_and_few_parentheses() {
        let rule = Rule::new(
            "((USER.mailnickname EQ 'O''Brien') AND (not user.dirsyncenabled –ne \"TRUE\"))",
        )
        .unwrap();
        assert_eq!(
            rule.to_string(),
            "user.mailNickName -eq \"O''Brien\" -and -not (user.dirSyncEnabled -ne true)"
        );
    }

    #[test]
    fn any_type_that_has_properties_can_be_asked() {
        struct Everywhere;
        impl Properties for Everywhere {
            fn get(&self, graph_name: &str) -> rules::Value<'_> {
                rules::Value::Str(graph_name.to_owned().into())
            }
        }
        let rule = Rule::new(
            r#"user.objectId -eq "id" -and user.extensionAttribute7 -startsWith "onPremises""#,
        )
        .unwrap();
        let anybody: &dyn Properties = &Everywhere;
        assert!(rule.matches(anybody) && rule.explain(anybody).holds);
    }

    #[test]
    fn limits_are_met_to_the_character() {
        let rule = |length: usize| format!("user.city -eq \"{}\"", "é".repeat(length - 16));
        assert!(Rule::new(&rule(rules::LENGTH_MAX)).is_ok());
        assert!(Rule::new(&rule(rules::LENGTH_MAX + 1)).is_err());
        let nested = |depth: usize| {
            format!(
                "{}user.city -eq null{}",
                "(".repeat(depth),
                ")".repeat(depth)
            )
        };
        assert!(Rule::new(&nested(rules::DEPTH_MAX)).is_ok());
        assert!(Rule::new(&nested(rules::DEPTH_MAX + 1)).is_err());
        let negated = |depth: usize| format!("{}user.city -eq \"a\"", "-not ".repeat(depth));
        let deepest = Rule::new(&negated(rules::DEPTH_MAX)).unwrap();
        assert_eq!(
            Rule::new(&deepest.to_string()).unwrap().ast(),
            deepest.ast()
        );
        assert!(Rule::new(&negated(rules::DEPTH_MAX + 1)).is_err());
    }
}

#[cfg(test)]
mod naive;

#[cfg(test)]
mod laws {
    //! What holds of every rule and every text.

    use proptest::prelude::*;
    use rules::{Rule, parse};
    use serde_json::{Value as Json, json};

    use super::naive;

    /// Few values, in several cases, so that rules and users often meet.
    fn word() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => prop::sample::select(vec!["Sales", "sales", "SALES NL", "Zoë", "ZOË", "O'Brien", "", "İ", "a\"b", "C:\\", "`", "null"])
                .prop_map(str::to_owned),
            1 => "[ -~]{0,6}",
        ]
    }

    const TEXTS: [(&str, &str); 6] = [
        ("department", "department"),
        ("physicalDeliveryOfficeName", "officeLocation"),
        ("mailnickname", "mailNickname"),
        ("MOBILE", "mobilePhone"),
        ("telephoneNumber", "businessPhones"),
        (
            "extensionAttribute3",
            "onPremisesExtensionAttributes.extensionAttribute3",
        ),
    ];

    /// As [`rules::Literal`] prints would be no test of it: every `'` doubled, every `"` escaped, or single quotes.
    fn literal() -> impl Strategy<Value = String> {
        (word(), any::<bool>(), any::<bool>()).prop_map(|(text, single, backslash)| {
            let doubled = text.replace('\'', "''");
            if single || text.ends_with(['\\', '`']) {
                format!("'{doubled}'")
            } else {
                format!(
                    "\"{}\"",
                    doubled.replace('"', if backslash { "\\\"" } else { "`\"" })
                )
            }
        })
    }

    fn operator(name: &'static str) -> impl Strategy<Value = String> {
        prop_oneof![
            Just(format!("-{name}")),
            Just(name.to_owned()),
            Just(format!("–{}", name.to_uppercase())),
            Just(format!("-{}", name.to_lowercase())),
        ]
    }

    fn comparison() -> impl Strategy<Value = String> {
        let text =
            prop::sample::select(TEXTS.to_vec()).prop_map(|(name, _)| format!("user.{name}"));
        let one = prop_oneof![operator("eq"), operator("ne"), operator("startsWith")];
        let list = prop::collection::vec(literal(), 1..4)
            .prop_map(|items| format!("[{}]", items.join(" ,")));
        let flag = prop::sample::select(vec!["true", "False", "null", "$NULL", "\"true\""]);
        prop_oneof![
            4 => (text.clone(), one, literal()).prop_map(|(p, o, v)| format!("{p} {o} {v}")),
            2 => (text.clone(), operator("in"), list).prop_map(|(p, o, v)| format!("{p}\t{o}{v}")),
            1 => (text, prop_oneof![operator("eq"), operator("ne")]).prop_map(|(p, o)| format!("{p} {o} null")),
            1 => (prop_oneof![operator("eq"), operator("ne")], flag).prop_map(|(o, v)| format!("user.dirSyncEnabled {o} {v}")),
            1 => (operator("startsWith"), literal()).prop_map(|(o, v)| format!("User.otherMails {o} {v}")),
        ]
    }

    fn rule() -> impl Strategy<Value = String> {
        comparison().prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                (prop::collection::vec(inner.clone(), 2..4), operator("and"))
                    .prop_map(|(p, o)| p.join(&format!(" {o} "))),
                (prop::collection::vec(inner.clone(), 2..4), operator("or"))
                    .prop_map(|(p, o)| p.join(&format!("\n{o} "))),
                inner.clone().prop_map(|inner| format!("( {inner})")),
                (operator("not"), inner)
                    .prop_map(|(o, inner)| format!("{o} (user.city -eq 'x' or {inner})")),
            ]
        })
    }

    fn user() -> impl Strategy<Value = Json> {
        let text = || prop::option::of(word());
        let mails = prop::collection::vec(word(), 0..3);
        let phones = prop::collection::vec(word(), 0..2);
        (text(), text(), text(), text(), phones, (text(), mails, prop::option::of(any::<bool>()))).prop_map(
            |(department, office, nick, mobile, phones, (extension, mails, synced))| {
                json!({
                    "department": department, "officeLocation": office, "mailNickname": nick, "mobilePhone": mobile,
                    "businessPhones": phones, "onPremisesExtensionAttributes": { "extensionAttribute3": extension },
                    "otherMails": mails, "onPremisesSyncEnabled": synced,
                })
            },
        )
    }

    /// Text that looks like a rule and mostly is none.
    fn almost() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "user.department",
            "user.officeLocation",
            "device.x",
            "-eq",
            "–in",
            "-contains",
            "-any",
            "and",
            "-or",
            "not",
            "!",
            "&&",
            "(",
            ")",
            "[",
            "]",
            ",",
            "\"",
            "'",
            "`\"",
            "\\",
            "“a”",
            "true",
            "null",
            "Sales",
            "system.now",
            "-",
            "_",
            "é",
            "\n",
            "2024-01-01T00:00:00Z",
            "Direct",
            "Reports",
            "for",
            "\"x\"",
            "\0",
        ]);
        prop::collection::vec((piece, any::<bool>()), 0..40).prop_map(|pieces| {
            pieces
                .iter()
                .flat_map(|(piece, blank)| [*piece, if *blank { " " } else { "" }])
                .collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn printing_and_parsing_gives_the_same_tree(text in rule()) {
            let tree = parse(&text);
            prop_assume!(text.chars().count() < 2_500);
            let tree = tree.map_err(|faults| TestCaseError::fail(faults.render(&text)))?;
            prop_assert_eq!(&parse(&tree.to_string()).unwrap(), &tree, "{}", tree);
            let rule = Rule::new(&text).map_err(|faults| TestCaseError::fail(faults.render(&text)))?;
            let again = Rule::new(&rule.to_string()).unwrap();
            prop_assert_eq!(again.ast(), rule.ast());
            prop_assert_eq!(again.to_string(), rule.to_string());
        }

        #[test]
        fn the_naive_evaluator_agrees(text in rule(), users in prop::collection::vec(user(), 1..8)) {
            prop_assume!(text.chars().count() < rules::LENGTH_MAX);
            let rule = Rule::new(&text).map_err(|faults| TestCaseError::fail(faults.render(&text)))?;
            let tree = parse(&text).unwrap();
            for user in users {
                let verdict = naive::matches(tree.root(), &user);
                prop_assert_eq!(rule.matches(&user), verdict, "{} on {}", rule, user);
                prop_assert_eq!(rule.explain(&user).holds, verdict);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in prop_oneof![almost(), any::<String>(), "[ -~]{0,80}"]) {
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
    }
}
