//! The day as data: who is in it, how it must end, what HR sends when. See `data/day.toml`.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

const DAY: &str = include_str!("../data/day.toml");

/// Facts about a person by name (see [`FACTS`]): how they should be, or how the tenant shows them.
pub type Facts = BTreeMap<String, Value>;

/// The facts there are. Somebody without an account has an empty `upn` and nothing else of the tenant's; `invitation` is where a
/// guest's stands. From `generation` on they are the roster's: `generation` counts the turns between access and none, `next` is
/// when time alone changes something (in the company's zone), `tasks` are what a human is to do, `uncut` what of a cut is missing,
/// `held` what guards hold and whether it was refused, `waiting` counts steps that wait, `open` those that are not read back yet.
/// `writes` are the calls of the scene that changed, or were to change, this person's account or memberships.
pub const FACTS: &[&str] = &[
    "id",
    "upn",
    "user_type",
    "invitation",
    "mail",
    "sponsors",
    "display_name",
    "enabled",
    "location",
    "department",
    "manager",
    "groups",
    "licenses",
    "methods",
    "generation",
    "next",
    "tasks",
    "uncut",
    "held",
    "waiting",
    "open",
    "writes",
];

/// Why the day cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It is no TOML of this shape.
    #[error("the day cannot be read")]
    Unreadable(#[from] toml::de::Error),
    /// It contradicts itself.
    #[error("the day makes no sense: {0}")]
    Nonsense(String),
}

/// A day.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Day {
    /// The company's time zone; times of scenes are in it.
    pub zone: String,
    /// Seats the company owns of a product, by part number, where the demo tenant is to have others.
    pub seats_bought: BTreeMap<String, u32>,
    /// Seats taken and free at the end, by part number.
    pub seats: BTreeMap<String, [i64; 2]>,
    /// Messages nobody could handle, at the end.
    pub failures: usize,
    /// Who is in it.
    #[serde(rename = "person")]
    pub people: Vec<Role>,
    /// What happens.
    #[serde(rename = "scene")]
    pub scenes: Vec<Scene>,
}

/// One person of the day.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// `CONNECTION:SOURCE_ID`.
    pub id: String,
    /// As people say it.
    pub name: String,
    /// What happens to them, in half a sentence.
    pub story: String,
    /// Where they live, if not in the company's zone.
    pub zone: Option<String>,
    /// The object id of an account that is there already.
    pub account: Option<String>,
    /// What this account has beside what the demo tenant gives it.
    #[serde(default)]
    pub seed: Map<String, Value>,
    /// How they must end: every fact of [`FACTS`] that matters.
    pub end: Facts,
}

/// One scene.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// When it begins.
    pub at: DateTime,
    /// What happens.
    pub title: String,
    /// What to look at.
    pub look: String,
    /// Whom to follow closely: of everybody else only the milestones are shown. Nobody named: everybody.
    #[serde(default)]
    pub follow: Vec<String>,
    /// What HR sends comes to rest message by message, so that who comes first is first.
    #[serde(default)]
    pub in_turn: bool,
    /// How long it lasts at most, until the next begins. A cut is repeated after two minutes.
    #[serde(default = "ten")]
    pub minutes: i64,
    /// Nothing may be written to the tenant.
    #[serde(default)]
    pub quiet: bool,
    /// Whose cut must be written before whose account.
    pub overtakes: Option<Overtaking>,
    /// What HR sends.
    #[serde(default, rename = "request")]
    pub requests: Vec<Request>,
    /// What people do elsewhere.
    #[serde(default, rename = "act")]
    pub acts: Vec<Act>,
    /// What an operator types.
    #[serde(default, rename = "command")]
    pub commands: Vec<Command>,
    /// Every page that goes out, at once.
    #[serde(default, rename = "page")]
    pub pages: Vec<Alert>,
    /// What must be so when it is over.
    #[serde(default)]
    pub then: Vec<Check>,
}

fn ten() -> i64 {
    10
}

/// A cut that does not wait behind other work.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overtaking {
    /// Whose access is cut.
    pub cut: String,
    /// Whose account is made afterwards, although HR may have named them before.
    pub created: String,
}

/// One webhook.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Whom it is about.
    pub person: String,
    /// What it says, in plain words.
    pub says: String,
    /// The connection, as the policy calls it.
    pub to: String,
    /// The message's id, where the connection has such.
    pub id: Option<String>,
    /// Signed with a key that is not the connection's.
    #[serde(default)]
    pub forged: bool,
    /// The answer's status.
    pub status: u16,
    /// The bytes sent.
    pub body: String,
}

/// Something that people do without Joinery, in the tenant or in Active Directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Whom it is about.
    pub person: String,
    /// What they do, in plain words.
    pub says: String,
    /// What of the emulator is put, below `_control/`; `{account}` is the person's.
    pub put: String,
    /// The bytes put.
    pub body: String,
}

/// A command at the operator's terminal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Its words, without the program and `--data`.
    pub joinery: Vec<String>,
    /// Every line about a person that it must print: parts of it in order.
    #[serde(default)]
    pub rows: Vec<Vec<String>>,
}

/// A page.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// Whom it is about.
    pub person: String,
    /// A part of its text.
    pub says: String,
}

/// Facts of one person at one time.
#[derive(Debug, Clone, Deserialize)]
pub struct Check {
    /// Whose.
    pub person: String,
    /// The facts.
    #[serde(flatten)]
    pub facts: Facts,
}

impl Day {
    /// The day of this demo.
    pub fn load() -> Result<Self, ScenarioError> {
        Self::parse(DAY)
    }

    /// Reads a day and checks that it speaks of people it has and of facts there are.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let day: Self = toml::from_str(text)?;
        day.check().map_err(ScenarioError::Nonsense)?;
        Ok(day)
    }

    /// Somebody of the day.
    pub fn role(&self, id: &str) -> Option<&Role> {
        self.people.iter().find(|role| role.id == id)
    }

    /// The zone somebody lives in.
    pub fn zone_of(&self, role: Option<&Role>) -> TimeZone {
        let name = role.and_then(|role| role.zone.as_deref()).unwrap_or(&self.zone);
        TimeZone::get(name).unwrap_or(TimeZone::UTC)
    }

    /// When a scene begins.
    pub fn begins(&self, scene: &Scene) -> Timestamp {
        let zoned = self.zone_of(None).to_ambiguous_zoned(scene.at).compatible();
        zoned.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }

    /// When a scene is over at the latest.
    pub fn ends(&self, scene: &Scene) -> Timestamp {
        let begins = self.begins(scene);
        begins.saturating_add(SignedDuration::from_mins(scene.minutes)).unwrap_or(begins)
    }

    fn check(&self) -> Result<(), String> {
        let zones = self.people.iter().filter_map(|role| role.zone.as_deref()).chain([self.zone.as_str()]);
        for zone in zones {
            TimeZone::get(zone).map_err(|error| error.to_string())?;
        }
        if !self.scenes.is_sorted_by_key(|scene| scene.at) {
            return Err("the scenes are not in order of time".into());
        }
        let ends = self.people.iter().map(|role| (&role.id, &role.end));
        let checks = self.scenes.iter().flat_map(|scene| &scene.then).map(|check| (&check.person, &check.facts));
        for (person, facts) in ends.chain(checks) {
            if let Some(name) = facts.keys().find(|name| !FACTS.contains(&name.as_str())) {
                return Err(format!("`{name}` of {person} is no fact"));
            }
        }
        let spoken_of = self.scenes.iter().flat_map(|scene| {
            let overtaking = scene.overtakes.iter().flat_map(|order| [&order.cut, &order.created]);
            let done = scene.requests.iter().map(|request| &request.person);
            let done = done.chain(scene.acts.iter().map(|act| &act.person));
            let seen = scene.then.iter().map(|check| &check.person);
            let seen = seen.chain(scene.pages.iter().map(|page| &page.person)).chain(&scene.follow);
            overtaking.chain(done).chain(seen)
        });
        match spoken_of.into_iter().find(|person| self.role(person).is_none()) {
            Some(person) => Err(format!("{person} is nobody of the day")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_makes_sense() {
        let day = Day::load().unwrap();
        assert!(day.people.iter().all(|role| role.end.contains_key("upn") && role.end.contains_key("enabled")));
        let requests =
            day.scenes.iter().flat_map(|scene| &scene.requests).map(|request| (&request.says, &request.body));
        let acts = day.scenes.iter().flat_map(|scene| &scene.acts).map(|act| (&act.says, &act.body));
        for (says, body) in requests.chain(acts) {
            assert!(serde_json::from_str::<Value>(body).is_ok(), "{says}");
        }
    }

    #[test]
    fn a_misspelt_fact_or_person_does_not_go_unnoticed() {
        let misspelt = DAY.replacen("upn = \"\"", "unp = \"\"", 1);
        assert!(Day::parse(&misspelt).unwrap_err().to_string().contains("`unp`"));
        let stranger = DAY.replacen("cut = \"hr:US-08\"", "cut = \"hr:US-09\"", 1);
        assert!(Day::parse(&stranger).unwrap_err().to_string().contains("hr:US-09"));
    }
}
