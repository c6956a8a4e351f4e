//! Attribute standards, end to end: what passes ours is taken by the tenant's, which are coded independently of them; what does not blocks
//! one person and nothing else.

use domain::attributes;
use domain::lifecycle;
use domain::policy::Policy;
use http::Method;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::world::{Setup, World, joiner};

const MARA: &str = "/users/20000000-0000-0000-0000-000000000002";

async fn work(world: &World) {
    world.run_for_minutes(10).await;
}

async fn faults(world: &World, id: &str) -> Vec<(String, String)> {
    let policy = Policy::parse(include_str!("data/policy.toml")).unwrap();
    let person = world.person(id).await;
    let standing = lifecycle::standing(&person, &policy, world.now());
    let found = attributes::findings(&person, &standing, &policy);
    found.into_iter().map(|finding| (finding.path, finding.fault.problem)).collect()
}

#[tokio::test]
async fn m04_a_bad_attribute_blocks_that_person_alone_and_a_corrected_event_clears_it() {
    let world = Setup::new().build();
    let mut bad = joiner("Ada", "Lovelace", "Sales", "2026-02-02");
    bad["org.job.title"] = json!("x".repeat(129));
    bad["contact.work_phone"] = json!("ask Anna");
    world.hear("1", &bad).await;
    world.hear("2", &joiner("Bo", "Larsen", "Sales", "2026-02-02")).await;
    work(&world).await;
    assert!(world.accounts("hr:1").is_empty(), "nothing is half-applied");
    assert_eq!(world.licenses("hr:2"), ["SPE_E3"]);
    let story = world.story("hr:1").await;
    assert!(story.contains("`org.job.title` has 129 characters") && !story.contains("Anna"), "{story}");
    world.hear("1", &json!({"org.job.title": "Countess", "contact.work_phone": "+31 20 555 0100"})).await;
    work(&world).await;
    assert_eq!(world.account("hr:1")["jobTitle"], "Countess");
    assert_eq!(world.licenses("hr:1"), ["SPE_E3"]);
    assert_eq!((world.failures(), faults(&world, "hr:1").await), (vec![], vec![]));
}

#[tokio::test]
async fn m04_a_fault_holds_no_cut() {
    let world = Setup::new().build();
    world.hear("1", &joiner("Ada", "Lovelace", "Sales", "2026-02-02")).await;
    work(&world).await;
    world.hear("1", &json!({"org.job.title": "x".repeat(129), "org.department.name": "Design"})).await;
    work(&world).await;
    assert_eq!(world.groups("hr:1"), ["Everyone", "Sales"], "an update is held as a whole");
    world.hear("1", &json!({"termination.immediate": true})).await;
    work(&world).await;
    assert_eq!(world.account("hr:1")["accountEnabled"], false);
    assert_eq!((world.groups("hr:1"), world.licenses("hr:1")), (vec![], vec![]));
}

#[tokio::test]
async fn m04_a_number_that_is_somebody_elses_waits_until_either_is_corrected() {
    for corrected in ["1", "2"] {
        let world = Setup::new().build();
        let numbered = |family: &str, number: &str| {
            let mut facts = joiner("Ada", family, "Sales", "2026-02-02");
            facts["worker.employee_number"] = json!(number);
            facts
        };
        world.hear("1", &numbered("First", "C17")).await;
        work(&world).await;
        world.hear("2", &numbered("Second", "C17")).await;
        world.hear("1", &json!({"org.job.title": "Clerk"})).await;
        work(&world).await;
        assert!(world.accounts("hr:2").is_empty());
        let said = ("worker.employee_number".to_owned(), "is also that of hr:1".to_owned());
        assert_eq!(faults(&world, "hr:2").await, [said]);
        assert_eq!(world.account("hr:1")["jobTitle"], "Clerk", "a newcomer's number stops nobody");
        world.hear(corrected, &json!({"worker.employee_number": "C18"})).await;
        work(&world).await;
        assert_eq!(faults(&world, "hr:2").await, []);
        assert_eq!(world.account("hr:2")["accountEnabled"], true, "{}", world.story("hr:2").await);
        assert_eq!(world.failures(), vec![]);
    }
}

#[tokio::test]
async fn m04_two_newcomers_with_one_address_both_wait_and_one_correction_frees_both() {
    let world = Setup::new().build();
    for (id, address) in [("1", "ada@contoso.example"), ("2", "Ada@Contoso.example")] {
        let mut facts = joiner("Ada", &format!("Number{id}"), "Sales", "2026-03-20");
        facts["contact.work_email"] = json!(address);
        world.hear(id, &facts).await;
    }
    work(&world).await;
    assert_eq!(faults(&world, "hr:1").await.len(), 1);
    assert_eq!(faults(&world, "hr:2").await.len(), 1);
    world.hear("1", &json!({"contact.work_email": "other@contoso.example"})).await;
    work(&world).await;
    for id in ["hr:1", "hr:2"] {
        assert_eq!(faults(&world, id).await, [], "{id}");
    }
}

/// Texts of every kind, long ones among them.
fn text() -> impl Strategy<Value = String> {
    let odd = [
        "\u{200b}", "e\u{301}", " ", ".", "@", "a", "7", "\u{200d}", "-", "\u{fb1d}", "ü", "王", "+", "en", "US", "NL",
    ];
    let lengths = select(vec![1_usize, 15, 16, 17, 40, 41, 64, 65, 128, 129, 256, 257, 1024, 1025]);
    prop_oneof![
        any::<String>(),
        "[+()0-9 ./x-]{1,20}",
        "[a-z]{2,3}(-[A-Z]{2})?",
        prop::collection::vec(select(odd.to_vec()), 0..30).prop_map(|parts| parts.concat()),
        (select(vec!["x", "ü", "王"]), lengths).prop_map(|(letter, length)| letter.repeat(length)),
    ]
}

/// Facts that end up in properties.
const PATHS: [&str; 14] = [
    "name.legal.given",
    "name.legal.family",
    "name.preferred.formatted",
    "org.job.title",
    "org.department.name",
    "org.company.name",
    "org.division.name",
    "location.name",
    "location.city",
    "location.postal_code",
    "location.street",
    "contact.work_mobile",
    "contact.work_phone",
    "locale.preferred_language",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn m04_what_passes_our_standards_the_tenant_takes(
        facts in prop::collection::btree_map(select(PATHS.to_vec()), text(), 1..4),
        number in text(),
    ) {
        let world = Setup::new().build();
        let policy = Policy::parse(include_str!("data/policy.toml")).unwrap();
        let mut said = joiner("Ada", "Lovelace", "Sales", "2026-02-02");
        said["worker.employee_number"] = json!(number);
        for (path, text) in &facts {
            said[*path] = json!(text);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let person = runtime.block_on(async {
            // What is too long for any HR system is refused at the door.
            world.deliver(&world.event("1", &said)).await;
            world.work_one().await;
            world.known("hr:1").await
        });
        let Some(person) = person else { return Ok(()) };
        let standing = lifecycle::standing(&person, &policy, world.now());
        if let Ok(properties) = attributes::desired(&person, &standing, &policy) {
            for (name, value) in properties {
                // Panics if it is refused.
                world.by_hand(&Method::PATCH, MARA, &Value::Object(Map::from_iter([(name, value)])));
            }
        }
    }
}
