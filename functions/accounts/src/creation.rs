//! Creating an account, exactly once in effect.
//!
//! ```text
//!  nobody's account may be this person's   (the planner has looked)
//!        │
//!  intent: name, sealed password           (stored before the call; while it is open every retry uses this name)
//!        │
//!  POST /users ──201────────────────────────────────────────► bind
//!        │ no answer: the message comes again, and so does the same POST
//!        │ taken
//!  GET /users/{name} ──our anchor──────────────────────────► bind: an earlier POST of ours took effect
//!        │ 404: wait, bounded; then     │ somebody else's anchor, or none
//!        │ search proxies, deleted      ▼
//!        ▼ nothing: a task              close the intent; the next name of the pattern
//! ```

use std::time::Duration;

use domain::amend::amend;
use domain::attributes;
use domain::ids::ObjectId;
use domain::naming::{self, NamePattern};
use domain::overlay;
use domain::person::{CreateIntent, Person};
use domain::planner::{IN_FLIGHT, View};
use domain::ports::AddressHolder;
use domain::step::Action;
use graph::filter::Filter;
use graph::{NewUser, Refusal, Secret, User, UserId, UserKey};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use stage::{Effect, Trouble};

use crate::{App, invitation};

/// How many names one message tries before it gives way to others.
const NAMES_PER_MESSAGE_MAX: usize = 20;
/// How many passwords are tried if the tenant's own list bans one.
const PASSWORDS_MAX: usize = 3;
/// How soon a name whose holder cannot be seen yet is looked up again.
const CONFLICT_PAUSE: Duration = Duration::from_secs(5);
/// The shortest time a holder is given to become visible.
const CONFLICT_WAIT_MIN: SignedDuration = SignedDuration::from_secs(10);

/// Creates the person's account, or finds that it is there.
pub(crate) async fn create(app: &App, person: &Person, lease: Option<Timestamp>) -> Result<Effect, Trouble> {
    if person.head.account.is_there() {
        return Ok(Effect::done("somebody else was faster: it is there"));
    }
    let mut person = person.clone();
    for _ in 0..NAMES_PER_MESSAGE_MAX {
        let intent = match person.head.account.intent.clone() {
            Some(intent) => intent,
            None => match open(app, &person).await? {
                Opened::Intent(intent) => intent,
                Opened::Ended(effect) => return Ok(effect),
            },
        };
        match post(app, &person, &intent, lease).await? {
            Posted::Ended(effect) => return Ok(effect),
            Posted::Taken => match settle(app, &person, &intent).await? {
                Settled::Ours(effect) | Settled::Unseen(effect) => return Ok(effect),
                Settled::Theirs => person = refuse_name(app, &person, &intent).await?,
            },
        }
    }
    Ok(Effect::Later(CONFLICT_PAUSE))
}

/// Access is cut, or another kind of account asked for, while a creation is open: finds out what became of it. The account would be disabled, but it must be known.
pub(crate) async fn settle_for_cut(app: &App, person: &Person) -> Result<Effect, Trouble> {
    if let Some(intent) = &person.head.account.invitation {
        return invitation::settle_for_cut(app, person, intent).await;
    }
    let Some(intent) = &person.head.account.intent else { return Ok(Effect::done("no creation is open")) };
    let user = app.reader.graph().get_user(UserKey::Upn(&intent.upn), &anchored(app)).await?;
    match user {
        Some(user) if is_ours(app, person, &user) => {
            bind(app, person, &user, Some(intent.credential.clone()), "it had been created").await
        }
        Some(_) => close(app, person, "it was never created: somebody else holds the name").await,
        None => {
            let now = app.ports.clock.now();
            let last = intent.opened_at.saturating_add(IN_FLIGHT + overlay::settling(app.reader.policy()));
            if last.is_ok_and(|last| last < now) {
                close(app, person, "it was never created").await
            } else {
                Ok(Effect::Later(CONFLICT_PAUSE))
            }
        }
    }
}

/// Gives somebody who comes back a first credential. The reference derives from the person's generation, so that a repeated
/// call seals and sets the same password. If access was cut while the call was under way, nobody is to have what it set.
pub(crate) async fn issue_credential(
    app: &App,
    person: &Person,
    id: &UserId,
    lease: Option<Timestamp>,
) -> Result<Effect, Trouble> {
    let reference = format!("credential/{}/{}", person.head.person, person.head.generation);
    let password = if let Some(password) = app.vault.peek(&reference).await? {
        Secret::new(password)
    } else {
        let password = app.password();
        app.vault.put(&reference, password.reveal()).await?;
        password
    };
    if let Some(effect) = app.keep_back(person, &Action::IssueCredential, lease).await? {
        // What was just sealed may have taken the place of what somebody else has set: it is set anew, if at all.
        amend(app.ports.roster.as_ref(), &person.head.person, |person, _| person.head.account.password_unknown = true)
            .await?;
        return Ok(effect);
    }
    app.reader.graph().reset_password(id, &password).await?;
    let generation = person.head.generation;
    let (_, is_current) = amend(app.ports.roster.as_ref(), &person.head.person, |person, _| {
        let is_current = person.head.generation == generation;
        if is_current {
            person.head.account.credential = Some(reference.clone());
        }
        person.head.account.password_unknown = !is_current;
        is_current
    })
    .await?;
    if is_current {
        return Ok(Effect::done("set; it is sealed for hand-over"));
    }
    app.vault.take(&reference).await?;
    Ok(Effect::done("set, and destroyed: access was cut meanwhile"))
}

enum Opened {
    Intent(CreateIntent),
    Ended(Effect),
}

/// Opens an intent: a name that nobody holds, a password that is sealed before the call.
async fn open(app: &App, person: &Person) -> Result<Opened, Trouble> {
    let Some(upn) = free_name(app, person).await? else {
        let instructions = "every name the policy's patterns allow is taken: add a pattern with {n}";
        return Ok(Opened::Ended(Effect::Human(instructions.into(), false)));
    };
    let credential = format!("credential/{}/{}", person.head.person, app.ports.entropy.id());
    app.vault.put(&credential, app.password().reveal()).await?;
    let intent = CreateIntent { upn, credential, opened_at: app.ports.clock.now(), conflict_since: None };
    amend(app.ports.roster.as_ref(), &person.head.person, |person, _| {
        person.head.account.intent = Some(intent.clone());
    })
    .await?;
    Ok(Opened::Intent(intent))
}

/// The first name of the patterns that neither the tenant nor anybody in our books holds. It is ours from then on.
async fn free_name(app: &App, person: &Person) -> Result<Option<String>, Trouble> {
    let view = View::new(person, app.reader.policy(), app.ports.clock.now());
    let policy = app.reader.policy();
    let names = attributes::names(person, &view.standing);
    let patterns: Vec<NamePattern> = policy.accounts.upn.iter().filter_map(|pattern| pattern.parse().ok()).collect();
    let names = naming::Names {
        given: names.given.as_deref(),
        middle: names.middle.as_deref(),
        family: names.family.as_deref(),
        fallback: person.head.person.source_id(),
    };
    let us = AddressHolder::Person(person.head.person.clone());
    for candidate in naming::candidates(&patterns, names, &policy.tenant.domain) {
        if person.head.account.refused_upns.contains(&candidate) {
            continue;
        }
        let holder = holder_in_tenant(app, &candidate).await?.map_or_else(|| us.clone(), AddressHolder::Object);
        if app.addresses.claim(&candidate, &holder).await? == us {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// Who holds an address in the tenant, as name or as alias.
async fn holder_in_tenant(app: &App, address: &str) -> Result<Option<ObjectId>, Trouble> {
    let graph = app.reader.graph();
    let named = graph.get_user(UserKey::Upn(address), &["id"]).await?;
    let holder = match named {
        Some(user) => Some(user),
        None => graph.find_users(&Filter::proxy_address(address), &["id"]).await?.into_iter().next(),
    };
    Ok(holder.and_then(|user| user.id.as_str().parse().ok()))
}

enum Posted {
    Ended(Effect),
    Taken,
}

async fn post(app: &App, person: &Person, intent: &CreateIntent, lease: Option<Timestamp>) -> Result<Posted, Trouble> {
    let view = View::new(person, app.reader.policy(), app.ports.clock.now());
    let Ok(properties) = view.attributes else {
        return Ok(Posted::Ended(Effect::Wait("the HR record has faults".into(), None)));
    };
    for _ in 0..PASSWORDS_MAX {
        let password = match app.vault.peek(&intent.credential).await? {
            Some(password) => Secret::new(password),
            None => reseal(app, intent).await?,
        };
        if let Some(effect) = app.keep_back(person, &Action::CreateAccount, lease).await? {
            return Ok(Posted::Ended(effect));
        }
        match app.reader.graph().create_user(new_user(app, person, intent, &properties, password)).await {
            Ok(user) => {
                let words = "created, disabled; the first credential is sealed";
                return bind(app, person, &user, Some(intent.credential.clone()), words).await.map(Posted::Ended);
            }
            Err(error) => match error.refusal() {
                Some(Refusal::UpnTaken | Refusal::ObjectConflict { .. }) => return Ok(Posted::Taken),
                // Seen when the name is taken in a way Graph does not explain (graph-facts 2.5).
                Some(Refusal::BadValue { property }) if property.as_deref() == Some("netId") => {
                    return Ok(Posted::Taken);
                }
                Some(Refusal::WeakPassword) => drop(reseal(app, intent).await?),
                _ => return app.refused(person, &Action::CreateAccount, error).map(Posted::Ended),
            },
        }
    }
    Ok(Posted::Ended(Effect::Human(
        "the tenant refuses every random password: look at its banned-password list".into(),
        false,
    )))
}

/// Seals another password under the intent's reference.
async fn reseal(app: &App, intent: &CreateIntent) -> Result<Secret, Trouble> {
    let password = app.password();
    app.vault.put(&intent.credential, password.reveal()).await?;
    Ok(password)
}

fn new_user(
    app: &App,
    person: &Person,
    intent: &CreateIntent,
    desired: &attributes::Properties,
    password: Secret,
) -> NewUser {
    let mut properties: Map<String, Value> =
        desired.clone().into_iter().filter(|(_, value)| !value.is_null()).collect();
    let display_name =
        properties.remove("displayName").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
    properties.insert(app.reader.policy().tenant.anchor.clone(), json!(person.head.person.to_string()));
    NewUser {
        user_principal_name: intent.upn.clone(),
        display_name,
        mail_nickname: naming::mail_nickname(&intent.upn),
        password,
        account_enabled: false,
        properties,
    }
}

enum Settled {
    Ours(Effect),
    Theirs,
    Unseen(Effect),
}

/// Who holds the name that Graph says is taken.
async fn settle(app: &App, person: &Person, intent: &CreateIntent) -> Result<Settled, Trouble> {
    let graph = app.reader.graph();
    let holder = graph.get_user(UserKey::Upn(&intent.upn), &anchored(app)).await?;
    if let Some(user) = holder {
        return judge(app, person, intent, &user).await;
    }
    let now = app.ports.clock.now();
    let since = intent.conflict_since.unwrap_or(now);
    let patience = overlay::settling(app.reader.policy()).max(CONFLICT_WAIT_MIN);
    if since.saturating_add(patience).is_ok_and(|until| until > now) {
        amend(app.ports.roster.as_ref(), &person.head.person, |person, _| {
            if let Some(intent) = &mut person.head.account.intent {
                intent.conflict_since = Some(since);
            }
        })
        .await?;
        return Ok(Settled::Unseen(Effect::Later(CONFLICT_PAUSE)));
    }
    if let Some(user) = graph.find_users(&Filter::proxy_address(&intent.upn), &anchored(app)).await?.first() {
        return judge(app, person, intent, user).await;
    }
    let anchor = Filter::eq(&app.reader.policy().tenant.anchor, &person.head.person.to_string());
    if let Some(user) = graph.find_deleted_users(&anchor, &anchored(app)).await?.first() {
        return judge(app, person, intent, user).await;
    }
    let instructions = "the tenant says the chosen name is taken, but nobody can be found who holds it: look for hidden or deleted objects";
    Ok(Settled::Unseen(Effect::Human(instructions.into(), false)))
}

async fn judge(app: &App, person: &Person, intent: &CreateIntent, user: &User) -> Result<Settled, Trouble> {
    if !is_ours(app, person, user) {
        return Ok(Settled::Theirs);
    }
    let words = "an earlier call had created it; the first credential is sealed";
    bind(app, person, user, Some(intent.credential.clone()), words).await.map(Settled::Ours)
}

fn is_ours(app: &App, person: &Person, user: &User) -> bool {
    user.extension(&app.reader.policy().tenant.anchor) == Some(person.head.person.to_string().as_str())
}

fn anchored(app: &App) -> [&str; 3] {
    ["id", "userPrincipalName", &app.reader.policy().tenant.anchor]
}

/// Binds the account: from now on its object id is the only handle.
async fn bind(
    app: &App,
    person: &Person,
    user: &User,
    credential: Option<String>,
    words: &str,
) -> Result<Effect, Trouble> {
    let Ok(id) = user.id.as_str().parse::<ObjectId>() else {
        return Ok(Effect::Human("the tenant answered with an account without a valid id: report this".into(), true));
    };
    let now = app.ports.clock.now();
    amend(app.ports.roster.as_ref(), &person.head.person, |person, _| {
        let account = &mut person.head.account;
        account.intent = None;
        // Somebody else was faster, and what they did since holds: a cut may have destroyed the credential.
        if account.object_id.as_ref() == Some(&id) {
            return;
        }
        account.object_id = Some(id.clone());
        account.upn.clone_from(&user.user_principal_name);
        account.bound_at = Some(now);
        account.deleted_at = None;
        account.matching.found = None;
        if credential.is_some() {
            account.credential.clone_from(&credential);
            account.password_unknown = false;
        }
    })
    .await?;
    if let Some(upn) = &user.user_principal_name {
        app.addresses.claim(upn, &AddressHolder::Person(person.head.person.clone())).await?;
    }
    Ok(Effect::done(words))
}

/// The name is somebody else's: closes the intent and remembers the name as refused.
async fn refuse_name(app: &App, person: &Person, intent: &CreateIntent) -> Result<Person, Trouble> {
    let (person, ()) = amend(app.ports.roster.as_ref(), &person.head.person, |person, _| {
        person.head.account.intent = None;
        if !person.head.account.refused_upns.contains(&intent.upn) {
            person.head.account.refused_upns.push(intent.upn.clone());
        }
    })
    .await?;
    app.vault.take(&intent.credential).await?;
    Ok(person)
}

async fn close(app: &App, person: &Person, words: &str) -> Result<Effect, Trouble> {
    amend(app.ports.roster.as_ref(), &person.head.person, |person, _| person.head.account.intent = None).await?;
    Ok(Effect::done(words))
}
