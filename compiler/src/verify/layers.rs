//! Layer by layer: the graph after all passes against the graph as the model writes it, each step being fed with the bytes that
//! the latter computes. What differs is then either shown to be rounding ties, or it is not.
//!
//! The compiled graph computes sums of bytes in integers, exactly; the model as it is written computes them in floats, rounded.
//! A number that lies in the middle between two quanta may then be rounded to either. That this is all that differs is shown
//! element by element: where a byte differs, the model's own arithmetic gives the other byte as well once some of the ties
//! on the way to it (within [`TIE`](super::literal::TIE) quanta of the middle, of 16 bits 256 times that) are rounded the other way.

use std::collections::BTreeMap;

use crate::ir::{Evaluate, Graph, Node, Origin, Reference, Tensor, ValueId};
use crate::pipeline::Compiled;

use super::distance::{Tolerance, compare};
use super::literal::{Evaluated, Flip, Literal, Tie};
use super::per_node::{differing, given, step_of};
use super::quanta::Measure;
use super::same_value::{Layout, layout};

/// Roundings between a layer's operands and its result that are tried in both directions together.
const MAX_ROUNDINGS: usize = 5;

/// A layer whose bytes differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The ONNX nodes that it computes; untrusted text.
    pub nodes: Vec<Origin>,
    /// The step of the program that makes it, and its kernel.
    pub step: Option<(usize, &'static str)>,
    /// Elements of its result.
    pub elements: usize,
    /// How many differ.
    pub differing: usize,
    /// How many of these are shown to be ties.
    pub ties: usize,
    /// The largest difference, in quanta.
    pub max_quanta: u64,
}

/// What the comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// Layers that were compared.
    pub compared: usize,
    /// Elements of all of them.
    pub elements: usize,
    /// The layers that differ, in the order in which they are computed.
    pub differing: Vec<Layer>,
    /// Outputs that are beyond the tolerance though all layers before them were fed with the right bytes.
    pub wrong_outputs: Vec<usize>,
}

impl Layers {
    /// Whether nothing differs but rounding ties.
    pub fn ties_only(&self) -> bool {
        self.wrong_outputs.is_empty() && self.first_unexplained().is_none()
    }

    /// The first layer with differences that are not shown to be ties.
    pub fn first_unexplained(&self) -> Option<&Layer> {
        self.differing.iter().find(|l| l.ties < l.differing)
    }

    /// Elements that differ.
    pub fn differing_elements(&self) -> usize {
        self.differing.iter().map(|l| l.differing).sum()
    }
}

/// Compares the layers of a compiled model on inputs, for which `literal` gives `own`.
///
/// # Errors
/// What the reference says of a node that fails.
pub fn compare_layers(
    literal: &Literal,
    own: &Evaluated,
    compiled: &Compiled,
    inputs: &[Tensor],
    (measures, tolerance): (&[Measure], &Tolerance),
) -> Result<Layers, String> {
    let graph = &compiled.graph;
    let pairs = pairs(literal, graph);
    // What the model's own graph is cut at.
    let mut cut = vec![false; literal.graph().values.len()];
    pairs.values().for_each(|v| cut[v.index()] = true);
    let reference = Reference { numerics: compiled.program.numerics };
    let mut fed = given(graph, inputs);
    let mut found = Layers::default();
    for node in &graph.nodes {
        let operands: Option<Vec<&Tensor>> = node.inputs.iter().map(|i| fed[i.index()].as_ref()).collect();
        let operands = operands.ok_or("an operand has no value")?;
        let results = reference.evaluate(&node.op, &operands).map_err(|e| e.to_string())?;
        for (&id, computed) in node.outputs.iter().zip(results) {
            let paired = pairs.get(&id).and_then(|&v| Some((v, own.values[v.index()].as_ref()?)));
            fed[id.index()] = Some(match paired {
                None => computed,
                Some((v, value)) => {
                    let pair = Pair { literal, own, cut: &cut, value: v, layout: layout(value, &computed) };
                    let expected = pair.layout.apply(value, computed.ty());
                    found.compared += 1;
                    found.elements += computed.len();
                    if differing(&computed, &expected) > 0 {
                        let step = step_of(compiled, id, &node.origin);
                        found.differing.push(Layer { step, ..pair.explained(&computed, &expected, node) });
                    }
                    expected
                }
            });
        }
    }
    let get = |v: ValueId| fed[v.index()].clone().ok_or("an output has no value");
    for (i, (own, output)) in literal.outputs(own).iter().zip(&graph.outputs).enumerate() {
        if !compare(own, &get(output.value)?, &measures[i], tolerance).is_some_and(|d| d.pass) {
            found.wrong_outputs.push(i);
        }
    }
    Ok(found)
}

/// The values of a compiled graph that stand for a quantized value of the model's own: that value.
fn pairs(literal: &Literal, graph: &Graph) -> BTreeMap<ValueId, ValueId> {
    let own = literal.graph();
    let mut by_node: BTreeMap<usize, Vec<ValueId>> = BTreeMap::new();
    let mut rounded = vec![false; own.values.len()];
    for (_, node) in own.nodes.iter().enumerate().filter(|(n, _)| literal.rounds(*n)) {
        rounded[node.outputs[0].index()] = true;
        node.origin.iter().for_each(|o| by_node.entry(o.index).or_default().push(node.outputs[0]));
    }
    let mut pairs = BTreeMap::new();
    for node in &graph.nodes {
        let &[out] = node.outputs.as_slice() else { continue };
        let ty = graph.ty(out);
        let alike = |v: &ValueId| own.ty(*v).dtype == ty.dtype && own.ty(*v).elements() == ty.elements();
        if rounded.get(out.index()) == Some(&true) && alike(&out) {
            pairs.insert(out, out);
            continue;
        }
        // What the node computes last is its result, or, where it is only a part of that, nothing that the model has.
        let last = node.origin.iter().rev().find_map(|o| by_node.get(&o.index)).map_or(&[][..], Vec::as_slice);
        let found = last.iter().find(|v| own.value(**v).name == graph.value(out).name).or(last.last());
        let found = found.filter(|v| alike(v));
        if let Some(&v) = found {
            pairs.insert(out, v);
        }
    }
    pairs
}

/// A value of the compiled graph and the model's own that it stands for.
struct Pair<'a> {
    literal: &'a Literal,
    own: &'a Evaluated,
    cut: &'a [bool],
    value: ValueId,
    layout: Layout,
}

impl Pair<'_> {
    /// Counts what differs, and how much of that ties explain.
    fn explained(&self, computed: &Tensor, expected: &Tensor, node: &Node) -> Layer {
        let unequal: Vec<usize> = (0..computed.len()).filter(|&i| computed.get(i) != expected.get(i)).collect();
        let distance = |&i: &usize| computed.get(i).to_i64().abs_diff(expected.get(i).to_i64());
        let mut open = unequal.clone();
        let segment = self.segment();
        let roundings: Vec<usize> = segment.iter().copied().filter(|&n| self.literal.rounds(n)).collect();
        if roundings.len() <= MAX_ROUNDINGS {
            for choice in 1..1u32 << roundings.len() {
                if open.is_empty() {
                    break;
                }
                let flipped: Vec<usize> =
                    roundings.iter().enumerate().filter(|(b, _)| choice >> b & 1 == 1).map(|(_, &n)| n).collect();
                let Some(other) = self.recomputed(&segment, &flipped) else { continue };
                let other = self.layout.apply(&other, computed.ty());
                open.retain(|&i| other.get(i) != computed.get(i));
            }
        }
        Layer {
            nodes: node.origin.clone(),
            step: None,
            elements: computed.len(),
            differing: unequal.len(),
            ties: unequal.len() - open.len(),
            max_quanta: unequal.iter().map(distance).max().unwrap_or(0),
        }
    }

    /// The nodes of the model's own graph that compute the value from values that are fed, in order.
    fn segment(&self) -> Vec<usize> {
        let graph = self.literal.graph();
        let producers = graph.producers();
        let mut found = std::collections::BTreeSet::new();
        let mut open: Vec<usize> = producers[self.value.index()].into_iter().collect();
        while let Some(n) = open.pop() {
            if found.insert(n) {
                let before = graph.nodes[n].inputs.iter().filter(|v| !self.cut[v.index()]);
                open.extend(before.filter_map(|v| producers[v.index()]));
            }
        }
        found.into_iter().collect()
    }

    /// The value where all ties of some nodes are rounded the other way; nodes before these are not computed again.
    fn recomputed(&self, segment: &[usize], flipped: &[usize]) -> Option<Tensor> {
        let mut other: BTreeMap<ValueId, Tensor> = BTreeMap::new();
        for &n in segment {
            let node = &self.literal.graph().nodes[n];
            let flips = flipped.contains(&n);
            if !flips && !node.inputs.iter().any(|v| other.contains_key(v)) {
                continue;
            }
            let value = |v: ValueId| other.get(&v).or(self.own.values[v.index()].as_ref());
            let mut all = |_: Tie| true;
            let flip: Option<Flip<'_>> = if flips { Some(&mut all) } else { None };
            let results = self.literal.node(n, &value, self.own.numerics, flip).ok()?;
            other.extend(node.outputs.iter().copied().zip(results));
        }
        other.remove(&self.value)
    }
}
