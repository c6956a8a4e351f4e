//! Generated rules and users: few values, so that they often meet.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// Few values, in several cases.
pub(crate) fn word() -> BoxedStrategy<String> {
    prop_oneof![
        4 => prop::sample::select(vec!["Sales", "sales", "SALES NL", "Zoë", "ZOË", "O'Brien", "", "İ", "a\"b", "C:\\", "`", "null", "les", "NL", "S"])
            .prop_map(str::to_owned),
        1 => "[ -~]{0,6}",
    ].boxed()
}

const TEXTS: [&str; 6] =
    ["department", "physicalDeliveryOfficeName", "mailnickname", "MOBILE", "telephoneNumber", "extensionAttribute3"];

/// As [`rules::Literal`] prints would be no test of it: every `'` doubled, every `"` escaped, or single quotes.
fn literal_of(text: &str, single: bool, backslash: bool) -> String {
    let doubled = text.replace('\'', "''");
    if single || text.ends_with(['\\', '`']) {
        format!("'{doubled}'")
    } else {
        format!("\"{}\"", doubled.replace('"', if backslash { "\\\"" } else { "`\"" }))
    }
}

fn literal() -> BoxedStrategy<String> {
    (word(), any::<bool>(), any::<bool>())
        .prop_map(|(text, single, backslash)| literal_of(&text, single, backslash))
        .boxed()
}

/// A pattern that the naive evaluator understands: letters, perhaps anchored.
fn pattern() -> BoxedStrategy<String> {
    (any::<bool>(), prop::sample::select(vec!["sales", "S", "les", "nl", "", "Zoë", "x"]), any::<bool>())
        .prop_map(|(start, text, end)| {
            format!("\"{}{text}{}\"", if start { "^" } else { "" }, if end { "$" } else { "" })
        })
        .boxed()
}

fn operator(name: &'static str) -> BoxedStrategy<String> {
    prop_oneof![
        Just(format!("-{name}")),
        Just(name.to_owned()),
        Just(format!("–{}", name.to_uppercase())),
        Just(format!("-{}", name.to_lowercase())),
    ]
    .boxed()
}

fn pattern_operator() -> BoxedStrategy<String> {
    prop::sample::select(vec!["startsWith", "notStartsWith", "endsWith", "notEndsWith", "contains", "notContains"])
        .prop_flat_map(operator)
        .boxed()
}

fn list() -> BoxedStrategy<String> {
    prop::collection::vec(literal(), 1..4).prop_map(|items| format!("[{}]", items.join(" ,"))).boxed()
}

/// An operator and a value that suit any string.
fn text_test() -> BoxedStrategy<String> {
    prop_oneof![
        4 => (prop_oneof![operator("eq"), operator("ne")], literal()).prop_map(|(o, v)| format!("{o} {v}")),
        3 => (pattern_operator(), literal()).prop_map(|(o, v)| format!("{o} {v}")),
        2 => (prop_oneof![operator("in"), operator("notIn")], list()).prop_map(|(o, v)| format!("{o}{v}")),
        1 => (prop_oneof![operator("match"), operator("notMatch")], pattern()).prop_map(|(o, v)| format!("{o} {v}")),
        1 => (prop_oneof![operator("eq"), operator("ne")], prop::sample::select(vec!["null", "$NULL"])).prop_map(|(o, v)| format!("{o} {v}")),
    ].boxed()
}

fn joined(leaf: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" -and "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" -or "))),
            inner.prop_map(|inner| format!("-not ({inner})")),
        ]
    })
    .boxed()
}

fn quantified() -> BoxedStrategy<String> {
    let quantifier = || prop_oneof![operator("any"), operator("all")];
    let item = joined(text_test().prop_map(|test| format!("_ {test}")));
    let field = prop::sample::select(vec![
        "assignedPlan.servicePlanId",
        "assignedplan.SERVICE",
        "assignedPlan.capabilityStatus",
    ]);
    let plan = joined((field, text_test()).prop_map(|(field, test)| format!("{field} {test}")));
    prop_oneof![
        (quantifier(), item).prop_map(|(q, inner)| format!("user.otherMails {q} ({inner})")),
        (quantifier(), plan).prop_map(|(q, inner)| format!("user.assignedPlans {q} ({inner})")),
        (quantifier(), text_test()).prop_map(|(q, test)| format!("(User.otherMails {q} _ {test})")),
    ]
    .boxed()
}

fn date_test() -> BoxedStrategy<String> {
    let fixed = prop::sample::select(vec!["2026-03-01T00:00:00Z", "\"2026-02-01\"", "2026-03-31T02:00:00+02:00"]);
    let moved = prop::sample::select(vec![
        "system.now",
        "now",
        "(system.now -plus P30D)",
        "System.Now minus p1m",
        "system.now –plus PT24H",
    ]);
    prop_oneof![
        (prop_oneof![operator("ge"), operator("le"), operator("eq"), operator("ne")], fixed)
            .prop_map(|(o, v)| format!("{o} {v}")),
        (prop_oneof![operator("ge"), operator("le")], moved).prop_map(|(o, v)| format!("{o} {v}")),
    ]
    .prop_map(|test| format!("user.employeehiredate {test}"))
    .boxed()
}

fn comparison() -> BoxedStrategy<String> {
    let text = || prop::sample::select(TEXTS.to_vec()).prop_map(|name| format!("user.{name}"));
    let flag = prop::sample::select(vec!["true", "False", "null", "$NULL", "\"true\""]);
    prop_oneof![
        6 => (text(), text_test()).prop_map(|(p, test)| format!("{p}\t{test}")),
        1 => (prop_oneof![operator("eq"), operator("ne")], flag).prop_map(|(o, v)| format!("user.dirSyncEnabled {o} {v}")),
        1 => (pattern_operator(), literal()).prop_map(|(o, v)| format!("User.otherMails {o} {v}")),
        1 => date_test(),
        1 => quantified(),
    ].boxed()
}

pub(crate) fn rule() -> BoxedStrategy<String> {
    comparison()
        .prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                (prop::collection::vec(inner.clone(), 2..4), operator("and"))
                    .prop_map(|(p, o)| p.join(&format!(" {o} "))),
                (prop::collection::vec(inner.clone(), 2..4), operator("or"))
                    .prop_map(|(p, o)| p.join(&format!("\n{o} "))),
                inner.clone().prop_map(|inner| format!("( {inner})")),
                (operator("not"), inner).prop_map(|(o, inner)| format!("{o} (user.city -eq 'x' or {inner})")),
            ]
        })
        .boxed()
}

fn plan() -> BoxedStrategy<Json> {
    let text = || prop::option::of(word());
    (text(), text(), text())
        .prop_map(
            |(id, service, status)| json!({ "servicePlanId": id, "service": service, "capabilityStatus": status }),
        )
        .boxed()
}

pub(crate) fn user() -> BoxedStrategy<Json> {
    let text = || prop::option::of(word());
    let mails = prop::collection::vec(word(), 0..3);
    let phones = prop::collection::vec(word(), 0..2);
    let hired = prop::option::of(prop::sample::select(vec![
        "2026-03-01T00:00:00Z",
        "2026-02-01T00:00:00Z",
        "2026-03-31T00:00:00Z",
        "2026-03-31T00:00:00.5Z",
        "2020-01-01T00:00:00Z",
    ]));
    let plans = prop::collection::vec(plan(), 0..3);
    let rest = (text(), mails, prop::option::of(any::<bool>()), hired, plans);
    (text(), text(), text(), text(), phones, rest)
        .prop_map(|(department, office, nick, mobile, phones, (extension, mails, synced, hired, plans))| {
            json!({
                "department": department, "officeLocation": office, "mailNickname": nick, "mobilePhone": mobile,
                "businessPhones": phones, "onPremisesExtensionAttributes": { "extensionAttribute3": extension },
                "otherMails": mails, "onPremisesSyncEnabled": synced, "employeeHireDate": hired, "assignedPlans": plans,
            })
        })
        .boxed()
}

/// Text that looks like a rule and mostly is none.
pub(crate) fn almost() -> BoxedStrategy<String> {
    let piece = prop::sample::select(vec![
        "user.department",
        "user.officeLocation",
        "device.x",
        "user.otherMails",
        "user.assignedPlans",
        "user.memberOf",
        "-eq",
        "–in",
        "-contains",
        "-match",
        "-any",
        "all",
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
        "now",
        "-plus",
        "minus",
        "P1D",
        "-",
        "_",
        "\\_",
        "é",
        "\n",
        "2024-01-01T00:00:00Z",
        "Direct",
        "Reports",
        "for",
        "\"x\"",
        "\"(?<a\"",
        "\0",
        "assignedPlan.service",
        "group.objectId",
        "user.employeeHireDate",
        "-ge",
        "5",
        "—eq",
    ]);
    prop::collection::vec((piece, any::<bool>()), 0..40)
        .prop_map(|pieces| pieces.iter().flat_map(|(piece, blank)| [*piece, if *blank { " " } else { "" }]).collect())
        .boxed()
}
