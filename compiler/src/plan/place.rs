//! Addresses in the arena for a given order of the steps.
//!
//! What is live throughout and never changes its size (state, first of all) lies at the bottom, where it
//! costs nothing beyond its size; so all state together is the beginning of the arena. The rest is placed
//! by first fit in several orders, then by search, until the arena is as small as the live bytes at the
//! peak step, or proved not to get there, or a budget counted in operations is spent.

mod climb;
mod exact;
mod fit;
mod regions;

use std::cmp::Reverse;

use super::liveness::{Liveness, Sharing};
use super::problem::{BufferIx, Problem, StepIx};
use climb::{Climb, tower};
use exact::{Fits, fits};
use fit::{Layout, fit, fit_by_birth};
use regions::{Conflict, Item, Region, Regions};

/// Conflicts that the climb, and again the exhaustive search, may look at.
pub const BUDGET: usize = 6_000_000;

/// Where everything lies, for one order of the steps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    /// Per buffer, its start in bytes; 0 for buffers without bytes and those that nothing touches.
    pub offsets: Vec<usize>,
    /// Per step (as given, not as ordered), the start of each of its scratch areas.
    pub scratch: Vec<Vec<usize>>,
    /// The in-place pairs that share their start, ordered by position.
    pub sharing: Vec<Sharing>,
    /// The end of what lies highest; a multiple of the alignment.
    pub arena_bytes: usize,
    /// Buffers that hold the arena up: from its end down, each rests on another. Empty at the bound.
    pub blocking: Vec<BufferIx>,
    /// No placement of this order, with these pairs sharing, has a smaller arena.
    pub proved: bool,
}

/// Places the buffers of `problem` for `order`, whose liveness is `liveness`.
pub fn place(problem: &Problem, order: &[StepIx], liveness: &Liveness, budget: usize) -> Places {
    let bound = liveness.peak_bytes();
    let (pinned, free) = Regions::new(problem, order, liveness, &liveness.sharing);
    let mut places = Places {
        offsets: vec![0; problem.buffers.len()],
        scratch: problem.steps.iter().map(|step| vec![0; step.scratch.len()]).collect(),
        sharing: liveness.sharing.clone(),
        arena_bytes: 0,
        blocking: Vec::new(),
        proved: true,
    };
    let mut base = 0;
    for region in &pinned {
        places.put(region, base);
        base += region.room;
    }
    let found = search(&free, bound - base, problem.align, budget);
    for (region, offset) in free.all.iter().zip(&found.layout.offsets) {
        places.put(region, base + offset);
    }
    places.arena_bytes = base + found.layout.arena;
    if places.arena_bytes > bound {
        places.proved = found.proved;
        places.blocking = found.blocking(&free);
    }
    places
}

impl Places {
    fn put(&mut self, region: &Region, offset: usize) {
        for part in &region.parts {
            match part.item {
                Item::Buffer(buffer) => self.offsets[buffer.0] = offset,
                Item::Scratch(step, index) => self.scratch[step.0][index] = offset,
            }
        }
    }
}

struct Search {
    layout: Layout,
    /// There is no better one.
    proved: bool,
}

impl Search {
    fn blocking(&self, regions: &Regions) -> Vec<BufferIx> {
        let Some(conflicts) = &regions.conflicts else {
            return Vec::new();
        };
        let tower = tower(regions, conflicts, &self.layout);
        let buffer = |item: Item| match item {
            Item::Buffer(buffer) => Some(buffer),
            Item::Scratch(..) => None,
        };
        let parts = tower.iter().flat_map(|&index| &regions.all[index].parts);
        parts.filter_map(|part| buffer(part.item)).collect()
    }
}

/// The best layout found within `budget`; never below `bound`.
fn search(regions: &Regions, bound: usize, align: usize, budget: usize) -> Search {
    let Some(conflicts) = &regions.conflicts else {
        let layout = fit_by_birth(&regions.all);
        return Search { proved: layout.arena == bound, layout };
    };
    let mut best: Option<(Layout, Vec<usize>)> = None;
    for sequence in sequences(regions, conflicts) {
        let limit = best.as_ref().map_or(usize::MAX, |(layout, _)| layout.arena - 1);
        if let Some(layout) = fit(regions, conflicts, &sequence, limit) {
            let done = layout.arena == bound;
            best = Some((layout, sequence));
            if done {
                break;
            }
        }
    }
    let Some((layout, sequence)) = best else {
        return Search { layout: Layout { offsets: Vec::new(), arena: 0 }, proved: true };
    };
    if layout.arena == bound {
        return Search { layout, proved: true };
    }
    let layout = Climb { regions, conflicts, bound }.run(sequence, layout, budget);
    bisect(regions, layout, (bound, align), budget)
}

/// Looks between `bound` and the arena of `layout` by exhaustive search, first at the bound itself.
fn bisect(regions: &Regions, layout: Layout, (bound, align): (usize, usize), budget: usize) -> Search {
    let Some(conflicts) = &regions.conflicts else {
        return Search { layout, proved: false };
    };
    let mut search = Search { layout, proved: true };
    // Nothing fits below `low`; every height is a multiple of `align`.
    let (mut low, mut height, mut budget) = (bound, bound, budget);
    while low < search.layout.arena {
        match fits(regions, conflicts, height, &mut budget) {
            Fits::Yes(layout) => search.layout = layout,
            Fits::No => low = height + align,
            Fits::Unknown => {
                return Search { proved: false, ..search };
            }
        }
        height = low + (search.layout.arena - low) / (2 * align) * align;
    }
    search
}

/// Orders in which first fit is tried; ties by birth.
fn sequences(regions: &Regions, conflicts: &[Vec<Conflict>]) -> Vec<Vec<usize>> {
    if regions.all.is_empty() {
        return Vec::new();
    }
    let length = |r: &Region| r.range.last - r.range.first + 1;
    let crowd: Vec<usize> = conflicts.iter().map(|c| c.iter().map(|c| c.others).sum()).collect();
    let by = |key: &dyn Fn(usize, &Region) -> (usize, usize)| {
        let mut sequence: Vec<usize> = (0..regions.all.len()).collect();
        sequence.sort_by_key(|&index| Reverse(key(index, &regions.all[index])));
        sequence
    };
    vec![
        (0..regions.all.len()).collect(),
        by(&|_, r| (r.room, length(r))),
        by(&|_, r| (length(r), r.room)),
        by(&|_, r| (r.room.saturating_mul(length(r)), r.room)),
        by(&|i, r| (r.room + crowd[i], r.room)),
    ]
}
