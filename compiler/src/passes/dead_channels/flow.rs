//! Where channels go: from the product that makes them, through operators on each channel by itself, to the products that
//! read them.

use crate::ir::{DType, Evaluate, Graph, Movement, Node, Op, ValueId};

use super::known::{Known, Learner};
use super::product::{Product, plain};

/// A product whose output channels may go.
pub(super) struct Maker {
    pub(super) channels: usize,
    /// The products that read its channels.
    pub(super) readers: Vec<usize>,
    /// Whether something else needs all channels.
    pub(super) keeps_all: bool,
}

/// The channels along the last dimension of a value: index `j` is channel `j % channels` of its maker.
struct Channels {
    maker: usize,
    known: Known,
}

/// All makers of a graph and what carries their channels.
pub(super) struct Flow {
    pub(super) makers: Vec<Maker>,
    /// By node, the maker that it is.
    pub(super) maker_at: Vec<Option<usize>>,
    of: Vec<Option<Channels>>,
}

impl Flow {
    /// One walk over the nodes.
    pub(super) fn of(graph: &Graph, evaluate: &dyn Evaluate) -> Flow {
        let mut learner = Learner::new(graph, evaluate);
        let none = || (0..graph.values.len()).map(|_| None).collect();
        let mut flow = Flow { makers: vec![], maker_at: vec![None; graph.nodes.len()], of: none() };
        for (n, node) in graph.nodes.iter().enumerate() {
            flow.read(graph, &mut learner, n);
            if let Some(known) = made(graph, &mut learner, node) {
                flow.maker_at[n] = Some(flow.makers.len());
                let maker = flow.makers.len();
                flow.makers.push(Maker { channels: known.len(), readers: vec![], keeps_all: false });
                flow.of[node.outputs[0].index()] = Some(Channels { maker, known });
            }
        }
        for output in &graph.outputs {
            flow.keep_all(output.value);
        }
        flow
    }

    /// The maker of a value's channels.
    pub(super) fn maker(&self, v: ValueId) -> Option<usize> {
        self.channels(v).map(|c| c.maker)
    }

    /// What is known of a value's channels.
    pub(super) fn known(&self, v: ValueId) -> Option<&Known> {
        self.channels(v).map(|c| &c.known)
    }

    /// Of a value that came later, a constant that was cut, there are none.
    fn channels(&self, v: ValueId) -> Option<&Channels> {
        self.of.get(v.index())?.as_ref()
    }

    fn keep_all(&mut self, v: ValueId) {
        if let Some(maker) = self.maker(v) {
            self.makers[maker].keeps_all = true;
        }
    }

    /// Notes what a node does with the channels that it reads.
    fn read(&mut self, graph: &Graph, learner: &mut Learner<'_>, n: usize) {
        let node = &graph.nodes[n];
        let Some(maker) = node.inputs.iter().find_map(|&v| self.maker(v)) else { return };
        let carried = self.carried(graph, learner, node, maker);
        if let Some(known) = carried.filter(|_| node.outputs.len() == 1) {
            self.of[node.outputs[0].index()] = Some(Channels { maker, known });
        } else if self.is_reader(graph, node) {
            self.makers[maker].readers.push(n);
        } else {
            node.inputs.iter().for_each(|&v| self.keep_all(v));
        }
    }

    /// Whether a node adds up the channels of its first operand, and reads no others.
    fn is_reader(&self, graph: &Graph, node: &Node) -> bool {
        let alone = self.known(node.inputs[0]).is_some() && node.inputs[1..].iter().all(|&v| self.maker(v).is_none());
        let fits = |p: &Product<'_>| self.known(node.inputs[0]).is_some_and(|known| known.len() == p.inputs());
        alone && Product::of(graph, node).is_some_and(|p| p.groups == 1 && fits(&p))
    }

    /// What is known of the channels that a node hands on, each by itself; nothing where it does something else with them.
    fn carried(&self, graph: &Graph, learner: &mut Learner<'_>, node: &Node, maker: usize) -> Option<Known> {
        let out = graph.ty(*node.outputs.first()?);
        let channels = self.makers[maker].channels;
        if out.elements() == 0 || !out.shape.last()?.is_multiple_of(channels) {
            return None;
        }
        let nothing = || Known::nothing(out);
        if let Op::Map { expr } = &node.op {
            let dtypes: Vec<DType> = node.inputs.iter().map(|&v| graph.ty(v).dtype).collect();
            let understood = node.inputs.iter().all(|&v| match self.maker(v) {
                Some(other) => other == maker && graph.ty(v).shape == out.shape,
                None => plain(graph, v).is_some(),
            });
            // Where a Map may fail, the channel that fails is needed for that.
            if !understood || expr.is_fallible(&dtypes) {
                return None;
            }
            let operands: Vec<Option<&Known>> = node.inputs.iter().map(|&v| self.known(v)).collect();
            return Some(learner.mapped(graph, node, &operands).unwrap_or_else(nothing));
        }
        let x = self.known(node.inputs[0])?;
        if node.inputs[1..].iter().any(|&v| self.maker(v).is_some()) {
            return None;
        }
        if let Op::Movement(movement) = &node.op {
            return moved(movement, x, channels, *out.shape.last()?);
        }
        let from = graph.ty(node.inputs[0]);
        let learned = if matches!(node.op, Op::Pool { .. } | Op::QPool { .. }) {
            learner.pooled(&node.op, x)
        } else if let Op::Reduce { axes, .. } | Op::QReduce { axes, .. } = &node.op {
            if axes.contains(&(from.rank() - 1)) {
                return None;
            }
            learner.reduced(&node.op, &from.shape, x)
        } else {
            let product = Product::of(graph, node).filter(|p| p.is_depthwise() && !p.has_residual())?;
            if matches!(node.op, Op::ConvTranspose { .. }) {
                return None;
            }
            learner.depthwise(&product, node, x)
        };
        Some(learned.unwrap_or_else(nothing))
    }
}

/// The channels of an index map that leaves the last dimension alone, or flattens pixels into it.
fn moved(movement: &Movement, x: &Known, channels: usize, len: usize) -> Option<Known> {
    match movement {
        Movement::Reshape { .. } => x.reshaped(channels, len),
        Movement::Transpose { perm } => (perm.last() == Some(&(perm.len() - 1))).then(|| x.clone()),
        Movement::Slice { start, step, .. } => {
            let whole = start.last() == Some(&0) && step.last() == Some(&1) && len == x.len();
            whole.then(|| x.clone())
        }
        Movement::Expand { .. } => None,
        Movement::Pad { before, after, value } => {
            if before.last() != Some(&0) || after.last() != Some(&0) {
                return None;
            }
            let none = before.iter().chain(after).all(|&n| n == 0);
            Some(x.clone().filter(|_, c| none || c.bits() == value.bits()))
        }
    }
}

/// The channels that a node makes, where they may go.
fn made(graph: &Graph, learner: &mut Learner<'_>, node: &Node) -> Option<Known> {
    let product = Product::of(graph, node).filter(|p| p.groups == 1 && !p.has_residual() && p.outputs() > 1)?;
    let out = graph.ty(node.outputs[0]);
    if out.elements() == 0 {
        return None;
    }
    Some(learner.made(&product).unwrap_or_else(|| Known::nothing(out)))
}
