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
    #[error("the invited user exists already")]
    AlreadyInvited {
        /// Its object id, if Graph said it.
        id: Option<Box<str>>,
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
    #[error("bad value for {property}")]
    BadValue {
        /// The property; `?` when Graph does not say which.
        property: Box<str>,
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

/// What a text means; the argument is what stood where the pattern has `{}`.
type Meaning = fn(&str) -> Option<Refusal>;

/// Texts with one meaning each, tried in order, case ignored; `{}` stands for one word. Sources: Microsoft's support
/// articles and reference pages, and public captures of answers.
const TEXTS: &[(&str, Meaning)] = &[
    ("Another object with the same value for property {}", |p| {
        taken(p)
    }),
    ("One or more added object references already exist", |_| {
        Some(Refusal::AlreadyMember)
    }),
    ("already exists in the directory as object ID: {}", |id| {
        Some(Refusal::AlreadyInvited { id: identifier(id) })
    }),
    ("invalid usage location", |_| Some(Refusal::LocationMissing)),
    (
        "Subscription with SKU {} does not have any available licenses",
        |s| {
            Some(Refusal::NoSeats {
                sku: identifier(s)?,
            })
        },
    ),
    (
        "License {} does not correspond to a valid company License",
        |s| {
            Some(Refusal::NotCompanyLicense {
                sku: identifier(s)?,
            })
        },
    ),
    ("cannot be assigned to a user", |_| {
        Some(Refusal::NotForUsers)
    }),
    ("are mutually exclusive", |_| {
        Some(Refusal::MutuallyExclusive)
    }),
    ("depends on the service plan(s)", |_| {
        Some(Refusal::DependencyMissing)
    }),
    ("inherited from a group membership", |_| {
        Some(Refusal::LicenseInherited)
    }),
    (
        "does not comply with password complexity requirements",
        |_| Some(Refusal::WeakPassword),
    ),
    (
        "domain portion of the userPrincipalName property is invalid",
        |_| Some(Refusal::InvalidDomain),
    ),
    ("on-premises mastered Directory Sync objects", |_| {
        Some(Refusal::ReadOnlySynced)
    }),
    ("Cannot delete default method", |_| {
        Some(Refusal::DefaultMethod)
    }),
    ("current default authentication method", |_| {
        Some(Refusal::DefaultMethod)
    }),
    (
        "mail-enabled security groups and or distribution list",
        |_| Some(Refusal::MailEnabledGroup),
    ),
    ("concurrent requests being made", |_| {
        Some(Refusal::Concurrency)
    }),
    ("Invalid object identifier", |_| Some(Refusal::MalformedId)),
    (
        "Cannot convert a primitive value to the expected type 'Edm.Guid'",
        |_| Some(Refusal::MalformedId),
    ),
    ("A value is required for property '{}'", |p| {
        Some(Refusal::MissingValue {
            property: identifier(p)?,
        })
    }),
    ("Invalid value specified for property '{}'", |p| {
        Some(Refusal::BadValue {
            property: identifier(p)?,
        })
    }),
    ("Request contains a property with duplicate values", |_| {
        Some(Refusal::DuplicateInRequest)
    }),
    ("One or more properties contains invalid values", |_| {
        Some(Refusal::BadValue {
            property: "?".into(),
        })
    }),
    // Last, because it is the loosest: `Property userPrincipalName is invalid.`, `Property netId is invalid`.
    ("Property {} is invalid", |p| {
        Some(Refusal::BadValue {
            property: identifier(p)?,
        })
    }),
];

/// The refusal behind a 4xx, if it is one we know.
pub(crate) fn recognize(status: u16, error: &ErrorBody) -> Option<Refusal> {
    by_details(error)
        .or_else(|| by_text(status, error))
        .or_else(|| by_code(status, error))
}

/// Details are the one structured thing: `{"code":"ObjectConflict","target":"userPrincipalName"}`.
fn by_details(error: &ErrorBody) -> Option<Refusal> {
    let details = error.details.as_deref().unwrap_or_default();
    let conflict = details
        .iter()
        .find(|detail| detail.code.as_deref() == Some("ObjectConflict"))?;
    taken(conflict.target.as_deref()?)
}

/// Texts are trusted on client errors only.
fn by_text(status: u16, error: &ErrorBody) -> Option<Refusal> {
    if !(400..500).contains(&status) {
        return None;
    }
    let message = error.message.as_deref()?;
    TEXTS
        .iter()
        .find_map(|(pattern, meaning)| meaning(find(pattern, message)?))
}

fn by_code(status: u16, error: &ErrorBody) -> Option<Refusal> {
    match (status, error.code.as_deref().unwrap_or_default()) {
        (400 | 403, "Directory_QuotaExceeded") => Some(Refusal::QuotaExceeded),
        (403, "Authorization_RequestDenied" | "accessDenied" | "Forbidden") => {
            Some(Refusal::InsufficientPrivileges)
        }
        (
            404,
            "Request_ResourceNotFound" | "ResourceNotFound" | "itemNotFound" | "resourceNotFound",
        ) => Some(Refusal::NotFound),
        (409, "Directory_ConcurrencyViolation") => Some(Refusal::Concurrency),
        (400, "Request_UnsupportedQuery") => Some(Refusal::UnsupportedQuery),
        _ => None,
    }
}

fn taken(property: &str) -> Option<Refusal> {
    match identifier(property)? {
        property if property.eq_ignore_ascii_case("userPrincipalName") => Some(Refusal::UpnTaken),
        property => Some(Refusal::ObjectConflict { property }),
    }
}

/// What stands for `{}` in `pattern` where `text` holds it, or an empty string for a pattern without a gap.
fn find<'t>(pattern: &str, text: &'t str) -> Option<&'t str> {
    let Some((before, after)) = pattern.split_once("{}") else {
        return position(text, pattern).map(|_| "");
    };
    let rest = text.get(position(text, before)? + before.len()..)?;
    let word = rest
        .split(|c: char| c.is_whitespace() || matches!(c, '\'' | ';' | ','))
        .next()?;
    let tail = rest.get(word.len()..)?;
    let holds = tail
        .get(..after.len())
        .is_some_and(|tail| tail.eq_ignore_ascii_case(after));
    holds.then(|| word.trim_end_matches('.'))
}

/// Where `needle` begins in `text`, ASCII case ignored.
fn position(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes()
        .windows(needle.len())
        .position(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
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
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../corpus/refusals.json")).unwrap();
        assert!(cases.len() > 30);
        for Case {
            status,
            body,
            meaning,
        } in cases
        {
            let error: Body = serde_json::from_value(body.clone()).unwrap();
            let refusal = recognize(status, &error.error).map(|refusal| refusal.to_string());
            assert_eq!(refusal, meaning, "{status} {body}");
        }
    }

    #[test]
    fn every_row_of_the_table_is_met_by_the_corpus() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../corpus/refusals.json")).unwrap();
        let texts: Vec<&str> = cases
            .iter()
            .filter_map(|case| case.body["error"]["message"].as_str())
            .collect();
        for (pattern, _) in TEXTS {
            assert!(
                texts.iter().any(|text| find(pattern, text).is_some()),
                "no answer shows `{pattern}`"
            );
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
