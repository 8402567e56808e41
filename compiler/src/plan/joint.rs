//! Order and addresses together, where the addresses for the best order miss their bound.
//!
//! The order with the lowest peak need not be the one with the smallest arena: lifetimes may interlock so
//! that no placement reaches the peak. Then orders near it are tried, with the same peak or a higher one.

use super::deps::Graph;
use super::liveness::Liveness;
use super::order::moved;
use super::place::{self, Places};
use super::problem::{PlanError, Problem, StepIx};
use super::rng::Rng;

/// Orders that are tried, at most; fewer where problems are large.
const TRIES: usize = 400;

/// Elementary operations to spend on all tries; [`PLACE`] and [`PER_ITEM`] count in the same.
const BUDGET: usize = 2_000_000;

/// Budget of the placement of one try.
const PLACE: usize = 10_000;

/// What liveness and first fit of one try take for each step and buffer.
const PER_ITEM: usize = 100;

/// An order with its placement.
pub(crate) struct Joint {
    pub(crate) order: Vec<StepIx>,
    pub(crate) liveness: Liveness,
    pub(crate) places: Places,
}

/// Looks for an order with a smaller arena than that of `start`, down to `bound`: first the given one, then
/// neighbours of the best.
///
/// # Errors
/// Those of [`Graph::new`]; none if the order of `start` comes from the planner.
pub(crate) fn improve(problem: &Problem, start: Joint, bound: usize) -> Result<Joint, PlanError> {
    let graph = Graph::new(problem)?;
    let mut rng = Rng::new(problem.steps.len() as u64);
    let given: Vec<StepIx> = graph.base.iter().copied().map(StepIx).collect();
    let mut best = match attempt(problem, &given, start.places.arena_bytes, place::BUDGET) {
        Some(found) if found.places.arena_bytes < start.places.arena_bytes => found,
        Some(_) | None => start,
    };
    // The walk goes on from orders that are as good as the best.
    let mut order: Vec<usize> = best.order.iter().map(|step| step.0).collect();
    let cost = PLACE + PER_ITEM * (problem.steps.len() + problem.buffers.len());
    for _ in 0..TRIES.min(BUDGET / cost) {
        if best.places.arena_bytes <= bound {
            break;
        }
        let links = |step: usize| (&graph.preds[step][..], &graph.succs[step][..]);
        let Some(steps) = moved(&order, links, &mut rng) else { continue };
        let next: Vec<StepIx> = steps.iter().copied().map(StepIx).collect();
        let Some(found) = attempt(problem, &next, best.places.arena_bytes, PLACE) else { continue };
        order = steps;
        if found.places.arena_bytes < best.places.arena_bytes {
            best = found;
        }
    }
    Ok(best)
}

/// The order with its placement, if its arena does not exceed `limit`.
fn attempt(problem: &Problem, order: &[StepIx], limit: usize, budget: usize) -> Option<Joint> {
    let liveness = Liveness::new(problem, order);
    if liveness.peak_bytes() > limit {
        return None;
    }
    let places = place::place(problem, order, &liveness, budget);
    (places.arena_bytes <= limit).then(|| Joint { order: order.to_vec(), liveness, places })
}
