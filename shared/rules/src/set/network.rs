//! The rules as one graph of nodes, each thing in it once.

use std::collections::HashMap;

use crate::evaluate::{Clause, Predicate, Sign, Test, TextTest};

/// A node's place in the network; a node comes after all it consists of.
pub(super) type NodeId = usize;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// A comparison without its sign.
    Test {
        slot: usize,
        predicate: Predicate,
    },
    Not(NodeId),
    Any(Vec<NodeId>),
    All(Vec<NodeId>),
}

#[derive(Debug, Default)]
pub(super) struct Network {
    nodes: Vec<Node>,
    known: HashMap<Node, NodeId>,
}

impl Network {
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate()
    }

    /// The property that a comparison is about.
    pub(super) fn slot(&self, id: NodeId) -> Option<usize> {
        match self.node(id) {
            Some(Node::Test { slot, .. }) => Some(*slot),
            _ => None,
        }
    }

    pub(super) fn add(&mut self, clause: &Clause) -> NodeId {
        match clause {
            Clause::Any(parts) => self.join(parts, Node::Any),
            Clause::All(parts) => self.join(parts, Node::All),
            Clause::Not(inner) => {
                let inner = self.add(inner);
                self.not(inner)
            }
            Clause::Test(test) => self.test(test),
        }
    }

    fn join(&mut self, parts: &[Clause], join: fn(Vec<NodeId>) -> Node) -> NodeId {
        let ids = parts.iter().map(|part| self.add(part)).collect();
        self.joined(ids, join)
    }

    /// One order for what is the same; what is cheap first.
    fn joined(&mut self, mut ids: Vec<NodeId>, join: fn(Vec<NodeId>) -> Node) -> NodeId {
        ids.sort_by_key(|id| (self.cost(*id), *id));
        ids.dedup();
        match ids.as_slice() {
            [only] => *only,
            _ => self.intern(join(ids)),
        }
    }

    fn not(&mut self, inner: NodeId) -> NodeId {
        match self.node(inner) {
            Some(Node::Not(twice)) => *twice,
            _ => self.intern(Node::Not(inner)),
        }
    }

    /// A negative comparison is the opposite of the positive one, which is false of null, unless it is to be false of
    /// null too.
    fn test(&mut self, test: &Test) -> NodeId {
        let Sign { negated, null } = test.sign;
        let positive = self.intern(Node::Test { slot: test.slot, predicate: test.predicate.clone() });
        if !negated {
            return positive;
        }
        let opposite = self.not(positive);
        if null || test.predicate == Predicate::Null {
            return opposite;
        }
        let empty = self.intern(Node::Test { slot: test.slot, predicate: Predicate::Null });
        let present = self.not(empty);
        self.joined(vec![opposite, present], Node::All)
    }

    fn intern(&mut self, node: Node) -> NodeId {
        *self.known.entry(node).or_insert_with_key(|node| {
            self.nodes.push(node.clone());
            self.nodes.len() - 1
        })
    }

    /// Roughly how dear a node is.
    fn cost(&self, id: NodeId) -> u8 {
        match self.node(id) {
            Some(Node::Test { predicate, .. }) => match predicate {
                Predicate::Text(TextTest::Matches(_)) | Predicate::Items { .. } => 4,
                Predicate::Text(TextTest::Contains(_)) => 2,
                Predicate::Null | Predicate::Is(_) | Predicate::Date(_) | Predicate::Text(_) => 0,
            },
            Some(Node::Not(inner)) => self.cost(*inner),
            Some(Node::Any(_) | Node::All(_)) => 3,
            None => 0,
        }
    }

    /// Comparisons that can be looked up, at least one of which holds whenever the node does; the rarest to be had.
    pub(super) fn guard(&self, id: NodeId) -> Option<Vec<NodeId>> {
        match self.node(id)? {
            Node::Test { predicate, .. } => is_indexed(predicate).then(|| vec![id]),
            Node::Not(_) => None,
            Node::Any(parts) => {
                let guards: Option<Vec<_>> = parts.iter().map(|part| self.guard(*part)).collect();
                guards.map(|guards| guards.concat())
            }
            Node::All(parts) => parts
                .iter()
                .filter_map(|part| self.guard(*part))
                .min_by_key(|guard| guard.iter().map(|id| self.commonness(*id)).sum::<usize>()),
        }
    }

    /// How often a comparison may be expected to hold, in no particular unit.
    fn commonness(&self, id: NodeId) -> usize {
        match self.node(id) {
            Some(Node::Test { predicate: Predicate::Text(TextTest::Equals(_)), .. }) => 1,
            Some(Node::Test { predicate: Predicate::Text(TextTest::OneOf(wanted)), .. }) => wanted.len(),
            Some(Node::Test { predicate: Predicate::Text(_), .. }) => 20,
            _ => 1_000,
        }
    }
}

/// Whether a value leads to the comparison by way of an index.
pub(super) fn is_indexed(predicate: &Predicate) -> bool {
    use TextTest::{EndsWith, Equals, OneOf, StartsWith};
    matches!(
        predicate,
        Predicate::Null | Predicate::Is(_) | Predicate::Text(Equals(_) | OneOf(_) | StartsWith(_) | EndsWith(_))
    )
}
