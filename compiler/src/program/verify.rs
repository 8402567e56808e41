//! Proves a program sound: what is read has been written and not been overwritten, and everything lies where it fits.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Access, Arg, BufferId, Program, Storage, View};

/// Everything that is wrong with a program.
///
/// # Errors
/// One text for each violation of the invariants of [`super`].
pub fn verify(program: &Program) -> Result<(), Vec<String>> {
    let mut faults = Vec::new();
    views(program, &mut faults);
    faults.extend(program.region_faults());
    if let Some(layout) = &program.layout {
        for (i, b) in program.buffers.iter().enumerate() {
            if let Some(at) = layout.offsets[i] {
                if at % b.dtype.size() != 0 {
                    faults.push(format!("b{i} is not aligned"));
                }
                if at + b.bytes() > layout.arena_bytes {
                    faults.push(format!("b{i} ends outside the arena"));
                }
            }
        }
        if faults.is_empty() {
            replay(program, &mut faults);
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Every view inside its buffer.
fn views(program: &Program, faults: &mut Vec<String>) {
    let args = program.steps.iter().flat_map(|s| &s.args).filter_map(|a| match *a {
        Arg::Buffer(v, _) => Some(v),
        Arg::Weight(_) | Arg::Empty(_) => None,
    });
    for v in args.chain(program.outputs.iter().map(|o| o.view)) {
        let inside = program
            .buffers
            .get(v.buffer.index())
            .is_some_and(|b| v.offset.checked_add(v.len).is_some_and(|end| end <= b.elements));
        if !inside {
            faults.push(format!("{v:?} leaves its buffer"));
        }
    }
}

/// Which buffer wrote each byte of an arena: runs of bytes by their starts. Neighbours of one owner are one run, so the cost
/// is that of the buffers, whatever their sizes.
#[derive(Default)]
struct Owners {
    runs: BTreeMap<usize, (usize, BufferId)>,
}

impl Owners {
    /// Splits the run that `at` lies within.
    fn cut(&mut self, at: usize) {
        if let Some((_, run)) = self.runs.range_mut(..at).next_back()
            && run.0 > at
        {
            let (end, owner) = *run;
            run.0 = at;
            self.runs.insert(at, (end, owner));
        }
    }

    fn write(&mut self, range: Range<usize>, owner: BufferId) {
        if range.is_empty() {
            return;
        }
        self.cut(range.start);
        self.cut(range.end);
        let inside: Vec<usize> = self.runs.range(range.clone()).map(|(&start, _)| start).collect();
        for start in inside {
            self.runs.remove(&start);
        }
        let Range { mut start, mut end } = range;
        if let Some((&before, &(reaches, of))) = self.runs.range(..start).next_back()
            && (reaches, of) == (start, owner)
        {
            start = before;
        }
        if let Some(&(reaches, of)) = self.runs.get(&end)
            && of == owner
        {
            self.runs.remove(&end);
            end = reaches;
        }
        self.runs.insert(start, (end, owner));
    }

    /// Whether all bytes are of one owner.
    fn holds(&self, range: Range<usize>, owner: BufferId) -> bool {
        let run = self.runs.range(..=range.start).next_back();
        range.is_empty() || run.is_some_and(|(_, &(end, of))| end >= range.end && of == owner)
    }
}

/// Runs the steps on a model of the arena in which each byte knows which buffer wrote it.
fn replay(program: &Program, faults: &mut Vec<String>) {
    let mut owners = Owners::default();
    let holds = |owners: &Owners, v: View| match range(program, v) {
        Some(r) => owners.holds(r, v.buffer),
        None => matches!(program.buffer(v.buffer).storage, Storage::Input(_)),
    };
    for v in program.own_input_buffers().map(|b| program.whole(b)) {
        match range(program, v) {
            Some(r) => owners.write(r, v.buffer),
            None => faults.push(format!("b{} is an input but has no place", v.buffer.0)),
        }
    }
    let kept: Vec<View> = program.kept().into_iter().map(|b| program.whole(b)).collect();
    for v in &kept {
        match range(program, *v) {
            Some(r) => owners.write(r, v.buffer),
            None => faults.push(format!("b{} is kept but has no place", v.buffer.0)),
        }
    }
    let crossing = program.crossing();
    for (i, step) in program.steps.iter().enumerate() {
        for region in program.regions.iter().filter(|r| r.steps.start == i) {
            if region.condition().is_some_and(|v| !holds(&owners, v)) {
                faults.push(format!("the condition at step {i} has been overwritten or was never written"));
            }
        }
        for (at, v) in step.reads() {
            if !holds(&owners, v) {
                faults.push(format!(
                    "step {i}, argument {at}: b{} has been overwritten or was never written",
                    v.buffer.0
                ));
            }
        }
        overlaps(program, i, faults);
        for (_, v) in step.writes() {
            match range(program, v) {
                Some(r) => owners.write(r, v.buffer),
                None => faults.push(format!("step {i} writes b{}, which is lent", v.buffer.0)),
            }
        }
        // The next iteration reads it again.
        for (region, buffers) in crossing.iter().filter(|(r, _)| program.regions[*r].steps.end == i + 1) {
            let steps = &program.steps[program.regions[*region].steps.clone()];
            let reads = steps.iter().flat_map(|s| s.reads()).map(|(_, v)| v);
            for v in reads.filter(|v| buffers.contains(&v.buffer) && !holds(&owners, *v)) {
                faults.push(format!("b{} has been overwritten when an iteration ends at step {i}", v.buffer.0));
            }
        }
    }
    for v in kept.iter().filter(|v| !holds(&owners, **v)) {
        faults.push(format!("b{}, which is kept from run to run, has been overwritten", v.buffer.0));
    }
    for o in &program.outputs {
        if !holds(&owners, o.view) {
            faults.push(format!("output {:?} has been overwritten or was never written", o.name));
        }
    }
}

/// No argument that is written shares bytes with another one of the same step.
fn overlaps(program: &Program, step: usize, faults: &mut Vec<String>) {
    let args: Vec<(Range<usize>, bool)> = program.steps[step]
        .args
        .iter()
        .filter_map(|a| match *a {
            Arg::Buffer(v, access) => range(program, v).map(|r| (r, access != Access::Read)),
            Arg::Weight(_) | Arg::Empty(_) => None,
        })
        .collect();
    for (i, (a, a_written)) in args.iter().enumerate() {
        for (b, b_written) in &args[..i] {
            if (*a_written || *b_written) && a.start < b.end && b.start < a.end {
                faults.push(format!("step {step}: arguments at {a:?} and {b:?} overlap"));
            }
        }
    }
}

fn range(program: &Program, v: View) -> Option<Range<usize>> {
    program.arena_range(v)
}

#[cfg(test)]
mod tests {
    use super::{BufferId, Owners};

    #[test]
    fn runs_know_what_single_bytes_would() {
        let (mut owners, mut bytes) = (Owners::default(), vec![None; 64]);
        let mut seed = 7u64;
        let mut below = |n: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % n
        };
        for case in 0..4000 {
            let (start, owner) = (below(64) as usize, BufferId(below(3) as u32));
            let range = start..start + below(65 - start as u64) as usize;
            let all = bytes[range.clone()].iter().all(|b| *b == Some(owner));
            assert_eq!(owners.holds(range.clone(), owner), all, "case {case}: {range:?}");
            if case % 2 == 0 {
                bytes[range.clone()].fill(Some(owner));
                owners.write(range, owner);
            }
        }
    }
}
