//! Text to [`Filter`], by recursive descent.

use super::{Filter, Literal, Op, Part};
use crate::refusal::Refusal;

/// Nesting is bounded, so that a hostile filter cannot exhaust the stack.
const DEPTH_MAX: u32 = 50;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A name, keyword, number, instant or GUID.
    Word(String),
    Quoted(String),
    Open,
    Close,
    Comma,
    Colon,
}

pub(super) fn filter(text: &str) -> Result<Filter, Refusal> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: tokens.iter().peekable(), depth: 0 };
    let filter = parser.or()?;
    match parser.tokens.next() {
        None => Ok(filter),
        Some(_) => Err(invalid()),
    }
}

fn invalid() -> Refusal {
    Refusal::new(400, "BadRequest", "Invalid filter clause: the filter is not well-formed.")
}

fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let token = match first {
            ' ' | '\t' => {
                rest = rest.trim_start();
                continue;
            }
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '\'' => {
                let (quoted, after) = quoted(rest).ok_or_else(invalid)?;
                tokens.push(Token::Quoted(quoted));
                rest = after;
                continue;
            }
            // A colon inside an instant belongs to the word; the one behind a lambda's variable stands alone.
            ':' => Token::Colon,
            _ => {
                let (word, after) = word(rest);
                tokens.push(Token::Word(word.to_owned()));
                rest = after;
                continue;
            }
        };
        tokens.push(token);
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    Ok(tokens)
}

/// A string and what follows it; a doubled quote is a quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text.strip_prefix('\'')?;
    loop {
        let (before, after) = rest.split_once('\'')?;
        value.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                value.push('\'');
                rest = more;
            }
            None => return Some((value, after)),
        }
    }
}

fn word(text: &str) -> (&str, &str) {
    let numeric = text.starts_with(|c: char| c.is_ascii_digit());
    let ends = |c: char| matches!(c, ' ' | '\t' | '(' | ')' | ',' | '\'') || (c == ':' && !numeric);
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

struct Parser<'t> {
    tokens: std::iter::Peekable<std::slice::Iter<'t, Token>>,
    depth: u32,
}

impl Parser<'_> {
    fn keyword(&mut self, wanted: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Word(word) if word == wanted)).is_some()
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), Refusal> {
        self.tokens.next_if(|token| *token == wanted).map(|_| ()).ok_or_else(invalid)
    }

    fn or(&mut self) -> Result<Filter, Refusal> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(invalid());
        }
        let mut left = self.and()?;
        while self.keyword("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, Refusal> {
        let mut left = self.not()?;
        while self.keyword("and") {
            left = Filter::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Filter, Refusal> {
        if self.keyword("not") { Ok(Filter::Not(Box::new(self.primary()?))) } else { self.primary() }
    }

    fn primary(&mut self) -> Result<Filter, Refusal> {
        match self.tokens.next() {
            Some(Token::Open) => {
                let inner = self.or()?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("startswith") => self.function(Part::Start),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("endswith") => self.function(Part::End),
            Some(Token::Word(word))
                if ["contains", "tolower", "toupper", "length"].contains(&word.to_lowercase().as_str()) =>
            {
                Err(Refusal::unsupported_query(format!(
                    "Unsupported or invalid query filter clause: function '{word}'."
                )))
            }
            Some(Token::Word(word)) => match word.strip_suffix("/any") {
                Some(list) => self.any(list),
                None => self.comparison(path(word)),
            },
            _ => Err(invalid()),
        }
    }

    fn function(&mut self, part: Part) -> Result<Filter, Refusal> {
        self.expect(&Token::Open)?;
        let Some(Token::Word(property)) = self.tokens.next() else { return Err(invalid()) };
        self.expect(&Token::Comma)?;
        let Some(Token::Quoted(wanted)) = self.tokens.next() else { return Err(invalid()) };
        self.expect(&Token::Close)?;
        Ok(Filter::Text(path(property), part, wanted.clone()))
    }

    fn any(&mut self, list: &str) -> Result<Filter, Refusal> {
        self.expect(&Token::Open)?;
        let Some(Token::Word(variable)) = self.tokens.next() else { return Err(invalid()) };
        self.expect(&Token::Colon)?;
        let inner = self.or()?;
        self.expect(&Token::Close)?;
        Ok(Filter::Any(path(list), variable.clone(), Box::new(inner)))
    }

    fn comparison(&mut self, path: Vec<String>) -> Result<Filter, Refusal> {
        let Some(Token::Word(op)) = self.tokens.next() else { return Err(invalid()) };
        let op = match op.as_str() {
            "eq" => Op::Eq,
            "ne" => Op::Ne,
            "ge" => Op::Ge,
            "le" => Op::Le,
            "in" => return self.list(path),
            _ => return Err(invalid()),
        };
        Ok(Filter::Compare(path, op, self.literal()?))
    }

    fn list(&mut self, path: Vec<String>) -> Result<Filter, Refusal> {
        self.expect(&Token::Open)?;
        let mut literals = vec![self.literal()?];
        while self.tokens.next_if(|token| **token == Token::Comma).is_some() {
            literals.push(self.literal()?);
        }
        self.expect(&Token::Close)?;
        Ok(Filter::In(path, literals))
    }

    fn literal(&mut self) -> Result<Literal, Refusal> {
        match self.tokens.next() {
            Some(Token::Quoted(text)) => Ok(Literal::Text(text.clone())),
            Some(Token::Word(word)) => Ok(match word.as_str() {
                "null" => Literal::Null,
                "true" => Literal::Flag(true),
                "false" => Literal::Flag(false),
                _ => Literal::Text(word.clone()),
            }),
            _ => Err(invalid()),
        }
    }
}

fn path(word: &str) -> Vec<String> {
    word.split('/').map(str::to_owned).collect()
}
