//! Whom HR names as manager, as an account. Resolved by id, number or address, never by name.

use domain::event::FactValue;
use domain::ids::PersonId;
use domain::lifecycle;
use domain::planner::View;
use domain::planner::account::Manager;
use domain::policy::PersonKind;
use domain::ports::Handle;
use graph::UserKey;
use stage::Trouble;

use crate::App;

/// The manager HR names in this view. What HR says first by id counts before number, and number before address.
pub(crate) async fn wanted(app: &App, view: &View<'_>) -> Result<Manager, Trouble> {
    let standing = &view.standing;
    let fact = |path: &str| view.person.head.record.fact(path, standing.today, &standing.zone);
    let connection = view.person.head.person.connection();
    let said = ["org.manager.source_person_id", "org.manager.employee_number", "org.manager.work_email"];
    if said.iter().all(|path| fact(path).is_none()) {
        return Ok(Manager::Unspoken);
    }
    if said.iter().all(|path| matches!(fact(path), None | Some(FactValue::Null))) {
        return Ok(Manager::Nobody);
    }
    let text = |path: &str| fact(path).and_then(FactValue::as_text);
    let by_id = text("org.manager.source_person_id").and_then(|id| PersonId::new(connection, id).ok());
    let by_number = match text("org.manager.employee_number") {
        Some(number) => {
            let handle = Handle::EmployeeNumber { connection: connection.to_owned(), number: number.to_owned() };
            one(app.ports.roster.find(&handle).await?)
        }
        None => None,
    };
    let mut has_none = false;
    for id in by_id.into_iter().chain(by_number) {
        let Some(manager) = app.ports.roster.person(&id).await? else { continue };
        has_none |= lifecycle::standing(&manager, view.policy, view.now).kind == PersonKind::None;
        if let Some(account) = manager.head.account.object_id {
            return Ok(Manager::Known(account));
        }
    }
    // Somebody who never gets an account is nobody's manager in the tenant: there is nothing to wait for.
    if has_none {
        return Ok(Manager::Nobody);
    }
    if let Some(address) = text("org.manager.work_email").filter(|address| address.contains('@')) {
        let user = app.reader.graph().get_user(UserKey::Upn(address), &["id"]).await?;
        if let Some(id) = user.and_then(|user| user.id.as_str().parse().ok()) {
            return Ok(Manager::Known(id));
        }
    }
    Ok(Manager::Unresolved)
}

/// The only one, or nobody: two people with one number are no evidence for either.
fn one(found: Vec<PersonId>) -> Option<PersonId> {
    let mut found = found.into_iter();
    found.next().filter(|_| found.next().is_none())
}
