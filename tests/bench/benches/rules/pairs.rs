//! Rules in both languages, the same in every run: the kinds of conditions that real dynamic groups are made of.
//!
//! An attribute that a user lacks is null in Entra's language, and a negative operator then holds; in CEL that is spelled out with `has`.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::company::{CITIES, COUNTRIES, DEPARTMENTS, TITLES};

/// One rule.
pub(crate) struct Pair {
    pub(crate) entra: String,
    pub(crate) cel: String,
    /// Whether it matches a regular expression.
    pub(crate) is_pattern: bool,
}

/// So many rules, ten kinds in turn.
pub(crate) fn generated(count: usize) -> Vec<Pair> {
    let mut random = StdRng::seed_from_u64(7);
    (0..count).map(|place| pair(place % 10, &mut random)).collect()
}

fn pair(kind: usize, random: &mut StdRng) -> Pair {
    let mut department = || format!("dept{:02}", random.random_range(0..DEPARTMENTS));
    let (d, e) = (department(), department());
    let mut city = || format!("city{:02}", random.random_range(0..CITIES));
    let (c, f) = (city(), city());
    let country = COUNTRIES.choose(random).expect("not empty");
    let title = TITLES.choose(random).expect("not empty");
    let (start, digit, number) = (&title[..4], random.random_range(0..10), random.random_range(0..100));
    let (entra, cel) = match kind {
        0 => (format!(r#"user.department -eq "{d}""#), is("department", &d)),
        1 => (
            format!(r#"user.department -eq "{d}" -and user.country -eq "{country}""#),
            format!("{} && {}", is("department", &d), is("country", country)),
        ),
        2 => (
            format!(r#"user.city -in ["{c}", "{f}", "city01", "city02"]"#),
            format!(r#"has(user.city) && user.city in ["{c}", "{f}", "city01", "city02"]"#),
        ),
        3 => (
            format!(r#"user.jobTitle -contains "{start}" -and user.accountEnabled -eq true"#),
            format!(r#"has(user.jobTitle) && user.jobTitle.contains("{start}") && user.accountEnabled == true"#),
        ),
        4 => (
            format!(r#"user.department -startsWith "{}" -or user.city -eq "{c}""#, &d[..5]),
            format!(r#"has(user.department) && user.department.startsWith("{}") || {}"#, &d[..5], is("city", &c)),
        ),
        5 => (
            format!(
                r#"(user.department -eq "{d}" -or user.department -eq "{e}") -and -not (user.jobTitle -startsWith "{start}")"#
            ),
            format!(
                r#"({} || {}) && !(has(user.jobTitle) && user.jobTitle.startsWith("{start}"))"#,
                is("department", &d),
                is("department", &e)
            ),
        ),
        6 => (
            format!(r#"user.userType -eq "member" -and user.country -eq "{country}" -and user.city -ne "{c}""#),
            format!(r#"user.userType == "member" && {} && !({})"#, is("country", country), is("city", &c)),
        ),
        7 => (
            format!(r#"user.mail -endsWith "@{country}.example" -and user.department -notIn ["{d}", "{e}"]"#),
            format!(
                r#"has(user.mail) && user.mail.endsWith("@{country}.example") && !(has(user.department) && user.department in ["{d}", "{e}"])"#
            ),
        ),
        8 => (
            format!(r#"user.mail -match "^u[0-9]+{digit}@""#),
            format!(r#"has(user.mail) && user.mail.matches("^u[0-9]+{digit}@")"#),
        ),
        _ => (
            format!(r#"user.otherMails -any (_ -contains "{number}")"#),
            format!(r#"user.otherMails.exists(mail, mail.contains("{number}"))"#),
        ),
    };
    Pair { entra, cel, is_pattern: kind == 8 }
}

/// An attribute has a value.
fn is(name: &str, value: &str) -> String {
    format!(r#"(has(user.{name}) && user.{name} == "{value}")"#)
}
