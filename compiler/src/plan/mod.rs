//! Memory planning: the order of the steps, what is live when, and where everything lies in the arena.
//!
//! The planner works on a [`Problem`] of its own and knows no operators: buffers with sizes, steps that
//! read and write them, pairs that may or must share memory. [`plan`] answers with a [`Placement`]:
//! 1. [`order`](mod@order) finds the order with the lowest peak of live bytes;
//! 2. [`liveness`] tells what is live at each step, hence the least arena that this order can have;
//! 3. [`place`](mod@place) finds addresses, down to that bound where they exist;
//! 4. [`verify`] proves the result from the problem alone; [`svg`] draws it.
//!
//! The result depends on the problem only: every search is bounded by counts, never by time.

mod deps;
mod joint;
pub mod liveness;
pub mod order;
pub mod place;
pub mod problem;
pub mod program;
mod rng;
mod sharing;
pub mod svg;
#[cfg(test)]
mod tests;
pub mod verify;

use joint::Joint;
use liveness::{LiveRange, Liveness, Sharing};
use problem::{BufferIx, PlanError, Problem, StepIx};

/// A plan: when every step runs and where everything lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placement {
    /// The steps in the order in which they run.
    pub order: Vec<StepIx>,
    /// Per buffer, its start in bytes; 0 for buffers without bytes and those that nothing touches.
    pub offsets: Vec<usize>,
    /// Per step (as given, not as ordered), the start of each of its scratch areas.
    pub scratch: Vec<Vec<usize>>,
    /// Per buffer, when it is live, in positions of `order`.
    pub ranges: Vec<Option<LiveRange>>,
    /// The in-place pairs that share their start, ordered by position.
    pub sharing: Vec<Sharing>,
    /// Per position of `order`, the bytes live while that step runs, rounded up, scratch included.
    pub live_bytes: Vec<usize>,
    /// The first step at which the most bytes are live; `None` if there are no steps.
    pub peak_step: Option<StepIx>,
    /// Size of the arena.
    pub arena_bytes: usize,
    /// The lowest peak of live bytes of an order of the steps: no arena for such an order is smaller.
    pub lower_bound_bytes: usize,
    /// It is proved that no order of the steps has a lower peak, hence no plan at all a smaller arena than
    /// `lower_bound_bytes`.
    pub optimal_order: bool,
    /// Why the arena is larger than its lower bound; `None` if it is not.
    pub gap: Option<Gap>,
}

/// By how much an arena misses its lower bound, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gap {
    /// Arena less lower bound.
    pub bytes: usize,
    /// The buffers that hold the arena up: from its end down, each rests on another. Empty if the arena is
    /// the peak of the order chosen: lower ones need more room than their peak.
    pub blocking: Vec<BufferIx>,
    /// It is proved that no placement of the order chosen is smaller.
    pub proved: bool,
}

impl Placement {
    /// The most bytes that are live at a step of the order chosen.
    pub fn peak_bytes(&self) -> usize {
        self.live_bytes.iter().copied().max().unwrap_or(0)
    }

    /// How good the plan is, in a sentence; `name` names a buffer.
    pub fn describe(&self, name: impl Fn(BufferIx) -> String) -> String {
        let arena = match &self.gap {
            None => "the arena equals its lower bound".to_owned(),
            Some(gap) => gap.describe(name),
        };
        let order = if self.optimal_order {
            "no order of the steps has a lower peak"
        } else {
            "an order with a lower peak may exist, there are too many to try"
        };
        format!("{arena}; {order}")
    }
}

impl Gap {
    /// The gap in words; `name` names a buffer.
    pub fn describe(&self, name: impl Fn(BufferIx) -> String) -> String {
        let shown = 6;
        let mut names: Vec<String> = self.blocking.iter().take(shown).map(|&b| name(b)).collect();
        if self.blocking.len() > shown {
            names.push(format!("{} more", self.blocking.len() - shown));
        }
        let why = if self.blocking.is_empty() {
            "it is the peak of this order, and orders with a lower peak were not placed in less".to_owned()
        } else if self.proved {
            format!("the lifetimes of {} interlock, no placement of this order is smaller", names.join(", "))
        } else {
            format!("{} rest on each other, no smaller placement was found", names.join(", "))
        };
        format!("the arena is {} bytes above its lower bound: {why}", self.bytes)
    }
}

/// Plans `problem` with its steps in the order in which they stand.
///
/// # Errors
/// The problem is malformed.
pub fn plan_in_order(problem: &Problem) -> Result<Placement, PlanError> {
    problem.check()?;
    let order: Vec<StepIx> = (0..problem.steps.len()).map(StepIx).collect();
    let liveness = Liveness::new(problem, &order);
    let places = place::place(problem, &order, &liveness, place::BUDGET);
    let bound = liveness.peak_bytes();
    Ok(placement(problem, Joint { order, liveness, places }, (bound, false)))
}

/// Plans `problem`.
///
/// # Errors
/// The problem is malformed, or a mandatory in-place pair is impossible in every order.
pub fn plan(problem: &Problem) -> Result<Placement, PlanError> {
    let ordering = order::order(problem)?;
    let (lower_bound_bytes, optimal_order) = (ordering.peak_bytes, ordering.is_optimal());
    let liveness = Liveness::new(problem, &ordering.order);
    let places = place::place(problem, &ordering.order, &liveness, place::BUDGET);
    let missed = places.arena_bytes > lower_bound_bytes;
    let first = Joint { order: ordering.order, liveness, places };
    let best = if missed { joint::improve(problem, first, lower_bound_bytes)? } else { first };
    Ok(placement(problem, best, (lower_bound_bytes, optimal_order)))
}

fn placement(problem: &Problem, planned: Joint, (lower_bound_bytes, optimal_order): (usize, bool)) -> Placement {
    let Joint { order, liveness, places } = planned;
    let gap = (places.arena_bytes > lower_bound_bytes).then_some(Gap {
        bytes: places.arena_bytes - lower_bound_bytes,
        blocking: places.blocking,
        proved: places.proved,
    });
    let placement = Placement {
        peak_step: order.get(liveness.peak_position()).copied(),
        order,
        offsets: places.offsets,
        scratch: places.scratch,
        sharing: places.sharing,
        ranges: liveness.ranges,
        live_bytes: liveness.live_bytes,
        arena_bytes: places.arena_bytes,
        lower_bound_bytes,
        optimal_order,
        gap,
    };
    debug_assert_eq!(verify::verify(problem, &placement), Vec::<String>::new());
    placement
}
