//! `[reconcile]`: when the whole tenant is compared, and what counts as a finding.

use jiff::SignedDuration;
use toml::de::DeTable;

use super::super::fault::Fault;
use super::super::table::{Placed, Report, Table};
use super::super::{Reconcile, schema};
use super::brakes::duration;

const EVERY: SignedDuration = SignedDuration::from_hours(6);
/// A listing of a large tenant takes minutes; more often would only throttle what matters more.
const EVERY_MIN: SignedDuration = SignedDuration::from_mins(15);
const EVERY_MAX: SignedDuration = SignedDuration::from_hours(24 * 7);

pub(super) fn read<'t>(table: Option<Placed<&'t DeTable<'t>>>, report: &mut Report) -> Reconcile {
    let none = DeTable::default();
    let (at, entries) = table.map_or((0..0, &none), |table| (table.at, table.value));
    let table = Table::open("`[reconcile]`", &schema::RECONCILE, at, entries, report);
    Reconcile {
        every: table.text("every").map_or(Some(EVERY), |text| every(&text, report)),
        inactive_days: table.integer("inactive_days").and_then(|days| days.try_into().ok()),
    }
}

fn every(text: &Placed<&str>, report: &mut Report) -> Option<SignedDuration> {
    if text.value == "never" {
        return None;
    }
    let fault = |message: &str| Fault::new(text.at.clone(), message);
    match duration(text.value) {
        None => {
            let help = "write a whole number and `m`, `h` or `d`, such as `6h`, or `never`";
            report.add(fault("`every` is not a length of time").help(help));
        }
        Some(every) if !(EVERY_MIN..=EVERY_MAX).contains(&every) => {
            report.add(fault("`every` is out of bounds").help("from `15m` to `7d`, or `never`"));
        }
        every => return every,
    }
    None
}
