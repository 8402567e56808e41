//! When each buffer is live in a given order of the steps, and how many bytes are live at each step.
//!
//! Time is the position in the order: 0 for the step that runs first. A buffer occupies its room from the
//! position of its first write to that of its last use, both included; one that is read for the last time
//! where another is born is live together with it, unless the two share their start.

use super::problem::{BufferIx, InPlace, Problem, StepIx};
use super::sharing::{Candidates, best_pairs, choices, saving};

/// Positions in the order, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiveRange {
    /// Where it begins to occupy memory.
    pub first: usize,
    /// The last position where it does.
    pub last: usize,
}

impl LiveRange {
    /// Whether the two have a position in common.
    pub fn meets(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// The positions that the two have in common.
    pub(crate) fn common(self, other: Self) -> Option<Self> {
        let both = Self { first: self.first.max(other.first), last: self.last.min(other.last) };
        self.meets(other).then_some(both)
    }
}

/// A pair that shares its start address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sharing {
    /// The step at which `read` dies and `write` is born.
    pub step: StepIx,
    /// The pair.
    pub pair: InPlace,
}

/// What is live when, for one order of the steps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Liveness {
    /// Per buffer; `None` if no step touches it and it holds nothing from the start.
    pub ranges: Vec<Option<LiveRange>>,
    /// The in-place pairs that save most at every step, ordered by position.
    pub sharing: Vec<Sharing>,
    /// The in-place pairs that this order makes possible, `sharing` among them, ordered by position.
    pub possible: Vec<Sharing>,
    /// Per position: the room of all live buffers, a sharing pair counted as the larger of the two, plus the
    /// scratch of the step. Without steps there is one position, at which state is live.
    pub live_bytes: Vec<usize>,
}

impl Liveness {
    /// Liveness of `problem`, which is checked, in `order`, which respects its dependencies.
    pub fn new(problem: &Problem, order: &[StepIx]) -> Self {
        let end = order.len().saturating_sub(1);
        let ranges = ranges(problem, order);
        let mut change = vec![(0usize, 0usize); end + 1]; // (born at, died after) this position
        for (buffer, range) in ranges.iter().enumerate() {
            if let Some(range) = range {
                change[range.first].0 += problem.room(BufferIx(buffer));
                change[range.last].1 += problem.room(BufferIx(buffer));
            }
        }
        let (mut sharing, mut possible) = (Vec::new(), Vec::new());
        let mut live_bytes = Vec::with_capacity(end + 1);
        let mut live = 0;
        for (position, (born, died)) in change.into_iter().enumerate() {
            live += born;
            let mut at_step = live;
            if let Some(&step) = order.get(position) {
                let begin = sharing.len();
                share(problem, &ranges, (position, step), (&mut sharing, &mut possible));
                let saved: usize = sharing[begin..].iter().map(|s: &Sharing| saving(problem, &s.pair)).sum();
                at_step = live - saved + problem.scratch_room(step);
            }
            live_bytes.push(at_step);
            live -= died;
        }
        Self { ranges, sharing, possible, live_bytes }
    }

    /// The largest sum of live bytes: no placement of this order needs less.
    pub fn peak_bytes(&self) -> usize {
        self.live_bytes.iter().copied().max().unwrap_or(0)
    }

    /// The first position where [`Liveness::peak_bytes`] are live.
    pub fn peak_position(&self) -> usize {
        let peak = self.peak_bytes();
        self.live_bytes.iter().position(|&bytes| bytes == peak).unwrap_or(0)
    }
}

/// Live range of every buffer. One that lives from the start and that nothing touches is live throughout:
/// what its owner puts there may not be overwritten.
fn ranges(problem: &Problem, order: &[StepIx]) -> Vec<Option<LiveRange>> {
    let end = order.len().saturating_sub(1);
    let mut touched: Vec<Option<LiveRange>> = vec![None; problem.buffers.len()];
    for (position, step) in order.iter().enumerate() {
        let spec = &problem.steps[step.0];
        for buffer in spec.reads.iter().chain(&spec.writes) {
            let first = touched[buffer.0].map_or(position, |range| range.first);
            touched[buffer.0] = Some(LiveRange { first, last: position });
        }
    }
    for (buffer, range) in problem.buffers.iter().zip(&mut touched) {
        let last_use = range.map_or(end, |range| range.last);
        let last = if buffer.live_to_end { end } else { last_use };
        *range = match *range {
            Some(LiveRange { first, .. }) if !buffer.live_from_start => Some(LiveRange { first, last }),
            None if !buffer.live_from_start => None,
            Some(_) | None => Some(LiveRange { first: 0, last }),
        };
    }
    touched
}

/// Adds the in-place pairs that `step`, which runs at `position`, takes, and those that it could take.
fn share(
    problem: &Problem,
    ranges: &[Option<LiveRange>],
    (position, step): (usize, StepIx),
    (taken, possible): (&mut Vec<Sharing>, &mut Vec<Sharing>),
) {
    if problem.steps[step.0].in_place.is_empty() {
        return;
    }
    let candidates = Candidates::of(problem, step);
    let sharing = |&pair: &InPlace| Sharing { step, pair };
    taken.extend(candidates.mandatory.iter().map(sharing));
    possible.extend(candidates.mandatory.iter().map(sharing));
    let mut eligible = 0u32;
    for (i, pair) in candidates.optional.iter().enumerate() {
        let dies = ranges[pair.read.0].is_some_and(|range| range.last == position);
        let born = ranges[pair.write.0].is_some_and(|range| range.first == position);
        if dies && born {
            eligible |= 1 << i;
            possible.push(sharing(pair));
        }
    }
    let (_, best) = best_pairs(&choices(problem, &candidates.optional), eligible);
    let chosen = candidates.optional.iter().enumerate().filter(|(i, _)| best >> i & 1 == 1);
    taken.extend(chosen.map(|(_, pair)| sharing(pair)));
}
