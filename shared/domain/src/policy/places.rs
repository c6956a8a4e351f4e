//! Where the values of a policy stand in its text, for faults that only show elsewhere: in the tenant.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Lines};

/// The places of the values in a policy's text.
pub struct Places<'t> {
    lines: Lines<'t>,
    spans: BTreeMap<String, Range<usize>>,
}

impl<'t> Places<'t> {
    /// Finds every value. A value is named by its path, with the positions in lists counted from 0: `packages.0.groups.1.id`.
    pub fn of(text: &'t str) -> Self {
        let (root, _) = DeTable::parse_recoverable(text);
        let mut spans = BTreeMap::new();
        for (name, value) in root.get_ref() {
            walk(name.get_ref(), value, &mut spans);
        }
        Self { lines: Lines::of(text), spans }
    }

    /// A fault of the value at a path, or of the nearest table around it. At the beginning of the text if there is none.
    pub fn fault(&self, path: &str, message: impl Into<String>, help: impl Into<String>) -> Fault {
        let mut path = path;
        let span = loop {
            match (self.spans.get(path), path.rsplit_once('.')) {
                (Some(span), _) => break span.clone(),
                (None, Some((outer, _))) => path = outer,
                (None, None) => break 0..0,
            }
        };
        Fault::new(span, message).help(help).placed(&self.lines, &[])
    }

    /// The same as a warning.
    pub fn warning(&self, path: &str, message: impl Into<String>, help: impl Into<String>) -> Fault {
        self.fault(path, message, help).warning()
    }
}

fn walk(path: &str, value: &Spanned<DeValue<'_>>, spans: &mut BTreeMap<String, Range<usize>>) {
    spans.insert(path.to_owned(), value.span());
    match value.get_ref() {
        DeValue::Table(table) => {
            table.iter().for_each(|(name, value)| walk(&format!("{path}.{}", name.get_ref()), value, spans));
        }
        DeValue::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| walk(&format!("{path}.{at}"), value, spans));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_where_it_is_written_however_it_is_nested() {
        let text = "# \"a\"\n[[packages]]\ngroups = [{ id = \"a\" },\n  { id = \"b\" }]\n[[packages]]\nname = \"c\"\n";
        let places = Places::of(text);
        let at = |path: &str| {
            let fault = places.fault(path, "no", "do");
            (fault.line, fault.column)
        };
        assert_eq!(at("packages.0.groups.0.id"), (3, 18));
        assert_eq!(at("packages.0.groups.1.id"), (4, 10));
        assert_eq!(at("packages.1.name"), (6, 8));
        assert_eq!(at("packages.1.groups.0.id"), at("packages.1"), "what is not there is shown where it would be");
        assert_eq!(at("tenant.domain"), (1, 1));
    }
}
