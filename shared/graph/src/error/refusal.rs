//! Graph's documented refusals, and the one table that recognizes them.
//!
//! Clients should branch on status and code alone ("Microsoft Graph error responses and resource types"), but for
//! licenses and conflicts the code is always `Request_BadRequest` and only the text differs. So the texts are read here
//! and nowhere else; a text that is not in the table is no refusal we know, and the caller gets
//! [`Error::Undocumented`](super::Error::Undocumented), which repeats nothing and has a person look.

use super::{ErrorBody, identifier};

/// A refusal whose meaning is known. Nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Somebody has that user principal name.
    #[error("the user principal name is taken")]
    UpnTaken,
    /// Another object has the same value of a property that must be unique, for instance `proxyAddresses`.
    #[error("another object has the same {property}")]
    ObjectConflict {
        /// The property.
        property: Box<str>,
    },
    /// The person is already a member (of one of several added at once: none was added).
    #[error("already a member")]
    AlreadyMember,
    /// The object, or one it refers to, is not there — or not yet visible.
    #[error("not found")]
    NotFound,
    /// What should be an id is none.
    #[error("the id is malformed")]
    MalformedId,
    /// The guest is already in the directory.
    #[error("the invited user exists already as {id}")]
    AlreadyInvited {
        /// Its object id.
        id: Box<str>,
    },
    /// No license before there is a usage location.
    #[error("the user has no usage location")]
    LocationMissing,
    /// No seat is free.
    #[error("no seat is free for {sku}")]
    NoSeats {
        /// The product.
        sku: Box<str>,
    },
    /// The tenant does not own the product.
    #[error("the tenant has no license {sku}")]
    NotCompanyLicense {
        /// The product.
        sku: Box<str>,
    },
    /// The product is for companies, not for users.
    #[error("the license cannot be assigned to a user")]
    NotForUsers,
    /// Two service plans exclude each other.
    #[error("service plans are mutually exclusive")]
    MutuallyExclusive,
    /// A service plan lacks the one it depends on, or removing it would strand another.
    #[error("a service plan depends on another")]
    DependencyMissing,
    /// The license comes from a group and is removed there.
    #[error("the license is inherited from a group")]
    LicenseInherited,
    /// The license to remove is not there.
    #[error("the user does not have the license")]
    LicenseNotHeld,
    /// The password is too weak or banned.
    #[error("the password is too weak")]
    WeakPassword,
    /// The name's domain is not a verified one of the tenant.
    #[error("the domain is not a verified one")]
    InvalidDomain,
    /// Mastered on-premises: read-only here. One such property fails the whole change.
    #[error("synchronized from on-premises and read-only here")]
    ReadOnlySynced,
    /// The user's default method goes last.
    #[error("the default authentication method cannot be removed before the others")]
    DefaultMethod,
    /// Members of this group are managed in Exchange.
    #[error("the group is mail-enabled and read-only here")]
    MailEnabledGroup,
    /// A permission is missing, the target is an administrator, or the group is dynamic: Graph says the same of all.
    #[error("insufficient privileges")]
    InsufficientPrivileges,
    /// Another write was under way. Nothing was done; serialize per user and try again.
    #[error("another change was under way")]
    Concurrency,
    /// The directory's quota of objects is used up.
    #[error("the directory quota is exceeded")]
    QuotaExceeded,
    /// A property's value is refused.
    #[error("bad value for {}", .property.as_deref().unwrap_or("some property"))]
    BadValue {
        /// The property, if Graph says which.
        property: Option<Box<str>>,
    },
    /// A property must be given.
    #[error("{property} is missing")]
    MissingValue {
        /// The property.
        property: Box<str>,
    },
    /// The same id twice in one request.
    #[error("the request names a value twice")]
    DuplicateInRequest,
    /// The filter, order or search is not supported.
    #[error("the query is not supported")]
    UnsupportedQuery,
}

/// What a text means.
enum Meaning {
    /// Always the same.
    Plain(Refusal),
    /// The same about the one word that stands where the pattern has `{}`, if that looks like an identifier.
    About(fn(Box<str>) -> Refusal),
}

use Meaning::{About, Plain};

/// Texts with one meaning each, tried in order, case ignored. Sources: Microsoft's support articles and reference
/// pages, and public captures of answers.
#[rustfmt::skip] // a table reads by its lines
static TEXTS: &[(&str, Meaning)] = &[
    ("Another object with the same value for property {}", About(taken)),
    ("One or more added object references already exist", Plain(Refusal::AlreadyMember)),
    ("already exists in the directory as object ID: {}", About(|id| Refusal::AlreadyInvited { id })),
    ("invalid usage location", Plain(Refusal::LocationMissing)),
    ("Subscription with SKU {} does not have any available licenses", About(|sku| Refusal::NoSeats { sku })),
    ("License {} does not correspond to a valid company License", About(|sku| Refusal::NotCompanyLicense { sku })),
    ("cannot be assigned to a user", Plain(Refusal::NotForUsers)),
    ("are mutually exclusive", Plain(Refusal::MutuallyExclusive)),
    ("depends on the service plan(s)", Plain(Refusal::DependencyMissing)),
    ("inherited from a group membership", Plain(Refusal::LicenseInherited)),
    ("User does not have a corresponding license", Plain(Refusal::LicenseNotHeld)),
    ("does not comply with password complexity requirements", Plain(Refusal::WeakPassword)),
    ("domain portion of the userPrincipalName property is invalid", Plain(Refusal::InvalidDomain)),
    ("on-premises mastered Directory Sync objects", Plain(Refusal::ReadOnlySynced)),
    ("Cannot delete default method", Plain(Refusal::DefaultMethod)),
    ("current default authentication method", Plain(Refusal::DefaultMethod)),
    ("mail-enabled security groups and or distribution list", Plain(Refusal::MailEnabledGroup)),
    ("concurrent requests being made", Plain(Refusal::Concurrency)),
    ("Invalid object identifier", Plain(Refusal::MalformedId)),
    ("Cannot convert a primitive value to the expected type 'Edm.Guid'", Plain(Refusal::MalformedId)),
    ("A value is required for property '{}'", About(|property| Refusal::MissingValue { property })),
    ("Invalid value specified for property '{}'", About(|property| Refusal::BadValue { property: Some(property) })),
    ("Property '{}' is read-only and cannot be set", About(|property| Refusal::BadValue { property: Some(property) })),
    ("One or more properties contains invalid values", Plain(Refusal::BadValue { property: None })),
    ("Request contains a property with duplicate values", Plain(Refusal::DuplicateInRequest)),
    // Last, because it is the loosest: `Property userPrincipalName is invalid.`, `Property netId is invalid`.
    ("Property {} is invalid", About(|property| Refusal::BadValue { property: Some(property) })),
];

/// The refusal behind a 4xx, if it is one we know.
pub(crate) fn recognize(status: u16, error: &ErrorBody) -> Option<Refusal> {
    by_details(error).or_else(|| by_text(status, error)).or_else(|| by_code(status, error))
}

/// Details are the one structured thing: `{"code":"ObjectConflict","target":"userPrincipalName"}`.
fn by_details(error: &ErrorBody) -> Option<Refusal> {
    let details = error.details.as_deref().unwrap_or_default();
    let conflict = details.iter().find(|detail| detail.code.as_deref() == Some("ObjectConflict"))?;
    Some(taken(identifier(conflict.target.as_deref()?)?))
}

/// Texts are trusted on client errors only.
fn by_text(status: u16, error: &ErrorBody) -> Option<Refusal> {
    if !(400..500).contains(&status) {
        return None;
    }
    let message = error.message.as_deref()?;
    TEXTS.iter().find_map(|(pattern, meaning)| {
        let word = find(pattern, message)?;
        match meaning {
            Plain(refusal) => Some(refusal.clone()),
            About(refusal) => Some(refusal(identifier(word)?)),
        }
    })
}

fn by_code(status: u16, error: &ErrorBody) -> Option<Refusal> {
    match (status, error.code.as_deref().unwrap_or_default()) {
        (400 | 403, "Directory_QuotaExceeded") => Some(Refusal::QuotaExceeded),
        (403, "Authorization_RequestDenied" | "accessDenied" | "Forbidden") => Some(Refusal::InsufficientPrivileges),
        (404, "Request_ResourceNotFound" | "ResourceNotFound" | "itemNotFound" | "resourceNotFound") => {
            Some(Refusal::NotFound)
        }
        (409, "Directory_ConcurrencyViolation") => Some(Refusal::Concurrency),
        (400, "Request_UnsupportedQuery") => Some(Refusal::UnsupportedQuery),
        _ => None,
    }
}

fn taken(property: Box<str>) -> Refusal {
    if property.eq_ignore_ascii_case("userPrincipalName") {
        Refusal::UpnTaken
    } else {
        Refusal::ObjectConflict { property }
    }
}

/// What stands for `{}` in `pattern` where `text` holds it, or an empty string for a pattern without a gap.
fn find<'t>(pattern: &str, text: &'t str) -> Option<&'t str> {
    let Some((before, after)) = pattern.split_once("{}") else {
        return position(text, pattern).map(|_| "");
    };
    let rest = text.get(position(text, before)? + before.len()..)?;
    let word = rest.split(|c: char| c.is_whitespace() || matches!(c, '\'' | ';' | ',')).next()?;
    let tail = rest.get(word.len()..)?;
    let holds = tail.get(..after.len()).is_some_and(|tail| tail.eq_ignore_ascii_case(after));
    holds.then(|| word.trim_end_matches('.'))
}

/// Where `needle` begins in `text`, ASCII case ignored.
fn position(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes().windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::{super::Body, *};

    /// One captured answer and what it must be read as (`null`: a refusal we do not know).
    #[derive(Deserialize)]
    struct Case {
        status: u16,
        body: serde_json::Value,
        meaning: Option<String>,
    }

    #[test]
    fn every_answer_of_the_corpus_is_read_as_what_it_means() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../corpus/refusals.json")).unwrap();
        assert!(cases.len() > 30);
        for Case { status, body, meaning } in cases {
            let error: Body = serde_json::from_value(body.clone()).unwrap();
            let refusal = recognize(status, &error.error).map(|refusal| refusal.to_string());
            assert_eq!(refusal, meaning, "{status} {body}");
        }
    }

    #[test]
    fn every_row_of_the_table_is_met_by_the_corpus() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../corpus/refusals.json")).unwrap();
        let texts: Vec<&str> = cases.iter().filter_map(|case| case.body["error"]["message"].as_str()).collect();
        for (pattern, _) in TEXTS {
            assert!(texts.iter().any(|text| find(pattern, text).is_some()), "no answer shows `{pattern}`");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_table_fail_or_leak(text in ".{0,200}", row in 0..TEXTS.len()) {
            let message = TEXTS[row].0.replace("{}", &text);
            let error = ErrorBody { message: Some(message), ..ErrorBody::default() };
            if let Some(refusal) = recognize(400, &error) {
                let printed = refusal.to_string();
                prop_assert!(printed.is_ascii() && !printed.contains('@'), "{printed}");
            }
        }
    }
}
