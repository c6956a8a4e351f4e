//! `-any` and `-all`, and the rule for direct reports.

use super::Parser;
use crate::ast::{Expr, Located, Quantified, Quantifier};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// The quantifier that is next, without stepping over it.
    pub(super) fn quantifier(&self) -> Option<Located<Quantifier>> {
        let token = self.peek()?;
        let (TokenKind::Word(name) | TokenKind::Hyphenated(name)) = &token.kind else {
            return None;
        };
        let node =
            [Quantifier::Any, Quantifier::All].into_iter().find(|known| known.name().eq_ignore_ascii_case(name))?;
        Some(Located { node, span: token.span.clone() })
    }

    /// At the quantifier.
    pub(super) fn quantified(&mut self, property: Located<String>, quantifier: Located<Quantifier>) -> Option<Expr> {
        self.at += 1;
        let start = self.peek().map_or(self.text.len(), |token| token.span.start);
        let read =
            if self.next_is(&TokenKind::Open) { self.deeper(Self::group) } else { self.deeper(Self::unbracketed) };
        let Some(node) = read else {
            self.orphans.push(property);
            return None;
        };
        let end = self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(start, |token| token.span.end);
        let condition = Located { node, span: start..end.max(start) };
        Some(Expr::Quantified(Box::new(Quantified { property, quantifier, condition })))
    }

    /// `-any _ -contains "x"`. The quantifiers bind loosest, so whatever followed would belong to the condition:
    /// nothing may.
    fn unbracketed(&mut self) -> Option<Expr> {
        let start = self.at;
        if !matches!(self.peek().map(|token| &token.kind), Some(TokenKind::Word(_))) {
            self.unexpected("a condition such as `(_ -startsWith \"smtp:\")`");
            self.skip();
            return None;
        }
        let inner = self.or();
        let single = matches!(inner, None | Some(Expr::Comparison(_)));
        if !single
            && let (Some(first), Some(last)) = (self.tokens.get(start), self.tokens.get(self.at.saturating_sub(1)))
        {
            let (span, help) =
                (first.span.start..last.span.end, "put the condition of `-any` or `-all` in parentheses");
            self.fault(span, "without parentheses, all of this is the condition on one value", Some(help));
            return None;
        }
        inner
    }

    pub(super) fn at_direct_reports(&self) -> bool {
        let next = self.tokens.get(self.at..).unwrap_or_default();
        let words = ["direct", "reports", "for"];
        next.len() >= words.len()
            && next
                .iter()
                .zip(words)
                .all(|(token, word)| matches!(&token.kind, TokenKind::Word(found) if found.eq_ignore_ascii_case(word)))
    }

    /// At `Direct` where no such rule follows: the words are not quite right.
    pub(super) fn almost_direct_reports(&mut self) {
        let words = self.tokens.iter().skip(self.at).take_while(|token| matches!(token.kind, TokenKind::Word(_)));
        let (Some(first), Some(last)) = (self.peek(), words.last()) else { return };
        let (span, help) =
            (first.span.start..last.span.end, "write `Direct Reports for \"…\"` with the object id of a manager");
        self.fault(span, "this is neither a comparison nor a rule for direct reports", Some(help));
    }

    /// At `Direct Reports for`, the first words of the rule.
    pub(super) fn direct_reports(&mut self) -> Option<Expr> {
        self.at += 3;
        let Some(token) = self.peek() else {
            self.unexpected("the object id of a manager in quotes");
            return None;
        };
        let span = token.span.clone();
        let TokenKind::Text(id) = &token.kind else {
            self.unexpected("the object id of a manager in quotes");
            return None;
        };
        let id = id.trim().to_owned();
        self.at += 1;
        if id.is_empty() {
            self.fault(span, "the object id of the manager is empty", None);
            return None;
        }
        if let Some(next) = self.peek() {
            let rest = next.span.start..self.text.trim_end().len();
            self.fault(rest, "a rule for direct reports cannot be combined with anything else", None);
            return None;
        }
        Some(Expr::DirectReports(Located { node: id, span }))
    }
}
