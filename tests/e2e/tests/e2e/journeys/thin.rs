//! Webhooks that say whose record changed and not how: the record is read from HR, which lags, limits and forgets.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Setup, World, hr};

const ADA: &str = "bamboo:12";

/// Connection `bamboo` may read records.
fn setup() -> Setup {
    let api = "source = \"bamboohr\"\napi = { company = \"contoso\", key = \"env:BAMBOO_KEY\" }";
    Setup::new().with_policy("source = \"bamboohr\"", api)
}

/// HR changes the record now and says so, without a word about what it was.
async fn change(world: &World, verb: &str, fields: &Value) {
    world.hr_control("employees", &json!({"12": fields}));
    say(world, verb).await;
}

async fn say(world: &World, verb: &str) {
    let body = json!({
        "type": format!("employee.{verb}"),
        "timestamp": world.now().to_string(),
        "data": {"companyId": "1", "employeeId": "12", "changedFields": []},
    });
    assert_eq!(world.knock(&hr::bamboo(&body, world.now())).await, StatusCode::ACCEPTED);
}

fn ada() -> Value {
    json!({
        "firstName": "Ada", "lastName": "Lovelace", "department": "Sales", "country": "Netherlands",
        "employmentHistoryStatus": "Full-Time", "hireDate": "2026-02-02", "employeeNumber": "1007",
    })
}

#[tokio::test]
async fn a_joiner_a_mover_and_a_leaver_of_whom_only_the_id_was_said() {
    let world = setup().build();
    change(&world, "created", &ada()).await;
    world.run_for_minutes(5).await;
    let account = world.account(ADA);
    assert_eq!((&account["accountEnabled"], &account["employeeId"]), (&json!(true), &json!("1007")));
    assert_eq!((world.groups(ADA), world.licenses(ADA)), (vec!["Everyone".into(), "Sales".into()], vec!["SPE_E3"]));

    change(&world, "updated", &json!({"department": "Engineering"})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.groups(ADA), ["Engineering", "Everyone", "Power BI licenses"]);

    change(&world, "updated", &json!({"status": "Inactive", "terminationDate": "2026-03-01"})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.account(ADA)["accountEnabled"], false);
    assert_eq!((world.groups(ADA), world.licenses(ADA)), (vec![], vec![]));
    assert_eq!((world.failures(), world.pages()), (vec![], vec![]));
}

#[tokio::test]
async fn a_leaver_whose_record_lags_the_webhook_is_cut_when_the_record_can_be_read() {
    let world = setup().build();
    change(&world, "created", &ada()).await;
    world.run_for_minutes(60).await;
    world.hr_control("limits", &json!({"lag_ms": 90_000}));
    change(&world, "updated", &json!({"status": "Inactive", "terminationDate": "2026-03-01"})).await;
    world.run_for_minutes(1).await;
    assert_eq!(world.account(ADA)["accountEnabled"], true, "HR still says so");
    world.run_for_minutes(2).await;
    assert_eq!(world.account(ADA)["accountEnabled"], false);
}

#[tokio::test]
async fn a_limited_hr_system_delays_a_joiner_and_fails_nothing() {
    let world = setup().build();
    world.hr_control("limits", &json!({"per_minute": 0, "status": 429}));
    change(&world, "created", &ada()).await;
    world.run_for_minutes(5).await;
    assert!(world.accounts(ADA).is_empty());
    world.hr_control("limits", &json!({"per_minute": 10}));
    world.run_for_minutes(5).await;
    assert_eq!(world.account(ADA)["accountEnabled"], true);
    assert_eq!((world.failures(), world.pages()), (vec![], vec![]));
}

#[tokio::test]
async fn a_record_that_hr_deleted_takes_nothing_away() {
    let world = setup().build();
    change(&world, "created", &ada()).await;
    world.run_for_minutes(60).await;
    world.hr_control("employees", &json!({"12": null}));
    say(&world, "deleted").await;
    say(&world, "updated").await;
    world.run_for_minutes(60).await;
    assert_eq!(world.account(ADA)["accountEnabled"], true);
    assert_eq!(world.groups(ADA), ["Everyone", "Sales"]);
    assert!(world.story(ADA).await.contains("nobody is offboarded by it"));
}
