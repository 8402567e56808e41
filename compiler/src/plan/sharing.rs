//! In-place pairs of one step: which are possible at all, and which of those to take.
//!
//! A buffer has one step of birth and one of death, so the pairs taken at one step never meddle with
//! those of another; each step is a small matching problem of its own.

use super::problem::{InPlace, MAX_OPTIONAL_IN_PLACE, Problem, StepIx};

/// The pairs of one step that some order can make possible.
#[derive(Clone, Default, Debug)]
pub(crate) struct Candidates {
    /// Taken in every order.
    pub(crate) mandatory: Vec<InPlace>,
    /// At most [`MAX_OPTIONAL_IN_PLACE`]; they touch no buffer of a mandatory pair.
    pub(crate) optional: Vec<InPlace>,
}

impl Candidates {
    /// The candidates of `step`, in the order in which it declares them.
    pub(crate) fn of(problem: &Problem, step: StepIx) -> Self {
        let declared = &problem.steps[step.0].in_place;
        let mut mandatory: Vec<InPlace> = Vec::new();
        for pair in declared.iter().filter(|p| p.mandatory) {
            if !mandatory.contains(pair) {
                mandatory.push(*pair);
            }
        }
        let free = |pair: &InPlace| {
            !pair.mandatory
                && !problem.buffers[pair.read.0].live_to_end
                && !problem.buffers[pair.write.0].live_from_start
                && mandatory.iter().all(|m| !meet(m, pair))
        };
        let mut optional: Vec<InPlace> = Vec::new();
        for pair in declared.iter().filter(|p| free(p)) {
            if optional.len() < MAX_OPTIONAL_IN_PLACE && !optional.contains(pair) {
                optional.push(*pair);
            }
        }
        Self { mandatory, optional }
    }
}

/// Whether the two pairs want the same buffer in the same role.
pub(crate) fn meet(a: &InPlace, b: &InPlace) -> bool {
    a.read == b.read || a.write == b.write
}

/// Bytes saved by a pair: while the step runs the two take the larger's room, not the sum.
pub(crate) fn saving(problem: &Problem, pair: &InPlace) -> usize {
    problem.room(pair.read).min(problem.room(pair.write))
}

/// An optional pair as the matching sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    pub(crate) saving: usize,
    /// Bit `i` is set if it cannot be taken together with pair `i` of the same step.
    pub(crate) conflicts: u32,
}

/// Prepares the optional pairs of a step for [`best_pairs`].
pub(crate) fn choices(problem: &Problem, pairs: &[InPlace]) -> Vec<Choice> {
    let conflicts = |pair: &InPlace| {
        let bits = pairs.iter().enumerate().filter(|(_, other)| meet(other, pair));
        bits.fold(0u32, |mask, (i, _)| mask | 1 << i)
    };
    pairs.iter().map(|pair| Choice { saving: saving(problem, pair), conflicts: conflicts(pair) }).collect()
}

/// The set of compatible pairs among `eligible` (bit `i` is pair `i`) that saves most, and what it saves.
/// Of equals, the one with the earliest declared pairs.
pub(crate) fn best_pairs(choices: &[Choice], eligible: u32) -> (usize, u32) {
    if eligible == 0 {
        return (0, 0);
    }
    let first = eligible.trailing_zeros();
    let choice = choices[first as usize];
    let rest = eligible & !(1 << first);
    let with = best_pairs(choices, rest & !choice.conflicts);
    let taken = (with.0 + choice.saving, with.1 | 1 << first);
    if rest & choice.conflicts == 0 {
        return taken;
    }
    let without = best_pairs(choices, rest);
    if without.0 > taken.0 { without } else { taken }
}
