//! The right-hand side of a comparison.

use super::recovery::shortened;
use super::{Parser, keyword_named};
use crate::ast::{Literal, Located, Shift, quoted};
use crate::choices::BareNow;
use crate::lexer::{Token, TokenKind};
use crate::time::instant;

const EXPECTED: &str = "a value such as `\"Sales\"`, `true` or `null`";

impl Parser<'_> {
    pub(super) fn value(&mut self) -> Option<Located<Literal>> {
        match self.peek().map(|token| &token.kind) {
            Some(TokenKind::OpenList) => self.list(),
            Some(TokenKind::Open) if self.tokens.get(self.at + 1).is_some_and(|token| self.is_now(token)) => {
                self.bracketed_now()
            }
            Some(TokenKind::Open) => {
                let help = "a list stands in brackets: `[\"Sales\", \"Marketing\"]`";
                let span = self.peek()?.span.clone();
                self.fault(span, "expected a value, found `(`", Some(help));
                None
            }
            _ => self.scalar(EXPECTED),
        }
    }

    fn scalar(&mut self, expected: &str) -> Option<Located<Literal>> {
        let Some(token) = self.peek() else {
            self.unexpected(expected);
            return None;
        };
        if self.is_now(token) {
            return self.now();
        }
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

    fn is_now(&self, token: &Token) -> bool {
        let TokenKind::Word(word) = &token.kind else { return false };
        word.eq_ignore_ascii_case("system.now")
            || (word.eq_ignore_ascii_case("now") && self.settings.choices.bare_now == BareNow::Accepted)
    }

    /// At `(`, with `system.now` behind it.
    fn bracketed_now(&mut self) -> Option<Located<Literal>> {
        let start = self.at;
        let value = self.inside_brackets();
        if value.is_none() {
            // So that what is skipped has as many `)` as `(`.
            self.at = start;
        }
        value
    }

    fn inside_brackets(&mut self) -> Option<Located<Literal>> {
        let open = self.peek()?.span.clone();
        self.at += 1;
        let value = self.now()?;
        let Some(close) = self.peek().filter(|token| token.kind == TokenKind::Close) else {
            if self.peek().is_some() {
                self.unexpected("`-plus`, `-minus` or `)`");
            } else {
                self.fault(open, "this `(` is never closed", None);
            }
            return None;
        };
        let span = open.start..close.span.end;
        self.at += 1;
        Some(Located { node: value.node, span })
    }

    /// At `system.now`.
    fn now(&mut self) -> Option<Located<Literal>> {
        let start = self.peek()?.span.clone();
        self.at += 1;
        let Some(back) = self.shift_direction() else {
            return Some(Located { node: Literal::Now(None), span: start });
        };
        let expected = "a duration such as `P30D`";
        let Some(token) = self.peek() else {
            self.unexpected(expected);
            return None;
        };
        let (span, duration) = match &token.kind {
            TokenKind::Word(word) if keyword_named(word).is_none() => (token.span.clone(), word.to_ascii_uppercase()),
            TokenKind::Text(text) => {
                let (span, help) = (token.span.clone(), format!("write `{}`", text.to_ascii_uppercase()));
                self.fault(span, "a duration stands without quotes", Some(&help));
                return None;
            }
            _ => {
                self.unexpected(expected);
                return None;
            }
        };
        self.at += 1;
        if let Some(next) = self.peek().map(|token| token.span.clone())
            && self.shift_direction().is_some()
        {
            self.fault(next, "only one duration can be added or taken away", Some("write the sum as one duration"));
            return None;
        }
        Some(Located { node: Literal::Now(Some(Shift { back, duration })), span: start.start..span.end })
    }

    /// Steps over `-plus` or `-minus`. Their signs are understood and refused.
    fn shift_direction(&mut self) -> Option<bool> {
        let token = self.peek()?;
        let (TokenKind::Word(name) | TokenKind::Hyphenated(name) | TokenKind::Symbol(name)) = &token.kind else {
            return None;
        };
        let (back, symbol) = match name.to_ascii_lowercase().as_str() {
            "plus" => (false, false),
            "minus" => (true, false),
            "+" => (false, true),
            "-" | "–" => (true, true),
            _ => return None,
        };
        if symbol {
            let (message, span) = (format!("`{name}` is not an operator"), token.span.clone());
            self.fault(span, message, Some(if back { "write `-minus`" } else { "write `-plus`" }));
        }
        self.at += 1;
        Some(back)
    }

    /// Something that is no value stands where one should.
    fn bare_value(&mut self, expected: &str) {
        let Some(token) = self.peek() else { return };
        let mut span = token.span.clone();
        match &token.kind {
            TokenKind::Word(_) if self.keyword().is_none() => {}
            _ => return self.unexpected(expected),
        }
        // `Human Resources` without quotes is one mistake, not two.
        let words = self
            .tokens
            .iter()
            .skip(self.at)
            .take_while(|token| matches!(&token.kind, TokenKind::Word(word) if keyword_named(word).is_none()));
        if let Some(last) = words.last() {
            span.end = last.span.end;
        }
        let written = self.text.get(span.clone()).unwrap_or_default();
        if is_like_a_date(written) {
            let message = format!("`{}` is not a date", shortened(written));
            return self.fault(span, message, Some("write it as `2026-03-01T00:00:00Z`"));
        }
        let help = format!("write `{}`", quoted(written));
        self.fault(span, format!("the value `{}` needs quotes", shortened(written)), Some(&help));
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
                    return Some(Located { node: Literal::List(items), span: open.start..end });
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

/// Four digits and a hyphen, and nothing of an object id.
fn is_like_a_date(written: &str) -> bool {
    let (year, rest) = written.split_at_checked(5).unwrap_or_default();
    year.ends_with('-') && year.bytes().take(4).all(|byte| byte.is_ascii_digit()) && rest.len() < 32
}

pub(super) fn word_literal(word: &str) -> Option<Literal> {
    match word.to_ascii_lowercase().as_str() {
        "true" => Some(Literal::Bool(true)),
        "false" => Some(Literal::Bool(false)),
        "null" | "$null" => Some(Literal::Null),
        // A year alone is a number.
        _ if word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && word.parse::<f64>().is_ok() => {
            Some(Literal::Number(word.to_owned()))
        }
        _ => instant(word).map(|_| Literal::Date(word.to_owned())),
    }
}
