//! One comparison: property, operator, value.

use super::{Keyword, Parser, keyword_named, replacement, shortened};
use crate::ast::{Comparison, Expr, Literal, Located, Operator, quoted};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// At a word that is no keyword.
    pub(super) fn comparison(&mut self) -> Option<Expr> {
        let token = self.peek()?;
        let TokenKind::Word(name) = &token.kind else {
            return None;
        };
        let property = Located {
            node: name.clone(),
            span: token.span.clone(),
        };
        if word_literal(name).is_some() {
            self.unexpected("a property such as `user.department`");
            self.skip();
            return None;
        }
        self.at += 1;
        let read = self
            .operator()
            .and_then(|operator| Some((operator, self.value()?)));
        let Some((operator, value)) = read else {
            self.skip();
            self.orphans.push(property);
            return None;
        };
        Some(Expr::Comparison(Box::new(Comparison {
            property,
            operator,
            value,
        })))
    }

    fn operator(&mut self) -> Option<Located<Operator>> {
        let expected = "an operator such as `-eq`";
        let Some(token) = self.peek() else {
            self.unexpected(expected);
            return None;
        };
        let span = token.span.clone();
        let (TokenKind::Word(name) | TokenKind::Hyphenated(name) | TokenKind::Symbol(name)) =
            &token.kind
        else {
            self.unexpected(expected);
            return None;
        };
        if let Some(operator) = Operator::ALL
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))
        {
            self.at += 1;
            return Some(Located {
                node: operator,
                span,
            });
        }
        if let Some(known) = UNSUPPORTED
            .iter()
            .find(|known| known.eq_ignore_ascii_case(name))
        {
            self.fault(
                span,
                format!("the operator `-{known}` is not supported by this version"),
                Some(SUPPORTED),
            );
            return None;
        }
        match self.keyword() {
            Some(Keyword::Not) => {
                let help = "write `-eq null` or `-ne null` to ask whether a property is empty";
                self.fault(
                    span,
                    "`-not` cannot compare a property with a value",
                    Some(help),
                );
            }
            Some(_) => self.unexpected(expected),
            None => {
                let written = self.text.get(span.clone()).unwrap_or_default();
                let help = replacement(name)
                    .map_or_else(|| SUPPORTED.to_owned(), |known| format!("write `{known}`"));
                self.fault(
                    span,
                    format!("`{}` is not an operator", shortened(written)),
                    Some(&help),
                );
            }
        }
        None
    }

    fn value(&mut self) -> Option<Located<Literal>> {
        match self.peek().map(|token| &token.kind) {
            Some(TokenKind::OpenList) => self.list(),
            Some(TokenKind::Open) if !self.word_follows("system.now") => {
                let help = "a list stands in brackets: `[\"Sales\", \"Marketing\"]`";
                let span = self.peek()?.span.clone();
                self.fault(span, "expected a value, found `(`", Some(help));
                None
            }
            _ => self.scalar("a value such as `\"Sales\"`, `true` or `null`"),
        }
    }

    fn scalar(&mut self, expected: &str) -> Option<Located<Literal>> {
        let Some(token) = self.peek() else {
            self.unexpected(expected);
            return None;
        };
        let span = token.span.clone();
        let literal = match &token.kind {
            TokenKind::Text(text) => Some(Literal::Text(text.clone())),
            TokenKind::Word(word) => word_literal(word),
            _ => None,
        };
        if let Some(node) = literal {
            self.at += 1;
            return Some(Located { node, span });
        }
        self.bare_value(expected);
        None
    }

    /// Something that is no value stands where one should.
    fn bare_value(&mut self, expected: &str) {
        let Some(token) = self.peek() else { return };
        let mut span = token.span.clone();
        let word = match &token.kind {
            TokenKind::Word(word) if self.keyword().is_none() => word.as_str(),
            TokenKind::Open => "system.now",
            _ => return self.unexpected(expected),
        };
        if word.to_lowercase().starts_with("system.") {
            return self.fault(span, "`system.now` is not supported by this version", None);
        }
        if word.starts_with(|c: char| c.is_ascii_digit())
            && word.contains('-')
            && word.contains(':')
        {
            return self.fault(span, "a date is not supported by this version", None);
        }
        // `Human Resources` without quotes is one mistake, not two.
        let words = self.tokens.iter().skip(self.at).take_while(
            |token| matches!(&token.kind, TokenKind::Word(word) if keyword_named(word).is_none()),
        );
        if let Some(last) = words.last() {
            span.end = last.span.end;
        }
        let written = self.text.get(span.clone()).unwrap_or_default();
        let help = format!("write `{}`", quoted(written));
        self.fault(
            span,
            format!("the value `{}` needs quotes", shortened(written)),
            Some(&help),
        );
    }

    /// At `[`.
    fn list(&mut self) -> Option<Located<Literal>> {
        let open = self.peek()?.span.clone();
        self.at += 1;
        let mut items = Vec::new();
        if self.next_is(&TokenKind::CloseList) {
            let end = self.peek()?.span.end;
            self.fault(open.start..end, "this list is empty", None);
            self.at += 1;
            return None;
        }
        loop {
            items.push(self.scalar("a value of the list")?);
            match self.peek().map(|token| (&token.kind, token.span.end)) {
                Some((TokenKind::Comma, _)) => self.at += 1,
                Some((TokenKind::CloseList, end)) => {
                    self.at += 1;
                    return Some(Located {
                        node: Literal::List(items),
                        span: open.start..end,
                    });
                }
                None => {
                    self.fault(open, "this `[` is never closed", None);
                    return None;
                }
                Some(_) => {
                    self.unexpected("`,` or `]`");
                    return None;
                }
            }
        }
    }
}

/// Entra's operators that this version does not carry out.
const UNSUPPORTED: [&str; 12] = [
    "contains",
    "notContains",
    "notStartsWith",
    "endsWith",
    "notEndsWith",
    "match",
    "notMatch",
    "notIn",
    "le",
    "ge",
    "any",
    "all",
];

const SUPPORTED: &str = "this version has `-eq`, `-ne`, `-startsWith` and `-in`";

fn word_literal(word: &str) -> Option<Literal> {
    match word.to_ascii_lowercase().as_str() {
        "true" => Some(Literal::Bool(true)),
        "false" => Some(Literal::Bool(false)),
        "null" | "$null" => Some(Literal::Null),
        _ => None,
    }
}
