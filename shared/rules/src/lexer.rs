//! Text into tokens, in one pass. Never fails: what is wrong is noted and read as what was probably meant.

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use crate::ast::quoted;
use crate::choices::{Choices, EscapedQuotes, QuoteEscape};
use crate::diagnostic::Diagnostic;

/// One token and its place.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Range<usize>,
}

/// What a token is.
#[derive(Debug, PartialEq)]
pub(crate) enum TokenKind {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenList,
    /// `]`
    CloseList,
    /// `,`
    Comma,
    /// A string, its escapes resolved.
    Text(String),
    /// A name, a keyword without its hyphen, a number, a date: anything written bare.
    Word(String),
    /// The name after a hyphen or an en dash.
    Hyphenated(String),
    /// A run of other characters; no rule needs one.
    Symbol(String),
}

/// Every token of the source, and what is wrong with those that could not be read as they stand.
pub(crate) fn tokens(source: &str, choices: &Choices) -> (Vec<Token>, Vec<Diagnostic>) {
    let mut lexer = Lexer {
        source,
        escaped_quotes: choices.escaped_quotes,
        escapes: match choices.quote_escape {
            QuoteEscape::Either => &['`', '\\'],
            QuoteEscape::Backtick => &['`'],
            QuoteEscape::Backslash => &['\\'],
        },
        rest: source.char_indices().peekable(),
        faults: Vec::new(),
    };
    let mut tokens = Vec::new();
    while let Some((start, first)) = lexer.rest.next() {
        if first.is_whitespace() {
            continue;
        }
        if INVISIBLE.contains(first) {
            let fault = Diagnostic::new(start..lexer.at(), "an invisible character stands here");
            lexer.faults.push(fault.help(format!("delete it: U+{:04X}", u32::from(first))));
            continue;
        }
        let kind = lexer.token(start, first);
        tokens.push(Token { kind, span: start..lexer.at() });
    }
    (tokens, lexer.faults)
}

struct Lexer<'a> {
    source: &'a str,
    /// What escapes a double quote inside double quotes.
    escapes: &'static [char],
    escaped_quotes: EscapedQuotes,
    rest: Peekable<CharIndices<'a>>,
    faults: Vec<Diagnostic>,
}

impl Lexer<'_> {
    fn token(&mut self, start: usize, first: char) -> TokenKind {
        match first {
            '(' => TokenKind::Open,
            ')' => TokenKind::Close,
            '[' => TokenKind::OpenList,
            ']' => TokenKind::CloseList,
            ',' => TokenKind::Comma,
            '"' | '\'' => self.string(start, first),
            '“' | '”' | '„' | '‘' | '’' | '‚' => self.typographic(start, first),
            '`' | '\\' if self.peek() == Some('"') => self.escaped(start, first),
            '-' | '–' if self.peek().is_some_and(char::is_alphabetic) => self.hyphenated(),
            _ if DASHES.contains(first) && self.peek().is_some_and(char::is_alphabetic) => {
                let fault = Diagnostic::new(start..start + first.len_utf8(), format!("`{first}` is not a hyphen"));
                self.faults.push(fault.help("write `-`"));
                self.hyphenated()
            }
            // Markdown escapes the underscore; Microsoft's own page once did so inside a sample.
            '\\' if self.peek() == Some('_') => {
                self.rest.next();
                let fault = Diagnostic::new(start..self.at(), "`\\_` is not a value of the collection");
                self.faults.push(fault.help("write `_`"));
                TokenKind::Word("_".into())
            }
            // A bare number or date may hold what ends any other word.
            _ if first.is_numeric() => {
                TokenKind::Word(self.run(first.into(), |c| in_word(c) || matches!(c, '-' | ':' | '+')))
            }
            _ if in_word(first) => TokenKind::Word(self.run(first.into(), in_word)),
            _ => TokenKind::Symbol(self.run(first.into(), in_symbol)),
        }
    }

    fn hyphenated(&mut self) -> TokenKind {
        TokenKind::Hyphenated(self.run(String::new(), char::is_alphanumeric))
    }

    fn string(&mut self, start: usize, quote: char) -> TokenKind {
        let mut text = String::new();
        while let Some((_, c)) = self.rest.next() {
            let next = self.peek();
            match c {
                '\'' if next == Some('\'') => {
                    self.rest.next();
                    text.push('\'');
                }
                _ if quote == '"' && next == Some('"') && self.escapes.contains(&c) => {
                    self.rest.next();
                    text.push('"');
                }
                _ if c == quote => return TokenKind::Text(text),
                _ => text.push(c),
            }
        }
        let fault = Diagnostic::new(start..self.at(), "this string has no closing quote");
        self.faults.push(fault.help(format!("add a `{quote}` where it ends")));
        TokenKind::Text(text)
    }

    /// A string whose quotes are escaped, as in a rule cut out of a PowerShell script.
    fn escaped(&mut self, start: usize, escape: char) -> TokenKind {
        self.rest.next();
        let text = self.run(String::new(), |c| c != '"');
        self.rest.next();
        let inner = text.strip_suffix(escape);
        if self.escaped_quotes == EscapedQuotes::Accepted
            && let Some(inner) = inner
        {
            return TokenKind::Text(inner.replace("''", "'"));
        }
        let text = text.trim_end_matches(['`', '\\']).to_owned();
        let fault = Diagnostic::new(start..self.at(), "the quotes around a string are not escaped");
        self.faults.push(fault.help(format!("write `{}`", quoted(&text))));
        TokenKind::Text(text)
    }

    /// Word processors turn quotes into these; Entra does not take them.
    fn typographic(&mut self, start: usize, opening: char) -> TokenKind {
        let closing = if "“”„".contains(opening) { ['“', '”', '"'] } else { ['‘', '’', '\''] };
        let text = self.run(String::new(), |c| !closing.contains(&c));
        self.rest.next();
        let fault = Diagnostic::new(start..self.at(), "a string cannot stand in typographic quotes");
        self.faults.push(fault.help(format!("write `{}`", quoted(&text))));
        TokenKind::Text(text)
    }

    fn run(&mut self, mut text: String, belongs: impl Fn(char) -> bool) -> String {
        while let Some((_, c)) = self.rest.next_if(|(_, c)| belongs(*c)) {
            text.push(c);
        }
        text
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, c)| *c)
    }

    /// The byte after what has been read.
    fn at(&mut self) -> usize {
        self.rest.peek().map_or(self.source.len(), |(at, _)| *at)
    }
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '$')
}

fn in_symbol(c: char) -> bool {
    !in_word(c)
        && !c.is_whitespace()
        && !"()[],\"'“”„‘’‚-–\\".contains(c)
        && !DASHES.contains(c)
        && !INVISIBLE.contains(c)
}

/// What looks like a hyphen and is none: hyphen, non-breaking hyphen, figure dash, em dash, minus.
const DASHES: &str = "‐‑‒—−";

/// What web pages and editors leave behind: zero-width blanks and joiners, soft hyphen, byte order mark.
const INVISIBLE: &str = "\u{200b}\u{200c}\u{200d}\u{2060}\u{ad}\u{feff}";
