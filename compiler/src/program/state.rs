//! What an instance of the model keeps from run to run.
//!
//! Invariants: a state's buffer lies in the arena, belongs to it alone, and is all zeros before the first run; no other
//! buffer ever takes its place.

use super::{BufferId, Port, Program, View};
use crate::ir::{Tensor, Type, row_major_strides};

/// An input of the model whose value lives in the arena, where an output replaces it or adds to it.
#[derive(Clone, Debug)]
pub struct State {
    /// The model's name of the input; untrusted text.
    pub name: String,
    /// The model's name of the output; untrusted text.
    pub output_name: String,
    /// Positions of the two among all inputs and all outputs of the model.
    pub positions: [usize; 2],
    /// Where it is the bytes of floats: the position among all inputs of their scales, a state too.
    pub scale: Option<usize>,
    /// Type of the input: what is kept.
    pub ty: Type,
    /// Where it is kept.
    pub buffer: BufferId,
    /// The shape of the buffer. A ring that a Concat reads has room for the new entries behind the kept ones.
    pub memory: Vec<usize>,
    /// Where the state is a ring: how the outputs enter it.
    pub ring: Option<Ring>,
}

/// A state that holds the last outputs: each run writes the next part of it.
#[derive(Clone, Debug)]
pub struct Ring {
    /// Type of the output, a part of the state.
    pub output: Type,
    /// The dimension along which it is a part.
    pub axis: usize,
    /// The buffer that counts, in i64 and modulo the parts that there are, the runs; `None` where each run writes the first part.
    pub slot: Option<BufferId>,
    /// The parts that it counts to.
    pub parts: Option<usize>,
    /// What that buffer holds after each run, where a run begins the ring anew.
    pub begins: Option<i64>,
}

impl State {
    /// Offsets of the state's elements in its buffer, in row-major order.
    fn offsets(&self) -> impl Iterator<Item = usize> + '_ {
        let strides = row_major_strides(&self.memory);
        let own = row_major_strides(&self.ty.shape);
        let at = move |i: usize| {
            let index = own.iter().zip(&self.ty.shape).map(move |(s, d)| i / s.max(&1) % d);
            index.zip(&strides).map(|(i, s)| i * s).sum()
        };
        (0..self.ty.elements()).map(at)
    }

    /// Puts a value of the state's type into its memory.
    pub fn store(&self, value: &Tensor, memory: &mut [u8]) {
        let size = self.ty.dtype.size();
        for (element, at) in value.data().chunks_exact(size).zip(self.offsets()) {
            memory[at * size..][..size].copy_from_slice(element);
        }
    }

    /// The state's value from its memory.
    pub fn load(&self, memory: &[u8]) -> Tensor {
        let size = self.ty.dtype.size();
        let data: Vec<u8> = self.offsets().flat_map(|at| memory[at * size..][..size].to_vec()).collect();
        Tensor::from_bytes(self.ty.clone(), data.into()).expect("the memory holds the state")
    }

    /// What the model's output was, from the state after the first run: all of it, or the first part of a ring.
    pub fn output_of(&self, after: &Tensor) -> Tensor {
        let Some(ring) = &self.ring else { return after.clone() };
        let outer: usize = self.ty.shape[..ring.axis].iter().product();
        let slab = self.ty.bytes() / outer.max(1);
        let part = ring.output.bytes() / outer.max(1);
        let data: Vec<u8> = after.data().chunks_exact(slab.max(1)).flat_map(|s| s[..part].to_vec()).collect();
        Tensor::from_bytes(ring.output.clone(), data.into()).expect("the output is a part of the state")
    }

    /// Whether it is another model's state, which each run begins.
    pub fn is_begun(&self) -> bool {
        self.ring.as_ref().is_some_and(|ring| ring.slot.is_none() || ring.begins.is_some())
    }

    /// Bytes of its memory.
    pub fn bytes(&self) -> usize {
        self.memory.iter().product::<usize>() * self.ty.dtype.size()
    }
}

impl Program {
    /// The buffers that keep their values from run to run.
    pub fn kept(&self) -> Vec<BufferId> {
        let slots = self.states.iter().filter_map(|s| s.ring.as_ref()?.slot);
        let mut kept: Vec<BufferId> = self.states.iter().map(|s| s.buffer).chain(slots).collect();
        kept.sort_unstable();
        kept.dedup();
        kept
    }

    /// All of a buffer.
    pub fn whole(&self, buffer: BufferId) -> View {
        View { buffer, offset: 0, len: self.buffer(buffer).elements }
    }

    /// All inputs of the model in its order, those that are states among them.
    pub fn model_inputs(&self) -> Vec<Port> {
        let kept =
            |s: &State| (s.positions[0], Port { name: s.name.clone(), ty: s.ty.clone(), view: self.whole(s.buffer) });
        merged(&self.inputs, self.states.iter().map(kept).collect())
    }

    /// All outputs of the model in its order, those that are states among them.
    pub fn model_outputs(&self) -> Vec<Port> {
        let kept = |s: &State| {
            let ty = s.ring.as_ref().map_or(&s.ty, |r| &r.output).clone();
            (s.positions[1], Port { name: s.output_name.clone(), ty, view: self.whole(s.buffer) })
        };
        merged(&self.outputs, self.states.iter().map(kept).collect())
    }

    /// The model's inputs as those that are lent and those that are states, in the order of [`Program::inputs`] and
    /// [`Program::states`].
    pub fn split_inputs<T: Clone>(&self, all: &[T]) -> (Vec<T>, Vec<T>) {
        let is_state = |i: &usize| self.states.iter().any(|s| s.positions[0] == *i);
        let lent = (0..all.len()).filter(|i| !is_state(i)).map(|i| all[i].clone()).collect();
        (lent, self.states.iter().filter_map(|s| all.get(s.positions[0]).cloned()).collect())
    }

    /// The model's outputs from those of a run and those that are states.
    pub fn join_outputs<T: Clone>(&self, outputs: Vec<T>, states: Vec<T>) -> Vec<T> {
        let at = self.states.iter().map(|s| s.positions[1]).zip(states).collect();
        merged(&outputs, at)
    }
}

/// Items with others among them, at their positions in the result.
fn merged<T: Clone>(items: &[T], mut others: Vec<(usize, T)>) -> Vec<T> {
    others.sort_by_key(|(at, _)| *at);
    let mut all = items.to_vec();
    for (at, item) in others {
        all.insert(at.min(all.len()), item);
    }
    all
}
