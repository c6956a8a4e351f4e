//! Names and types. Turns a tree into clauses that cannot fail, and its spellings into the documented ones.

mod comparison;
mod name;
mod quantified;
mod refusal;

use std::ops::Range;

use crate::ast::{Expr, Literal, Located, Operator, quoted};
use crate::choices::{Dialect, DirectReports, NotBeforeNull, Settings};
use crate::diagnostic::Diagnostic;
use crate::evaluate::{Clause, Predicate, Sign, Test, TextTest};
use crate::facts::fold;
use crate::property::{Kind, Object, Property};

/// A checked tree.
pub(crate) struct Checked {
    pub(crate) clause: Clause,
    /// What the clauses read, each once; a test's slot is its place here.
    pub(crate) reads: Vec<Property>,
    pub(crate) object: Object,
    /// Whether strict Entra would refuse it.
    pub(crate) extended: bool,
}

/// The clauses of the tree; when there are faults, they are added and the result is of no use. Orphans are properties
/// of comparisons that could not be read: their names are checked all the same.
pub(crate) fn check(
    root: Option<&mut Expr>,
    orphans: &[Located<String>],
    settings: &Settings,
    faults: &mut Vec<Diagnostic>,
) -> Option<Checked> {
    let mut check = Check {
        settings,
        faults,
        object: None,
        extended: false,
        reads: Vec::new(),
        member_of: Vec::new(),
        conditions: 0,
        patterns: 0,
    };
    for orphan in orphans {
        // What stood inside a quantifier is judged there or not at all.
        if !name::is_item(&orphan.node) {
            check.resolve(orphan);
        }
    }
    let clause = check.clause(root?);
    check.member_of_alone();
    Some(Checked {
        clause: clause?,
        reads: check.reads,
        object: check.object.map_or(Object::User, |(object, _)| object),
        extended: check.extended,
    })
}

struct Check<'a> {
    settings: &'a Settings,
    faults: &'a mut Vec<Diagnostic>,
    /// What the rule is about, and where that was first said.
    object: Option<(Object, Range<usize>)>,
    extended: bool,
    reads: Vec<Property>,
    /// The places of `memberOf`.
    member_of: Vec<Range<usize>>,
    /// Comparisons, quantified ones and `-not`s.
    conditions: usize,
    /// Patterns met so far.
    patterns: usize,
}

impl Check<'_> {
    fn clause(&mut self, expr: &mut Expr) -> Option<Clause> {
        match expr {
            Expr::Or(parts) => self.each(parts).map(Clause::Any),
            Expr::And(parts) => self.each(parts).map(Clause::All),
            Expr::Not(inner) => {
                self.conditions += 1;
                self.not_before_null(inner);
                Some(Clause::Not(Box::new(self.clause(&mut inner.node)?)))
            }
            Expr::Comparison(comparison) => {
                self.conditions += 1;
                self.comparison(comparison)
            }
            Expr::Quantified(quantified) => {
                self.conditions += 1;
                self.quantified(quantified)
            }
            Expr::DirectReports(manager) => Some(self.direct_reports(manager)),
        }
    }

    /// Every part is looked at, even when an earlier one is of no use.
    fn each(&mut self, parts: &mut [Expr]) -> Option<Vec<Clause>> {
        let read: Vec<_> = parts.iter_mut().map(|part| self.clause(part)).collect();
        read.into_iter().collect()
    }

    fn direct_reports(&mut self, manager: &Located<String>) -> Clause {
        let text = format!("Direct Reports for {}", quoted(&manager.node));
        let with_manager = self.settings.choices.direct_reports == DirectReports::WithManager;
        let mut is = |property: Property| {
            Clause::Test(Test {
                slot: self.slot(&property),
                property,
                predicate: Predicate::Text(TextTest::Equals(fold(&manager.node))),
                sign: Sign::POSITIVE,
                text: text.clone(),
                span: manager.span.clone(),
            })
        };
        let report = is(Property::manager());
        match Property::named(Object::User, "objectId", Dialect::Entra) {
            Some(id) if with_manager => Clause::Any(vec![report, is(id)]),
            _ => report,
        }
    }

    /// The page: "Don't use the `-not` operator as a comparative operator for the null value."
    fn not_before_null(&mut self, inner: &Located<Box<Expr>>) {
        let Expr::Comparison(comparison) = inner.node.as_ref() else { return };
        let opposite = match (&comparison.value.node, comparison.operator.node) {
            (Literal::Null, Operator::Eq) => "ne",
            (Literal::Null, Operator::Ne) => "eq",
            _ => return,
        };
        if self.settings.choices.not_before_null == NotBeforeNull::Refused {
            let fault = Diagnostic::new(inner.span.clone(), "`-not` cannot be applied to a comparison with `null`");
            self.faults.push(fault.help(format!("write `{} -{opposite} null`", comparison.property.node)));
        }
    }

    /// "The `memberOf` attribute can't be used with other rules", nor with `-not`.
    fn member_of_alone(&mut self) {
        if self.conditions < 2 || self.member_of.is_empty() {
            return;
        }
        self.extended = true;
        if self.settings.dialect == Dialect::Entra {
            for place in std::mem::take(&mut self.member_of) {
                let fault = Diagnostic::new(place, "`memberOf` cannot be combined with anything else");
                self.faults.push(fault.help("one rule can list several groups; the extended dialect lifts this limit"));
            }
        }
    }

    /// The place of the property among what the rule reads.
    fn slot(&mut self, property: &Property) -> usize {
        self.reads.iter().position(|known| known == property).unwrap_or_else(|| {
            self.reads.push(property.clone());
            self.reads.len() - 1
        })
    }

    fn fault(&mut self, span: &Range<usize>, message: impl Into<String>, help: Option<&str>) {
        self.faults.push(Diagnostic { span: span.clone(), message: message.into(), help: help.map(str::to_owned) });
    }
}

/// Something on the left of an operator: a property of the user, or a field of an item.
struct Operand {
    /// As it is to be printed.
    name: String,
    kind: Kind,
}
