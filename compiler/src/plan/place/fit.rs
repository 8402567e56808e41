//! First fit: regions one after another, each at the lowest address that is free while it is live.
//!
//! Some order of the regions gives the least arena there is: that of their addresses in it. So a search
//! for a placement is a search for an order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::regions::{Conflict, Region, Regions};

/// Start addresses of regions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Layout {
    pub(crate) offsets: Vec<usize>,
    /// The end of the highest region.
    pub(crate) arena: usize,
}

/// Places the regions in the order of `sequence`; `None` if the arena would exceed `limit`.
pub(crate) fn fit(regions: &Regions, conflicts: &[Vec<Conflict>], sequence: &[usize], limit: usize) -> Option<Layout> {
    let mut offsets = vec![None; regions.all.len()];
    let mut arena = 0;
    let mut taken = Vec::new();
    for &index in sequence {
        taken.clear();
        for c in &conflicts[index] {
            let Conflict { own, others, may_share, .. } = *c;
            taken.extend(offsets[c.other].map(|offset| Taken { offset, own, others, may_share }));
        }
        let offset = lowest(&mut taken);
        arena = arena.max(offset + regions.all[index].room);
        if arena > limit {
            return None;
        }
        offsets[index] = Some(offset);
    }
    Some(Layout { offsets: offsets.into_iter().map(|offset| offset.unwrap_or(0)).collect(), arena })
}

/// A region placed that conflicts with one to be placed.
#[derive(Clone, Copy)]
struct Taken {
    offset: usize,
    /// Room of the one to be placed, and of the other, while both are live.
    own: usize,
    others: usize,
    /// The same address is fine.
    may_share: bool,
}

impl Taken {
    fn allows(&self, address: usize) -> bool {
        let apart = address + self.own <= self.offset || address >= self.offset + self.others;
        apart || (self.may_share && address == self.offset)
    }
}

/// The lowest address that all of `taken` allow.
fn lowest(taken: &mut [Taken]) -> usize {
    // By the lower end of what is excluded; shifted, for it may lie below 0.
    let shift = taken.iter().map(|t| t.own).max().unwrap_or(0);
    taken.sort_unstable_by_key(|t| t.offset + shift - t.own);
    let mut lowest = 0;
    for t in taken.iter() {
        if lowest + t.own <= t.offset {
            break;
        }
        lowest = lowest.max(t.offset + t.others);
    }
    let shared = taken.iter().filter(|t| t.may_share && t.offset < lowest).map(|t| t.offset);
    shared.filter(|&address| taken.iter().all(|t| t.allows(address))).fold(lowest, usize::min)
}

/// First fit in the order of birth, without stored conflicts: what is placed before and conflicts is live
/// at the birth. `regions` are ordered by birth.
pub(crate) fn fit_by_birth(regions: &[Region]) -> Layout {
    let of_one_size = |region: &Region| region.parts.iter().all(|part| part.room == region.room);
    if regions.iter().all(of_one_size) { fit_in_gaps(regions) } else { fit_among_live(regions) }
}

/// [`fit_by_birth`] of regions that never change their size: what is free is a list of gaps.
fn fit_in_gaps(regions: &[Region]) -> Layout {
    let mut layout = Layout { offsets: Vec::with_capacity(regions.len()), arena: 0 };
    // The ends of the gaps by their starts; the last has no end.
    let mut gaps = BTreeMap::from([(0, usize::MAX)]);
    let mut deaths = BinaryHeap::new();
    for (index, region) in regions.iter().enumerate() {
        while let Some(&Reverse((last, dead))) = deaths.peek()
            && last < region.range.first
        {
            deaths.pop();
            let dead: usize = dead;
            free(&mut gaps, layout.offsets[dead], layout.offsets[dead] + regions[dead].room);
        }
        let fits = |(&start, &end): (&usize, &usize)| (end - start >= region.room).then_some((start, end));
        let (start, end) = gaps.iter().find_map(fits).expect("the last gap has no end");
        gaps.remove(&start);
        if end - start > region.room {
            gaps.insert(start + region.room, end);
        }
        layout.offsets.push(start);
        layout.arena = layout.arena.max(start + region.room);
        deaths.push(Reverse((region.range.last, index)));
    }
    layout
}

/// Adds a gap, as one with those that it touches.
fn free(gaps: &mut BTreeMap<usize, usize>, mut start: usize, mut end: usize) {
    if let Some((&before, &reaches)) = gaps.range(..start).next_back()
        && reaches == start
    {
        start = before;
    }
    if let Some(reaches) = gaps.remove(&end) {
        end = reaches;
    }
    gaps.insert(start, end);
}

/// [`fit_by_birth`] of any regions.
fn fit_among_live(regions: &[Region]) -> Layout {
    let mut layout = Layout { offsets: Vec::with_capacity(regions.len()), arena: 0 };
    let mut live: Vec<usize> = Vec::new();
    let mut taken = Vec::new();
    for (index, region) in regions.iter().enumerate() {
        live.retain(|&other| regions[other].range.last >= region.range.first);
        taken.clear();
        for &other in &live {
            if let Some(common) = region.range.common(regions[other].range) {
                let (own, others) = (region.room_within(common), regions[other].room_within(common));
                if own > 0 && others > 0 {
                    let offset = layout.offsets[other];
                    taken.push(Taken { offset, own, others, may_share: false });
                }
            }
        }
        let offset = lowest(&mut taken);
        layout.offsets.push(offset);
        layout.arena = layout.arena.max(offset + region.room);
        live.push(index);
    }
    layout
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::liveness::LiveRange;
    use crate::plan::place::regions::{Item, Part};
    use crate::plan::problem::BufferIx;
    use crate::plan::rng::Rng;

    #[test]
    fn gaps_give_the_addresses_that_looking_at_all_that_live_gives() {
        let mut rng = Rng::new(11);
        for case in 0..300 {
            let count = 1 + rng.below(60);
            let mut regions: Vec<Region> = (0..count)
                .map(|index| {
                    let first = rng.below(40);
                    let range = LiveRange { first, last: first + rng.below(25) };
                    let room = 16 * (1 + rng.below(9));
                    let item = Item::Buffer(BufferIx(index));
                    Region { parts: vec![Part { item, room, range }], range, room }
                })
                .collect();
            regions.sort_by_key(|region| (region.range.first, Reverse(region.range.last)));
            assert_eq!(fit_in_gaps(&regions), fit_among_live(&regions), "case {case}");
        }
    }
}
