//! Runs a plan on tagged bytes: every byte that is written gets a tag of its own, and every read must see
//! the tags that were written for it.

use crate::plan::Placement;
use crate::plan::problem::{BufferIx, Problem};

/// Panics if a step, or the end, sees a byte that is not the one written for it.
pub(super) fn simulate(problem: &Problem, placement: &Placement) {
    let mut memory = Memory {
        problem,
        placement,
        arena: vec![0; placement.arena_bytes],
        expected: problem.buffers.iter().map(|b| vec![None; b.bytes]).collect(),
        next_tag: 0,
    };
    for (index, buffer) in problem.buffers.iter().enumerate() {
        if buffer.live_from_start {
            memory.write(BufferIx(index), 0..buffer.bytes);
        }
    }
    let mut pieces = vec![0; problem.buffers.len()];
    for &step in &placement.order {
        let spec = &problem.steps[step.0];
        memory.scribble(step.0);
        for &buffer in &spec.reads {
            memory.check(buffer, "before the step");
        }
        let shared: Vec<BufferIx> = placement.sharing.iter().filter(|s| s.step == step).map(|s| s.pair.read).collect();
        for &buffer in &spec.writes {
            memory.write(buffer, piece(problem, buffer, &mut pieces[buffer.0]));
        }
        memory.scribble(step.0);
        for &buffer in spec.writes.iter().chain(&spec.reads) {
            if !shared.contains(&buffer) {
                memory.check(buffer, "after the step");
            }
        }
    }
    for index in (0..problem.buffers.len()).filter(|&b| problem.buffers[b].live_to_end) {
        memory.check(BufferIx(index), "at the end");
    }
}

/// The bytes that the next writer of `buffer` writes: all, if a step updates it; else a part for each.
fn piece(problem: &Problem, buffer: BufferIx, done: &mut usize) -> std::ops::Range<usize> {
    let bytes = problem.buffers[buffer.0].bytes;
    let writers = || problem.steps.iter().filter(|s| s.writes.contains(&buffer));
    if writers().any(|s| s.reads.contains(&buffer)) {
        return 0..bytes;
    }
    let count = writers().count();
    *done += 1;
    (*done - 1) * bytes / count..*done * bytes / count
}

struct Memory<'a> {
    problem: &'a Problem,
    placement: &'a Placement,
    arena: Vec<u64>,
    /// Per buffer, the tags written; `None` where nothing was.
    expected: Vec<Vec<Option<u64>>>,
    next_tag: u64,
}

impl Memory<'_> {
    fn tag(&mut self) -> u64 {
        self.next_tag += 1;
        self.next_tag
    }

    fn write(&mut self, buffer: BufferIx, range: std::ops::Range<usize>) {
        for byte in range {
            let tag = self.tag();
            self.arena[self.placement.offsets[buffer.0] + byte] = tag;
            self.expected[buffer.0][byte] = Some(tag);
        }
    }

    fn scribble(&mut self, step: usize) {
        for (index, &bytes) in self.problem.steps[step].scratch.iter().enumerate() {
            for byte in 0..bytes {
                let tag = self.tag();
                self.arena[self.placement.scratch[step][index] + byte] = tag;
            }
        }
    }

    fn check(&self, buffer: BufferIx, when: &str) {
        for (byte, expected) in self.expected[buffer.0].iter().enumerate() {
            if let Some(tag) = expected {
                let found = self.arena[self.placement.offsets[buffer.0] + byte];
                assert_eq!(found, *tag, "byte {byte} of buffer {} {when}", buffer.0);
            }
        }
    }
}
