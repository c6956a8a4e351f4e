//! `joinery forecast`: seats needed on each of the coming days, and the day on which they run out.

use std::collections::BTreeMap;

use clap::Args;
use domain::forecast::{Forecaster, Outlook, Supply};
use domain::ids::SkuId;
use domain::policy::skus;
use domain::ports::Roster;
use domain::reconcile::Seats;
use jiff::civil::Date;
use serde::Serialize;

use super::{Answer, Answered, Data, licenses};
use crate::print::{self, Output, Rows};

/// Show how many seats of each product will be needed, and when they run out
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Forecast {
    /// Only this product, by part number or GUID, with every day on which something changes
    #[arg(long, value_name = "SKU")]
    sku: Option<String>,
    /// How many days to look ahead
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

const AFTER_HELP: &str = "\
Rests on what HR has announced: first days, last days, changes with a date. Seats of people outside the
roster are taken to stay in use. Exit code 1: a product runs out within these days, or is not known.

Examples:
  joinery forecast
  joinery forecast --sku SPE_E3 --days 30
  joinery forecast --output json";

/// One product.
#[derive(Debug, Serialize)]
struct Row {
    sku: SkuId,
    name: String,
    owned: i64,
    consumed: i64,
    /// The first day on which more are needed than owned.
    runs_out: Option<Date>,
    peak: Option<Peak>,
    days: Vec<DayRow>,
}

#[derive(Debug, Serialize)]
struct Peak {
    date: Date,
    needed: i64,
}

#[derive(Debug, Serialize)]
struct DayRow {
    date: Date,
    needed: i64,
    free: i64,
    joining: usize,
    leaving: usize,
}

impl Forecast {
    pub(crate) async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let app = licenses::app(&desk)?;
        let policy = &app.policy;
        let mut forecaster =
            Forecaster::new(policy, desk.clock.now(), policy.tenant.time_zone.clone(), usize::from(self.days));
        for id in desk.everyone().await? {
            if let Some(person) = desk.store.person(&id).await? {
                forecaster.add(&person);
            }
        }
        let mut rows: Vec<_> = forecaster.finish(&supplies(&app).await?).into_iter().map(Row::of).collect();
        // What runs out first comes first, what never does by name.
        rows.sort_by(|a, b| {
            (a.runs_out.is_none(), a.runs_out, &a.name).cmp(&(b.runs_out.is_none(), b.runs_out, &b.name))
        });
        if let Some(wanted) = &self.sku {
            rows.retain(|row| licenses::is_called(&row.sku, &row.name, wanted));
            let [row] = rows.as_slice() else {
                eprintln!("no product `{wanted}` is owned or needed; `joinery forecast` lists them");
                return Ok(Answer::No);
            };
            print::item(self.output.format, row, show_days)?;
        } else {
            print::list(self.output.format, &rows, show)?;
        }
        Ok(Answer::of(rows.iter().all(|row| row.runs_out.is_none())))
    }
}

async fn supplies(app: &reconciler::App) -> Result<BTreeMap<SkuId, Supply>, reconciler::Trouble> {
    let products = reconciler::products(app).await?;
    let supply = |seats: &Seats| {
        let owned = seats.free.saturating_add(seats.consumed);
        (seats.sku.clone(), Supply { name: seats.name.clone(), owned, consumed: seats.consumed })
    };
    Ok(products.seats().map(supply).collect())
}

impl Row {
    fn of(outlook: Outlook) -> Self {
        let (runs_out, peak) = (outlook.runs_out().map(|day| day.date), outlook.peak());
        let peak = peak.map(|day| Peak { date: day.date, needed: day.needed });
        let Outlook { sku, supply, days } = outlook;
        let Supply { name, owned, consumed } = supply.unwrap_or_else(|| Supply {
            name: skus::part_number(&sku).map_or_else(|| sku.to_string(), str::to_owned),
            owned: 0,
            consumed: 0,
        });
        let day = |day: domain::forecast::Day| DayRow {
            date: day.date,
            needed: day.needed,
            free: owned - day.needed,
            joining: day.joining,
            leaving: day.leaving,
        };
        Self { days: days.into_iter().map(day).collect(), sku, name, owned, consumed, runs_out, peak }
    }

    fn runs_out(&self) -> String {
        self.runs_out.map_or_else(|| "-".into(), |date| date.to_string())
    }
}

fn show(rows: &[Row]) -> String {
    let mut table = Rows::new(&["PRODUCT", "OWNED", "IN USE", "MOST NEEDED", "ON", "RUNS OUT", "BY WEEK"]);
    for row in rows {
        let (most, on) = row
            .peak
            .as_ref()
            .map_or_else(|| ("-".to_owned(), "-".to_owned()), |peak| (peak.needed.to_string(), peak.date.to_string()));
        table.push([
            row.name.clone(),
            row.owned.to_string(),
            row.consumed.to_string(),
            most,
            on,
            row.runs_out(),
            curve(&row.days),
        ]);
    }
    table.show("the tenant owns no product, and nobody needs one")
}

/// The days on which something changes.
fn show_days(row: &Row) -> String {
    let heading =
        format!("{}: {} owned, {} in use, runs out: {}\n\n", row.name, row.owned, row.consumed, row.runs_out());
    let mut table = Rows::new(&["DAY", "JOINING", "LEAVING", "NEEDED", "FREE"]);
    for day in row.days.iter().filter(|day| day.joining + day.leaving > 0) {
        table.push([
            day.date.to_string(),
            day.joining.to_string(),
            day.leaving.to_string(),
            day.needed.to_string(),
            day.free.to_string(),
        ]);
    }
    heading + &table.show("nothing changes in these days")
}

/// The most seats needed in each week, as a row of bars between the least and the most.
fn curve(days: &[DayRow]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let weeks: Vec<i64> = days.chunks(7).filter_map(|week| week.iter().map(|day| day.needed).max()).collect();
    let (Some(least), Some(most)) = (weeks.iter().min(), weeks.iter().max()) else { return String::new() };
    let bar = |needed: &i64| {
        let step = (needed - least) * 7 / (most - least).max(1);
        usize::try_from(step).ok().and_then(|step| BARS.get(step)).copied().unwrap_or(' ')
    };
    weeks.iter().map(bar).collect()
}
