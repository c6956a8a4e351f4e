//! Names and types. Turns a tree into clauses that cannot fail, and its spellings into the documented ones.

use crate::ast::{Comparison, Expr, Literal, Located, Operator, quoted};
use crate::diagnostic::Diagnostic;
use crate::evaluate::{Clause, Folded, Predicate, Test};
use crate::property::{Kind, Property, advice};

/// The clauses of the tree; when there are faults, they are added and the result is of no use. Orphans are properties of
/// comparisons that could not be read: their names are checked all the same.
pub(crate) fn check(
    root: Option<&mut Expr>,
    orphans: &[Located<String>],
    faults: &mut Vec<Diagnostic>,
) -> Option<Clause> {
    for orphan in orphans {
        if let Err(fault) = resolve(orphan) {
            faults.push(fault);
        }
    }
    clause(root?, faults)
}

fn clause(expr: &mut Expr, faults: &mut Vec<Diagnostic>) -> Option<Clause> {
    // `filter_map` and not `?`: every operand is to be looked at.
    let mut each = |parts: &mut [Expr]| {
        parts
            .iter_mut()
            .filter_map(|part| clause(part, faults))
            .collect()
    };
    match expr {
        Expr::Or(parts) => Some(Clause::Any(each(parts))),
        Expr::And(parts) => Some(Clause::All(each(parts))),
        Expr::Not(inner) => {
            if let Some(fault) = not_as_null_comparator(inner) {
                faults.push(fault);
            }
            Some(Clause::Not(Box::new(clause(&mut inner.node, faults)?)))
        }
        Expr::Comparison(comparison) => match test(comparison) {
            Ok(test) => Some(Clause::Test(test)),
            Err(fault) => {
                faults.push(fault);
                None
            }
        },
    }
}

/// Entra answers `Invalid operands found for operator -not`.
fn not_as_null_comparator(inner: &Located<Box<Expr>>) -> Option<Diagnostic> {
    let Expr::Comparison(comparison) = inner.node.as_ref() else {
        return None;
    };
    let opposite = match (&comparison.value.node, comparison.operator.node) {
        (Literal::Null, Operator::Eq) => "ne",
        (Literal::Null, Operator::Ne) => "eq",
        _ => return None,
    };
    let fault = Diagnostic::new(
        inner.span.clone(),
        "`-not` cannot be applied to a comparison with `null`",
    );
    Some(fault.help(format!(
        "write `{} -{opposite} null`",
        comparison.property.node
    )))
}

fn test(comparison: &mut Comparison) -> Result<Test, Diagnostic> {
    let property = resolve(&comparison.property)?;
    let predicate = predicate(&property, comparison)?;
    comparison.property.node = property.to_string();
    if let Predicate::Is(truth) | Predicate::IsNot(truth) = predicate {
        comparison.value.node = Literal::Bool(truth);
    }
    Ok(Test {
        property,
        predicate,
        text: comparison.to_string(),
        span: comparison.span(),
    })
}

fn resolve(written: &Located<String>) -> Result<Property, Diagnostic> {
    let fault = |message: String| Diagnostic::new(written.span.clone(), message);
    let name = &written.node;
    let (object, own) = name.split_once('.').unwrap_or(("", name));
    match object.to_ascii_lowercase().as_str() {
        "user" => Property::named(own).ok_or_else(|| {
            let fault = fault(format!(
                "`user.{own}` is not a property that a rule can use"
            ));
            match advice(own) {
                Some(help) => fault.help(help),
                None => fault,
            }
        }),
        "device" => Err(fault(
            "rules about devices are not supported by this version".into(),
        )),
        "" if Property::named(own).is_some() => {
            Err(fault(format!("`{own}` does not say whose it is"))
                .help(format!("write `user.{own}`")))
        }
        "" if own == "_" => Err(fault(
            "`_` stands only inside `-any` and `-all`, which this version does not support".into(),
        )),
        _ => {
            let fault = fault(format!("`{name}` is not a property"));
            Err(fault.help("a property begins with `user.`, as in `user.department`"))
        }
    }
}

fn predicate(property: &Property, comparison: &Comparison) -> Result<Predicate, Diagnostic> {
    use Operator::{Eq, In, Ne, StartsWith};
    let value = &comparison.value;
    match (property.kind(), comparison.operator.node, &value.node) {
        (Kind::Boolean | Kind::Text | Kind::Date, Eq, Literal::Null) => Ok(Predicate::Null),
        (Kind::Boolean | Kind::Text | Kind::Date, Ne, Literal::Null) => Ok(Predicate::NotNull),
        (Kind::Boolean, Eq | Ne, literal) => {
            let truth = truth(literal)
                .ok_or_else(|| mistyped(property, value, "`true`, `false` or `null`"))?;
            Ok(if comparison.operator.node == Eq {
                Predicate::Is(truth)
            } else {
                Predicate::IsNot(truth)
            })
        }
        (Kind::Text, Eq, Literal::Text(text)) => Ok(Predicate::Equals(Folded::new(text))),
        (Kind::Text, Ne, Literal::Text(text)) => Ok(Predicate::Differs(Folded::new(text))),
        (Kind::Text | Kind::Texts, StartsWith, Literal::Text(text)) => {
            Ok(Predicate::StartsWith(Folded::new(text)))
        }
        (Kind::Text, In, Literal::List(items)) => one_of(property, items),
        (Kind::Text, In, _) => Err(mistyped(
            property,
            value,
            "a list such as `[\"Sales\", \"Marketing\"]`",
        )),
        (Kind::Text, Eq | Ne, _) => Err(mistyped(property, value, "a string or `null`")),
        (Kind::Text | Kind::Texts, StartsWith, _) => Err(mistyped(property, value, "a string")),
        (Kind::Date, Eq | Ne, _) => Err(Diagnostic::new(
            value.span.clone(),
            "comparing a date is not supported by this version",
        )
        .help("this version can ask whether it is `null`")),
        (kind, operator, _) => Err(inapplicable(kind, operator, property, comparison)),
    }
}

fn one_of(property: &Property, items: &[Located<Literal>]) -> Result<Predicate, Diagnostic> {
    let mut wanted = Vec::with_capacity(items.len());
    for item in items {
        let Literal::Text(text) = &item.node else {
            return Err(mistyped(property, item, "a string"));
        };
        wanted.push(Folded::new(text));
    }
    wanted.sort();
    wanted.dedup();
    Ok(Predicate::OneOf(wanted))
}

fn truth(literal: &Literal) -> Option<bool> {
    match literal {
        Literal::Bool(truth) => Some(*truth),
        Literal::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Literal::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn mistyped(property: &Property, value: &Located<Literal>, expected: &str) -> Diagnostic {
    let (found, help) = match &value.node {
        Literal::List(_) => ("a list", "a list goes with `-in` alone".to_owned()),
        Literal::Null => (
            "`null`",
            "`null` goes with `-eq` and `-ne` alone".to_owned(),
        ),
        Literal::Bool(truth) => (
            "a boolean",
            format!("write `\"{truth}\"` if that word is meant"),
        ),
        Literal::Text(_) if property.kind() == Kind::Boolean => {
            ("a string", format!("`{property}` is {}", property.kind()))
        }
        Literal::Text(text) => ("a string", format!("write `[{}]`", quoted(text))),
    };
    Diagnostic::new(
        value.span.clone(),
        format!("expected {expected}, found {found}"),
    )
    .help(help)
}

fn inapplicable(
    kind: Kind,
    operator: Operator,
    property: &Property,
    comparison: &Comparison,
) -> Diagnostic {
    let name = operator.name();
    let message = format!("`-{name}` cannot be applied to `{property}`, which is {kind}");
    let fault = Diagnostic::new(comparison.operator.span.clone(), message);
    fault.help(match kind {
        Kind::Boolean => "use `-eq` or `-ne`".to_owned(),
        Kind::Date => "this version can ask whether it is `null`, by `-eq` or `-ne`".to_owned(),
        Kind::Texts => "use `-startsWith`, which asks whether some value does".to_owned(),
        Kind::Text => "use `-eq`, `-ne`, `-startsWith` or `-in`".to_owned(),
        Kind::Plans | Kind::Groups => {
            "it needs `-any` or `-all`, which this version does not support".to_owned()
        }
    })
}
