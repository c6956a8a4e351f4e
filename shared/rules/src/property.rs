//! The properties a rule may name, and what Graph calls them.

use std::borrow::Cow;
use std::fmt;

/// A property of a user, under both of its names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Property {
    name: Cow<'static, str>,
    graph_name: Cow<'static, str>,
    kind: Kind,
}

impl Property {
    /// Its name in a rule, without `user.`: the directory's own, such as `physicalDeliveryOfficeName`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name in Graph, such as `officeLocation`; a dot leads into a nested object.
    pub fn graph_name(&self) -> &str {
        &self.graph_name
    }

    /// The part of the Graph name that goes into `$select` and that a change of the user names.
    pub fn selected(&self) -> &str {
        self.graph_name.split('.').next().unwrap_or_default()
    }

    /// What its values are.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The property of that name, in any case, without `user.`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match USER
            .iter()
            .find(|(known, ..)| known.eq_ignore_ascii_case(name))
        {
            Some(&(name, graph_name, kind)) => Some(Self {
                name: name.into(),
                graph_name: graph_name.into(),
                kind,
            }),
            None => numbered(name).or_else(|| extension(name)),
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user.{}", self.name)
    }
}

/// What the values of a property are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// One string. Where Graph gives a list (`businessPhones` holds at most one), its first item.
    Text,
    /// Several strings.
    Texts,
    /// An instant.
    Date,
    /// Service plans.
    Plans,
    /// Groups.
    Groups,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "true or false",
            Self::Text => "a string",
            Self::Texts => "a collection of strings",
            Self::Date => "a date",
            Self::Plans => "a collection of service plans",
            Self::Groups => "a collection of groups",
        })
    }
}

/// Why a name is no property of a user, with the advice to give.
pub(crate) fn advice(name: &str) -> Option<String> {
    let bare = name
        .strip_prefix("onPremisesExtensionAttributes.")
        .unwrap_or(name);
    if bare != name && numbered(bare).is_some() {
        return Some(format!(
            "Entra's rules name it without its Graph parent: `user.{bare}`"
        ));
    }
    if let Some((directory, graph, _)) = USER
        .iter()
        .find(|(_, graph, _)| graph.eq_ignore_ascii_case(name))
    {
        return Some(format!(
            "`{graph}` is Graph's name; in a rule it is `user.{directory}`"
        ));
    }
    if let Some(unusable) = UNUSABLE
        .iter()
        .find(|known| known.eq_ignore_ascii_case(name))
    {
        return Some(format!(
            "Entra does not offer `{unusable}` to dynamic membership rules"
        ));
    }
    if name
        .get(..10)
        .is_some_and(|start| start.eq_ignore_ascii_case("extension_"))
    {
        return Some("an extension is written `user.extension_`, its application's id as 32 hexadecimal digits, `_` and its name".into());
    }
    if name
        .get(..18)
        .is_some_and(|start| start.eq_ignore_ascii_case("extensionAttribute"))
    {
        return Some("there are `user.extensionAttribute1` to `user.extensionAttribute15`".into());
    }
    nearest(name).map(|(directory, graph, is_graphs)| {
        if is_graphs {
            format!("did you mean Graph's `{graph}`? In a rule it is `user.{directory}`")
        } else {
            format!("did you mean `user.{directory}`?")
        }
    })
}

/// Directory name, Graph name, kind. "Manage rules for dynamic membership groups", supported properties.
/// `sipProxyAddress` has no namesake in Graph, which shows the same addresses as `imAddresses`.
const USER: [(&str, &str, Kind); 34] = [
    ("accountEnabled", "accountEnabled", Kind::Boolean),
    ("assignedPlans", "assignedPlans", Kind::Plans),
    ("city", "city", Kind::Text),
    ("companyName", "companyName", Kind::Text),
    ("country", "country", Kind::Text),
    ("department", "department", Kind::Text),
    ("dirSyncEnabled", "onPremisesSyncEnabled", Kind::Boolean),
    ("displayName", "displayName", Kind::Text),
    ("employeeHireDate", "employeeHireDate", Kind::Date),
    ("employeeId", "employeeId", Kind::Text),
    ("facsimileTelephoneNumber", "faxNumber", Kind::Text),
    ("givenName", "givenName", Kind::Text),
    ("jobTitle", "jobTitle", Kind::Text),
    ("mail", "mail", Kind::Text),
    ("mailNickName", "mailNickname", Kind::Text),
    ("memberOf", "memberOf", Kind::Groups),
    ("mobile", "mobilePhone", Kind::Text),
    ("objectId", "id", Kind::Text),
    (
        "onPremisesDistinguishedName",
        "onPremisesDistinguishedName",
        Kind::Text,
    ),
    (
        "onPremisesSecurityIdentifier",
        "onPremisesSecurityIdentifier",
        Kind::Text,
    ),
    ("otherMails", "otherMails", Kind::Texts),
    ("passwordPolicies", "passwordPolicies", Kind::Text),
    ("physicalDeliveryOfficeName", "officeLocation", Kind::Text),
    ("postalCode", "postalCode", Kind::Text),
    ("preferredLanguage", "preferredLanguage", Kind::Text),
    ("proxyAddresses", "proxyAddresses", Kind::Texts),
    ("sipProxyAddress", "imAddresses", Kind::Text),
    ("state", "state", Kind::Text),
    ("streetAddress", "streetAddress", Kind::Text),
    ("surname", "surname", Kind::Text),
    ("telephoneNumber", "businessPhones", Kind::Text),
    ("usageLocation", "usageLocation", Kind::Text),
    ("userPrincipalName", "userPrincipalName", Kind::Text),
    ("userType", "userType", Kind::Text),
];

/// Properties of a Graph user that people try and that Entra does not take.
const UNUSABLE: [&str; 8] = [
    "createdDateTime",
    "employeeLeaveDateTime",
    "employeeOrgData",
    "employeeType",
    "manager",
    "customSecurityAttributes",
    "creationType",
    "ageGroup",
];

/// `extensionAttribute1` to `extensionAttribute15`.
fn numbered(name: &str) -> Option<Property> {
    const STEM: &str = "extensionAttribute";
    let (stem, digits) = name.split_at_checked(STEM.len())?;
    let number: u8 = digits.parse().ok()?;
    if !stem.eq_ignore_ascii_case(STEM)
        || !(1..=15).contains(&number)
        || digits != number.to_string()
    {
        return None;
    }
    Some(Property {
        name: format!("{STEM}{number}").into(),
        graph_name: format!("onPremisesExtensionAttributes.{STEM}{number}").into(),
        kind: Kind::Text,
    })
}

/// `extension_{application id without dashes}_{name}`: Graph has it under the same name.
fn extension(name: &str) -> Option<Property> {
    let (stem, rest) = name.split_at_checked(10)?;
    let (application, own) = rest.split_at_checked(32)?;
    let own = own.strip_prefix('_')?;
    let is_name = !own.is_empty() && own.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !stem.eq_ignore_ascii_case("extension_")
        || !application.chars().all(|c| c.is_ascii_hexdigit())
        || !is_name
    {
        return None;
    }
    let name: Cow<'static, str> = format!("extension_{rest}").into();
    Some(Property {
        graph_name: name.clone(),
        name,
        kind: Kind::Text,
    })
}

/// The property with the fewest letters to change in either of its names, if they are few, and whether it is Graph's name.
fn nearest(name: &str) -> Option<(&'static str, &'static str, bool)> {
    const LONGEST: usize = 40;
    if name.chars().count() > LONGEST {
        return None;
    }
    let closest = |names: fn(&(&'static str, &'static str, Kind)) -> &'static str| {
        USER.iter()
            .map(|row| (distance(name, names(row)), row))
            .min_by_key(|(letters, _)| *letters)
    };
    let ((own, directory), (other, graph)) = (closest(|row| row.0)?, closest(|row| row.1)?);
    let (letters, row, known, is_graphs) = if own <= other {
        (own, directory, directory.0, false)
    } else {
        (other, graph, graph.1, true)
    };
    let few = known.len().div_ceil(4).min(4);
    (letters <= few).then_some((row.0, row.1, is_graphs))
}

/// Letters to insert, delete, replace or swap with their neighbor, without regard to case (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let at =
                |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut cost = (at(&above, j) + usize::from(l != r))
                .min(at(&above, j + 1) + 1)
                .min(at(&row, j) + 1);
            let swapped =
                i > 0 && j > 0 && left.get(i - 1) == Some(r) && right.get(j - 1) == Some(l);
            if swapped {
                cost = cost.min(at(&before, j - 1) + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_names_lead_to_graph_names_in_any_case() {
        for (written, graph) in [
            ("physicaldeliveryofficename", "officeLocation"),
            ("MOBILE", "mobilePhone"),
            ("telephoneNumber", "businessPhones"),
            ("facsimileTelephoneNumber", "faxNumber"),
            ("objectId", "id"),
            ("dirSyncEnabled", "onPremisesSyncEnabled"),
            ("mailNickname", "mailNickname"),
            (
                "extensionAttribute15",
                "onPremisesExtensionAttributes.extensionAttribute15",
            ),
            (
                "extension_0123456789abcdef0123456789ABCDEF_cost_Center",
                "extension_0123456789abcdef0123456789ABCDEF_cost_Center",
            ),
        ] {
            assert_eq!(
                Property::named(written).unwrap().graph_name(),
                graph,
                "{written}"
            );
        }
        assert_eq!(
            Property::named("extensionAttribute3").unwrap().selected(),
            "onPremisesExtensionAttributes"
        );
    }

    #[test]
    fn names_that_are_almost_right_are_refused() {
        for written in [
            "",
            "officeLocation",
            "extensionAttribute0",
            "extensionAttribute16",
            "extensionAttribute01",
            "extension_abc_x",
            "extension_0123456789abcdef0123456789abcdef_",
            "extensionAttribute",
            "employeeType",
            "ëxtension_",
        ] {
            assert_eq!(Property::named(written), None, "{written}");
        }
    }

    #[test]
    fn the_distance_counts_a_swap_once() {
        assert_eq!(distance("departmnet", "department"), 1);
        assert_eq!(distance("dept", "department"), 6);
        assert_eq!(distance("", "mail"), 4);
        assert_eq!(
            nearest("departmnet"),
            Some(("department", "department", false))
        );
        assert_eq!(
            nearest("offceLocation"),
            Some(("physicalDeliveryOfficeName", "officeLocation", true))
        );
        assert_eq!(nearest("shoeSize"), None);
    }
}
