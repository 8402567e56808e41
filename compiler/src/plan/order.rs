//! The order of the steps with the lowest peak of live bytes.
//!
//! The steps are split into segments that can be ordered by themselves (chains need no choice); a segment
//! keeps its given order unless it decides the peak and a better one is found. Problems of up to
//! [`EXACT_STEPS`] steps get the best order there is, proved by exhausting the alternatives; larger ones
//! too, unless the search exceeds a budget counted in operations, never in time, so that the result is the
//! same on every machine.

mod beam;
mod bound;
mod dense;
mod moves;
mod search;
mod segment;
mod state;

use super::deps::Graph;
use super::problem::{BufferIx, PlanError, Problem, StepIx};
use beam::beam;
use dense::table;
pub(crate) use moves::moved;
use moves::polish;
use search::{Found, exact};
use segment::Segment;

/// Problems of at most this many steps get the best order in any case: there are at most 2^20 sets of steps.
pub const EXACT_STEPS: usize = 20;

/// Elementary operations that the exact search may spend, and again the search that needs no proof.
pub const BUDGET: usize = 2_000_000;

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

/// [`order`] with another [`BUDGET`].
///
/// # Errors
/// As [`order`].
pub fn order_within(problem: &Problem, budget: usize) -> Result<Ordering, PlanError> {
    problem.check()?;
    let graph = Graph::new(problem)?;
    let segments = segment::split(problem, &graph);
    let mut search = Search {
        exact: budget,
        beam: budget,
        polish: 2 * budget,
        sets: 1 << EXACT_STEPS,
        lower_bound: lower_bound(problem, &segments),
        reached: 0,
    };
    let mut by_peak: Vec<(usize, usize)> = segments.iter().map(base_peak).zip(0..).collect();
    by_peak.sort_by_key(|&(peak, index)| (std::cmp::Reverse(peak), index));
    let mut base = graph.base.clone();
    for (peak, index) in by_peak {
        if peak <= search.floor() {
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

/// No order has a lower peak; also where there are no steps.
fn lower_bound(problem: &Problem, segments: &[Segment]) -> usize {
    let held = (0..problem.buffers.len()).filter(|&b| problem.buffers[b].live_from_start);
    let start: usize = held.map(|b| problem.room(BufferIx(b))).sum();
    segments.iter().map(bound::lower_bound).fold(start, usize::max)
}

/// What is left to spend, and what is known of the whole.
struct Search {
    /// Elementary operations of the exact search.
    exact: usize,
    /// Elementary operations of the beam search.
    beam: usize,
    /// Elementary operations of the improvement of what the beam search finds.
    polish: usize,
    /// Sets of steps that tables may hold, all together.
    sets: usize,
    /// No order has a lower peak.
    lower_bound: usize,
    /// The largest peak of the segments done.
    reached: usize,
}

impl Search {
    /// Nothing is gained below it.
    fn floor(&self) -> usize {
        self.reached.max(self.lower_bound)
    }

    /// A better order of the local steps of `segment` than the given one, whose peak is `base`.
    fn improve(&mut self, segment: &Segment, base: usize) -> Option<Vec<usize>> {
        let floor = self.floor();
        let (order, peak) = match self.find(segment, base) {
            Found::Best { order, peak } => {
                // Beyond the floor it is the least peak of the segment, hence of the whole.
                self.lower_bound = if peak > floor { peak } else { self.lower_bound };
                (Some(order), peak)
            }
            Found::Nothing => {
                self.lower_bound = self.lower_bound.max(base);
                (None, base)
            }
            Found::Unknown => {
                let given = || (0..segment.steps.len()).collect();
                let start = beam(segment, floor, base, &mut self.beam).unwrap_or_else(given);
                let order = polish(segment, start, floor, &mut self.polish);
                let peak = segment.peak(&order);
                ((peak < base).then_some(order), peak)
            }
        };
        self.reached = self.reached.max(peak);
        order
    }

    fn find(&mut self, segment: &Segment, limit: usize) -> Found {
        let steps = segment.steps.len();
        if steps > MAX_SEGMENT {
            return Found::Unknown;
        }
        let found = exact(segment, self.floor(), limit, &mut self.exact);
        let sets = if steps <= EXACT_STEPS { 1 << steps } else { usize::MAX };
        if matches!(found, Found::Unknown) && sets <= self.sets {
            self.sets -= sets;
            return table(segment, self.floor(), limit);
        }
        found
    }
}
