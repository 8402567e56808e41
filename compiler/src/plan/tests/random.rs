//! Random problems, always well formed; mandatory pairs may be impossible.

use crate::plan::problem::{BufferIx, BufferSpec, InPlace, Problem, StepIx, StepSpec};
use crate::plan::rng::Rng;

/// What a random problem looks like.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) steps: usize,
    /// How far back a step reads; small for chains, large for wide graphs.
    pub(super) reach: usize,
    /// Percent of possible in-place pairs that are mandatory.
    pub(super) mandatory: usize,
    /// Buffers are smaller than this; most are smaller by far.
    pub(super) sizes: usize,
}

/// A problem in which every step makes a buffer or a piece of one, or updates state.
pub(super) fn problem(rng: &mut Rng, shape: Shape) -> Problem {
    let align = 1 << rng.below(5);
    let mut problem = Problem { align, buffers: Vec::new(), steps: Vec::new() };
    for _ in 0..rng.below(3) {
        let live_to_end = rng.below(2) == 0;
        problem.buffers.push(BufferSpec { bytes: bytes(rng, shape.sizes), live_from_start: true, live_to_end });
    }
    // Buffers that may be read: complete, or state.
    let mut complete: Vec<BufferIx> = (0..problem.buffers.len()).map(BufferIx).collect();
    let mut pieces: Option<(BufferIx, usize)> = None;
    for index in 0..shape.steps {
        let mut step = StepSpec::default();
        let recent = complete.len().saturating_sub(shape.reach);
        for _ in 0..rng.below(4).min(complete.len()) {
            let pick = complete[recent + rng.below(complete.len() - recent)];
            step.reads.push(pick);
        }
        let update = step.reads.iter().copied().find(|b| problem.buffers[b.0].live_from_start);
        if let (Some(state), 0) = (update, rng.below(4)) {
            step.writes.push(state);
        }
        if let Some((buffer, left)) = pieces {
            step.writes.push(buffer);
            pieces = (left > 1).then_some((buffer, left - 1));
            if left == 1 {
                complete.push(buffer);
            }
        } else {
            for _ in 0..1 + rng.below(5) / 4 {
                let buffer = BufferIx(problem.buffers.len());
                problem.buffers.push(BufferSpec {
                    bytes: bytes(rng, shape.sizes),
                    live_from_start: false,
                    live_to_end: rng.below(8) == 0,
                });
                step.writes.push(buffer);
                if rng.below(6) == 0 && pieces.is_none() {
                    pieces = Some((buffer, 1 + rng.below(3)));
                } else {
                    complete.push(buffer);
                }
            }
        }
        for _ in 0..rng.below(5) / 3 {
            step.scratch.push(bytes(rng, shape.sizes));
        }
        if index > 0 && rng.below(10) == 0 {
            step.after.push(StepIx(rng.below(index)));
        }
        add_pairs(rng, &problem, shape.mandatory, &mut step);
        problem.steps.push(step);
    }
    problem
}

fn add_pairs(rng: &mut Rng, problem: &Problem, mandatory: usize, step: &mut StepSpec) {
    for &read in &step.reads {
        for &write in &step.writes {
            let fits = !step.writes.contains(&read) && !step.reads.contains(&write);
            if fits && rng.below(2) == 0 {
                let lives = problem.buffers[read.0].live_to_end || problem.buffers[write.0].live_from_start;
                let mandatory = !lives && rng.below(100) < mandatory;
                step.in_place.push(InPlace { read, write, mandatory });
            }
        }
    }
}

fn bytes(rng: &mut Rng, sizes: usize) -> usize {
    match rng.below(8) {
        0 => 0,
        1 => rng.below(sizes.min(5)),
        2..=5 => rng.below(sizes / 4 + 1),
        _ => rng.below(sizes),
    }
}
