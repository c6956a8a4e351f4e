//! What nobody may read in a log, a reason, a page or a timeline.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use domain::ports::Vault;
use http::StatusCode;
use serde_json::json;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;

use crate::world::{Setup, hr, joiner};

thread_local! {
    /// What this thread logs, while its test listens; a test's work stays on its thread.
    static HEARD: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes to whoever listens on this thread.
struct Ear;

impl Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        HEARD.with_borrow_mut(|heard| heard.as_mut().map(|heard| heard.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Listens from now on. The subscriber is the process's: one per thread would not hear of call sites that another test, with
/// none, came by first.
fn listen() {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| Ear);
        let listening = dynamic_filter_fn(|_, _| HEARD.with_borrow(Option::is_some));
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer.with_filter(listening)))
            .unwrap();
    });
    HEARD.set(Some(Vec::new()));
}

#[tokio::test]
async fn m06_no_secret_and_nothing_personal_is_logged_paged_or_told() {
    listen();
    let world = Setup::new().and_policy("[protected]\npeople = [\"hr:9\"]").build();
    let mut facts = joiner("Plantedgiven", "Plantedfamily", "Sales", "2026-02-02");
    facts["contact.personal_email"] = json!("planted@home.example");
    facts["contact.personal_mobile"] = json!("+31 6 99887766");
    facts["location.street"] = json!("Plantedstreet 1");
    facts["personal.home_address"] = json!("Plantedhome 2");
    facts["personal.ssn"] = json!("999-88-7777");
    facts["org.manager.work_email"] = json!("planted.boss@contoso.example");
    for id in ["7", "8", "9"] {
        world.hear(id, &facts).await;
    }
    world.control("faults", &json!([
        {"match": {"method": "POST", "path": "/users"}, "action": "lose_answer"},
        {"match": {"method": "POST", "path": "/users", "attempt": 3}, "action": "refuse", "status": 400, "message": "planted-refusal"},
        {"match": {"method": "PATCH"}, "action": "refuse", "status": 403},
        {"match": {"path": "/users/*/assignLicense"}, "action": "refuse", "status": 500, "times": 9},
    ]));
    world.run_for_minutes(90).await;
    let mut password = Vec::new();
    for id in ["hr:7", "hr:8", "hr:9"] {
        let reference = world.person(id).await.head.account.credential.unwrap();
        password.push(world.store.peek(&reference).await.unwrap().unwrap());
    }
    // Faults, refusals and cuts have lines of their own.
    world.hear("7", &json!({"org.job.title": "Plantedtitle".repeat(20)})).await;
    world.hear("8", &json!({"termination.immediate": true})).await;
    world.hear("9", &json!({"termination.immediate": true})).await;
    let mut unsigned = hr::bamboo(&json!({"employees": "planted-body"}), world.now());
    assert_eq!(world.knock(&unsigned).await, StatusCode::BAD_REQUEST);
    unsigned.headers_mut().remove("x-bamboohr-signature");
    assert_eq!(world.knock(&unsigned).await, StatusCode::UNAUTHORIZED);
    world.run_for_minutes(90).await;

    assert!(world.faults_struck().iter().all(|struck| *struck > 0), "a fault never struck");
    let mut told = String::from_utf8(HEARD.take().unwrap()).unwrap();
    assert!(told.contains("graph call") && told.contains("hr:7"), "the log was heard");
    for id in ["hr:7", "hr:8", "hr:9"] {
        told.push_str(&world.story(id).await);
    }
    assert!(!world.pages().is_empty() && !world.failures().is_empty(), "{}", world.dump().await);
    told.extend(world.pages().iter().map(|page| page.text.clone()));
    told.extend(world.failures().iter().map(|failure| format!("{} {:?}", failure.reason, failure.person)));
    let secrets = [
        hr::HR_SECRET,
        hr::HR_SECRET.trim_start_matches("whsec_"),
        hr::BAMBOO_SECRET,
        "Bearer",
        "ordinary",
        "99887766",
    ];
    let told = told.to_lowercase();
    for secret in
        secrets.iter().map(ToString::to_string).chain(password).chain(["planted".to_owned(), "999-88".to_owned()])
    {
        let found = told.find(&secret.to_lowercase());
        let near = found.map(|at| told.get(at.saturating_sub(200)..at + 40).unwrap_or_default());
        assert_eq!(near, None, "somebody told {secret}");
    }
}
