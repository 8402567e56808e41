//! States of the search for an order: the set of steps that have run, and how it was reached.
//!
//! What is live depends on the set alone, so of two ways to reach a set the one with the lower peak is as
//! good as the other or better (dominance). Runs of steps that can do no harm are taken at once: a run
//! that never exceeds the peak so far and leaves no more bytes live than before is part of some best
//! order. For the live bytes are a submodular function of the set, hence moving the run to the front
//! neither raises what is live at any other step nor takes an in-place pair away.

use super::segment::{Segment, Set, contains, insert};

/// Steps of a harmless run that are looked at before giving up.
const LONGEST_RUN: usize = 64;

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
    pub(crate) budget: usize,
}

impl<'a> States<'a> {
    /// The state in which nothing has run, closed; peaks count from `floor`, below which none matters.
    pub(crate) fn new(segment: &'a Segment, floor: usize, budget: usize) -> Self {
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
        let first = states.close(first);
        states.all.push(first);
        states
    }

    /// The closed state after running `step` in state `from`; `None` if its peak would reach `limit`.
    pub(crate) fn child(&mut self, from: StateIx, step: usize, limit: usize) -> Option<State> {
        let state = &self.all[from];
        self.budget = self.budget.saturating_sub(self.segment.steps[step].work);
        let effect = self.segment.effect(&state.done, state.live, step);
        if effect.during >= limit {
            return None;
        }
        let mut child = State {
            done: state.done.clone(),
            count: state.count,
            live: state.live,
            peak: state.peak.max(effect.during),
            ready: state.ready.clone(),
            parent: Some(from),
            run: Vec::new(),
        };
        self.advance(&mut child, step, effect.after);
        Some(self.close(child))
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

    /// Takes harmless runs until there is none.
    fn close(&mut self, mut state: State) -> State {
        let mut next = 0;
        while let Some(&step) = state.ready.get(next) {
            next += 1;
            if let Some(run) = self.harmless_run(&state, step) {
                for (step, live) in run {
                    self.advance(&mut state, step, live);
                }
                next = 0;
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
            self.budget = self.budget.saturating_sub(self.segment.steps[step].work);
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
