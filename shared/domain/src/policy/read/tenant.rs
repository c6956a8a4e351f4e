//! `[tenant]`.

use toml::de::DeTable;

use super::super::fault::Fault;
use super::super::table::{Placed, Report, Table};
use super::super::{Tenant, schema};
use super::time_zone;
use crate::country;
use crate::naming::DOMAIN_MAX;

const SETTLE_MS: u64 = 300_000;

pub(super) fn read<'t>(table: Placed<&'t DeTable<'t>>, report: &mut Report) -> Option<Tenant> {
    let table = Table::open("`[tenant]`", &schema::TENANT, table.at, table.value, report);
    let domain = table.text("domain").and_then(|text| domain(&text, report));
    let zone = table.text("time_zone").and_then(|text| time_zone(&text, report));
    let anchor = table.text("anchor").and_then(|text| anchor(&text, report));
    let usage_location = table.text("usage_location").and_then(|text| country(&text, report));
    Some(Tenant {
        domain: domain?,
        time_zone: zone?,
        anchor: anchor?,
        settle_ms: table.integer("settle_ms").unwrap_or(SETTLE_MS),
        usage_location,
    })
}

fn domain(text: &Placed<&str>, report: &mut Report) -> Option<String> {
    let name = text.value.to_ascii_lowercase();
    let label = |label: &str| {
        let plain = label.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric());
        plain && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    let fault = |message: &str| Fault::new(text.at.clone(), message);
    if !name.contains('.') || !name.split('.').all(label) {
        let help = "write it like `contoso.example`: no `@`, no `https://`, no accents";
        report.add(fault("`domain` is not a domain name").help(help));
    } else if name.len() > DOMAIN_MAX {
        let help = format!("at most {DOMAIN_MAX} characters may follow the `@` of a user principal name");
        report.add(fault("`domain` is too long").help(help));
    } else {
        return Some(name);
    }
    None
}

fn anchor(text: &Placed<&str>, report: &mut Report) -> Option<String> {
    let name_of =
        |rest: &str| rest.split_once('_').map(|(application, name)| (application.to_owned(), name.to_owned()));
    let parts = text.value.strip_prefix("extension_").and_then(name_of);
    let is_name = |name: &str| {
        let plain = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
        plain && name.len() <= 64 && name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
    };
    let is_application = |id: &str| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let problem = match &parts {
        Some((application, name)) if is_application(application) && is_name(name) => {
            return Some(text.value.to_owned());
        }
        Some((application, _)) if application.contains('-') => "write the application id without its dashes",
        Some((application, _)) if !is_application(application) => {
            "after `extension_` comes the application id (client id) that owns the property: 32 hex digits"
        }
        Some(_) => "its name is a letter, then letters, digits and `_`, at most 64 in all",
        None => "write `extension_{application id, 32 hex digits}_{name}`: a directory extension",
    };
    report.add(Fault::new(text.at.clone(), "`anchor` is not the name of a directory extension").help(problem));
    None
}

fn country(text: &Placed<&str>, report: &mut Report) -> Option<String> {
    if country::is_country(text.value) {
        return Some(text.value.to_owned());
    }
    let fault = Fault::new(text.at.clone(), "`usage_location` is not a country code");
    report.add(match country::meant(text.value) {
        Some(code) => fault.help(format!("write `{code}`")),
        None => fault.help("write the two letters of ISO 3166-1, such as `NL`"),
    });
    None
}
