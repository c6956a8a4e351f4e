//! Rules that chase their own tail: the graph behind a policy, and its cycles.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The cycles of a directed graph: for each knot of nodes that can all reach one another, its shortest cycle, beginning
/// at its least node; in the order of those. An edge from a node to itself is a cycle of one.
///
/// A policy has an edge from every group that a package's rule reads (and from a node for licenses, if it reads service
/// plans: see [`Rule::feeds_on`](crate::Rule::feeds_on)) to every group that the package grants (and to the node for
/// licenses). A cycle there can make a membership flicker for ever.
///
/// Linear in the edges but for the shortest cycle, which is searched once per knot.
pub fn cycles<N: Clone + Ord>(edges: impl IntoIterator<Item = (N, N)>) -> Vec<Vec<N>> {
    let mut next: BTreeMap<N, BTreeSet<N>> = BTreeMap::new();
    let mut previous: BTreeMap<N, BTreeSet<N>> = BTreeMap::new();
    for (from, to) in edges {
        next.entry(from.clone()).or_default().insert(to.clone());
        previous.entry(to).or_default().insert(from);
    }
    let mut assigned: BTreeSet<N> = BTreeSet::new();
    let mut found = Vec::new();
    for node in finished(&next).into_iter().rev() {
        if assigned.contains(&node) {
            continue;
        }
        // Kosaraju: backwards from the node that finishes last, as far as nobody else has been.
        let knot = reachable(&previous, &node, &assigned);
        assigned.extend(knot.iter().cloned());
        found.extend(knot.first().and_then(|least| shortest(&next, least, &knot)));
    }
    found.sort();
    found
}

/// The nodes in the order in which a depth-first walk leaves them. Without recursion: a policy may be long.
fn finished<N: Clone + Ord>(next: &BTreeMap<N, BTreeSet<N>>) -> Vec<N> {
    let mut seen = BTreeSet::new();
    let mut order = Vec::new();
    for start in next.keys() {
        let mut open = vec![(start, false)];
        while let Some((node, done)) = open.pop() {
            if done {
                order.push(node.clone());
            } else if seen.insert(node) {
                open.push((node, true));
                open.extend(next.get(node).into_iter().flatten().map(|to| (to, false)));
            }
        }
    }
    order
}

fn reachable<N: Clone + Ord>(edges: &BTreeMap<N, BTreeSet<N>>, start: &N, closed: &BTreeSet<N>) -> BTreeSet<N> {
    let mut found = BTreeSet::from([start.clone()]);
    let mut open = vec![start.clone()];
    while let Some(node) = open.pop() {
        for to in edges.get(&node).into_iter().flatten() {
            if !closed.contains(to) && found.insert(to.clone()) {
                open.push(to.clone());
            }
        }
    }
    found
}

/// The shortest way from the node back to itself inside the knot.
fn shortest<N: Clone + Ord>(next: &BTreeMap<N, BTreeSet<N>>, start: &N, knot: &BTreeSet<N>) -> Option<Vec<N>> {
    let mut came_from: BTreeMap<&N, &N> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        for to in next.get(node).into_iter().flatten().filter(|to| knot.contains(to)) {
            if to == start {
                let mut way = vec![node.clone()];
                let mut at = node;
                while let Some(before) = came_from.get(at) {
                    way.push((*before).clone());
                    at = before;
                }
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(to) {
                came_from.insert(to, node);
                open.push_back(to);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cycle_is_named_once_by_its_shortest_way() {
        let edges = [("a", "b"), ("b", "c"), ("c", "a"), ("b", "a"), ("c", "d"), ("e", "e"), ("d", "f")];
        assert_eq!(cycles(edges), [vec!["a", "b"], vec!["e"]]);
        assert!(cycles([("a", "b"), ("b", "c"), ("a", "c")]).is_empty());
        assert!(cycles::<u8>([]).is_empty());
    }

    proptest! {
        #[test]
        fn what_is_found_are_cycles_and_without_them_nothing_turns(
            edges in prop::collection::vec((0_u8..12, 0_u8..12), 0..40),
        ) {
            let found = cycles(edges.iter().copied());
            for cycle in &found {
                for (at, from) in cycle.iter().enumerate() {
                    let to = cycle[(at + 1) % cycle.len()];
                    prop_assert!(edges.contains(&(*from, to)));
                }
            }
            let mut closure: BTreeSet<(u8, u8)> = edges.iter().copied().collect();
            for through in 0..12 {
                for from in 0..12 {
                    for to in 0..12 {
                        if closure.contains(&(from, through)) && closure.contains(&(through, to)) {
                            closure.insert((from, to));
                        }
                    }
                }
            }
            let knots: BTreeSet<Vec<u8>> = (0..12)
                .filter(|node| closure.contains(&(*node, *node)))
                .map(|node| (0..12).filter(|other| closure.contains(&(node, *other)) && closure.contains(&(*other, node))).collect())
                .collect();
            prop_assert_eq!(found.len(), knots.len());
        }
    }
}
