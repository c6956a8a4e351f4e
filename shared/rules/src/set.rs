//! Many rules on many users.
//!
//! Rules are compiled together into one network: a comparison that several rules make is one node of it, and so is a
//! whole expression they share. The comparisons that a value can be looked up for (`-eq`, `-in`, `-startsWith`,
//! `-endsWith`, booleans, null) are not made one by one: each property has an index from values to the comparisons they
//! satisfy. A rule that cannot hold unless one of such comparisons does is only looked at when it has come true; the
//! rest of a rule is then evaluated by need, each node at most once for one user.

mod evaluator;
mod index;
mod network;

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

pub use evaluator::{Evaluator, Matches};
use index::Index;
use network::{Network, NodeId};

use crate::evaluate::Clause;
use crate::facts::{Cell, Facts};
use crate::property::Property;
use crate::rule::{Context, Rule, flips_at, needs_clock};
use crate::time::timestamp;
use crate::value::Properties;

/// Rules compiled together; a rule is named by its place among them, from 0.
///
/// ```
/// use rules::{Context, Rule, RuleSet};
///
/// let rules = [Rule::new(r#"user.city -eq "Oslo""#)?, Rule::new("user.mail -ne null")?];
/// let set = RuleSet::compile(&rules);
/// let context = Context { now: "2026-03-01T00:00:00Z".parse().expect("an instant") };
///
/// let mut user = serde_json::json!({ "city": "Oslo" });
/// let mut facts = set.facts(&user);
/// let before = set.evaluate(&facts, context);
/// assert_eq!(before.iter().collect::<Vec<_>>(), [0]);
///
/// user["mail"] = "zoe@contoso.example".into();
/// set.refresh(&mut facts, &user, &["mail"]);
/// let after = set.reevaluate(&facts, context, &before, &["mail"]);
/// assert_eq!(after.iter().collect::<Vec<_>>(), [0, 1]);
/// # Ok::<(), rules::Diagnostics>(())
/// ```
#[derive(Debug)]
pub struct RuleSet {
    /// What the rules read, each property once: a cell of [`Facts`] each.
    properties: Vec<Property>,
    network: Network,
    /// One for each property.
    indexes: Vec<Index>,
    /// The node of each rule.
    roots: Vec<NodeId>,
    /// Rules that have to be looked at whatever the user has.
    unguarded: Vec<usize>,
    /// By node: the rules to look at when it comes true.
    guarded: Vec<Vec<usize>>,
    /// The properties whose indexes wake rules.
    guards: Vec<usize>,
    /// By what is selected of Graph: who reads it. `system.now` is one of them.
    readers: HashMap<Box<str>, Readers>,
    /// The clauses of the rules that read the clock, their slots those of `properties`.
    clocked: Vec<Clause>,
}

/// What depends on one thing that Graph selects.
#[derive(Debug, Default)]
struct Readers {
    /// In their order.
    rules: Vec<usize>,
    /// The places of the properties in it.
    slots: Vec<usize>,
}

/// What a rule that names `system.now` reads, among the properties of [`RuleSet::readers`].
const CLOCK: &str = "system.now";

impl RuleSet {
    /// Compiles the rules, in their order.
    pub fn compile<'r>(rules: impl IntoIterator<Item = &'r Rule>) -> Self {
        let mut properties: Vec<Property> = Vec::new();
        let mut places: HashMap<Property, usize> = HashMap::new();
        let mut network = Network::default();
        let mut roots = Vec::new();
        let mut readers: HashMap<Box<str>, Readers> = HashMap::new();
        let mut clocked = Vec::new();
        for (place, rule) in rules.into_iter().enumerate() {
            let mut clause = rule.clause().clone();
            clause.each_test_mut(&mut |test| {
                test.slot = *places.entry(test.property.clone()).or_insert_with(|| {
                    properties.push(test.property.clone());
                    properties.len() - 1
                });
            });
            roots.push(network.add(&clause));
            let clock = needs_clock(&clause);
            let read: BTreeSet<&str> = rule.reads().map(Property::selected).chain(clock.then_some(CLOCK)).collect();
            for name in read {
                readers.entry(name.into()).or_default().rules.push(place);
            }
            if clock {
                clocked.push(clause);
            }
        }
        for (slot, property) in properties.iter().enumerate() {
            readers.entry(property.selected().into()).or_default().slots.push(slot);
        }
        let indexes = Index::all(&network, properties.len());
        let mut set = Self {
            guarded: vec![Vec::new(); network.len()],
            properties,
            network,
            indexes,
            roots,
            unguarded: Vec::new(),
            guards: Vec::new(),
            readers,
            clocked,
        };
        set.guard();
        set
    }

    /// Decides for each rule what has to come true before it is looked at.
    fn guard(&mut self) {
        let mut slots = BTreeSet::new();
        for (rule, root) in self.roots.iter().enumerate() {
            let Some(nodes) = self.network.guard(*root) else {
                self.unguarded.push(rule);
                continue;
            };
            for node in nodes {
                slots.extend(self.network.slot(node));
                if let Some(rules) = self.guarded.get_mut(node) {
                    rules.push(rule);
                }
            }
        }
        self.guards = slots.into_iter().collect();
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// The properties that the rules read, each once.
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// What the rules read of a user. To be done once, and again ([`refresh`](Self::refresh)) for what changes.
    pub fn facts(&self, user: &(impl Properties + ?Sized)) -> Facts {
        Facts::of(user, &self.properties)
    }

    /// Reads the named properties of the user again, named as Graph selects them (`onPremisesExtensionAttributes`).
    pub fn refresh(&self, facts: &mut Facts, user: &(impl Properties + ?Sized), changed: &[&str]) {
        for slot in self.named(changed).flat_map(|readers| &readers.slots) {
            if let (Some(cell), Some(property)) = (facts.cell_mut(*slot), self.properties.get(*slot)) {
                *cell = Cell::read(user, property);
            }
        }
    }

    /// The rules that read any of the named properties, in their order. `system.now` names the clock.
    pub fn readers(&self, changed: &[&str]) -> impl Iterator<Item = usize> + use<> {
        let read: BTreeSet<usize> = self.named(changed).flat_map(|readers| &readers.rules).copied().collect();
        read.into_iter()
    }

    fn named(&self, changed: &[&str]) -> impl Iterator<Item = &Readers> {
        changed.iter().filter_map(|name| self.readers.get(*name))
    }

    /// Something that runs the rules on one user after another without asking for memory each time.
    pub fn evaluator(&self) -> Evaluator<'_> {
        Evaluator::new(self)
    }

    /// The rules that select the user. For many users, [`evaluator`](Self::evaluator).
    pub fn evaluate(&self, facts: &Facts, context: Context) -> Matches {
        let mut evaluator = self.evaluator();
        evaluator.evaluate(facts, context);
        evaluator.into_matches()
    }

    /// The rules that select the user after some properties changed: the others' verdicts are the previous ones.
    pub fn reevaluate(&self, facts: &Facts, context: Context, previous: &Matches, changed: &[&str]) -> Matches {
        let mut evaluator = self.evaluator();
        evaluator.reevaluate(facts, context, previous, changed);
        evaluator.into_matches()
    }

    /// The first instant after now at which any rule's verdict is another if nothing but time changes.
    pub fn flips_at(&self, facts: &Facts, context: Context) -> Option<Timestamp> {
        let now = context.now.as_microsecond();
        self.clocked.iter().filter_map(|clause| flips_at(clause, facts, now)).min().and_then(timestamp)
    }
}
