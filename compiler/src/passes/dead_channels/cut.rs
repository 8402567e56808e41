//! Takes channels out of everything that holds them.

use crate::ir::{Graph, Movement, Node, Op, Tensor, Type, ValueId};

use super::Plan;
use super::flow::Flow;
use super::product::Product;

/// Removes what is planned.
pub(super) fn cut(graph: &mut Graph, flow: &Flow, plan: &Plan) {
    let mut nodes = std::mem::take(&mut graph.nodes);
    for (n, node) in nodes.iter_mut().enumerate() {
        let read = node.inputs.iter().find_map(|&v| {
            let kept = plan.kept[flow.maker(v)?].as_deref()?;
            Some((flow.known(v)?.len(), kept))
        });
        let made = flow.maker_at[n].and_then(|maker| plan.kept[maker].as_deref());
        if let Some((len, kept)) = read {
            let is_carrier = flow.maker_at[n].is_none() && node.outputs.iter().any(|&o| flow.maker(o).is_some());
            if is_carrier {
                cut_carrier(graph, node, len, kept);
            } else {
                cut_reader(graph, node, kept, plan.biases.get(&n));
            }
        }
        if let Some(kept) = made {
            cut_outputs(graph, node, kept);
        }
    }
    graph.nodes = nodes;
    for index in 0..graph.values.len() {
        let v = ValueId(index as u32);
        if let (Some(maker), Some(known)) = (flow.maker(v), flow.known(v))
            && let Some(kept) = &plan.kept[maker]
            && let Some(last) = graph.values[index].ty.shape.last_mut()
        {
            *last = left(known.len(), kept);
        }
    }
}

/// How many of so many indices stay.
fn left(len: usize, kept: &[bool]) -> usize {
    len / kept.len() * kept.iter().filter(|&&k| k).count()
}

/// A product without the input channels that go.
fn cut_reader(graph: &mut Graph, node: &mut Node, kept: &[bool], bias: Option<&Tensor>) {
    let Some(axis) = Product::of(graph, node).map(|p| p.input_axis) else { return };
    node.inputs[1] = picked(graph, node.inputs[1], axis, kept);
    let Some(bias) = bias else { return };
    let epilogue = if let Op::Conv { epilogue, .. } | Op::ConvTranspose { epilogue, .. } | Op::MatMul { epilogue } =
        &mut node.op
    {
        Some(epilogue)
    } else {
        None
    };
    // A quantized product always has a bias.
    let has_bias = epilogue.is_none_or(|e| std::mem::replace(&mut e.bias, true));
    let like = if has_bias { node.inputs[2] } else { node.inputs[1] };
    let name = graph.value(like).name.clone();
    if has_bias {
        node.inputs[2] = graph.add_constant(name, bias.clone());
    } else {
        node.inputs.insert(2, graph.add_constant(format!("{name}_bias"), bias.clone()));
    }
}

/// A product without the output channels that go.
fn cut_outputs(graph: &mut Graph, node: &mut Node, kept: &[bool]) {
    let Some((axis, rest)) = Product::of(graph, node)
        .map(|p| (p.output_axis, usize::from(p.bias.is_some()) + usize::from(p.multiplier.is_some())))
    else {
        return;
    };
    node.inputs[1] = picked(graph, node.inputs[1], axis, kept);
    for at in 2..2 + rest {
        node.inputs[at] = picked(graph, node.inputs[at], 0, kept);
    }
}

/// An operator on each channel by itself, without those that go.
fn cut_carrier(graph: &mut Graph, node: &mut Node, len: usize, kept: &[bool]) {
    if let Op::Map { .. } = node.op {
        for v in &mut node.inputs {
            let ty = graph.ty(*v);
            if graph.data(*v).is_some() && ty.shape.last() == Some(&len) {
                let axis = ty.rank() - 1;
                *v = picked(graph, *v, axis, kept);
            }
        }
    } else if matches!(node.op, Op::Conv { .. } | Op::QConv { .. }) {
        cut_outputs(graph, node, kept);
        if let Op::Conv { groups, .. } | Op::QConv { groups, .. } = &mut node.op {
            *groups = left(*groups, kept);
        }
    } else if let Op::Movement(Movement::Reshape { shape } | Movement::Slice { len: shape, .. }) = &mut node.op
        && let Some(last) = shape.last_mut()
    {
        *last = left(*last, kept);
    }
}

/// A constant with the indices of a dimension that stay: index `j` is channel `j % kept.len()`.
fn picked(graph: &mut Graph, v: ValueId, axis: usize, kept: &[bool]) -> ValueId {
    let Some(t) = graph.data(v) else { return v };
    let mut ty: Type = t.ty().clone();
    let len = ty.shape[axis];
    let inner = ty.shape[axis + 1..].iter().product::<usize>() * ty.dtype.size();
    let mut data = Vec::with_capacity(t.data().len());
    if inner > 0 {
        let rows = t.data().chunks_exact(inner).enumerate();
        rows.filter(|(row, _)| kept[row % len % kept.len()]).for_each(|(_, bytes)| data.extend_from_slice(bytes));
    }
    ty.shape[axis] = left(len, kept);
    let name = graph.value(v).name.clone();
    match Tensor::from_bytes(ty, data.into()) {
        Some(t) => graph.add_constant(name, t),
        None => v,
    }
}
