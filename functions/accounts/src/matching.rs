//! Accounts that were there before us: found by evidence, bound as theirs, confirmed or refused by humans.

use std::collections::BTreeMap;

use domain::amend::amend;
use domain::ids::{ObjectId, PersonId};
use domain::matching::{CANDIDATES_MAX, Candidate, Clues, Decision, Found, FoundBy, REJECTED_MAX, Shown};
use domain::message::{Message, QueueName};
use domain::person::{Person, TimelineEntry, TimelineKind};
use domain::planner::{Sight, View};
use domain::ports::{AddressHolder, Handle, StoreError};
use graph::filter::Filter;
use graph::{User, UserId};
use stage::{Effect, Trouble};

use crate::App;

/// Every account, living or deleted, that something but a name says may be this person's.
pub async fn candidates(app: &App, view: &View<'_>) -> Result<Vec<Candidate>, Trouble> {
    let clues = Clues::of(view);
    let Some(filter) = filter(&clues, &app.reader.policy().tenant.anchor) else { return Ok(Vec::new()) };
    let graph = app.reader.graph();
    let select = select(app);
    let alive = graph.find_users(&filter, &select).await?;
    let deleted = graph.find_deleted_users(&filter, &select).await?;
    // One that was deleted between the two reads is in both.
    let mut found = BTreeMap::new();
    for (users, is_deleted) in [(alive, false), (deleted, true)] {
        for user in users {
            let Ok(id) = user.id.as_str().parse::<ObjectId>() else { continue };
            if let Some(candidate) = clues.weigh(id.clone(), &shown(app, &user, is_deleted)) {
                found.insert(id, candidate);
            }
        }
    }
    Ok(found.into_values().take(CANDIDATES_MAX).collect())
}

fn filter(clues: &Clues, anchor: &str) -> Option<Filter> {
    let marked = [Filter::eq(anchor, &clues.anchor)];
    let numbered = clues.employee_id.iter().map(|number| Filter::employee_id(number));
    let mailed = clues.addresses.iter().flat_map(|mail| [Filter::eq("mail", mail), Filter::proxy_address(mail)]);
    let named = clues.names.iter().map(|name| Filter::eq("userPrincipalName", name));
    Filter::any(marked.into_iter().chain(numbered).chain(mailed).chain(named))
}

/// What a candidate is weighed by.
fn select(app: &App) -> [&str; 10] {
    [
        "id",
        "accountEnabled",
        "employeeId",
        "mail",
        "proxyAddresses",
        "userPrincipalName",
        "userType",
        "creationType",
        "onPremisesSyncEnabled",
        &app.reader.policy().tenant.anchor,
    ]
}

fn shown<'a>(app: &App, user: &'a User, is_deleted: bool) -> Shown<'a> {
    Shown {
        anchor: user.extension(&app.reader.policy().tenant.anchor),
        employee_id: user.employee_id.as_deref(),
        user_principal_name: user.user_principal_name.as_deref(),
        mail: user.mail.as_deref(),
        proxy_addresses: &user.proxy_addresses,
        account_enabled: user.account_enabled,
        is_guest: user.is_guest(),
        is_synchronized: user.is_synchronized(),
        is_deleted,
    }
}

/// An account by its id, living or deleted, and which of the two.
async fn read(app: &App, object: &ObjectId) -> Result<Option<(User, bool)>, graph::Error> {
    let (graph, id, select) = (app.reader.graph(), UserId::from(object.as_str()), select(app));
    if let Some(user) = graph.get_user(&id, &select).await? {
        return Ok(Some((user, false)));
    }
    Ok(graph.deleted_user(&id, &select).await?.map(|user| (user, true)))
}

/// Takes an account that was there as this person's. Whose it is was decided before; what changed since is looked at once more, and no
/// two records ever hold one account.
pub(crate) async fn bind(app: &App, person: &Person, object: &ObjectId, by: FoundBy) -> Result<Effect, Trouble> {
    let id = &person.head.person;
    let Some((user, _)) = read(app, object).await? else {
        let instructions = format!(
            "account {object} is not there any more: `joinery match reject {id} {object}`, or find out who removed it"
        );
        return Ok(Effect::Human(instructions, false));
    };
    let anchor = user.extension(&app.reader.policy().tenant.anchor).filter(|anchor| !anchor.is_empty());
    if let Some(other) = anchor.filter(|anchor| *anchor != id.to_string()) {
        let instructions = format!("account {object} carries the mark of {other}: it cannot be {id}'s as well");
        return Ok(Effect::Human(instructions, false));
    }
    if let Some(other) = claim(app, id, object).await? {
        let instructions = format!("account {object} is bound to {other}: it cannot be {id}'s as well");
        return Ok(Effect::Human(instructions, false));
    }
    let upn = user.lasting_name().map(str::to_owned);
    let now = app.ports.clock.now();
    amend(app.ports.roster.as_ref(), id, |person, _| {
        let account = &mut person.head.account;
        account.object_id = Some(object.clone());
        account.upn.clone_from(&upn);
        account.bound_at = Some(now);
        account.deleted_at = None;
        account.matching.confirmed = None;
        account.matching.found = Some(Found { by, at: now });
    })
    .await?;
    if let Some(upn) = &upn {
        app.addresses.claim(upn, &AddressHolder::Person(id.clone())).await?;
    }
    Ok(Effect::done("bound; it was there before us"))
}

/// Takes the object for this record, for good; whoever else has it, if somebody does. The books of addresses decide, for
/// theirs is the one write that two records cannot both win.
async fn claim(app: &App, person: &PersonId, object: &ObjectId) -> Result<Option<PersonId>, StoreError> {
    let bound = app.ports.roster.find(&Handle::Object(object.clone())).await?;
    if let Some(other) = bound.into_iter().find(|other| other != person) {
        return Ok(Some(other));
    }
    match app.addresses.claim(&format!("object:{object}"), &AddressHolder::Person(person.clone())).await? {
        AddressHolder::Person(holder) if holder != *person => Ok(Some(holder)),
        _ => Ok(None),
    }
}

/// What became of a human's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is recorded.
    Recorded,
    /// It is refused, and why; asking again changes nothing.
    Refused(String),
    /// It is refused unless it is said again, knowing this.
    Insist(Vec<String>),
}

/// Records somebody's word that an account is this person's. `insists`: what [`Answer::Insist`] warns of is known. The step that
/// binds follows by itself, when it may.
pub async fn confirm(app: &App, id: &PersonId, object: &ObjectId, by: &str, insists: bool) -> Result<Answer, Trouble> {
    let Some(person) = app.ports.roster.person(id).await? else {
        return Ok(Answer::Refused("nothing is known of this person".into()));
    };
    if let Some(refusal) = refusal(app, &person, object).await? {
        return Ok(Answer::Refused(refusal));
    }
    let warnings = warnings(app, &person, object).await?;
    if !warnings.is_empty() && !insists {
        return Ok(Answer::Insist(warnings));
    }
    let now = app.ports.clock.now();
    let decision = Decision { object_id: object.clone(), by: Some(by.to_owned()), at: now };
    amend(app.ports.roster.as_ref(), id, |person, aside| {
        let matching = &mut person.head.account.matching;
        matching.rejected.retain(|no| no.object_id != *object);
        matching.confirmed = Some(decision.clone());
        if let (Some(found), true) = (&mut matching.found, person.head.account.object_id.as_ref() == Some(object)) {
            found.by = FoundBy::Confirmation;
        }
        aside.timeline.push(line(now, format!("account {object} is this person's, somebody said")));
    })
    .await?;
    wake(app, id).await
}

/// Why an account cannot be this person's, whoever says so.
async fn refusal(app: &App, person: &Person, object: &ObjectId) -> Result<Option<String>, Trouble> {
    let id = &person.head.person;
    let account = &person.head.account;
    if let Some(bound) = account.object_id.as_ref().filter(|bound| *bound != object && account.deleted_at.is_none()) {
        return Ok(Some(format!("{id} has account {bound}")));
    }
    if account.is_being_made() {
        return Ok(Some(format!("an account for {id} is being made: wait until that is settled")));
    }
    let Some((user, _)) = read(app, object).await? else {
        return Ok(Some(format!("the tenant has no account {object}")));
    };
    let anchor = user.extension(&app.reader.policy().tenant.anchor).filter(|anchor| !anchor.is_empty());
    if let Some(other) = anchor.filter(|anchor| *anchor != id.to_string()) {
        return Ok(Some(format!("account {object} carries the mark of {other}")));
    }
    let others = app.ports.roster.find(&Handle::Object(object.clone())).await?;
    if let Some(other) = others.into_iter().find(|other| other != id) {
        return Ok(Some(format!("account {object} is bound to {other}")));
    }
    Ok(None)
}

/// What somebody should know who says that an account is this person's.
async fn warnings(app: &App, person: &Person, object: &ObjectId) -> Result<Vec<String>, Trouble> {
    let view = View::new(person, app.reader.policy(), app.ports.clock.now());
    let mut warnings = Vec::new();
    if view.standing.is_cut() {
        warnings.push(format!("{} has left ({}): the account will be cut", person.head.person, view.standing.why));
    }
    if view.is_protected() {
        warnings.push("the policy protects this person".into());
    }
    match app.reader.graph().is_privileged(&UserId::from(object.as_str())).await {
        Ok(false) => {}
        Ok(true) => warnings.push("the account holds an administrator role".into()),
        // Of a deleted account roles are not shown.
        Err(error) if error.refusal() == Some(&graph::Refusal::NotFound) => {}
        Err(error) if error.refusal() == Some(&graph::Refusal::InsufficientPrivileges) => {
            warnings.push("whether the account holds an administrator role cannot be read".into());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(warnings)
}

/// Records that an account is somebody else's.
pub async fn reject(app: &App, id: &PersonId, object: &ObjectId, by: Option<&str>) -> Result<Answer, Trouble> {
    let Some(person) = app.ports.roster.person(id).await? else {
        return Ok(Answer::Refused("nothing is known of this person".into()));
    };
    let account = &person.head.account;
    if account.object_id.as_ref() == Some(object) {
        return Ok(Answer::Refused(format!("account {object} is bound to {id}: it cannot be taken back from here")));
    }
    if account.matching.rejected.len() >= REJECTED_MAX {
        return Ok(Answer::Refused(format!(
            "{REJECTED_MAX} accounts were rejected for {id}: correct the record in HR"
        )));
    }
    let now = app.ports.clock.now();
    let decision = Decision { object_id: object.clone(), by: by.map(str::to_owned), at: now };
    amend(app.ports.roster.as_ref(), id, |person, aside| {
        let matching = &mut person.head.account.matching;
        if matching.confirmed.as_ref().is_some_and(|yes| yes.object_id == *object) {
            matching.confirmed = None;
        }
        matching.rejected.retain(|no| no.object_id != *object);
        matching.rejected.push(decision.clone());
        aside.timeline.push(line(now, format!("account {object} is somebody else's, somebody said")));
    })
    .await?;
    wake(app, id).await
}

/// What follows from a human's word follows at once.
async fn wake(app: &App, id: &PersonId) -> Result<Answer, Trouble> {
    let message = Message::wake(id, "somebody said whose account it is", &app.ports.entropy.id());
    stage::send(&app.ports, QueueName::People, id, &message).await?;
    Ok(Answer::Recorded)
}

/// The accounts that may be a person's, as the tenant shows them now, whether or not one is needed.
pub async fn look(app: &App, person: &Person) -> Result<Vec<Candidate>, Trouble> {
    candidates(app, &View::new(person, app.reader.policy(), app.ports.clock.now())).await
}

/// Whether planning this sight of a person needs candidates; if so, them.
pub(crate) async fn needed(app: &App, view: &View<'_>, sight: &Sight) -> Result<Vec<Candidate>, Trouble> {
    let confirmed = view.person.head.account.matching.confirmed.is_some();
    if confirmed || !domain::planner::account::needs_candidates(view, sight) {
        return Ok(Vec::new());
    }
    candidates(app, view).await
}

fn line(at: jiff::Timestamp, text: String) -> TimelineEntry {
    let (kind, function, correlation_id) = (TimelineKind::Decided, "joinery match".into(), String::new());
    TimelineEntry { at, kind, function, text, correlation_id }
}
