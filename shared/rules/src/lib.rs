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
//! The way of a rule: text → tokens (`lexer`) → [`Ast`] (`parser`) → [`Rule`] (`check`), which can be evaluated without
//! failing. The crate does no I/O, reads no clock and makes no random choice; the same rule and the same user always give
//! the same verdict.
//!
//! # What this version understands
//!
//! `-eq -ne -startsWith -in` and `-and -or -not`, parentheses, strings, `true`, `false`, `null`, bracket lists, and every
//! property that Entra documents for users. What Entra has beyond that (`-contains`, `-match`, `-any`, dates, devices, …) is
//! recognized and refused by name; nothing is ever skipped over.
//!
//! # Choices where the documentation is silent or contradicts itself
//!
//! - **Null**: a comparison with a value is false of an empty attribute (`dirSyncEnabled -eq false` too, of a user who was never
//!   synchronized). What a negative operator then says is one switch, [`NullUnderNegation`].
//! - **Case of property names**: Microsoft's page says it matters, its samples disagree; any case is taken, the documented
//!   spelling is printed.
//! - **A double quote inside a double-quoted string** is escaped by a backtick (older texts) or a backslash (the 2025 text); both
//!   work. A single quote is doubled in either kind of string; a lone one inside double quotes stands for itself. Inside
//!   single quotes a double quote, a backtick and a backslash are plain characters.
//! - **`-not` right before a comparison with `null`** is refused ("the -not operator can't be used as a comparative operator for
//!   null", Microsoft's "Manage rules for dynamic membership groups"); `-eq null` and `-ne null` say the same.
//! - **A boolean in quotes** is taken as the boolean.
//! - **Letters are compared by Unicode's simple lower-case mapping**, without regard to language and without normalization.

mod ast;
mod check;
mod diagnostic;
mod evaluate;
mod explain;
mod lexer;
mod parser;
mod property;
mod rule;
mod value;

pub use ast::{Ast, Comparison, Expr, Literal, Located, Operator};
pub use diagnostic::{Diagnostic, Diagnostics};
pub use explain::{Explanation, Part};
pub use parser::{DEPTH_MAX, LENGTH_MAX, parse};
pub use property::{Kind, Property};
pub use rule::{NullUnderNegation, Rule};
pub use value::{Properties, Value};
