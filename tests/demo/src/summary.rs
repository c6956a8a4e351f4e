//! The end of the day: who was to end how and did, and what to try next.

use anstream::println;
use comfy_table::{ContentArrangement, Table, presets};
use owo_colors::OwoColorize as _;
use serde_json::Value;

use crate::company::Company;
use crate::operator::Operator;
use crate::play::Ending;
use crate::scenario::{Day, Facts, Role};
use crate::signing::Signer;

/// How wide the table is where the terminal does not say.
const WIDTH: u16 = 150;

/// A table of everybody: what happened, how the tenant shows it, and how it had to end where that is otherwise. People of one story who all ended well
/// share a row.
pub fn table(day: &Day, ending: &Ending) {
    println!("\n{} {}\n", "━━".dimmed(), "How the day ended, read from the tenant".bold());
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        table.set_width(WIDTH);
    }
    table.set_header(["", "person", "what happened", "ends as"]);
    let is_good = |role: &Role| {
        !ending.differences.iter().any(|difference| difference.place == "the end" && difference.subject == role.name)
    };
    let everybody: Vec<(&Role, &Facts)> = day.people.iter().zip(&ending.people).collect();
    for alike in everybody.chunk_by(|(one, _), (other, _)| one.story == other.story && is_good(one) && is_good(other)) {
        let [(role, actual), others @ ..] = alike else { continue };
        let mark = if is_good(role) { "✓" } else { "✗" };
        let person = match others.last() {
            Some((last, _)) => format!("{} and {} more\n{} … {}", role.name, others.len(), role.id, last.id),
            None => format!("{}\n{}", role.name, role.id),
        };
        let ends =
            if is_good(role) { told(actual) } else { format!("{}\nmust end as:\n{}", told(actual), told(&role.end)) };
        table.add_row([mark.to_owned(), person, role.story.clone(), ends]);
    }
    println!("{table}");
    let seats = day.seats.iter().map(|(sku, [taken, free])| format!("{sku} {taken} taken, {free} free"));
    println!("seats: {}", seats.collect::<Vec<_>>().join(" · ").dimmed());
}

/// The verdict, with every difference.
pub fn verdict(ending: &Ending) {
    if ending.differences.is_empty() {
        println!(
            "\n{} the day ended exactly as it should: accounts, groups, licenses, seats, tasks and everybody else\n",
            "✓".green().bold()
        );
        return;
    }
    println!("\n{} {} things are not as they should be", "✗".red().bold(), ending.differences.len());
    for difference in &ending.differences {
        println!("  • {difference}");
    }
}

/// A person's facts in a line or two.
fn told(facts: &Facts) -> String {
    let text = |name: &str| facts.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("upn").is_empty() {
        return "no account".into();
    }
    let list = |name: &str| -> Vec<&str> {
        facts.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let or_none = |items: Vec<&str>| if items.is_empty() { "none".to_owned() } else { items.join(", ") };
    let access = if facts.get("enabled") == Some(&Value::Bool(true)) { "open" } else { "closed" };
    let mut lines = vec![format!("{} ({access})", text("upn"))];
    if text("user_type") == "Guest" {
        lines.push(format!("guest ({}), sponsor: {}", text("invitation"), or_none(list("sponsors"))));
    }
    lines.push(format!("groups: {}", or_none(list("groups"))));
    lines.push(format!("licenses: {}", or_none(list("licenses"))));
    if !list("tasks").is_empty() {
        lines.push(format!("for a human: {}", or_none(list("tasks"))));
    }
    let held = list("held");
    if !held.is_empty() {
        lines.push(format!("at a guard: {}", held.join(", ")));
    } else if facts.get("waiting").and_then(Value::as_u64).is_some_and(|waiting| waiting > 0) {
        lines.push("waits for a seat".into());
    }
    lines.join("\n")
}

/// Lines to paste into another terminal while everything keeps running.
pub fn what_next(company: &Company, operator: &Operator) {
    println!("\n{} {}\n", "━━".dimmed(), "Everything keeps running. Try, in another terminal:".bold());
    let data = company.files.directory.display();
    let joinery = |words: &[&str]| -> String {
        let lines = words.iter().map(|words| format!("{} {words} --data '{data}'", operator.program()));
        lines.collect::<Vec<_>>().join("\n")
    };
    for (comment, lines) in [
        ("how things stand; what it would do now; what is left for humans", joinery(&["status", "plan", "tasks"])),
        (
            "somebody's whole story: the rehire, the guest, the administrator who could not be cut",
            joinery(&["person bamboo:106", "person hr:FAB-5", "person hr:DE-35"]),
        ),
        ("what the guard held; let Fatima Zahra go after all", joinery(&["guard list", RELEASE])),
        ("a first password, once", joinery(&["credential bamboo:201"])),
        ("the tenant, as Graph answers", graph(company)),
        ("be an HR system: a signed request for a new colleague", signed_request(company)),
        ("see whom it became", joinery(&["person hr:NEW-1"])),
        ("let time go on: by a day, say", clock(company)),
    ] {
        println!("{}\n{lines}\n", format!("# {comment}").dimmed());
    }
    println!("{}", "Ctrl-C ends it.".dimmed());
}

const RELEASE: &str = "guard release bamboo:311 --by you --why 'she left'";

fn graph(company: &Company) -> String {
    let graph = &company.stage.url;
    format!(
        "curl -s -H 'Authorization: Bearer any' '{graph}v1.0/users?$select=displayName,accountEnabled,assignedLicenses&$top=5'\n\
         curl -s '{graph}_control/calls?since=0'"
    )
}

fn clock(company: &Company) -> String {
    format!("curl -s -X PUT '{}_control/clock' -d '{{\"advance_ms\": 86400000}}'", company.stage.url)
}

/// Somebody new, as a home-made HR system would say it.
const NEW_COLLEAGUE: &str = r#"{"type":"worker.hired","data":{"worker":{"source_person_id":"NEW-1","employee_number":"C3001"},"name":{"legal":{"given":"Ada","family":"Nwosu"}},"employment":{"type":"employee","hire_date":"2026-03-23"},"org":{"department":{"name":"Support"},"job":{"title":"Support Agent"}},"location":{"country":"NL","time_zone":"Europe/Amsterdam"}}}"#;

/// A Standard Webhooks request, signed by openssl. Its time is the demo's, which `date` takes out of the emulator's clock.
fn signed_request(company: &Company) -> String {
    let secret = company.files.signers.get("hr").map(Signer::secret).unwrap_or_default();
    format!(
        "secret='{secret}'\n\
         body='{NEW_COLLEAGUE}'\n\
         id=\"msg_$RANDOM$RANDOM\"\n\
         now=$(date -ud \"$(curl -s '{graph}_control/clock' | sed 's/.*\"now\":\"\\([^\"]*\\)\".*/\\1/')\" +%s)\n\
         key=$(printf %s \"${{secret#whsec_}}\" | base64 -d | od -An -v -tx1 | tr -d ' \\n')\n\
         signature=$(printf '%s.%s.%s' \"$id\" \"$now\" \"$body\" | openssl dgst -sha256 -mac HMAC -macopt \"hexkey:$key\" -binary | base64 -w0)\n\
         curl -i '{hooks}/hr/hr' -H 'content-type: application/json' -H \"webhook-id: $id\" -H \"webhook-timestamp: $now\" \
         -H \"webhook-signature: v1,$signature\" -d \"$body\"",
        graph = company.stage.url,
        hooks = company.hooks,
    )
}
