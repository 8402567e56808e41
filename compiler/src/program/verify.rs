//! Proves a program sound: what is read has been written and not been overwritten, and everything lies where it fits.

use std::ops::Range;

use super::{Access, Arg, Program, Storage, View};

/// Everything that is wrong with a program.
///
/// # Errors
/// One text for each violation of the invariants of [`super`].
pub fn verify(program: &Program) -> Result<(), Vec<String>> {
    let mut faults = Vec::new();
    views(program, &mut faults);
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

/// Runs the steps on a model of the arena in which each byte knows which buffer wrote it.
fn replay(program: &Program, faults: &mut Vec<String>) {
    let arena_bytes = program.layout.as_ref().map_or(0, |l| l.arena_bytes);
    let mut owner: Vec<u32> = vec![u32::MAX; arena_bytes];
    let holds = |owner: &[u32], v: View| match range(program, v) {
        Some(r) => owner[r].iter().all(|&o| o == v.buffer.0),
        None => matches!(program.buffer(v.buffer).storage, Storage::Input(_)),
    };
    let kept: Vec<View> = program.kept().into_iter().map(|b| program.whole(b)).collect();
    for v in &kept {
        match range(program, *v) {
            Some(r) => owner[r].fill(v.buffer.0),
            None => faults.push(format!("b{} is kept but has no place", v.buffer.0)),
        }
    }
    for (i, step) in program.steps.iter().enumerate() {
        for (at, v) in step.reads() {
            if !holds(&owner, v) {
                faults.push(format!(
                    "step {i}, argument {at}: b{} has been overwritten or was never written",
                    v.buffer.0
                ));
            }
        }
        overlaps(program, i, faults);
        for (_, v) in step.writes() {
            match range(program, v) {
                Some(r) => owner[r].fill(v.buffer.0),
                None => faults.push(format!("step {i} writes b{}, which is lent", v.buffer.0)),
            }
        }
    }
    for v in kept.iter().filter(|v| !holds(&owner, **v)) {
        faults.push(format!("b{}, which is kept from run to run, has been overwritten", v.buffer.0));
    }
    for o in &program.outputs {
        if !holds(&owner, o.view) {
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
