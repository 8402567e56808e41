//! The order of the steps with the lowest peak of live bytes.
//!
//! The steps are split into segments that can be ordered by themselves (chains need no choice); a segment
//! keeps its given order unless it decides the peak and a better one is found. Problems of up to
//! [`EXACT_STEPS`] steps get the best order there is, proved by exhausting the alternatives; larger ones
//! too, unless the search exceeds a budget counted in operations, never in time, so that the result is the
//! same on every machine.

mod bound;
mod search;
mod segment;
mod state;

use super::deps::Graph;
use super::problem::{PlanError, Problem, StepIx};
use search::{Found, beam, exact};
use segment::Segment;

/// Problems of at most this many steps are searched without a budget: at most 2^20 states.
pub const EXACT_STEPS: usize = 20;

/// Elementary operations that the exact search of a larger problem may spend, and again the beam search.
pub const BUDGET: usize = 4_000_000;

/// States of equal length that the beam search keeps.
const BEAM_WIDTH: usize = 32;

/// Segments with more steps keep their order: a state has a bit per step.
const MAX_SEGMENT: usize = 4096;

/// An order of the steps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ordering {
    /// The steps in the order in which they run.
    pub order: Vec<StepIx>,
    /// Its peak of live bytes, as [`super::liveness::Liveness::peak_bytes`] counts it.
    pub peak_bytes: usize,
    /// No order of the steps has a lower peak than this.
    pub lower_bound_bytes: usize,
}

impl Ordering {
    /// Whether no order has a lower peak.
    pub fn is_optimal(&self) -> bool {
        self.peak_bytes == self.lower_bound_bytes
    }
}

/// Finds the order with the lowest peak. Where the given order is a best one, it is the result.
///
/// # Errors
/// The problem is malformed, or a mandatory in-place pair impossible.
pub fn order(problem: &Problem) -> Result<Ordering, PlanError> {
    order_within(problem, BUDGET)
}

/// [`order`] with another budget for problems of more than [`EXACT_STEPS`] steps.
///
/// # Errors
/// As [`order`].
pub fn order_within(problem: &Problem, budget: usize) -> Result<Ordering, PlanError> {
    problem.check()?;
    let graph = Graph::new(problem)?;
    let segments = segment::split(problem, &graph);
    let mut search = Search {
        exact_budget: if problem.steps.len() <= EXACT_STEPS { usize::MAX } else { budget },
        beam_budget: budget,
        lower_bound: segments.iter().map(bound::lower_bound).max().unwrap_or(0),
        reached: 0,
    };
    let mut by_peak: Vec<(usize, usize)> = segments.iter().map(base_peak).zip(0..).collect();
    by_peak.sort_by_key(|&(peak, index)| (std::cmp::Reverse(peak), index));
    let mut base = graph.base.clone();
    for (peak, index) in by_peak {
        if peak <= search.reached.max(search.lower_bound) {
            search.reached = search.reached.max(peak);
            break;
        }
        let segment = &segments[index];
        if let Some(order) = search.improve(segment, peak) {
            for (i, local) in order.into_iter().enumerate() {
                base[segment.start + i] = graph.base[segment.start + local];
            }
        }
    }
    let order: Vec<StepIx> = base.into_iter().map(StepIx).collect();
    let peak_bytes = super::liveness::Liveness::new(problem, &order).peak_bytes();
    Ok(Ordering { order, peak_bytes, lower_bound_bytes: search.lower_bound.min(peak_bytes) })
}

fn base_peak(segment: &Segment) -> usize {
    segment.peak(&(0..segment.steps.len()).collect::<Vec<_>>())
}

/// What is left to spend, and what is known of the whole.
struct Search {
    exact_budget: usize,
    beam_budget: usize,
    /// No order has a lower peak.
    lower_bound: usize,
    /// The largest peak of the segments done.
    reached: usize,
}

impl Search {
    /// A better order of the local steps of `segment` than the given one, whose peak is `base`.
    fn improve(&mut self, segment: &Segment, base: usize) -> Option<Vec<usize>> {
        let floor = self.reached.max(self.lower_bound);
        if segment.steps.len() > MAX_SEGMENT {
            self.reached = self.reached.max(base);
            return None;
        }
        let (found, left) = exact(segment, floor, base, self.exact_budget);
        if self.exact_budget != usize::MAX {
            self.exact_budget = left;
        }
        match found {
            Found::Best { order, peak } => {
                // Beyond the floor it is the least peak of the segment, hence of the whole.
                self.lower_bound = if peak > floor { peak } else { self.lower_bound };
                self.reached = self.reached.max(peak);
                Some(order)
            }
            Found::Nothing => {
                self.lower_bound = self.lower_bound.max(base);
                self.reached = self.reached.max(base);
                None
            }
            Found::Unknown => {
                let order = beam(segment, floor, base, (BEAM_WIDTH, self.beam_budget));
                let peak = order.as_ref().map_or(base, |order| segment.peak(order));
                self.reached = self.reached.max(peak);
                order
            }
        }
    }
}
