//! Tokens into a tree, by recursive descent. After a fault it goes on at the next `-and`, `-or` or `)`, so that one
//! reading finds every fault; what could be read is kept for the check.

mod comparison;
mod quantified;
mod recovery;
mod value;

use self::recovery::replacement;
use crate::ast::{Ast, Expr, Located};
use crate::choices::Settings;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lexer::{Token, TokenKind, tokens};

/// The longest rule that Entra takes, in characters ("Manage rules for dynamic membership groups").
pub const LENGTH_MAX: usize = 3_072;

/// How many parentheses and `-not`s may enclose one another. Entra documents no such limit; ours keeps the stack small.
pub const DEPTH_MAX: usize = 64;

/// Reads a rule without checking its names and types; linear in the length of the text.
pub fn parse(text: &str) -> Result<Ast, Diagnostics> {
    let draft = draft(text, &Settings::ENTRA);
    match draft.root {
        Some(root) if draft.faults.is_empty() => Ok(Ast { root }),
        _ => Err(Diagnostics::new(draft.faults)),
    }
}

/// What could be read of a rule, however broken.
pub(crate) struct Draft {
    /// The comparisons that could be read; `None` only when there are faults.
    pub(crate) root: Option<Expr>,
    /// Properties of comparisons that could not.
    pub(crate) orphans: Vec<Located<String>>,
    pub(crate) faults: Vec<Diagnostic>,
}

/// Reads as much of a rule as there is sense in.
pub(crate) fn draft(text: &str, settings: &Settings) -> Draft {
    if let Some((end, _)) = text.char_indices().nth(LENGTH_MAX) {
        let length = text.chars().count();
        let fault =
            Diagnostic::new(end..text.len(), format!("a rule has at most {LENGTH_MAX} characters, this one {length}"));
        return Draft { root: None, orphans: Vec::new(), faults: vec![fault] };
    }
    let (tokens, faults) = tokens(text, &settings.choices);
    let mut parser = Parser {
        text,
        settings,
        tokens: &tokens,
        at: 0,
        depth: 0,
        stopped: false,
        #[cfg(test)]
        steps: std::cell::Cell::default(),
        orphans: Vec::new(),
        faults,
    };
    let root = parser.rule();
    Draft { root, orphans: parser.orphans, faults: parser.faults }
}

struct Parser<'a> {
    text: &'a str,
    settings: &'a Settings,
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    /// Set when reading on would only add noise.
    stopped: bool,
    /// How often a token was looked at: the tests hold it to the length of the text.
    #[cfg(test)]
    steps: std::cell::Cell<usize>,
    orphans: Vec<Located<String>>,
    faults: Vec<Diagnostic>,
}

#[derive(Clone, Copy, PartialEq)]
enum Keyword {
    And,
    Or,
    Not,
}

impl Parser<'_> {
    fn rule(&mut self) -> Option<Expr> {
        if self.tokens.is_empty() {
            self.fault(
                0..0,
                "the rule is empty",
                Some("a rule is a comparison such as `user.department -eq \"Sales\"`"),
            );
            return None;
        }
        if self.at_direct_reports() {
            return self.direct_reports();
        }
        let mut parts = vec![self.or()];
        while let Some(token) = self.peek() {
            let (span, is_close) = (token.span.clone(), token.kind == TokenKind::Close);
            if is_close {
                self.fault(span, "this `)` closes nothing", None);
                self.at += 1;
                if self.keyword().is_some_and(|keyword| keyword != Keyword::Not) {
                    self.at += 1;
                    parts.push(self.or());
                }
            } else {
                self.unexpected("`-and`, `-or` or the end of the rule");
                self.at = self.tokens.len();
            }
        }
        gather(parts, Expr::And)
    }

    fn or(&mut self) -> Option<Expr> {
        let mut parts = vec![self.and()];
        while self.take(Keyword::Or) {
            parts.push(self.and());
        }
        gather(parts, Expr::Or)
    }

    fn and(&mut self) -> Option<Expr> {
        let mut parts = vec![self.not()];
        while self.take(Keyword::And) {
            parts.push(self.not());
        }
        gather(parts, Expr::And)
    }

    fn not(&mut self) -> Option<Expr> {
        let Some(span) = self.peek().map(|token| token.span.clone()) else {
            return self.primary();
        };
        if !self.take(Keyword::Not) {
            return self.primary();
        }
        // The parenthesis of `-not (…)` is not counted: `-not -not x` is printed with them and must not be deeper for
        // it.
        let inner = if self.next_is(&TokenKind::Open) { self.deeper(Self::group) } else { self.deeper(Self::not) };
        Some(Expr::Not(Located { node: Box::new(inner?), span }))
    }

    fn primary(&mut self) -> Option<Expr> {
        match self.peek().map(|token| &token.kind) {
            Some(TokenKind::Open) => self.deeper(Self::group),
            Some(TokenKind::Word(_)) if self.keyword().is_none() => self.comparison(),
            _ => {
                self.unexpected("a comparison such as `user.department -eq \"Sales\"`");
                self.skip();
                None
            }
        }
    }

    fn deeper(&mut self, read: fn(&mut Self) -> Option<Expr>) -> Option<Expr> {
        if self.depth == DEPTH_MAX {
            let span = self.peek().map_or(self.text.len()..self.text.len(), |token| token.span.clone());
            self.fault(span, format!("more than {DEPTH_MAX} parentheses and `-not`s inside one another"), None);
            self.at = self.tokens.len();
            self.stopped = true;
            return None;
        }
        self.depth += 1;
        let expr = read(self);
        self.depth -= 1;
        expr
    }

    /// At `(`.
    fn group(&mut self) -> Option<Expr> {
        let open = self.peek()?.span.clone();
        self.at += 1;
        let inner = self.or();
        if self.peek().is_none() {
            self.fault(open, "this `(` is never closed", None);
        } else if !self.next_is(&TokenKind::Close) {
            self.unexpected("`-and`, `-or` or `)`");
            while self.peek().is_some() && !self.next_is(&TokenKind::Close) {
                self.at += usize::from(self.keyword().is_some());
                self.skip();
            }
        }
        self.at += 1;
        inner
    }

    fn peek(&self) -> Option<&Token> {
        #[cfg(test)]
        self.steps.set(self.steps.get() + 1);
        self.tokens.get(self.at)
    }

    fn next_is(&self, kind: &TokenKind) -> bool {
        self.peek().is_some_and(|token| token.kind == *kind)
    }

    fn keyword(&self) -> Option<Keyword> {
        match &self.peek()?.kind {
            TokenKind::Word(name) | TokenKind::Hyphenated(name) | TokenKind::Symbol(name) => keyword_named(name),
            _ => None,
        }
    }

    /// Steps over the keyword if it is next. Its symbol (`&&`) is understood and refused.
    fn take(&mut self, keyword: Keyword) -> bool {
        if self.keyword() != Some(keyword) {
            return false;
        }
        if let Some(Token { kind: TokenKind::Symbol(symbol), span }) = self.peek() {
            let (message, span) = (format!("`{symbol}` is not an operator"), span.clone());
            let help = replacement(symbol).map(|known| format!("write `{known}`"));
            self.fault(span, message, help.as_deref());
        }
        self.at += 1;
        true
    }
}

/// The operands that could be read, joined unless there is but one.
fn gather(parts: Vec<Option<Expr>>, join: fn(Vec<Expr>) -> Expr) -> Option<Expr> {
    let mut read: Vec<Expr> = parts.into_iter().flatten().collect();
    if read.len() > 1 { Some(join(read)) } else { read.pop() }
}

fn keyword_named(name: &str) -> Option<Keyword> {
    match name.to_ascii_lowercase().as_str() {
        "and" | "&&" | "&" => Some(Keyword::And),
        "or" | "||" | "|" => Some(Keyword::Or),
        "not" | "!" => Some(Keyword::Not),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at tokens, per token.
    fn steps(text: &str) -> (usize, usize) {
        let (tokens, faults) = tokens(text, &Settings::ENTRA.choices);
        let mut parser = Parser {
            text,
            settings: &Settings::ENTRA,
            tokens: &tokens,
            at: 0,
            depth: 0,
            stopped: false,
            steps: std::cell::Cell::default(),
            orphans: Vec::new(),
            faults,
        };
        parser.rule();
        (parser.steps.get(), tokens.len())
    }

    #[test]
    fn reading_looks_at_each_token_a_bounded_number_of_times() {
        let pieces = [
            "(",
            ")",
            "-not ",
            "not(",
            "user.city ",
            "user.city -eq ",
            "user.city -eq \"a\" ",
            "-and ",
            "-or ",
            "[",
            "]",
            ",",
            "user.city -in [",
            "user.otherMails -any (",
            "user.otherMails -any _ ",
            "_ -eq \"a\" ",
            "a ",
            "Direct Reports for ",
            "user.employeeHireDate -ge system.now -plus ",
            "\"",
            "'",
            "“",
            "`\"",
            "- ",
            "&& ",
            "! ",
            "(user.city -eq \"a\") -and ",
        ];
        for first in pieces {
            for second in pieces {
                for times in [10, 1_000] {
                    let text = format!("{first}{second}").repeat(times) + first;
                    let (steps, tokens) = steps(&text);
                    assert!(steps <= 40 * (tokens + 1), "{steps} steps for {tokens} tokens of {first}{second}");
                }
            }
        }
    }
}
