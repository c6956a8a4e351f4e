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
}

/// `property operator value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// As written, with its object: `user.department`.
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

/// A comparison operator of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `-eq`
    Eq,
    /// `-ne`
    Ne,
    /// `-startsWith`
    StartsWith,
    /// `-in`
    In,
}

impl Operator {
    /// Every operator, in the order in which they are offered to a reader.
    pub const ALL: [Self; 4] = [Self::Eq, Self::Ne, Self::StartsWith, Self::In];

    /// Its documented spelling, without the hyphen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::StartsWith => "startsWith",
            Self::In => "in",
        }
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
    /// `[…]`; its items are never lists.
    List(Vec<Located<Literal>>),
}

/// Something and its place in the source, in bytes. Equality looks at the thing alone: the same rule laid out differently is the
/// same rule.
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
            Self::And(parts) => joined(f, parts, " -and ", |part| {
                matches!(part, Self::Or(_) | Self::And(_))
            }),
            Self::Not(inner) => write!(f, "-not ({})", inner.node),
            Self::Comparison(comparison) => comparison.fmt(f),
        }
    }
}

fn joined(
    f: &mut fmt::Formatter<'_>,
    parts: &[Expr],
    connective: &str,
    bracketed: fn(&Expr) -> bool,
) -> fmt::Result {
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
        write!(
            f,
            "{} -{} {}",
            self.property.node,
            self.operator.node.name(),
            self.value.node
        )
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => truth.fmt(f),
            Self::Text(text) => f.write_str(&quoted(text)),
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
    if text.ends_with(['\\', '`']) {
        format!("'{doubled}'")
    } else {
        format!("\"{}\"", doubled.replace('"', "`\""))
    }
}
