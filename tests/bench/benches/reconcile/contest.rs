//! The two sides: a whole run, and the same pages downloaded and decoded into the same structs.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use domain::ids::PersonId;
use domain::policy::Policy;
use domain::ports::Entropy;
use domain::reconcile::{Census, Kind, RunName, Scope, memberships};
use embedded::Store;
use graph::client::{Inputs, TokioSleep};
use graph::model::{ListedUser, Member};
use graph::secret::Secret;
use graph::token::TokenError;
use graph::{Client, Config, GroupId, Http, Lane, Pace, Request, Tokens, limits, request};
use reconciler::{App, Ended, Order};
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;
use url::Url;

use crate::company::{self, Standing};
use crate::process::Usage;

/// One run, whose usage is printed.
pub(crate) fn reconcile_once(url: &str, directory: &Path, users: usize) {
    let arena = Arena::new(url, directory);
    let ((), usage) = Usage::of(|| arena.reconcile(RunName::Real, users));
    println!("{usage}");
}

/// Rounds of both sides, by turns; each is printed. The first run has woken whoever drifted, and a dry run keeps the queue as it is.
pub(crate) fn rounds(url: &str, directory: &Path, users: usize, rounds: usize) {
    let arena = Arena::new(url, directory);
    arena.download(users);
    for round in 0..rounds {
        let reconcile = || println!("reconcile {}", Usage::of(|| arena.reconcile(RunName::DryRun, users)).1);
        let download = || println!("download {}", Usage::of(|| arena.download(users)).1);
        if round.is_multiple_of(2) {
            reconcile();
            download();
        } else {
            download();
            reconcile();
        }
    }
}

/// What both sides have.
struct Arena {
    runtime: Runtime,
    policy: Arc<Policy>,
    client: Arc<Client>,
    store: Store,
}

impl Arena {
    fn new(url: &str, directory: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let base_url = Url::parse(&format!("{url}/v1.0")).expect("an address");
        let http = Arc::new(Http::new(&base_url).expect("a transport"));
        let now = || domain::ports::Clock::now(&Standing);
        let inputs = Inputs { now: Arc::new(now), random: Arc::new(|| 7), sleep: Arc::new(TokioSleep) };
        let config = Config { base_url, retry: graph::retry::Policy::default(), lane: Lane::Ordinary };
        let client = Client::new(config, http, Arc::new(Anybody), Arc::new(Pace::default()), inputs);
        Self {
            runtime,
            policy: Arc::new(company::policy()),
            client: Arc::new(client.expect("a client")),
            store: company::open(directory),
        }
    }

    /// A whole run: it reads everybody, and finds exactly who drifted.
    fn reconcile(&self, name: RunName, users: usize) {
        let store = Arc::new(self.store.clone());
        let app = App {
            policy: Arc::clone(&self.policy),
            graph: Arc::clone(&self.client),
            roster: store.clone(),
            lines: store.clone(),
            census: store.clone(),
            outbox: store.clone(),
            clock: Arc::new(Standing),
            entropy: Arc::new(Nothing),
        };
        let order = Order { name, scopes: Scope::ALL.into(), deadline: None };
        self.runtime.block_on(async {
            let ended = reconciler::run(&app, &order, &|_| {}).await.expect("a run");
            assert_eq!(ended, Ended::Whole);
            let run = store.run(name).await.expect("the store").expect("the run");
            let read = (usize::try_from(run.accounts), usize::try_from(run.members), run.unreadable);
            assert_eq!(read, (Ok(users), Ok(company::members(users)), 0));
            let found = store.findings(name, 0, users).await.expect("the store");
            let drifted: BTreeSet<PersonId> = found
                .into_iter()
                .filter(|(_, finding)| finding.kind == Kind::SignInBlocked)
                .filter_map(|(_, finding)| finding.person)
                .collect();
            assert_eq!(drifted, company::drifted(users).into_iter().collect());
            let tally = store.tally(name).await.expect("the store");
            let kinds: Vec<Kind> = tally.into_keys().filter(|kind| kind.wakes()).collect();
            assert_eq!(kinds, [Kind::SignInBlocked]);
        });
    }

    /// The same pages, and nothing done with them.
    fn download(&self, users: usize) {
        self.runtime.block_on(async {
            self.client.subscribed_skus().await.expect("the products");
            let select = reconciler::select(&self.policy.tenant.anchor, false);
            let accounts = self.all::<ListedUser>("/users", request::users(&select, None, limits::PAGE_MAX)).await;
            let mut members = 0;
            for group in memberships::groups(&self.policy) {
                let first = request::members(&GroupId::from(group.as_str()), &["id"]);
                members += self.all::<Member>("/groups/{id}/members/microsoft.graph.user", first).await;
            }
            assert_eq!((accounts, members), (users, company::members(users)));
        });
    }

    async fn all<T: DeserializeOwned>(&self, route: &'static str, first: Request) -> usize {
        let (mut count, mut request) = (0, first);
        loop {
            let page = self.client.page::<T>(&request).await.expect("a page");
            count += std::hint::black_box(page.objects).into_iter().flatten().count();
            match page.next {
                Some(link) => request = self.client.follow(route, &link).expect("a link"),
                None => return count,
            }
        }
    }
}

struct Anybody;

#[async_trait]
impl Tokens for Anybody {
    async fn token(&self) -> Result<Secret, TokenError> {
        Ok(Secret::new("bench"))
    }

    fn forget(&self) {}
}

struct Nothing;

impl Entropy for Nothing {
    fn bytes(&self) -> [u8; 32] {
        [7; 32]
    }
}
