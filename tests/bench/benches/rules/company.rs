//! Generated users, the same in every run.

use cel::Context as Cel;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

/// How many departments and cities there are.
pub(crate) const DEPARTMENTS: u32 = 60;
pub(crate) const CITIES: u32 = 80;
pub(crate) const COUNTRIES: [&str; 6] = ["no", "se", "dk", "de", "us", "gb"];
pub(crate) const TITLES: [&str; 8] =
    ["engineer", "senior engineer", "manager", "sales manager", "director", "assistant", "analyst", "intern"];
/// What changes about people.
const CHANGING: [&str; 5] = ["department", "city", "jobTitle", "accountEnabled", "mail"];

/// A company that hires.
pub(crate) struct Company {
    random: StdRng,
    hired: usize,
}

impl Company {
    pub(crate) fn new() -> Self {
        Self { random: StdRng::seed_from_u64(20_260_301), hired: 0 }
    }

    /// The next user, as Graph returns it; about one in ten attributes is missing.
    pub(crate) fn user(&mut self) -> Value {
        self.hired += 1;
        let mut user = json!({
            "id": format!("00000000-0000-0000-0000-{:012}", self.hired),
            "accountEnabled": self.random.random_bool(0.9),
            "userType": if self.random.random_bool(0.9) { "member" } else { "guest" },
            "otherMails": [format!("u{}@home.example", self.hired), format!("x{}@elsewhere.example", self.random.random_range(0..1_000))],
        });
        for name in ["department", "city", "country", "jobTitle", "mail"] {
            if self.random.random_bool(0.9) {
                user[name] = self.value(name);
            }
        }
        user
    }

    /// The user with another value of one attribute, and which.
    pub(crate) fn changed(&mut self, user: &Value) -> (Value, &'static str) {
        let name = CHANGING.choose(&mut self.random).expect("not empty");
        let mut changed = user.clone();
        changed[*name] = if *name == "accountEnabled" { json!(user[*name] != true) } else { self.value(name) };
        (changed, name)
    }

    fn value(&mut self, name: &str) -> Value {
        let random = &mut self.random;
        match name {
            "department" => json!(format!("dept{:02}", random.random_range(0..DEPARTMENTS))),
            "city" => json!(format!("city{:02}", random.random_range(0..CITIES))),
            "country" => json!(COUNTRIES.choose(random)),
            "jobTitle" => json!(TITLES.choose(random)),
            _ => json!(format!(
                "u{}@{}.example",
                random.random_range(0..100_000),
                COUNTRIES.choose(random).expect("not empty")
            )),
        }
    }
}

/// The user as `cel` takes it.
pub(crate) fn context(user: &Value) -> Cel<'static, 'static> {
    let mut context = Cel::default();
    context.add_variable("user", user).expect("a user is data");
    context
}
