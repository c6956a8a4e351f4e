//! `-any` and `-all`.

use super::comparison::is_null;
use super::{Check, Operand};
use crate::ast::{Comparison, Expr, Literal, Operator, Quantified, Quantifier};
use crate::choices::{Dialect, EmptyUnderAll};
use crate::diagnostic::Diagnostic;
use crate::evaluate::{Clause, Condition, Predicate, Sign, Test};
use crate::property::{Kind, Property};

/// "Each dynamic group can have up to 50 member groups" (Microsoft's page on the `memberOf` operator).
const GROUPS_MAX: usize = 50;

impl Check<'_> {
    pub(super) fn quantified(&mut self, quantified: &mut Quantified) -> Option<Clause> {
        let Some(property) = self.resolve(&quantified.property) else {
            // What is wrong inside is to be told all the same, by what its items seem to be.
            let kind = items_of(&quantified.condition.node);
            self.condition(kind, &mut quantified.condition.node);
            return None;
        };
        let kind = property.kind();
        if !matches!(kind, Kind::Texts | Kind::Plans | Kind::Groups) {
            let name = quantified.quantifier.node.name();
            let message = format!("`-{name}` cannot be applied to `{property}`, which is {kind}");
            let fault = Diagnostic::new(quantified.quantifier.span.clone(), message);
            self.faults.push(
                fault.help("it goes with collections: `otherMails`, `proxyAddresses`, `assignedPlans`, `memberOf`"),
            );
            return None;
        }
        let before = self.faults.len();
        if kind == Kind::Groups {
            self.groups(&property, quantified);
        }
        let condition = self.condition(kind, &mut quantified.condition.node)?;
        if self.faults.len() > before {
            return None;
        }
        quantified.property.node = property.to_string();
        let (quantifier, empty) = (quantified.quantifier.node, self.empty_under_all());
        Some(Clause::Test(Test {
            slot: self.slot(&property),
            property,
            predicate: Predicate::Items { quantifier, empty, condition },
            sign: Sign::POSITIVE,
            text: quantified.to_string(),
            span: quantified.span(),
        }))
    }

    pub(super) fn empty_under_all(&self) -> bool {
        self.settings.choices.empty_under_all == EmptyUnderAll::Holds
    }

    /// What Microsoft's page on `memberOf` allows: `-any (group.objectId -in […])`, and that alone.
    fn groups(&mut self, property: &Property, quantified: &Quantified) {
        self.member_of.push(quantified.property.span.clone());
        let strict = self.settings.dialect == Dialect::Entra;
        if quantified.quantifier.node == Quantifier::All {
            self.extended = true;
            if strict {
                let fault = Diagnostic::new(
                    quantified.quantifier.span.clone(),
                    format!("`-all` cannot be applied to `{property}`"),
                );
                self.faults.push(fault.help("use `-any`"));
            }
        }
        match &quantified.condition.node {
            Expr::Comparison(comparison) if comparison.operator.node == Operator::In => {
                if let Literal::List(items) = &comparison.value.node
                    && items.len() > GROUPS_MAX
                {
                    self.extended = true;
                    if strict {
                        let message = format!("at most {GROUPS_MAX} groups can be listed, here are {}", items.len());
                        self.fault(&comparison.value.span, message, None);
                    }
                }
            }
            _ => {
                self.extended = true;
                if strict {
                    let fault = Diagnostic::new(
                        quantified.condition.span.clone(),
                        "`memberOf` takes one list of groups and nothing else",
                    );
                    self.faults.push(fault.help("write `group.objectId -in [\"…\", \"…\"]`"));
                }
            }
        }
    }

    fn condition(&mut self, kind: Kind, expr: &mut Expr) -> Option<Condition> {
        match expr {
            Expr::Or(parts) => self.conditions_of(kind, parts).map(Condition::Any),
            Expr::And(parts) => self.conditions_of(kind, parts).map(Condition::All),
            Expr::Not(inner) => {
                self.not_before_null(inner);
                Some(Condition::Not(Box::new(self.condition(kind, &mut inner.node)?)))
            }
            Expr::Comparison(comparison) => self.item(kind, comparison),
            Expr::Quantified(nested) => {
                let span = nested.property.span.start..nested.quantifier.span.end;
                self.fault(&span, "`-any` and `-all` cannot stand inside one another", None);
                None
            }
            Expr::DirectReports(manager) => {
                self.fault(&manager.span, "a rule for direct reports cannot be combined with anything else", None);
                None
            }
        }
    }

    fn conditions_of(&mut self, kind: Kind, parts: &mut [Expr]) -> Option<Vec<Condition>> {
        let read: Vec<_> = parts.iter_mut().map(|part| self.condition(kind, part)).collect();
        read.into_iter().collect()
    }

    fn item(&mut self, kind: Kind, comparison: &mut Comparison) -> Option<Condition> {
        let (field, name) = self.field(kind, &comparison.property)?;
        let operand = Operand { name: name.clone(), kind: Kind::Text };
        let operator = comparison.operator.node;
        let condition = match (operator, &comparison.value.node) {
            (Operator::Eq | Operator::Ne, Literal::Null) => {
                Condition::Field { field, test: None, sign: is_null(operator) }
            }
            (Operator::Ge | Operator::Le, _) => return self.inapplicable(&operand, &comparison.operator),
            _ => {
                let test = Some(self.text_test(&operand, operator, &comparison.value)?);
                Condition::Field { field, test, sign: self.sign(operator) }
            }
        };
        comparison.property.node = name;
        Some(condition)
    }
}

/// The kind of collection whose items the first comparison names.
fn items_of(condition: &Expr) -> Kind {
    match condition {
        Expr::Or(parts) | Expr::And(parts) => parts.first().map_or(Kind::Texts, items_of),
        Expr::Not(inner) => items_of(&inner.node),
        Expr::Comparison(comparison) => match comparison.property.node.split('.').next() {
            Some(object) if object.eq_ignore_ascii_case("assignedPlan") => Kind::Plans,
            Some(object) if object.eq_ignore_ascii_case("group") => Kind::Groups,
            _ => Kind::Texts,
        },
        Expr::Quantified(_) | Expr::DirectReports(_) => Kind::Texts,
    }
}
