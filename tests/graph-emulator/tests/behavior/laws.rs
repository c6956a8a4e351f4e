//! What must hold for any sequence of calls.

use graph_emulator::Tenant;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stage::*;

/// One random call. People and groups are picked from the demo company.
#[derive(Clone, Debug)]
enum Step {
    Hire(u8),
    License(u8, bool, bool),
    Join(u8, bool),
    Leave(u8, bool),
    Delete(u8),
    Restore(u8),
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<u8>().prop_map(Step::Hire),
        (1..44_u8, any::<bool>(), any::<bool>()).prop_map(|(who, add, e5)| Step::License(who, add, e5)),
        (1..44_u8, any::<bool>()).prop_map(|(who, carrier)| Step::Join(who, carrier)),
        (1..44_u8, any::<bool>()).prop_map(|(who, carrier)| Step::Leave(who, carrier)),
        (1..44_u8).prop_map(Step::Delete),
        (1..44_u8).prop_map(Step::Restore),
        (0..4000_u16).prop_map(Step::Wait),
    ]
}

fn take(tenant: &mut Tenant, step: &Step) {
    let person_id = |n: &u8| format!("20000000-0000-4000-8000-{n:012}");
    let group = |carrier: &bool| if *carrier { LICENSED_E5 } else { SALES };
    let (line, body) = match step {
        Step::Hire(n) => (
            "POST /users".to_owned(),
            person(&json!({"userPrincipalName": format!("p{n}@contoso.example"), "usageLocation": "NL"})),
        ),
        Step::License(who, add_it, e5) => {
            let sku = if *e5 { E5 } else { E3 };
            (format!("POST /users/{}/assignLicense", person_id(who)), if *add_it { add(sku) } else { remove(sku) })
        }
        Step::Join(who, carrier) => (format!("POST /groups/{}/members/$ref", group(carrier)), link(&person_id(who))),
        Step::Leave(who, carrier) => {
            (format!("DELETE /groups/{}/members/{}/$ref", group(carrier), person_id(who)), Value::Null)
        }
        Step::Delete(who) => (format!("DELETE /users/{}", person_id(who)), Value::Null),
        Step::Restore(who) => (format!("POST /directory/deletedItems/{}/restore", person_id(who)), Value::Null),
        Step::Wait(ms) => return wait(tenant, i64::from(*ms)),
    };
    let answer = ask(tenant, &line, &body);
    assert!(answer.status < 500, "{line}: {:?}", answer.body);
}

/// The seats as a fresh count of who holds what.
fn counted(snapshot: &Value, sku: &str) -> usize {
    let holds =
        |user: &&Value| user["assignedLicenses"].as_array().unwrap().iter().any(|license| license["skuId"] == sku);
    snapshot["users"].as_array().unwrap().iter().filter(holds).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn seats_are_never_over_assigned_except_by_a_restore_and_always_add_up(steps in prop::collection::vec(step(), 1..60)) {
        let mut tenant = demo();
        let mut overdrawn = 0;
        for step in &steps {
            let before = free(&mut tenant, E3).min(free(&mut tenant, E5));
            take(&mut tenant, step);
            let now = free(&mut tenant, E3).min(free(&mut tenant, E5));
            if matches!(step, Step::Restore(_)) {
                overdrawn = now.min(overdrawn);
            }
            prop_assert!(now >= overdrawn.min(before), "{step:?} left {now} seats free");
        }
        let snapshot = tenant.snapshot(true);
        for seats in snapshot["seats"].as_array().unwrap() {
            let sku = seats["skuId"].as_str().unwrap();
            prop_assert_eq!(seats["consumed"].as_u64().unwrap(), counted(&snapshot, sku) as u64);
        }
    }

    #[test]
    fn a_reset_gives_the_seed_back_and_the_same_steps_the_same_end(steps in prop::collection::vec(step(), 1..30)) {
        let mut tenant = demo();
        let start = tenant.snapshot(false);
        let play = |tenant: &mut Tenant| {
            for step in &steps {
                take(tenant, step);
            }
            tenant.snapshot(false)
        };
        let once = play(&mut tenant);
        tenant.reset();
        prop_assert_eq!(tenant.snapshot(false), start);
        prop_assert_eq!(play(&mut tenant), once);
    }

    #[test]
    fn no_text_in_a_path_filter_or_body_breaks_the_service(text: String, other: String) {
        let mut tenant = demo();
        let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        for line in [format!("GET /users/{encoded}"), format!("GET /users?$filter={encoded}"), format!("GET /groups?$select={encoded}"), format!("GET /{encoded}")] {
            let status = ask(&mut tenant, &line, &Value::Null).status;
            prop_assert!(status < 500 || status == 501, "{line}: {status}");
        }
        let status = ask(&mut tenant, "POST /users", &person(&json!({"displayName": text, "department": other}))).status;
        prop_assert!(status == 201 || status == 400);
    }
}
