//! Our rule engine beside the `cel` crate, on equivalent rules over generated users, in one run; every answer is compared.
//!
//! Both sides start from what they keep between evaluations: compiled rules, and users in their own form (`rules::Facts`, a
//! `cel::Context`); making those is a line of its own. Text is all in lower case, because CEL compares by case and Entra does not: the work
//! of folding it stays on our side. `matches` of `cel` compiles its pattern at every call, so the duels are also fought without
//! patterns.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that goes wrong must stop; nobody's process depends on it"
)]

mod company;
mod pairs;

use std::process::ExitCode;

use bench::Duel;
use cel::{Context as Cel, Program, Value};
use company::Company;
use pairs::Pair;
use rules::{Context, Facts, Matches, Rule, RuleSet};

/// Users of the whole duel and of one round of it.
const USERS: usize = 100_000;
const ROUND: usize = 1_000;
/// Rules.
const RULES: usize = 200;
/// People of whom one attribute changes, and how often that is done.
const CHANGED: usize = 1_000;
const CHANGES: usize = 5;

/// One set of rules, compiled by both sides.
struct Field {
    set: RuleSet,
    programs: Vec<Program>,
    context: Context,
}

impl Field {
    fn new(pairs: &[Pair]) -> Self {
        let rules: Vec<_> = pairs.iter().map(|pair| Rule::new(&pair.entra).expect("a rule of Entra's")).collect();
        let programs = pairs.iter().map(|pair| Program::compile(&pair.cel).expect("a program of CEL's")).collect();
        let context = Context { now: "2026-03-01T00:00:00Z".parse().expect("an instant") };
        Self { set: RuleSet::compile(&rules), programs, context }
    }

    fn ours(&self, users: &[Facts]) -> Vec<Matches> {
        let mut evaluator = self.set.evaluator();
        users.iter().map(|user| evaluator.evaluate(user, self.context).clone()).collect()
    }

    fn theirs(&self, users: &[Cel<'_, '_>]) -> Vec<Vec<usize>> {
        let all: Vec<_> = (0..self.programs.len()).collect();
        users.iter().map(|user| self.those(&all, user)).collect()
    }

    /// Which of some programs hold.
    fn those(&self, programs: &[usize], user: &Cel<'_, '_>) -> Vec<usize> {
        let holds = |place: &usize| match self.programs[*place].execute(user) {
            Ok(Value::Bool(holds)) => holds,
            other => panic!("program {place} answers {other:?}"),
        };
        programs.iter().copied().filter(holds).collect()
    }
}

fn main() -> ExitCode {
    let pairs = pairs::generated(RULES);
    let plain: Vec<_> = pairs::generated(RULES * 2).into_iter().filter(|pair| !pair.is_pattern).take(RULES).collect();
    let mut duels = Vec::new();
    for (name, pairs) in [("", &pairs), (", no patterns", &plain)] {
        let field = Field::new(pairs);
        duels.push(everybody(&field, &format!("everybody × every rule{name}")));
        duels.push(changes(&field, &format!("one attribute changed{name}")));
    }
    println!(
        "{USERS} users × {RULES} rules; then one attribute of {CHANGED} people, {CHANGES} times over; answers equal\n"
    );
    println!("{}", bench::table("a user", "cel 0.15", &duels));
    if duels.iter().all(Duel::is_won) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// (a) Every rule on every user.
fn everybody(field: &Field, name: &str) -> Duel {
    let mut company = Company::new();
    let mut duel = Duel::new(name, 20.0);
    for _ in 0..USERS / ROUND {
        let users: Vec<_> = (0..ROUND).map(|_| company.user()).collect();
        let facts: Vec<_> = users.iter().map(|user| field.set.facts(user)).collect();
        let contexts: Vec<_> = users.iter().map(company::context).collect();
        let (ours, theirs) = duel.round(ROUND, || field.ours(&facts), || field.theirs(&contexts));
        assert!(
            ours.iter().zip(&theirs).all(|(ours, theirs)| ours.iter().eq(theirs.iter().copied())),
            "answers differ"
        );
    }
    duel
}

/// (b) One attribute of each person changed: ours reads it again and runs what reads it; theirs is given the changed user, and runs
/// what reads it.
fn changes(field: &Field, name: &str) -> Duel {
    let mut company = Company::new();
    let mut duel = Duel::new(name, 10.0);
    for _ in 0..CHANGES {
        let before: Vec<_> = (0..CHANGED).map(|_| company.user()).collect();
        let (after, changed): (Vec<_>, Vec<_>) = before.iter().map(|user| company.changed(user)).unzip();
        let mut facts: Vec<_> = before.iter().map(|user| field.set.facts(user)).collect();
        let previous = field.ours(&facts);
        let contexts: Vec<_> = after.iter().map(company::context).collect();
        let readers: Vec<Vec<usize>> = changed.iter().map(|name| field.set.readers(&[*name]).collect()).collect();
        let ours = || -> Vec<Matches> {
            let mut evaluator = field.set.evaluator();
            let people = facts.iter_mut().zip(&after).zip(&previous).zip(&changed);
            let again = people.map(|(((facts, user), previous), changed)| {
                field.set.refresh(facts, user, &[*changed]);
                evaluator.reevaluate(facts, field.context, previous, &[*changed]).clone()
            });
            again.collect()
        };
        let theirs = || -> Vec<Vec<usize>> {
            contexts.iter().zip(&readers).map(|(user, readers)| field.those(readers, user)).collect()
        };
        let (ours, theirs) = duel.round(CHANGED, ours, theirs);
        for ((ours, theirs), readers) in ours.iter().zip(&theirs).zip(&readers) {
            assert!(
                readers.iter().copied().filter(|rule| ours.contains(*rule)).eq(theirs.iter().copied()),
                "answers differ"
            );
        }
        // What was not run again must be as if it had been.
        assert_eq!(ours, field.ours(&after.iter().map(|user| field.set.facts(user)).collect::<Vec<_>>()));
    }
    duel
}
