//! The network on one user after another.

use super::RuleSet;
use super::network::{Node, NodeId, is_indexed};
use crate::evaluate::Predicate;
use crate::facts::{Cell, Facts};
use crate::rule::Context;

/// Runs a [`RuleSet`]. It keeps its memory from one user to the next.
#[derive(Debug)]
pub struct Evaluator<'s> {
    set: &'s RuleSet,
    found: Found,
    /// By rule: whether it is to be looked at.
    woken: Bits,
    matches: Matches,
}

/// What is known of one user so far.
#[derive(Debug)]
struct Found {
    /// By node: whether it is true, where that is known.
    truth: Bits,
    known: Bits,
    /// By property: whether its index has been asked.
    asked: Bits,
}

/// Which rules select a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matches(Bits);

impl Matches {
    /// Whether the rule in that place does.
    pub fn contains(&self, rule: usize) -> bool {
        self.0.get(rule)
    }

    /// The places of those that do, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter()
    }
}

impl<'s> Evaluator<'s> {
    pub(super) fn new(set: &'s RuleSet) -> Self {
        Self {
            set,
            found: Found {
                truth: Bits::new(set.network.len()),
                known: Bits::new(set.network.len()),
                asked: Bits::new(set.properties.len()),
            },
            woken: Bits::new(set.len()),
            matches: Matches(Bits::new(set.len())),
        }
    }

    /// The rules that select the user.
    pub fn evaluate(&mut self, facts: &Facts, context: Context) -> &Matches {
        let set = self.set;
        self.found.forget();
        self.woken.clear();
        self.matches.0.clear();
        for slot in &set.guards {
            self.ask(*slot, facts);
        }
        for rule in &set.unguarded {
            self.woken.set(*rule);
        }
        let mut run = Run { set, facts, now: context.now.as_microsecond(), found: &mut self.found };
        for rule in self.woken.iter() {
            if run.rule(rule) {
                self.matches.0.set(rule);
            }
        }
        &self.matches
    }

    /// The rules that select the user after some properties changed, named as Graph selects them; `system.now` names
    /// the clock. Only the rules that read one of them are run: the others' verdicts are the previous ones.
    pub fn reevaluate(&mut self, facts: &Facts, context: Context, previous: &Matches, changed: &[&str]) -> &Matches {
        let set = self.set;
        self.found.forget();
        self.matches.0.copy(&previous.0);
        let mut run = Run { set, facts, now: context.now.as_microsecond(), found: &mut self.found };
        for rule in set.named(changed).flat_map(|readers| &readers.rules) {
            // A rule that reads two of them is run twice: the second time all its nodes are known.
            let holds = run.rule(*rule);
            self.matches.0.put(*rule, holds);
        }
        &self.matches
    }

    pub(super) fn into_matches(self) -> Matches {
        self.matches
    }

    /// Asks the index of the property, and wakes the rules that wait for what has come true.
    fn ask(&mut self, slot: usize, facts: &Facts) {
        self.found.asked.set(slot);
        let Some(index) = self.set.indexes.get(slot) else { return };
        index.each_hit(facts.cell(slot), |id| {
            self.found.truth.set(id);
            for rule in self.set.guarded.get(id).into_iter().flatten() {
                self.woken.set(*rule);
            }
        });
    }
}

impl Found {
    fn forget(&mut self) {
        self.truth.clear();
        self.known.clear();
        self.asked.clear();
    }
}

/// One user.
struct Run<'a> {
    set: &'a RuleSet,
    facts: &'a Facts,
    now: i64,
    found: &'a mut Found,
}

impl Run<'_> {
    fn rule(&mut self, rule: usize) -> bool {
        self.set.roots.get(rule).is_some_and(|root| self.holds(*root))
    }

    /// As deep as the deepest rule: see [`DEPTH_MAX`](crate::DEPTH_MAX).
    fn holds(&mut self, id: NodeId) -> bool {
        let set = self.set;
        let holds = match set.network.node(id) {
            Some(Node::Not(inner)) => return !self.holds(*inner),
            Some(Node::Test { slot, predicate }) if is_indexed(predicate) => {
                self.ask(*slot);
                return self.found.truth.get(id);
            }
            _ if self.found.known.get(id) => return self.found.truth.get(id),
            Some(Node::Test { slot, predicate }) => self.test(self.facts.cell(*slot), predicate),
            Some(Node::Any(parts)) => parts.iter().any(|part| self.holds(*part)),
            Some(Node::All(parts)) => parts.iter().all(|part| self.holds(*part)),
            None => false,
        };
        self.found.known.set(id);
        self.found.truth.put(id, holds);
        holds
    }

    fn test(&self, cell: &Cell, predicate: &Predicate) -> bool {
        !matches!(cell, Cell::Null) && predicate.holds(cell, Some(self.now))
    }

    fn ask(&mut self, slot: usize) {
        if self.found.asked.get(slot) {
            return;
        }
        self.found.asked.set(slot);
        if let Some(index) = self.set.indexes.get(slot) {
            index.each_hit(self.facts.cell(slot), |id| self.found.truth.set(id));
        }
    }
}

/// A set of small numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn get(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn set(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    fn put(&mut self, at: usize, is_in: bool) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word = *word & !(1 << (at % 64)) | u64::from(is_in) << (at % 64);
        }
    }

    fn clear(&mut self) {
        self.0.fill(0);
    }

    /// Takes over the other set's numbers, as far as they are small enough.
    fn copy(&mut self, other: &Self) {
        self.clear();
        for (to, from) in self.0.iter_mut().zip(&other.0) {
            *to = *from;
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(place, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let lowest = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(place * 64 + lowest)
            })
        })
    }
}
