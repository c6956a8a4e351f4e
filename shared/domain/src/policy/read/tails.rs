//! Rules that chase their own tail: what a package gives feeds a rule that, perhaps over other packages, decides on that same
//! package. A membership could come and go for ever, so it is refused, whether the rule asks for the thing or for its absence.
//! A chain that ends is followed, one package after the other.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use rules::{Comparison, Expr, Literal, Operator, Quantifier};

use super::super::fault::Fault;
use super::super::table::Report;
use super::super::{Package, PackageLicense, Via, skus};
use crate::ids::PlanId;

/// What a package can give and a rule can ask for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    /// Membership of a group, by its id.
    Group(String),
    /// A service plan; None: any at all.
    Plan(Option<PlanId>),
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(id) => write!(f, "group `{id}`"),
            Self::Plan(None) => f.write_str("a license with its service plans"),
            Self::Plan(Some(id)) => write!(f, "service plan `{}`", skus::plan_name(id).unwrap_or(id.as_str())),
        }
    }
}

/// A package as a part of the graph.
struct Link<'p> {
    name: &'p str,
    /// Where its rule stands.
    at: &'p Range<usize>,
    reads: BTreeSet<Thing>,
    gives: BTreeSet<Thing>,
}

/// Reports every cycle among packages, which come with the places of their rules.
pub(super) fn check(packages: &[(Package, Range<usize>)], report: &mut Report) {
    let reads: Vec<BTreeSet<Thing>> = packages.iter().map(|(package, _)| reads(package)).collect();
    let asked: BTreeSet<Thing> = reads.iter().flatten().cloned().collect();
    let links: Vec<Link<'_>> = packages
        .iter()
        .zip(reads)
        .map(|((package, at), reads)| Link { name: &package.name, at, reads, gives: gives(package, &asked) })
        .collect();
    let edges = links.iter().flat_map(|link| {
        link.reads.iter().flat_map(|from| link.gives.iter().map(move |to| (from.clone(), to.clone())))
    });
    for cycle in rules::cycles(edges) {
        report.add(told(&cycle, &links));
    }
}

/// The cycle in words, at the rule it begins with.
fn told(cycle: &[Thing], links: &[Link<'_>]) -> Fault {
    let next = cycle.iter().cycle().skip(1);
    let of =
        |(from, to): (&Thing, &Thing)| links.iter().find(|link| link.reads.contains(from) && link.gives.contains(to));
    let parts: Vec<(&Link<'_>, &Thing)> =
        cycle.iter().zip(next).filter_map(|(from, to)| Some((of((from, to))?, to))).collect();
    let readers = parts.iter().cycle().skip(1);
    let steps: Vec<String> = parts
        .iter()
        .zip(readers)
        .map(|((giver, thing), (reader, _))| {
            if giver.name == reader.name {
                format!("`{}` gives {thing}, which its own rule reads", giver.name)
            } else {
                format!("`{}` gives {thing}, which the rule of `{}` reads", giver.name, reader.name)
            }
        })
        .collect();
    let at = parts.first().map_or(0..0, |(link, _)| link.at.clone());
    let fault = Fault::new(at, format!("packages chase their own tail: {}", steps.join("; ")));
    fault.help("memberships could come and go for ever: let one of the rules test the person's own attributes instead")
}

/// What the package's rule asks for.
fn reads(package: &Package) -> BTreeSet<Thing> {
    let groups = package.rule.feeds_on().groups.into_iter().map(Thing::Group);
    let mut plans = BTreeSet::new();
    plans_of(package.rule.ast().root(), &mut plans);
    groups.chain(plans.into_iter().map(Thing::Plan)).collect()
}

/// What of the things that are asked for the package gives.
fn gives(package: &Package, asked: &BTreeSet<Thing>) -> BTreeSet<Thing> {
    let carriers = package.licenses.iter().filter_map(|license| match &license.via {
        Via::Group(group) => Some(group),
        Via::Direct => None,
    });
    let groups = package.groups.iter().map(|group| &group.id).chain(carriers);
    let groups: BTreeSet<Thing> = groups.map(|group| Thing::Group(group.to_string())).collect();
    let given = |thing: &&Thing| match thing {
        Thing::Group(_) => groups.contains(*thing),
        Thing::Plan(plan) => package.licenses.iter().any(|license| brings(license, plan.as_ref())),
    };
    asked.iter().filter(given).cloned().collect()
}

/// Whether a license brings the plan. Of a product whose plans are not known, that is taken for granted.
fn brings(license: &PackageLicense, plan: Option<&PlanId>) -> bool {
    match (plan, skus::sku(&license.sku)) {
        (Some(plan), _) if license.disabled_plans.contains(plan) => false,
        (Some(plan), Some(product)) => product.plans.values().any(|own| own == plan),
        (None, _) | (_, None) => true,
    }
}

/// The service plans that an expression asks for.
fn plans_of(expr: &Expr, found: &mut BTreeSet<Option<PlanId>>) {
    match expr {
        Expr::Or(parts) | Expr::And(parts) => parts.iter().for_each(|part| plans_of(part, found)),
        Expr::Not(inner) => plans_of(&inner.node, found),
        Expr::Quantified(quantified) if quantified.property.node.eq_ignore_ascii_case("user.assignedPlans") => {
            // What decides is, of `-any`, an item that satisfies the condition; of `-all`, one that does not.
            let truth = quantified.quantifier.node == Quantifier::Any;
            match decisive(&quantified.condition.node, truth) {
                Some(plans) => found.extend(plans.into_iter().map(Some)),
                None => drop(found.insert(None)),
            }
        }
        Expr::Comparison(_) | Expr::Quantified(_) | Expr::DirectReports(_) => {}
    }
}

/// The plans one of which an item has to be if the condition is to be `truth` of it. None: it may be any.
fn decisive(condition: &Expr, truth: bool) -> Option<BTreeSet<PlanId>> {
    match condition {
        Expr::Not(inner) => decisive(&inner.node, !truth),
        Expr::And(parts) if truth => parts.iter().find_map(|part| decisive(part, truth)),
        Expr::Or(parts) if !truth => parts.iter().find_map(|part| decisive(part, truth)),
        Expr::And(parts) | Expr::Or(parts) => {
            parts.iter().try_fold(BTreeSet::new(), |all, part| Some(&all | &decisive(part, truth)?))
        }
        Expr::Comparison(comparison) => named(comparison, truth),
        Expr::Quantified(_) | Expr::DirectReports(_) => None,
    }
}

/// The plans that a comparison names by id.
fn named(comparison: &Comparison, truth: bool) -> Option<BTreeSet<PlanId>> {
    let is_positive = match comparison.operator.node {
        Operator::Eq | Operator::In => true,
        Operator::Ne | Operator::NotIn => false,
        _ => return None,
    };
    if is_positive != truth || !comparison.property.node.eq_ignore_ascii_case("assignedPlan.servicePlanId") {
        return None;
    }
    let id = |literal: &Literal| if let Literal::Text(id) = literal { id.parse().ok() } else { None };
    match &comparison.value.node {
        Literal::List(items) => Some(items.iter().filter_map(|item| id(&item.node)).collect()),
        one => id(one).map(|id| BTreeSet::from([id])),
    }
}
