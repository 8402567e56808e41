//! Slow twins of the planner's parts, written from the definitions.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::plan::liveness::{LiveRange, Liveness};
use crate::plan::problem::{BufferIx, InPlace, Problem, StepIx};

/// The lowest peak over all correct orders; `None` if none makes the mandatory pairs possible.
pub(super) fn best_peak(problem: &Problem) -> Option<usize> {
    let given: Vec<usize> = (0..problem.steps.len()).collect();
    let expected = trace(problem, &given);
    let mut best = None;
    permutations(given.len(), &mut |order| {
        if trace(problem, order) == expected && follows(problem, order) {
            let peak = peak(problem, order);
            best = [best, peak].into_iter().flatten().min();
        }
    });
    best
}

/// What every step, by its index, reads, and what outputs hold at the end. A value is a set of writes; an
/// update makes a new value from the old.
fn trace(problem: &Problem, order: &[usize]) -> Vec<Vec<BTreeSet<u64>>> {
    let mut values: Vec<BTreeSet<u64>> = vec![BTreeSet::new(); problem.buffers.len()];
    let mut seen = vec![Vec::new(); problem.steps.len() + 1];
    for &step in order {
        let spec = &problem.steps[step];
        seen[step] = spec.reads.iter().map(|b| values[b.0].clone()).collect();
        for buffer in &spec.writes {
            let value = &mut values[buffer.0];
            if spec.reads.contains(buffer) {
                let mut hasher = DefaultHasher::new();
                (step, &*value).hash(&mut hasher);
                *value = BTreeSet::from([hasher.finish()]);
            } else {
                value.insert(step as u64);
            }
        }
    }
    let outputs = (0..values.len()).filter(|&b| problem.buffers[b].live_to_end);
    seen[problem.steps.len()] = outputs.map(|b| values[b].clone()).collect();
    seen
}

fn follows(problem: &Problem, order: &[usize]) -> bool {
    let place = |step: usize| order.iter().position(|&other| other == step);
    (0..order.len()).all(|step| problem.steps[step].after.iter().all(|a| place(a.0) < place(step)))
}

/// The peak of live bytes; `None` if a mandatory pair is impossible in this order.
pub(super) fn peak(problem: &Problem, order: &[usize]) -> Option<usize> {
    let end = order.len().saturating_sub(1);
    let touches = |step: usize, buffer: usize| {
        let spec = &problem.steps[step];
        spec.reads.contains(&BufferIx(buffer)) || spec.writes.contains(&BufferIx(buffer))
    };
    let life = |buffer: usize| {
        let spec = &problem.buffers[buffer];
        let mut at = (0..order.len()).filter(|&p| touches(order[p], buffer));
        let first = at.next();
        let last = at.next_back().or(first);
        match (spec.live_from_start, spec.live_to_end) {
            (true, true) => Some((0, end)),
            (true, false) => Some((0, last.unwrap_or(end))),
            (false, true) => first.map(|first| (first, end)),
            (false, false) => first.zip(last),
        }
    };
    let lives: Vec<_> = (0..problem.buffers.len()).map(life).collect();
    let mut peak = 0;
    for position in 0..=end {
        let live = (0..lives.len()).filter(|&b| lives[b].is_some_and(|(f, l)| f <= position && position <= l));
        let mut bytes: usize = live.map(|b| problem.room(BufferIx(b))).sum();
        if let Some(&step) = order.get(position) {
            let possible = |pair: &&InPlace| {
                let (read, write) = (&problem.buffers[pair.read.0], &problem.buffers[pair.write.0]);
                let dies = lives[pair.read.0].is_some_and(|(_, l)| l == position);
                let born = lives[pair.write.0].is_some_and(|(f, _)| f == position);
                dies && born && !read.live_to_end && !write.live_from_start
            };
            let pairs: Vec<&InPlace> = problem.steps[step].in_place.iter().filter(possible).collect();
            let needed = problem.steps[step].in_place.iter().filter(|p| p.mandatory);
            bytes += problem.scratch_room(StepIx(step));
            bytes -= saved(problem, &pairs, &needed.collect::<Vec<_>>())?;
        }
        peak = peak.max(bytes);
    }
    Some(peak)
}

/// The most that a set of compatible pairs saves that has all of `needed` in it; `None` if there is none.
fn saved(problem: &Problem, pairs: &[&InPlace], needed: &[&InPlace]) -> Option<usize> {
    let mut best = None;
    for set in 0u32..1 << pairs.len() {
        let chosen: Vec<&InPlace> =
            pairs.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, p)| *p).collect();
        let apart =
            chosen.iter().enumerate().all(|(i, a)| chosen[..i].iter().all(|b| a.read != b.read && a.write != b.write));
        if apart && needed.iter().all(|n| chosen.contains(n)) {
            let bytes = chosen.iter().map(|p| problem.room(p.read).min(problem.room(p.write))).sum();
            best = best.max(Some(bytes));
        }
    }
    best
}

fn permutations(count: usize, visit: &mut impl FnMut(&[usize])) {
    fn go(chosen: &mut Vec<usize>, count: usize, visit: &mut impl FnMut(&[usize])) {
        if chosen.len() == count {
            return visit(chosen);
        }
        for next in 0..count {
            if !chosen.contains(&next) {
                chosen.push(next);
                go(chosen, count, visit);
                chosen.pop();
            }
        }
    }
    go(&mut Vec::new(), count, visit);
}

/// The smallest arena for `order`, by trying every address of every buffer and scratch area.
pub(super) fn least_arena(problem: &Problem, liveness: &Liveness, order: &[StepIx]) -> usize {
    let mut items: Vec<Item> = Vec::new();
    for (index, range) in liveness.ranges.iter().enumerate() {
        let room = problem.room(BufferIx(index));
        if let (Some(range), true) = (range, room > 0) {
            items.push(Item { buffer: Some(BufferIx(index)), room, range: *range });
        }
    }
    for (position, step) in order.iter().enumerate() {
        let range = LiveRange { first: position, last: position };
        for &bytes in problem.steps[step.0].scratch.iter().filter(|&&bytes| bytes > 0) {
            items.push(Item { buffer: None, room: problem.round_up(bytes), range });
        }
    }
    let pairs: Vec<InPlace> = liveness.possible.iter().map(|shared| shared.pair).collect();
    let mut height = liveness.peak_bytes();
    while !fits(&items, &pairs, (problem.align, height), &mut Vec::new()) {
        height += problem.align;
    }
    height
}

/// A buffer, or a scratch area.
struct Item {
    buffer: Option<BufferIx>,
    room: usize,
    range: LiveRange,
}

fn fits(items: &[Item], pairs: &[InPlace], (align, height): (usize, usize), placed: &mut Vec<usize>) -> bool {
    let Some(item) = items.get(placed.len()) else { return true };
    let paired = |other: &Item| {
        let is = |a: Option<BufferIx>, b: Option<BufferIx>| {
            pairs.iter().any(|pair| a == Some(pair.read) && b == Some(pair.write))
        };
        is(item.buffer, other.buffer) || is(other.buffer, item.buffer)
    };
    for start in (0..=height.saturating_sub(item.room)).step_by(align) {
        let apart = items.iter().zip(placed.iter()).all(|(other, &at)| {
            !item.range.meets(other.range)
                || start + item.room <= at
                || at + other.room <= start
                || (start == at && paired(other))
        });
        if apart && item.room <= height {
            placed.push(start);
            if fits(items, pairs, (align, height), placed) {
                return true;
            }
            placed.pop();
        }
    }
    false
}
