//! Improvement of a placement: takes regions that hold the arena up and places them earlier, for as long as a budget lasts
//! that every try lowers.

use super::fit::{Layout, fit};
use super::regions::{Conflict, Region, Regions};
use crate::plan::rng::Rng;

/// Moves without progress after which the search starts again from the best order, shaken.
const PATIENCE: usize = 60;

/// Order, layout, and what they come from.
pub(crate) struct Climb<'a> {
    pub(crate) regions: &'a Regions,
    pub(crate) conflicts: &'a [Vec<Conflict>],
    /// The arena cannot be smaller; the search ends there.
    pub(crate) bound: usize,
}

impl Climb<'_> {
    /// Improves `sequence`, whose layout is `layout`, for as long as `budget` (conflicts looked at) lasts.
    pub(crate) fn run(&self, mut sequence: Vec<usize>, mut layout: Layout, mut budget: usize) -> Layout {
        let cost = 1 + self.conflicts.iter().map(|c| 1 + c.len()).sum::<usize>();
        let mut rng = Rng::new(layout.offsets.len() as u64);
        let (mut best_sequence, mut best) = (sequence.clone(), layout.clone());
        let mut idle = 0;
        while best.arena > self.bound && budget >= cost {
            budget -= cost;
            let before = sequence.clone();
            let shaken = idle == PATIENCE;
            if shaken {
                sequence.clone_from(&best_sequence);
                for _ in 0..3 {
                    let (a, b) = (rng.below(sequence.len()), rng.below(sequence.len()));
                    sequence.swap(a, b);
                }
            } else {
                self.lift(&mut sequence, &layout, &mut rng);
            }
            let limit = if shaken { usize::MAX } else { layout.arena };
            match fit(self.regions, self.conflicts, &sequence, limit) {
                Some(next) => {
                    idle = if shaken || next.arena < layout.arena { 0 } else { idle + 1 };
                    layout = next;
                }
                None => {
                    sequence = before;
                    idle += 1;
                }
            }
            if layout.arena < best.arena {
                best = layout.clone();
                best_sequence.clone_from(&sequence);
            }
        }
        best
    }

    /// Moves one of the regions that hold the arena up to an earlier place.
    fn lift(&self, sequence: &mut [usize], layout: &Layout, rng: &mut Rng) {
        let tower = tower(&self.regions.all, self.conflicts, layout);
        let pick = tower[rng.below(tower.len())];
        let from = sequence.iter().position(|&index| index == pick).unwrap_or(0);
        let to = rng.below(from);
        sequence[to..=from].rotate_right(1);
    }
}

/// The regions that reach the end of the arena and those that they rest on, ascending; without regions
/// there is nothing to improve, so it is never empty where the arena is above its bound.
pub(crate) fn tower(regions: &[Region], conflicts: &[Vec<Conflict>], layout: &Layout) -> Vec<usize> {
    let mut in_tower = vec![false; regions.len()];
    let top = |&index: &usize| layout.offsets[index] + regions[index].room == layout.arena;
    let mut open: Vec<usize> = (0..regions.len()).filter(top).collect();
    while let Some(index) = open.pop() {
        if std::mem::replace(&mut in_tower[index], true) {
            continue;
        }
        let rests = |c: &&Conflict| layout.offsets[c.other] + c.others == layout.offsets[index];
        open.extend(conflicts[index].iter().filter(rests).map(|c| c.other));
    }
    (0..regions.len()).filter(|&index| in_tower[index]).collect()
}
