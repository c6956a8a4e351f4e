//! Why a rule is true or false of one user.

use std::fmt;
use std::ops::Range;

use crate::evaluate::Clause;
use crate::facts::Cell;
use crate::property::{Kind, Property};
use crate::value::{Properties, Value};

/// One clause of a rule, its verdict and what it rests on. Every clause is evaluated, also those the verdict did not
/// need.
///
/// `Display` draws the tree, one clause to a line, with the values seen: show it only to those who may see them.
/// `Debug` keeps them to itself. A clause that only the extended dialect has is marked.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The verdict.
    pub holds: bool,
    /// What it rests on.
    pub part: Part,
}

/// What a verdict rests on.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// `-or`
    Any(Vec<Explanation>),
    /// `-and`
    All(Vec<Explanation>),
    /// `-not`
    Not(Box<Explanation>),
    /// One comparison.
    Comparison {
        /// In canonical form.
        text: String,
        /// Its place in the source, in bytes.
        span: Range<usize>,
        /// The property read.
        property: Property,
        /// The value it had.
        seen: Value<'static>,
    },
}

impl Explanation {
    pub(crate) fn of(clause: &Clause, user: &(impl Properties + ?Sized), now: Option<i64>) -> Self {
        let each = |parts: &[Clause]| parts.iter().map(|part| Self::of(part, user, now)).collect::<Vec<_>>();
        match clause {
            Clause::Any(parts) => {
                let parts = each(parts);
                Self { holds: parts.iter().any(|part| part.holds), part: Part::Any(parts) }
            }
            Clause::All(parts) => {
                let parts = each(parts);
                Self { holds: parts.iter().all(|part| part.holds), part: Part::All(parts) }
            }
            Clause::Not(inner) => {
                let inner = Self::of(inner, user, now);
                Self { holds: !inner.holds, part: Part::Not(Box::new(inner)) }
            }
            Clause::Test(test) => {
                let holds = test.holds(&Cell::read(user, &test.property), now);
                let (text, span, property) = (test.text.clone(), test.span.clone(), test.property.clone());
                let seen = seen(user, &property);
                Self { holds, part: Part::Comparison { text, span, property, seen } }
            }
        }
    }

    /// The comparisons that alone settle the verdict, in the order of the rule: of an `-or` that holds the first part that
    /// does, of an `-and` that fails the first that does not, else every part.
    pub fn because(&self) -> Vec<&Self> {
        match &self.part {
            Part::Any(parts) if self.holds => parts.iter().find(|part| part.holds).map_or_else(Vec::new, Self::because),
            Part::All(parts) if !self.holds => {
                parts.iter().find(|part| !part.holds).map_or_else(Vec::new, Self::because)
            }
            Part::Any(parts) | Part::All(parts) => parts.iter().flat_map(Self::because).collect(),
            Part::Not(inner) => inner.because(),
            Part::Comparison { .. } => vec![self],
        }
    }

    fn draw(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        write!(f, "{:indent$}{:5} ", "", self.holds, indent = depth * 2)?;
        match &self.part {
            Part::Any(parts) | Part::All(parts) => {
                let word = if matches!(self.part, Part::Any(_)) { "any of" } else { "all of" };
                writeln!(f, "{word}")?;
                parts.iter().try_for_each(|part| part.draw(f, depth + 1))
            }
            Part::Not(inner) => {
                writeln!(f, "not")?;
                inner.draw(f, depth + 1)
            }
            Part::Comparison { text, property, seen, .. } => {
                let mark = if property.is_extended() { "  [extended]" } else { "" };
                writeln!(f, "{text}  ({} is {seen}){mark}", property.graph_name())
            }
        }
    }
}

/// What the user has, as Graph gave it: of a property with one value, the first.
fn seen(user: &(impl Properties + ?Sized), property: &Property) -> Value<'static> {
    let value = user.get(property.graph_name()).into_owned();
    match (property.kind(), value) {
        (Kind::Texts | Kind::Groups | Kind::Plans, value) => value,
        (_, Value::List(items)) => items.into_iter().next().unwrap_or_default(),
        (_, value) => value,
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.draw(f, 0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Rule;

    #[test]
    fn a_verdict_rests_on_the_comparisons_that_settle_it() {
        let rule =
            r#"(user.city -eq "Oslo" -or user.state -eq "X") -and -not (user.country -eq "SE" -or user.mail -eq null)"#;
        let rule = Rule::new(rule).unwrap();
        let because = |user: serde_json::Value| {
            let explanation = rule.explain(&user);
            let told = |part: &&Explanation| match &part.part {
                Part::Comparison { property, .. } => format!("{} {}", property.name(), part.holds),
                _ => unreachable!("only comparisons settle a verdict"),
            };
            (explanation.holds, explanation.because().iter().map(told).collect::<Vec<_>>().join(", "))
        };
        let told = |holds, text: &str| (holds, text.to_owned());
        let all = json!({ "city": "Oslo", "state": "X", "mail": "a@contoso.example" });
        assert_eq!(because(all), told(true, "city true, country false, mail false"));
        assert_eq!(because(json!({ "state": "X", "country": "SE" })), told(false, "country true"));
        assert_eq!(because(json!({ "country": "SE" })), told(false, "city false, state false"));
    }
}
