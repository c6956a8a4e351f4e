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
        Self::any("proxyAddresses", &format!("smtp:{address}"))
    }

    /// Who names this address among the other mails.
    pub fn other_mail(address: &str) -> Self {
        Self::any("otherMails", address)
    }

    /// Members or guests.
    pub fn user_type(value: &str) -> Self {
        Self::eq("userType", value)
    }

    /// Either of two filters.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(format!("({}) or ({})", self.0, other.0))
    }

    /// Both of two filters.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(format!("({}) and ({})", self.0, other.0))
    }

    /// The expression as it goes into the query, not yet percent-encoded.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn any(collection: &str, value: &str) -> Self {
        Self(format!("{collection}/any(p:p eq {})", quote(value)))
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
        check(
            Filter::employee_id("1").or(Filter::other_mail("a@b.example")),
            "(employeeId eq '1') or (otherMails/any(p:p eq 'a@b.example'))",
        );
    }
}
