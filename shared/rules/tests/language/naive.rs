//! The rule language once more, as plainly as it can be said: slow, straight from the tree, sharing no code with the
//! crate.

use jiff::{SignedDuration, Timestamp};
use rules::{Comparison, Expr, Literal, Operator, Quantifier};
use serde_json::Value as Json;

/// Whether the user satisfies a tree that the crate has checked.
pub(crate) fn matches(expr: &Expr, user: &Json, now: Timestamp) -> bool {
    match expr {
        Expr::Or(parts) => parts.iter().any(|part| matches(part, user, now)),
        Expr::And(parts) => parts.iter().all(|part| matches(part, user, now)),
        Expr::Not(inner) => !matches(&inner.node, user, now),
        Expr::Comparison(comparison) => compare(comparison, &seen(&comparison.property.node, user), now),
        Expr::Quantified(quantified) => {
            let items = match seen(&quantified.property.node, user) {
                Json::Array(items) => items,
                _ => Vec::new(),
            };
            let holds = |item: &Json| item_matches(&quantified.condition.node, item, now);
            match quantified.quantifier.node {
                Quantifier::Any => items.iter().any(holds),
                Quantifier::All => items.iter().all(holds),
            }
        }
        Expr::DirectReports(_) => panic!("the generator makes no such rule"),
    }
}

fn item_matches(expr: &Expr, item: &Json, now: Timestamp) -> bool {
    match expr {
        Expr::Or(parts) => parts.iter().any(|part| item_matches(part, item, now)),
        Expr::And(parts) => parts.iter().all(|part| item_matches(part, item, now)),
        Expr::Not(inner) => !item_matches(&inner.node, item, now),
        Expr::Comparison(comparison) => {
            let value = match comparison.property.node.to_lowercase().as_str() {
                "_" => item,
                "assignedplan.serviceplanid" => &item["servicePlanId"],
                "assignedplan.service" => &item["service"],
                "assignedplan.capabilitystatus" => &item["capabilityStatus"],
                other => panic!("the generator does not name {other}"),
            };
            compare(comparison, value, now)
        }
        other => panic!("no item has {other}"),
    }
}

fn compare(comparison: &Comparison, seen: &Json, now: Timestamp) -> bool {
    use Operator::{
        Contains, EndsWith, Eq, In, Match, Ne, NotContains, NotEndsWith, NotIn, NotMatch, NotStartsWith, StartsWith,
    };
    let (operator, value) = (comparison.operator.node, &comparison.value.node);
    if let Json::Array(items) = seen
        && comparison.property.node.to_lowercase() == "user.othermails"
    {
        return items.iter().any(|item| compare(&Comparison { property: at("_"), ..comparison.clone() }, item, now));
    }
    let positive = match operator {
        Ne => Eq,
        NotIn => In,
        NotContains => Contains,
        NotStartsWith => StartsWith,
        NotEndsWith => EndsWith,
        NotMatch => Match,
        same => same,
    };
    let holds = match (seen, positive) {
        (seen, Eq) if *value == Literal::Null => seen.is_null(),
        (Json::Null, _) => false,
        (Json::Bool(truth), _) => lower(value) == truth.to_string(),
        (Json::String(text), Eq | Operator::Ge | Operator::Le) if is_date(&comparison.property.node) => {
            let (date, bound) = (text.parse::<Timestamp>().expect("a date"), instant(value, now));
            match positive {
                Eq => date == bound,
                Operator::Ge => date >= bound,
                _ => date <= bound,
            }
        }
        (Json::String(text), positive) => {
            let text = lowered(text);
            match positive {
                Eq => text == lower(value),
                StartsWith => text.starts_with(&lower(value)),
                EndsWith => text.ends_with(&lower(value)),
                Contains => text.contains(&lower(value)),
                Match => searched(&text, &lower(value)),
                _ => items(value).iter().any(|item| text == lower(&item.node)),
            }
        }
        other => panic!("no user of the tests has {other:?}"),
    };
    holds != (operator != positive)
}

fn is_date(property: &str) -> bool {
    property.to_lowercase() == "user.employeehiredate"
}

fn at(name: &str) -> rules::Located<String> {
    rules::Located { node: name.to_owned(), span: 0..0 }
}

fn items(value: &Literal) -> &[rules::Located<Literal>] {
    let Literal::List(items) = value else { panic!("checked") };
    items
}

/// The generator's patterns: letters, perhaps anchored.
fn searched(text: &str, pattern: &str) -> bool {
    match (pattern.strip_prefix('^'), pattern.strip_suffix('$')) {
        (Some(rest), Some(_)) => text == rest.trim_end_matches('$'),
        (Some(start), None) => text.starts_with(start),
        (None, Some(end)) => text.ends_with(end),
        (None, None) => text.contains(pattern),
    }
}

/// The generator's dates.
fn instant(value: &Literal, now: Timestamp) -> Timestamp {
    let hours = |hours| SignedDuration::from_hours(hours);
    match value {
        Literal::Text(day) => format!("{day}T00:00:00Z").parse().expect("a day"),
        Literal::Date(written) => written.parse().expect("an instant"),
        Literal::Now(None) => now,
        Literal::Now(Some(shift)) => {
            let length = match shift.duration.as_str() {
                "P30D" | "P1M" => hours(30 * 24),
                "PT24H" => hours(24),
                other => panic!("the generator does not write {other}"),
            };
            if shift.back { now - length } else { now + length }
        }
        other => panic!("no date: {other}"),
    }
}

/// The value of the property as Graph has it. The tests' users have at most one business phone.
fn seen(property: &str, user: &Json) -> Json {
    match property.to_lowercase().as_str() {
        "user.department" => &user["department"],
        "user.city" => &user["city"],
        "user.physicaldeliveryofficename" => &user["officeLocation"],
        "user.mailnickname" => &user["mailNickname"],
        "user.mobile" => &user["mobilePhone"],
        "user.telephonenumber" => &user["businessPhones"][0],
        "user.extensionattribute3" => &user["onPremisesExtensionAttributes"]["extensionAttribute3"],
        "user.othermails" => &user["otherMails"],
        "user.assignedplans" => &user["assignedPlans"],
        "user.dirsyncenabled" => &user["onPremisesSyncEnabled"],
        "user.employeehiredate" => &user["employeeHireDate"],
        other => panic!("the generator does not name {other}"),
    }
    .clone()
}

fn lower(literal: &Literal) -> String {
    match literal {
        Literal::Bool(truth) => truth.to_string(),
        Literal::Text(text) => lowered(text),
        other => panic!("no single value: {other}"),
    }
}

/// Simple lower case: `İ` is the one letter whose full lower case has a second character.
fn lowered(text: &str) -> String {
    text.replace('İ', "i").chars().flat_map(char::to_lowercase).collect()
}
