//! Dynamic membership, for rules made of `-eq -ne -startsWith -in`, their negations, `-and -or -not` and parentheses over a user's
//! properties. A rule that uses more of the language is accepted and NOT evaluated: the members stay as they were
//! seeded. Names are the directory's old ones. Source: "Manage rules for dynamic membership groups".

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::entity::{Group, Readable, User};
use crate::ids::Guid;
use crate::properties;
use crate::refusal::Refusal;
use crate::state::State;

mod parse;

/// A rule the emulator understands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    And(Box<Rule>, Box<Rule>),
    Or(Box<Rule>, Box<Rule>),
    Not(Box<Rule>),
    /// The property, by Graph's name, has one of these values.
    In(String, Vec<Value>),
    StartsWith(String, String),
}

impl Rule {
    /// `None` when the rule says more than the emulator understands.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        parse::rule(text)
    }

    /// A negative operator is the negation of the positive one, so an empty attribute satisfies it. What Entra does there
    /// is not documented.
    pub(crate) fn matches(&self, id: Guid, user: &User) -> bool {
        match self {
            Self::And(left, right) => left.matches(id, user) && right.matches(id, user),
            Self::Or(left, right) => left.matches(id, user) || right.matches(id, user),
            Self::Not(inner) => !inner.matches(id, user),
            Self::In(property, values) => {
                let own = read(id, user, property);
                values.iter().any(|value| match (value, &own) {
                    (Value::String(value), Value::String(own)) => value.to_lowercase() == own.to_lowercase(),
                    (value, own) => value == own,
                })
            }
            Self::StartsWith(property, prefix) => {
                let own = read(id, user, property);
                own.as_str().is_some_and(|own| own.to_lowercase().starts_with(&prefix.to_lowercase()))
            }
        }
    }
}

fn read(id: Guid, user: &User, property: &str) -> Value {
    let reader = (id, user);
    if property.starts_with("extensionAttribute") {
        return reader.read("onPremisesExtensionAttributes").get(property).cloned().unwrap_or_default();
    }
    match reader.read(property).into_owned() {
        // `telephoneNumber` is the only business phone there can be.
        Value::Array(items) => items.into_iter().next().unwrap_or_default(),
        value => value,
    }
}

/// The group's rule, parsed. The parts of a rule that no rule may lack are checked for every rule.
pub(crate) fn rule_of(group: &Group) -> Result<Option<Arc<Rule>>, Refusal> {
    let Some(text) = group.text("membershipRule").filter(|_| group.dynamic()) else { return Ok(None) };
    if !text.contains("user.") && !text.contains("device.") && !text.to_lowercase().starts_with("direct reports for") {
        return Err(Refusal::new(
            400,
            "InvalidObjectTypeException",
            "Dynamic membership rule validation error: Invalid object type.",
        ));
    }
    Ok(Rule::parse(text).map(Arc::new))
}

/// Brings one user, or everybody, in line with a group's rule.
pub(crate) fn evaluate(state: &mut State, group_id: Guid, user: Option<Guid>) {
    let Some(group) = state.group(group_id) else { return };
    let Some(rule) = group.rule.clone() else { return };
    if group.text("membershipRuleProcessingState") != Some("On") {
        return;
    }
    let members = group.members.clone();
    let candidates: BTreeSet<Guid> = match user {
        Some(user) => BTreeSet::from([user]),
        None => members.iter().chain(state.users.keys()).copied().collect(),
    };
    let mut joining = Vec::new();
    let mut leaving = Vec::new();
    for id in candidates {
        let matches = state.user(id).is_some_and(|user| rule.matches(id, user));
        match (matches, members.contains(&id)) {
            (true, false) => joining.push(id),
            // Deleted users stay recorded, as in any group.
            (false, true) if state.user(id).is_some() => leaving.push(id),
            _ => {}
        }
    }
    if !joining.is_empty() {
        state.join(group_id, &joining);
    }
    for id in leaving {
        state.leave(group_id, id);
    }
}

/// Graph's name for a property of the rule language; `None` for one the emulator cannot read.
fn graph_name(name: &str) -> Option<String> {
    const RENAMED: &[(&str, &str)] = &[
        ("physicaldeliveryofficename", "officeLocation"),
        ("mobile", "mobilePhone"),
        ("telephonenumber", "businessPhones"),
        ("facsimiletelephonenumber", "faxNumber"),
        ("objectid", "id"),
        ("dirsyncenabled", "onPremisesSyncEnabled"),
    ];
    const SAME: &[&str] = &[
        "accountEnabled",
        "city",
        "companyName",
        "country",
        "department",
        "displayName",
        "employeeId",
        "givenName",
        "jobTitle",
        "mail",
        "mailNickname",
        "passwordPolicies",
        "postalCode",
        "preferredLanguage",
        "state",
        "streetAddress",
        "surname",
        "usageLocation",
        "userPrincipalName",
        "userType",
    ];
    let lower = name.to_lowercase();
    if let Some((_, renamed)) = RENAMED.iter().find(|(old, _)| *old == lower) {
        return Some((*renamed).to_owned());
    }
    if let Some(number) = lower.strip_prefix("extensionattribute") {
        return Some(format!("extensionAttribute{number}"));
    }
    if properties::is_extension(name) {
        return Some(name.to_owned());
    }
    SAME.iter().find(|same| same.eq_ignore_ascii_case(name)).map(|same| (*same).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(rule: &str, matches: Option<bool>) {
        let properties = json!({
            "department": "Sales", "accountEnabled": true, "jobTitle": "Account Manager", "country": "NL", "userType": "Member",
            "officeLocation": "Delft", "onPremisesExtensionAttributes": {"extensionAttribute3": "blue"},
        });
        let Value::Object(properties) = properties else { unreachable!() };
        let user = User { properties, ..User::default() };
        assert_eq!(Rule::parse(rule).map(|rule| rule.matches(Guid::from_u128(1), &user)), matches, "{rule}");
    }

    #[test]
    fn small_rules_are_understood_and_others_are_left_alone() {
        check(r#"user.department -eq "sales""#, Some(true));
        check(r#"(user.department -eq "Sales") -and (user.accountEnabled -eq true)"#, Some(true));
        check(r#"user.department -eq "Legal" -or user.country -eq "NL" -and user.userType -eq "Guest""#, Some(false));
        check(r#"user.department -ne "Sales""#, Some(false));
        check(r#"user.jobTitle -startsWith "account""#, Some(true));
        check(r#"user.department -in ["HR", "Sales"]"#, Some(true));
        check(r#"user.department -notIn ["HR"]"#, Some(true));
        check(r#"-not (user.department -eq "Sales")"#, Some(false));
        check(r#"user.physicalDeliveryOfficeName -eq "Delft""#, Some(true));
        check(r#"user.extensionAttribute3 -eq "blue""#, Some(true));
        check("user.city -eq null", Some(true));
        check(r#"user.department eq "Sales" and user.accountEnabled eq true"#, Some(true));
        check(r#"user.department -match "S.*""#, None);
        check(r#"device.deviceOSType -eq "Linux""#, None);
        check(r#"user.proxyAddresses -any (_ -startsWith "smtp:")"#, None);
        check(r#"user.department -eq "Sales"#, None);
    }
}
