//! From the value of a property to the comparisons it satisfies.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::network::{Network, Node, NodeId};
use crate::evaluate::{Predicate, TextTest};
use crate::facts::Cell;

/// The comparisons of one property that can be looked up.
#[derive(Debug, Default)]
pub(super) struct Index {
    null: Vec<NodeId>,
    truths: Vec<NodeId>,
    falsehoods: Vec<NodeId>,
    exact: Lookup,
    starts: Affixes,
    ends: Affixes,
}

impl Index {
    /// One for each property.
    pub(super) fn all(network: &Network, properties: usize) -> Vec<Self> {
        let mut indexes: Vec<Self> = std::iter::repeat_with(Self::default).take(properties).collect();
        for (id, node) in network.nodes() {
            if let Node::Test { slot, predicate } = node
                && let Some(index) = indexes.get_mut(*slot)
            {
                index.add(id, predicate);
            }
        }
        indexes
    }

    fn add(&mut self, id: NodeId, predicate: &Predicate) {
        match predicate {
            Predicate::Null => self.null.push(id),
            Predicate::Is(true) => self.truths.push(id),
            Predicate::Is(false) => self.falsehoods.push(id),
            Predicate::Text(TextTest::Equals(wanted)) => add(&mut self.exact, wanted, id),
            Predicate::Text(TextTest::OneOf(wanted)) => wanted.iter().for_each(|item| add(&mut self.exact, item, id)),
            Predicate::Text(TextTest::StartsWith(wanted)) => self.starts.add(wanted, id),
            Predicate::Text(TextTest::EndsWith(wanted)) => self.ends.add(wanted, id),
            Predicate::Text(TextTest::Contains(_) | TextTest::Matches(_))
            | Predicate::Date(_)
            | Predicate::Items { .. } => {}
        }
    }

    /// Calls for every comparison that holds of the value.
    pub(super) fn each_hit(&self, cell: &Cell, mut hit: impl FnMut(NodeId)) {
        let mut each = |ids: &[NodeId]| ids.iter().for_each(|id| hit(*id));
        match cell {
            Cell::Null => each(&self.null),
            Cell::Bool(true) => each(&self.truths),
            Cell::Bool(false) => each(&self.falsehoods),
            Cell::Text(text) => {
                let text = text.folded();
                if let Some(ids) = self.exact.get(text) {
                    each(ids);
                }
                self.starts.each(|length| text.get(..length), &mut each);
                self.ends.each(|length| text.get(text.len().checked_sub(length)?..), &mut each);
            }
            Cell::Texts(_) | Cell::Plans(_) | Cell::Date(_) => {}
        }
    }
}

/// Beginnings or ends of values, by length.
#[derive(Debug, Default)]
struct Affixes {
    /// Bytes, ascending.
    lengths: Vec<usize>,
    found: Lookup,
}

impl Affixes {
    fn add(&mut self, affix: &str, id: NodeId) {
        if let Err(place) = self.lengths.binary_search(&affix.len()) {
            self.lengths.insert(place, affix.len());
        }
        add(&mut self.found, affix, id);
    }

    fn each<'t>(&self, affix: impl Fn(usize) -> Option<&'t str>, each: &mut impl FnMut(&[NodeId])) {
        for length in &self.lengths {
            if let Some(ids) = affix(*length).and_then(|affix| self.found.get(affix)) {
                each(ids);
            }
        }
    }
}

type Lookup = HashMap<Box<str>, Vec<NodeId>, BuildHasherDefault<Quick>>;

fn add(lookup: &mut Lookup, key: &str, id: NodeId) {
    lookup.entry(key.into()).or_default().push(id);
}

/// A short string's hash, multiplied together eight bytes at a time. The keys are the policy's own, so nobody gains by
/// making them collide.
#[derive(Debug, Default)]
struct Quick(u64);

impl Quick {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.mix(u64::from_le_bytes(last) ^ (bytes.len() as u64).rotate_left(56));
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(u64::from(byte));
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}
