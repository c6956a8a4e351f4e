//! The tree of a rule as it was written, and its canonical text.

use std::fmt::{self, Display};
use std::ops::Range;

/// A rule that is grammatical; its names and types are not checked yet.
///
/// `Display` prints the canonical form, and parsing that gives an equal tree (unless it has outgrown
/// [`LENGTH_MAX`](crate::LENGTH_MAX), as the canonical form of a rule written without hyphens can).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ast {
    pub(crate) root: Expr,
}

impl Ast {
    /// The outermost expression.
    pub fn root(&self) -> &Expr {
        &self.root
    }
}

/// One expression. `Or` and `And` hold two or more operands, so a long chain is wide and not deep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// True when any operand is.
    Or(Vec<Expr>),
    /// True when every operand is.
    And(Vec<Expr>),
    /// True when the operand is not; the place is that of the operator.
    Not(Located<Box<Expr>>),
    /// One property against one value.
    Comparison(Box<Comparison>),
    /// A condition on the items of a collection.
    Quantified(Box<Quantified>),
    /// `Direct Reports for "…"`: the manager's object id. It is always the whole rule.
    DirectReports(Located<String>),
}

/// `property operator value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// As written, with its object: `user.department`; inside a quantifier `_`, `assignedPlan.service`,
    /// `group.objectId`.
    pub property: Located<String>,
    /// The operator.
    pub operator: Located<Operator>,
    /// The right-hand side.
    pub value: Located<Literal>,
}

impl Comparison {
    /// The bytes of the source from the property to the value.
    pub fn span(&self) -> Range<usize> {
        self.property.span.start..self.value.span.end
    }
}

/// `property -any (condition)` or `property -all (condition)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantified {
    /// As written: `user.assignedPlans`.
    pub property: Located<String>,
    /// How many items it takes.
    pub quantifier: Located<Quantifier>,
    /// The condition on one item, from its first byte to its last.
    pub condition: Located<Expr>,
}

impl Quantified {
    /// The bytes of the source from the property to the end of the condition.
    pub fn span(&self) -> Range<usize> {
        self.property.span.start..self.condition.span.end
    }
}

/// How many items of a collection must satisfy a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// `-any`: at least one.
    Any,
    /// `-all`: each.
    All,
}

impl Quantifier {
    /// Its spelling, without the hyphen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
        }
    }
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `-eq`
    Eq,
    /// `-ne`
    Ne,
    /// `-startsWith`
    StartsWith,
    /// `-notStartsWith`
    NotStartsWith,
    /// `-endsWith`
    EndsWith,
    /// `-notEndsWith`
    NotEndsWith,
    /// `-contains`
    Contains,
    /// `-notContains`
    NotContains,
    /// `-match`
    Match,
    /// `-notMatch`
    NotMatch,
    /// `-in`
    In,
    /// `-notIn`
    NotIn,
    /// `-ge`
    Ge,
    /// `-le`
    Le,
}

impl Operator {
    /// Every operator, in the order in which they are offered to a reader.
    pub const ALL: [Self; 14] = [
        Self::Eq,
        Self::Ne,
        Self::StartsWith,
        Self::NotStartsWith,
        Self::EndsWith,
        Self::NotEndsWith,
        Self::Contains,
        Self::NotContains,
        Self::Match,
        Self::NotMatch,
        Self::In,
        Self::NotIn,
        Self::Ge,
        Self::Le,
    ];

    /// Its documented spelling, without the hyphen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::StartsWith => "startsWith",
            Self::NotStartsWith => "notStartsWith",
            Self::EndsWith => "endsWith",
            Self::NotEndsWith => "notEndsWith",
            Self::Contains => "contains",
            Self::NotContains => "notContains",
            Self::Match => "match",
            Self::NotMatch => "notMatch",
            Self::In => "in",
            Self::NotIn => "notIn",
            Self::Ge => "ge",
            Self::Le => "le",
        }
    }

    /// Whether it says the opposite of another operator.
    pub fn is_negative(self) -> bool {
        matches!(
            self,
            Self::Ne | Self::NotStartsWith | Self::NotEndsWith | Self::NotContains | Self::NotMatch | Self::NotIn
        )
    }
}

/// A value as written on the right of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `null` or `$null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A string, its escapes resolved.
    Text(String),
    /// A number, as written. The language has numbers, but no property is one.
    Number(String),
    /// A bare date, as written.
    Date(String),
    /// `system.now`, perhaps moved.
    Now(Option<Shift>),
    /// `[…]`; its items are never lists.
    List(Vec<Located<Literal>>),
}

/// `-plus P1D` or `-minus P1D`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Whether it is `-minus`.
    pub back: bool,
    /// The ISO 8601 duration, in upper case.
    pub duration: String,
}

/// Something and its place in the source, in bytes. Equality looks at the thing alone: the same rule laid out
/// differently is the same rule.
#[derive(Clone, Debug)]
pub struct Located<T> {
    /// The thing.
    pub node: T,
    /// Its place.
    pub span: Range<usize>,
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl<T: Eq> Eq for Located<T> {}

impl Display for Ast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // An `Or` directly inside an `Or` was bracketed in the source and stays so: the tree must come back.
            Self::Or(parts) => joined(f, parts, " -or ", |part| matches!(part, Self::Or(_))),
            Self::And(parts) => joined(f, parts, " -and ", |part| matches!(part, Self::Or(_) | Self::And(_))),
            Self::Not(inner) => write!(f, "-not ({})", inner.node),
            Self::Comparison(comparison) => comparison.fmt(f),
            Self::Quantified(quantified) => quantified.fmt(f),
            Self::DirectReports(manager) => write!(f, "Direct Reports for {}", quoted(&manager.node)),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Expr], connective: &str, bracketed: fn(&Expr) -> bool) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(connective)?;
        }
        if bracketed(part) {
            write!(f, "({part})")?;
        } else {
            part.fmt(f)?;
        }
    }
    Ok(())
}

impl Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -{} {}", self.property.node, self.operator.node.name(), self.value.node)
    }
}

impl Display for Quantified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -{} ({})", self.property.node, self.quantifier.node.name(), self.condition.node)
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => truth.fmt(f),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Number(written) | Self::Date(written) => f.write_str(written),
            Self::Now(None) => f.write_str("system.now"),
            Self::Now(Some(Shift { back, duration })) => {
                write!(f, "system.now -{} {duration}", if *back { "minus" } else { "plus" })
            }
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    item.node.fmt(f)?;
                }
                f.write_str("]")
            }
        }
    }
}

/// The text in quotes: double ones, unless it ends in a character that would escape the closing quote.
pub(crate) fn quoted(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if text.ends_with(['\\', '`']) { format!("'{doubled}'") } else { format!("\"{}\"", doubled.replace('"', "`\"")) }
}
