//! The rule language once more, as plainly as it can be said: slow, straight from the tree, sharing no code with the crate.

use rules::{Comparison, Expr, Literal, Operator};
use serde_json::Value as Json;

/// Whether the user satisfies a tree that the crate has checked.
pub(crate) fn matches(expr: &Expr, user: &Json) -> bool {
    match expr {
        Expr::Or(parts) => parts.iter().any(|part| matches(part, user)),
        Expr::And(parts) => parts.iter().all(|part| matches(part, user)),
        Expr::Not(inner) => !matches(&inner.node, user),
        Expr::Comparison(comparison) => compare(comparison, user),
    }
}

fn compare(comparison: &Comparison, user: &Json) -> bool {
    let value = &comparison.value.node;
    let seen = seen(&comparison.property.node, user);
    match comparison.operator.node {
        Operator::Eq if *value == Literal::Null => seen.is_empty(),
        Operator::Ne if *value == Literal::Null => !seen.is_empty(),
        Operator::Eq => seen == [lower(value)],
        Operator::Ne => seen != [lower(value)],
        Operator::StartsWith => seen.iter().any(|seen| seen.starts_with(&lower(value))),
        Operator::In => {
            let Literal::List(items) = value else {
                panic!("checked")
            };
            items.iter().any(|item| seen == [lower(&item.node)])
        }
    }
}

/// The values of the property in lower case; none when it is null. The tests' users have at most one business phone.
fn seen(property: &str, user: &Json) -> Vec<String> {
    let value = match property.to_lowercase().as_str() {
        "user.department" => &user["department"],
        "user.city" => &user["city"],
        "user.physicaldeliveryofficename" => &user["officeLocation"],
        "user.mailnickname" => &user["mailNickname"],
        "user.mobile" => &user["mobilePhone"],
        "user.telephonenumber" => &user["businessPhones"],
        "user.extensionattribute3" => &user["onPremisesExtensionAttributes"]["extensionAttribute3"],
        "user.othermails" => &user["otherMails"],
        "user.dirsyncenabled" => &user["onPremisesSyncEnabled"],
        other => panic!("the generator does not name {other}"),
    };
    match value {
        Json::Null => Vec::new(),
        Json::Bool(truth) => vec![truth.to_string()],
        Json::String(text) => vec![lowered(text)],
        Json::Array(items) => items
            .iter()
            .map(|item| lowered(item.as_str().expect("a string")))
            .collect(),
        other => panic!("no user of the tests has {other}"),
    }
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
    text.replace('İ', "i")
        .chars()
        .flat_map(char::to_lowercase)
        .collect()
}
