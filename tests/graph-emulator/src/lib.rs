//! A Microsoft 365 tenant in memory, over HTTP: the part of Microsoft Graph v1.0 that joining, moving and leaving people
//! touches, with its documented statuses, codes, texts, limits and delays. It is NOT Microsoft Graph. It does NOT SERVE
//! change notifications, directory roles, administrative units, devices, service principals, mailboxes, Teams or any other
//! workload; these answer 400 or 501. It does NOT SIGN ANYBODY IN: passwords are checked for their form and forgotten,
//! sessions are a date, client assertions are NOT VERIFIED; who signs in or redeems an invitation is played behind the stage.
//! It SENDS NO MAIL: what was sent is shown there too. It does NOT PROVISION: a license changes no mailbox, `mail` or proxy
//! address, `assignedPlans` follow at once and `provisionedPlans` stay empty. It evaluates ONLY SMALL MEMBERSHIP RULES (see
//! `groups/dynamic.rs`); other dynamic groups keep their seeded members. Delta queries tell NOTHING OF owners, nor of a member
//! who is deleted (the user's own round does). It KEEPS NOTHING on disk. Parallel calls are carried out one after the other;
//! `409 Directory_ConcurrencyViolation` for those that overlap on the wire is an option. Permissions are asked for only under
//! strict authorization, and then coarsely. Where Microsoft's pages leave something open it is decided in [`Undecided`].
//!
//! It depends on nothing of ours and shares no type with the client: both speak the documented wire format.
//!
//! # How it works
//!
//! [`Tenant`] is synchronous: [`Tenant::answer`] takes a [`Call`] and gives an [`Answer`]. [`Emulator`] shares one between an
//! axum router, a socket and the test that looks inside. Time is an input: the clock stands where it was put, or ticks with
//! the [`Machine`] clock that the program hands in. Everything asynchronous (group licensing, dynamic membership, purging,
//! the settling of replicas) is a due time compared with that clock when the next call looks; there are no background tasks. Ids are
//! drawn from [`Options::id_seed`], so the same calls give the same tenant. The strings behind the stage are listed in
//! `control.rs`, faults in `faults.rs`.
//!
//! # Undocumented, and fixed here
//!
//! | What | Here |
//! |---|---|
//! | unknown property in a body or `$select` | 400 `Request_BadRequest`, "Could not find a property named…" |
//! | an empty string as a value | 400, like any invalid value |
//! | writes of SharePoint-backed properties by an app | 403 |
//! | DELETE of a synchronized user; its password | 400 with the text for synchronized objects |
//! | invalid `usageLocation` | 400 "Invalid value specified for property…" |
//! | restore onto a taken name or address | 400 `ObjectConflict`, like a create |
//! | Temporary Access Pass outside the policy | 400 |
//! | empty attribute under a negative rule operator | satisfies it |
//! | seats freed or bought | nobody in error is served without a reprocess or a change |
//! | a group loses or gains a product for which a member fails | what the group gave before stays |
//! | inviting an existing guest again | the same user |
//! | who sponsors a guest whom an application invites | those that the invitation names, or nobody |
//! | a domain kept out by the collaboration settings | 400 `BadRequest` |
//! | the body of an expired delta token | 410 `syncStateNotFound`; a token that never was one: 400 |
//! | a delta query without `$select` | users: the properties of a plain read; groups: those and `members` |
//! | mail from somebody without a mailbox | a user without `mail`: 404 `MailboxNotEnabledForRESTAPI` |
//! | deleting a licensed group | 400 |
//! | role-assignable groups, administrators | refused unless the seed's `applications` entry grants the permission or a role above theirs |
//! | passes, methods and sessions of administrators | an application needs its permission only |

mod auth;
mod batch;
mod calls;
mod clock;
mod concurrency;
mod control;
mod deleted;
mod delta;
mod entity;
mod faults;
mod filter;
mod groups;
mod history;
mod ids;
mod licenses;
mod lists;
mod mail;
mod properties;
mod query;
mod quota;
mod refusal;
mod routes;
mod seed;
mod server;
mod settling;
mod state;
mod tenancy;
mod tenant;
mod users;
mod wire;

pub use clock::Machine;
pub use faults::Unfired;
pub use routes::served;
pub use seed::SeedError;
pub use server::{Emulator, Running};
pub use tenant::Tenant;
pub use wire::{Answer, Body, Call, Written};

/// Where Microsoft's pages contradict each other and both answers occur in the wild. The default is the better documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undecided {
    /// Security groups are kept among the deleted items too. Older and newer pages of "Restore deleted items" differ.
    pub deleted_security_group_is_kept: bool,
    /// Writes to mail-enabled security groups and distribution lists answer 403 instead of 400; one support article shows it.
    pub mail_group_write_is_403: bool,
    /// A batch with a throttled item answers 424 as a whole, as an older page says.
    pub throttled_batch_is_424: bool,
}

/// How a tenant behaves apart from its contents.
#[derive(Clone, Default)]
pub struct Options {
    /// The machine's clock; without it the emulator's clock cannot tick.
    pub machine: Option<Machine>,
    /// The clock ticks from the start.
    pub running: bool,
    /// Tokens and permissions are enforced as the seed's `applications` say.
    pub strict_auth: bool,
    /// No throttling, ever.
    pub unlimited: bool,
    /// Where new ids come from.
    pub id_seed: u64,
    /// What the documentation leaves open.
    pub undecided: Undecided,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("running", &self.running)
            .field("strict_auth", &self.strict_auth)
            .field("unlimited", &self.unlimited)
            .field("id_seed", &self.id_seed)
            .field("undecided", &self.undecided)
            .finish_non_exhaustive()
    }
}
