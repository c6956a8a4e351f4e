//! Accounts that AD DS masters: read-only here but for location, licenses and cloud groups.

use serde_json::json;

use super::count;
use crate::world::{Setup, joiner};

const SVEN: &str = "20000000-0000-0000-0000-000000000003";

#[tokio::test]
async fn m03_m15_a_synchronized_account_gets_location_license_and_cloud_groups_and_nothing_else() {
    let world = Setup::new().build();
    let mut facts = joiner("Sven", "Synced", "Engineering", "2026-02-02");
    facts["org.job.title"] = json!("Engineer");
    facts["org.manager.work_email"] = json!("mara.moss@contoso.example");
    world.hear("90", &facts).await;
    world.run_for_minutes(30).await;
    let account = world.account("hr:90");
    assert_eq!((&account["id"], &account["usageLocation"]), (&json!(SVEN), &json!("NL")));
    assert_eq!(world.groups("hr:90"), ["Engineering", "Everyone", "Power BI licenses"]);
    assert_eq!(world.licenses("hr:90"), ["POWER_BI_PRO"]);
    assert!(account["jobTitle"].is_null() && account["manager"].is_null());
    let patches: Vec<_> = world.calls().into_iter().filter(|call| call["method"] == "PATCH").collect();
    let [patch] = patches.as_slice() else { panic!("{patches:?}") };
    assert_eq!(patch["body"], json!({"usageLocation": "NL"}));
    let story = world.story("hr:90").await;
    assert!(
        story.contains("change") && story.contains("jobTitle") && story.contains("in Active Directory on-premises"),
        "{story}"
    );
    assert!(!story.contains("Synced Engineer"));
    assert_eq!(world.failures(), vec![]);
}

#[tokio::test]
async fn m03_rules_see_a_synchronized_account_as_it_is_and_not_as_hr_wants_it() {
    let world = Setup::new().build();
    world.hear("90", &joiner("Sven", "Synced", "Sales", "2026-02-02")).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.groups("hr:90"), ["Engineering", "Everyone", "Power BI licenses"]);
    // The change arrives from on-premises.
    world.control(&format!("objects/{SVEN}"), &json!({"department": "Sales"}));
    world.run_for_minutes(61).await;
    assert_eq!(world.groups("hr:90"), ["Everyone", "Sales"]);
}

#[tokio::test]
async fn m03_a_synchronized_leaver_loses_sessions_groups_and_licenses_here_and_pages_for_the_rest() {
    let world = Setup::new().build();
    world.hear("90", &joiner("Sven", "Synced", "Engineering", "2026-02-02")).await;
    world.run_for_minutes(5).await;
    world.hear("90", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(10).await;
    assert_eq!((world.groups("hr:90"), world.licenses("hr:90")), (vec![], vec![]));
    assert_eq!(count(&world, "POST", "revokeSignInSessions"), 2);
    let pages = world.pages();
    let [page] = pages.as_slice() else { panic!("{pages:?}") };
    assert!(page.text.contains("on-premises NOW"), "{}", page.text);
    assert_eq!(world.account("hr:90")["accountEnabled"], true, "only Active Directory can do that");
    world.control(&format!("objects/{SVEN}"), &json!({"accountEnabled": false}));
    world.run_for_minutes(70).await;
    let person = world.person("hr:90").await;
    assert_eq!(domain::progress::tasks(&person).count(), 0, "{}", world.dump().await);
}
