//! Text to [`Rule`]. Anything outside the small language gives nothing.

use serde_json::Value;

use super::{Rule, graph_name};

/// Nesting is bounded, so that a hostile rule cannot exhaust the stack.
const DEPTH_MAX: u32 = 50;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Mark(char),
}

pub(super) fn rule(text: &str) -> Option<Rule> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: tokens.iter().peekable(), depth: 0 };
    let rule = parser.or()?;
    parser.tokens.next().is_none().then_some(rule)
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..)?;
        rest = match first {
            '(' | ')' | '[' | ']' | ',' => {
                tokens.push(Token::Mark(first));
                after
            }
            '"' => {
                let (quoted, after) = after.split_once('"')?;
                // An escaped quote is beyond the small language.
                if quoted.ends_with(['`', '\\']) {
                    return None;
                }
                tokens.push(Token::Quoted(quoted.to_owned()));
                after
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "()[],\"".contains(c)).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                tokens.push(Token::Word(word.to_owned()));
                after
            }
        }
        .trim_start();
    }
    Some(tokens)
}

struct Parser<'t> {
    tokens: std::iter::Peekable<std::slice::Iter<'t, Token>>,
    depth: u32,
}

impl Parser<'_> {
    /// An operator, with or without its hyphen, in any case.
    fn operator(&mut self, wanted: &str) -> bool {
        let is = |token: &&Token| matches!(token, Token::Word(word) if word.trim_start_matches('-').eq_ignore_ascii_case(wanted));
        self.tokens.next_if(is).is_some()
    }

    fn mark(&mut self, wanted: char) -> Option<()> {
        self.tokens.next_if(|token| **token == Token::Mark(wanted)).map(|_| ())
    }

    fn or(&mut self) -> Option<Rule> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut left = self.and()?;
        while self.operator("or") {
            left = Rule::Or(Box::new(left), Box::new(self.and()?));
        }
        self.depth -= 1;
        Some(left)
    }

    fn and(&mut self) -> Option<Rule> {
        let mut left = self.not()?;
        while self.operator("and") {
            left = Rule::And(Box::new(left), Box::new(self.not()?));
        }
        Some(left)
    }

    fn not(&mut self) -> Option<Rule> {
        if self.operator("not") { Some(Rule::Not(Box::new(self.primary()?))) } else { self.primary() }
    }

    fn primary(&mut self) -> Option<Rule> {
        if self.mark('(').is_some() {
            let inner = self.or()?;
            self.mark(')')?;
            return Some(inner);
        }
        let Some(Token::Word(word)) = self.tokens.next() else { return None };
        let (object, name) = word.split_once('.')?;
        let property = if object.eq_ignore_ascii_case("user") { graph_name(name)? } else { return None };
        let Some(Token::Word(operator)) = self.tokens.next() else { return None };
        match operator.trim_start_matches('-').to_lowercase().as_str() {
            "eq" => Some(Rule::In(property, vec![self.value()?])),
            "ne" => Some(Rule::Not(Box::new(Rule::In(property, vec![self.value()?])))),
            "in" => Some(Rule::In(property, self.list()?)),
            "notin" => Some(Rule::Not(Box::new(Rule::In(property, self.list()?)))),
            "startswith" => Some(Rule::StartsWith(property, self.value()?.as_str()?.to_owned())),
            "notstartswith" => {
                Some(Rule::Not(Box::new(Rule::StartsWith(property, self.value()?.as_str()?.to_owned()))))
            }
            _ => None,
        }
    }

    fn value(&mut self) -> Option<Value> {
        match self.tokens.next()? {
            Token::Quoted(text) => Some(Value::String(text.clone())),
            Token::Word(word) => match word.to_lowercase().as_str() {
                "true" => Some(Value::Bool(true)),
                "false" => Some(Value::Bool(false)),
                "null" | "$null" => Some(Value::Null),
                _ => None,
            },
            Token::Mark(_) => None,
        }
    }

    fn list(&mut self) -> Option<Vec<Value>> {
        self.mark('[')?;
        let mut values = vec![self.value()?];
        while self.mark(',').is_some() {
            values.push(self.value()?);
        }
        self.mark(']')?;
        Some(values)
    }
}
