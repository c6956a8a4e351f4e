//! The data directory as the commands find it: the store, in the time it lives in, and what `joinery up` remembered
//! there, so that every other command needs nothing but `--data`.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::ids::PersonId;
use domain::policy::{Fault, Policy};
use domain::ports::{Clock, Entropy, Roster, StoreError};
use embedded::{DATABASE, OpenError, Options, Store};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::clock::{ClockError, OtherClock};
use crate::edge::{FollowedClock, SystemEntropy};
use crate::functions::{Functions, Wiring};
use crate::tenant::{Clients, Environment, Identities, TenantError, is_loopback};

/// The setting's name in the store.
const SETTING: &str = "up";

/// How many people one look at the roster names.
const PEOPLE_PAGE: usize = 1_000;

/// The file whose lock says that a `joinery up` is running on the directory.
pub(crate) const LOCK_FILE: &str = "up.lock";

/// What `joinery up` was started with. No secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The policy file.
    pub policy: PathBuf,
    /// Which text of it is in force.
    pub fingerprint: String,
    /// Where Graph is.
    pub graph_url: Url,
    /// The clock that is followed.
    pub clock_url: Option<Url>,
    /// The tenant, as given with the credentials.
    pub tenant: String,
}

impl Remembered {
    /// What was remembered last; None before the first `joinery up`.
    pub fn load(store: &Store) -> Result<Option<Self>, StoreError> {
        store.setting(SETTING)
    }

    /// Remembers it.
    pub fn save(&self, store: &Store) -> Result<(), StoreError> {
        store.set_setting(SETTING, self)
    }

    /// Whether the data gathered under these settings can serve under `other`: ids, addresses and ledger are one tenant's.
    /// An emulator is the same wherever it listens; a real tenant is never an emulator.
    pub fn is_of_same_tenant(&self, other: &Self) -> bool {
        match (is_loopback(&self.graph_url), is_loopback(&other.graph_url)) {
            (true, true) => true,
            (false, false) => self.graph_url.host() == other.graph_url.host() && self.tenant == other.tenant,
            _ => false,
        }
    }
}

/// Why the data cannot be worked on.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// There is none.
    #[error("there is no Joinery data in {}: start `joinery up` with it, or name another directory with --data", .0.display())]
    NoData(PathBuf),
    /// The store cannot be opened.
    #[error("the data in {} cannot be opened", .0.display())]
    Open(PathBuf, #[source] OpenError),
    /// The store does not answer.
    #[error("the data cannot be read")]
    Store(#[from] StoreError),
    /// `joinery up` never ran here.
    #[error("no tenant is remembered here: start `joinery up` once")]
    NeverUp,
    /// No way to the tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The clock that the data lives by does not answer.
    #[error("the clock that this data lives by cannot be read")]
    Clock(#[from] ClockError),
}

/// An open data directory.
pub struct Desk {
    /// The store.
    pub store: Store,
    /// The time the data lives in: the machine's, or that of the clock `joinery up` follows.
    pub clock: Arc<dyn Clock>,
    /// What `joinery up` was started with last.
    pub remembered: Option<Remembered>,
    /// Set if the followed clock did not answer and the machine's time is used instead.
    pub clock_lost: bool,
    directory: PathBuf,
}

impl Desk {
    /// Opens a directory that `joinery up` has used. It is not made: a mistyped name would look like an empty company.
    pub async fn open(directory: &Path) -> Result<Self, DeskError> {
        if !directory.join(DATABASE).is_file() {
            return Err(DeskError::NoData(directory.to_owned()));
        }
        let clock = FollowedClock::default();
        let store = Store::open(directory, Arc::new(clock.clone()), Options::default())
            .map_err(|error| DeskError::Open(directory.to_owned(), error))?;
        let remembered = Remembered::load(&store)?;
        let mut clock_lost = false;
        if let Some(address) = remembered.as_ref().and_then(|remembered| remembered.clock_url.as_ref()) {
            clock_lost = OtherClock::at(address, clock.clone())?.look().await.is_err();
        }
        Ok(Self { store, clock: Arc::new(clock), remembered, clock_lost, directory: directory.to_owned() })
    }

    /// Whether a `joinery up` is running on this data.
    pub fn is_up(&self) -> bool {
        let lock = File::open(self.directory.join(LOCK_FILE));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Everyone in the roster, in order of id.
    pub async fn everyone(&self) -> Result<Vec<PersonId>, StoreError> {
        let mut everyone: Vec<PersonId> = Vec::new();
        loop {
            let page = self.store.list(everyone.last(), PEOPLE_PAGE).await?;
            if page.is_empty() {
                return Ok(everyone);
            }
            everyone.extend(page);
        }
    }

    /// Clients of the tenant that the data belongs to. Without `AZURE_TENANT_ID` the remembered one is meant.
    pub fn clients(&self, environment: &Environment) -> Result<Clients, DeskError> {
        let remembered = self.remembered.as_ref().ok_or(DeskError::NeverUp)?;
        let environment = environment.or("AZURE_TENANT_ID", &remembered.tenant);
        let identities = Identities::from_environment(&environment, &remembered.graph_url, &remembered.tenant)?;
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        Ok(Clients::new(&remembered.graph_url, &identities, &self.clock, &entropy)?)
    }

    /// The functions under a policy, for looking: nothing takes from the queues.
    pub fn functions(&self, policy: &Arc<Policy>, clients: &Clients) -> Functions {
        let wiring = Wiring::over(&self.store, clients, Arc::clone(&self.clock), Arc::new(SystemEntropy));
        Functions::new(policy, &wiring)
    }

    /// The policy as its file stands now.
    pub fn policy(&self) -> Result<Arc<Policy>, PolicyError> {
        let remembered = self.remembered.as_ref().ok_or(PolicyError::NotRemembered)?;
        load_policy(&remembered.policy)
    }
}

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// `joinery up` never ran here.
    #[error("no policy is remembered here: start `joinery up` once")]
    NotRemembered,
    /// The file cannot be read.
    #[error("the policy {} cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// It has faults. They come with the text they were found in, to be shown.
    #[error("the policy {} has faults", .path.display())]
    Faulty {
        /// The file.
        path: PathBuf,
        /// Its text.
        text: String,
        /// What is wrong with it.
        faults: Vec<Fault>,
    },
}

impl PolicyError {
    /// Everything there is to say, faults with their lines.
    pub fn render(&self) -> String {
        match self {
            Self::Faulty { path, text, faults } => {
                let name = path.display().to_string();
                faults.iter().map(|fault| fault.render(&name, text)).collect::<Vec<_>>().join("\n")
            }
            other => crate::machine::chain(other),
        }
    }
}

/// Reads and checks a policy file.
pub fn load_policy(path: &Path) -> Result<Arc<Policy>, PolicyError> {
    let text = std::fs::read_to_string(path).map_err(|error| PolicyError::Unreadable(path.to_owned(), error))?;
    match Policy::parse(&text) {
        Ok(policy) => Ok(Arc::new(policy)),
        Err(faults) => Err(PolicyError::Faulty { path: path.to_owned(), text, faults }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remembered(graph: &str, tenant: &str) -> Remembered {
        Remembered {
            policy: "policy.toml".into(),
            fingerprint: String::new(),
            graph_url: Url::parse(graph).unwrap(),
            clock_url: None,
            tenant: tenant.into(),
        }
    }

    #[test]
    fn data_of_one_tenant_is_not_used_for_another() {
        let real = remembered("https://graph.microsoft.com/v1.0", "one");
        let emulated = remembered("http://127.0.0.1:1000/v1.0", "one");
        assert!(real.is_of_same_tenant(&real));
        assert!(emulated.is_of_same_tenant(&remembered("http://localhost:2000/v1.0", "two")));
        assert!(!real.is_of_same_tenant(&remembered("https://graph.microsoft.com/v1.0", "two")));
        assert!(!real.is_of_same_tenant(&remembered("https://graph.microsoft.us/v1.0", "one")));
        assert!(!emulated.is_of_same_tenant(&real) && !real.is_of_same_tenant(&emulated));
    }
}
