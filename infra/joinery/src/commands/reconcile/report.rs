//! The report of a run: as tables for people, as one JSON document, or as CSV. Findings are read and written a page at a time.

use std::collections::BTreeMap;
use std::io::Write;

use domain::reconcile::{Census, Finding, Kind, Run, Seats};
use jiff::Timestamp;
use serde::Serialize;

use crate::commands::licenses;
use crate::print::{self, Rows};

/// How many findings a table shows; the rest is for the other formats.
const SHOWN_MAX: usize = 50;
/// How many findings are read at a time.
const PAGE: usize = 1_000;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One line for each finding
    Csv,
}

/// What a run came to.
pub(super) struct Report<'a> {
    pub(super) census: &'a dyn Census,
    pub(super) run: Run,
    pub(super) tally: BTreeMap<Kind, u64>,
}

/// What precedes the findings in JSON.
#[derive(Serialize)]
struct Head<'a> {
    run: &'a str,
    dry_run: bool,
    began_at: Timestamp,
    ended_at: Option<Timestamp>,
    accounts: u64,
    members: u64,
    unreadable: u64,
    seats: &'a [Seats],
    counts: &'a BTreeMap<Kind, u64>,
}

/// One finding in JSON.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    drift: bool,
    what: &'static str,
}

type Printed = Result<(), Box<dyn std::error::Error + Send + Sync>>;

impl Report<'_> {
    pub(super) async fn print(&self, format: Format) -> Printed {
        match format {
            Format::Table => self.table().await,
            Format::Json => self.json().await,
            Format::Csv => self.csv().await,
        }
    }

    async fn table(&self) -> Printed {
        let run = &self.run;
        print::text(&print::pairs(&[
            ("accounts compared", run.accounts.to_string()),
            ("members compared", run.members.to_string()),
            ("drifted", self.sum(true).to_string()),
            ("other findings", self.sum(false).to_string()),
        ]))?;
        print::text(&print::heading("Seats"))?;
        let mut seats = run.seats.clone();
        seats.sort_by(|a, b| a.name.cmp(&b.name));
        print::text(&licenses::table(&seats))?;
        print::text(&print::heading("Findings"))?;
        let mut rows = Rows::new(&["WHAT", "PERSON", "ACCOUNT", "PRODUCT OR GROUP", "DETAIL"]);
        for (_, finding) in self.census.findings(run.name, 0, SHOWN_MAX).await? {
            let text = |id: Option<String>| id.unwrap_or_else(|| "-".into());
            let about =
                finding.sku.as_ref().map(|sku| self.product(sku.as_str())).or(finding.group.map(|id| id.to_string()));
            rows.push([
                finding.kind.phrase().to_owned(),
                text(finding.person.map(|id| id.to_string())),
                text(finding.account.map(|id| id.to_string())),
                text(about),
                text(finding.detail),
            ]);
        }
        print::text(&rows.show("none"))?;
        let all = usize::try_from(self.sum(true) + self.sum(false)).unwrap_or(usize::MAX);
        if all > SHOWN_MAX {
            print::text(&format!("and {} more: see `--output csv`\n", all - SHOWN_MAX))?;
        }
        Ok(())
    }

    async fn json(&self) -> Printed {
        let run = &self.run;
        let head = Head {
            run: &run.id,
            dry_run: run.name == domain::reconcile::RunName::DryRun,
            began_at: run.began_at,
            ended_at: run.ended_at,
            accounts: run.accounts,
            members: run.members,
            unreadable: run.unreadable,
            seats: &run.seats,
            counts: &self.tally,
        };
        let head = serde_json::to_string_pretty(&head)?;
        // The document is open until its last finding is written.
        let mut text = head.trim_end_matches('}').trim_end().to_owned() + ",\n  \"findings\": [";
        let mut separator = "\n";
        let mut after = 0;
        loop {
            let page = self.census.findings(run.name, after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (_, finding) in &page {
                let row = Row { finding, drift: finding.kind.wakes(), what: finding.kind.phrase() };
                text += separator;
                text += "    ";
                text += &serde_json::to_string(&row)?;
                separator = ",\n";
            }
            print::text(&text)?;
            text.clear();
        }
        Ok(print::text(&(text + "\n  ]\n}\n"))?)
    }

    async fn csv(&self) -> Printed {
        let mut after = 0;
        let mut text = "finding,drift,what,person,account,product,group,detail\n".to_owned();
        loop {
            let page = self.census.findings(self.run.name, after, PAGE).await?;
            for (number, finding) in &page {
                after = *number;
                text += &(self.fields(finding)?.map(|field| quoted(&field)).join(",") + "\n");
            }
            let mut out = print::stream();
            out.write_all(text.as_bytes())?;
            out.flush()?;
            if page.is_empty() {
                return Ok(());
            }
            text.clear();
        }
    }

    fn fields(&self, finding: &Finding) -> Result<[String; 8], serde_json::Error> {
        let text = |id: Option<String>| id.unwrap_or_default();
        let kind = serde_json::to_string(&finding.kind)?.trim_matches('"').to_owned();
        Ok([
            kind,
            finding.kind.wakes().to_string(),
            finding.kind.phrase().to_owned(),
            text(finding.person.as_ref().map(ToString::to_string)),
            text(finding.account.as_ref().map(ToString::to_string)),
            text(finding.sku.as_ref().map(|sku| self.product(sku.as_str()))),
            text(finding.group.as_ref().map(ToString::to_string)),
            text(finding.detail.clone()),
        ])
    }

    /// A product's part number, or its id where the tenant does not own it.
    fn product(&self, sku: &str) -> String {
        let owned = self.run.seats.iter().find(|seats| seats.sku.as_str() == sku);
        owned.map_or_else(|| sku.to_owned(), |seats| seats.name.clone())
    }

    fn sum(&self, drift: bool) -> u64 {
        self.tally.iter().filter(|(kind, _)| kind.wakes() == drift).map(|(_, count)| count).sum()
    }
}

/// A field of CSV (RFC 4180). A source's id that a spreadsheet would take for a formula is kept from it.
fn quoted(field: &str) -> String {
    let field = if field.starts_with(['=', '+', '-', '@']) { format!("'{field}") } else { field.to_owned() };
    if field.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_csv_holds_anything_and_is_no_formula() {
        for (field, written) in [
            ("hr:7", "hr:7"),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("two\nlines", "\"two\nlines\""),
        ] {
            assert_eq!(quoted(field), written);
        }
    }
}
