//! `$filter`: a parser for the part of OData that directory objects understand, the rules about which property may be
//! filtered how, and an evaluator. String comparison does not tell cases apart.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use crate::entity::{Kind, Readable};
use crate::properties::{self, Shape};
use crate::refusal::Refusal;

mod parse;

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Eq,
    Ne,
    Ge,
    Le,
}

/// Text functions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Part {
    Start,
    End,
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Flag(bool),
    /// A quoted string; bare instants, GUIDs and numbers are kept as they were written.
    Text(String),
}

/// A parsed filter. A path is the property and the members below it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare(Vec<String>, Op, Literal),
    In(Vec<String>, Vec<Literal>),
    Text(Vec<String>, Part, String),
    /// `path/any(variable: condition)`.
    Any(Vec<String>, String, Box<Filter>),
}

impl Filter {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        parse::filter(text)
    }

    /// Whether the query may be asked at all, and in the mode it was asked in.
    pub(crate) fn check(&self, kind: Kind, extension: &dyn Fn(&str) -> bool, advanced: bool) -> Result<(), Refusal> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.check(kind, extension, advanced)?;
                right.check(kind, extension, advanced)
            }
            Self::Not(inner) if advanced => inner.check(kind, extension, advanced),
            Self::Not(_) => Err(needs_advanced("Operator 'not'")),
            Self::Compare(path, op, literal) => {
                let rule = Rule::of(kind, path, extension)?;
                match (op, literal) {
                    (_, Literal::Null) if !rule.null_filter => Err(not_indexed(path)),
                    (_, Literal::Null) => {
                        advanced.then_some(()).ok_or_else(|| needs_advanced("A comparison with null"))
                    }
                    (Op::Ne, _) if !advanced => Err(needs_advanced("Operator 'ne'")),
                    (Op::Ge | Op::Le, _) if !rule.ordered && !advanced => Err(needs_advanced("Operator 'ge' or 'le'")),
                    _ => rule.allows(path, advanced),
                }
            }
            Self::In(path, _) => Rule::of(kind, path, extension)?.allows(path, advanced),
            Self::Text(path, part, _) => Rule::of(kind, path, extension)?.allows_part(path, *part, advanced),
            Self::Any(path, _, inner) => {
                let rule = Rule::of(kind, path, extension)?;
                rule.allows(path, advanced)?;
                match inner.as_ref() {
                    Self::Text(_, part, _) => rule.allows_part(path, *part, advanced),
                    Self::Not(_) | Self::Compare(_, Op::Ne, _) if !advanced => Err(needs_advanced("Operator 'ne'")),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Whether it asks about this property anywhere.
    pub(crate) fn names(&self, property: &str) -> bool {
        self.paths().iter().any(|path| path.first().is_some_and(|name| name == property))
    }

    /// Whether it asks about nothing else.
    pub(crate) fn names_only(&self, property: &str) -> bool {
        self.paths().iter().all(|path| path.first().is_some_and(|name| name == property))
    }

    fn paths(&self) -> Vec<&[String]> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => [left.paths(), right.paths()].concat(),
            Self::Not(inner) => inner.paths(),
            Self::Compare(path, ..) | Self::In(path, ..) | Self::Text(path, ..) | Self::Any(path, ..) => vec![path],
        }
    }

    /// Whether the object passes.
    pub(crate) fn passes(&self, object: &dyn Readable) -> bool {
        self.holds(&|path| follow(object, path))
    }

    fn holds<'v>(&self, read: &dyn Fn(&[String]) -> Cow<'v, Value>) -> bool {
        match self {
            Self::And(left, right) => left.holds(read) && right.holds(read),
            Self::Or(left, right) => left.holds(read) || right.holds(read),
            Self::Not(inner) => !inner.holds(read),
            Self::Compare(path, op, literal) => compare(&read(path), *op, literal),
            Self::In(path, literals) => {
                let value = read(path);
                literals.iter().any(|literal| compare(&value, Op::Eq, literal))
            }
            Self::Text(path, part, wanted) => has_part(&read(path), *part, wanted),
            Self::Any(path, variable, inner) => {
                let list = read(path);
                list.as_array().is_some_and(|items| {
                    items.iter().any(|item| inner.holds(&|path| Cow::Borrowed(below(item, path, variable))))
                })
            }
        }
    }
}

static NULL: Value = Value::Null;

fn follow<'a>(object: &'a dyn Readable, path: &[String]) -> Cow<'a, Value> {
    match path {
        [property] => object.read(property),
        [property, count] if count == "$count" => {
            let items = object.read(property).as_array().map_or(0, Vec::len);
            Cow::Owned(Value::from(items))
        }
        [property, rest @ ..] => {
            let value = object.read(property);
            let found = rest.iter().try_fold(value.as_ref(), |value, name| value.get(name));
            Cow::Owned(found.cloned().unwrap_or(Value::Null))
        }
        [] => Cow::Borrowed(&NULL),
    }
}

/// A path inside `any`: the variable itself, or a member of what it stands for.
fn below<'v>(item: &'v Value, path: &[String], variable: &str) -> &'v Value {
    match path {
        [first, rest @ ..] if first == variable => {
            rest.iter().try_fold(item, |value, name| value.get(name)).unwrap_or(&NULL)
        }
        _ => &NULL,
    }
}

fn same_text(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || one.to_lowercase() == other.to_lowercase()
}

fn compare(value: &Value, op: Op, literal: &Literal) -> bool {
    let equal = match (value, literal) {
        (Value::Null, Literal::Null) => true,
        (Value::Bool(value), Literal::Flag(wanted)) => value == wanted,
        (Value::String(value), Literal::Text(wanted)) if matches!(op, Op::Eq | Op::Ne) => same_text(value, wanted),
        (Value::String(value), Literal::Text(wanted)) => {
            let order = match (value.parse::<Timestamp>(), wanted.parse::<Timestamp>()) {
                (Ok(value), Ok(wanted)) => value.cmp(&wanted),
                _ => value.to_lowercase().cmp(&wanted.to_lowercase()),
            };
            return if op == Op::Ge { order.is_ge() } else { order.is_le() };
        }
        (Value::Number(value), Literal::Text(wanted)) => value.to_string() == *wanted,
        _ => false,
    };
    match op {
        Op::Eq => equal,
        Op::Ne => !equal,
        Op::Ge | Op::Le => false,
    }
}

fn has_part(value: &Value, part: Part, wanted: &str) -> bool {
    let Some(text) = value.as_str().map(str::to_lowercase) else { return false };
    match part {
        Part::Start => text.starts_with(&wanted.to_lowercase()),
        Part::End => text.ends_with(&wanted.to_lowercase()),
    }
}

/// What the tables say about one path.
#[expect(clippy::struct_excessive_bools, reason = "a row of a table: every column is a yes or a no")]
struct Rule {
    filter: properties::Filter,
    starts: bool,
    ends: bool,
    null_filter: bool,
    /// `ge` and `le` work in a default query.
    ordered: bool,
}

impl Rule {
    fn of(kind: Kind, path: &[String], extension: &dyn Fn(&str) -> bool) -> Result<Self, Refusal> {
        let name = path.first().map(String::as_str).unwrap_or_default();
        let default = properties::Filter::Default;
        let plain = Self { filter: default, starts: true, ends: false, null_filter: true, ordered: false };
        if path.len() == 1 && properties::is_extension(name) {
            return if extension(name) { Ok(plain) } else { Err(Refusal::unknown_property(name, kind.name())) };
        }
        if kind == Kind::User && matches!(path, [manager, id] if manager == "manager" && id == "id") {
            return Ok(Self { starts: false, null_filter: false, ..plain });
        }
        let Some(property) = properties::find(kind, name) else {
            return Err(Refusal::unknown_property(name, kind.name()));
        };
        let filter = match (path, property.shape) {
            ([_], _) | ([_, _], Shape::Object(..)) => property.filter,
            // Counting a list works from the index only.
            ([_, count], Shape::Objects | Shape::Texts(..)) if count == "$count" => properties::Filter::Advanced,
            _ => return Err(not_indexed(path)),
        };
        Ok(Self {
            filter,
            starts: property.starts,
            ends: property.ends,
            null_filter: property.null_filter && filter != properties::Filter::No,
            // Sign-in activity is a set of instants.
            ordered: property.shape == Shape::Instant || name == "signInActivity",
        })
    }

    fn allows(&self, path: &[String], advanced: bool) -> Result<(), Refusal> {
        match self.filter {
            properties::Filter::No => Err(not_indexed(path)),
            properties::Filter::Advanced if !advanced => Err(not_indexed(path)),
            properties::Filter::Advanced | properties::Filter::Default => Ok(()),
        }
    }

    fn allows_part(&self, path: &[String], part: Part, advanced: bool) -> Result<(), Refusal> {
        self.allows(path, advanced)?;
        match part {
            Part::Start if self.starts || advanced => Ok(()),
            Part::Start => Err(needs_advanced("startsWith on this property")),
            Part::End if !self.ends => Err(not_indexed(path)),
            Part::End if !advanced => Err(needs_advanced("Operator 'endsWith'")),
            Part::End => Ok(()),
        }
    }
}

fn needs_advanced(what: &str) -> Refusal {
    Refusal::unsupported_query(format!(
        "{what} is not supported because the 'ConsistencyLevel:eventual' header or the '$count=true' parameter is missing. \
         Refer to https://aka.ms/graph-docs/advanced-queries for more information"
    ))
}

fn not_indexed(path: &[String]) -> Refusal {
    Refusal::unsupported_query(format!(
        "Unsupported or invalid query filter clause specified for property '{}': a filter property that is not indexed.",
        path.join("/")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::User;
    use crate::ids::Guid;
    use serde_json::json;

    fn user() -> User {
        let properties = json!({
            "displayName": "Zoë O'Neil", "userPrincipalName": "zoe@contoso.example", "accountEnabled": true,
            "department": "Sales", "createdDateTime": "2026-03-02T08:00:00Z", "companyName": null,
            "proxyAddresses": ["SMTP:zoe@contoso.example", "smtp:z@contoso.example"],
            "employeeOrgData": {"division": "North"},
        });
        let Value::Object(properties) = properties else { unreachable!() };
        User { properties, manager: Some(Guid::from_u128(7)), ..User::default() }
    }

    fn check(filter: &str, passes: bool) {
        let user = user();
        assert_eq!(Filter::parse(filter).unwrap().passes(&(Guid::from_u128(1), &user)), passes, "{filter}");
    }

    #[test]
    fn filters_are_evaluated_as_odata_says() {
        check("displayName eq 'zoë o''neil'", true);
        check("displayName eq 'Zoe'", false);
        check("accountEnabled eq true and department eq 'sales'", true);
        check("accountEnabled eq false or department eq 'Legal' or department eq 'Sales'", true);
        check("not(department eq 'Sales')", false);
        check("not department eq 'Legal' and accountEnabled eq true", true);
        check("department in ('Legal', 'SALES')", true);
        check("department ne 'Legal'", true);
        check("jobTitle ne 'Clerk'", true);
        check("companyName eq null", true);
        check("startsWith(userPrincipalName,'ZOE')", true);
        check("startswith(department, 'x')", false);
        check("endsWith(userPrincipalName, '@CONTOSO.example')", true);
        check("proxyAddresses/any(p:p eq 'smtp:z@contoso.example')", true);
        check("proxyAddresses/any(p:startsWith(p,'smtp:q'))", false);
        check("createdDateTime ge 2026-03-01T00:00:00Z and createdDateTime le 2026-03-02T10:00:00+02:00", true);
        check("createdDateTime ge 2026-03-03T00:00:00Z", false);
        check("(department eq 'Legal' or department eq 'Sales') and accountEnabled eq false", false);
        check("employeeOrgData/division eq 'north'", true);
        check("manager/id eq '00000000-0000-0000-0000-000000000007'", true);
        check("proxyAddresses/$count eq 2 and assignedLicenses/$count eq 0", true);
        check("assignedLicenses/$count ne 0", false);
        check("id eq '00000000-0000-0000-0000-000000000001'", true);
    }

    fn verdict(filter: &str, advanced: bool) -> Option<String> {
        let parsed = Filter::parse(filter).unwrap();
        parsed.check(Kind::User, &|_| true, advanced).err().map(|refusal| refusal.code.into_owned())
    }

    #[test]
    fn some_filters_work_in_advanced_queries_only() {
        for filter in [
            "department ne 'Sales'",
            "not(department eq 'Sales')",
            "department eq null",
            "companyName eq 'Contoso'",
            "employeeType eq 'Employee'",
            "startsWith(employeeId,'1')",
            "endsWith(mail,'x')",
            "onPremisesExtensionAttributes/extensionAttribute1 eq 'x'",
            "assignedLicenses/$count eq 0",
        ] {
            assert_eq!(verdict(filter, false).as_deref(), Some("Request_UnsupportedQuery"), "{filter}");
            assert_eq!(verdict(filter, true), None, "{filter}");
        }
    }

    #[test]
    fn some_filters_never_work() {
        for filter in [
            "accountEnabled eq null",
            "userPrincipalName eq null",
            "passwordPolicies eq 'None'",
            "endsWith(department,'x')",
            "department/name eq 'x'",
        ] {
            assert_eq!(verdict(filter, true).as_deref(), Some("Request_UnsupportedQuery"), "{filter}");
        }
        assert_eq!(verdict("shoeSize eq '44'", true).as_deref(), Some("Request_BadRequest"));
    }

    #[test]
    fn some_filters_work_in_default_queries() {
        for filter in [
            "employeeId eq '17'",
            "startsWith(department,'S')",
            "proxyAddresses/any(p:p eq 'x')",
            "department in ('a','b')",
            "assignedLicenses/any(x:x/skuId eq 06ebc4ee-1bb5-47dd-8120-11324bc54e06)",
            "createdDateTime ge 2026-01-01T00:00:00Z",
            "extension_0123456789abcdef0123456789abcdef_joineryPerson eq 'bamboo:1'",
            "manager/id eq 'x'",
        ] {
            assert_eq!(verdict(filter, false), None, "{filter}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for filter in [
            "",
            "department",
            "department eq",
            "department eq 'x",
            "(a eq 'b'",
            "a eq 'b' and",
            "a gt 'b'",
            "a eq 'b' x",
        ] {
            assert!(Filter::parse(filter).is_err(), "{filter}");
        }
    }
}
