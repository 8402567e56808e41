//! Caches of bytes: what a model keeps of floats from run to run and only adds to, the keys and values of attention, is kept in i8.
//!
//! Such states are rings, and states whose new value is the old one with something new in it: placed by `Where` or `ScatterND`, or put
//! behind it by `Concat`. A row of an entry (its last dimension, or the one before where the cache grows along the last) has a scale,
//! its absolute maximum divided by 127, and each number is the nearest of the 255 multiples: the error of a number is at most half a
//! scale, 1/254 of the largest number of its row. It is rounded once, when it comes; the model reads what is kept. A row with an
//! infinity or a NaN becomes NaN.

mod follow;

use crate::diag::{Diagnostic, codes};
use crate::ir::formula::{num, x};
use crate::ir::{
    DType, Evaluate, Graph, Movement, Node, Op, Output, ReduceKind, State, Tensor, Type, UnaryOp, ValueId,
};
use follow::Follow;

/// The largest code.
const MOST: f64 = 127.0;

/// Taken for the absolute maximum of rows that have a smaller one: their scale is not 0 then.
const LEAST: f64 = 1e-30;

/// Keeps caches of floats as bytes and scales. Gives a warning for each state that stays as it is.
///
/// # Errors
/// There is no such cache.
pub(crate) fn quantize(graph: &mut Graph) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let (mut states, mut scales, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    for state in std::mem::take(&mut graph.states) {
        if let Some(kept) = new_entries(graph, state) {
            let [codes, scale] = split(graph, state, kept);
            states.push(codes);
            scales.push(scale);
        } else {
            let name = &graph.value(graph.inputs[state.input]).name;
            let text = format!("cache: state {name:?} is no cache of floats: it stays as it is");
            warnings.push(Diagnostic::warning(codes::BAD_OPTION, text));
            states.push(state);
        }
    }
    if scales.is_empty() {
        let fault =
            Diagnostic::error(codes::BAD_OPTION, "cache: the model keeps no cache of floats that could be bytes");
        return Err(vec![fault.help("`--state INPUT=OUTPUT` names what a model keeps: see docs/transformers.md")]);
    }
    states.extend(scales);
    graph.states = states;
    Ok(warnings)
}

/// What a state becomes.
struct Kept {
    /// Its bytes and scales before a run.
    past: [ValueId; 2],
    /// Those that its output becomes.
    new: [ValueId; 2],
    /// What computes these.
    nodes: Vec<Node>,
}

/// The nodes that keep a state in bytes, where it is a cache of floats.
fn new_entries(graph: &mut Graph, state: State) -> Option<Kept> {
    let ring = graph.ring_axis(state).ok()?;
    let past = graph.inputs[state.input];
    let rank = graph.ty(past).rank();
    if graph.ty(past).dtype != DType::F32 {
        return None;
    }
    let part = graph.outputs[state.output].value;
    // The last dimension, or the one before.
    (0..rank).rev().take(2).filter(|along| Some(*along) != ring).find_map(|along| {
        let before = graph.values.len();
        let mut follow = Follow::new(graph, past, along);
        let new = if ring.is_some() { Some(follow.fresh(part, along)) } else { follow.followed(part) };
        let kept = new.map(|new| Kept { past: follow.past, new, nodes: follow.nodes });
        if kept.is_none() {
            graph.values.truncate(before);
        }
        kept
    })
}

/// The bytes and the scales that stand for a state.
fn split(graph: &mut Graph, state: State, kept: Kept) -> [State; 2] {
    let (past, part) = (graph.inputs[state.input], graph.outputs[state.output].value);
    let [codes, scale] = kept.past;
    let scale_name = unused(graph, &format!("{}_scale", graph.value(past).name));
    graph.values[scale.index()].name = scale_name;
    let read = graph.add_value(graph.value(part).name.clone(), graph.ty(part).clone());
    graph.replace_uses(part, read);
    let made = graph.nodes.iter().position(|n| n.outputs.contains(&part)).map_or(0, |at| at + 1);
    let origin = made.checked_sub(1).map_or_else(Vec::new, |at| graph.nodes[at].origin.clone());
    let new = kept.nodes.into_iter().chain([real(kept.new, read)]).map(|node| Node { origin: origin.clone(), ..node });
    graph.nodes.splice(made..made, new);
    graph.nodes.insert(0, real(kept.past, past));

    graph.inputs[state.input] = codes;
    graph.inputs.push(scale);
    graph.outputs[state.output].value = kept.new[0];
    let name = unused(graph, &format!("{}_scale", graph.outputs[state.output].name));
    graph.outputs.push(Output { name, value: kept.new[1] });
    let scales = State { input: graph.inputs.len() - 1, output: graph.outputs.len() - 1, scale: None };
    [State { scale: Some(scales.input), ..state }, scales]
}

/// The floats that bytes and scales stand for.
fn real(kept: [ValueId; 2], floats: ValueId) -> Node {
    let expr = (x(0).cast(DType::F32) * x(1)).expr(DType::F32);
    Node { op: Op::Map { expr }, inputs: kept.to_vec(), outputs: vec![floats], origin: Vec::new() }
}

/// Bytes and scales of floats that a cache, or a part of it, is to be; `whole` and `scales` are the types of the cache's two states.
pub(crate) fn of_floats(floats: &Tensor, whole: &Type, scales: &Type, evaluate: &dyn Evaluate) -> Option<[Tensor; 2]> {
    let along = whole.shape.iter().zip(&scales.shape).position(|(n, of_scales)| n != of_scales);
    // Rows of one number are along any such dimension.
    let along = along.or_else(|| whole.shape.iter().position(|n| *n == 1))?;
    let emit = &mut |op: Op, inputs: &[Option<Tensor>]| {
        let inputs: Option<Vec<&Tensor>> = inputs.iter().map(Option::as_ref).collect();
        evaluate.computed(&op, &inputs?)
    };
    let [codes, scale] = quantized(floats.shape(), along, Some(floats.clone()), emit);
    Some([codes?, scale?])
}

/// Bytes and scales of floats.
fn quantized<V: Clone>(shape: &[usize], along: usize, v: V, emit: &mut impl FnMut(Op, &[V]) -> V) -> [V; 2] {
    let absolute = emit(Op::Map { expr: x(0).then(UnaryOp::Abs).expr(DType::F32) }, std::slice::from_ref(&v));
    let largest = emit(Op::Reduce { kind: ReduceKind::Max, axes: vec![along] }, &[absolute]);
    let divided = emit(Op::Map { expr: (x(0).max(num(LEAST)) / num(MOST)).expr(DType::F32) }, &[largest]);
    let scale = emit(Op::Movement(Movement::Reshape { shape: without(shape, along) }), &[divided]);
    let codes = (x(0) / x(1)).then(UnaryOp::Round).cast(DType::I8).expr(DType::F32);
    [emit(Op::Map { expr: codes }, &[v, scale.clone()]), scale]
}

/// The shape of the scales.
fn without(shape: &[usize], along: usize) -> Vec<usize> {
    shape.iter().enumerate().map(|(d, n)| if d == along { 1 } else { *n }).collect()
}

/// A name that no input and no output has.
fn unused(graph: &Graph, name: &str) -> String {
    let mut name = name.to_string();
    while graph.inputs.iter().any(|v| graph.value(*v).name == name) || graph.outputs.iter().any(|o| o.name == name) {
        name.push('_');
    }
    name
}
