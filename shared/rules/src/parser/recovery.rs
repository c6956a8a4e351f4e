//! What the parser does after a fault, and how it words it.

use std::ops::Range;

use super::{Keyword, Parser};
use crate::diagnostic::Diagnostic;
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// Goes on to the end of a broken comparison.
    pub(super) fn skip(&mut self) {
        let mut open = 0_usize;
        while let Some(token) = self.peek() {
            match token.kind {
                TokenKind::Open => open += 1,
                TokenKind::Close if open == 0 => return,
                TokenKind::Close => open -= 1,
                _ if open == 0 && self.keyword().is_some_and(|keyword| keyword != Keyword::Not) => {
                    return;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    pub(super) fn unexpected(&mut self, expected: &str) {
        let end = self.text.trim_end().len();
        let (span, found) = self.peek().map_or((end..end, "the end of the rule".to_owned()), |token| {
            let written = self.text.get(token.span.clone()).unwrap_or_default();
            (token.span.clone(), format!("`{}`", shortened(written)))
        });
        self.fault(span, format!("expected {expected}, found {found}"), None);
    }

    pub(super) fn fault(&mut self, span: Range<usize>, message: impl Into<String>, help: Option<&str>) {
        if !self.stopped {
            self.faults.push(Diagnostic { span, message: message.into(), help: help.map(str::to_owned) });
        }
    }
}

/// What Entra calls an operator of another language.
pub(super) fn replacement(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "=" | "==" | "===" | "equals" | "is" | "equal" => "-eq",
        "!=" | "!==" | "<>" | "neq" | "notequals" | "notequal" | "noteq" => "-ne",
        "&&" | "&" => "-and",
        "||" | "|" => "-or",
        "!" => "-not",
        "starts" | "startwith" | "beginswith" => "-startsWith",
        "ends" | "endwith" => "-endsWith",
        "contain" | "includes" | "like" => "-contains",
        "notlike" => "-notContains",
        "matches" | "regex" | "=~" => "-match",
        "gt" | "ge=" | ">" | ">=" | "greaterthan" => "-ge",
        "lt" | "<" | "<=" | "lessthan" => "-le",
        _ => return None,
    })
}

/// Enough of the source to recognize it.
pub(super) fn shortened(written: &str) -> String {
    const SHOWN: usize = 40;
    match written.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", written.split_at(end).0),
        None => written.to_owned(),
    }
}
