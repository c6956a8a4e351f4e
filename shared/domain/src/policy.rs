//! The policy: what an administrator writes, and what is left of it once every fault is out.
//!
//! [`Policy::parse`] takes the text of the TOML file and either gives the checked policy or **every** fault at once,
//! each with its place and its fix. It goes through the text in three passes: TOML (recovering after each syntax
//! error), shape (known keys, right types: one table of keys, `policy/schema.rs`) and meaning (one reader per
//! section, `policy/read`). Nothing is read but the text: secrets and files are named here and opened by those who
//! need them.
//!
//! `data/policy.example.toml` shows every key with its default.

mod compiled;
mod fault;
mod json_schema;
mod nearest;
mod places;
mod read;
mod schema;
mod secret;
pub mod skus;
mod source;
mod string;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use rules::Dialect;

use crate::ids::{ObjectId, PersonId, PlanId, SkuId, hex_sha256};

pub use compiled::{Compiled, Reads};
pub use fault::{Fault, Severity};
pub use json_schema::json_schema;
pub use places::Places;
pub use secret::{BadSecretRef, SecretRef};
pub use source::{EndDate, Source, UnknownSource};

/// The longest policy that is read, in bytes.
pub const TEXT_MAX: usize = 1 << 20;

/// The words for the dialects of the rule language.
const DIALECTS: [&str; 2] = ["entra", "extended"];

/// A checked policy: whatever stands in it can be acted on.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The tenant that is served.
    pub tenant: Tenant,
    /// The HR systems that are heard, by name. The name is part of every person's id and of the webhook's address.
    pub connections: BTreeMap<String, Connection>,
    /// How accounts are named, made and ended.
    pub accounts: Accounts,
    /// What packages' rules may be written in. Strict Entra unless the policy says otherwise.
    pub dialect: Dialect,
    /// Bundles of groups and licenses, in the order of the file; their names differ.
    pub packages: Vec<Package>,
    /// How seats are given out.
    pub seats: Seats,
    /// Their rules, compiled together.
    pub rules: Compiled,
    /// People whom nothing is taken from without a human's consent.
    pub protected: BTreeSet<PersonId>,
    /// Brakes on what takes access away.
    pub guards: BTreeMap<GuardKind, Guard>,
    /// Where pages go besides the roster and the log: a reference to the address, for such addresses are secrets.
    pub alerts: Option<SecretRef>,
    /// When the whole tenant is compared with what it should be, and what counts as a finding.
    pub reconcile: Reconcile,
    /// Lower-case hex SHA-256 of the text: which policy a decision was made under.
    pub fingerprint: String,
    /// What is allowed but probably not meant, in the order of the file.
    pub warnings: Vec<Fault>,
}

impl Policy {
    /// Reads and checks the text of a policy file. On failure the faults come with the warnings among them, in the
    /// order of the text; at least one of them is an error.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        read::policy(text)
    }

    /// The package of this name.
    pub fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// The time zone of people who are known through this connection and whose own zone is not known.
    pub fn time_zone(&self, connection: &str) -> &TimeZone {
        let own = self.connections.get(connection).and_then(|connection| connection.time_zone.as_ref());
        own.unwrap_or(&self.tenant.time_zone)
    }

    /// Whether the members of a group are to be written although it can be given directory roles.
    pub fn may_give_roles(&self, group: &ObjectId) -> bool {
        let mut groups = self.packages.iter().flat_map(|package| &package.groups);
        groups.any(|named| named.role_assignable && named.id == *group)
    }

    /// Every group that some package uses to carry a license. Their members are written by `licenses` only.
    pub fn carriers(&self) -> BTreeSet<&ObjectId> {
        let licenses = self.packages.iter().flat_map(|package| &package.licenses);
        licenses
            .filter_map(|license| match &license.via {
                Via::Direct => None,
                Via::Group(group) => Some(group),
            })
            .collect()
    }
}

/// `[tenant]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// The verified domain new addresses are made in, lower case.
    pub domain: String,
    /// The zone of people whose own is not known.
    pub time_zone: TimeZone,
    /// The directory extension that ties an account to its person: `extension_{application id, 32 hex digits}_{name}`.
    pub anchor: String,
    /// How long Graph's reads may lag behind acknowledged writes, in milliseconds.
    pub settle_ms: u64,
    /// The usage location of people whose country is not known, ISO 3166-1 alpha-2. None: such people wait for HR.
    pub usage_location: Option<String>,
}

/// One of `[connections.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// Its name.
    pub name: String,
    /// What kind of HR system speaks there.
    pub source: Source,
    /// The secrets that prove where a message comes from; several while they are rotated, any of them will do.
    pub secrets: Vec<SecretRef>,
    /// The zone of its people, if it differs from the tenant's.
    pub time_zone: Option<TimeZone>,
    /// Whether an end date is the last day of work or the first day without.
    pub end_date: EndDate,
    /// Whether the policy says so, or it is only the source's habit.
    pub end_date_is_explicit: bool,
    /// Where two connections state one fact, the lower number wins.
    pub precedence: u32,
    /// Where its records are read back. None: a hint without facts cannot be followed.
    pub api: Option<Api>,
}

/// The API by which the records of a connection are read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// The company's name in the addresses of the HR system.
    pub company: String,
    /// The key.
    pub key: SecretRef,
    /// Scheme, host and port, without a path: https, or this machine.
    pub base_url: String,
}

/// `[accounts]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// Patterns of the part of an address before the `@`, tried in order. Placeholders: `{given}`, `{middle}`,
    /// `{family}`, their first letters `{g}`, `{m}`, `{f}`, and a number `{n}`. Never empty.
    pub upn: Vec<String>,
    /// What a person of each employment type gets. A type that is missing gets nothing and is reported.
    pub kinds: BTreeMap<String, PersonKind>,
    /// How many days before the first day the account is made (disabled).
    pub create_days_before: u16,
    /// When, on the first day, sign-in is enabled; in the person's zone.
    pub enable_at: Time,
    /// When, on the last working day, access is cut; in the person's zone.
    pub cut_at: Time,
    /// How many days after access ended the account is deleted. None: never.
    pub delete_days_after: Option<u16>,
    /// Whether a leaver keeps the access that was there before Joinery. By default it goes too.
    pub leavers_keep_preexisting: bool,
    /// What may bind an account that was there before Joinery.
    pub matching: MatchPolicy,
    /// How guests are invited.
    pub guests: Guests,
}

/// What may bind an account that was there before Joinery and does not carry the person's anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MatchPolicy {
    /// Only a human's confirmation.
    #[default]
    Confirm,
    /// The employee number too, if exactly one member's account has it and nothing else speaks for another.
    EmployeeId,
}

/// `[accounts.guests]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guests {
    /// Where a guest lands after redeeming the invitation.
    pub redirect_url: String,
    /// Whether Entra mails the invitation.
    pub send_message: bool,
}

/// What somebody gets in the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonKind {
    /// An account of the tenant.
    Tenant,
    /// An invitation as a guest.
    Guest,
    /// No account; they are recorded and placed all the same.
    None,
}

/// One of `[[packages]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// Its name; grants name it as their reason.
    pub name: String,
    /// Who gets it.
    pub rule: rules::Rule,
    /// Who comes first where seats are short: people of the package with the lower number.
    pub priority: u32,
    /// Groups that carry no license here.
    pub groups: Vec<PackageGroup>,
    /// Licenses, each product at most once.
    pub licenses: Vec<PackageLicense>,
}

/// `[seats]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seats {
    /// Whether a joiner's account is made only once seats of everything the packages will give are kept for them.
    pub reserve_before_create: bool,
}

/// One of a package's `groups`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageGroup {
    /// The group.
    pub id: ObjectId,
    /// Whether its members are ours alone to decide. If not, members whom we did not add are never removed.
    pub exclusive: bool,
    /// Whether its members are written although the group can be given directory roles. Takes
    /// `RoleManagement.ReadWrite.Directory`, and Graph then protects its members: their accounts are cut by an administrator only.
    pub role_assignable: bool,
}

/// One of a package's `licenses`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageLicense {
    /// The product.
    pub sku: SkuId,
    /// Its part number, or the id again where no part number is known.
    pub sku_name: String,
    /// How it reaches the person.
    pub via: Via,
    /// Service plans of it that stay off.
    pub disabled_plans: Vec<PlanId>,
}

/// How a license reaches a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// Assigned to the account.
    Direct,
    /// Through membership of this group, which has the license assigned.
    Group(ObjectId),
}

/// What a guard watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuardKind {
    /// Cutting access.
    Disable,
    /// Deleting accounts.
    Delete,
    /// Taking licenses away.
    RemoveLicense,
    /// Removing members from groups.
    RemoveMember,
}

impl GuardKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Disable, Self::Delete, Self::RemoveLicense, Self::RemoveMember];

    /// The policy's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Delete => "delete",
            Self::RemoveLicense => "remove_license",
            Self::RemoveMember => "remove_member",
        }
    }
}

/// One of `[guard.KIND]`: when more people than this are hit within the window, the rest are held. At least one of
/// the two thresholds is set, and the lower one counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guard {
    /// At most this many people; 0 holds everybody.
    pub people: Option<u32>,
    /// At most this share of the people who have an account, in percent (0–100).
    pub percent: Option<f64>,
    /// The window they are counted in.
    pub window: SignedDuration,
}

/// `[reconcile]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconcile {
    /// How often. None: only when an operator asks.
    pub every: Option<SignedDuration>,
    /// After how many days without a sign-in an account is reported. None: sign-ins are not read.
    pub inactive_days: Option<u16>,
}

/// The text's fingerprint.
fn fingerprint(text: &str) -> String {
    hex_sha256(&[text])
}
