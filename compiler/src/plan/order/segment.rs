//! Segments: stretches of the base order between steps that every order runs at the same position.
//!
//! A step that all earlier steps lead to and that leads to all later ones is a *cut*: whatever the order,
//! exactly the same steps run before it. So the steps between two cuts can be ordered by themselves, and
//! the peak of the whole is the largest peak of a segment. Chains consist of cuts alone.
//!
//! Within a [`Segment`] steps and buffers have local indices, dense from 0; local step `i` stands at
//! position `start + i` of the base order.

use std::collections::BTreeMap;

use crate::plan::deps::Graph;
use crate::plan::problem::{BufferIx, Problem, StepIx};
use crate::plan::sharing::{Candidates, Choice, best_pairs, choices, saving};

/// A set of local steps.
pub(crate) type Set = Box<[u64]>;

pub(crate) fn contains(set: &[u64], index: usize) -> bool {
    set[index / 64] >> (index % 64) & 1 == 1
}

pub(crate) fn insert(set: &mut [u64], index: usize) {
    set[index / 64] |= 1 << (index % 64);
}

/// A stretch of the base order that is ordered by itself.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Position in the base order of its first step.
    pub(crate) start: usize,
    pub(crate) steps: Vec<LocalStep>,
    pub(crate) buffers: Vec<LocalBuffer>,
    /// Room of what is live when the segment begins, touched by it or not.
    pub(crate) live_before: usize,
}

#[derive(Debug)]
pub(crate) struct LocalStep {
    pub(crate) preds: Vec<usize>,
    pub(crate) succs: Vec<usize>,
    /// Buffers that it touches and that are born or die within the segment.
    pub(crate) touches: Vec<usize>,
    pub(crate) scratch: usize,
    /// Bytes saved by its mandatory in-place pairs.
    pub(crate) always_saved: usize,
    /// Its optional in-place pairs: local `(read, write)`, and what the matching needs.
    pub(crate) pairs: Vec<(usize, usize)>,
    pub(crate) choices: Vec<Choice>,
    /// An upper bound of the elementary operations that one [`Segment::effect`] of it takes.
    pub(crate) work: usize,
}

#[derive(Debug)]
pub(crate) struct LocalBuffer {
    pub(crate) room: usize,
    /// Live when the segment begins.
    pub(crate) born_before: bool,
    /// Live when the segment has ended.
    pub(crate) lives_on: bool,
    /// Local steps that touch it.
    pub(crate) touches: Vec<usize>,
    /// The same as bits, in segments of at most 64 steps.
    mask: Option<u64>,
}

impl LocalBuffer {
    /// Whether one of the steps `done` touches it.
    fn touched_by(&self, done: &[u64]) -> bool {
        match self.mask {
            Some(mask) => done[0] & mask != 0,
            None => self.touches.iter().any(|&other| contains(done, other)),
        }
    }

    /// Whether no step besides `done` and `step` touches it.
    fn finished_by(&self, done: &[u64], step: usize) -> bool {
        match self.mask {
            Some(mask) => mask & !(done[0] | 1 << step) == 0,
            None => {
                let mut others = self.touches.iter().filter(|&&other| other != step);
                others.all(|&other| contains(done, other))
            }
        }
    }
}

/// What running a step does to the live bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Effect {
    /// Live bytes while it runs, scratch included and sharing deducted.
    pub(crate) during: usize,
    /// Live bytes after it.
    pub(crate) after: usize,
}

impl Segment {
    /// The effect of running `step` where `done` has run and `live` bytes are live.
    pub(crate) fn effect(&self, done: &[u64], live: usize, step: usize) -> Effect {
        let touched = |buffer: usize| self.buffers[buffer].touched_by(done);
        let finished = |buffer: usize| self.buffers[buffer].finished_by(done, step);
        self.effect_where(live, step, (touched, finished))
    }

    /// The effect of running `step` where `live` bytes are live; `touched` says of a buffer whether a step touched it before,
    /// `finished` whether no other is still to touch it.
    fn effect_where(
        &self,
        live: usize,
        step: usize,
        (touched, finished): (impl Fn(usize) -> bool, impl Fn(usize) -> bool),
    ) -> Effect {
        let spec = &self.steps[step];
        let born = |buffer: usize| !self.buffers[buffer].born_before && !touched(buffer);
        let dies = |buffer: usize| !self.buffers[buffer].lives_on && finished(buffer);
        let (mut births, mut deaths) = (0, 0);
        for &index in &spec.touches {
            births += if born(index) { self.buffers[index].room } else { 0 };
            deaths += if dies(index) { self.buffers[index].room } else { 0 };
        }
        let mut saved = spec.always_saved;
        if !spec.pairs.is_empty() {
            let possible = |&(read, write): &(usize, usize)| dies(read) && born(write);
            let eligible = spec.pairs.iter().enumerate().filter(|(_, pair)| possible(pair));
            let eligible = eligible.fold(0u32, |mask, (i, _)| mask | 1 << i);
            saved += best_pairs(&spec.choices, eligible).0;
        }
        Effect { during: live + births - saved + spec.scratch, after: live + births - deaths }
    }

    /// Room of what is live when the segment has ended.
    pub(crate) fn live_after(&self) -> usize {
        let born = self.buffers.iter().filter(|b| !b.born_before && b.lives_on).map(|b| b.room);
        let died = self.buffers.iter().filter(|b| b.born_before && !b.lives_on).map(|b| b.room);
        self.live_before + born.sum::<usize>() - died.sum::<usize>()
    }

    /// The empty set of steps.
    pub(crate) fn none(&self) -> Set {
        vec![0u64; self.steps.len().div_ceil(64)].into_boxed_slice()
    }

    /// The peak of running the steps in `order` (local indices); its cost grows with what the steps touch.
    pub(crate) fn peak(&self, order: &[usize]) -> usize {
        let (mut live, mut peak) = (self.live_before, 0);
        // Per buffer, the steps that have touched it.
        let mut times = vec![0usize; self.buffers.len()];
        for &step in order {
            let touched = |buffer: usize| times[buffer] > 0;
            let finished = |buffer: usize| times[buffer] + 1 == self.buffers[buffer].touches.len();
            let effect = self.effect_where(live, step, (touched, finished));
            peak = peak.max(effect.during);
            live = effect.after;
            self.steps[step].touches.iter().for_each(|&buffer| times[buffer] += 1);
        }
        peak
    }
}

/// The base order as positions.
struct Base<'a> {
    problem: &'a Problem,
    graph: &'a Graph,
    /// Of each step, its position.
    position: Vec<usize>,
    /// Of each buffer, the positions that touch it, ascending.
    touched: Vec<Vec<usize>>,
}

/// Splits the base order of `graph` at its cuts. A cut closes the segment before it and is one by itself.
pub(crate) fn split(problem: &Problem, graph: &Graph) -> Vec<Segment> {
    let mut position = vec![0; graph.base.len()];
    for (at, &step) in graph.base.iter().enumerate() {
        position[step] = at;
    }
    let places = |steps: &Vec<usize>| {
        let mut places: Vec<usize> = steps.iter().map(|&step| position[step]).collect();
        places.sort_unstable();
        places
    };
    let touched = graph.touches.iter().map(places).collect();
    let base = Base { problem, graph, position, touched };
    let held = (0..problem.buffers.len()).filter(|&b| problem.buffers[b].live_from_start);
    let mut live: usize = held.map(|b| problem.room(BufferIx(b))).sum();
    let mut segments = Vec::new();
    let mut start = 0;
    for end in base.ends() {
        let segment = base.segment(start, end, live);
        live = segment.live_after();
        segments.push(segment);
        start = end;
    }
    segments
}

impl Base<'_> {
    /// Positions at which a segment ends (exclusive), ascending; the last is the number of steps.
    fn ends(&self) -> Vec<usize> {
        let steps = self.graph.base.len();
        // A position is a cut if each earlier step has a successor at or before it (then, by induction, it
        // leads to it), and each later step a predecessor at or after it.
        let mut all_lead_in = vec![true; steps];
        let mut farthest = 0;
        for (i, &step) in self.graph.base.iter().enumerate() {
            all_lead_in[i] = farthest <= i;
            let next = self.graph.succs[step].iter().map(|&s| self.position[s]).min();
            farthest = farthest.max(next.unwrap_or(steps));
        }
        let mut ends = vec![steps];
        let mut nearest = Some(steps);
        for (i, &step) in self.graph.base.iter().enumerate().rev() {
            if all_lead_in[i] && nearest.is_some_and(|p| p >= i) {
                ends.extend([i + 1, i]);
            }
            let last = self.graph.preds[step].iter().map(|&s| self.position[s]).max();
            nearest = nearest.and_then(|p| last.map(|l| p.min(l)));
        }
        ends.reverse();
        ends.dedup();
        ends.retain(|&end| end > 0);
        ends
    }

    /// The segment of the positions `start..end`, before which `live` bytes are live.
    fn segment(&self, start: usize, end: usize, live: usize) -> Segment {
        let local = |steps: &[usize]| -> Vec<usize> {
            let inside = steps.iter().map(|&step| self.position[step]).filter(|p| (start..end).contains(p));
            inside.map(|p| p - start).collect()
        };
        let mut index: BTreeMap<BufferIx, usize> = BTreeMap::new();
        let mut buffers = Vec::new();
        let mut steps: Vec<LocalStep> = Vec::with_capacity(end - start);
        for &step in &self.graph.base[start..end] {
            let spec = &self.problem.steps[step];
            let mut touches = Vec::new();
            for &buffer in spec.reads.iter().chain(&spec.writes) {
                touches.push(*index.entry(buffer).or_insert_with(|| {
                    buffers.push(self.local_buffer(buffer, start, end));
                    buffers.len() - 1
                }));
            }
            touches.sort_unstable();
            touches.dedup();
            let candidates = Candidates::of(self.problem, StepIx(step));
            steps.push(LocalStep {
                preds: local(&self.graph.preds[step]),
                succs: local(&self.graph.succs[step]),
                touches,
                scratch: self.problem.scratch_room(StepIx(step)),
                always_saved: candidates.mandatory.iter().map(|p| saving(self.problem, p)).sum(),
                pairs: candidates.optional.iter().map(|p| (index[&p.read], index[&p.write])).collect(),
                choices: choices(self.problem, &candidates.optional),
                work: 0,
            });
        }
        for step in &mut steps {
            step.touches.retain(|&b| !(buffers[b].born_before && buffers[b].lives_on));
            let checks: usize = step.touches.iter().map(|&b| 2 * buffers[b].touches.len()).sum();
            let words = (end - start) / 64;
            step.work = 1 + checks + step.pairs.len() + step.succs.len() + words;
        }
        Segment { start, steps, buffers, live_before: live }
    }

    fn local_buffer(&self, buffer: BufferIx, start: usize, end: usize) -> LocalBuffer {
        let spec = &self.problem.buffers[buffer.0];
        let places = &self.touched[buffer.0];
        let (from, to) = (places.partition_point(|&p| p < start), places.partition_point(|&p| p < end));
        let touches: Vec<usize> = places[from..to].iter().map(|p| p - start).collect();
        let mask = (end - start <= 64).then(|| touches.iter().fold(0, |mask, &s| mask | 1 << s));
        LocalBuffer {
            room: self.problem.room(buffer),
            born_before: spec.live_from_start || from > 0,
            lives_on: spec.live_to_end || to < places.len(),
            touches,
            mask,
        }
    }
}
