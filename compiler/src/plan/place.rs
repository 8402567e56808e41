//! Addresses in the arena for a given order of the steps.
//!
//! What is live throughout and never changes its size (state, first of all) lies at the bottom, where it
//! costs nothing beyond its size; so all state together is the beginning of the arena. The rest is placed
//! by first fit in several orders, then by search, until the arena is as small as the live bytes at the
//! peak step, or proved not to get there, or a budget counted in operations is spent.

mod climb;
mod exact;
mod fit;
mod pairs;
mod regions;

use std::cmp::Reverse;

use super::liveness::{Liveness, Sharing};
use super::problem::{BufferIx, InPlace, Problem, StepIx};
use climb::{Climb, tower};
use exact::{Fits, fits};
use fit::{Layout, fit, fit_by_birth};
use pairs::{Pairs, combinations};
use regions::{Conflict, Item, Part, Region, Regions};

/// Conflicts that the climb, and again the exhaustive search, may look at.
pub const BUDGET: usize = 1_500_000;

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
    /// No placement of this order has a smaller arena.
    pub proved: bool,
}

/// Places the buffers of `problem` for `order`, whose liveness is `liveness`. `budget` as in [`BUDGET`].
pub fn place(problem: &Problem, order: &[StepIx], liveness: &Liveness, budget: usize) -> Places {
    let task = Task { problem, order, liveness, pairs: Pairs::new(problem, order, liveness) };
    // Where it costs nothing, everything is done in place.
    let regions = task.regions(&liveness.sharing, &[]);
    let Some(conflicts) = &regions.conflicts else {
        return task.places(&regions, &fit_by_birth(&regions.all));
    };
    let (_, most) = first_fit(&regions, conflicts, liveness.peak_bytes() - regions.base);
    if regions.base + most.arena == liveness.peak_bytes() {
        return task.places(&regions, &most);
    }
    let loose = task.regions(&task.pairs.fixed, &task.pairs.free);
    let Some(conflicts) = &loose.conflicts else {
        return task.places(&regions, &most);
    };
    let regions = &loose;
    let bound = liveness.peak_bytes() - regions.base;
    let (sequence, first) = first_fit(regions, conflicts, bound);
    let layout = Climb { regions, conflicts, bound }.run(sequence, first, budget);
    let places = task.places(regions, &layout);
    if places.arena_bytes == liveness.peak_bytes() { places } else { task.exhaust(places, budget) }
}

/// What is to be placed.
struct Task<'a> {
    problem: &'a Problem,
    order: &'a [StepIx],
    liveness: &'a Liveness,
    pairs: Pairs,
}

impl Task<'_> {
    fn regions(&self, joined: &[Sharing], free: &[Sharing]) -> Regions {
        Regions::new(self.problem, self.order, self.liveness, (joined, free))
    }

    /// Looks for an arena between the bound and that of `places` by exhaustive search, first at the bound.
    ///
    /// It ends: in each round the heights that are not decided become fewer.
    fn exhaust(&self, mut places: Places, mut budget: usize) -> Places {
        if self.regions(&self.pairs.fixed, &[]).all.len() > exact::MAX_REGIONS {
            return places;
        }
        let align = self.problem.align;
        // Nothing fits below `low`; every height is a multiple of the alignment.
        let mut low = self.liveness.peak_bytes();
        let mut height = low;
        let mut proved = true;
        while low < places.arena_bytes {
            let (mut found, undecided) = (Fits::No, places.arena_bytes - low);
            let (sets, complete) = combinations(self.problem, self.order, self.liveness, height);
            for set in sets {
                let regions = &self.regions(&set, &[]);
                let conflicts = regions.conflicts.as_deref().unwrap_or_default();
                found = fits(regions, conflicts, height - regions.base, &mut budget);
                if let Fits::Yes(layout) = &found {
                    places = self.places(regions, layout);
                }
                if !matches!(found, Fits::No) {
                    break;
                }
            }
            match found {
                Fits::Yes(_) => {}
                Fits::No => {
                    low = height + align;
                    proved &= complete;
                }
                Fits::Unknown => return places,
            }
            debug_assert!(places.arena_bytes.saturating_sub(low) < undecided, "a round has decided nothing");
            height = low + places.arena_bytes.saturating_sub(low) / (2 * align) * align;
        }
        places.proved = proved || places.blocking.is_empty();
        places
    }

    fn places(&self, regions: &Regions, layout: &Layout) -> Places {
        let mut places = Places {
            offsets: vec![0; self.problem.buffers.len()],
            scratch: self.problem.steps.iter().map(|step| vec![0; step.scratch.len()]).collect(),
            sharing: Vec::new(),
            arena_bytes: regions.base + layout.arena,
            blocking: Vec::new(),
            proved: false,
        };
        let mut base = 0;
        for region in &regions.pinned {
            places.put(region, base);
            base += region.room;
        }
        for (region, offset) in regions.all.iter().zip(&layout.offsets) {
            places.put(region, base + offset);
        }
        let room = |buffer| self.problem.room(buffer) > 0;
        let together = |shared: &&Sharing| {
            let InPlace { read, write, mandatory } = shared.pair;
            mandatory || (room(read) && room(write) && places.offsets[read.0] == places.offsets[write.0])
        };
        places.sharing = self.liveness.possible.iter().filter(together).copied().collect();
        if places.arena_bytes > self.liveness.peak_bytes() {
            let conflicts = regions.conflicts.as_deref().unwrap_or_default();
            places.blocking = blocking(&regions.all, &tower(&regions.all, conflicts, layout));
        } else {
            places.proved = true;
        }
        places
    }
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

/// The buffers in the regions of a tower.
fn blocking(regions: &[Region], tower: &[usize]) -> Vec<BufferIx> {
    let parts = tower.iter().flat_map(|&index| &regions[index].parts);
    let buffer = |part: &Part| match part.item {
        Item::Buffer(buffer) => Some(buffer),
        Item::Scratch(..) => None,
    };
    parts.filter_map(buffer).collect()
}

/// The best of several sequences by first fit, and its layout.
fn first_fit(regions: &Regions, conflicts: &[Vec<Conflict>], bound: usize) -> (Vec<usize>, Layout) {
    let mut best = (Vec::new(), Layout { offsets: Vec::new(), arena: 0 });
    for (number, sequence) in sequences(regions, conflicts).into_iter().enumerate() {
        let limit = if number == 0 { usize::MAX } else { best.1.arena };
        match fit(regions, conflicts, &sequence, limit) {
            Some(layout) if number == 0 || layout.arena < best.1.arena => best = (sequence, layout),
            Some(_) | None => {}
        }
        if best.1.arena == bound {
            break;
        }
    }
    best
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
