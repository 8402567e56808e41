//! What must run before what, from the accesses of a problem.
//!
//! Invariants of [`Graph`]: the edges are acyclic; every order that respects them lets each read see the
//! same writes as the given order, and makes every mandatory in-place pair possible.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::problem::{Conflict, InPlace, PlanError, Problem, StepIx};

/// Edges that a problem may have. A concatenation of a thousand pieces read by a thousand steps has a
/// million; real models have a few per step.
pub(crate) const MAX_EDGES: usize = 1 << 22;

/// Steps and the edges between them. Lists of steps are ascending in the given order.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) preds: Vec<Vec<usize>>,
    pub(crate) succs: Vec<Vec<usize>>,
    /// Steps that read or write a buffer.
    pub(crate) touches: Vec<Vec<usize>>,
    /// The given order, changed only where mandatory in-place pairs demand it.
    pub(crate) base: Vec<usize>,
}

impl Graph {
    /// Builds the graph of a problem that passed [`Problem::check`].
    ///
    /// # Errors
    /// A mandatory in-place pair that is impossible, or too many edges.
    pub(crate) fn new(problem: &Problem) -> Result<Self, PlanError> {
        let Accesses { readers, writers, touches } = Accesses::of(problem);
        let mut edges = Edges::new(problem.steps.len());
        for (steps, (readers, writers)) in touches.iter().zip(readers.iter().zip(&writers)) {
            edges.add_data(steps, |step| {
                let is = |list: &[usize]| list.binary_search(&step).is_ok();
                if !is(writers) {
                    Kind::Read
                } else if !is(readers) {
                    Kind::Write
                } else {
                    Kind::Update
                }
            })?;
        }
        for (step, spec) in problem.steps.iter().enumerate() {
            for after in &spec.after {
                edges.add(after.0, step)?;
            }
        }
        let data = edges.clone();
        let pairs = mandatory_pairs(problem)?;
        for (step, pair) in &pairs {
            edges.add_pair(*step, pair, &touches)?;
        }
        let Some(base) = edges.topological() else {
            return Err(first_impossible(&data, &pairs, &touches)?);
        };
        let preds = edges.reversed().succs;
        Ok(Self { preds, succs: edges.succs, touches, base })
    }
}

/// How a step touches a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
    Update,
}

/// Per buffer, the steps that read, write and touch it, ascending and without repeats.
struct Accesses {
    readers: Vec<Vec<usize>>,
    writers: Vec<Vec<usize>>,
    touches: Vec<Vec<usize>>,
}

impl Accesses {
    fn of(problem: &Problem) -> Self {
        let none = vec![Vec::new(); problem.buffers.len()];
        let mut all = Self { readers: none.clone(), writers: none.clone(), touches: none };
        let push = |list: &mut Vec<usize>, step| {
            if list.last() != Some(&step) {
                list.push(step);
            }
        };
        for (index, step) in problem.steps.iter().enumerate() {
            for buffer in &step.reads {
                push(&mut all.readers[buffer.0], index);
                push(&mut all.touches[buffer.0], index);
            }
            for buffer in &step.writes {
                push(&mut all.writers[buffer.0], index);
                push(&mut all.touches[buffer.0], index);
            }
        }
        all
    }
}

/// Mandatory pairs with their steps.
///
/// # Errors
/// A pair that is impossible whatever the order.
fn mandatory_pairs(problem: &Problem) -> Result<Vec<(usize, InPlace)>, PlanError> {
    let mut all: Vec<(usize, InPlace)> = Vec::new();
    for (index, step) in problem.steps.iter().enumerate() {
        let begin = all.len();
        for &pair in step.in_place.iter().filter(|p| p.mandatory) {
            if all[begin..].iter().any(|&(_, other)| other == pair) {
                continue;
            }
            let taken = all[begin..].iter().any(|(_, other)| super::sharing::meet(other, &pair));
            let conflict = if problem.buffers[pair.read.0].live_to_end {
                Conflict::ReadLivesToEnd
            } else if problem.buffers[pair.write.0].live_from_start {
                Conflict::WriteLivesFromStart
            } else if taken {
                Conflict::AnotherPair
            } else {
                all.push((index, pair));
                continue;
            };
            return Err(PlanError::MandatoryInPlace { step: StepIx(index), pair, conflict });
        }
    }
    Ok(all)
}

/// Names the first mandatory pair that makes the edges cyclic; adding all of `pairs` to `data` does.
///
/// # Errors
/// Too many edges.
fn first_impossible(data: &Edges, pairs: &[(usize, InPlace)], touches: &[Vec<usize>]) -> Result<PlanError, PlanError> {
    // The first `good` pairs are possible together, the first `bad` are not.
    let (mut good, mut bad) = (0, pairs.len());
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        let mut edges = data.clone();
        for (step, pair) in &pairs[..middle] {
            edges.add_pair(*step, pair, touches)?;
        }
        if edges.topological().is_some() { good = middle } else { bad = middle }
    }
    let mut edges = data.clone();
    for (step, pair) in &pairs[..good] {
        edges.add_pair(*step, pair, touches)?;
    }
    let (step, pair) = pairs[good];
    // In a cycle either the step leads to one that touches the operand ...
    let (operand, result) = (&touches[pair.read.0], &touches[pair.write.0]);
    let mut starts: Vec<usize> = result.clone();
    starts.push(step);
    let after = edges.reached_from(&starts);
    let late = operand.iter().copied().find(|&other| other != step && after[other]);
    // ... or one that touches the result leads to the step.
    let early = || {
        let before = edges.reversed().reached_from(&[step]);
        result.iter().copied().find(|&other| other != step && before[other])
    };
    let culprit = late.or_else(early).unwrap_or(step);
    let conflict = Conflict::Step(StepIx(culprit));
    Ok(PlanError::MandatoryInPlace { step: StepIx(step), pair, conflict })
}

/// Successors of every step, ascending only in [`Graph`].
#[derive(Clone)]
struct Edges {
    succs: Vec<Vec<usize>>,
    count: usize,
}

impl Edges {
    fn new(steps: usize) -> Self {
        Self { succs: vec![Vec::new(); steps], count: 0 }
    }

    fn add(&mut self, from: usize, to: usize) -> Result<(), PlanError> {
        if self.count >= MAX_EDGES {
            return Err(PlanError::TooManyDependencies { limit: MAX_EDGES });
        }
        self.count += 1;
        self.succs[from].push(to);
        Ok(())
    }

    /// Edges between the steps that touch one buffer: a run of steps that only write it, or only read it,
    /// stays unordered within; every step of a run follows every step of the run before.
    fn add_data(&mut self, steps: &[usize], kind: impl Fn(usize) -> Kind) -> Result<(), PlanError> {
        let (mut before, mut run, mut run_kind) = (Vec::new(), Vec::new(), Kind::Update);
        for &step in steps {
            let kind = kind(step);
            if kind != run_kind || kind == Kind::Update {
                before = std::mem::take(&mut run);
                run_kind = kind;
            }
            for &earlier in &before {
                self.add(earlier, step)?;
            }
            run.push(step);
        }
        Ok(())
    }

    /// Edges that make `pair` possible: all else that touches the operand runs before `step`, all else that
    /// touches the result after it.
    fn add_pair(&mut self, step: usize, pair: &InPlace, touches: &[Vec<usize>]) -> Result<(), PlanError> {
        for &other in touches[pair.read.0].iter().filter(|&&other| other != step) {
            self.add(other, step)?;
        }
        for &other in touches[pair.write.0].iter().filter(|&&other| other != step) {
            self.add(step, other)?;
        }
        Ok(())
    }

    /// The order that always takes the lowest step that is ready, hence the given order if it is possible;
    /// `None` if there is a cycle. Sorts the successors and drops repeats.
    fn topological(&mut self) -> Option<Vec<usize>> {
        let mut waiting = vec![0usize; self.succs.len()];
        for list in &mut self.succs {
            list.sort_unstable();
            list.dedup();
            for &to in list.iter() {
                waiting[to] += 1;
            }
        }
        let mut ready: BinaryHeap<Reverse<usize>> =
            (0..waiting.len()).filter(|&step| waiting[step] == 0).map(Reverse).collect();
        let mut order = Vec::with_capacity(waiting.len());
        while let Some(Reverse(step)) = ready.pop() {
            order.push(step);
            for &to in &self.succs[step] {
                waiting[to] -= 1;
                if waiting[to] == 0 {
                    ready.push(Reverse(to));
                }
            }
        }
        (order.len() == waiting.len()).then_some(order)
    }

    fn reversed(&self) -> Self {
        let mut succs = vec![Vec::new(); self.succs.len()];
        for (from, list) in self.succs.iter().enumerate() {
            for &to in list {
                succs[to].push(from);
            }
        }
        Self { succs, count: self.count }
    }

    /// Which steps are `starts` or follow from them.
    fn reached_from(&self, starts: &[usize]) -> Vec<bool> {
        let mut reached = vec![false; self.succs.len()];
        let mut open = starts.to_vec();
        while let Some(step) = open.pop() {
            if !std::mem::replace(&mut reached[step], true) {
                open.extend(&self.succs[step]);
            }
        }
        reached
    }
}
