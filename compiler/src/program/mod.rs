//! How a model is computed: an ordered list of kernel calls on buffers.
//!
//! `lower` makes a [`Program`], `plan` orders its steps and places its buffers, `emit` prints it as Rust, `exec` runs it.
//!
//! Invariants (checked by `verify`): every argument lies inside its buffer; a buffer is written before it is read; with a
//! [`Layout`], no step writes memory that another buffer needs later, save where the step works in place.

mod bind;
mod closure;
mod kernel;
pub mod kernels;
mod print;
mod region;
mod state;
mod tokens;
mod verify;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ir::{DType, ImageOrder, Labels, Meaning, Numerics, Origin, Quantization, Tensor, Type};

pub use closure::{rust_type, scalar_lit, unsupported};
pub use kernel::{ArgSlice, Args, KernelCall, Params, RunError};
pub use region::{Block, Region, RegionKind};
pub use state::{Ring, State};
pub use verify::verify;

/// Identifies a buffer of a [`Program`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BufferId(pub u32);

/// Identifies a constant of a [`Program`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WeightId(pub u32);

impl BufferId {
    /// The position in [`Program::buffers`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl WeightId {
    /// The position in [`Program::weights`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a buffer's memory comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Lent by the caller: the model's input of this position.
    Input(usize),
    /// In the arena.
    Arena,
}

/// A run of elements in memory.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// The value's name in the model; untrusted text.
    pub name: String,
    /// Element type; bools are stored as bytes 0 and 1.
    pub dtype: DType,
    /// Number of elements.
    pub elements: usize,
    /// Where its memory comes from.
    pub storage: Storage,
}

impl Buffer {
    /// Number of bytes.
    pub fn bytes(&self) -> usize {
        self.elements * self.dtype.size()
    }
}

/// A constant, in the layout in which its kernel reads it.
#[derive(Clone, Debug)]
pub struct Weight {
    /// The value's name in the model; untrusted text.
    pub name: String,
    /// The elements; the shape is that of the packed form.
    pub data: Tensor,
    /// Values of the model that it holds.
    pub values: usize,
    /// Bytes that those took in the graph: more than are here where few bits stand for a value.
    pub source: usize,
    /// Bytes of another constant that belongs to it: a bitmap, which holds no values itself.
    pub beside: usize,
}

impl Weight {
    /// Bytes that its values take, with what belongs to it.
    pub fn bytes(&self) -> usize {
        self.data.data().len() + self.beside
    }

    /// Bits of a value, where they are fewer than the graph's.
    pub fn bits(&self) -> Option<f64> {
        let bytes = self.bytes();
        (self.source > bytes).then(|| bytes as f64 * 8.0 / self.values as f64)
    }
}

/// A contiguous range of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The buffer.
    pub buffer: BufferId,
    /// First element.
    pub offset: usize,
    /// Number of elements.
    pub len: usize,
}

/// What a kernel does with an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads it.
    Read,
    /// Writes all of it without reading.
    Write,
    /// Reads and writes it.
    Update,
}

/// An argument of a kernel call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A constant.
    Weight(WeightId),
    /// A range of a buffer.
    Buffer(View, Access),
    /// No elements: an optional operand that is left out.
    Empty(DType),
}

/// One kernel call.
#[derive(Clone, Debug)]
pub struct Step {
    /// The kernel with its parameters.
    pub call: Arc<dyn KernelCall>,
    /// The arguments in the order in which the kernel takes them.
    pub args: Vec<Arg>,
    /// The ONNX nodes that it computes.
    pub origin: Vec<Origin>,
    /// Type of the result as the core IR has it, for reports.
    pub result: Type,
    /// Types of the operands as the core IR has them, for reports.
    pub operands: Vec<Type>,
    /// Multiply-adds.
    pub macs: u64,
    /// In place: the operand that the updated argument is, and the result that it becomes. They share their start.
    pub over: Option<Over>,
    /// How its weights are kept and why, where there was a choice.
    pub note: Option<String>,
}

/// What happens to the one argument of a step in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// The operand, which dies.
    pub operand: View,
    /// The result, in its place.
    pub result: View,
}

impl Step {
    /// The forms of the kernel that work in place, each by the positions of the argument that it reads and of the one that it writes.
    pub fn in_place(&self) -> impl Iterator<Item = ((usize, usize), Arc<dyn KernelCall>)> + '_ {
        let all = |access| {
            let args = self.args.iter().enumerate();
            args.filter_map(move |(i, a)| matches!(a, Arg::Buffer(_, own) if *own == access).then_some(i))
        };
        let pairs = all(Access::Read).flat_map(move |read| all(Access::Write).map(move |write| (read, write)));
        pairs.filter_map(|pair| Some((pair, self.call.in_place(pair)?)))
    }

    /// The views that are written, with their argument position; of an update, what it becomes.
    pub fn writes(&self) -> impl Iterator<Item = (usize, View)> + '_ {
        self.args.iter().enumerate().filter_map(|(i, a)| match *a {
            Arg::Buffer(v, Access::Write) => Some((i, v)),
            Arg::Buffer(v, Access::Update) => Some((i, self.over.map_or(v, |o| o.result))),
            _ => None,
        })
    }

    /// The views that are read, with their argument position; of an update, what it updates.
    pub fn reads(&self) -> impl Iterator<Item = (usize, View)> + '_ {
        self.args.iter().enumerate().filter_map(|(i, a)| match *a {
            Arg::Buffer(v, Access::Read) => Some((i, v)),
            Arg::Buffer(v, Access::Update) => Some((i, self.over.map_or(v, |o| o.operand))),
            _ => None,
        })
    }
}

/// An input or output of the model.
#[derive(Clone, Debug)]
pub struct Port {
    /// The model's name of it; untrusted text.
    pub name: String,
    /// Element type and shape.
    pub ty: Type,
    /// Where its elements are.
    pub view: View,
}

/// Where the buffers lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Byte offset of each buffer in the arena; `None` for inputs and for buffers nobody uses.
    pub offsets: Vec<Option<usize>>,
    /// Bytes of the arena.
    pub arena_bytes: usize,
    /// The largest sum of live bytes at one step: no arena for this order can be smaller.
    pub lower_bound_bytes: usize,
    /// The step at which that sum is live.
    pub peak_step: usize,
    /// Live bytes at each step.
    pub live_bytes: Vec<usize>,
    /// Whether no order of the steps has a lower bound that is smaller.
    pub optimal_order: bool,
    /// Where the arena is larger than the bound: by how much, and what stands in the way.
    pub gap: Option<String>,
}

/// A model as kernel calls.
#[derive(Clone, Debug)]
pub struct Program {
    /// The model's name; untrusted text.
    pub name: String,
    /// How products are rounded.
    pub numerics: Numerics,
    /// The model's inputs, but those that are states: all lent, or all in the arena.
    pub inputs: Vec<Port>,
    /// The model's outputs, but those that are states.
    pub outputs: Vec<Port>,
    /// What some outputs' numbers or columns stand for, by position in `outputs`.
    pub labels: BTreeMap<usize, Labels>,
    /// What the numbers of inputs and outputs mean, by their names.
    pub meanings: BTreeMap<String, Meaning>,
    /// What an instance of the model keeps from run to run.
    pub states: Vec<State>,
    /// All buffers.
    pub buffers: Vec<Buffer>,
    /// All constants.
    pub weights: Vec<Weight>,
    /// The kernel calls, in the order in which they run.
    pub steps: Vec<Step>,
    /// The steps that do not simply run once.
    pub regions: Vec<Region>,
    /// Where the buffers lie, once that is planned.
    pub layout: Option<Layout>,
}

impl Program {
    /// How the integers of an input or output stand for real numbers, where it has integers of 8 or 16 bits that do.
    pub fn quantization(&self, port: &Port) -> Option<Quantization> {
        let fits = matches!(port.ty.dtype, DType::I8 | DType::U8 | DType::I16 | DType::U16);
        // A file may hold anything.
        let is_sound = |q: &Quantization| q.scale.is_finite() && q.scale > 0.0 && (-32768..=65535).contains(&q.zero);
        self.meanings.get(&port.name).and_then(|meaning| meaning.quantization).filter(|q| fits && is_sound(q))
    }

    /// The order of an input's or output's dimensions, if it is an image.
    pub fn image_order(&self, port: &Port) -> Option<ImageOrder> {
        self.meanings.get(&port.name).and_then(|meaning| meaning.order).filter(|_| port.ty.rank() == 4)
    }

    /// Whether inputs lie in the arena, where they are filled before a run.
    pub fn has_own_inputs(&self) -> bool {
        self.inputs.iter().any(|p| self.buffer(p.view.buffer).storage == Storage::Arena)
    }

    /// Puts the inputs into the arena, before buffers are placed.
    pub fn own_inputs(&mut self) {
        for port in &self.inputs {
            self.buffers[port.view.buffer.index()].storage = Storage::Arena;
        }
    }

    /// The buffers of the inputs that lie in the arena.
    pub fn own_input_buffers(&self) -> impl Iterator<Item = BufferId> + '_ {
        let ids = self.inputs.iter().map(|p| p.view.buffer);
        ids.filter(|&id| self.buffer(id).storage == Storage::Arena)
    }

    /// Bits of a weight of a step, where they are fewer than the graph's.
    pub fn weight_bits(&self, step: &Step) -> Option<f64> {
        let weights =
            step.args.iter().filter_map(|arg| if let Arg::Weight(w) = arg { Some(self.weight(*w)) } else { None });
        weights.filter_map(Weight::bits).next()
    }

    /// A buffer.
    pub fn buffer(&self, id: BufferId) -> &Buffer {
        &self.buffers[id.index()]
    }

    /// A constant.
    pub fn weight(&self, id: WeightId) -> &Weight {
        &self.weights[id.index()]
    }

    /// Byte range of a view in the arena, once buffers are placed; `None` for inputs.
    pub fn arena_range(&self, v: View) -> Option<std::ops::Range<usize>> {
        let b = self.buffer(v.buffer);
        let start = self.layout.as_ref()?.offsets[v.buffer.index()]? + v.offset * b.dtype.size();
        Some(start..start + v.len * b.dtype.size())
    }

    /// Bytes of all constants.
    pub fn weights_bytes(&self) -> usize {
        self.weights.iter().map(|w| w.data.data().len()).sum()
    }

    /// Bytes of the arena, once buffers are placed.
    pub fn arena_bytes(&self) -> usize {
        self.layout.as_ref().map_or(0, |l| l.arena_bytes)
    }

    /// Multiply-adds of one run.
    pub fn macs(&self) -> u64 {
        self.macs_of(self.blocks())
    }

    /// Whether some data can make a run fail.
    pub fn is_fallible(&self) -> bool {
        self.steps.iter().any(|s| s.call.is_fallible())
    }
}
