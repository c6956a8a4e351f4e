//! The difference for people.

use super::compare::{Change, Move, PackageDiff, Report, Source};
use crate::print::{Rows, heading, pairs, plain};

/// The names of those who move, package by package; what was not known.
pub(super) fn show(report: &Report) -> String {
    let (enter, leave) = report
        .packages
        .iter()
        .fold((0, 0), |(enter, leave), package| (enter + package.counts.enter, leave + package.counts.leave));
    let mut text = format!("{} compared: {enter} enter, {leave} leave; nothing is saved\n", people(report.people));
    for package in &report.packages {
        text += &show_package(package);
    }
    let notes = notes(report);
    if !notes.is_empty() {
        text += &["\n", &notes.join("\n"), "\n"].concat();
    }
    for (title, notes) in [("Could not be read", &report.not_read), ("Nothing can be said of", &report.undecided)] {
        if !notes.is_empty() {
            let mut rows = Rows::new(&["PERSON", "WHY"]);
            for note in notes {
                rows.push([note.person.to_string(), note.why.clone()]);
            }
            text += &heading(title);
            text += &rows.show("");
        }
    }
    text
}

/// What the verdicts rest on, where it is not the tenant.
fn notes(report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(why) = &report.tenant {
        notes.push(format!("note: accounts are not read in the tenant: {}", plain(why)));
    }
    if report.by_roster > 0 {
        let empty = report.counted_as_empty.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let rest = match empty.as_str() {
            "" => "the rules read nothing else".to_owned(),
            empty => format!("what only the tenant knows counted as empty: {empty}"),
        };
        notes.push(format!("note: {} with an account judged by HR's facts alone; {rest}", people(report.by_roster)));
    }
    notes
}

fn show_package(package: &PackageDiff) -> String {
    let change = match package.change {
        Change::Added => "added",
        Change::Removed => "removed",
        Change::Rule => "the rule changed",
        Change::Gives => "what it gives changed, the rule did not",
        Change::None => "not changed",
    };
    let mark = if package.extended { ", extended" } else { "" };
    let counts = &package.counts;
    let title = heading(&format!("{} ({change}{mark})", package.package));
    let mut text = format!("{title}{} enter, {} leave, {} stay\n", counts.enter, counts.leave, counts.stay);
    let rules = match (&package.old_rule, &package.new_rule) {
        (Some(old), Some(new)) if old != new => vec![("was", old.clone()), ("is", new.clone())],
        (Some(rule), _) | (None, Some(rule)) => vec![("rule", rule.clone())],
        (None, None) => Vec::new(),
    };
    if package.change != Change::None {
        text += &pairs(&rules);
    }
    let mut rows = Rows::new(&["PERSON", "NAME", "WAY", "BECAUSE"]);
    for (way, moves) in [("enters", &package.enter), ("leaves", &package.leave)] {
        for moved in moves {
            let name = moved.name.clone().unwrap_or_else(|| "-".into());
            rows.push([moved.person.to_string(), name, way.into(), because(moved)]);
        }
    }
    if package.enter.is_empty() && package.leave.is_empty() { text } else { text + &rows.show("") }
}

fn because(moved: &Move) -> String {
    let note = if moved.seen_in == Source::NoAccount { " (once the account is there)" } else { "" };
    moved.because.join("; ") + note
}

fn people(number: usize) -> String {
    if number == 1 { "1 person".into() } else { format!("{number} people") }
}
