//! `joinery pages`.

use clap::Args;
use domain::ids::PersonId;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Answer, Answered, Data};
use crate::print::{self, Output, Rows};

/// Show what asked for a person's attention at once
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  joinery pages --limit 20")]
pub(crate) struct Pages {
    /// How many, the latest
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Serialize)]
struct Page {
    at: Timestamp,
    person: Option<PersonId>,
    key: String,
    text: String,
}

impl Pages {
    pub(crate) async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let zone = desk.policy().map_or(TimeZone::UTC, |policy| policy.tenant.time_zone.clone());
        let pages = desk.store.pages(self.limit)?.into_iter();
        let pages: Vec<Page> =
            pages.map(|page| Page { at: page.at, person: page.person, key: page.key, text: page.text }).collect();
        print::list(self.output.format, &pages, |pages| {
            let mut rows = Rows::new(&["AT", "PERSON", "PAGE"]);
            for page in pages {
                let person = page.person.as_ref().map_or_else(|| "-".into(), PersonId::to_string);
                rows.push([print::when(page.at, &zone), person, page.text.clone()]);
            }
            rows.show("no pages")
        })?;
        Ok(Answer::Yes)
    }
}
