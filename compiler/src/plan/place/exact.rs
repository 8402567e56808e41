//! Whether a placement of a given height exists: exhaustive search from the bottom up.
//!
//! In a placement pushed down as far as it goes every region lies at 0 or upon one that it conflicts with.
//! Taking the regions by their address, each then lies just above all conflicting ones taken before. So
//! the search takes regions in every order in which these addresses ascend. It turns back as soon as, at
//! some position, what is taken and what is still to be taken do not fit under the height together.

use super::fit::Layout;
use super::regions::{Conflict, Regions};

/// More regions must not be tried: the search recurses as deep as they are many, and would spend any budget.
pub(crate) const MAX_REGIONS: usize = 200;

/// What the search found.
#[derive(Debug)]
pub(crate) enum Fits {
    Yes(Layout),
    /// Proved.
    No,
    /// The budget is spent.
    Unknown,
}

/// Looks for a placement of at most `height` bytes of at most [`MAX_REGIONS`] regions; `budget` is in regions and conflicts looked at.
pub(crate) fn fits(regions: &Regions, conflicts: &[Vec<Conflict>], height: usize, budget: &mut usize) -> Fits {
    let positions = regions.all.iter().map(|region| region.range.last + 1).max().unwrap_or(0);
    let mut search = Search {
        regions,
        conflicts,
        height,
        budget,
        offsets: vec![None; regions.all.len()],
        floor: vec![0; regions.all.len()],
        top: vec![0; positions],
        left: vec![0; positions],
    };
    for index in 0..regions.all.len() {
        search.for_positions(index, |_, left, room| *left += room);
    }
    let found = search.descend(0, (0, 0));
    match found {
        Some(true) => {
            let offsets: Vec<usize> = search.offsets.iter().map(|offset| offset.unwrap_or(0)).collect();
            let ends = offsets.iter().zip(&regions.all).map(|(offset, region)| offset + region.room);
            let arena = ends.max().unwrap_or(0);
            Fits::Yes(Layout { offsets, arena })
        }
        Some(false) => Fits::No,
        None => Fits::Unknown,
    }
}

struct Search<'a> {
    regions: &'a Regions,
    conflicts: &'a [Vec<Conflict>],
    height: usize,
    budget: &'a mut usize,
    offsets: Vec<Option<usize>>,
    /// Per region: the end of the highest conflicting region taken.
    floor: Vec<usize>,
    /// Per position: the end of the highest region taken.
    top: Vec<usize>,
    /// Per position: room of the regions not yet taken.
    left: Vec<usize>,
}

impl Search<'_> {
    /// Calls `change` with the top, what is left, and the room of region `index`, at its positions.
    fn for_positions(&mut self, index: usize, change: impl Fn(&mut usize, &mut usize, usize)) {
        let regions = self.regions;
        let parts = &regions.all[index].parts;
        let mut from = regions.all[index].range.first;
        for (number, part) in parts.iter().enumerate() {
            // Where a part ends and the next begins, the larger of the two counts.
            for position in from..=part.range.last {
                let next = parts.get(number + 1).filter(|next| next.range.first == position);
                let room = part.room.max(next.map_or(0, |next| next.room));
                change(&mut self.top[position], &mut self.left[position], room);
            }
            from = part.range.last + 1;
        }
    }

    /// Takes the rest of the regions, the next one at `last` (address, index) or above. `None`: budget spent.
    fn descend(&mut self, taken: usize, last: (usize, usize)) -> Option<bool> {
        if taken == self.offsets.len() {
            return Some(true);
        }
        let mut next: Vec<usize> = (0..self.offsets.len()).filter(|&i| self.offsets[i].is_none()).collect();
        self.spend(next.len())?;
        if next.iter().any(|&i| self.floor[i] + self.regions.all[i].room > self.height) {
            return Some(false);
        }
        next.retain(|&i| (self.floor[i], i) >= last);
        next.sort_by_key(|&i| (self.floor[i], std::cmp::Reverse(self.regions.all[i].room), i));
        for index in next {
            let undo = self.take(index)?;
            let range = self.regions.all[index].range;
            let fits = (range.first..=range.last).all(|p| self.top[p] + self.left[p] <= self.height);
            if fits && self.descend(taken + 1, (self.floor[index], index))? {
                return Some(true);
            }
            self.put_back(index, undo);
        }
        Some(false)
    }

    /// Takes a region at its floor; gives what [`Search::put_back`] needs.
    fn take(&mut self, index: usize) -> Option<Undo> {
        let regions = self.regions;
        let region = &regions.all[index];
        let cost = self.conflicts[index].len() + region.range.last - region.range.first + 1;
        self.spend(cost)?;
        let offset = self.floor[index];
        self.offsets[index] = Some(offset);
        let tops = self.top[region.range.first..=region.range.last].to_vec();
        self.for_positions(index, |top, left, room| {
            // Part of a region without room at some position does not rest on anything there.
            *top = if room > 0 { offset + room } else { *top };
            *left -= room;
        });
        let mut floors = Vec::new();
        for conflict in &self.conflicts[index] {
            let floor = &mut self.floor[conflict.other];
            if offset + conflict.own > *floor {
                floors.push((conflict.other, *floor));
                *floor = offset + conflict.own;
            }
        }
        Some(Undo { tops, floors })
    }

    fn spend(&mut self, cost: usize) -> Option<()> {
        *self.budget = self.budget.checked_sub(cost)?;
        Some(())
    }

    fn put_back(&mut self, index: usize, undo: Undo) {
        self.offsets[index] = None;
        for (other, floor) in undo.floors {
            self.floor[other] = floor;
        }
        self.for_positions(index, |_, left, room| *left += room);
        let first = self.regions.all[index].range.first;
        self.top[first..first + undo.tops.len()].copy_from_slice(&undo.tops);
    }
}

/// What taking a region changed.
struct Undo {
    tops: Vec<usize>,
    /// Other regions with their former floors.
    floors: Vec<(usize, usize)>,
}
