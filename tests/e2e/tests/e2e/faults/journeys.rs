//! What happens to people, cut into acts that are short enough to be disturbed at every call.

use domain::policy::GuardKind;
use domain::ports::Entropy;
use embedded::Decision;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use joinery::guards::{self, Decider};
use serde_json::{Value, json};

use crate::world::tenant::ANCHOR;
use crate::world::{Setup, Trouble, World, hr, joiner};

/// Somebody who has nothing to do with any of it.
pub(super) const BYSTANDER: &str = "hr:20";
/// Accounts that were there before us.
const ADA: &str = "20000000-0000-0000-0000-000000000010";
const SYNCHRONIZED: &str = "hr:90";

/// A piece of a journey. It begins when HR was heard and nobody has worked yet, and ends as it should if the tenant and our
/// books are then as they are when nothing was disturbed: whatever comes after begins from there.
pub(super) struct Act {
    pub(super) name: &'static str,
    /// Where it begins; everything that sets it off has been said.
    pub(super) from: World,
    /// Whom it is about.
    pub(super) people: &'static [&'static str],
    /// Whose access ends in it.
    pub(super) leavers: &'static [&'static str],
    /// Whether to die in it, too, before every write; most of what people live through is in the day of `crash`.
    pub(super) dies: bool,
}

impl Act {
    /// When everything has long settled, whatever went wrong once.
    pub(super) fn ends(&self) -> Timestamp {
        self.from.now() + SignedDuration::from_mins(150)
    }
}

/// Acts as they are gathered.
#[derive(Default)]
struct Acts(Vec<Act>);

impl Acts {
    fn add(
        &mut self,
        name: &'static str,
        world: &World,
        people: &'static [&'static str],
        leavers: &'static [&'static str],
    ) {
        let from = world.fork(Trouble::default());
        from.control("calls", &Value::Null);
        self.0.push(Act { name, from, people, leavers, dies: false });
    }

    /// An act about one person whose access stays or comes.
    fn of_7(&mut self, name: &'static str, world: &World) {
        self.add(name, world, &["hr:7"], &[]);
    }

    /// As [`Acts::of_7`], with deaths.
    fn of_7_with_deaths(&mut self, name: &'static str, world: &World) {
        self.of_7(name, world);
        self.0.last_mut().unwrap().dies = true;
    }

    /// An act in which one person's access ends.
    fn end_of_7(&mut self, name: &'static str, world: &World) {
        self.add(name, world, &["hr:7"], &["hr:7"]);
    }
}

/// Every act of every journey.
pub(super) async fn acts() -> Vec<Act> {
    let company = company(Setup::new()).await;
    let mut acts = Acts::default();
    joiners(&mut acts, &company).await;
    Box::pin(leavers(&mut acts, &company)).await;
    guests(&mut acts, &company).await;
    others(&mut acts, &company).await;
    Box::pin(refused_cuts(&mut acts)).await;
    mass_leaving(&mut acts).await;
    brownfield(&mut acts).await;
    thin(&mut acts).await;
    acts.0
}

async fn company(setup: Setup) -> World {
    let world = setup.build();
    world.hear("20", &joiner("By", "Stander", "Sales", "2026-02-02")).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.licenses(BYSTANDER), ["SPE_E3"]);
    world
}

fn fork(world: &World) -> World {
    world.fork(Trouble::default())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Somebody who works here, long settled.
async fn employed(company: &World, department: &str) -> World {
    let world = fork(company);
    world.hear("7", &joiner("Lea", "Ver", department, "2026-02-02")).await;
    world.run_for_minutes(30).await;
    let id = world.account("hr:7")["id"].as_str().unwrap().to_owned();
    let phone = json!([{"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "phoneType": "mobile"}]);
    world.control(&format!("objects/{id}"), &json!({"authenticationMethods": phone}));
    world
}

async fn joiners(acts: &mut Acts, company: &World) {
    // The name is taken, a manager is named, and a group carries the license.
    let world = fork(company);
    let mut facts = joiner("Mara", "Moss", "Engineering", "2026-02-02");
    facts["org.manager.source_person_id"] = json!("20");
    world.hear("7", &facts).await;
    acts.of_7("a joiner", &world);

    let world = fork(company);
    world.hear("7", &joiner("Pre", "Hire", "Sales", "2026-03-10")).await;
    acts.of_7_with_deaths("a pre-hire", &world);
    world.run_until(at("2026-03-10T04:59:59Z")).await;
    acts.of_7_with_deaths("a pre-hire's first day", &world);

    let world = employed(company, "Sales").await;
    let mut facts = json!({"org.department.name": "Engineering", "org.job.title": "Engineer"});
    facts["org.manager.source_person_id"] = json!("20");
    world.hear("7", &facts).await;
    acts.of_7("a mover", &world);

    let world = fork(company);
    let mut visitor = joiner("Vi", "Sitor", "Sales", "2026-02-02");
    visitor["employment.type"] = json!("visitor");
    world.hear("7", &visitor).await;
    acts.of_7("somebody without an account", &world);
}

/// One life: the last day is announced and comes, the account is deleted, and its owner comes back, in time or too late.
async fn leavers(acts: &mut Acts, company: &World) {
    let world = employed(company, "Sales").await;
    let back = fork(&world);
    world.hear("7", &json!({"termination.last_working_day": "2026-03-06"})).await;
    acts.of_7("a last day that is announced", &world);
    world.run_until(at("2026-03-06T16:59:59Z")).await;
    acts.end_of_7("a last evening", &world);
    world.run_until(at("2026-04-05T16:59:59Z")).await;
    acts.of_7_with_deaths("a deletion", &world);
    world.run_until(at("2026-04-10T08:00:00Z")).await;
    let late = fork(&world);
    world.hear("7", &joiner("Lea", "Ver", "Engineering", "2026-04-10")).await;
    acts.of_7_with_deaths("a return after the deletion", &world);
    late.run_until(at("2026-05-20T08:00:00Z")).await;
    late.hear("7", &joiner("Lea", "Ver", "Engineering", "2026-05-20")).await;
    acts.of_7_with_deaths("a return after the account is gone for good", &late);

    back.hear("7", &json!({"termination.immediate": true})).await;
    acts.end_of_7("a revoke", &back);
    back.run_for_minutes(60).await;
    back.hear("7", &joiner("Lea", "Ver", "Engineering", "2026-03-02")).await;
    acts.of_7("a return", &back);
}

async fn guests(acts: &mut Acts, company: &World) {
    let world = fork(company);
    let mut facts = joiner("Gu", "Est", "Sales", "2026-02-02");
    facts["employment.type"] = json!("external");
    facts["contact.work_email"] = json!("gu.est@elsewhere.example");
    facts["employment.contract_end_date"] = json!("2026-03-06");
    facts["org.manager.source_person_id"] = json!("20");
    world.hear("7", &facts).await;
    acts.of_7("a guest", &world);
    world.run_for_minutes(60).await;
    let id = world.account("hr:7")["id"].as_str().unwrap().to_owned();
    world.control(&format!("redemptions/{id}"), &json!({}));
    world.run_until(at("2026-03-06T16:59:59Z")).await;
    acts.end_of_7("a guest's end", &world);
}

async fn others(acts: &mut Acts, company: &World) {
    let world = fork(company);
    let mut facts = joiner("Tem", "Porary", "Engineering", "2026-02-02");
    facts["employment.type"] = json!("temporary");
    facts["employment.contract_end_date"] = json!("2026-03-06");
    world.hear("7", &facts).await;
    world.run_until(at("2026-03-06T16:59:59Z")).await;
    acts.end_of_7("the end of a temporary contract", &world);

    let world = fork(company);
    for (id, given) in [("7", "First"), ("8", "Second")] {
        world.hear(id, &joiner(given, "Designer", "Design", "2026-02-02")).await;
        world.run_for_minutes(5).await;
    }
    assert_eq!(world.licenses("hr:8"), Vec::<&str>::new());
    world.hear("7", &json!({"termination.immediate": true})).await;
    acts.add("a seat that is waited for", &world, &["hr:7", "hr:8"], &["hr:7"]);
}

async fn refused_cuts(acts: &mut Acts) {
    let world = company(Setup::new()).await;
    world.hear("90", &joiner("Sven", "Synced", "Engineering", "2026-02-02")).await;
    world.run_for_minutes(30).await;
    world.hear("90", &json!({"termination.immediate": true})).await;
    acts.add("a synchronized leaver", &world, &[SYNCHRONIZED], &[SYNCHRONIZED]);

    let admin = json!({
        "id": ADA, "userPrincipalName": "ada.min@contoso.example", "displayName": "Ada Min", "accountEnabled": true,
        "usageLocation": "NL", "roles": ["Global Administrator"], ANCHOR: "hr:7",
        "authenticationMethods": [{"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "phoneType": "mobile"}],
    });
    let world = company(Setup::new().and_user(admin)).await;
    world.hear("7", &joiner("Ada", "Min", "Sales", "2026-02-02")).await;
    world.run_for_minutes(30).await;
    world.hear("7", &json!({"termination.immediate": true})).await;
    acts.end_of_7("an administrator leaving", &world);
}

/// An id for the one decision that is made.
struct Fixed;

impl Entropy for Fixed {
    fn bytes(&self) -> [u8; 32] {
        [7; 32]
    }
}

/// One leaves, two more are held, one of them is released.
async fn mass_leaving(acts: &mut Acts) {
    let world = company(Setup::new().and_policy("[guard.disable]\npeople = 1\nwindow = \"4h\"")).await;
    for (id, given) in [("6", "First"), ("7", "Second"), ("8", "Third")] {
        world.hear(id, &joiner(given, "Leaver", "Sales", "2026-02-02")).await;
    }
    world.run_for_minutes(30).await;
    world.hear("6", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(10).await;
    for id in ["7", "8"] {
        world.hear(id, &json!({"termination.immediate": true})).await;
    }
    acts.add("a mass leaving that is held", &world, &["hr:7", "hr:8"], &[]);
    world.run_for_minutes(10).await;
    let decider = Decider { by: "ana", why: "checked with HR", at: world.now() };
    let (kind, person) = (GuardKind::Disable, "hr:7".parse().unwrap());
    assert!(guards::decide(&world.store, &Fixed, kind, &person, Decision::Release, decider).await.unwrap());
    acts.add("a release of one of them", &world, &["hr:7", "hr:8"], &["hr:7"]);
}

/// An account that was there is confirmed to be somebody's.
async fn brownfield(acts: &mut Acts) {
    let ada = json!({
        "id": ADA, "userPrincipalName": "ada.l@contoso.example", "displayName": "Ada Lovelace", "employeeId": "1007",
        "usageLocation": "NL", "accountEnabled": true,
    });
    let world = company(Setup::new().and_user(ada)).await;
    let mut facts = joiner("Ada", "Lovelace", "Sales", "2020-02-03");
    facts["worker.employee_number"] = json!("1007");
    world.hear("7", &facts).await;
    acts.of_7("an account that may be theirs", &world);
    world.run_for_minutes(30).await;
    assert_eq!(world.confirm("hr:7", ADA, false).await, accounts::matching::Answer::Recorded);
    acts.of_7("a match that was confirmed", &world);
}

/// HR says whose record changed and not how.
async fn thin(acts: &mut Acts) {
    let api = "source = \"bamboohr\"\napi = { company = \"contoso\", key = \"env:BAMBOO_KEY\" }";
    let world = company(Setup::new().with_policy("source = \"bamboohr\"", api)).await;
    let ada = json!({
        "firstName": "Ada", "lastName": "Lovelace", "department": "Sales", "country": "Netherlands",
        "employmentHistoryStatus": "Full-Time", "hireDate": "2026-02-02", "employeeNumber": "1007",
    });
    world.hr_control("employees", &json!({"12": ada}));
    let body = json!({
        "type": "employee.created", "timestamp": world.now().to_string(),
        "data": {"companyId": "1", "employeeId": "12", "changedFields": []},
    });
    assert_eq!(world.knock(&hr::bamboo(&body, world.now())).await, StatusCode::ACCEPTED);
    acts.add("a joiner of whom only the id was said", &world, &["bamboo:12"], &[]);
}
