//! Regions: what is placed as one. A region is a buffer, a chain of buffers that share their start
//! through in-place pairs, or one scratch area; its size varies over time.
//!
//! Two regions conflict if both are live at some position. Then one lies above the other, and only the
//! sizes while both are live count: with `below` the larger size of the lower one in that time, the upper
//! one starts at or above `start of the lower + below`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::plan::liveness::{LiveRange, Liveness, Sharing};
use crate::plan::problem::{BufferIx, Problem, StepIx};

/// Conflicts (ordered pairs) that are stored; beyond it regions are placed without search.
const MAX_CONFLICTS: usize = 1 << 20;

/// What lies in a region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Item {
    Buffer(BufferIx),
    /// The scratch area of a step with this index.
    Scratch(StepIx, usize),
}

/// Something with a size and a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) item: Item,
    pub(crate) room: usize,
    pub(crate) range: LiveRange,
}

/// Parts that start at one address, in order of time; each begins where the one before ends.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) parts: Vec<Part>,
    /// From the first part to the last.
    pub(crate) range: LiveRange,
    /// The largest room of a part.
    pub(crate) room: usize,
}

impl Region {
    fn new(parts: Vec<Part>) -> Self {
        let ranges = || parts.iter().map(|part| part.range);
        let range = LiveRange {
            first: ranges().map(|r| r.first).min().unwrap_or(0),
            last: ranges().map(|r| r.last).max().unwrap_or(0),
        };
        let room = parts.iter().map(|part| part.room).max().unwrap_or(0);
        Self { parts, range, room }
    }

    /// Whether it is a buffer that keeps its value from one run to the next.
    fn is_state(&self, problem: &Problem) -> bool {
        self.parts.iter().all(|part| match part.item {
            Item::Buffer(buffer) => {
                let spec = &problem.buffers[buffer.0];
                spec.live_from_start && spec.live_to_end
            }
            Item::Scratch(..) => false,
        })
    }

    /// The largest room that it takes at a position within `range`.
    pub(crate) fn room_within(&self, range: LiveRange) -> usize {
        let from = self.parts.partition_point(|part| part.range.last < range.first);
        let within = self.parts[from..].iter().take_while(|part| part.range.first <= range.last);
        within.map(|part| part.room).max().unwrap_or(0)
    }
}

/// A region that is live together with another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conflict {
    pub(crate) other: usize,
    /// Room of this region while both are live.
    pub(crate) own: usize,
    /// Room of the other one while both are live.
    pub(crate) others: usize,
    /// The two may start at the same address: an in-place pair.
    pub(crate) may_share: bool,
}

/// All regions of a problem in one order, with their conflicts.
#[derive(Debug)]
pub(crate) struct Regions {
    /// Live throughout at one size, state first; they lie at the bottom.
    pub(crate) pinned: Vec<Region>,
    /// Room of all the pinned.
    pub(crate) base: usize,
    /// The others, by birth; they lie above `base`.
    pub(crate) all: Vec<Region>,
    /// Per region; `None` if there are too many to store.
    pub(crate) conflicts: Option<Vec<Vec<Conflict>>>,
}

impl Regions {
    /// Regions of everything that takes room: the pairs `joined` as one, the pairs `free` if they turn out so.
    pub(crate) fn new(
        problem: &Problem,
        order: &[StepIx],
        liveness: &Liveness,
        (joined, free): (&[Sharing], &[Sharing]),
    ) -> Self {
        let end = order.len().saturating_sub(1);
        let mut all = chains(problem, liveness, joined);
        all.extend(scratch(problem, order));
        all.retain(|region| region.room > 0);
        all.sort_by_key(|region| (region.range.first, Reverse(region.range.last)));
        let throughout = |region: &Region| {
            region.range == LiveRange { first: 0, last: end }
                && region.parts.iter().all(|part| part.room == region.room)
        };
        let (mut pinned, all): (Vec<Region>, Vec<Region>) = all.into_iter().partition(throughout);
        pinned.sort_by_key(|region| !region.is_state(problem));
        let mut conflicts = conflicts(&all);
        if let Some(conflicts) = &mut conflicts {
            mark_free(&all, conflicts, free);
        }
        Self { base: pinned.iter().map(|region| region.room).sum(), pinned, all, conflicts }
    }
}

/// Marks the conflicts of pairs that may share.
fn mark_free(all: &[Region], conflicts: &mut [Vec<Conflict>], free: &[Sharing]) {
    let mut home = BTreeMap::new();
    for (index, region) in all.iter().enumerate() {
        for part in &region.parts {
            if let Item::Buffer(buffer) = part.item {
                home.insert(buffer, index);
            }
        }
    }
    for Sharing { pair, .. } in free {
        let (Some(&read), Some(&write)) = (home.get(&pair.read), home.get(&pair.write)) else { continue };
        for (here, there) in [(read, write), (write, read)] {
            conflicts[here].iter_mut().filter(|c| c.other == there).for_each(|c| c.may_share = true);
        }
    }
}

/// Regions of all buffers that are ever live.
fn chains(problem: &Problem, liveness: &Liveness, sharing: &[Sharing]) -> Vec<Region> {
    let mut heir = vec![None; problem.buffers.len()];
    let mut inherits = vec![false; problem.buffers.len()];
    for shared in sharing {
        heir[shared.pair.read.0] = Some(shared.pair.write.0);
        inherits[shared.pair.write.0] = true;
    }
    let mut all = Vec::new();
    for head in (0..problem.buffers.len()).filter(|&b| !inherits[b]) {
        let mut parts = Vec::new();
        let mut at = Some(head);
        while let Some(buffer) = at {
            let buffer = BufferIx(buffer);
            let part = |range| Part { item: Item::Buffer(buffer), room: problem.room(buffer), range };
            parts.extend(liveness.ranges[buffer.0].map(part));
            at = heir[buffer.0];
        }
        all.push(Region::new(parts));
    }
    all
}

/// Regions of all scratch.
fn scratch(problem: &Problem, order: &[StepIx]) -> Vec<Region> {
    let mut all = Vec::new();
    for (position, &step) in order.iter().enumerate() {
        let range = LiveRange { first: position, last: position };
        for (index, &bytes) in problem.steps[step.0].scratch.iter().enumerate() {
            let item = Item::Scratch(step, index);
            all.push(Region::new(vec![Part { item, room: problem.round_up(bytes), range }]));
        }
    }
    all
}

/// Conflicts of regions that are ordered by birth.
fn conflicts(all: &[Region]) -> Option<Vec<Vec<Conflict>>> {
    let mut conflicts = vec![Vec::new(); all.len()];
    let mut live: Vec<usize> = Vec::new();
    let mut count = 0;
    for (index, region) in all.iter().enumerate() {
        live.retain(|&other| all[other].range.last >= region.range.first);
        for &other in &live {
            let Some(common) = region.range.common(all[other].range) else {
                continue;
            };
            let (own, others) = (region.room_within(common), all[other].room_within(common));
            if own == 0 || others == 0 {
                continue;
            }
            conflicts[index].push(Conflict { other, own, others, may_share: false });
            conflicts[other].push(Conflict { other: index, own: others, others: own, may_share: false });
            count += 2;
            if count > MAX_CONFLICTS {
                return None;
            }
        }
        live.push(index);
    }
    Some(conflicts)
}
