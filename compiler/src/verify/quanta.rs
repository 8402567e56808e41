//! What one step of a quantized output is worth: found in the graph, from the output back to where it was quantized.

use crate::ir::{BinaryOp, DType, Evaluate, ExprOp, Graph, Movement, Node, Op, PoolKind, ReduceKind, Reference};
use crate::ir::{Scalar, Tensor, Type, ValueId};

use super::literal::Literal;

/// The distance of neighbouring values of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Quanta {
    /// The same for all elements.
    Uniform(f64),
    /// One f32 for each element.
    Each(Tensor),
}

impl Quanta {
    /// The quantum of an element.
    pub fn at(&self, element: usize) -> f64 {
        match self {
            Quanta::Uniform(v) => *v,
            Quanta::Each(t) => t.get(element).to_f64(),
        }
    }
}

/// How an output is measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// Integers that stand for themselves, truth values: equal or not.
    Exact,
    /// Floats, against the output's largest magnitude. `rounded`: behind something that was rounded to quanta, where units in
    /// the last place say nothing.
    Floats {
        /// Whether anything before was rounded to quanta.
        rounded: bool,
    },
    /// Integers of 8 or 16 bits that were quantized, or what is dequantized from such and only moved: in quanta.
    Quanta(Quanta),
}

/// How each output of a graph is measured.
pub fn measures(literal: &Literal) -> Vec<Measure> {
    let graph = literal.graph();
    let mut quanta: Vec<Option<Quanta>> = vec![None; graph.values.len()];
    let mut rounded = vec![false; graph.values.len()];
    for (n, node) in graph.nodes.iter().enumerate() {
        let behind = literal.rounds(n) || node.inputs.iter().any(|i| rounded[i.index()]);
        node.outputs.iter().for_each(|o| rounded[o.index()] = behind);
        if let &[out] = node.outputs.as_slice() {
            quanta[out.index()] = if literal.rounds(n) { Some(Quanta::Uniform(1.0)) } else { of(graph, node, &quanta) };
        }
    }
    let measure = |v: ValueId| match (quanta[v.index()].clone(), graph.ty(v).dtype.is_float()) {
        (Some(q), _) => Measure::Quanta(q),
        (None, true) => Measure::Floats { rounded: rounded[v.index()] },
        (None, false) => Measure::Exact,
    };
    graph.outputs.iter().map(|o| measure(o.value)).collect()
}

/// The quanta of a node's one result.
fn of(graph: &Graph, node: &Node, known: &[Option<Quanta>]) -> Option<Quanta> {
    let first = || known[node.inputs.first()?.index()].clone();
    let uniform = || first().filter(|q| matches!(q, Quanta::Uniform(_)));
    match &node.op {
        Op::Map { .. } => dequantized(graph, node),
        Op::Movement(m) => moved(m, first()?),
        Op::Concat { .. } => {
            let parts = node.inputs.iter().map(|&i| Some((known[i.index()].as_ref()?, graph.ty(i))));
            side_by_side(&node.op, &parts.collect::<Option<Vec<_>>>()?)
        }
        Op::Pool { kind: PoolKind::Max, .. } => uniform(),
        Op::Reduce { kind: ReduceKind::Max | ReduceKind::Min, .. } => uniform(),
        Op::Gather { .. } | Op::GatherElements { .. } | Op::GatherNd { .. } => uniform(),
        _ => None,
    }
}

/// `float(integer) * scale` with a constant scale, as import builds it: the scale.
fn dequantized(graph: &Graph, node: &Node) -> Option<Quanta> {
    let (Op::Map { expr }, &[q, scale, ..]) = (&node.op, node.inputs.as_slice()) else { return None };
    let ops = expr.ops();
    let mut at = expr.result();
    if let ExprOp::Cast(to, a) = ops[at] {
        at = if to.is_float() { a } else { return None };
    }
    let ExprOp::Binary(BinaryOp::Mul, number, factor) = ops[at] else { return None };
    let factor = if let ExprOp::Cast(_, a) = ops[factor] { a } else { factor };
    let ExprOp::Cast(to, _) = ops[number] else { return None };
    let integers = graph.ty(q).dtype.is_int() && to.is_float() && ops[factor] == ExprOp::Input(1);
    let scale = graph.data(scale).filter(|s| integers && s.dtype().is_float())?;
    if scale.len() == 1 {
        return scale.scalars().next().map(|s| Quanta::Uniform(s.to_f64()));
    }
    let scale = Tensor::from_elements(scale.shape(), &scale.scalars().map(|s| s.to_f64() as f32).collect::<Vec<_>>());
    let shape = graph.ty(node.outputs[0]).shape.clone();
    Reference::default().computed(&Op::Movement(Movement::Expand { shape }), &[&scale]).map(Quanta::Each)
}

fn moved(m: &Movement, quanta: Quanta) -> Option<Quanta> {
    match quanta {
        Quanta::Uniform(_) => Some(quanta),
        Quanta::Each(t) => {
            let zero = Scalar::zero(DType::F32);
            let m = match m {
                // What is put around the data is the same wherever it is computed.
                Movement::Pad { before, after, .. } => {
                    Movement::Pad { before: before.clone(), after: after.clone(), value: zero }
                }
                m => m.clone(),
            };
            Reference::default().computed(&Op::Movement(m), &[&t]).map(Quanta::Each)
        }
    }
}

fn side_by_side(op: &Op, parts: &[(&Quanta, &Type)]) -> Option<Quanta> {
    let (&(first, _), rest) = parts.split_first()?;
    if matches!(first, Quanta::Uniform(_)) && rest.iter().all(|(q, _)| *q == first) {
        return Some(first.clone());
    }
    let spread = |&(q, ty): &(&Quanta, &Type)| match q {
        Quanta::Uniform(v) => Tensor::from_elements(ty.shape.clone(), &vec![*v as f32; ty.elements()]),
        Quanta::Each(t) => t.clone(),
    };
    let parts: Vec<Tensor> = parts.iter().map(spread).collect();
    Reference::default().computed(op, &parts.iter().collect::<Vec<_>>()).map(Quanta::Each)
}
