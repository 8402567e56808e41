//! The graph of core operators.
//!
//! Invariants (checked by [`super::verify`]): nodes stand in topological order; every value is a graph input, a constant or
//! the result of exactly one node; every type is what the operator infers; names are data and need not be unique.

use std::collections::BTreeMap;

use super::{Evaluate, Op, Stored, Tensor, Type};

/// Identifies a value of a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

impl ValueId {
    /// The position in [`Graph::values`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A value: a graph input, a constant, or the result of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// The model's name of it, or one derived from the node's; untrusted text.
    pub name: String,
    /// Element type and shape.
    pub ty: Type,
    /// The constant's elements.
    pub data: Option<Tensor>,
}

/// A core operator applied to values.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// Operands.
    pub inputs: Vec<ValueId>,
    /// Results.
    pub outputs: Vec<ValueId>,
    /// The ONNX nodes it came from: name (or first output) and operator, in the order of the model.
    pub origin: Vec<Origin>,
}

/// An ONNX node that a core node came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Position in the model's node list.
    pub index: usize,
    /// The node's name, or its first output's where it has none; untrusted text.
    pub name: String,
    /// The ONNX operator, e.g. `Conv`; untrusted text.
    pub op_type: String,
}

/// A named result of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The model's name of it; untrusted text.
    pub name: String,
    /// The value.
    pub value: ValueId,
}

/// What the numbers or the columns of an output stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Labels {
    /// Each number is a place in this list: that of the string that ONNX has there; untrusted text.
    Names(Vec<String>),
    /// Columns stand for these strings; untrusted text.
    ColumnNames(Vec<String>),
    /// Columns stand for these numbers.
    ColumnNumbers(Vec<i64>),
    /// What the entries of the last dimension are the scores of, as a user or the model's metadata says; untrusted text.
    Classes(Vec<String>),
}

/// How integers stand for real numbers: `(q - zero) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantization {
    /// The real number between neighbouring integers.
    pub scale: f32,
    /// The integer that stands for 0.
    pub zero: i32,
}

impl Quantization {
    /// The real number that an integer stands for.
    pub fn real(self, q: i32) -> f32 {
        (q - self.zero) as f32 * self.scale
    }
}

/// The order of an image's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageOrder {
    /// Batch, channels, height, width.
    Nchw,
    /// Batch, height, width, channels.
    Nhwc,
}

/// What the numbers of an input or output mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Meaning {
    /// How its integers stand for real numbers.
    pub quantization: Option<Quantization>,
    /// The order of its dimensions, if it is an image.
    pub order: Option<ImageOrder>,
}

/// An input whose value an instance of the model keeps from run to run: zeros at first, then what the output makes of it.
///
/// Where both have one type, the output takes the input's place. Where they differ in the length of one dimension, the input
/// is a ring of as many outputs as it has room for, which come one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Position in [`Graph::inputs`].
    pub input: usize,
    /// Position in [`Graph::outputs`].
    pub output: usize,
    /// Where the state is the bytes of floats: position in [`Graph::inputs`] of their scales, a state too.
    pub scale: Option<usize>,
}

/// How a state is another model's too, which lies in the same arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shared {
    /// That model reads it as this one does: it lies as its type says, and in nothing else.
    Whole,
    /// It is that model's, and this one begins it: the input stands for it, and nothing reads it.
    Begun(Begun),
}

/// A state that a model begins anew: its output becomes the first entries, whatever was there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The shape of its memory, at least that of its type in each dimension.
    pub memory: Vec<usize>,
    /// The dimension along which the entries stand.
    pub axis: usize,
    /// Where it is a ring of the other model: its parts, and how many of them the output is.
    pub parts: Option<[usize; 2]>,
}

/// A quantized operator that computes in floats, because nothing proves that bytes give the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaysFloat {
    /// The ONNX nodes that it stands for.
    pub origin: Vec<Origin>,
    /// Why, for people.
    pub reason: String,
}

/// What is computed: inputs, nodes in topological order, outputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// The model's name; untrusted text.
    pub name: String,
    /// All values, by id.
    pub values: Vec<Value>,
    /// The nodes, operands before users.
    pub nodes: Vec<Node>,
    /// The graph's inputs.
    pub inputs: Vec<ValueId>,
    /// The graph's outputs.
    pub outputs: Vec<Output>,
    /// What some constants were made from.
    pub stored: BTreeMap<ValueId, Stored>,
    /// Pairs of input and output that live from run to run; no input or output is in two.
    pub states: Vec<State>,
    /// What some outputs' numbers or columns stand for, by position in `outputs`. The text form leaves it out.
    pub labels: BTreeMap<usize, Labels>,
    /// What the numbers of inputs and outputs mean, by their names. The text form leaves it out.
    pub meanings: BTreeMap<String, Meaning>,
    /// The states that other models have too, by the positions of their inputs.
    pub shared: BTreeMap<usize, Shared>,
    /// Quantized operators that compute in floats, in the order of the nodes.
    pub stays_float: Vec<StaysFloat>,
}

impl Graph {
    /// The value with an id.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    /// Element type and shape of a value.
    pub fn ty(&self, id: ValueId) -> &Type {
        &self.value(id).ty
    }

    /// The elements of a constant.
    pub fn data(&self, id: ValueId) -> Option<&Tensor> {
        self.value(id).data.as_ref()
    }

    /// Adds a value.
    pub fn add_value(&mut self, name: impl Into<String>, ty: Type) -> ValueId {
        let id = ValueId(u32::try_from(self.values.len()).expect("limits keep the number of values far below 2^32"));
        self.values.push(Value { name: name.into(), ty, data: None });
        id
    }

    /// Adds a constant.
    pub fn add_constant(&mut self, name: impl Into<String>, data: Tensor) -> ValueId {
        let id = self.add_value(name, data.ty().clone());
        self.values[id.index()].data = Some(data);
        id
    }

    /// Notes what the constant `to` was made from, where it is an index map of constants of which that is known, or 16-bit floats
    /// widened.
    pub fn carry_stored(&mut self, op: &Op, from: &[ValueId], to: ValueId, evaluate: &dyn Evaluate) {
        let parts: Option<Vec<&Stored>> = from.iter().map(|v| self.stored.get(v)).collect();
        let codes = |parts: &[&Stored]| {
            let data: Vec<&Tensor> = parts.iter().map(|part| &part.data).collect();
            evaluate.computed(op, &data)
        };
        let made = match (op, parts, from) {
            (Op::Movement(m), Some(parts), _) => codes(&parts).and_then(|data| parts[0].moved(m, data)),
            (Op::Concat { axis }, Some(parts), _) if Stored::can_join(&parts) => {
                codes(&parts).and_then(|data| Stored::joined(&parts, *axis, data))
            }
            (_, _, &[from]) => self.data(from).filter(|data| op.is_widening(data.dtype())).cloned().map(Stored::halves),
            _ => None,
        };
        self.stored.extend(made.map(|made| (to, made)));
    }

    /// Index of the node that makes each value.
    pub fn producers(&self) -> Vec<Option<usize>> {
        let mut producers = vec![None; self.values.len()];
        for (n, node) in self.nodes.iter().enumerate() {
            for o in &node.outputs {
                producers[o.index()] = Some(n);
            }
        }
        producers
    }

    /// Indices of the nodes that read each value, once per operand.
    pub fn users(&self) -> Vec<Vec<usize>> {
        let mut users = vec![Vec::new(); self.values.len()];
        for (n, node) in self.nodes.iter().enumerate() {
            for i in &node.inputs {
                users[i.index()].push(n);
            }
        }
        users
    }

    /// The state of another model that an input stands for, where this one begins it.
    pub fn begun(&self, input: usize) -> Option<&Begun> {
        match self.shared.get(&input) {
            Some(Shared::Begun(begun)) => Some(begun),
            Some(Shared::Whole) | None => None,
        }
    }

    /// The dimension along which a state is a ring, where it is one.
    ///
    /// # Errors
    /// Why the two make no pair.
    pub fn ring_axis(&self, state: State) -> Result<Option<usize>, String> {
        if let Some(begun) = self.begun(state.input) {
            return Ok(Some(begun.axis));
        }
        let (x, y) = (self.ty(self.inputs[state.input]), self.ty(self.outputs[state.output].value));
        if x == y {
            return Ok(None);
        }
        let differing: Vec<usize> =
            x.shape.iter().zip(&y.shape).enumerate().filter(|(_, (a, b))| a != b).map(|(d, _)| d).collect();
        let whole = |d: usize| y.shape[d] > 0 && x.shape[d] % y.shape[d] == 0;
        match *differing.as_slice() {
            [d] if x.dtype == y.dtype && x.rank() == y.rank() && whole(d) => Ok(Some(d)),
            _ => Err(format!("{x} and {y} are neither of one type nor a ring and a part of it")),
        }
    }

    /// Whether a value is one of the graph's outputs.
    pub fn is_output(&self, id: ValueId) -> bool {
        self.outputs.iter().any(|o| o.value == id)
    }

    /// Per value, whether it is one of the graph's outputs.
    pub fn output_values(&self) -> Vec<bool> {
        let mut is_output = vec![false; self.values.len()];
        self.outputs.iter().for_each(|o| is_output[o.value.index()] = true);
        is_output
    }

    /// Makes every user of `old`, and every output, read `new`.
    pub fn replace_uses(&mut self, old: ValueId, new: ValueId) {
        let inputs = self.nodes.iter_mut().flat_map(|n| n.inputs.iter_mut());
        for v in inputs.chain(self.outputs.iter_mut().map(|o| &mut o.value)) {
            if *v == old {
                *v = new;
            }
        }
    }
}
