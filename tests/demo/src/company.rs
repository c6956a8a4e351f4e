//! Everything the demo runs: the emulated tenant, the policy with secrets of its own, and Joinery, all in this process.

use std::collections::BTreeMap;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::{fs, io};

use embedded::Durability;
use graph_emulator::{Emulator, Machine, Options, SeedError};
use jiff::Timestamp;
use joinery::tenant::Environment;
use joinery::up::Running;
use rand::Rng as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use crate::scenario::{Day, Role};
use crate::signing::{Signer, hex};
use crate::tenant::{Tenant, TenantError};

const POLICY: &str = include_str!("../data/policy.toml");
/// The policy's anchor, by which Joinery knows its accounts.
pub(crate) const ANCHOR: &str = "extension_0123456789abcdef0123456789abcdef_joineryPerson";

/// Why the company cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum CompanyError {
    /// The demo tenant is broken.
    #[error("the demo tenant cannot be planted")]
    Seed(#[from] SeedError),
    /// A file or a socket cannot be had.
    #[error("the demo's files or sockets cannot be made")]
    Machine(#[from] io::Error),
    /// The emulator does not answer.
    #[error("the emulator cannot be set up")]
    Tenant(#[from] TenantError),
    /// An address is none.
    #[error("the emulator's address cannot be used")]
    Address(#[from] url::ParseError),
    /// Joinery does not start.
    #[error("joinery cannot be started")]
    Joinery(#[from] joinery::up::StartError),
    /// The directory holds something already.
    #[error("{} is not empty: the demo needs a directory of its own", .0.display())]
    NotEmpty(PathBuf),
}

/// The emulated tenant, served.
pub struct Stage {
    /// A way to it.
    pub tenant: Tenant,
    /// Where it listens, without a path.
    pub url: Url,
    /// Serves as long as it is here.
    _running: graph_emulator::Running,
}

/// The tenant, Joinery, and what Joinery was started with.
pub struct Company {
    /// The tenant.
    pub stage: Stage,
    /// What Joinery was started with.
    pub files: Files,
    /// Joinery.
    pub joinery: Running,
    /// Where it takes webhooks, without a path.
    pub hooks: String,
}

impl Company {
    /// Starts everything on ports of this machine that are free.
    pub async fn open(day: &Day, directory: &Path) -> Result<Self, CompanyError> {
        let files = Files::write(directory)?;
        let stage = Stage::set(day).await?;
        let joinery = joinery::up::start(joinery::up::Options {
            policy: files.policy.clone(),
            data: files.directory.clone(),
            listen: ([127, 0, 0, 1], 0).into(),
            graph_url: stage.url.join("v1.0")?,
            clock_url: Some(stage.url.clone()),
            environment: Environment::of([]),
            // The demo's data need not outlive the machine.
            durability: Durability::Crash,
        })
        .await?;
        let hooks = format!("http://{}", joinery.address());
        Ok(Self { stage, files, joinery, hooks })
    }
}

impl Stage {
    /// Serves the demo tenant as the day wants it, its clock standing at the first scene.
    pub async fn set(day: &Day) -> Result<Self, CompanyError> {
        let seed = seed(day)?;
        let options = Options { machine: Some(machine_clock()), ..Options::default() };
        let emulator = Emulator::new(graph_emulator::Tenant::from_seed(&seed, options)?);
        let running = emulator.serve(TcpListener::bind(("127.0.0.1", 0)).await?)?;
        let url = Url::parse(&running.base_url())?;
        let tenant = Tenant::at(url.clone(), &seed)?;
        Ok(Self { tenant, url, _running: running })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the demo is an edge: after the day its clock runs on with the machine's"
)]
fn machine_clock() -> Machine {
    std::sync::Arc::new(Timestamp::now)
}

/// The demo tenant with what this day adds: anchors on the accounts Joinery made in the past, what else they need, seats, and reads
/// that lag.
fn seed(day: &Day) -> Result<Value, CompanyError> {
    let mut seed = graph_emulator::Tenant::demo_seed()?;
    let roles: BTreeMap<&str, &Role> =
        day.people.iter().filter_map(|role| Some((role.account.as_deref()?, role))).collect();
    for user in seed.get_mut("users").and_then(Value::as_array_mut).into_iter().flatten() {
        let role = user.get("id").and_then(Value::as_str).and_then(|id| roles.get(id)).copied();
        if let (Some(user), Some(role)) = (user.as_object_mut(), role) {
            user.insert(ANCHOR.into(), json!(role.id));
            user.extend(role.seed.clone());
        }
    }
    for sku in seed.get_mut("subscribedSkus").and_then(Value::as_array_mut).into_iter().flatten() {
        let bought =
            sku.get("skuPartNumber").and_then(Value::as_str).and_then(|name| day.seats_bought.get(name)).copied();
        if let (Some(bought), Some(units)) = (bought, sku.pointer_mut("/prepaidUnits/enabled")) {
            *units = json!(bought);
        }
    }
    if let Some(seed) = seed.as_object_mut() {
        let begin = day.scenes.first().map(|scene| day.begins(scene)).unwrap_or_default();
        seed.insert("now".into(), json!(begin.to_string()));
        // Each read may hit another of three replicas, and those may be a second and a half behind.
        let latency = json!({"settle_ms": 1500, "replicas": 3, "seed": 7, "license_ms": 1000, "membership_ms": 2000});
        seed.insert("latency".into(), latency);
    }
    Ok(seed)
}

/// The directory Joinery is started with.
pub struct Files {
    /// The directory: data, policy and secrets.
    pub directory: PathBuf,
    /// The policy.
    pub policy: PathBuf,
    /// How each connection signs.
    pub signers: BTreeMap<String, Signer>,
}

impl Files {
    /// Writes policy and secrets into a directory that is made if it is missing, and must be empty: the roster of one day
    /// does not fit the tenant of another. The secrets are for their owner only.
    pub fn write(directory: &Path) -> Result<Self, CompanyError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let directory = directory.canonicalize()?;
        if fs::read_dir(&directory)?.next().is_some() {
            return Err(CompanyError::NotEmpty(directory));
        }
        let secrets = directory.join("secrets");
        fs::create_dir(&secrets)?;
        let signers =
            [("bamboo", Signer::Bamboo(hex(&random::<16>()))), ("hr", Signer::Standard(random::<32>().to_vec()))];
        for (name, signer) in &signers {
            write_secret(&secrets.join(name), &signer.secret())?;
        }
        let policy = directory.join("policy.toml");
        fs::write(&policy, POLICY)?;
        let signers = signers.into_iter().map(|(name, signer)| (name.to_owned(), signer)).collect();
        Ok(Self { directory, policy, signers })
    }

    /// A signer with a key that no connection has.
    pub fn forger(signer: &Signer) -> Signer {
        match signer {
            Signer::Bamboo(_) => Signer::Bamboo(hex(&random::<16>())),
            Signer::Standard(_) => Signer::Standard(random::<32>().to_vec()),
        }
    }
}

fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_of_the_demo_is_free_of_faults() {
        let faults = domain::policy::Policy::parse(POLICY).err().unwrap_or_default();
        let told: Vec<String> = faults.iter().map(|fault| fault.render("policy.toml", POLICY)).collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
        assert!(POLICY.contains(ANCHOR));
    }

    #[test]
    fn accounts_that_are_there_already_carry_their_person_and_nobody_else_does() {
        let day = Day::load().unwrap();
        let seed = seed(&day).unwrap();
        let anchored = seed["users"].as_array().unwrap().iter().filter(|user| user.get(ANCHOR).is_some()).count();
        assert_eq!(anchored, day.people.iter().filter(|role| role.account.is_some()).count());
    }

    #[test]
    fn secrets_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let files = Files::write(directory.path()).unwrap();
        let mode = fs::metadata(directory.path().join("secrets/hr")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(fs::read_to_string(&files.policy).unwrap().contains("file:secrets/hr"));
        assert!(matches!(Files::write(directory.path()), Err(CompanyError::NotEmpty(_))));
    }
}
