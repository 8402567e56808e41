//! Search for the best order of a segment: exact branch and bound, and a beam where that is too much.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use super::segment::{Segment, Set};
use super::state::{State, StateIx, States};

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
/// elementary operations, and what is left of it is returned.
pub(crate) fn exact(segment: &Segment, floor: usize, limit: usize, budget: usize) -> (Found, usize) {
    if floor >= limit {
        return (Found::Nothing, budget);
    }
    let mut states = States::new(segment, floor, budget);
    let mut seen: HashMap<Set, usize> = HashMap::new();
    let mut open = BinaryHeap::from([Reverse((floor, segment.steps.len(), 0))]);
    while let Some(Reverse((peak, _, at))) = open.pop() {
        if states.all[at].count == segment.steps.len() {
            return (Found::Best { order: states.path(at), peak }, states.budget);
        }
        if seen.get(&states.all[at].done).is_some_and(|&best| best < peak) {
            continue;
        }
        for step in states.all[at].ready.clone() {
            if states.budget == 0 {
                return (Found::Unknown, 0);
            }
            let Some(child) = states.child(at, step, limit) else {
                continue;
            };
            if seen.get(&child.done).is_some_and(|&best| best <= child.peak) {
                continue;
            }
            seen.insert(child.done.clone(), child.peak);
            let left = segment.steps.len() - child.count;
            open.push(Reverse((child.peak, left, states.all.len())));
            states.all.push(child);
        }
        // Its set is in `seen`; only the way to it is needed from now on.
        states.all[at].ready = Vec::new();
    }
    (Found::Nothing, states.budget)
}

/// A good order with a peak below `limit`: like [`exact`], but of the states with equally many steps only the
/// best `width` go on, by peak and then by live bytes. `None` if none is found within `budget`.
pub(crate) fn beam(
    segment: &Segment,
    floor: usize,
    limit: usize,
    (width, budget): (usize, usize),
) -> Option<Vec<usize>> {
    let mut states = States::new(segment, floor, budget);
    let mut levels: BTreeMap<usize, BTreeMap<Set, State>> = BTreeMap::new();
    let mut kept: Vec<StateIx> = vec![0];
    loop {
        for at in kept {
            if states.all[at].count == segment.steps.len() {
                return Some(states.path(at));
            }
            for step in states.all[at].ready.clone() {
                if states.budget == 0 {
                    return None;
                }
                let Some(child) = states.child(at, step, limit) else {
                    continue;
                };
                let level = levels.entry(child.count).or_default();
                let better = level.get(&child.done).is_none_or(|other| child.peak < other.peak);
                if better {
                    level.insert(child.done.clone(), child);
                }
            }
        }
        let (_, level) = levels.pop_first()?;
        let mut level: Vec<State> = level.into_values().collect();
        level.sort_by_key(|state| (state.peak, state.live));
        level.truncate(width);
        kept = (states.all.len()..).take(level.len()).collect();
        states.all.append(&mut level);
    }
}
