//! The report for people.

use domain::ledger::Origin;
use domain::matching::FoundBy;
use domain::person::TimelineKind;
use domain::step::Stage;
use serde_json::Value;

use super::report::{Account, Credential, Fact, Report};
use super::tenant::{self, Seen};
use crate::print::{Rows, heading, pairs, when, when_known};

/// All of it.
pub(super) fn show(report: &Report) -> String {
    let parts = [
        format!("{}\n", report.person),
        lifecycle(report),
        record(report),
        account(report),
        tenants(&report.account),
        grants(report),
        steps(report),
        tasks(report),
        timeline(report),
    ];
    parts.concat()
}

fn lifecycle(report: &Report) -> String {
    let Some(lifecycle) = &report.lifecycle else { return String::new() };
    let date = lifecycle.start.map_or_else(|| "-".into(), |date| date.to_string());
    let mut lines = vec![
        ("kind", lifecycle.kind.to_owned()),
        ("phase", lifecycle.phase.to_owned()),
        ("account should be", lifecycle.want.clone()),
        ("because", lifecycle.why.clone()),
        ("first day", date),
        ("access ends", when_known(lifecycle.end, &report.zone)),
        ("changes next", when_known(lifecycle.next_due, &report.zone)),
        ("time zone", lifecycle.time_zone.clone().unwrap_or_else(|| "-".into())),
    ];
    if lifecycle.is_protected {
        lines.push(("protected", "yes: nothing is taken away without a human".into()));
    }
    heading("Lifecycle") + &pairs(&lines)
}

fn record(report: &Report) -> String {
    let record = &report.record;
    let mut rows = Rows::new(&["FIELD", "VALUE"]);
    if let Some(number) = &record.employee_number {
        rows.push(["worker.employee_number".into(), number.clone()]);
    }
    let mut push = |fact: &Fact| {
        let fault = fact.fault.as_ref().map(|fault| format!("cannot be used: {fault}"));
        rows.push([fact.field.to_owned(), fault.unwrap_or_else(|| value(&fact.value))]);
    };
    record.facts.iter().for_each(&mut push);
    for employment in &record.employments {
        employment.facts.iter().for_each(&mut push);
    }
    for employment in &record.employments {
        if let Some(at) = employment.revoked_at {
            rows.push(["(revoke now)".into(), format!("said at {}", when(at, &report.zone))]);
        }
    }
    if record.is_deleted_at_source {
        rows.push(["(record deleted)".into(), "HR's last word is that it deleted the record".into()]);
    }
    heading("What HR says, in force today") + &rows.show("nothing")
}

fn account(report: &Report) -> String {
    let account = &report.account;
    let ours = &account.ours;
    let dash = || "-".to_owned();
    let credential = match ours.credential {
        Credential::None => "none",
        Credential::Sealed => "sealed: `joinery credential` prints it once",
        Credential::HandedOut => "handed out",
    };
    let mut lines = vec![
        ("object id", ours.object_id.as_ref().map_or_else(dash, ToString::to_string)),
        ("name", ours.upn.clone().unwrap_or_else(dash)),
        ("bound", when_known(ours.bound_at, &report.zone)),
        ("first password", credential.to_owned()),
        ("fence", if ours.fence_is_up { "up: nothing is granted" } else { "down" }.to_owned()),
    ];
    if let Some(name) = &ours.open_creation {
        lines.push(("being created", name.clone()));
    }
    if let Some(found) = &ours.found {
        let by = match found.by {
            FoundBy::Anchor => "by our mark",
            FoundBy::Confirmation => "by a human's confirmation",
            FoundBy::EmployeeId => "by its employee number",
        };
        lines.push(("was there before us", format!("found {by}, {}", when(found.at, &report.zone))));
    }
    if ours.open_invitation {
        lines.push(("being invited", "the outcome is not settled".to_owned()));
    }
    if let Some(at) = ours.deleted_at {
        lines.push(("deleted", when(at, &report.zone)));
    }
    let mut text = heading("Account, as we know it") + &pairs(&lines);
    for fault in &account.hr.faults {
        text += &pairs(&[("cannot be used", fault.clone())]);
    }
    text
}

fn tenants(account: &Account) -> String {
    let title = heading("Account, as the tenant shows it now");
    let said = match &account.tenant {
        Seen::Account(seen) => return title + &seen_account(seen, account),
        Seen::NotAsked => "not read (--offline)".to_owned(),
        Seen::NoAccount => "no account is bound".to_owned(),
        Seen::Unreachable { why } => format!("not read: {why}"),
        Seen::Gone => "not found among the users".to_owned(),
    };
    title + &pairs(&[("tenant", said)])
}

fn seen_account(seen: &tenant::Account, account: &Account) -> String {
    let property = |name: &str| value(seen.user.get(name).unwrap_or(&Value::Null));
    let enabled = match seen.user.get("accountEnabled") {
        Some(Value::Bool(true)) => "enabled",
        Some(Value::Bool(false)) => "blocked",
        _ => "not said",
    };
    let agrees = if account.differences.is_empty() { "as HR says" } else { "not as HR says" };
    let mut text = pairs(&[
        ("name", property("userPrincipalName")),
        ("display name", property("displayName")),
        ("sign-in", enabled.to_owned()),
        ("usage location", property("usageLocation")),
        ("properties", agrees.to_owned()),
    ]);
    if let Some(Value::String(state)) = seen.user.get("externalUserState") {
        text += &pairs(&[("invitation", state.clone())]);
    }
    if !account.differences.is_empty() {
        let mut rows = Rows::new(&["PROPERTY", "HR SAYS", "TENANT SHOWS"]);
        for difference in &account.differences {
            rows.push([difference.property.clone(), value(&difference.hr), value(&difference.tenant)]);
        }
        text += "\n";
        text += &rows.show("");
    }
    let mut groups = Rows::new(&["GROUP", "ID"]);
    for group in &seen.groups {
        groups.push([group.name.clone().unwrap_or_else(|| "-".into()), group.id.clone()]);
    }
    let mut licenses = Rows::new(&["LICENSE", "FROM", "STATE"]);
    for license in &seen.licenses {
        let from = license.by_group.as_ref().map_or_else(|| "direct".into(), |group| format!("group {group}"));
        let state = license.state.iter().chain(&license.error).cloned().collect::<Vec<_>>().join(", ");
        licenses.push([license.name.map_or_else(|| license.sku.clone(), str::to_owned), from, state]);
    }
    text + "\n" + &groups.show("in no group") + "\n" + &licenses.show("no license")
}

fn grants(report: &Report) -> String {
    let mut rows = Rows::new(&["KIND", "NAME", "ID", "WHOSE", "HELD", "BECAUSE OF", "SINCE"]);
    for grant in &report.grants {
        let whose = if grant.origin == Origin::Ours { "ours" } else { "there before us" };
        rows.push([
            grant.kind.into(),
            grant.name.clone().unwrap_or_else(|| "-".into()),
            grant.id.clone(),
            whose.into(),
            if grant.held { "yes" } else { "not known yet" }.into(),
            if grant.reasons.is_empty() { "-".into() } else { grant.reasons.join(", ") },
            when(grant.since, &report.zone),
        ]);
    }
    heading("Groups and licenses, by our ledger") + &rows.show("none")
}

fn steps(report: &Report) -> String {
    let mut rows = Rows::new(&["STAGE", "STEP", "STATE", "WHY", "NOTE", "SINCE", "NEXT TRY"]);
    for step in &report.steps {
        let stage = match step.stage {
            Stage::Accounts => "accounts",
            Stage::Groups => "groups",
            Stage::Licenses => "licenses",
        };
        rows.push([
            stage.into(),
            step.step.clone(),
            step.state.into(),
            step.why.clone(),
            step.note.clone().unwrap_or_default(),
            when_known(step.since, &report.zone),
            when_known(step.next_try, &report.zone),
        ]);
    }
    heading("Steps") + &rows.show("none")
}

fn tasks(report: &Report) -> String {
    let mut rows = Rows::new(&["TASK", "WHAT TO DO"]);
    for task in &report.tasks {
        rows.push([task.task.clone(), task.instructions.clone()]);
    }
    if report.tasks.is_empty() { String::new() } else { heading("For a human") + &rows.show("") }
}

fn timeline(report: &Report) -> String {
    let mut rows = Rows::new(&["AT", "BY", "KIND", "WHAT"]);
    for entry in &report.timeline {
        let kind = match entry.kind {
            TimelineKind::Heard => "heard",
            TimelineKind::Decided => "decided",
            TimelineKind::Did => "did",
            TimelineKind::Verified => "verified",
            TimelineKind::Waits => "waits",
            TimelineKind::Failed => "failed",
            TimelineKind::Task => "task",
        };
        rows.push([when(entry.at, &report.zone), entry.function.clone(), kind.into(), entry.text.clone()]);
    }
    heading("Story") + &rows.show("nothing yet")
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "(empty)".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
