//! The properties of users and groups as data: shape, length, who may write them, what a read returns without being
//! asked, and which query may filter by them. Sources: "user resource type", "group resource type", "Advanced query
//! capabilities on Microsoft Entra ID objects".

use crate::entity::Kind;

mod groups;
mod users;

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// A string of at most so many characters.
    Text(usize),
    Flag,
    Number,
    Instant,
    /// At most so many strings of at most so many characters.
    Texts(usize, usize),
    /// An object whose members are all strings, with these names (none listed: any).
    Object(&'static [&'static str], usize),
    /// A list of objects, written by the service alone.
    Objects,
}

/// Who may write.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Write {
    Anyone,
    /// Only in the POST.
    AtCreation,
    /// Only the service.
    Nobody,
    /// `SharePoint` keeps it: not by an app, not in a list.
    SharePoint,
}

/// Which query may filter by it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Filter {
    No,
    Default,
    Advanced,
}

/// One property.
#[expect(clippy::struct_excessive_bools, reason = "a row of a table: every column is a yes or a no")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Property {
    pub name: &'static str,
    pub shape: Shape,
    /// Returned although nobody selected it.
    pub default: bool,
    pub write: Write,
    /// Null is a value that a caller may write.
    pub nullable: bool,
    /// AD DS masters it on a synchronized object.
    pub mastered: bool,
    pub filter: Filter,
    /// `startsWith` works in a default query.
    pub starts: bool,
    /// `endsWith` works in an advanced query.
    pub ends: bool,
    /// `eq null` works in an advanced query.
    pub null_filter: bool,
}

impl Property {
    const fn new(name: &'static str, shape: Shape) -> Self {
        Self {
            name,
            shape,
            default: false,
            write: Write::Anyone,
            nullable: true,
            mastered: false,
            filter: Filter::No,
            starts: false,
            ends: false,
            null_filter: true,
        }
    }

    const fn text(name: &'static str, length_max: usize) -> Self {
        Self::new(name, Shape::Text(length_max))
    }

    /// Returned without `$select`.
    const fn shown(mut self) -> Self {
        self.default = true;
        self
    }

    const fn at_creation(mut self) -> Self {
        self.write = Write::AtCreation;
        self
    }

    const fn by_service(mut self) -> Self {
        self.write = Write::Nobody;
        self
    }

    const fn by_sharepoint(mut self) -> Self {
        self.write = Write::SharePoint;
        self
    }

    const fn never_null(mut self) -> Self {
        self.nullable = false;
        self
    }

    /// Filterable by `eq null` never.
    const fn no_null_filter(mut self) -> Self {
        self.null_filter = false;
        self
    }

    const fn mastered(mut self) -> Self {
        self.mastered = true;
        self
    }

    /// Filterable in a default query.
    const fn filtered(mut self) -> Self {
        self.filter = Filter::Default;
        self
    }

    /// Filterable, by its beginning too, in a default query.
    const fn searched(mut self) -> Self {
        self.filter = Filter::Default;
        self.starts = true;
        self
    }

    /// Filterable in an advanced query only.
    const fn advanced(mut self) -> Self {
        self.filter = Filter::Advanced;
        self
    }

    const fn by_ending(mut self) -> Self {
        self.ends = true;
        self
    }

    /// Whether an absent value reads as an empty list.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.shape, Shape::Texts(..) | Shape::Objects)
    }
}

/// All properties of a kind, in the order of the table.
pub(crate) fn of(kind: Kind) -> &'static [Property] {
    match kind {
        Kind::User => users::USER,
        Kind::Group => groups::GROUP,
    }
}

/// The property of this name; names are case-sensitive in bodies and answers.
pub(crate) fn find(kind: Kind, name: &str) -> Option<&'static Property> {
    of(kind).iter().find(|property| property.name == name)
}

/// Whether a name has the form of a directory extension property: `extension_{32 hex}_{name}`.
pub(crate) fn is_extension(name: &str) -> bool {
    name.strip_prefix("extension_").and_then(|rest| rest.split_once('_')).is_some_and(|(app, own)| {
        app.len() == 32
            && app.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !own.is_empty()
            && own.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_has_an_application_and_a_name() {
        assert!(is_extension("extension_0123456789abcdef0123456789abcdef_joineryPerson"));
        assert!(!is_extension("extension_0123456789abcdef_joineryPerson"));
        assert!(!is_extension("extension_0123456789abcdef0123456789abcdef_"));
    }

    #[test]
    fn no_property_is_listed_twice() {
        for kind in [Kind::User, Kind::Group] {
            let mut names: Vec<_> = of(kind).iter().map(|property| property.name).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count);
        }
    }
}
