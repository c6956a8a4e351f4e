//! One comparison: property, operator, value.

use super::recovery::{replacement, shortened};
use super::value::word_literal;
use super::{Keyword, Parser};
use crate::ast::{Comparison, Expr, Located, Operator};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// At a word that is no keyword.
    pub(super) fn comparison(&mut self) -> Option<Expr> {
        let token = self.peek()?;
        let TokenKind::Word(name) = &token.kind else {
            return None;
        };
        let property = Located { node: name.clone(), span: token.span.clone() };
        if self.at_direct_reports() {
            self.fault(property.span, "a rule for direct reports cannot be combined with anything else", None);
            self.skip();
            return None;
        }
        if name.eq_ignore_ascii_case("direct") {
            self.almost_direct_reports();
            self.skip();
            return None;
        }
        if word_literal(name).is_some() {
            self.unexpected("a property such as `user.department`");
            self.skip();
            return None;
        }
        self.at += 1;
        if let Some(quantifier) = self.quantifier() {
            return self.quantified(property, quantifier);
        }
        let read = self.operator().and_then(|operator| Some((operator, self.value()?)));
        let Some((operator, value)) = read else {
            self.skip();
            self.orphans.push(property);
            return None;
        };
        Some(Expr::Comparison(Box::new(Comparison { property, operator, value })))
    }

    fn operator(&mut self) -> Option<Located<Operator>> {
        let expected = "an operator such as `-eq`";
        let Some(token) = self.peek() else {
            self.unexpected(expected);
            return None;
        };
        let span = token.span.clone();
        let (TokenKind::Word(name) | TokenKind::Hyphenated(name) | TokenKind::Symbol(name)) = &token.kind else {
            self.unexpected(expected);
            return None;
        };
        if let Some(node) = Operator::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name)) {
            self.at += 1;
            return Some(Located { node, span });
        }
        match self.keyword() {
            Some(Keyword::Not) => {
                let help = "write `-eq null` or `-ne null` to ask whether a property is empty";
                self.fault(span, "`-not` cannot compare a property with a value", Some(help));
            }
            Some(_) => self.unexpected(expected),
            None => {
                let written = self.text.get(span.clone()).unwrap_or_default();
                let help = replacement(name).map_or_else(|| nearest(name), |known| format!("write `{known}`"));
                self.fault(span, format!("`{}` is not an operator", shortened(written)), Some(&help));
            }
        }
        None
    }
}

/// The operator with the fewest letters to change, or all of them.
fn nearest(name: &str) -> String {
    let lower = name.to_lowercase();
    let letters = |known: &Operator| strsim::osa_distance(&lower, &known.name().to_lowercase());
    let known = Operator::ALL
        .iter()
        .min_by_key(|known| letters(known))
        .filter(|known| letters(known) <= known.name().len() / 4);
    known.map_or_else(
        || {
            let all: Vec<_> = Operator::ALL.iter().map(|known| format!("`-{}`", known.name())).collect();
            format!("there are {}, and `-any` and `-all` for collections", all.join(", "))
        },
        |known| format!("did you mean `-{}`?", known.name()),
    )
}
