//! Runs a planned program in this process, with the kernels that are emitted.

use std::ops::Range;

use crate::ir::{Tensor, Type};
use crate::program::{Access, Arg, ArgSlice, Args, Block, Program, Region, RegionKind, RunError, Storage, View};

/// Bytes of the largest arena that is allocated to run a program in this process.
pub const MAX_ARENA_BYTES: usize = 1 << 32;

/// Why a program could not be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecError {
    /// The program has not been placed.
    Unplanned,
    /// The arena has more than [`MAX_ARENA_BYTES`], or more than there are.
    TooLarge {
        /// Bytes of the arena.
        bytes: usize,
    },
    /// The number of inputs is wrong.
    InputCount {
        /// Inputs of the model.
        expected: usize,
        /// Inputs given.
        given: usize,
    },
    /// An input has another type than the model's.
    InputType {
        /// Position of the input.
        index: usize,
        /// The model's type.
        expected: Type,
        /// The type given.
        given: Type,
    },
    /// The data made a step fail.
    Run {
        /// Index of the step.
        step: usize,
        /// What was wrong.
        error: RunError,
    },
}

impl std::fmt::Display for ExecError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ExecError::Unplanned => f.write_str("the program has no memory plan"),
            ExecError::TooLarge { bytes } => write!(
                f,
                "the arena has {bytes} bytes; models are run in this process with at most {MAX_ARENA_BYTES}, as far as there is memory"
            ),
            ExecError::InputCount { expected, given } => write!(f, "the model has {expected} inputs, not {given}"),
            ExecError::InputType { index, expected, given } => {
                write!(f, "input {index} is {given}, the model's is {expected}")
            }
            ExecError::Run { step, error } => write!(f, "step {step}: {error}"),
        }
    }
}

impl std::error::Error for ExecError {}

/// What the arena holds before a run, and what happens to bytes that no buffer lives in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hygiene {
    /// The arena starts as zeros and dead buffers keep their bytes, as in emitted crates.
    #[default]
    AsEmitted,
    /// The arena starts as garbage, and each step's dead operands become garbage: a plan that reads them is found out.
    Poison,
}

/// Byte that garbage is made of: a large negative integer, a NaN of every float type.
const POISON: u8 = 0xff;

/// Sees the results of each step, by its index.
type Observer<'a> = &'a mut dyn FnMut(usize, &[Tensor]);

/// A program ready to run.
#[derive(Debug)]
pub struct Executor<'p> {
    program: &'p Program,
    /// 64-bit words, so that every element type is aligned.
    arena: Vec<u64>,
    weights: Vec<Vec<u64>>,
    hygiene: Hygiene,
    /// Per step, the buffers that nobody reads after it.
    dead_after: Vec<Vec<View>>,
}

/// Bytes in memory that is aligned for every element type.
fn words(bytes: &[u8]) -> Vec<u64> {
    let mut words = vec![0u64; bytes.len().div_ceil(8)];
    bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()].copy_from_slice(bytes);
    words
}

impl<'p> Executor<'p> {
    /// Prepares a planned program.
    ///
    /// # Errors
    /// [`ExecError::Unplanned`]; [`ExecError::TooLarge`] before anything is allocated.
    pub fn new(program: &'p Program, hygiene: Hygiene) -> Result<Executor<'p>, ExecError> {
        let layout = program.layout.as_ref().ok_or(ExecError::Unplanned)?;
        let (bytes, words_of_arena) = (layout.arena_bytes, layout.arena_bytes.div_ceil(8));
        if bytes > MAX_ARENA_BYTES || Vec::<u64>::new().try_reserve_exact(words_of_arena).is_err() {
            return Err(ExecError::TooLarge { bytes });
        }
        Ok(Executor {
            program,
            arena: vec![0; words_of_arena],
            weights: program.weights.iter().map(|w| words(w.data.data())).collect(),
            hygiene,
            dead_after: dead_after(program),
        })
    }

    /// Runs the model on inputs of its types; gives its outputs.
    ///
    /// # Errors
    /// Inputs that do not fit; data that make a step fail.
    pub fn run(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>, ExecError> {
        self.run_steps(inputs, None)
    }

    /// Runs the model; `observe` sees the results of each step, by its index.
    ///
    /// # Errors
    /// Inputs that do not fit; data that make a step fail.
    pub fn run_observed(
        &mut self,
        inputs: &[Tensor],
        mut observe: impl FnMut(usize, &[Tensor]),
    ) -> Result<Vec<Tensor>, ExecError> {
        self.run_steps(inputs, Some(&mut observe))
    }

    /// Runs the steps. Their results are copied only for who observes them: the parts of a Concat span all of it.
    fn run_steps(&mut self, inputs: &[Tensor], mut observe: Option<Observer<'_>>) -> Result<Vec<Tensor>, ExecError> {
        self.check(inputs)?;
        let inputs: Vec<Vec<u64>> = inputs.iter().map(|t| words(t.data())).collect();
        if self.hygiene == Hygiene::Poison {
            self.poison();
        }
        for (port, bytes) in self.program.inputs.iter().zip(&inputs) {
            if let Some(range) = self.program.arena_range(port.view) {
                let from = &bytemuck::cast_slice::<u64, u8>(bytes)[..range.len()];
                bytemuck::cast_slice_mut::<u64, u8>(&mut self.arena)[range].copy_from_slice(from);
            }
        }
        self.blocks(&self.program.blocks(), &inputs, &mut observe)?;
        Ok(self.program.outputs.iter().map(|o| reshaped(self.load(o.view), &o.ty)).collect())
    }

    /// Runs steps and regions one after the other.
    fn blocks(
        &mut self,
        blocks: &[Block],
        inputs: &[Vec<u64>],
        observe: &mut Option<Observer<'_>>,
    ) -> Result<(), ExecError> {
        for block in blocks {
            match *block {
                Block::Step(i) => self.one(i, inputs, observe)?,
                Block::Region(i) => self.region(i, inputs, observe)?,
            }
        }
        Ok(())
    }

    fn region(
        &mut self,
        index: usize,
        inputs: &[Vec<u64>],
        observe: &mut Option<Observer<'_>>,
    ) -> Result<(), ExecError> {
        let program = self.program;
        let Region { steps, kind } = &program.regions[index];
        match *kind {
            RegionKind::If { condition, otherwise } => {
                let holds = self.holds(condition, inputs);
                let part = if holds { steps.start..otherwise } else { otherwise..steps.end };
                self.blocks(&program.blocks_of(index, part), inputs, observe)
            }
            RegionKind::Loop { trips, condition } => {
                let body = program.blocks_of(index, steps.clone());
                for _ in 0..trips {
                    if condition.is_some_and(|v| !self.holds(v, inputs)) {
                        break;
                    }
                    self.blocks(&body, inputs, observe)?;
                }
                Ok(())
            }
        }
    }

    /// Whether a bool holds.
    fn holds(&self, v: View, inputs: &[Vec<u64>]) -> bool {
        let bytes = match self.program.buffer(v.buffer).storage {
            Storage::Input(n) => bytemuck::cast_slice::<u64, u8>(&inputs[n]).get(v.offset),
            Storage::Arena => {
                let at = self.program.arena_range(v).map_or(0, |range| range.start);
                bytemuck::cast_slice::<u64, u8>(&self.arena).get(at)
            }
        };
        bytes.is_some_and(|b| *b != 0)
    }

    /// Runs one step.
    fn one(&mut self, i: usize, inputs: &[Vec<u64>], observe: &mut Option<Observer<'_>>) -> Result<(), ExecError> {
        self.step(i, inputs).map_err(|error| ExecError::Run { step: i, error })?;
        if let Some(observe) = observe {
            let results: Vec<Tensor> = self.program.steps[i].writes().map(|(_, v)| self.load(v)).collect();
            observe(i, &results);
        }
        if self.hygiene == Hygiene::Poison {
            for v in self.dead_after[i].clone() {
                let range = self.program.arena_range(v).expect("dead buffers lie in the arena");
                bytemuck::cast_slice_mut::<u64, u8>(&mut self.arena)[range].fill(POISON);
            }
        }
        Ok(())
    }

    /// Zeroes the state, as `reset` does in emitted crates.
    pub fn reset(&mut self) {
        for range in self.kept() {
            bytemuck::cast_slice_mut::<u64, u8>(&mut self.arena)[range].fill(0);
        }
    }

    /// The value of a state, by its index in [`Program::states`].
    pub fn state(&self, index: usize) -> Tensor {
        let state = &self.program.states[index];
        let range = self.program.arena_range(self.program.whole(state.buffer)).expect("states lie in the arena");
        state.load(&bytemuck::cast_slice::<u64, u8>(&self.arena)[range])
    }

    /// Gives a state a value of its type.
    ///
    /// # Errors
    /// The value has another type.
    pub fn set_state(&mut self, index: usize, value: &Tensor) -> Result<(), ExecError> {
        let state = &self.program.states[index];
        if *value.ty() != state.ty {
            let (expected, given) = (state.ty.clone(), value.ty().clone());
            return Err(ExecError::InputType { index: state.positions[0], expected, given });
        }
        let range = self.program.arena_range(self.program.whole(state.buffer)).expect("states lie in the arena");
        state.store(value, &mut bytemuck::cast_slice_mut::<u64, u8>(&mut self.arena)[range]);
        Ok(())
    }

    /// Goes on where another model has stopped that has the same arena: models that share their state.
    ///
    /// # Errors
    /// The two arenas differ in size, which is then that of the other.
    pub fn go_on_from(&mut self, other: &Executor<'_>) -> Result<(), ExecError> {
        if self.arena.len() != other.arena.len() {
            return Err(ExecError::TooLarge { bytes: other.arena.len() * 8 });
        }
        self.arena.copy_from_slice(&other.arena);
        Ok(())
    }

    /// Runs the model as if it had no state, once: its states are inputs and outputs like the others, in the model's order.
    ///
    /// # Errors
    /// Inputs that do not fit; data that make a step fail.
    pub fn run_model(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>, ExecError> {
        let expected = self.program.inputs.len() + self.program.states.len();
        if inputs.len() != expected {
            return Err(ExecError::InputCount { expected, given: inputs.len() });
        }
        let (lent, states) = self.program.split_inputs(inputs);
        self.reset();
        for (i, value) in states.iter().enumerate() {
            self.set_state(i, value)?;
        }
        let outputs = self.run(&lent)?;
        let states = (0..states.len()).map(|i| self.program.states[i].output_of(&self.state(i))).collect();
        Ok(self.program.join_outputs(outputs, states))
    }

    /// Where the arena keeps its bytes from run to run.
    fn kept(&self) -> Vec<Range<usize>> {
        let kept = self.program.kept().into_iter();
        kept.filter_map(|b| self.program.arena_range(self.program.whole(b))).collect()
    }

    /// Turns all but the state into garbage.
    fn poison(&mut self) {
        let kept = self.kept();
        let arena = bytemuck::cast_slice_mut::<u64, u8>(&mut self.arena);
        let values: Vec<Vec<u8>> = kept.iter().map(|range| arena[range.clone()].to_vec()).collect();
        arena.fill(POISON);
        for (range, value) in kept.into_iter().zip(values) {
            arena[range].copy_from_slice(&value);
        }
    }

    fn check(&self, inputs: &[Tensor]) -> Result<(), ExecError> {
        let ports = &self.program.inputs;
        if inputs.len() != ports.len() {
            return Err(ExecError::InputCount { expected: ports.len(), given: inputs.len() });
        }
        for (index, (given, port)) in inputs.iter().zip(ports).enumerate() {
            if *given.ty() != port.ty {
                let (expected, given) = (port.ty.clone(), given.ty().clone());
                return Err(ExecError::InputType { index, expected, given });
            }
        }
        Ok(())
    }

    fn step(&mut self, index: usize, inputs: &[Vec<u64>]) -> Result<(), RunError> {
        let program = self.program;
        let step = &program.steps[index];
        // Distinct ranges of the arena, in ascending order; a range that is read twice is lent once.
        let mut ranges: Vec<(Range<usize>, bool)> = Vec::new();
        for arg in &step.args {
            if let Arg::Buffer(v, access) = *arg
                && let Some(r) = program.arena_range(v).filter(|r| !r.is_empty())
                && !ranges.iter().any(|(known, _)| *known == r)
            {
                ranges.push((r, access != Access::Read));
            }
        }
        let mut slices = split(bytemuck::cast_slice_mut(&mut self.arena), ranges);
        let mut lent = Vec::with_capacity(step.args.len());
        for arg in &step.args {
            lent.push(match *arg {
                Arg::Weight(w) => ArgSlice::Read(weight_bytes(program, &self.weights, w)),
                Arg::Empty(_) => ArgSlice::Read(&[]),
                Arg::Buffer(v, access) => match (program.buffer(v.buffer).storage, access) {
                    (Storage::Input(n), _) => ArgSlice::Read(&bytemuck::cast_slice(&inputs[n])[bytes_of(program, v)]),
                    (Storage::Arena, Access::Read) => ArgSlice::Read(slices.read(program.arena_range(v))),
                    (Storage::Arena, _) => ArgSlice::Write(slices.write(program.arena_range(v))),
                },
            });
        }
        let mut args = Args::new(lent);
        let done = step.call.run(program.numerics, &mut args);
        debug_assert!(done.is_err() || args.left().is_none(), "{} leaves {:?}", step.call.name(), args.left());
        done
    }

    /// The elements of a view, in one dimension.
    fn load(&self, v: View) -> Tensor {
        let dtype = self.program.buffer(v.buffer).dtype;
        let range = self.program.arena_range(v).expect("results lie in the arena");
        let bytes = bytemuck::cast_slice::<u64, u8>(&self.arena)[range].to_vec();
        Tensor::from_bytes(Type::new(dtype, [v.len]), bytes.into()).expect("the view has that length")
    }
}

fn reshaped(t: Tensor, ty: &Type) -> Tensor {
    t.reshaped(ty.shape.clone()).expect("an output's view has as many elements as its type")
}

/// Byte range of a view within its own buffer.
fn bytes_of(program: &Program, v: View) -> Range<usize> {
    let size = program.buffer(v.buffer).dtype.size();
    v.offset * size..(v.offset + v.len) * size
}

fn weight_bytes<'w>(program: &Program, weights: &'w [Vec<u64>], w: crate::program::WeightId) -> &'w [u8] {
    let len = program.weight(w).data.data().len();
    &bytemuck::cast_slice(&weights[w.index()])[..len]
}

/// Slices of the arena that are lent to one step.
struct Slices<'a> {
    slices: Vec<(Range<usize>, Lent<'a>)>,
}

/// A slice is lent to one writer or to any number of readers.
enum Lent<'a> {
    Shared(&'a [u8]),
    Unique(Option<&'a mut [u8]>),
}

/// Splits memory into disjoint ranges; those that are written, and those that are read.
fn split(mut memory: &mut [u8], mut ranges: Vec<(Range<usize>, bool)>) -> Slices<'_> {
    ranges.sort_by_key(|(r, _)| (r.start, r.end));
    let mut slices = Vec::with_capacity(ranges.len());
    let mut start = 0;
    // Ranges that are only read may overlap each other: those share one slice.
    let mut i = 0;
    while i < ranges.len() {
        let (first, written) = ranges[i].clone();
        let mut end = first.end;
        let mut j = i + 1;
        while j < ranges.len() && !written && !ranges[j].1 && ranges[j].0.start < end {
            end = end.max(ranges[j].0.end);
            j += 1;
        }
        let (_, rest) = memory.split_at_mut(first.start - start);
        let (here, rest) = rest.split_at_mut(end - first.start);
        memory = rest;
        start = end;
        if written {
            slices.push((first, Lent::Unique(Some(here))));
        } else {
            let here: &[u8] = here;
            for (r, _) in &ranges[i..j] {
                slices.push((r.clone(), Lent::Shared(&here[r.start - first.start..r.end - first.start])));
            }
        }
        i = j;
    }
    Slices { slices }
}

impl<'a> Slices<'a> {
    fn read(&mut self, range: Option<Range<usize>>) -> &'a [u8] {
        match self.find(range) {
            Some(Lent::Shared(s)) => s,
            _ => &[],
        }
    }

    fn write(&mut self, range: Option<Range<usize>>) -> &'a mut [u8] {
        match self.find(range) {
            Some(Lent::Unique(s)) => s.take().expect("one writer per range"),
            _ => &mut [],
        }
    }

    fn find(&mut self, range: Option<Range<usize>>) -> Option<&mut Lent<'a>> {
        let range = range?;
        self.slices.iter_mut().find(|(r, _)| *r == range).map(|(_, s)| s)
    }
}

/// Per step, the buffers that it touches and nobody reads afterwards.
fn dead_after(program: &Program) -> Vec<Vec<View>> {
    let mut needed: Vec<bool> = vec![false; program.buffers.len()];
    program.outputs.iter().for_each(|o| needed[o.view.buffer.index()] = true);
    program.kept().iter().for_each(|b| needed[b.index()] = true);
    program.regions.iter().filter_map(|r| r.condition()).for_each(|v| needed[v.buffer.index()] = true);
    // The next iteration needs what a loop touches and others do too.
    program.crossing().iter().flat_map(|(_, buffers)| buffers).for_each(|b| needed[b.index()] = true);
    let mut dead = vec![Vec::new(); program.steps.len()];
    for (i, step) in program.steps.iter().enumerate().rev() {
        let touched = step.reads().chain(step.writes());
        // An operand that was written over has no memory of its own any more.
        let gone = step.over.map(|o| o.operand.buffer);
        for (_, v) in touched {
            let b = program.buffer(v.buffer);
            if !std::mem::replace(&mut needed[v.buffer.index()], true)
                && b.storage == Storage::Arena
                && Some(v.buffer) != gone
            {
                dead[i].push(View { buffer: v.buffer, offset: 0, len: b.elements });
            }
        }
    }
    dead
}
