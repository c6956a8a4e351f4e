//! A rule that has been checked: evaluating it cannot fail.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use crate::ast::Ast;
use crate::check::{Checked, check};
use crate::choices::{Choices, Dialect, NullUnderNegation, Settings};
use crate::diagnostic::Diagnostics;
use crate::evaluate::{Bound, Clause, Condition, DateTest, Predicate, TextTest};
use crate::explain::Explanation;
use crate::facts::Facts;
use crate::parser::draft;
use crate::property::{Kind, Object, Property};
use crate::time::timestamp;
use crate::value::Properties;

/// A checked rule. `Display` prints its canonical form: operators with hyphens, properties in their documented
/// spelling, parentheses only where they matter.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    ast: Ast,
    clause: Clause,
    reads: Vec<Property>,
    object: Object,
    extended: bool,
    settings: Settings,
}

/// When a rule is evaluated. Everything else it reads are properties of the user: the manager is `manager` (`{"id":
/// …}`), the groups are `memberOf` (their ids, or objects with an `id`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// What `system.now` is.
    pub now: Timestamp,
}

impl From<Timestamp> for Context {
    fn from(now: Timestamp) -> Self {
        Self { now }
    }
}

/// Whether a user belongs, and what can change that besides a change of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the user belongs.
    pub matches: bool,
    /// The first instant after now at which the verdict is another if nothing but time changes; to the microsecond.
    /// `None` if there is none.
    pub flips_at: Option<Timestamp>,
    /// Whose facts the rule read besides the user's own: a change of those is a reason to evaluate again.
    pub reads_others: Others,
}

/// Facts that are not the user's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Who the manager is.
    pub manager: bool,
    /// Which groups the user is in.
    pub groups: bool,
}

/// What a rule reads that a rule can bring about: groups and licenses that we grant may chase their own tail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feeds {
    /// The groups whose members it asks for, in lower case.
    pub groups: BTreeSet<String>,
    /// Whether it asks for service plans.
    pub licenses: bool,
}

impl Rule {
    /// Parses and checks a rule of Entra's for users; reports every fault of both at once.
    pub fn new(text: &str) -> Result<Self, Diagnostics> {
        Self::with(text, &Settings::ENTRA)
    }

    /// Parses and checks a rule as the settings say; reports every fault of both at once.
    pub fn with(text: &str, settings: &Settings) -> Result<Self, Diagnostics> {
        let mut draft = draft(text, settings);
        let mut faults = draft.faults;
        let checked = check(draft.root.as_mut(), &draft.orphans, settings, &mut faults);
        let (Some(root), Some(checked), true) = (draft.root, checked, faults.is_empty()) else {
            return Err(Diagnostics::new(faults));
        };
        let Checked { clause, reads, object, extended } = checked;
        Ok(Self { ast: Ast { root }, clause, reads, object, extended, settings: *settings })
    }

    /// The same rule with other answers to the open questions, as far as they concern what a rule means and not how it
    /// is written.
    #[must_use]
    pub fn with_choices(mut self, choices: Choices) -> Self {
        self.settings.choices = choices;
        // The tree has passed the check; the answers that could refuse it now are about its former spelling.
        if let Some(checked) = check(Some(&mut self.ast.root), &[], &self.settings, &mut Vec::new()) {
            self.clause = checked.clause;
            self.reads = checked.reads;
        }
        self
    }

    /// The same rule with the other answer to the first of the open questions.
    #[must_use]
    pub fn with_null_under_negation(self, null_under_negation: NullUnderNegation) -> Self {
        let choices = Choices { null_under_negation, ..self.settings.choices };
        self.with_choices(choices)
    }

    /// Whether the user belongs, by a rule that [needs no clock](Self::needs_clock). Without one, nothing is true of
    /// `system.now`.
    pub fn matches(&self, user: &(impl Properties + ?Sized)) -> bool {
        self.clause.holds(&Facts::of(user, &self.reads), None)
    }

    /// Whether the user belongs at that moment.
    pub fn matches_at(&self, user: &(impl Properties + ?Sized), now: Timestamp) -> bool {
        self.clause.holds(&Facts::of(user, &self.reads), Some(now.as_microsecond()))
    }

    /// Whether the user belongs, until when at most, and on whose facts that rests.
    pub fn verdict(&self, user: &(impl Properties + ?Sized), context: Context) -> Verdict {
        let (facts, now) = (Facts::of(user, &self.reads), context.now.as_microsecond());
        Verdict {
            matches: self.clause.holds(&facts, Some(now)),
            flips_at: flips_at(&self.clause, &facts, now).and_then(timestamp),
            reads_others: self.reads_others(),
        }
    }

    /// Why the user belongs or does not: every clause, with the value seen. Without a clock, as
    /// [`matches`](Self::matches).
    pub fn explain(&self, user: &(impl Properties + ?Sized)) -> Explanation {
        Explanation::of(&self.clause, user, None)
    }

    /// Why the user belongs or does not at that moment.
    pub fn explain_at(&self, user: &(impl Properties + ?Sized), now: Timestamp) -> Explanation {
        Explanation::of(&self.clause, user, Some(now.as_microsecond()))
    }

    /// The properties that the verdict depends on, each once, in the order in which they are first named.
    pub fn reads(&self) -> impl Iterator<Item = &Property> {
        self.reads.iter()
    }

    /// Whether the verdict depends on the time: the rule names `system.now`.
    pub fn needs_clock(&self) -> bool {
        needs_clock(&self.clause)
    }

    /// Whose facts the rule reads besides the user's own.
    pub fn reads_others(&self) -> Others {
        Others {
            manager: self.reads.iter().any(|property| property.selected() == "manager"),
            groups: self.reads.iter().any(|property| property.kind() == Kind::Groups),
        }
    }

    /// What the rule reads that memberships and licenses change: see [`cycles`](crate::cycles).
    pub fn feeds_on(&self) -> Feeds {
        let mut feeds = Feeds::default();
        for test in self.clause.tests() {
            match (test.property.kind(), &test.predicate) {
                (Kind::Plans, _) => feeds.licenses = true,
                (Kind::Groups, Predicate::Items { condition, .. }) => ids(condition, &mut feeds.groups),
                _ => {}
            }
        }
        feeds
    }

    /// Whether it is about users or devices.
    pub fn object(&self) -> Object {
        self.object
    }

    /// The language it needs: [`Dialect::Extended`] only if Entra itself would refuse it, whatever it was read as.
    pub fn dialect(&self) -> Dialect {
        if self.extended { Dialect::Extended } else { Dialect::Entra }
    }

    /// The tree, with its properties in their documented spelling.
    pub fn ast(&self) -> &Ast {
        &self.ast
    }

    pub(crate) fn clause(&self) -> &Clause {
        &self.clause
    }
}

/// Whether the clause names `system.now`.
pub(crate) fn needs_clock(clause: &Clause) -> bool {
    clause.tests().iter().any(|test| matches!(test.predicate, Predicate::Date(DateTest { bound: Bound::Now(_), .. })))
}

/// The next instant at which time alone turns the clause, in microseconds: every test turns at most once, so the
/// instants to look at are few.
pub(crate) fn flips_at(clause: &Clause, facts: &Facts, now: i64) -> Option<i64> {
    let mut turns: Vec<i64> =
        clause.tests().iter().filter_map(|test| test.turns_at(facts.cell(test.slot), now)).collect();
    turns.sort_unstable();
    turns.dedup();
    let before = clause.holds(facts, Some(now));
    turns.into_iter().find(|turn| clause.holds(facts, Some(*turn)) != before)
}

/// The group ids that a condition names.
fn ids(condition: &Condition, found: &mut BTreeSet<String>) {
    match condition {
        Condition::Any(parts) | Condition::All(parts) => parts.iter().for_each(|part| ids(part, found)),
        Condition::Not(inner) => ids(inner, found),
        Condition::Field { test: Some(TextTest::OneOf(wanted)), .. } => {
            found.extend(wanted.iter().map(|id| String::from(&**id)));
        }
        Condition::Field { test: Some(TextTest::Equals(id)), .. } => drop(found.insert(String::from(&**id))),
        Condition::Field { .. } => {}
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.ast, f)
    }
}

impl std::str::FromStr for Rule {
    type Err = Diagnostics;

    fn from_str(text: &str) -> Result<Self, Diagnostics> {
        Self::new(text)
    }
}
