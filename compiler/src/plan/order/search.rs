//! Branch and bound: the best order of a segment.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::segment::{Segment, Set};
use super::state::States;

/// What a search found.
#[derive(Debug)]
pub(crate) enum Found {
    /// An order below the limit; no order has a lower peak, or its peak is within the floor.
    Best {
        /// Local steps.
        order: Vec<usize>,
        /// Its peak, or the floor if that is higher.
        peak: usize,
    },
    /// No order has a peak below the limit.
    Nothing,
    /// The budget is spent.
    Unknown,
}

/// The order with the lowest peak below `limit`, by branch and bound over sets of steps, lowest peak first,
/// so that the first complete order is a best one. Peaks up to `floor` count as equal. `budget` is in
/// elementary operations.
pub(crate) fn exact(segment: &Segment, floor: usize, limit: usize, budget: &mut usize) -> Found {
    let mut states = States::new(segment, floor, budget);
    let mut seen: HashMap<Set, usize> = HashMap::new();
    let mut open = BinaryHeap::from([Reverse((floor, segment.steps.len(), 0))]);
    while let Some(Reverse((peak, _, at))) = open.pop() {
        if states.all[at].count == segment.steps.len() {
            return Found::Best { order: states.path(at), peak };
        }
        if seen.get(&states.all[at].done).is_some_and(|&best| best < peak) {
            continue;
        }
        for step in states.all[at].ready.clone() {
            if states.left() == 0 {
                return Found::Unknown;
            }
            let effect = states.effect(at, step);
            if effect.during >= limit {
                continue;
            }
            let child = states.child(at, step, effect);
            if seen.get(&child.done).is_some_and(|&best| best <= child.peak) {
                continue;
            }
            seen.insert(child.done.clone(), child.peak);
            let left = segment.steps.len() - child.count;
            open.push(Reverse((child.peak, left, states.all.len())));
            states.all.push(child);
        }
        // From now on only the way to it is needed.
        states.all[at].ready = Vec::new();
    }
    Found::Nothing
}
