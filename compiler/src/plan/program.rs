//! Plans a [`Program`]: orders its steps, places its buffers, and lets steps work in place where the plan says so.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{BufferIx, BufferSpec, InPlace, PlanError, Problem, StepIx, StepSpec};
use super::{Placement, plan, plan_in_order};
use crate::program::{Access, Arg, BufferId, Layout, Over, Program, Step, Storage};

/// A program's planning problem, and which buffers it is about.
#[derive(Debug)]
pub struct Planned {
    /// The problem: the program's arena buffers and steps as they were.
    pub problem: Problem,
    /// Its solution.
    pub placement: Placement,
    /// The program's buffer for each buffer of the problem.
    pub buffers: Vec<BufferId>,
}

/// Memory at the start of an arena that is not planned: buffers with their places in it.
#[derive(Clone, Debug, Default)]
pub struct Reserved {
    /// The start of each buffer.
    pub offsets: BTreeMap<BufferId, usize>,
    /// Its bytes, a multiple of the alignment.
    pub bytes: usize,
}

/// Orders the steps and places the buffers; `align` is that of every buffer, a power of two.
///
/// # Errors
/// Where the program cannot be planned: its buffers are larger than any memory, or it is malformed.
pub fn place(program: &mut Program, align: usize) -> Result<Planned, PlanError> {
    place_behind(program, align, &Reserved::default())
}

/// The same, with all buffers that have no place already behind those that have one.
///
/// # Errors
/// As for [`place`].
pub fn place_behind(program: &mut Program, align: usize, reserved: &Reserved) -> Result<Planned, PlanError> {
    let (mut problem, buffers) = problem(program, align);
    let own: Vec<Option<usize>> = buffers.iter().map(|id| reserved.offsets.get(id).copied()).collect();
    let bytes: Vec<usize> = problem.buffers.iter().map(|buffer| buffer.bytes).collect();
    // What has a place takes none of the plan's memory, and orders the steps all the same.
    for (buffer, _) in problem.buffers.iter_mut().zip(&own).filter(|(_, own)| own.is_some()) {
        buffer.bytes = 0;
    }
    // The order of steps in regions is theirs.
    let mut placement = if program.regions.is_empty() { plan(&problem)? } else { plan_in_order(&problem)? };
    problem.buffers.iter_mut().zip(bytes).for_each(|(buffer, bytes)| buffer.bytes = bytes);
    move_behind(&mut placement, &own, reserved.bytes);
    let mut offsets = vec![None; program.buffers.len()];
    for (ix, id) in buffers.iter().enumerate() {
        offsets[id.index()] = placement.ranges[ix].is_some().then_some(placement.offsets[ix]);
    }
    let mut steps: Vec<Option<Step>> = std::mem::take(&mut program.steps).into_iter().map(Some).collect();
    program.steps = placement.order.iter().filter_map(|s| steps[s.0].take()).collect();
    let mut positions = vec![0; steps.len()];
    placement.order.iter().enumerate().for_each(|(at, s)| positions[s.0] = at);
    let position = |s: StepIx| positions[s.0];
    for sharing in &placement.sharing {
        let (read, write) = (buffers[sharing.pair.read.0], buffers[sharing.pair.write.0]);
        work_in_place(&mut program.steps[position(sharing.step)], read, write);
    }
    program.layout = Some(Layout {
        offsets,
        arena_bytes: placement.arena_bytes,
        lower_bound_bytes: placement.lower_bound_bytes,
        peak_step: placement.peak_step.map_or(0, position),
        live_bytes: placement.live_bytes.clone(),
        optimal_order: placement.optimal_order,
        gap: placement.gap.as_ref().map(|g| g.describe(|b| format!("b{}", buffers[b.0].0))),
    });
    Ok(Planned { problem, placement, buffers })
}

/// Moves all that was planned behind memory whose buffers have their places.
fn move_behind(placement: &mut Placement, own: &[Option<usize>], bytes: usize) {
    for (offset, own) in placement.offsets.iter_mut().zip(own) {
        *offset = own.unwrap_or(*offset + bytes);
    }
    placement.scratch.iter_mut().flatten().for_each(|offset| *offset += bytes);
    placement.live_bytes.iter_mut().for_each(|live| *live += bytes);
    placement.arena_bytes += bytes;
    placement.lower_bound_bytes += bytes;
}

/// The planning problem of a program, and the buffers that it is about.
fn problem(program: &Program, align: usize) -> (Problem, Vec<BufferId>) {
    let in_arena = |i: &usize| program.buffers[*i].storage == Storage::Arena;
    let buffers: Vec<BufferId> = (0..program.buffers.len()).filter(in_arena).map(|i| BufferId(i as u32)).collect();
    let mut index = vec![None; program.buffers.len()];
    buffers.iter().enumerate().for_each(|(ix, id)| index[id.index()] = Some(BufferIx(ix)));
    let kept: BTreeSet<BufferId> = program.kept().into_iter().collect();
    let inputs: BTreeSet<BufferId> = program.own_input_buffers().collect();
    let results: BTreeSet<BufferId> = program.outputs.iter().map(|o| o.view.buffer).collect();
    let specs = buffers.iter().map(|&id| BufferSpec {
        bytes: program.buffer(id).bytes(),
        // Nobody writes what has no elements.
        live_from_start: program.buffer(id).elements == 0 || kept.contains(&id) || inputs.contains(&id),
        live_to_end: results.contains(&id) || kept.contains(&id),
    });
    let specs = specs.collect();
    let mut steps: Vec<StepSpec> = program.steps.iter().map(|s| step_spec(program, s, &index)).collect();
    regions(program, &index, &mut steps);
    (Problem { align, buffers: specs, steps }, buffers)
}

/// What regions need beside what their steps do: their conditions, and, through all iterations of a loop, what is touched outside it.
fn regions(program: &Program, index: &[Option<BufferIx>], steps: &mut [StepSpec]) {
    fn add(list: &mut Vec<BufferIx>, b: BufferIx) {
        list.extend((!list.contains(&b)).then_some(b));
    }
    let known = |id: BufferId| index[id.index()];
    for region in &program.regions {
        let condition = region.condition().and_then(|v| known(v.buffer));
        condition.into_iter().for_each(|b| add(&mut steps[region.steps.start].reads, b));
    }
    let mut written = BTreeMap::new();
    for (i, step) in program.steps.iter().enumerate() {
        step.writes().for_each(|(_, v)| _ = written.entry(v.buffer).or_insert(i));
    }
    // What is there before the first step.
    let kept: BTreeSet<BufferId> = program.kept().into_iter().chain(program.own_input_buffers()).collect();
    for (region, crossing) in program.crossing() {
        let range = program.regions[region].steps.clone();
        let through: BTreeSet<BufferIx> = crossing.iter().filter_map(|&id| known(id)).collect();
        for step in &mut steps[range.clone()] {
            step.in_place.retain(|pair| !through.contains(&pair.read) && !through.contains(&pair.write));
        }
        for &id in &crossing {
            let Some(b) = known(id) else { continue };
            let holds = kept.contains(&id) || written.get(&id).is_some_and(|&first| first < range.start);
            let first = &mut steps[range.start];
            add(if holds { &mut first.reads } else { &mut first.writes }, b);
            add(&mut steps[range.end - 1].reads, b);
        }
    }
}

fn step_spec(program: &Program, step: &Step, index: &[Option<BufferIx>]) -> StepSpec {
    let mut spec = StepSpec::default();
    for arg in &step.args {
        let Arg::Buffer(view, access) = arg else { continue };
        let Some(b) = index[view.buffer.index()] else { continue };
        let (reads, writes) = match access {
            Access::Read => (true, false),
            Access::Write => (false, true),
            Access::Update => (true, true),
        };
        spec.reads.extend((reads && !spec.reads.contains(&b)).then_some(b));
        spec.writes.extend((writes && !spec.writes.contains(&b)).then_some(b));
    }
    for ((read, write), _) in step.in_place() {
        // The two share their start, so both must be the start of their buffer; the result must be all of it.
        let (Arg::Buffer(from, _), Arg::Buffer(to, _)) = (step.args[read], step.args[write]) else { continue };
        let whole = from.offset == 0 && to.offset == 0 && to.len == program.buffer(to.buffer).elements;
        // Another argument may be another part of the same buffer: it would be written while it is read.
        let other = |(i, a): (usize, &Arg)| i != read && matches!(a, Arg::Buffer(v, _) if v.buffer == from.buffer);
        let alone = !step.args.iter().enumerate().any(other);
        if let (true, Some(read), Some(write)) = (whole && alone, index[from.buffer.index()], index[to.buffer.index()])
        {
            let again = spec.in_place.iter().any(|p| p.read == read && p.write == write);
            if read != write && !again {
                spec.in_place.push(InPlace { read, write, mandatory: false });
            }
        }
    }
    spec
}

/// Turns a step into its in-place form.
fn work_in_place(step: &mut Step, read: BufferId, write: BufferId) {
    let buffer = |a: &Arg| match a {
        Arg::Buffer(v, _) => Some(v.buffer),
        Arg::Weight(_) | Arg::Empty(_) => None,
    };
    let fits = |(r, w): (usize, usize)| buffer(&step.args[r]) == Some(read) && buffer(&step.args[w]) == Some(write);
    let form = step.in_place().find(|(pair, _)| fits(*pair));
    let Some(((r, w), call)) = form else { return };
    let (Arg::Buffer(from, _), Arg::Buffer(to, _)) = (step.args[r], step.args[w]) else { return };
    step.call = call;
    // The kernel gets the longer of the two: a pool's operand, which shrinks to its result.
    let longer = if from.len >= to.len { from } else { to };
    step.over = Some(Over { operand: from, result: to });
    step.args[w] = Arg::Buffer(longer, Access::Update);
    step.args.remove(r);
}
