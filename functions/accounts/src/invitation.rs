//! Inviting a guest, exactly once in effect.
//!
//! ```text
//!  intent: the address                  (stored before the call)
//!        │
//!        │ a call went out before: look for the guest by address ──made since the intent──► bind
//!        │ none, and long enough ago
//!  POST /invitations ──201, id─────────┐
//!        │ no answer: comes again      ├─► GET /users/{id} ──our anchor, or made since──► bind
//!        │ "exists already as", id ────┘          │ 404: wait     │ anybody else's
//!        ▼                                                        ▼
//!   a documented refusal: a task                            close; a human matches
//! ```
//!
//! An invitation cannot carry our anchor, so until the next step has written it a guest is ours if it was made since the intent:
//! nobody had this address when the intent was opened.

use std::time::Duration;

use domain::amend::amend;
use domain::attributes;
use domain::guest;
use domain::ids::ObjectId;
use domain::overlay;
use domain::person::{InviteIntent, Person};
use domain::planner::{IN_FLIGHT, View};
use domain::ports::AddressHolder;
use domain::step::Action;
use graph::filter::Filter;
use graph::{Refusal, User, UserId};
use jiff::{SignedDuration, Timestamp};
use stage::{Effect, Trouble};

use crate::App;

/// How soon a guest who cannot be seen yet is looked for again.
const VISIBLE_PAUSE: Duration = Duration::from_secs(10);
/// The shortest time a guest is given to become visible before the invitation is repeated.
const VISIBLE_WAIT_MIN: SignedDuration = SignedDuration::from_secs(20);
/// By how much Graph's clock and ours may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(2);

/// Invites the person, or finds that it was done.
pub(crate) async fn invite(app: &App, person: &Person, lease: Option<Timestamp>) -> Result<Effect, Trouble> {
    if person.head.account.is_there() {
        return Ok(Effect::done("somebody else was faster: it is there"));
    }
    let view = View::new(person, app.reader.policy(), app.ports.clock.now());
    let (intent, is_new) = match person.head.account.invitation.clone() {
        Some(intent) => (intent, false),
        None => match guest::address(person, &view.standing, app.reader.policy()) {
            Ok(address) => (open(app, person, address).await?, true),
            Err((path, _)) => return Ok(Effect::Wait(format!("`{path}` cannot be invited"), None)),
        },
    };
    if let Some(id) = &intent.guest {
        return settle(app, person, &intent, &UserId::from(id.as_str())).await;
    }
    if !is_new {
        if let Some(user) = find(app, person, &intent).await? {
            return bind(app, person, &user, "an earlier call had invited this guest").await;
        }
        if !is_over(app, &intent, VISIBLE_WAIT_MIN.max(overlay::settling(app.reader.policy()))) {
            return Ok(Effect::Later(VISIBLE_PAUSE));
        }
    }
    if let Some(effect) = app.keep_back(person, &Action::InviteGuest, lease).await? {
        return Ok(effect);
    }
    let guests = &app.reader.policy().accounts.guests;
    let name = attributes::names(person, &view.standing).display;
    let answer = app.reader.graph().invite(&intent.address, &name, &guests.redirect_url, guests.send_message).await;
    match answer {
        Ok(invitation) => heard(app, person, intent, &invitation.invited_user.id).await,
        Err(error) => match error.refusal() {
            Some(Refusal::AlreadyInvited { id }) => {
                let id = UserId::from(&**id);
                heard(app, person, intent, &id).await
            }
            Some(_) => {
                close(app, person).await?;
                app.refused(person, &Action::InviteGuest, error)
            }
            None => Err(Trouble::Graph(error)),
        },
    }
}

/// Access is cut while an invitation is open: finds out what became of it. The guest would be let in, so it must be known.
pub(crate) async fn settle_for_cut(app: &App, person: &Person, intent: &InviteIntent) -> Result<Effect, Trouble> {
    if let Some(id) = &intent.guest {
        return settle(app, person, intent, &UserId::from(id.as_str())).await;
    }
    if let Some(user) = find(app, person, intent).await? {
        return bind(app, person, &user, "the guest had been invited").await;
    }
    if is_over(app, intent, IN_FLIGHT + overlay::settling(app.reader.policy())) {
        close(app, person).await?;
        return Ok(Effect::done("the invitation never took effect"));
    }
    Ok(Effect::Later(VISIBLE_PAUSE))
}

/// Opens an intent before the first call.
async fn open(app: &App, person: &Person, address: String) -> Result<InviteIntent, Trouble> {
    let intent = InviteIntent { address, opened_at: app.ports.clock.now(), guest: None };
    amend(app.ports.roster.as_ref(), &person.head.person, |person, _| {
        person.head.account.invitation = Some(intent.clone());
    })
    .await?;
    Ok(intent)
}

/// Graph named a guest: that is kept, so that nobody is mailed twice while it cannot be read.
async fn heard(app: &App, person: &Person, mut intent: InviteIntent, id: &UserId) -> Result<Effect, Trouble> {
    let Ok(object) = id.as_str().parse::<ObjectId>() else {
        return Ok(Effect::Human("the tenant answered with a guest without a valid id: report this".into(), true));
    };
    intent.guest = Some(object);
    amend(app.ports.roster.as_ref(), &person.head.person, |person, _| {
        person.head.account.invitation = Some(intent.clone());
    })
    .await?;
    settle(app, person, &intent, id).await
}

/// Whose the guest is that Graph named.
async fn settle(app: &App, person: &Person, intent: &InviteIntent, id: &UserId) -> Result<Effect, Trouble> {
    let Some(user) = app.reader.graph().get_user(id, &select(app)).await? else {
        if is_over(app, intent, IN_FLIGHT + overlay::settling(app.reader.policy())) {
            close(app, person).await?;
            return Ok(Effect::done("the guest is gone again"));
        }
        return Ok(Effect::Later(VISIBLE_PAUSE));
    };
    if is_ours(app, person, intent, &user) {
        return bind(app, person, &user, "invited; it can be redeemed at any time").await;
    }
    close(app, person).await?;
    let person = &person.head.person;
    let instructions = format!(
        "the address is that of account {id}, which was there before: if it is this person's, `joinery match confirm {person} {id} \
         --by YOUR-NAME`; if not, correct the address in HR"
    );
    Ok(Effect::Human(instructions, false))
}

/// A guest with this address who was made since the intent.
async fn find(app: &App, person: &Person, intent: &InviteIntent) -> Result<Option<User>, Trouble> {
    let users = app.reader.graph().find_users(&Filter::eq("mail", &intent.address), &select(app)).await?;
    Ok(users.into_iter().find(|user| is_ours(app, person, intent, user)))
}

fn is_ours(app: &App, person: &Person, intent: &InviteIntent, user: &User) -> bool {
    let anchor = user.extension(&app.reader.policy().tenant.anchor).filter(|anchor| !anchor.is_empty());
    match anchor {
        Some(anchor) => anchor == person.head.person.to_string(),
        None => user.is_guest() && user.created_date_time.is_some_and(|at| is_since(at, intent)),
    }
}

fn is_since(at: Timestamp, intent: &InviteIntent) -> bool {
    intent.opened_at.saturating_sub(SKEW).is_ok_and(|from| at >= from)
}

/// Whether the intent is older than this.
fn is_over(app: &App, intent: &InviteIntent, age: SignedDuration) -> bool {
    intent.opened_at.saturating_add(age).is_ok_and(|until| until < app.ports.clock.now())
}

fn select(app: &App) -> [&str; 5] {
    ["id", "userPrincipalName", "userType", "createdDateTime", &app.reader.policy().tenant.anchor]
}

/// Binds the guest. Our mark is the next step's.
async fn bind(app: &App, person: &Person, user: &User, words: &str) -> Result<Effect, Trouble> {
    let Ok(id) = user.id.as_str().parse::<ObjectId>() else {
        return Ok(Effect::Human("the tenant answered with a guest without a valid id: report this".into(), true));
    };
    let now = app.ports.clock.now();
    amend(app.ports.roster.as_ref(), &person.head.person, |person, _| {
        let account = &mut person.head.account;
        account.object_id = Some(id.clone());
        account.upn.clone_from(&user.user_principal_name);
        account.invitation = None;
        account.bound_at = Some(now);
        account.deleted_at = None;
        account.matching.found = None;
    })
    .await?;
    if let Some(upn) = &user.user_principal_name {
        app.addresses.claim(upn, &AddressHolder::Person(person.head.person.clone())).await?;
    }
    Ok(Effect::done(words))
}

async fn close(app: &App, person: &Person) -> Result<(), Trouble> {
    amend(app.ports.roster.as_ref(), &person.head.person, |person, _| person.head.account.invitation = None).await?;
    Ok(())
}
