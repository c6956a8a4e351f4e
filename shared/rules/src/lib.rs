//! Entra's dynamic-membership rule language: parse, check, evaluate, explain, print.
//!
//! ```
//! use rules::Rule;
//!
//! let rule = Rule::new(r#"user.department -eq "Sales" -and user.accountEnabled -eq true"#)?;
//! assert!(rule.matches(&serde_json::json!({ "department": "SALES", "accountEnabled": true })));
//! # Ok::<(), rules::Diagnostics>(())
//! ```
//!
//! The way of a rule: text → tokens (`lexer`) → [`Ast`] (`parser`) → [`Rule`] (`check`), which can be evaluated
//! without failing. The crate does no I/O, reads no clock and makes no random choice; the same rule and the same user always
//! give the same verdict.
//!
//! # The language
//!
//! Every operator, keyword and property that Entra documents for users; rules about devices parse and check, and are
//! evaluated on devices as far as Graph names what they read. What Entra refuses is refused here ([`Diagnostics`]), all
//! of it at once and each in its place. Patterns of `-match` run in bounded time; what .NET has beyond that is refused
//! by name. [`Dialect::Extended`] has more, and a rule that needs it says so ([`Rule::dialect`]).
//!
//! # Choices where the documentation is silent or contradicts itself
//!
//! All of them stand in one table, each with its switch: [`choices`].
//!
//! # Many rules on many users
//!
//! A [`RuleSet`] compiles rules together; [`RuleSet::facts`] takes out of a user what they read, once; an [`Evaluator`]
//! runs them all, or after a change those that read what changed.

mod ast;
mod check;
pub mod choices;
mod cycle;
mod diagnostic;
mod difference;
mod evaluate;
mod explain;
mod facts;
mod lexer;
mod needle;
mod parser;
mod pattern;
mod property;
mod rule;
mod set;
mod time;
mod value;

pub use ast::{Ast, Comparison, Expr, Literal, Located, Operator, Quantified, Quantifier, Shift};
pub use choices::{Choices, Dialect, NullUnderNegation, Settings};
pub use cycle::cycles;
pub use diagnostic::{Diagnostic, Diagnostics};
pub use difference::{Difference, difference};
pub use explain::{Explanation, Part};
pub use facts::Facts;
pub use parser::{DEPTH_MAX, LENGTH_MAX, parse};
pub use property::{Kind, Object, Property};
pub use rule::{Context, Feeds, Others, Rule, Verdict};
pub use set::{Evaluator, Matches, RuleSet};
pub use value::{Properties, Value};
