//! `[[packages]]`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rules::{Diagnostic, Dialect, Rule, Settings};
use toml::de::DeTable;

use super::super::fault::Fault;
use super::super::nearest::{nearest, suggestion};
use super::super::string::Written;
use super::super::table::{Placed, Report, Table};
use super::super::{Package, PackageGroup, PackageLicense, Seats, Via, schema, skus};
use super::tails;
use crate::ids::{ObjectId, PlanId, SkuId};

/// The longest name of a package: grants carry it as their reason.
const NAME_MAX: usize = 100;

/// Where a package stands that does not say how urgent it is.
const PRIORITY: u32 = 100;

/// How a rule that only the other dialect takes is taken.
const SWITCH: &str = "to go beyond Entra, write `dialect = \"extended\"` above the tables of the policy";

/// A group and where it is named.
type Named = (ObjectId, Range<usize>);

/// What is seen across packages.
#[derive(Default)]
struct Seen {
    /// What the rules are written in.
    dialect: Dialect,
    names: BTreeSet<String>,
    /// Groups with plain members.
    groups: Vec<(PackageGroup, Range<usize>)>,
    /// Groups that carry licenses.
    carriers: Vec<Named>,
}

pub(super) fn read<'t>(
    text: &str,
    tables: Vec<Placed<&'t DeTable<'t>>>,
    dialect: Dialect,
    report: &mut Report,
) -> Vec<Package> {
    let mut seen = Seen { dialect, ..Seen::default() };
    let packages: Vec<_> = tables.into_iter().filter_map(|table| package(text, table, &mut seen, report)).collect();
    check_carriers(&seen, report);
    check_alike(&seen, "exclusive", |group| group.exclusive, report);
    check_alike(&seen, "role_assignable", |group| group.role_assignable, report);
    tails::check(&packages, report);
    packages.into_iter().map(|(package, _)| package).collect()
}

/// How seats are given out.
pub(super) fn seats<'t>(table: Option<Placed<&'t DeTable<'t>>>, report: &mut Report) -> Seats {
    let none = DeTable::default();
    let (at, entries) = table.map_or((0..0, &none), |table| (table.at, table.value));
    let table = Table::open("`[seats]`", &schema::SEATS, at, entries, report);
    Seats { reserve_before_create: table.bool("reserve_before_create").unwrap_or(false) }
}

/// A package, and where its rule stands.
fn package<'t>(
    text: &str,
    table: Placed<&'t DeTable<'t>>,
    seen: &mut Seen,
    report: &mut Report,
) -> Option<(Package, Range<usize>)> {
    let table = Table::open("`[[packages]]`", &schema::PACKAGE, table.at, table.value, report);
    let name = table.text("name").and_then(|name| name_of(&name, seen, report));
    let rule = table.text("rule").and_then(|rule| rule_of(text, &rule, seen.dialect, report));
    let priority = table.integer("priority").and_then(|priority| u32::try_from(priority).ok()).unwrap_or(PRIORITY);
    let groups = groups(&table, seen, report);
    let licenses = licenses(&table, seen, report);
    let is_empty = |key: &str| table.tables(key).is_empty() && !table.is_spoiled(key);
    if is_empty("groups") && is_empty("licenses") {
        let fault = Fault::new(table.at.clone(), "the package gives nothing");
        report.add_missing(fault.help("add `groups = [{ id = \"…\" }]` or `licenses = [{ sku = \"…\" }]`"));
    }
    Some((Package { name: name?, rule: rule?, priority, groups, licenses }, table.place("rule")))
}

fn name_of(name: &Placed<&str>, seen: &mut Seen, report: &mut Report) -> Option<String> {
    let fault = |message: &str| Fault::new(name.at.clone(), message);
    if name.value.trim().is_empty() || name.value.len() > NAME_MAX || name.value.chars().any(char::is_control) {
        let help = format!("one line of at most {NAME_MAX} bytes");
        report.add(fault("this cannot name a package").help(help));
    } else if !seen.names.insert(name.value.to_owned()) {
        report.add(
            fault("another package has this name").help("grants name the package as their reason: give each its own"),
        );
    } else {
        return Some(name.value.to_owned());
    }
    None
}

/// The rule; its own faults are shown at their place inside the string, or at the string where that cannot be told.
fn rule_of(text: &str, rule: &Placed<&str>, dialect: Dialect, report: &mut Report) -> Option<Rule> {
    let faults = match Rule::with(rule.value, &Settings { dialect, ..Settings::ENTRA }) {
        Ok(read) => return Some(read),
        Err(faults) => faults,
    };
    // What the other dialect would take is only a switch away.
    let beyond = match dialect {
        Dialect::Entra => Rule::with(rule.value, &Settings::EXTENDED).err(),
        Dialect::Extended => None,
    };
    let stays = |fault: &Diagnostic| {
        dialect == Dialect::Extended
            || beyond.iter().flat_map(|other| other.iter()).any(|other| other.span == fault.span)
    };
    let written = text.get(rule.at.clone()).and_then(|raw| Written::of(raw, rule.at.start, rule.value));
    for fault in faults {
        let place = written.as_ref().and_then(|written| written.span(&fault.span));
        let switch = (!stays(&fault)).then(|| SWITCH.to_owned());
        let help: Vec<String> = fault.help.into_iter().chain(switch).collect();
        let shown = Fault::new(place.unwrap_or_else(|| rule.at.clone()), fault.message);
        report.add(if help.is_empty() { shown } else { shown.help(help.join("; ")) });
    }
    None
}

fn groups(package: &Table<'_>, seen: &mut Seen, report: &mut Report) -> Vec<PackageGroup> {
    let mut groups: Vec<PackageGroup> = Vec::new();
    for table in package.tables("groups") {
        let table = Table::open("an item of `groups`", &schema::GROUP, table.at, table.value, report);
        let Some(id) = guid::<ObjectId>(&table, "id", "the group's object id", report) else { continue };
        let exclusive = table.bool("exclusive").unwrap_or(false);
        let at = table.place("id");
        if groups.iter().any(|group| group.id == id) {
            report.add(Fault::new(at, "the package names this group twice").help("keep one of them"));
            continue;
        }
        let role_assignable = table.bool("role_assignable").unwrap_or(false);
        let group = PackageGroup { id, exclusive, role_assignable };
        seen.groups.push((group.clone(), at));
        groups.push(group);
    }
    groups
}

fn licenses(package: &Table<'_>, seen: &mut Seen, report: &mut Report) -> Vec<PackageLicense> {
    let mut licenses: Vec<PackageLicense> = Vec::new();
    for table in package.tables("licenses") {
        let table = Table::open("an item of `licenses`", &schema::LICENSE, table.at, table.value, report);
        let sku = table.text("sku").and_then(|text| sku(&text, report));
        let via = via(&table, seen, report);
        let disabled_plans = disabled_plans(sku.as_ref(), &table, report);
        let (Some(sku), Some(via)) = (sku, via) else { continue };
        if matches!(via, Via::Group(_)) && !disabled_plans.is_empty() {
            let fault =
                Fault::new(table.place("disabled_plans"), "which plans a carrier group leaves off is set on the group");
            report.add(fault.help("remove `disabled_plans` here, or assign the license `via = \"direct\"`"));
        }
        if licenses.iter().any(|license| license.sku == sku) {
            let fault = Fault::new(table.place("sku"), "the package names this product twice");
            report.add(fault.help("keep one of them; a person holds a product once, however it reaches them"));
            continue;
        }
        let sku_name = skus::part_number(&sku).map_or_else(|| sku.to_string(), str::to_owned);
        licenses.push(PackageLicense { sku, sku_name, via, disabled_plans });
    }
    licenses
}

fn sku(text: &Placed<&str>, report: &mut Report) -> Option<SkuId> {
    if let Ok(id) = text.value.parse() {
        return Some(id);
    }
    let id = skus::sku_id(text.value);
    let shown = text.value;
    if id.is_none() {
        let fault = Fault::new(text.at.clone(), format!("`{shown}` is not a known part number"));
        report.add(match skus::meant(text.value) {
            Some(near) => fault.help(format!("did you mean `{near}`? or write the GUID of the product (`skuId`)")),
            None => fault.help("`GET /subscribedSkus` lists the tenant's; or write the GUID of the product (`skuId`)"),
        });
    } else if let Some((product, other)) = skus::trap(text.value) {
        let fault = Fault::new(text.at.clone(), format!("`{shown}` is {product}")).warning();
        let guid = id.as_ref().map_or("", SkuId::as_str);
        report.add(fault.help(format!("{other}; if {product} is meant, write `{guid}` to say so")));
    }
    id
}

fn via(table: &Table<'_>, seen: &mut Seen, report: &mut Report) -> Option<Via> {
    let way = table.text("via");
    let group = table.has("group").then(|| guid::<ObjectId>(table, "group", "the group's object id", report));
    match (way.as_ref().map_or("direct", |way| way.value), group) {
        ("direct", None) => Some(Via::Direct),
        ("direct", Some(_)) => {
            let fault = Fault::new(table.place("group"), "a license that is assigned directly has no group");
            report.add(fault.help("write `via = \"group\"`, or remove `group`"));
            None
        }
        ("group", Some(group)) => {
            let group = group?;
            seen.carriers.push((group.clone(), table.place("group")));
            Some(Via::Group(group))
        }
        ("group", None) if table.is_spoiled("group") => None,
        ("group", None) => {
            let fault = Fault::new(table.place("via"), "which group carries the license is not said");
            report
                .add_missing(fault.help("add `group = \"…\"`, the object id of a group that has the license assigned"));
            None
        }
        (other, _) => {
            let message = format!("`{other}` is not a way to assign a license");
            report.add(Fault::new(table.place("via"), message).help(suggestion(other, &["direct", "group"])));
            None
        }
    }
}

fn disabled_plans(sku: Option<&SkuId>, table: &Table<'_>, report: &mut Report) -> Vec<PlanId> {
    let product = sku.and_then(skus::sku);
    let mut plans = Vec::new();
    for text in table.texts("disabled_plans") {
        match plan(product, &text) {
            Ok(plan) if plans.contains(&plan) => {
                report.add(Fault::new(text.at, "this plan stands here twice").help("keep one of them"));
            }
            Ok(plan) => plans.push(plan),
            // Of a product that is not known itself nothing more is said.
            Err(_) if sku.is_none() => {}
            Err(fault) => report.add(fault),
        }
    }
    plans
}

/// A service plan by name or id. It must be of the product, where the product's plans are known.
fn plan(product: Option<&skus::Sku>, text: &Placed<&str>) -> Result<PlanId, Fault> {
    let fault = |message: String| Fault::new(text.at.clone(), message);
    let shown = text.value;
    let id = text.value.parse().ok();
    let Some(product) = product else {
        let unknown = || {
            fault(format!("`{shown}` is not a known service plan")).help("write the GUID of the plan (`servicePlanId`)")
        };
        return id.or_else(|| skus::plan_id(text.value)).ok_or_else(unknown);
    };
    let own = match &id {
        Some(id) => product.plans.values().find(|plan| *plan == id),
        None => product.plans.get(text.value),
    };
    own.cloned().ok_or_else(|| {
        let fault =
            fault(format!("`{shown}` is not a service plan of `{}` ({})", product.part_number, product.product_name));
        match nearest(text.value, product.plans.keys().copied()).filter(|_| id.is_none()) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help("`GET /subscribedSkus` lists the plans of each product"),
        }
    })
}

fn guid<Id: std::str::FromStr>(table: &Table<'_>, key: &str, what: &str, report: &mut Report) -> Option<Id> {
    let text = table.text(key)?;
    let id = text.value.parse().ok();
    if id.is_none() {
        let fault = Fault::new(text.at, format!("`{key}` is not a GUID"));
        report.add(fault.help(format!("write {what}, such as `11111111-1111-1111-1111-111111111111`")));
    }
    id
}

/// A carrier group's members are licenses, so they are written by one function only, after usage location and seat.
fn check_carriers(seen: &Seen, report: &mut Report) {
    let carriers: BTreeSet<&ObjectId> = seen.carriers.iter().map(|(group, _)| group).collect();
    for (group, at) in seen.groups.iter().filter(|(group, _)| carriers.contains(&group.id)) {
        let message = format!("group `{}` carries a license, so it cannot be listed under `groups`", group.id);
        let fault = Fault::new(at.clone(), message);
        let help = "remove it here: joining takes a seat, so `licenses` alone writes it, after usage location and seat";
        report.add(fault.help(help));
    }
}

/// What is said of a group is a fact about the group, not about the package.
fn check_alike(seen: &Seen, key: &str, says: impl Fn(&PackageGroup) -> bool, report: &mut Report) {
    let mut first: BTreeMap<&ObjectId, bool> = BTreeMap::new();
    for (group, at) in &seen.groups {
        if *first.entry(&group.id).or_insert_with(|| says(group)) != says(group) {
            let message = format!("group `{}` is `{key}` in one package and not in another", group.id);
            report.add(Fault::new(at.clone(), message).help("say the same wherever the group is named"));
        }
    }
}
