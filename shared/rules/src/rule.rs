//! A rule that has been checked: evaluating it cannot fail.

use std::collections::HashSet;
use std::fmt;

use crate::ast::Ast;
use crate::check::check;
use crate::diagnostic::Diagnostics;
use crate::evaluate::Clause;
use crate::explain::Explanation;
use crate::parser::draft;
use crate::property::Property;
use crate::value::Properties;

/// A checked rule. `Display` prints its canonical form: operators with hyphens, properties in their documented spelling,
/// parentheses only where they matter.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    ast: Ast,
    clause: Clause,
    reads: Vec<Property>,
    null: NullUnderNegation,
}

/// What a negative operator (`-ne "x"`) says of an empty attribute. Microsoft documents it nowhere that we found, so it is
/// one switch, and a policy should not depend on it. `-ne null` and `-not` have a plain meaning and are not touched by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NullUnderNegation {
    /// A negative operator is the logical opposite of the positive one, which is false of an empty attribute: so it is true.
    #[default]
    Satisfies,
    /// No comparison with a value is true of an empty attribute.
    Fails,
}

impl Rule {
    /// Parses and checks; reports every fault of both at once.
    pub fn new(text: &str) -> Result<Self, Diagnostics> {
        let mut draft = draft(text);
        let mut faults = draft.faults;
        let clause = check(draft.root.as_mut(), &draft.orphans, &mut faults);
        let (Some(root), Some(clause), true) = (draft.root, clause, faults.is_empty()) else {
            return Err(Diagnostics::new(faults));
        };
        let mut reads = Vec::new();
        let mut known = HashSet::new();
        clause.each_test(&mut |test| {
            if known.insert(&test.property) {
                reads.push(test.property.clone());
            }
        });
        Ok(Self {
            ast: Ast { root },
            clause,
            reads,
            null: NullUnderNegation::default(),
        })
    }

    /// The same rule with the other answer to the open question.
    #[must_use]
    pub fn with_null_under_negation(self, null: NullUnderNegation) -> Self {
        Self { null, ..self }
    }

    /// Whether the user belongs.
    pub fn matches(&self, user: &(impl Properties + ?Sized)) -> bool {
        self.clause.holds(user, self.null)
    }

    /// Why the user belongs or does not: every clause, with the value seen.
    pub fn explain(&self, user: &(impl Properties + ?Sized)) -> Explanation {
        Explanation::of(&self.clause, user, self.null)
    }

    /// The properties that the verdict depends on, each once, in the order in which they are first named.
    pub fn reads(&self) -> impl Iterator<Item = &Property> {
        self.reads.iter()
    }

    /// The tree, with its properties in their documented spelling.
    pub fn ast(&self) -> &Ast {
        &self.ast
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
