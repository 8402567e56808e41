//! Beam search: a good order of a segment that is too large for the best.
//!
//! It ends: states that go on have run more steps in every round, at most as many as there are.

use std::collections::BTreeMap;

use super::segment::{Segment, Set};
use super::state::{State, StateIx, States};

/// States with equally many steps run that go on.
const WIDTH: usize = 32;

/// Steps that are tried in each of them.
const BRANCHES: usize = 16;

/// A good order of the local steps of `segment` with a peak below `limit`; peaks up to `floor` count as equal.
/// Of the states with equally many steps only the best go on, by peak and then by live bytes, and fewer
/// where the budget (elementary operations) would not last. `None` if none is found.
pub(crate) fn beam(segment: &Segment, floor: usize, limit: usize, budget: &mut usize) -> Option<Vec<usize>> {
    let all = *budget;
    let mut states = States::new(segment, floor, budget);
    let mut levels: BTreeMap<usize, BTreeMap<Set, State>> = BTreeMap::new();
    let mut kept: Vec<StateIx> = vec![0];
    let mut rounds = 0;
    loop {
        debug_assert!(rounds <= segment.steps.len(), "a round has run no further step");
        rounds += 1;
        for at in kept {
            if states.all[at].count == segment.steps.len() {
                return Some(states.path(at));
            }
            for child in branches(&mut states, at, limit) {
                let level = levels.entry(child.count).or_default();
                if level.get(&child.done).is_none_or(|other| child.peak < other.peak) {
                    level.insert(child.done.clone(), child);
                }
            }
        }
        if states.left() == 0 {
            return None;
        }
        let (count, level) = levels.pop_first()?;
        let mut level: Vec<State> = level.into_values().collect();
        level.sort_by_key(|state| (state.peak, state.live));
        let per_state = (all - states.left()) / states.all.len() + 1;
        let affordable = states.left() / per_state / (segment.steps.len() - count + 1);
        level.truncate(affordable.clamp(1, WIDTH));
        kept = (states.all.len()..).take(level.len()).collect();
        states.all.append(&mut level);
    }
}

/// The most promising states that follow from one.
fn branches(states: &mut States, at: StateIx, limit: usize) -> Vec<State> {
    let peak = states.all[at].peak;
    let mut tried = Vec::new();
    for step in states.all[at].ready.clone() {
        let effect = states.effect(at, step);
        if effect.during < limit {
            tried.push((peak.max(effect.during), effect.after, step, effect));
        }
    }
    tried.sort_by_key(|&(peak, live, step, _)| (peak, live, step));
    tried.truncate(BRANCHES);
    tried.into_iter().map(|(_, _, step, effect)| states.child(at, step, effect)).collect()
}
