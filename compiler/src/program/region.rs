//! Steps that do not simply run once: the branches of an `If`, the body of a loop.
//!
//! Invariants: [`Program::regions`] lists each region before those within it, by their first steps; every region has steps, and lies
//! wholly within a branch or the body of another one, or in none; branches write what is read behind them both.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Arg, BufferId, Program, View};

/// Neighbouring steps that run together: not at all, once, or several times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// All of its steps.
    pub steps: Range<usize>,
    /// When they run.
    pub kind: RegionKind,
}

/// When the steps of a region run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionKind {
    /// One of two parts.
    If {
        /// The bool that chooses: where it holds, the first part.
        condition: View,
        /// The first step of the second part.
        otherwise: usize,
    },
    /// All of them, several times.
    Loop {
        /// How often, at most.
        trips: usize,
        /// A bool that ends the loop where it does not hold before an iteration.
        condition: Option<View>,
    },
}

/// A piece of a range of steps, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// A step in no region within the range.
    Step(usize),
    /// A region, by its position in [`Program::regions`].
    Region(usize),
}

impl Region {
    /// The bool that the region looks at.
    pub fn condition(&self) -> Option<View> {
        match self.kind {
            RegionKind::If { condition, .. } => Some(condition),
            RegionKind::Loop { condition, .. } => condition,
        }
    }

    /// The steps that run together, each with the end of its function's name.
    pub fn parts(&self) -> Vec<(&'static str, Range<usize>)> {
        let Range { start, end } = self.steps;
        match self.kind {
            RegionKind::If { otherwise, .. } => vec![("then", start..otherwise), ("otherwise", otherwise..end)],
            RegionKind::Loop { .. } => vec![("body", start..end)],
        }
    }
}

impl Program {
    /// The pieces of all steps.
    pub fn blocks(&self) -> Vec<Block> {
        self.blocks_within(0, 0..self.steps.len())
    }

    /// The pieces of a part of a region.
    pub fn blocks_of(&self, region: usize, part: Range<usize>) -> Vec<Block> {
        self.blocks_within(region + 1, part)
    }

    /// The pieces of a range, whose regions stand from `next` on.
    fn blocks_within(&self, mut next: usize, range: Range<usize>) -> Vec<Block> {
        let (mut blocks, mut at) = (Vec::new(), range.start);
        while at < range.end {
            while self.regions.get(next).is_some_and(|r| r.steps.start < at) {
                next += 1;
            }
            match self.regions.get(next) {
                Some(r) if r.steps.start == at && r.steps.end <= range.end => {
                    blocks.push(Block::Region(next));
                    at = r.steps.end;
                    next += 1;
                }
                Some(_) | None => {
                    blocks.push(Block::Step(at));
                    at += 1;
                }
            }
        }
        blocks
    }

    /// Multiply-adds of some pieces: those of the dearer branch, and of a body as often as it may run.
    pub(super) fn macs_of(&self, blocks: Vec<Block>) -> u64 {
        let of = |block: Block| match block {
            Block::Step(i) => self.steps[i].macs,
            Block::Region(i) => {
                let region = &self.regions[i];
                let parts = region.parts().into_iter().map(|(_, part)| self.macs_of(self.blocks_of(i, part)));
                let once = parts.max().unwrap_or(0);
                match region.kind {
                    RegionKind::If { .. } => once,
                    RegionKind::Loop { trips, .. } => once.saturating_mul(trips as u64),
                }
            }
        };
        blocks.into_iter().map(of).fold(0, u64::saturating_add)
    }

    /// Per loop, by its position among the regions, the buffers that its steps touch and that are touched outside it too, or are
    /// needed after the run: they keep their memory from its first iteration to its last one.
    pub fn crossing(&self) -> Vec<(usize, BTreeSet<BufferId>)> {
        let touched = |i: usize| {
            self.steps[i].args.iter().filter_map(|a| if let Arg::Buffer(v, _) = a { Some(v.buffer) } else { None })
        };
        let overs = |i: usize| self.steps[i].over.into_iter().flat_map(|o| [o.operand.buffer, o.result.buffer]);
        let mut span: Vec<Option<(usize, usize)>> = vec![None; self.buffers.len()];
        let mut touch = |b: BufferId, at: usize| {
            let (first, last) = span[b.index()].unwrap_or((at, at));
            span[b.index()] = Some((first.min(at), last.max(at)));
        };
        for i in 0..self.steps.len() {
            touched(i).chain(overs(i)).for_each(|b| touch(b, i));
        }
        let end = usize::MAX;
        self.outputs.iter().map(|o| o.view.buffer).chain(self.kept()).for_each(|b| touch(b, end));
        self.regions.iter().for_each(|r| r.condition().into_iter().for_each(|v| touch(v.buffer, r.steps.start)));
        let is_loop = |r: &Region| matches!(r.kind, RegionKind::Loop { .. });
        let loops = self.regions.iter().enumerate().filter(|(_, r)| is_loop(r));
        // Inputs in the arena were written before the first step.
        let inputs: BTreeSet<BufferId> = self.own_input_buffers().collect();
        let crosses = |r: &Region, b: &BufferId| {
            let outside = |(first, last): (usize, usize)| first < r.steps.start || last >= r.steps.end;
            inputs.contains(b) || span[b.index()].is_some_and(outside)
        };
        let of = |r: &Region| r.steps.clone().flat_map(touched).filter(|b| crosses(r, b)).collect();
        loops.map(|(i, r)| (i, of(r))).collect()
    }

    /// What is wrong with the regions.
    pub(super) fn region_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut open: Vec<Range<usize>> = Vec::new();
        for (i, region) in self.regions.iter().enumerate() {
            while open.last().is_some_and(|outer| outer.end <= region.steps.start) {
                open.pop();
            }
            let inside = open.last().is_none_or(|o| o.start <= region.steps.start && region.steps.end <= o.end);
            if !inside || region.steps.is_empty() || region.steps.end > self.steps.len() {
                faults.push(format!("region {i} has no place of its own"));
                continue;
            }
            // Innermost last: of two parts the second begins behind the first.
            open.extend(region.parts().into_iter().rev().map(|(_, part)| part).filter(|part| !part.is_empty()));
            faults.extend(self.unequal_branches(i));
        }
        faults
    }

    /// Buffers that one branch alone writes and that are read behind both.
    fn unequal_branches(&self, region: usize) -> Option<String> {
        let RegionKind::If { otherwise, .. } = self.regions[region].kind else { return None };
        let steps = self.regions[region].steps.clone();
        let written = |range: Range<usize>| -> BTreeSet<BufferId> {
            range.flat_map(|i| self.steps[i].writes().map(|(_, v)| v.buffer)).collect()
        };
        let [a, b] = [written(steps.start..otherwise), written(otherwise..steps.end)];
        let before: BTreeSet<BufferId> = written(0..steps.start);
        let needed: BTreeSet<BufferId> = self.outputs.iter().map(|o| o.view.buffer).collect();
        let lost = a.symmetric_difference(&b).find(|buffer| needed.contains(buffer) && !before.contains(buffer));
        lost.map(|buffer| format!("region {region}: only one branch writes b{}", buffer.0))
    }
}
