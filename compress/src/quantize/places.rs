//! Which values of a model become bytes.
//!
//! A value becomes bytes where a layer reads it, directly or through operators that the compiler runs on bytes. Values between two
//! element-wise operators do not, as long as the operators together are a function of one byte, or the second is a bound: the compiler makes
//! one table, or one epilogue, of them. What the model gives its caller stays in floats, but for what a layer makes: its
//! product is one of bytes.

use std::collections::{BTreeMap, BTreeSet};

use zantc::ir::Type;
use zantc::onnx::proto::NodeProto;

use crate::layer::{Form, Layer};
use crate::net::{Links, Net, is_onnx};

/// The values that become bytes. Values with one number share their scale.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Places {
    pub(super) groups: BTreeMap<String, usize>,
}

/// What an operator is to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Multiplies by weights that become bytes.
    Layer,
    /// Moves or compares: what goes in comes out.
    Moves,
    /// A mean of neighbours.
    Mean,
    /// Works on each element.
    Each,
    /// Sets values side by side.
    Concat,
    /// Computes in floats.
    Floats,
}

const MOVES: &[&str] = &[
    "DepthToSpace",
    "Expand",
    "Flatten",
    "Gather",
    "GlobalMaxPool",
    "MaxPool",
    "Reshape",
    "Slice",
    "SpaceToDepth",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
];
const MEANS: &[&str] = &["AveragePool", "GlobalAveragePool", "ReduceMean"];
const EACH: &[&str] = &[
    "Abs",
    "Add",
    "Clip",
    "Div",
    "Elu",
    "Erf",
    "Exp",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "LeakyRelu",
    "Max",
    "Min",
    "Mish",
    "Mul",
    "Neg",
    "PRelu",
    "Pow",
    "Relu",
    "Selu",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Sub",
    "Tanh",
];
/// Element-wise operators that bound or scale, which products and sums do at their end.
const BOUNDS: &[&str] = &["Clip", "LeakyRelu", "Relu"];

/// A model as the search sees it.
struct Search<'n> {
    net: &'n Net,
    links: Links,
    roles: Vec<Role>,
    types: &'n BTreeMap<String, Type>,
}

/// In what a layer computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Bytes.
    Bytes,
    /// Floats, with bytes as weights.
    Gate,
    /// Floats.
    Floats,
}

/// Finds the places, for layers of such kinds; `types` are those of all values.
pub(super) fn places(net: &Net, layers: &[Layer], kinds: &[Kind], types: &BTreeMap<String, Type>) -> Places {
    let mut roles: Vec<Role> = net.nodes().iter().map(|node| role(net, node)).collect();
    for (layer, kind) in layers.iter().zip(kinds) {
        let role = if *kind == Kind::Bytes { Role::Layer } else { Role::Floats };
        roles[layer.node] = role;
        // The bias is part of the layer: what is between is no value of its own.
        layer.bias_node.into_iter().for_each(|at| roles[at] = role);
    }
    let search = Search { net, links: net.links(), roles, types };
    let inputs = |of: Kind| layers.iter().zip(kinds).filter(move |(_, k)| **k == of).map(|(l, _)| l.input.as_str());
    let mut read: BTreeSet<&str> = inputs(Kind::Bytes).collect();
    // A mean that a gate reads is one of bytes.
    let is_mean = |value: &str| search.links.maker(value).is_some_and(|at| search.roles[at] == Role::Mean);
    read.extend(inputs(Kind::Gate).filter(|v| is_mean(v)));
    let mut needed = search.needed(&read);
    let gates = search.gates();
    needed.retain(|v| read.contains(v.as_str()) || !gates.contains(v.as_str()));
    // What a layer gives the caller is made of bytes too: else its whole product would be one of floats.
    let made = layers.iter().zip(kinds).filter(|(_, kind)| **kind == Kind::Bytes).map(|(l, _)| &l.output);
    let given: BTreeSet<String> = made.filter(|o| search.links.is_output(o)).cloned().collect();
    needed.extend(given.iter().cloned());
    let inner = |l: &Layer| l.bias_node.map(|_| net.nodes()[l.node].output[0].clone());
    let inner: BTreeSet<String> = layers.iter().filter_map(inner).collect();
    let absorbed = search.absorbed(&needed);
    let is_chosen = |v: &&String| {
        let stays = search.links.is_output(v) && !read.contains(v.as_str()) && !given.contains(*v);
        !absorbed.contains(*v) && !inner.contains(*v) && !stays
    };
    search.shared(needed.iter().filter(is_chosen).cloned().collect())
}

/// Whether a layer's product is run on bytes by the compiler.
pub(super) fn runs_on_bytes(layer: &Layer) -> bool {
    !matches!(layer.form, Form::ConvTranspose { .. })
}

/// The layers of squeeze and excitation: each makes one number for each channel, by which a whole map is multiplied in the end. They have few
/// products, and an error of theirs is one of every pixel: they compute in floats.
pub(super) fn gates(net: &Net, layers: &[Layer], types: &BTreeMap<String, Type>) -> Vec<bool> {
    let roles = net.nodes().iter().map(|node| role(net, node)).collect();
    let search = Search { net, links: net.links(), roles, types };
    let found = search.gates();
    layers.iter().map(|l| matches!(l.form, Form::Conv(_)) && found.contains(l.output.as_str())).collect()
}

fn role(net: &Net, node: &NodeProto) -> Role {
    let op = node.op_type.as_str();
    // Only the first operand of what moves is data; the others say how.
    let data = node.input.first().is_some_and(|first| !net.is_constant(first));
    if !is_onnx(&node.domain) || !data && !EACH.contains(&op) {
        return Role::Floats;
    }
    match op {
        "Concat" => Role::Concat,
        _ if MOVES.contains(&op) => Role::Moves,
        _ if MEANS.contains(&op) => Role::Mean,
        _ if EACH.contains(&op) => Role::Each,
        _ => Role::Floats,
    }
}

impl Search<'_> {
    /// The operands of a node that are data.
    fn data(&self, at: usize) -> impl Iterator<Item = &String> {
        let node = &self.net.nodes()[at];
        let count = match self.roles[at] {
            Role::Each | Role::Concat => node.input.len(),
            _ => 1,
        };
        node.input.iter().take(count).filter(|i| !i.is_empty() && !self.net.is_constant(i))
    }

    fn is_float(&self, value: &str) -> bool {
        self.types.get(value).is_some_and(|ty| ty.dtype == zantc::ir::DType::F32 && ty.elements() > 0)
    }

    /// Values that a layer reads, directly or behind operators on bytes.
    fn needed(&self, read: &BTreeSet<&str>) -> BTreeSet<String> {
        let mut needed: BTreeSet<String> = read.iter().filter(|v| self.is_float(v)).map(|v| v.to_string()).collect();
        for at in (0..self.roles.len()).rev() {
            let node = &self.net.nodes()[at];
            if matches!(self.roles[at], Role::Floats | Role::Layer) || !node.output.iter().any(|o| needed.contains(o)) {
                continue;
            }
            let reads: Vec<String> = self.data(at).filter(|v| self.is_float(v)).cloned().collect();
            needed.extend(reads);
        }
        // An input that only element-wise operators read is theirs to convert.
        for input in self.net.inputs() {
            let each = |&at: &usize| self.roles[at] == Role::Each;
            if !read.contains(input.name.as_str()) && self.links.readers(&input.name).iter().all(each) {
                needed.remove(&input.name);
            }
        }
        needed
    }

    /// Values that have one number for each channel, where all that is made of them multiplies maps in the end.
    fn gates(&self) -> BTreeSet<&str> {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        let one = |ty: &Type| ty.rank() > 2 && ty.shape[2..].iter().all(|d| *d == 1);
        // Readers stand behind makers.
        for (at, node) in self.net.nodes().iter().enumerate().rev() {
            let [value] = node.output.as_slice() else { continue };
            let readers = self.links.readers(value);
            let multiplies = |&reader: &usize| {
                let (node, widens) = (&self.net.nodes()[reader], !self.keeps_shape(value, reader));
                let goes_on = node.output.first().is_some_and(|o| found.contains(o.as_str()));
                match node.op_type.as_str() {
                    "Mul" if widens => true,
                    "Conv" => node.input.first() == Some(value) && goes_on,
                    _ => reader > at && self.is_each(reader) && !widens && goes_on,
                }
            };
            let small = self.types.get(value).is_some_and(one) && !self.links.is_output(value);
            if small && !readers.is_empty() && readers.iter().all(multiplies) {
                found.insert(value);
            }
        }
        found
    }

    fn is_each(&self, at: usize) -> bool {
        EACH.contains(&self.net.nodes()[at].op_type.as_str())
    }

    /// Values that stay inside of one function of bytes.
    fn absorbed(&self, needed: &BTreeSet<String>) -> BTreeSet<String> {
        let mut absorbed = BTreeSet::new();
        // The values that an absorbed one is computed from.
        let mut leaves: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for at in 0..self.roles.len() {
            let node = &self.net.nodes()[at];
            let Some(output) = node.output.first().filter(|o| needed.contains(*o)) else { continue };
            let own = match self.roles[at] {
                Role::Each => self.leaves_of(at, &leaves),
                Role::Layer | Role::Floats => BTreeSet::new(),
                _ => continue,
            };
            let readers = self.links.readers(output);
            let is_each = |&r: &usize| self.roles[r] == Role::Each && self.keeps_shape(output, r);
            if readers.is_empty() || self.links.is_output(output) || !readers.iter().all(is_each) {
                continue;
            }
            let bound =
                self.links.only_reader(output).is_some_and(|r| BOUNDS.contains(&self.net.nodes()[r].op_type.as_str()));
            let one = self.roles[at] == Role::Each
                && own.len() <= 1
                && readers.iter().all(|&r| {
                    let mut all = own.clone();
                    let others = self.data(r).filter(|v| *v != output);
                    others.for_each(|v| {
                        all.extend(leaves.get(v).cloned().unwrap_or_else(|| BTreeSet::from([v.clone()])))
                    });
                    all.len() <= 1
                });
            if bound || one {
                leaves.insert(output.clone(), own);
                absorbed.insert(output.clone());
            }
        }
        absorbed
    }

    /// The values that a node's result is a function of.
    fn leaves_of(&self, at: usize, leaves: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
        self.data(at).flat_map(|v| leaves.get(v).cloned().unwrap_or_else(|| BTreeSet::from([v.clone()]))).collect()
    }

    /// Whether a reader's result has the shape of what it reads.
    fn keeps_shape(&self, value: &str, reader: usize) -> bool {
        let shape = |name: &str| self.types.get(name).map(|ty| &ty.shape);
        shape(value).is_some() && shape(value) == self.net.nodes()[reader].output.first().and_then(|o| shape(o))
    }

    /// Numbers the values; what only moves keeps its number, and so do the parts of a Concat that nothing else reads.
    fn shared(&self, chosen: Vec<String>) -> Places {
        let mut groups: BTreeMap<String, usize> = chosen.into_iter().enumerate().map(|(n, v)| (v, n)).collect();
        for at in 0..self.roles.len() {
            let node = &self.net.nodes()[at];
            let joined: Vec<&String> = match self.roles[at] {
                Role::Moves => self.data(at).chain(&node.output).collect(),
                Role::Concat => {
                    let alone = |v: &&String| self.links.only_reader(v) == Some(at);
                    self.data(at).filter(alone).chain(&node.output).collect()
                }
                _ => continue,
            };
            let numbers: Vec<usize> = joined.iter().filter_map(|v| groups.get(*v).copied()).collect();
            let Some(&least) = numbers.iter().min() else { continue };
            groups.values_mut().filter(|n| numbers.contains(n)).for_each(|n| *n = least);
        }
        Places { groups }
    }
}
