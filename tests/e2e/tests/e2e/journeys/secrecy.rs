//! What nobody may read in a log, a reason, a page or a timeline.

use std::io::Write;
use std::sync::{Arc, Mutex};

use domain::ports::Vault;
use http::StatusCode;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{Setup, hr, joiner};

/// Everything that is logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn m06_no_secret_and_nothing_personal_is_logged_paged_or_told() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
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

    let mut told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(told.contains("graph call") && told.contains("hr:7"), "the log was heard");
    for id in ["hr:7", "hr:8", "hr:9"] {
        told.push_str(&world.story(id).await);
    }
    assert!(!world.pages().is_empty() && !world.failures().is_empty(), "{}", world.dump().await);
    told.extend(world.pages().iter().map(|page| page.text.clone()));
    told.extend(world.failures().iter().map(|failure| format!("{} {:?}", failure.reason, failure.person)));
    let secrets = [hr::HR_SECRET, hr::HR_SECRET.trim_start_matches("whsec_"), hr::BAMBOO_SECRET, "Bearer", "ordinary", "99887766"];
    let told = told.to_lowercase();
    for secret in secrets.iter().map(ToString::to_string).chain(password).chain(["planted".to_owned(), "999-88".to_owned()]) {
        let found = told.find(&secret.to_lowercase());
        let near = found.map(|at| told.get(at.saturating_sub(200)..at + 40).unwrap_or_default());
        assert_eq!(near, None, "somebody told {secret}");
    }
}
