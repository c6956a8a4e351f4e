//! Every function wired to its ports, and which queue goes to which.

use std::sync::Arc;

use domain::message::{Message, QueueName};
use domain::policy::Policy;
use domain::ports::{Addresses, Clock, Entropy, Failure, Lines, Outcome, Vault};
use embedded::Store;
use graph::client::{Sleep, TokioSleep};
use stage::{Ports, Reader};

use crate::tenant::Clients;

/// The ports of all functions together.
#[derive(Clone)]
pub struct Wiring {
    /// What the stages touch.
    pub ports: Ports,
    /// Every address ever used.
    pub addresses: Arc<dyn Addresses>,
    /// Who waits for seats.
    pub lines: Arc<dyn Lines>,
    /// Sealed secrets.
    pub vault: Arc<dyn Vault>,
    /// Graph, for ordinary work.
    pub graph: Arc<graph::Client>,
    /// Graph, for cuts: an identity and a share of the quota of its own.
    pub graph_for_cuts: Arc<graph::Client>,
    /// The HR systems whose records can be read back.
    pub hr: Arc<hr::Readers>,
    /// How time passes while people who were taken together wait for each other.
    pub linger: Arc<dyn Sleep>,
}

impl Wiring {
    /// Everything on one store. HR's records are not read back unless readers are put in.
    pub fn over(store: &Store, clients: &Clients, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let store = Arc::new(store.clone());
        let ports = Ports {
            roster: store.clone(),
            fences: store.clone(),
            guards: store.clone(),
            controls: store.clone(),
            outbox: store.clone(),
            pager: store.clone(),
            clock,
            entropy,
        };
        Self {
            ports,
            addresses: store.clone(),
            lines: store.clone(),
            vault: store,
            graph: Arc::clone(&clients.ordinary),
            graph_for_cuts: Arc::clone(&clients.cuts),
            hr: Arc::default(),
            linger: Arc::new(TokioSleep),
        }
    }
}

/// The functions that take from queues.
#[derive(Clone)]
pub struct Functions {
    people: people::App,
    accounts: accounts::App,
    accounts_urgent: accounts::App,
    groups: groups::App,
    licenses: licenses::App,
}

impl Functions {
    /// Wires the functions under a policy.
    pub fn new(policy: &Arc<Policy>, wiring: &Wiring) -> Self {
        let reader = Reader::new(Arc::clone(&wiring.graph), Arc::clone(policy));
        let accounts = accounts::App {
            ports: wiring.ports.clone(),
            reader: reader.clone(),
            addresses: Arc::clone(&wiring.addresses),
            vault: Arc::clone(&wiring.vault),
            lines: Arc::clone(&wiring.lines),
        };
        let reader_for_cuts = Reader::new(Arc::clone(&wiring.graph_for_cuts), Arc::clone(policy));
        Self {
            people: people::App {
                policy: Arc::clone(policy),
                roster: Arc::clone(&wiring.ports.roster),
                readers: Arc::clone(&wiring.hr),
                outbox: Arc::clone(&wiring.ports.outbox),
                pager: Arc::clone(&wiring.ports.pager),
                clock: Arc::clone(&wiring.ports.clock),
                entropy: Arc::clone(&wiring.ports.entropy),
            },
            accounts_urgent: accounts::App { reader: reader_for_cuts, ..accounts.clone() },
            accounts,
            groups: groups::App {
                ports: wiring.ports.clone(),
                reader: reader.clone(),
                linger: Arc::clone(&wiring.linger),
            },
            licenses: licenses::App {
                ports: wiring.ports.clone(),
                reader,
                lines: Arc::clone(&wiring.lines),
                guests: licenses::Guests::default(),
            },
        }
    }

    /// For messages that are received together: each is handed over with a seat in the batch, and the batch serves them.
    pub fn batch(&self) -> groups::Batch<'_> {
        groups::Batch::new(&self.groups)
    }

    /// Hands a message to the function of its queue. One that cannot be understood is parked, never dropped.
    pub async fn handle(&self, queue: QueueName, body: &str, seat: groups::Seat<'_>) -> Result<Outcome, Failure> {
        let message = Message::from_json(body)
            .map_err(|error| Failure::Park { cause: "bad-message", source: Box::new(error) })?;
        match queue {
            QueueName::People | QueueName::PeopleUrgent => people::handle(&self.people, &message).await,
            QueueName::Accounts => accounts::handle(&self.accounts, &message).await,
            QueueName::AccountsUrgent => accounts::handle(&self.accounts_urgent, &message).await,
            QueueName::Groups => seat.handle(&message).await,
            QueueName::Licenses => licenses::handle(&self.licenses, &message).await,
        }
    }

    /// The account stage, for what operators decide about accounts.
    pub fn accounts(&self) -> &accounts::App {
        &self.accounts
    }

    /// Who waits for seats.
    pub fn lines(&self) -> &dyn Lines {
        self.licenses.lines.as_ref()
    }

    /// The stages that plan, in order, for a dry run.
    pub fn stages(&self) -> [&dyn stage::Tenant; 3] {
        [&self.accounts, &self.groups, &self.licenses]
    }
}
