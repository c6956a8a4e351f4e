//! `$filter` expressions with their values quoted.

use std::fmt;

/// A `$filter`. Built from the few shapes we use, so that no value reaches Graph unquoted; a single quote in a value is
/// doubled ("Use the `$filter` query parameter"). It holds addresses and numbers of people, hence prints nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Filter(String);

impl Filter {
    /// `property eq 'value'`, for `employeeId`, `userPrincipalName`, `mail` or an extension property's full name.
    pub fn eq(property: &str, value: &str) -> Self {
        Self(format!("{property} eq {}", quote(value)))
    }

    /// Who holds this employee number. It is evidence for a match, not identity.
    pub fn employee_id(value: &str) -> Self {
        Self::eq("employeeId", value)
    }

    /// Who holds this address as a proxy address. Graph compares without regard to case, so `smtp:` finds `SMTP:` too.
    pub fn proxy_address(address: &str) -> Self {
        let value = quote(&format!("smtp:{address}"));
        Self(format!("proxyAddresses/any(p:p eq {value})"))
    }

    /// What fits any of several. At most [`Filter::ALTERNATIVES_MAX`], further ones are left out; None: there are none.
    pub fn any(alternatives: impl IntoIterator<Item = Self>) -> Option<Self> {
        let alternatives: Vec<String> =
            alternatives.into_iter().take(Self::ALTERNATIVES_MAX).map(|filter| filter.0).collect();
        (!alternatives.is_empty()).then(|| Self(alternatives.join(" or ")))
    }

    /// Longer chains Graph refuses as too complex ("Use the `$filter` query parameter").
    pub const ALTERNATIVES_MAX: usize = 15;

    /// The expression as it goes into the query, not yet percent-encoded.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter(…)")
    }
}

fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_are_joined_and_nothing_is_no_filter() {
        let both = Filter::any([Filter::employee_id("7"), Filter::eq("mail", "a@x.example")]).unwrap();
        assert_eq!(both.as_str(), "employeeId eq '7' or mail eq 'a@x.example'");
        assert_eq!(Filter::any([]), None);
        let many = Filter::any((0..100).map(|n| Filter::employee_id(&n.to_string()))).unwrap();
        assert_eq!(many.as_str().matches(" or ").count(), Filter::ALTERNATIVES_MAX - 1);
    }

    #[test]
    fn values_are_quoted_and_quotes_doubled() {
        let check = |filter: Filter, expected: &str| assert_eq!(filter.as_str(), expected);
        check(Filter::employee_id("1042"), "employeeId eq '1042'");
        check(
            Filter::proxy_address("pat.o'neil@contoso.example"),
            "proxyAddresses/any(p:p eq 'smtp:pat.o''neil@contoso.example')",
        );
        check(
            Filter::eq("extension_00_joineryPerson", "bamboo:1' or 'a' eq 'a"),
            "extension_00_joineryPerson eq 'bamboo:1'' or ''a'' eq ''a'",
        );
    }
}
