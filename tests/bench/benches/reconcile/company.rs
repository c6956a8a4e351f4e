//! A company of any size: its tenant, and its roster. Everybody has a license, by the half direct and by group; everybody is in one group of all
//! and in one of a department. A few have drifted.

use std::path::Path;
use std::sync::Arc;

use domain::event::WorkerEvent;
use domain::ids::{ObjectId, PersonId};
use domain::ledger::{Grant, Origin, Target};
use domain::person::Person;
use domain::policy::Policy;
use domain::ports::{Clock, Roster};
use embedded::{Durability, Options, Store};
use graph_emulator::{Emulator, Tenant};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The instant everything stands at.
const NOW: &str = "2026-03-02T08:00:00Z";
const ANCHOR: &str = "extension_0123456789abcdef0123456789abcdef_joineryPerson";
const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";
const POWER_BI: &str = "f8a1db68-be16-40ed-86d5-cb42ce701560";
const EVERYONE: &str = "10000000-0000-0000-0000-000000000001";
const CARRIER: &str = "10000000-0000-0000-0000-000000000002";
/// Every so many-th person's account is blocked by hand.
const DRIFTED_EVERY: usize = 500;

pub(crate) const POLICY: &str = r#"
version = 1
[tenant]
domain = "contoso.example"
time_zone = "Europe/Amsterdam"
anchor = "extension_0123456789abcdef0123456789abcdef_joineryPerson"
[connections.hr]
source = "standard-webhooks"
secrets = ["env:HR_SECRET"]
[[packages]]
name = "everyone"
rule = 'user.accountEnabled -eq true'
groups = [{ id = "10000000-0000-0000-0000-000000000001" }]
[[packages]]
name = "offices"
rule = 'user.department -eq "Sales"'
licenses = [{ sku = "SPE_E3" }]
[[packages]]
name = "reports"
rule = 'user.department -eq "Engineering"'
licenses = [{ sku = "POWER_BI_PRO", via = "group", group = "10000000-0000-0000-0000-000000000002" }]
"#;

/// A clock that stands.
pub(crate) struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        NOW.parse().expect("an instant")
    }
}

pub(crate) fn policy() -> Policy {
    Policy::parse(POLICY).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn is_in_sales(number: usize) -> bool {
    number.is_multiple_of(2)
}

fn has_drifted(number: usize) -> bool {
    number.is_multiple_of(DRIFTED_EVERY)
}

/// Who drifted, of so many people.
pub(crate) fn drifted(users: usize) -> Vec<PersonId> {
    (0..users).filter(|number| has_drifted(*number)).map(person_id).collect()
}

/// How many members all groups have together.
pub(crate) fn members(users: usize) -> usize {
    users + (0..users).filter(|number| !is_in_sales(*number)).count()
}

fn person_id(number: usize) -> PersonId {
    PersonId::new("hr", &number.to_string()).expect("an id")
}

/// Spread over all ids, so that the order of a listing is not that of the roster.
fn object_id(number: usize) -> String {
    let mixed = u64::try_from(number).unwrap_or_default().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:08x}-0000-4000-8000-{number:012x}", mixed >> 32)
}

/// Serves the tenant until killed, and prints where.
pub(crate) fn serve(users: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let options = graph_emulator::Options { unlimited: true, ..graph_emulator::Options::default() };
        let emulator = Emulator::new(Tenant::from_seed(&seed(users), options).expect("a tenant"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let running = emulator.serve(listener).expect("a server");
        println!("{}", running.base_url());
        running.wait().await.expect("a listener that lives");
    });
}

fn seed(users: usize) -> Value {
    let all: Vec<Value> = (0..users).map(user).collect();
    let everyone: Vec<String> = (0..users).map(object_id).collect();
    let carried: Vec<String> = (0..users).filter(|number| !is_in_sales(*number)).map(object_id).collect();
    let group = |id: &str, name: &str, members: Vec<String>| json!({"id": id, "displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true, "groupTypes": [], "members": members});
    let mut carrier = group(CARRIER, "reports", carried);
    if let Some(carrier) = carrier.as_object_mut() {
        carrier.insert("assignedLicenses".into(), json!([{"skuId": POWER_BI, "disabledPlans": []}]));
    }
    json!({
        "now": NOW,
        "organization": {"id": "00000000-0000-0000-0000-0000000000aa", "displayName": "Contoso", "countryLetterCode": "NL"},
        "domains": [{"id": "contoso.example", "isDefault": true, "isVerified": true}],
        "subscribedSkus": [
            {"skuPartNumber": "SPE_E3", "skuId": E3, "prepaidUnits": {"enabled": users + 10}},
            {"skuPartNumber": "POWER_BI_PRO", "skuId": POWER_BI, "prepaidUnits": {"enabled": users + 10}},
        ],
        "users": all,
        "groups": [group(EVERYONE, "everyone", everyone), carrier],
    })
}

fn user(number: usize) -> Value {
    let department = if is_in_sales(number) { "Sales" } else { "Engineering" };
    let licenses = if is_in_sales(number) { json!([{"skuId": E3, "disabledPlans": []}]) } else { json!([]) };
    json!({
        "id": object_id(number), "userPrincipalName": format!("person.{number}@contoso.example"),
        "displayName": format!("Person {number}"), "givenName": "Person", "surname": number.to_string(), "mailNickname": format!("person{number}"),
        "department": department, "jobTitle": "Clerk", "usageLocation": "NL", "userType": "Member",
        "accountEnabled": !has_drifted(number), ANCHOR: person_id(number).to_string(), "assignedLicenses": licenses,
    })
}

/// Enrolls everybody as they would stand in the roster after a year.
pub(crate) fn enroll(directory: &Path, users: usize) {
    let store = open(directory);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        for number in 0..users {
            let person = person(number);
            let change = person.change_since(&Person::new(person.head.person.clone()));
            store.commit(change).await.expect("a commit");
        }
    });
}

pub(crate) fn open(directory: &Path) -> Store {
    let options = Options { durability: Durability::Crash };
    Store::open(directory, Arc::new(Standing), options).expect("a store")
}

fn person(number: usize) -> Person {
    let department = if is_in_sales(number) { "Sales" } else { "Engineering" };
    let event = json!({
        "schema": domain::event::SCHEMA, "event_id": format!("e{number}"), "kind": "hire",
        "source": {"system": "standard-webhooks", "tenant_id": "hr", "received_at": "2025-03-01T08:00:00Z", "auth": "hmac", "raw_sha256": "00"},
        "worker": {"source_person_id": number.to_string(), "employee_number": format!("C{number}")},
        "name": {"legal": {"given": "Person", "family": number.to_string()}},
        "employment": {"hire_date": "2025-03-01", "type": "employee", "status": "active"},
        "org": {"department": {"name": department}, "job": {"title": "Clerk"}},
        "location": {"country": "NL"},
    });
    let event: WorkerEvent = serde_json::from_value(event).expect("an event");
    let mut person = Person::new(person_id(number));
    person.head.record.apply(&event);
    person.head.phase = "active".into();
    let object: ObjectId = object_id(number).parse().expect("an id");
    person.head.account.object_id = Some(object);
    person.head.account.upn = Some(format!("person.{number}@contoso.example"));
    let license = if is_in_sales(number) {
        Target::License(E3.parse().expect("an id"))
    } else {
        Target::Group(CARRIER.parse().expect("an id"))
    };
    let targets = [Target::Group(EVERYONE.parse().expect("an id")), license];
    let since: Timestamp = "2025-03-01T09:00:00Z".parse().expect("an instant");
    person.grants.extend(targets.map(|target| {
        let reasons = vec!["everyone".to_owned()];
        (target.clone(), Grant { target, origin: Origin::Ours, held: true, reasons, since })
    }));
    person
}
