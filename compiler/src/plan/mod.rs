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

use liveness::{LiveRange, Liveness, Sharing};
use problem::{BufferIx, PlanError, Problem, StepIx};

/// A plan: when every step runs and where everything lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placement {
    /// The steps in the order in which they run.
    pub order: Vec<StepIx>,
    /// No order of the steps has a lower peak of live bytes than this.
    pub peak_bound_bytes: usize,
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
    /// Size of the arena.
    pub arena_bytes: usize,
    /// The largest of `live_bytes`: no arena for this order is smaller.
    pub lower_bound_bytes: usize,
    /// The first step at which `lower_bound_bytes` are live; `None` if there are no steps.
    pub peak_step: Option<StepIx>,
    /// Why the arena is larger than its lower bound; `None` if it is not.
    pub gap: Option<Gap>,
}

impl Placement {
    /// Whether it is proved that no order of the steps has a lower peak of live bytes.
    pub fn is_order_optimal(&self) -> bool {
        self.lower_bound_bytes == self.peak_bound_bytes
    }
}

/// By how much an arena misses its lower bound, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gap {
    /// Arena less lower bound.
    pub bytes: usize,
    /// The buffers that hold the arena up: from its end down, each rests on another.
    pub blocking: Vec<BufferIx>,
    /// It is proved that no placement of this order, with these pairs sharing, is smaller.
    pub proved: bool,
}

impl Gap {
    /// The gap in words; `name` names a buffer.
    pub fn describe(&self, name: impl Fn(BufferIx) -> String) -> String {
        let shown = 6;
        let mut names: Vec<String> = self.blocking.iter().take(shown).map(|&b| name(b)).collect();
        if self.blocking.len() > shown {
            names.push(format!("{} more", self.blocking.len() - shown));
        }
        let why = if self.proved {
            "their lifetimes interlock so that no placement of this order is smaller"
        } else {
            "no smaller placement was found within the search budget"
        };
        format!("{} bytes above the lower bound: {} rest on each other; {why}", self.bytes, names.join(", "))
    }
}

/// Plans `problem`.
///
/// # Errors
/// The problem is malformed, or a mandatory in-place pair is impossible in every order.
pub fn plan(problem: &Problem) -> Result<Placement, PlanError> {
    let ordering = order::order(problem)?;
    let liveness = Liveness::new(problem, &ordering.order);
    let places = place::place(problem, &ordering.order, &liveness, place::BUDGET);
    let lower_bound_bytes = liveness.peak_bytes();
    let gap = (places.arena_bytes > lower_bound_bytes).then_some(Gap {
        bytes: places.arena_bytes - lower_bound_bytes,
        blocking: places.blocking,
        proved: places.proved,
    });
    let placement = Placement {
        peak_step: ordering.order.get(liveness.peak_position()).copied(),
        order: ordering.order,
        peak_bound_bytes: ordering.lower_bound_bytes,
        offsets: places.offsets,
        scratch: places.scratch,
        sharing: places.sharing,
        arena_bytes: places.arena_bytes,
        lower_bound_bytes,
        gap,
        ranges: liveness.ranges,
        live_bytes: liveness.live_bytes,
    };
    debug_assert_eq!(verify::verify(problem, &placement), Vec::<String>::new());
    Ok(placement)
}
