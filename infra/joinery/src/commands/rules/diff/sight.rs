//! What the tenant shows of an account under both policies, read as the planner's stages read it.

use std::sync::Arc;
use std::time::Duration;

use domain::person::Person;
use domain::planner::Sight;
use domain::planner::groups::Actual;
use domain::policy::Policy;
use jiff::Timestamp;
use joinery::tenant::Clients;
use stage::Reader;

use super::compare::Source;

/// How often a read that is throttled is tried again.
const TRIES_MAX: usize = 4;
/// The longest pause before that.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// An account as rules see it under each policy: their packages may read different properties.
pub(super) struct Sights {
    pub(super) old: Actual,
    pub(super) new: Actual,
    pub(super) source: Source,
}

impl Sights {
    /// Nothing was seen.
    pub(super) fn new(source: Source) -> Self {
        Self { old: Actual::default(), new: Actual::default(), source }
    }
}

/// Why an account could not be read.
pub(super) struct Trouble {
    pub(super) why: String,
    /// Whether the tenant does not answer at all.
    pub(super) is_deaf: bool,
}

impl From<graph::Error> for Trouble {
    fn from(error: graph::Error) -> Self {
        let is_deaf = matches!(error, graph::Error::NoAnswer { .. } | graph::Error::Unauthenticated { .. });
        Self { why: joinery::machine::chain(&error), is_deaf }
    }
}

/// Readers of the tenant, one for each policy.
#[derive(Clone)]
pub(super) struct Tenant {
    old: Reader,
    new: Reader,
}

impl Tenant {
    pub(super) fn new(clients: &Clients, old: &Arc<Policy>, new: &Arc<Policy>) -> Self {
        let reader = |policy: &Arc<Policy>| Reader::new(Arc::clone(&clients.ordinary), Arc::clone(policy));
        Self { old: reader(old), new: reader(new) }
    }

    /// Reads the person's account for both.
    pub(super) async fn sights(&self, person: &Person, now: Timestamp) -> Result<Sights, Trouble> {
        let mut tries = 1;
        loop {
            match self.read(person, now).await {
                Err(graph::Error::Throttled { retry_after, .. }) if tries < TRIES_MAX => {
                    tries += 1;
                    tokio::time::sleep(retry_after.min(PAUSE_MAX)).await;
                }
                Err(error) => return Err(error.into()),
                Ok(Some((old, new))) => return Ok(Sights { old, new, source: Source::Tenant }),
                Ok(None) => return Err(Trouble { why: "the account is not visible yet".into(), is_deaf: false }),
            }
        }
    }

    /// None: nothing can be said yet.
    async fn read(&self, person: &Person, now: Timestamp) -> Result<Option<(Actual, Actual)>, graph::Error> {
        let (Some(old), Some(new)) = (actual(&self.old, person, now).await?, actual(&self.new, person, now).await?)
        else {
            return Ok(None);
        };
        Ok(Some((old, new)))
    }
}

async fn actual(reader: &Reader, person: &Person, now: Timestamp) -> Result<Option<Actual>, graph::Error> {
    let Some(id) = &person.head.account.object_id else { return Ok(Some(Actual::default())) };
    match reader.sight(person, now).await? {
        Sight::Present(user) => Ok(Some(reader.actual(person, id, user, now).await?)),
        Sight::Absent | Sight::Deleted => Ok(Some(Actual::default())),
        Sight::Unknown => Ok(None),
    }
}
