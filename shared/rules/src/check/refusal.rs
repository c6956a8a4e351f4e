//! How a mismatch of property, operator and value is worded.

use super::{Check, Operand};
use crate::ast::{Literal, Located, Operator, quoted};
use crate::diagnostic::Diagnostic;
use crate::property::Kind;
use crate::time::NoDuration;

impl Check<'_> {
    /// The value is of another type than the property and the operator want.
    pub(super) fn mistyped<T>(&mut self, operand: &Operand, value: &Located<Literal>, expected: &str) -> Option<T> {
        let found = match &value.node {
            Literal::List(_) => "a list",
            Literal::Null => "`null`",
            Literal::Bool(_) => "a boolean",
            Literal::Number(_) => "a number",
            Literal::Date(_) => "a date",
            Literal::Now(_) => "`system.now`",
            Literal::Text(_) => "a string",
        };
        let help = match (&value.node, operand.kind) {
            (Literal::List(_), _) => "a list goes with `-in` and `-notIn` alone".to_owned(),
            (Literal::Null, _) => "`null` goes with `-eq` and `-ne` alone".to_owned(),
            (_, Kind::Boolean) => format!("`{}` is {}", operand.name, operand.kind),
            (_, Kind::Date) => format!("`{}` is {}, as in `2026-03-01T00:00:00Z`", operand.name, operand.kind),
            (Literal::Now(_), _) => "it goes with dates alone".to_owned(),
            (Literal::Bool(truth), _) => format!("write `\"{truth}\"` if that word is meant"),
            (Literal::Number(written), _) => format!("write `{}`", quoted(written)),
            (Literal::Date(written), _) => format!("write `{}` if that text is meant", quoted(written)),
            (Literal::Text(text), _) => format!("write `[{}]`", quoted(text)),
        };
        let fault = Diagnostic::new(value.span.clone(), format!("expected {expected}, found {found}"));
        self.faults.push(fault.help(help));
        None
    }

    /// The operator does not suit the property.
    pub(super) fn inapplicable<T>(&mut self, operand: &Operand, operator: &Located<Operator>) -> Option<T> {
        let (name, kind) = (operator.node.name(), operand.kind);
        let message = format!("`-{name}` cannot be applied to `{}`, which is {kind}", operand.name);
        let fault = Diagnostic::new(operator.span.clone(), message);
        self.faults.push(fault.help(match kind {
            Kind::Boolean => "use `-eq` or `-ne`",
            Kind::Date => "use `-eq`, `-ne`, `-ge` or `-le`",
            Kind::Text => "`-ge` and `-le` go with dates alone",
            Kind::Texts => "ask its values: `-any (_ -eq \"…\")`",
            Kind::Plans => "ask its plans: `-any (assignedPlan.servicePlanId -eq \"…\")`",
            Kind::Groups => "write `-any (group.objectId -in [\"…\"])`",
        }));
        None
    }

    pub(super) fn no_duration<T>(&mut self, why: NoDuration, written: &str, value: &Located<Literal>) -> Option<T> {
        let (message, help) = match why {
            NoDuration::Malformed => {
                ("is not an ISO 8601 duration", "write `P30D` for thirty days, `PT12H` for twelve hours")
            }
            NoDuration::Calendar => ("has years or months", "write it in days"),
            NoDuration::TooLong => ("leads beyond the years that dates have", "write a shorter one"),
        };
        let fault = Diagnostic::new(value.span.clone(), format!("`{written}` {message}"));
        self.faults.push(fault.help(help));
        None
    }
}
