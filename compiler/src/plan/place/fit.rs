//! First fit: regions one after another, each at the lowest address that is free while it is live.
//!
//! Some order of the regions gives the least arena there is: that of their addresses in it. So a search
//! for a placement is a search for an order.

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
