//! The plan for people.

use domain::policy::skus;
use domain::step::Action;

use super::effect::{Effect, Report, When};
use crate::print::{Rows, heading, when};

/// Counts, then every effect by person.
pub(super) fn show(report: &Report) -> String {
    let mode = match (report.position.mode, report.position.stopped) {
        ("observe", _) => "mode observe: nothing of it is done before `joinery enforce`".to_owned(),
        (mode, "nothing") => format!("mode {mode}: it is being done, or about to be"),
        (mode, stopped) => format!("mode {mode}, stopped: {stopped}"),
    };
    let mut text = format!("{} looked at; {mode}\n", people(report.people));
    let mut counts = Rows::new(&["WOULD BE DONE NOW", "COUNT"]);
    for (kind, count) in &report.counts {
        counts.push([kind.replace('_', " "), count.to_string()]);
    }
    if !report.not_cut.is_empty() {
        let mut rows = Rows::new(&["PERSON", "NOT CUT", "WHY, AND WHAT TO DO"]);
        for not_cut in &report.not_cut {
            rows.push([not_cut.person.to_string(), not_cut.what.clone(), not_cut.note.clone()]);
        }
        text += &heading("Access that could not be cut");
        text += &rows.show("");
    }
    text += &heading("In sum");
    text += &counts.show("nothing is to be done now");
    if !report.effects.is_empty() {
        text += &heading("In particular");
        text += &effects(&report.effects);
    }
    if !report.not_read.is_empty() {
        let mut rows = Rows::new(&["PERSON", "STAGE", "NOT LOOKED AT BECAUSE"]);
        for not_read in &report.not_read {
            rows.push([
                not_read.person.to_string(),
                format!("{:?}", not_read.stage).to_lowercase(),
                not_read.why.clone(),
            ]);
        }
        text += &heading("Not looked at");
        text += &rows.show("");
    }
    text
}

fn effects(effects: &[Effect]) -> String {
    let mut rows = Rows::new(&["PERSON", "WHEN", "WHAT", "WHY", "NOTE"]);
    for effect in effects {
        let until = effect.until.filter(|_| effect.when == When::Waits);
        let until = until.map(|at| format!("until {}", when(at, &effect.zone)));
        rows.push([
            effect.person.to_string(),
            effect.when.word().to_owned(),
            what(effect),
            effect.why.clone(),
            until.or_else(|| effect.note.clone()).unwrap_or_default(),
        ]);
    }
    rows.show("")
}

/// With the product's name beside its id.
fn what(effect: &Effect) -> String {
    match &effect.action {
        Action::AssignLicense { sku, .. } | Action::RemoveLicense { sku } => match skus::part_number(sku) {
            Some(name) => format!("{} ({name})", effect.what),
            None => effect.what.clone(),
        },
        _ => effect.what.clone(),
    }
}

fn people(number: usize) -> String {
    if number == 1 { "1 person".into() } else { format!("{number} people") }
}
