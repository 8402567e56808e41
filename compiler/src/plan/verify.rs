//! Proof of a plan, from the problem alone.
//!
//! Nothing here uses what the planner computed on its way: lifetimes are derived again, from the problem
//! and the order, so that an error in the planner cannot hide itself.

use std::collections::BTreeMap;

use super::Placement;
use super::liveness::Sharing;
use super::problem::{BufferIx, InPlace, Problem, StepIx};

/// Violations that are listed before the rest is only counted.
const MAX_LISTED: usize = 50;

/// All that is wrong with `placement` as a plan of `problem`, which is checked; empty if it is right:
/// - every step runs once; every read sees the writes that it sees in the given order; `after` holds;
/// - every buffer and scratch area is aligned and inside the arena;
/// - no two that are live at one step overlap, except in-place pairs that are declared, possible there, and
///   share their start; mandatory pairs do share it.
pub fn verify(problem: &Problem, placement: &Placement) -> Vec<String> {
    let mut shared = vec![Vec::new(); problem.steps.len()];
    for Sharing { step, pair } in &placement.sharing {
        shared.get_mut(step.0).into_iter().for_each(|pairs: &mut Vec<InPlace>| pairs.push(*pair));
    }
    let (position, life, wrong) = (Vec::new(), Vec::new(), Vec::new());
    let mut check = Check { problem, placement, shared, position, life, wrong };
    if check.shape() {
        check.order();
        check.lifetimes();
        check.bounds();
        check.sharing();
        check.overlaps();
    }
    let count = check.wrong.len();
    if count > MAX_LISTED {
        check.wrong.truncate(MAX_LISTED);
        check.wrong.push(format!("and {} more", count - MAX_LISTED));
    }
    check.wrong
}

struct Check<'a> {
    problem: &'a Problem,
    placement: &'a Placement,
    /// Of each step, the pairs that share.
    shared: Vec<Vec<InPlace>>,
    /// Of each step, its position in the order.
    position: Vec<usize>,
    /// Of each buffer, the first and the last position where it is live.
    life: Vec<Option<(usize, usize)>>,
    wrong: Vec<String>,
}

impl Check<'_> {
    /// Whether all lists have the right length and the order is a permutation of the steps.
    fn shape(&mut self) -> bool {
        let (problem, placement) = (self.problem, self.placement);
        let steps = problem.steps.len();
        let mut position = vec![None; steps];
        for (at, step) in placement.order.iter().enumerate() {
            match position.get_mut(step.0) {
                Some(slot @ None) => *slot = Some(at),
                Some(Some(_)) | None => self.wrong.push(format!("step {} runs twice or is unknown", step.0)),
            }
        }
        for step in (0..steps).filter(|&step| position[step].is_none()) {
            self.wrong.push(format!("step {step} never runs"));
        }
        if placement.offsets.len() != problem.buffers.len() {
            self.wrong.push("not every buffer has an offset".to_owned());
        }
        let scratch = problem.steps.iter().map(|step| step.scratch.len());
        if !placement.scratch.iter().map(Vec::len).eq(scratch) {
            self.wrong.push("not every scratch area has an offset".to_owned());
        }
        self.position = position.into_iter().flatten().collect();
        self.wrong.is_empty()
    }

    /// Every buffer sees its accesses as in the given order, up to swaps among reads and among writes.
    fn order(&mut self) {
        for (index, step) in self.problem.steps.iter().enumerate() {
            for after in step.after.iter().filter(|a| self.position[a.0] > self.position[index]) {
                self.wrong.push(format!("step {index} runs before step {}, which it shall follow", after.0));
            }
        }
        let mut accesses: Vec<Vec<(usize, bool, bool)>> = vec![Vec::new(); self.problem.buffers.len()];
        for (index, step) in self.problem.steps.iter().enumerate() {
            for buffer in step.reads.iter().chain(&step.writes) {
                let list = &mut accesses[buffer.0];
                if list.last().is_none_or(|&(last, ..)| last != index) {
                    list.push((index, false, false));
                }
            }
            for buffer in &step.reads {
                accesses[buffer.0].last_mut().into_iter().for_each(|access| access.1 = true);
            }
            for buffer in &step.writes {
                accesses[buffer.0].last_mut().into_iter().for_each(|access| access.2 = true);
            }
        }
        for (buffer, list) in accesses.iter().enumerate() {
            // The latest position at which an earlier step read, and wrote, the buffer.
            let (mut read, mut written) = (None, None);
            for &(step, reads, writes) in list {
                let at = Some(self.position[step]);
                if (reads && written > at) || (writes && read > at) {
                    self.wrong.push(format!("step {step} sees another value of buffer {buffer}"));
                }
                read = if reads { read.max(at) } else { read };
                written = if writes { written.max(at) } else { written };
            }
        }
    }

    fn lifetimes(&mut self) {
        let end = self.placement.order.len().saturating_sub(1);
        let mut life: Vec<Option<(usize, usize)>> = vec![None; self.problem.buffers.len()];
        for (index, step) in self.problem.steps.iter().enumerate() {
            let at = self.position[index];
            for buffer in step.reads.iter().chain(&step.writes) {
                let (first, last) = life[buffer.0].unwrap_or((at, at));
                life[buffer.0] = Some((first.min(at), last.max(at)));
            }
        }
        for (spec, life) in self.problem.buffers.iter().zip(&mut life) {
            if spec.live_from_start {
                *life = Some((0, life.map_or(end, |(_, last)| last)));
            }
            if spec.live_to_end {
                *life = life.map(|(first, _)| (first, end));
            }
        }
        self.life = life;
    }

    fn bounds(&mut self) {
        let (problem, placement) = (self.problem, self.placement);
        let mut check = |name: String, offset: usize, bytes: usize| {
            if !offset.is_multiple_of(problem.align) {
                self.wrong.push(format!("{name} at {offset} is not aligned to {}", problem.align));
            }
            if offset.checked_add(bytes).is_none_or(|end| end > placement.arena_bytes) {
                self.wrong.push(format!("{name} at {offset} with {bytes} bytes leaves the arena"));
            }
        };
        for (index, (buffer, &offset)) in problem.buffers.iter().zip(&placement.offsets).enumerate() {
            if self.life[index].is_some() {
                check(format!("buffer {index}"), offset, buffer.bytes);
            }
        }
        for (index, (step, offsets)) in problem.steps.iter().zip(&placement.scratch).enumerate() {
            for (&bytes, &offset) in step.scratch.iter().zip(offsets) {
                check(format!("scratch of step {index}"), offset, bytes);
            }
        }
    }

    /// Shared pairs are declared, possible, and start together; mandatory pairs are shared.
    fn sharing(&mut self) {
        let pairs = || self.placement.sharing.iter().map(|shared| shared.pair);
        let mut reads: Vec<BufferIx> = pairs().map(|pair| pair.read).collect();
        let mut writes: Vec<BufferIx> = pairs().map(|pair| pair.write).collect();
        for list in [&mut reads, &mut writes] {
            list.sort_unstable();
            for pair in list.windows(2).filter(|pair| pair[0] == pair[1]) {
                self.wrong.push(format!("buffer {} is shared twice in one role", pair[0].0));
            }
        }
        for &Sharing { step, pair } in &self.placement.sharing {
            let declared = self.problem.steps.get(step.0).is_some_and(|s| s.in_place.contains(&pair));
            if !declared {
                self.wrong.push(format!("step {} does not declare the pair it shares", step.0));
            } else if !self.possible(step, &pair) {
                self.wrong.push(format!(
                    "at step {} buffer {} cannot take the place of buffer {}",
                    step.0, pair.write.0, pair.read.0
                ));
            }
        }
        for (index, step) in self.problem.steps.iter().enumerate() {
            for &pair in step.in_place.iter().filter(|pair| pair.mandatory) {
                let offsets = &self.placement.offsets;
                let apart = offsets[pair.read.0] != offsets[pair.write.0];
                if apart || !self.possible(StepIx(index), &pair) {
                    self.wrong.push(format!(
                        "step {index} does not write buffer {} over buffer {}",
                        pair.write.0, pair.read.0
                    ));
                }
            }
        }
    }

    /// Whether the one dies where the other is born.
    fn possible(&self, step: StepIx, pair: &InPlace) -> bool {
        let at = self.position[step.0];
        let buffers = &self.problem.buffers;
        let dies = self.life[pair.read.0].is_some_and(|(_, last)| last == at);
        let born = self.life[pair.write.0].is_some_and(|(first, _)| first == at);
        dies && born && !buffers[pair.read.0].live_to_end && !buffers[pair.write.0].live_from_start
    }

    fn overlaps(&mut self) {
        let placement = self.placement;
        let positions = placement.order.len().max(1);
        let (mut born, mut dying) = (vec![Vec::new(); positions], vec![Vec::new(); positions]);
        for (buffer, life) in self.life.iter().enumerate() {
            if let Some((first, last)) = *life
                && self.problem.buffers[buffer].bytes > 0
            {
                born[first].push(buffer);
                dying[last].push(buffer);
            }
        }
        let mut taken = Taken::default();
        for (position, (born, dying)) in born.into_iter().zip(dying).enumerate() {
            let step = placement.order.get(position).copied();
            let pairs = self.together(step);
            let bytes = |buffer: BufferIx| self.problem.buffers[buffer.0].bytes;
            let place = |buffer: usize| (placement.offsets[buffer], Item::Buffer(buffer));
            // Of a pair that shares there is one extent, the larger; the operand is gone when the step has run.
            let replaced: Vec<usize> = pairs.iter().filter(|p| bytes(p.write) > 0).map(|p| p.read.0).collect();
            replaced.iter().for_each(|&read| taken.remove(place(read)));
            for &buffer in born.iter().filter(|b| !replaced.contains(b)) {
                let operand = pairs.iter().find(|pair| pair.write.0 == buffer).map_or(0, |pair| bytes(pair.read));
                self.wrong.extend(taken.add(place(buffer), bytes(BufferIx(buffer)).max(operand), position));
            }
            let areas: Vec<((usize, Item), usize)> = step.map_or(Vec::new(), |step| {
                let areas = self.problem.steps[step.0].scratch.iter().zip(&placement.scratch[step.0]).enumerate();
                areas.map(|(n, (&bytes, &start))| ((start, Item::Scratch(step.0, n)), bytes)).collect()
            });
            for &(key, bytes) in areas.iter().filter(|(_, bytes)| *bytes > 0) {
                self.wrong.extend(taken.add(key, bytes, position));
            }
            areas.into_iter().for_each(|(key, _)| taken.remove(key));
            for pair in &pairs {
                taken.resize(place(pair.write.0), bytes(pair.write));
            }
            dying.into_iter().for_each(|buffer| taken.remove(place(buffer)));
        }
    }

    /// The pairs of a step that share, as they may.
    fn together(&self, step: Option<StepIx>) -> Vec<InPlace> {
        let Some(step) = step else { return Vec::new() };
        let offset = |buffer: BufferIx| self.placement.offsets[buffer.0];
        let shares = |pair: &&InPlace| offset(pair.read) == offset(pair.write) && self.possible(step, pair);
        self.shared[step.0].iter().filter(shares).copied().collect()
    }
}

/// What occupies memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Buffer(usize),
    /// An area of a step.
    Scratch(usize, usize),
}

impl std::fmt::Display for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Item::Buffer(buffer) => write!(f, "buffer {buffer}"),
            Item::Scratch(step, _) => write!(f, "scratch of step {step}"),
        }
    }
}

/// What is live, by its start. As long as nothing overlaps, what a new extent overlaps is next to it.
#[derive(Default)]
struct Taken {
    ends: BTreeMap<(usize, Item), usize>,
}

impl Taken {
    /// Adds an extent; what it overlaps with.
    fn add(&mut self, key: (usize, Item), bytes: usize, position: usize) -> Vec<String> {
        let (start, item) = key;
        let end = start.saturating_add(bytes);
        let before = self.ends.range(..key).next_back().filter(|(_, reaches)| **reaches > start);
        let behind = self.ends.range(key..).next().filter(|((begins, _), _)| *begins < end);
        let text = |((a, what), b): (&(usize, Item), &usize)| {
            format!("{what} ({a}..{b}) and {item} ({start}..{end}) overlap at position {position}")
        };
        let found = before.into_iter().chain(behind).map(text).collect();
        self.ends.insert(key, end);
        found
    }

    fn remove(&mut self, key: (usize, Item)) {
        self.ends.remove(&key);
    }

    fn resize(&mut self, key: (usize, Item), bytes: usize) {
        self.ends.entry(key).and_modify(|end| *end = key.0.saturating_add(bytes));
    }
}
