//! `joinery licenses`: seats by product, and who waits for one.

use std::sync::Arc;

use clap::Args;
use domain::ids::{PersonId, SkuId};
use domain::policy::skus;
use domain::ports::StoreError;
use domain::reconcile::Seats;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use joinery::desk::Desk;
use joinery::edge::SystemEntropy;
use joinery::functions::Wiring;
use joinery::reconciliation;
use joinery::tenant::Environment;
use serde::Serialize;

use super::{Answer, Answered, Data};
use crate::print::{self, Output, Rows};

/// Show seats by product, and who waits for one
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Licenses {
    /// Only this product, by part number or GUID
    #[arg(long, value_name = "SKU")]
    sku: Option<String>,
    /// List the people who wait, in the order in which they are served
    #[arg(long)]
    waiting: bool,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

const AFTER_HELP: &str = "\
Read from the tenant now. WARNING seats have expired and still work for a time of grace; SUSPENDED ones can
not be assigned. Exit code 1: the product is not known, or nobody waits.

Examples:
  joinery licenses
  joinery licenses --sku SPE_E3 --waiting
  joinery licenses --output json";

/// Somebody in line.
#[derive(Debug, Serialize)]
struct Row {
    sku: SkuId,
    product: String,
    place: usize,
    person: PersonId,
    /// By the policy; lower comes first.
    priority: u32,
    /// The first day of work.
    start: Date,
    since: Timestamp,
}

impl Licenses {
    pub(crate) async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let app = app(&desk)?;
        let products = reconciler::products(&app).await?;
        let mut seats: Vec<Seats> = products.seats().cloned().collect();
        seats.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(wanted) = &self.sku {
            seats.retain(|seats| is_called(&seats.sku, &seats.name, wanted));
            if seats.is_empty() {
                eprintln!("the tenant does not own `{wanted}`; `joinery licenses` lists what it owns");
                return Ok(Answer::No);
            }
        }
        if !self.waiting {
            print::list(self.output.format, &seats, table)?;
            return Ok(Answer::Yes);
        }
        let rows = line(&app, &seats).await?;
        let zone = app.policy.tenant.time_zone.clone();
        print::list(self.output.format, &rows, |rows| show(rows, &zone))?;
        Ok(Answer::of(!rows.is_empty()))
    }
}

/// The reconciler over a data directory.
pub(super) fn app(desk: &Desk) -> Result<reconciler::App, Box<dyn std::error::Error + Send + Sync>> {
    let policy = desk.policy().inspect_err(|error| eprintln!("{}", error.render()))?;
    let clients = desk.clients(&Environment::of_process())?;
    let wiring = Wiring::over(&desk.store, &clients, Arc::clone(&desk.clock), Arc::new(SystemEntropy));
    Ok(reconciliation::app(&policy, &desk.store, &wiring))
}

/// Whether a product is meant, by part number or id.
pub(super) fn is_called(sku: &SkuId, name: &str, wanted: &str) -> bool {
    let named = skus::sku_id(wanted).is_some_and(|named| named == *sku);
    named || name.eq_ignore_ascii_case(wanted) || sku.as_str().eq_ignore_ascii_case(wanted)
}

async fn line(app: &reconciler::App, seats: &[Seats]) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    for seats in seats {
        let line = app.lines.line(&seats.sku).await?;
        rows.extend((1..).zip(line.waiting()).map(|(place, waiting)| Row {
            sku: seats.sku.clone(),
            product: seats.name.clone(),
            place,
            person: waiting.person.clone(),
            priority: waiting.rank.priority,
            start: waiting.rank.start,
            since: waiting.rank.since,
        }));
    }
    Ok(rows)
}

/// Seats as a table; also of `joinery reconcile`.
pub(super) fn table(seats: &[Seats]) -> String {
    let mut rows = Rows::new(&["PRODUCT", "OWNED", "CONSUMED", "FREE", "WAITING", "WARNING", "SUSPENDED"]);
    for seats in seats {
        let Seats { name, owned, consumed, free, waiting, warning, suspended, .. } = seats;
        let numbers = [owned, consumed, free].map(ToString::to_string);
        let [owned, consumed, free] = numbers;
        let others = [warning, suspended].map(ToString::to_string);
        let [warning, suspended] = others;
        rows.push([name.clone(), owned, consumed, free, waiting.to_string(), warning, suspended]);
    }
    rows.show("the tenant owns nothing")
}

fn show(line: &[Row], zone: &TimeZone) -> String {
    let mut rows = Rows::new(&["PRODUCT", "PLACE", "PERSON", "PRIORITY", "FIRST DAY", "SINCE"]);
    for row in line {
        let (place, person, priority) = (row.place.to_string(), row.person.to_string(), row.priority.to_string());
        let since = print::when(row.since, zone);
        rows.push([row.product.clone(), place, person, priority, row.start.to_string(), since]);
    }
    rows.show("nobody waits")
}
