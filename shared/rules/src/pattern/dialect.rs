//! A .NET pattern in the syntax of the `regex` crate.

use std::iter::Peekable;
use std::str::Chars;

/// The same pattern in the other syntax, or every construct that has none there.
pub(super) fn from_dotnet(source: &str) -> Result<String, Vec<String>> {
    let mut reader = Reader {
        rest: source.chars().peekable(),
        written: String::with_capacity(source.len()),
        faults: Vec::new(),
        repeated: false,
    };
    while let Some(c) = reader.rest.next() {
        reader.construct(c);
    }
    if reader.faults.is_empty() { Ok(reader.written) } else { Err(reader.faults) }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    written: String,
    faults: Vec<String>,
    /// Whether what came last was a quantifier.
    repeated: bool,
}

impl Reader<'_> {
    fn construct(&mut self, c: char) {
        let repeated = std::mem::take(&mut self.repeated);
        match c {
            '\\' => self.escape(),
            '[' => self.class(),
            '(' if self.take('?') => self.group(),
            '{' if !self.at_repetition() => self.written.push_str(r"\{"),
            '*' | '+' | '?' | '{' => {
                if repeated {
                    self.refuse("two quantifiers stand one after another".into());
                }
                self.written.push(c);
                if c == '{' {
                    self.copy_to('}');
                }
                if self.take('?') {
                    self.written.push('?');
                }
                self.repeated = true;
            }
            _ => self.written.push(c),
        }
    }

    /// After `\`.
    fn escape(&mut self) {
        let Some(c) = self.rest.next() else { return self.written.push('\\') };
        match c {
            '1'..='9' | 'k' => {
                self.refuse(format!("`\\{c}` is a backreference, which cannot be matched in bounded time"));
            }
            '0' => self.refuse(
                "`\\0` begins an octal character, which is not supported: write `\\x` and two hexadecimal digits"
                    .into(),
            ),
            'G' => self.refuse("`\\G` is not supported".into()),
            'c' => self
                .refuse("`\\c` (a control character) is not supported: write `\\x` and two hexadecimal digits".into()),
            'Z' => self.written.push_str(r"\z"),
            'e' => self.written.push_str(r"\x1B"),
            // Word boundaries in the other syntax.
            '<' | '>' => self.written.push(c),
            'b' if self.rest.peek() == Some(&'{') => self.written.push_str("(?:\\b)"),
            _ => self.written.extend(['\\', c]),
        }
    }

    /// After `[`. Inside, the other syntax gives a meaning to `[`, `&&`, `--` and `~~` that .NET does not.
    fn class(&mut self) {
        self.written.push('[');
        if self.take('^') {
            self.written.push('^');
        }
        let mut first = true;
        while let Some(c) = self.rest.next() {
            match c {
                ']' if !first => return self.written.push(']'),
                '\\' => self.class_escape(),
                '-' if self.rest.peek() == Some(&'[') && !first => {
                    self.refuse("`-[` is a subtraction of character classes, which is not supported".into());
                    self.written.push_str(r"\-");
                }
                '-' if self.rest.peek() == Some(&'-') => self.written.push_str(r"\-"),
                '[' | ']' | '&' | '~' => self.written.extend(['\\', c]),
                _ => self.written.push(c),
            }
            first = false;
        }
    }

    /// After `\` inside a class.
    fn class_escape(&mut self) {
        match self.rest.next() {
            Some('b') => self.written.push_str(r"\x08"),
            Some('e') => self.written.push_str(r"\x1B"),
            Some('0'..='9') => {
                self.refuse("an octal character is not supported: write `\\x` and two hexadecimal digits".into());
            }
            Some('c') => self
                .refuse("`\\c` (a control character) is not supported: write `\\x` and two hexadecimal digits".into()),
            Some(c @ ('<' | '>')) => self.written.push(c),
            Some(c) => self.written.extend(['\\', c]),
            None => self.written.push('\\'),
        }
    }

    /// After `(?`.
    fn group(&mut self) {
        let Some(&c) = self.rest.peek() else { return self.written.push_str("(?") };
        match c {
            '=' | '!' => self.refuse(format!("`(?{c}` is a look-ahead, which cannot be matched in bounded time")),
            '>' => self.refuse("`(?>` is an atomic group, which cannot be matched in bounded time".into()),
            '(' => self.refuse("`(?(` is a condition, which cannot be matched in bounded time".into()),
            'P' => self.refuse("`(?P` is Python's: .NET writes a named group `(?<name>…)`".into()),
            '#' => {
                while self.rest.next().is_some_and(|c| c != ')') {}
                return;
            }
            '<' | '\'' => return self.named(c),
            ':' => return self.written.push_str("(?"),
            _ => return self.options(),
        }
        // Read on as a plain group, for what else is wrong.
        if c != '(' {
            self.rest.next();
        }
        self.written.push('(');
    }

    /// At the `<` or `'` of a named group. The name is of no use to a search, and .NET's may hold what the other
    /// syntax's may not.
    fn named(&mut self, quote: char) {
        self.rest.next();
        if quote == '<'
            && let Some(&c @ ('=' | '!')) = self.rest.peek()
        {
            self.refuse(format!("`(?<{c}` is a look-behind, which cannot be matched in bounded time"));
            self.rest.next();
            return self.written.push('(');
        }
        let closing = if quote == '<' { '>' } else { '\'' };
        let mut name = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
            name.push(c);
        }
        if name.contains('-') {
            self.refuse(format!("`(?<{name}>` is a balancing group, which cannot be matched in bounded time"));
        } else if name.is_empty() || !self.take(closing) {
            self.refuse("the name of a group is not closed".into());
        }
        self.written.push('(');
    }

    /// At the options of `(?im-s)` or `(?i:`.
    fn options(&mut self) {
        self.written.push_str("(?");
        while let Some(c) = self.rest.next_if(|c| !matches!(c, ')' | ':')) {
            if !matches!(c, 'i' | 'm' | 's' | 'x' | '-') {
                self.refuse(format!("the option `{c}` of `(?…)` is not supported"));
                break;
            }
            self.written.push(c);
        }
    }

    /// Whether `{` begins `{2}`, `{2,}` or `{2,3}`; anything else is itself in .NET.
    fn at_repetition(&self) -> bool {
        let mut rest = self.rest.clone();
        let digits = |rest: &mut Peekable<Chars<'_>>| {
            let mut count = 0;
            while rest.next_if(char::is_ascii_digit).is_some() {
                count += 1;
            }
            count
        };
        if digits(&mut rest) == 0 {
            return false;
        }
        if rest.next_if_eq(&',').is_some() {
            digits(&mut rest);
        }
        rest.next() == Some('}')
    }

    fn copy_to(&mut self, last: char) {
        for c in self.rest.by_ref() {
            self.written.push(c);
            if c == last {
                return;
            }
        }
    }

    fn take(&mut self, expected: char) -> bool {
        self.rest.next_if_eq(&expected).is_some()
    }

    fn refuse(&mut self, fault: String) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}
