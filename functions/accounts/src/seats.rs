//! Seats before the account: where the policy says so, a joiner's account is made only once a seat of everything the packages will give
//! is kept for them.

use std::collections::BTreeSet;

use domain::ids::SkuId;
use domain::person::Person;
use domain::planner::View;
use domain::planner::licenses::{first_day, kept_until, to_come};
use domain::seats::{Rank, Supply, amend, claim};
use domain::step::{Action, StepState};
use stage::{Effect, Trouble};

use crate::App;

/// Keeps the seats, or says what is waited for. None: make the account.
pub(crate) async fn keep(app: &App, person: &Person) -> Result<Option<Effect>, Trouble> {
    if !app.reader.policy().seats.reserve_before_create || person.head.account.is_being_made() {
        return Ok(None);
    }
    let read_at = app.ports.clock.now();
    let view = View::new(person, app.reader.policy(), read_at);
    let seats = app.reader.seats().await?;
    let since = view.step(&Action::CreateAccount).and_then(|step| match step.state {
        StepState::Waiting { sku: Some(_), since, .. } => Some(since),
        _ => None,
    });
    let needs: Vec<_> = to_come(&view)
        .into_iter()
        .map(|(sku, priority)| {
            let rank = Rank { priority, start: first_day(&view), since: since.unwrap_or(read_at) };
            let free = seats.get(&sku).map_or(0, |seats| seats.free);
            (sku, rank, Supply { free, read_at })
        })
        .collect();
    let lacking = claim(app.lines.as_ref(), &person.head.person, &needs, read_at, kept_until(&view)).await?;
    Ok(lacking.map(|sku| {
        let name = seats.get(&sku).map_or_else(|| sku.to_string(), |seats| seats.name.clone());
        Effect::Wait(
            format!("no seat of {name} is free, and the policy keeps seats before it makes accounts"),
            Some(sku),
        )
    }))
}

/// Gives back what is kept for somebody without an account and no longer needed.
pub(crate) async fn give_back(app: &App, view: &View<'_>) -> Result<(), Trouble> {
    let policy = app.reader.policy();
    if !policy.seats.reserve_before_create || view.person.head.account.is_there() {
        return Ok(());
    }
    let needed = to_come(view);
    let all: BTreeSet<&SkuId> =
        policy.packages.iter().flat_map(|package| &package.licenses).map(|license| &license.sku).collect();
    for sku in all.into_iter().filter(|sku| !needed.contains_key(*sku)) {
        amend(app.lines.as_ref(), sku, |line| line.leave(&view.person.head.person, view.now)).await?;
    }
    Ok(())
}
