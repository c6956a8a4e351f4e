//! A refused cut is not a finished cut: administrators and synchronized people.

use domain::progress;
use serde_json::{Value, json};

use crate::world::tenant::ANCHOR;
use crate::world::{Setup, World, joiner};

const ADMIN: &str = "20000000-0000-0000-0000-000000000010";
const SVEN: &str = "20000000-0000-0000-0000-000000000003";

/// An administrator who works here, and whose account is ours.
async fn administrator() -> World {
    let admin = json!({
        "id": ADMIN, "userPrincipalName": "ada.min@contoso.example", "displayName": "Ada Min", "accountEnabled": true,
        "usageLocation": "NL", "roles": ["Global Administrator"], ANCHOR: "hr:7",
        "authenticationMethods": [{"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": "3179e48a-750b-4051-897c-87b9720928f7", "phoneNumber": "+31 6 12345678", "phoneType": "mobile"}],
    });
    let world = Setup::new().and_user(admin).build();
    world.hear("7", &joiner("Ada", "Min", "Sales", "2026-02-02")).await;
    world.run_for_minutes(10).await;
    assert_eq!((world.groups("hr:7").len(), world.licenses("hr:7").len()), (2, 1));
    world
}

async fn uncut(world: &World) -> Vec<String> {
    let person = world.person("hr:7").await;
    let mut phrases: Vec<_> = progress::uncut(&person).map(|(step, _)| step.action.phrase()).collect();
    phrases.sort();
    phrases
}

#[tokio::test]
async fn an_administrator_is_cut_as_far_as_graph_allows_pages_at_once_and_stays_open_until_truly_off() {
    let world = administrator().await;
    world.hear("7", &json!({"termination.immediate": true})).await;
    world.run_until(world.now()).await;
    assert!(!world.pages().is_empty(), "a page goes out at once");
    world.run_for_minutes(60).await;
    let account = world.account("hr:7");
    assert_eq!(account["accountEnabled"], true, "Graph refuses this to an application");
    assert_ne!(account["signInSessionsValidFromDateTime"], Value::Null);
    assert_eq!((world.groups("hr:7"), world.licenses("hr:7")), (vec![], vec![]));
    assert!(uncut(&world).await.contains(&"block sign-in".to_owned()), "{:?}", uncut(&world).await);
    assert!(
        world.pages().iter().any(|page| page.text.contains("block sign-in") && page.text.contains("by hand")),
        "{:?}",
        world.pages()
    );
    let pages = world.pages().len();
    world.run_for_minutes(300).await;
    assert_eq!(world.pages().len(), pages, "the same thing pages once");

    // Somebody does it, and signs in once more before that.
    world.control(&format!("objects/{ADMIN}"), &json!({"accountEnabled": false, "authenticationMethods": []}));
    let blocked = world.now();
    world.run_for_minutes(40).await;
    assert_eq!(uncut(&world).await, Vec::<String>::new(), "{}", world.dump().await);
    assert_eq!(world.tasks("hr:7").await, Vec::<String>::new());
    let story = world.story("hr:7").await;
    assert!(story.contains("block sign-in: read back"), "{story}");
    let since: jiff::Timestamp =
        world.account("hr:7")["signInSessionsValidFromDateTime"].as_str().unwrap().parse().unwrap();
    assert!(since >= blocked, "sessions from before the block are over");
    assert_eq!(world.pages().len(), pages);

    // Whoever lets them in again is seen.
    world.control(&format!("objects/{ADMIN}"), &json!({"accountEnabled": true}));
    world.hear("7", &json!({"org.job.title": "Ghost"})).await;
    world.run_for_minutes(5).await;
    assert!(!uncut(&world).await.is_empty(), "{}", world.dump().await);
    assert_eq!(world.failures(), vec![]);
}

#[tokio::test]
async fn m03_a_synchronized_leavers_task_closes_as_verified_when_the_account_reads_disabled() {
    let world = Setup::new().build();
    world.hear("90", &joiner("Sven", "Synced", "Engineering", "2026-02-02")).await;
    world.run_for_minutes(5).await;
    world.hear("90", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(30).await;
    let sven = world.person("hr:90").await;
    assert_eq!(progress::uncut(&sven).count(), 1, "{}", world.dump().await);
    assert_eq!((world.groups("hr:90"), world.licenses("hr:90")), (vec![], vec![]));
    world.control(&format!("objects/{SVEN}"), &json!({"accountEnabled": false}));
    let blocked = world.now();
    world.run_for_minutes(30).await;
    let sven = world.person("hr:90").await;
    assert_eq!(progress::uncut(&sven).count(), 0);
    let story = world.story("hr:90").await;
    assert!(story.contains("by hand: cut on-premises: read back"), "{story}");
    let since: jiff::Timestamp =
        world.account("hr:90")["signInSessionsValidFromDateTime"].as_str().unwrap().parse().unwrap();
    assert!(since >= blocked);
    assert_eq!((world.failures(), world.pages().len()), (vec![], 1));
}

#[tokio::test]
async fn m17_a_leaver_of_whom_nothing_else_was_ever_heard_is_cut_by_the_mark_on_their_account() {
    let user = json!({
        "id": "20000000-0000-0000-0000-000000000077", "userPrincipalName": "old.hand@contoso.example",
        "displayName": "Old Hand", "accountEnabled": true, ANCHOR: "hr:77",
    });
    let world = Setup::new().and_user(user).build();
    world.hear("77", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(30).await;
    assert_eq!(world.account("hr:77")["accountEnabled"], false);
}
