//! Joiners, movers, leavers and those who come back.

use serde_json::json;

use crate::world::{Setup, joiner};

#[tokio::test]
async fn m17_a_joiner_is_made_disabled_a_fortnight_ahead_and_enabled_on_the_first_morning() {
    let world = Setup::new().build();
    let mut facts = joiner("Ada", "Lovelace", "Sales", "2026-04-01");
    facts["org.manager.work_email"] = json!("mara.moss@contoso.example");
    facts["employee_number"] = json!("1007");
    world.hear("7", &facts).await;
    world.run_until("2026-03-17T22:59:59Z".parse().unwrap()).await;
    assert_eq!(world.accounts("hr:7").len(), 0);
    world.run_until("2026-03-17T23:10:00Z".parse().unwrap()).await;
    println!("{}", world.dump().await);
    let account = world.account("hr:7");
    assert_eq!(account["userPrincipalName"], "ada.lovelace@contoso.example");
    assert_eq!(account["accountEnabled"], false);
    assert_eq!(account["usageLocation"], "NL");
    assert_eq!(account["manager"], "20000000-0000-0000-0000-000000000002");
    assert_eq!(world.licenses("hr:7"), ["SPE_E3"]);
    assert_eq!(world.groups("hr:7"), ["Dynamic sales", "Sales"]);
}
