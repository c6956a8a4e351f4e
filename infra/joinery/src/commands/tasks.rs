//! `joinery tasks`.

use clap::Args;
use domain::ids::PersonId;
use domain::ports::Roster;
use domain::progress;
use serde::Serialize;

use super::{Answer, Answered, Data};
use crate::print::{self, Output, Rows};

/// Show what only a human can do
#[derive(Debug, Args)]
#[command(
    after_help = "A task goes away by itself when it is seen to be done.\n\nExample:\n  joinery tasks --output ndjson"
)]
pub(crate) struct Tasks {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Serialize)]
struct Task {
    person: PersonId,
    #[serde(rename = "task")]
    phrase: String,
    why: String,
    instructions: String,
}

impl Tasks {
    pub(crate) async fn run(self) -> Answered {
        let desk = self.data.open().await?;
        let mut tasks = Vec::new();
        for id in desk.everyone().await? {
            let Some(person) = desk.store.person(&id).await? else { continue };
            tasks.extend(progress::tasks(&person).map(|(step, instructions)| Task {
                person: id.clone(),
                phrase: step.action.phrase(),
                why: step.why.clone(),
                instructions: instructions.to_owned(),
            }));
        }
        print::list(self.output.format, &tasks, |tasks| {
            let mut rows = Rows::new(&["PERSON", "TASK", "WHY", "WHAT TO DO"]);
            for task in tasks {
                let Task { person, phrase, why, instructions } = task;
                rows.push([person.to_string(), phrase.clone(), why.clone(), instructions.clone()]);
            }
            rows.show("no tasks")
        })?;
        Ok(Answer::Yes)
    }
}
