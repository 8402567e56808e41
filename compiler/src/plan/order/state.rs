//! States of the search for an order: the set of steps that have run, and how it was reached.
//!
//! What is live depends on the set alone, so of two ways to reach a set the one with the lower peak is as
//! good as the other or better (dominance). Runs of steps that can do no harm are taken at once: a run
//! that never exceeds the peak so far and leaves no more bytes live than before is part of some best
//! order. For the live bytes are a submodular function of the set, hence moving the run to the front
//! neither raises what is live at any other step nor takes an in-place pair away.

use std::collections::BTreeSet;

use super::segment::{Effect, Segment, Set, contains, insert};

/// Steps of a harmless run that are looked at before giving up.
const LONGEST_RUN: usize = 12;

/// Index into [`States::all`].
pub(crate) type StateIx = usize;

/// One state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) done: Set,
    /// Steps that have run.
    pub(crate) count: usize,
    /// Live bytes between steps.
    pub(crate) live: usize,
    /// The largest live bytes during a step so far, at least the floor of the search.
    pub(crate) peak: usize,
    /// Steps that can run next, ascending.
    pub(crate) ready: Vec<usize>,
    parent: Option<StateIx>,
    /// The steps that lead here from the parent.
    run: Vec<usize>,
}

/// All states of one search, and the work spent.
pub(crate) struct States<'a> {
    pub(crate) segment: &'a Segment,
    pub(crate) all: Vec<State>,
    /// Elementary operations left to spend; at 0 the search gives up.
    budget: &'a mut usize,
}

impl<'a> States<'a> {
    /// The state in which nothing has run; peaks count from `floor`, below which none matters.
    pub(crate) fn new(segment: &'a Segment, floor: usize, budget: &'a mut usize) -> Self {
        let ready = (0..segment.steps.len()).filter(|&s| segment.steps[s].preds.is_empty()).collect();
        let first = State {
            done: segment.none(),
            count: 0,
            live: segment.live_before,
            peak: floor,
            ready,
            parent: None,
            run: Vec::new(),
        };
        let mut states = Self { segment, all: Vec::new(), budget };
        let try_all = (0..segment.steps.len()).collect();
        let first = states.close(first, try_all);
        states.all.push(first);
        states
    }

    /// What running `step` in state `from` does.
    pub(crate) fn effect(&mut self, from: StateIx, step: usize) -> Effect {
        self.spend(self.segment.steps[step].work);
        let state = &self.all[from];
        self.segment.effect(&state.done, state.live, step)
    }

    /// The closed state after running `step`, which has this effect, in state `from`.
    pub(crate) fn child(&mut self, from: StateIx, step: usize, effect: Effect) -> State {
        let state = &self.all[from];
        let mut child = State {
            done: state.done.clone(),
            count: state.count,
            live: state.live,
            peak: state.peak.max(effect.during),
            ready: state.ready.clone(),
            parent: Some(from),
            run: Vec::new(),
        };
        // Under the same peak a run that was harmful before is harmless now only if the step changed it.
        let same_peak = child.peak == state.peak;
        self.spend(child.ready.len());
        self.advance(&mut child, step, effect.after);
        let try_first = if same_peak { self.near(step).collect() } else { child.ready.iter().copied().collect() };
        self.close(child, try_first)
    }

    /// All steps in the order in which `state` was reached.
    pub(crate) fn path(&self, state: StateIx) -> Vec<usize> {
        let mut runs = Vec::new();
        let mut at = Some(state);
        while let Some(index) = at {
            runs.push(&self.all[index].run);
            at = self.all[index].parent;
        }
        runs.into_iter().rev().flatten().copied().collect()
    }

    /// What is left of the budget; at 0 the search gives up.
    pub(crate) fn left(&self) -> usize {
        *self.budget
    }

    fn spend(&mut self, work: usize) {
        *self.budget = self.budget.saturating_sub(work);
    }

    fn advance(&self, state: &mut State, step: usize, live: usize) {
        insert(&mut state.done, step);
        state.count += 1;
        state.live = live;
        state.run.push(step);
        state.ready.retain(|&other| other != step);
        for next in self.enabled(&state.done, step) {
            let at = state.ready.partition_point(|&other| other < next);
            state.ready.insert(at, next);
        }
    }

    /// Steps that become ready because `step`, which is in `done`, has run.
    fn enabled(&self, done: &[u64], step: usize) -> impl Iterator<Item = usize> {
        let ready = |s: &usize| self.segment.steps[*s].preds.iter().all(|&p| contains(done, p));
        self.segment.steps[step].succs.iter().copied().filter(ready)
    }

    /// Steps that wait for `step` or touch a buffer that it touches.
    fn near(&self, step: usize) -> impl Iterator<Item = usize> {
        let spec = &self.segment.steps[step];
        let around = spec.touches.iter().flat_map(|&b| &self.segment.buffers[b].touches);
        around.chain(&spec.succs).copied()
    }

    /// Takes harmless runs that begin with one of `open`, and then those that begin near what has run.
    ///
    /// It ends: each look takes a step out of `open`, which grows only where a step has run that had not.
    fn close(&mut self, mut state: State, mut open: BTreeSet<usize>) -> State {
        while let Some(step) = open.pop_first() {
            debug_assert!(state.count <= self.segment.steps.len(), "a step runs twice");
            if state.ready.binary_search(&step).is_err() {
                continue;
            }
            for (step, live) in self.harmless_run(&state, step).unwrap_or_default() {
                self.advance(&mut state, step, live);
                open.extend(self.near(step));
            }
        }
        state
    }

    /// A run that begins with `step`, goes on with steps that it makes ready, stays within the peak, and ends
    /// with no more live bytes than before: the steps and the live bytes after each.
    fn harmless_run(&mut self, state: &State, step: usize) -> Option<Vec<(usize, usize)>> {
        let mut done = state.done.clone();
        let (mut live, mut next) = (state.live, Some(step));
        let mut run = Vec::new();
        while let Some(step) = next {
            self.spend(self.segment.steps[step].work);
            let effect = self.segment.effect(&done, live, step);
            if effect.during > state.peak {
                return None;
            }
            live = effect.after;
            run.push((step, live));
            if live <= state.live {
                return Some(run);
            }
            insert(&mut done, step);
            next = if run.len() < LONGEST_RUN { self.enabled(&done, step).next() } else { None };
        }
        None
    }
}
