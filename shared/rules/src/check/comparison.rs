//! One comparison: does the operator suit the property, and the value both?

use super::{Check, Operand};
use crate::ast::{Comparison, Literal, Located, Operator, Quantifier};
use crate::choices::{NegationOnCollection, NullUnderNegation, QuotedBoolean};
use crate::evaluate::{Bound, Clause, Condition, DateTest, Predicate, Side, Sign, Test, TextTest};
use crate::facts::fold;
use crate::needle::Needle;
use crate::pattern::Pattern;
use crate::property::Kind;
use crate::time;

impl Check<'_> {
    pub(super) fn comparison(&mut self, comparison: &mut Comparison) -> Option<Clause> {
        let property = self.resolve(&comparison.property)?;
        if property.kind() == Kind::Groups {
            self.member_of.push(comparison.property.span.clone());
        }
        let span = comparison.span();
        let operand = Operand { name: property.to_string(), kind: property.kind() };
        let (predicate, sign) = self.predicate(&operand, comparison)?;
        comparison.property.node = property.to_string();
        if let Predicate::Is(truth) = predicate {
            comparison.value.node = Literal::Bool(truth);
        }
        Some(Clause::Test(Test {
            slot: self.slot(&property),
            property,
            predicate,
            sign,
            text: comparison.to_string(),
            span,
        }))
    }

    fn predicate(&mut self, operand: &Operand, comparison: &Comparison) -> Option<(Predicate, Sign)> {
        use Operator::{Eq, Ge, Le, Ne};
        let (operator, value) = (comparison.operator.node, &comparison.value);
        match (operand.kind, operator, &value.node) {
            (Kind::Boolean | Kind::Text | Kind::Date, Eq | Ne, Literal::Null) => {
                Some((Predicate::Null, is_null(operator)))
            }
            (Kind::Boolean, Eq | Ne, _) => {
                let truth = self.truth(operand, value)?;
                Some((Predicate::Is(truth), self.sign(operator)))
            }
            (Kind::Text, operator, _) if operator != Ge && operator != Le => {
                let test = self.text_test(operand, operator, value)?;
                Some((Predicate::Text(test), self.sign(operator)))
            }
            (Kind::Texts, operator, _) if is_pattern(operator) => {
                let test = self.text_test(operand, operator, value)?;
                Some((self.directly(operator, test), Sign::POSITIVE))
            }
            (Kind::Date, Eq | Ne | Ge | Le, _) => {
                let bound = self.bound(operand, operator, value)?;
                let side = match operator {
                    Ge => Side::NotBefore,
                    Le => Side::NotAfter,
                    _ => Side::At,
                };
                Some((Predicate::Date(DateTest { side, bound }), self.sign(operator)))
            }
            _ => self.inapplicable(operand, &comparison.operator),
        }
    }

    /// An operator on a collection without a quantifier.
    fn directly(&self, operator: Operator, test: TextTest) -> Predicate {
        let every =
            operator.is_negative() && self.settings.choices.negation_on_collection == NegationOnCollection::EveryValue;
        let quantifier = if every { Quantifier::All } else { Quantifier::Any };
        let condition = Condition::Field { field: 0, test: Some(test), sign: self.sign(operator) };
        Predicate::Items { quantifier, empty: self.empty_under_all(), condition }
    }

    pub(super) fn sign(&self, operator: Operator) -> Sign {
        let negated = operator.is_negative();
        let satisfied = self.settings.choices.null_under_negation == NullUnderNegation::Satisfies;
        Sign { negated, null: negated && satisfied }
    }

    /// What a string is to be, by an operator that suits strings.
    pub(super) fn text_test(
        &mut self,
        operand: &Operand,
        operator: Operator,
        value: &Located<Literal>,
    ) -> Option<TextTest> {
        use Operator::{
            Contains, EndsWith, Eq, In, Match, Ne, NotContains, NotEndsWith, NotIn, NotMatch, NotStartsWith, StartsWith,
        };
        let text = match (operator, &value.node) {
            (In | NotIn, Literal::List(items)) => return self.one_of(operand, items),
            (In | NotIn, _) => return self.mistyped(operand, value, "a list such as `[\"Sales\", \"Marketing\"]`"),
            (_, Literal::Text(text)) => text,
            (Eq | Ne, _) => return self.mistyped(operand, value, "a string or `null`"),
            _ => return self.mistyped(operand, value, "a string"),
        };
        Some(match operator {
            StartsWith | NotStartsWith => TextTest::StartsWith(fold(text)),
            EndsWith | NotEndsWith => TextTest::EndsWith(fold(text)),
            Contains | NotContains => TextTest::Contains(Needle::new(text)),
            Match | NotMatch => TextTest::Matches(self.pattern(text, value)?),
            _ => TextTest::Equals(fold(text)),
        })
    }

    fn pattern(&mut self, text: &str, value: &Located<Literal>) -> Option<Pattern> {
        let before = self.patterns;
        self.patterns += 1;
        let faults = match Pattern::new(text, before) {
            Ok(pattern) => return Some(pattern),
            Err(faults) => faults,
        };
        for fault in faults {
            self.fault(&value.span, fault, None);
        }
        None
    }

    fn one_of(&mut self, operand: &Operand, items: &[Located<Literal>]) -> Option<TextTest> {
        let mut wanted = Vec::with_capacity(items.len());
        for item in items {
            match &item.node {
                Literal::Text(text) => wanted.push(fold(text)),
                _ => drop(self.mistyped::<()>(operand, item, "a string")),
            }
        }
        if wanted.len() < items.len() {
            return None;
        }
        wanted.sort();
        wanted.dedup();
        Some(TextTest::OneOf(wanted))
    }

    fn truth(&mut self, operand: &Operand, value: &Located<Literal>) -> Option<bool> {
        let quoted = self.settings.choices.quoted_boolean == QuotedBoolean::Accepted;
        match &value.node {
            Literal::Bool(truth) => Some(*truth),
            Literal::Text(text) if quoted && text.eq_ignore_ascii_case("true") => Some(true),
            Literal::Text(text) if quoted && text.eq_ignore_ascii_case("false") => Some(false),
            _ => self.mistyped(operand, value, "`true`, `false` or `null`"),
        }
    }

    fn bound(&mut self, operand: &Operand, operator: Operator, value: &Located<Literal>) -> Option<Bound> {
        match &value.node {
            Literal::Text(text) | Literal::Date(text) => {
                let instant = time::instant(text);
                if instant.is_none() {
                    let now = text.to_ascii_lowercase().starts_with("system.now");
                    let help =
                        if now { "`system.now` stands without quotes" } else { "write it as `2026-03-01T00:00:00Z`" };
                    self.fault(&value.span, "this is not a date", Some(help));
                }
                instant.map(Bound::Fixed)
            }
            Literal::Now(_) if matches!(operator, Operator::Eq | Operator::Ne) => {
                let message = format!("`system.now` cannot be compared by `-{}`", operator.name());
                self.fault(&value.span, message, Some("nothing happens exactly now: use `-ge` and `-le`"));
                None
            }
            Literal::Now(None) => Some(Bound::Now(0)),
            Literal::Now(Some(shift)) => {
                let micros = match time::duration(&shift.duration, self.settings.choices.long_durations) {
                    Ok(micros) => micros,
                    Err(why) => return self.no_duration(why, &shift.duration, value),
                };
                Some(Bound::Now(if shift.back { -micros } else { micros }))
            }
            _ if matches!(operator, Operator::Eq | Operator::Ne) => self.mistyped(operand, value, "a date or `null`"),
            _ => self.mistyped(operand, value, "a date or `system.now`"),
        }
    }
}

pub(super) fn is_null(operator: Operator) -> Sign {
    Sign { negated: operator == Operator::Ne, null: operator == Operator::Eq }
}

/// The operators that the page writes directly after a collection, and their opposites.
fn is_pattern(operator: Operator) -> bool {
    use Operator::{Contains, EndsWith, Match, NotContains, NotEndsWith, NotMatch, NotStartsWith, StartsWith};
    matches!(operator, StartsWith | NotStartsWith | EndsWith | NotEndsWith | Contains | NotContains | Match | NotMatch)
}
