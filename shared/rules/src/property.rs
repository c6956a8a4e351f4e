//! The properties a rule may name, and what Graph calls them.

mod advice;
mod table;

use std::borrow::Cow;
use std::fmt;

pub(crate) use advice::advice;
use advice::{begins, table};
use table::EXTENDED;

use crate::choices::Dialect;

/// A property of a user or a device, under both of its names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Property {
    object: Object,
    name: Cow<'static, str>,
    graph_name: Cow<'static, str>,
    kind: Kind,
    extended: bool,
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

    /// Whose it is.
    pub fn object(&self) -> Object {
        self.object
    }

    /// Whether only the extended dialect has it.
    pub fn is_extended(&self) -> bool {
        self.extended
    }

    /// The id of a user's manager: what `Direct Reports for` reads.
    pub(crate) fn manager() -> Self {
        let name = Cow::Borrowed("manager.id");
        Self { object: Object::User, graph_name: name.clone(), name, kind: Kind::Text, extended: false }
    }

    /// The property of that name, in any case, without `user.`.
    pub(crate) fn named(object: Object, name: &str, dialect: Dialect) -> Option<Self> {
        let of = |&(name, graph_name, kind): &'static table::Row, extended: bool| Self {
            object,
            name: name.into(),
            graph_name: graph_name.into(),
            kind,
            extended,
        };
        let own =
            || table(object).iter().find(|(known, ..)| known.eq_ignore_ascii_case(name)).map(|row| of(row, false));
        let strict = own().or_else(|| numbered(object, name)).or_else(|| extension(object, name));
        if strict.is_some() || dialect == Dialect::Entra || object == Object::Device {
            return strict;
        }
        let beyond = || EXTENDED.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name)).map(|row| of(row, true));
        let graphs = || table(object).iter().find(|(_, graph, _)| graph.eq_ignore_ascii_case(name));
        beyond().or_else(|| graphs().map(|row| of(row, false)))
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.object, self.name)
    }
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Object {
    /// `user.`
    User,
    /// `device.`
    Device,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Device => "device",
        })
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

/// `extensionAttribute1` to `extensionAttribute15`.
fn numbered(object: Object, name: &str) -> Option<Property> {
    const STEM: &str = "extensionAttribute";
    let (stem, digits) = name.split_at_checked(STEM.len())?;
    let number: u8 = digits.parse().ok()?;
    if !stem.eq_ignore_ascii_case(STEM) || !(1..=15).contains(&number) || digits != number.to_string() {
        return None;
    }
    let parent = match object {
        Object::User => "onPremisesExtensionAttributes",
        Object::Device => "extensionAttributes",
    };
    Some(Property {
        object,
        name: format!("{STEM}{number}").into(),
        graph_name: format!("{parent}.{STEM}{number}").into(),
        kind: Kind::Text,
        extended: false,
    })
}

/// `extension_{application id without dashes}_{name}`: Graph has it under the same name.
fn extension(object: Object, name: &str) -> Option<Property> {
    if object != Object::User || !begins(name, "extension_") {
        return None;
    }
    let (_, rest) = name.split_at_checked("extension_".len())?;
    let (application, own) = rest.split_at_checked(32)?;
    let own = own.strip_prefix('_')?;
    let is_name = !own.is_empty() && own.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !application.chars().all(|c| c.is_ascii_hexdigit()) || !is_name {
        return None;
    }
    let name: Cow<'static, str> = format!("extension_{rest}").into();
    Some(Property { object, graph_name: name.clone(), name, kind: Kind::Text, extended: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph_name(object: Object, name: &str, dialect: Dialect) -> Option<String> {
        Property::named(object, name, dialect).map(|property| property.graph_name().to_owned())
    }

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
            ("extensionAttribute15", "onPremisesExtensionAttributes.extensionAttribute15"),
            (
                "extension_0123456789abcdef0123456789ABCDEF_cost_Center",
                "extension_0123456789abcdef0123456789ABCDEF_cost_Center",
            ),
        ] {
            assert_eq!(graph_name(Object::User, written, Dialect::Entra).as_deref(), Some(graph), "{written}");
        }
        let third = Property::named(Object::User, "extensionAttribute3", Dialect::Entra).unwrap();
        assert_eq!(third.selected(), "onPremisesExtensionAttributes");
        let device = graph_name(Object::Device, "extensionAttribute3", Dialect::Entra);
        assert_eq!(device.as_deref(), Some("extensionAttributes.extensionAttribute3"));
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
            "deviceOSType",
        ] {
            assert_eq!(graph_name(Object::User, written, Dialect::Entra), None, "{written}");
        }
    }

    #[test]
    fn the_extended_dialect_knows_graphs_names_and_marks_its_own() {
        for (written, graph, extended) in [
            ("officeLocation", "officeLocation", false),
            ("employeeTYPE", "employeeType", true),
            ("employeeOrgData.division", "employeeOrgData.division", true),
            ("manager.id", "manager.id", true),
            ("department", "department", false),
        ] {
            let property = Property::named(Object::User, written, Dialect::Extended).unwrap();
            assert_eq!((property.graph_name(), property.is_extended()), (graph, extended), "{written}");
        }
        assert_eq!(graph_name(Object::User, "shoeSize", Dialect::Extended), None);
    }
}
