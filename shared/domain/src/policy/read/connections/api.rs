//! `api` of a connection: where its records are read back.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::super::fault::Fault;
use super::super::super::table::{Placed, Report, Table};
use super::super::super::{Api, SecretRef, Source, schema};
use super::super::brakes;

/// The longest part of a host name.
const COMPANY_MAX: usize = 63;

pub(super) fn read<'t>(source: Option<Source>, table: Placed<&'t DeTable<'t>>, report: &mut Report) -> Option<Api> {
    let table = Table::open("`api`", &schema::API, table.at, table.value, report);
    let company = table.text("company").and_then(|text| company(&text, report));
    let key = table.text("key").and_then(|text| brakes::secret(&text, report));
    let written = table.text("base_url").map(|text| base_url(&text, report));
    let Some(default) = source?.api_url() else {
        let message = format!("records of `{}` are not read back by this version", source?);
        report.add(Fault::new(table.at.clone(), message).help("remove `api`"));
        return None;
    };
    let base_url = written.unwrap_or_else(|| Some(default.to_owned()));
    Some(Api { company: company?, key: key?, base_url: base_url? })
}

fn company(text: &Placed<&str>, report: &mut Report) -> Option<String> {
    let is_label = |name: &str| {
        let plain = name.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric());
        plain && (1..=COMPANY_MAX).contains(&name.len())
    };
    if is_label(text.value) {
        return Some(text.value.to_owned());
    }
    let host = text.value.trim_start_matches("https://");
    let first = host.split_once('.').map(|(first, _)| first).filter(|first| is_label(first));
    let help = match first {
        Some(first) => format!("write `{first}`"),
        None => "write the first part of the company's address: `acme` for https://acme.bamboohr.com".to_owned(),
    };
    report.add(Fault::new(text.at.clone(), "`company` is not a company's name in an address").help(help));
    None
}

/// Scheme, host and port. A user's name, a path or a query has no place in it.
fn base_url(text: &Placed<&str>, report: &mut Report) -> Option<String> {
    let url = text.value.trim_end_matches('/');
    let (scheme, authority) = url.split_once("://").unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    if is_port && (scheme == "https" && is_host(host) || scheme == "http" && is_loopback(host)) {
        return Some(url.to_owned());
    }
    let (message, help) = if scheme == "http" && is_host(host) && is_port {
        ("`base_url` would send the key in the clear", "write `https://`; plain `http://` is for this machine only")
    } else {
        ("`base_url` is not the address of an API", "write it like `https://api.bamboohr.com`: no user, no path")
    };
    report.add(Fault::new(text.at.clone(), message).help(help));
    None
}

fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        let plain = label.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric());
        plain && (1..=63).contains(&label.len())
    };
    host == "[::1]" || host.split('.').all(label)
}

fn is_loopback(host: &str) -> bool {
    let ip = host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback());
    ip || host == "[::1]" || host.eq_ignore_ascii_case("localhost")
}

/// Whatever stands in `api` and is neither a reference nor known to be harmless may be the key itself.
pub(super) fn conceal_key(connection: &Spanned<DeValue<'_>>, report: &mut Report) {
    let Some(api) = connection.get_ref().get("api") else { return };
    let Some(table) = api.get_ref().as_table() else {
        report.conceal(api.span());
        return;
    };
    for (name, value) in table {
        let is_reference = value.get_ref().as_str().is_some_and(|text| text.parse::<SecretRef>().is_ok());
        let is_harmless = matches!(name.get_ref().as_ref(), "company" | "base_url") && value.get_ref().is_str();
        if !is_reference && !is_harmless {
            report.conceal(value.span());
        }
    }
}
