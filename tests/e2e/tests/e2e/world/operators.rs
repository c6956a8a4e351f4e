//! What operators decide about accounts.

use accounts::matching::{self, Answer};
use domain::matching::Candidate;

use super::World;

impl World {
    /// The accounts that may be a person's.
    pub(crate) async fn candidates(&self, person: &str) -> Vec<Candidate> {
        matching::look(self.machine.functions.accounts(), &self.person(person).await).await.unwrap()
    }

    /// Somebody says that an account is a person's.
    pub(crate) async fn confirm(&self, person: &str, object: &str, insists: bool) -> Answer {
        let (accounts, person, object) =
            (self.machine.functions.accounts(), person.parse().unwrap(), object.parse().unwrap());
        matching::confirm(accounts, &person, &object, "Grace", insists).await.unwrap()
    }

    /// Somebody says that an account is not a person's.
    pub(crate) async fn reject(&self, person: &str, object: &str) -> Answer {
        let (accounts, person, object) =
            (self.machine.functions.accounts(), person.parse().unwrap(), object.parse().unwrap());
        matching::reject(accounts, &person, &object, None).await.unwrap()
    }

    /// What a human is asked to do for a person, in order.
    pub(crate) async fn tasks(&self, person: &str) -> Vec<String> {
        let person = self.person(person).await;
        let tasks = domain::progress::tasks(&person);
        let mut tasks: Vec<_> = tasks.map(|(step, what)| format!("{}: {what}", step.action.phrase())).collect();
        tasks.sort();
        tasks
    }

    /// An object of the tenant, living.
    pub(crate) fn object(&self, id: &str) -> serde_json::Value {
        let snapshot = self.emulator().tenant().snapshot(false);
        let mut users = snapshot["users"].as_array().unwrap().iter();
        users.find(|user| user["id"] == id).cloned().unwrap_or_else(|| panic!("no user {id}"))
    }
}
