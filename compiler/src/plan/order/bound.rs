//! A lower bound of the peak of a segment that holds for every order of its steps.

use super::segment::{Segment, Set, contains, insert};
use crate::plan::sharing::best_pairs;

/// Segments of more steps get the weaker bound that needs no reachability (a bit per pair of steps).
const MAX_REACHABILITY: usize = 4096;

/// No order of the steps of `segment` has a lower peak. For a chain it is the peak.
///
/// A buffer is live while a step runs, whatever the order, if the step or one that leads to it touches
/// it (or it was born before), and the step or one that follows from it touches it (or it lives on).
pub(crate) fn lower_bound(segment: &Segment) -> usize {
    let ends = segment.live_before.max(segment.live_after());
    if segment.steps.len() > MAX_REACHABILITY {
        return ends;
    }
    let (before, after) = reachability(segment);
    let here: usize = segment.buffers.iter().filter(|b| b.born_before).map(|b| b.room).sum();
    let mut live = vec![segment.live_before - here; segment.steps.len()];
    for buffer in &segment.buffers {
        let (mut born, mut needed) = (segment.none(), segment.none());
        for &step in &buffer.touches {
            union(&mut born, &after[step]);
            union(&mut needed, &before[step]);
        }
        for (step, live) in live.iter_mut().enumerate() {
            let is_born = buffer.born_before || contains(&born, step);
            if is_born && (buffer.lives_on || contains(&needed, step)) {
                *live += buffer.room;
            }
        }
    }
    for (step, spec) in segment.steps.iter().enumerate() {
        live[step] += spec.scratch;
        // What it saves at most: the pairs that are not impossible in every order.
        let outside = |set: &Set, buffer: usize| {
            segment.buffers[buffer].touches.iter().all(|&other| other == step || !contains(set, other))
        };
        let possible = |&(read, write): &(usize, usize)| {
            !segment.buffers[read].lives_on
                && outside(&after[step], read)
                && !segment.buffers[write].born_before
                && outside(&before[step], write)
        };
        let eligible = spec.pairs.iter().enumerate().filter(|(_, pair)| possible(pair));
        let eligible = eligible.fold(0u32, |mask, (i, _)| mask | 1 << i);
        live[step] -= spec.always_saved + best_pairs(&spec.choices, eligible).0;
    }
    live.into_iter().fold(ends, usize::max)
}

/// Per step, itself and the steps that lead to it; and itself and the steps that follow from it.
fn reachability(segment: &Segment) -> (Vec<Set>, Vec<Set>) {
    let own = |step: usize| {
        let mut set = segment.none();
        insert(&mut set, step);
        set
    };
    let mut before: Vec<Set> = (0..segment.steps.len()).map(own).collect();
    let mut after = before.clone();
    for step in 0..segment.steps.len() {
        for &earlier in &segment.steps[step].preds {
            let (head, tail) = before.split_at_mut(step);
            union(&mut tail[0], &head[earlier]);
        }
    }
    for step in (0..segment.steps.len()).rev() {
        for &later in &segment.steps[step].succs {
            let (head, tail) = after.split_at_mut(later);
            union(&mut head[step], &tail[0]);
        }
    }
    (before, after)
}

fn union(set: &mut [u64], other: &[u64]) {
    for (word, more) in set.iter_mut().zip(other) {
        *word |= more;
    }
}
