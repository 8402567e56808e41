//! What becomes of channels in each operator.
//!
//! Every function gives the channels of a node's outputs, or nothing where it does not know: then the channels that the node reads
//! stay. So an operator that is missing here costs size, and never a wrong result.

use zantc::onnx::AttributeValue;
use zantc::onnx::proto::NodeProto;

use crate::layer::{Form, Layer};
use crate::net::{attribute, dimension, integer, integers, is_onnx};
use crate::prune::cut::{Cut, What};
use crate::prune::groups::{Channels, Walk};

/// Operators of one operand that see each element alone.
const ALONE: &[&str] = &[
    "Abs",
    "Cast",
    "Ceil",
    "Celu",
    "Clip",
    "Dropout",
    "Elu",
    "Erf",
    "Exp",
    "Floor",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LeakyRelu",
    "Log",
    "Mish",
    "Neg",
    "Reciprocal",
    "Relu",
    "Round",
    "Selu",
    "Sigmoid",
    "Sign",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Tanh",
    "ThresholdedRelu",
];

/// Operators of several operands that see elements at the same place.
const TOGETHER: &[&str] = &["Add", "Div", "Max", "Mean", "Min", "Mul", "PRelu", "Pow", "Sub", "Sum", "Where"];

/// Operators on space, channel by channel.
const SPATIAL: &[&str] = &["AveragePool", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "LpPool", "MaxPool"];

/// The channels of each of a node's outputs, where its operator is understood.
pub(crate) fn through(walk: &mut Walk<'_>, at: usize) -> Option<Vec<Channels>> {
    let net = walk.net;
    let node = &net.nodes()[at];
    if !is_onnx(&node.domain) || node.attribute.iter().any(|a| a.g.is_some() || !a.graphs.is_empty()) {
        return None;
    }
    if node.op_type == "Split" {
        return split(walk, at, node);
    }
    let has_more = node.output.iter().skip(1).any(|output| walk.shape(output).is_some());
    if has_more { None } else { to_one(walk, at, node).map(|channels| vec![channels]) }
}

/// The channels of a node's only output.
fn to_one(walk: &mut Walk<'_>, at: usize, node: &NodeProto) -> Option<Channels> {
    if let Some(layer) = walk.layers.get(&at).cloned() {
        return of_layer(walk, at, &layer);
    }
    let op = node.op_type.as_str();
    match op {
        _ if ALONE.contains(&op) => alone(walk, node),
        _ if TOGETHER.contains(&op) => together(walk, at, node),
        _ if SPATIAL.contains(&op) => first(walk, node).filter(|channels| channels.axis == 1),
        "BatchNormalization" => parameters(walk, at, node, 1..5),
        "InstanceNormalization" => parameters(walk, at, node, 1..3),
        "Concat" => concat(walk, node),
        "MatMul" => batches(walk, node),
        "Transpose" => transpose(walk, node),
        "Softmax" | "LogSoftmax" => {
            let channels = first(walk, node)?;
            let rank = walk.shape(&node.input[0])?.len();
            let axis = dimension(integer(node, "axis", -1), rank)?;
            (axis != channels.axis).then_some(channels)
        }
        "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => reshape(walk, at, node),
        "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceSum" => reduce(walk, node),
        "Pad" => pad(walk, node),
        _ => None,
    }
}

/// The channels of the first operand.
fn first(walk: &Walk<'_>, node: &NodeProto) -> Option<Channels> {
    walk.channels(node.input.first()?).cloned()
}

/// The first operand has channels, and the others are the same for all of them.
fn alone(walk: &Walk<'_>, node: &NodeProto) -> Option<Channels> {
    let scalar = |name: &String| name.is_empty() || walk.shape(name).is_some_and(|s| s.iter().product::<usize>() == 1);
    let others = node.input.get(1..)?;
    first(walk, node).filter(|_| others.iter().all(|name| scalar(name) && walk.channels(name).is_none()))
}

/// A layer: its output has channels of its own, but for a depthwise convolution.
fn of_layer(walk: &mut Walk<'_>, at: usize, layer: &Layer) -> Option<Channels> {
    let taps = match &layer.form {
        Form::Conv(window) => window.kernel[0] * window.kernel[1],
        Form::ConvTranspose { taps } => *taps,
        Form::Rows | Form::Columns => 1,
    };
    let rows = matches!(layer.form, Form::Rows | Form::Columns);
    let output = &walk.net.nodes()[at].output[0];
    let axis = if rows { walk.shape(output)?.len().checked_sub(1)? } else { 1 };
    let input_axis = if rows { walk.shape(&layer.input)?.len().checked_sub(1)? } else { 1 };
    let inputs = layer.depth / taps.max(1) * layer.groups;
    let mut read = walk.channels(&layer.input).cloned();
    if let Some(channels) = &read
        && (channels.axis != input_axis || channels.ids.len() != inputs)
    {
        let ids = channels.ids.clone();
        walk.fix(&ids);
        read = None;
    }
    // Where the weights count outputs and inputs.
    let (own, other) = match layer.form {
        Form::Conv(_) | Form::Rows => (0, 1),
        Form::Columns => (1, 0),
        Form::ConvTranspose { .. } if layer.groups == 1 => (1, 0),
        Form::ConvTranspose { .. } => return None,
    };
    let ids = if layer.is_depthwise() {
        let read = read?;
        walk.cuts.push(Cut { node: at, what: What::Group, ids: read.ids.clone() });
        let each = layer.outputs / layer.groups;
        (0..layer.outputs).map(|o| read.ids[o / each]).collect()
    } else {
        let ids = walk.fresh(at, layer.outputs);
        if let Some(read) = read {
            let of_group = tied(walk, &read.ids, layer.groups);
            walk.cuts.push(Cut { node: at, what: What::Axis { operand: 1, axis: other }, ids: of_group });
            walk.reads.insert(at, read.ids);
        }
        tied(walk, &ids, layer.groups);
        walk.makes.insert(at, ids.clone());
        ids
    };
    walk.cuts.push(Cut { node: at, what: What::Axis { operand: 1, axis: own }, ids: ids.clone() });
    if let Some(bias) = walk.net.nodes()[at].input.get(2).filter(|b| !b.is_empty()).cloned() {
        let shape = walk.shape(&bias)?.clone();
        if shape.last() == Some(&layer.outputs) {
            let what = What::Axis { operand: 2, axis: shape.len() - 1 };
            walk.cuts.push(Cut { node: at, what, ids: ids.clone() });
        } else if shape.iter().product::<usize>() != 1 {
            walk.fix(&ids);
        }
    }
    Some(Channels { axis, ids })
}

/// Joins the channels at the same place of all groups of a convolution, so that groups stay equally large. Gives those of the first.
fn tied(walk: &mut Walk<'_>, ids: &[usize], groups: usize) -> Vec<usize> {
    let each = ids.len() / groups.max(1);
    for (at, id) in ids.iter().enumerate() {
        walk.join(ids[at % each.max(1)], *id);
    }
    ids[..each].to_vec()
}

/// Operands of equal shape, or with ones that are stretched.
fn together(walk: &mut Walk<'_>, at: usize, node: &NodeProto) -> Option<Channels> {
    let extents = walk.shape(node.output.first()?)?.clone();
    let mut found: Option<Channels> = None;
    for name in &node.input {
        let Some(channels) = walk.channels(name).cloned() else { continue };
        let axis = channels.axis + extents.len().checked_sub(walk.shape(name)?.len())?;
        if extents.get(axis) != Some(&channels.ids.len()) {
            return None;
        }
        match &found {
            None => found = Some(Channels { axis, ids: channels.ids }),
            Some(known) if known.axis == axis => {
                for (a, b) in known.ids.clone().into_iter().zip(channels.ids) {
                    walk.join(a, b);
                }
            }
            Some(_) => return None,
        }
    }
    let found = found?;
    let mut cuts = Vec::new();
    for (operand, name) in node.input.iter().enumerate() {
        if walk.channels(name).is_some() {
            continue;
        }
        let shape = walk.shape(name)?;
        let Some(axis) = found.axis.checked_sub(extents.len().checked_sub(shape.len())?) else { continue };
        if shape[axis] == 1 {
            continue;
        }
        if !walk.net.is_constant(name) || shape[axis] != found.ids.len() {
            return None;
        }
        cuts.push(Cut { node: at, what: What::Axis { operand, axis }, ids: found.ids.clone() });
    }
    walk.cuts.extend(cuts);
    Some(found)
}

/// A normalisation with a constant of one number for each channel at such operands.
fn parameters(walk: &mut Walk<'_>, at: usize, node: &NodeProto, operands: std::ops::Range<usize>) -> Option<Channels> {
    let channels = first(walk, node).filter(|channels| channels.axis == 1)?;
    let mut cuts = Vec::new();
    for operand in operands {
        let name = node.input.get(operand)?;
        if !walk.net.is_constant(name) || *walk.shape(name)? != [channels.ids.len()] {
            return None;
        }
        cuts.push(Cut { node: at, what: What::Axis { operand, axis: 0 }, ids: channels.ids.clone() });
    }
    walk.cuts.extend(cuts);
    Some(channels)
}

/// Values one behind the other: channels of all, or the same channels.
fn concat(walk: &mut Walk<'_>, node: &NodeProto) -> Option<Channels> {
    let rank = walk.shape(node.input.first()?)?.len();
    let axis = dimension(integer(node, "axis", i64::MAX), rank)?;
    let all: Vec<Channels> = node.input.iter().map(|name| walk.channels(name).cloned()).collect::<Option<_>>()?;
    let own = all.first()?.axis;
    if all.iter().any(|channels| channels.axis != own) {
        return None;
    }
    if own == axis {
        return Some(Channels { axis, ids: all.into_iter().flat_map(|channels| channels.ids).collect() });
    }
    let (known, others) = all.split_first()?;
    for other in others {
        for (a, b) in known.ids.iter().zip(&other.ids) {
            walk.join(*a, *b);
        }
    }
    Some(known.clone())
}

fn transpose(walk: &Walk<'_>, node: &NodeProto) -> Option<Channels> {
    let channels = first(walk, node)?;
    let rank = walk.shape(&node.input[0])?.len();
    let order = integers(node, "perm").unwrap_or_else(|| (0..rank as i64).rev().collect());
    let axis = order.iter().position(|from| *from == channels.axis as i64)?;
    Some(Channels { axis, ids: channels.ids })
}

/// A product of matrices that are computed, one for each channel: attention's, whose channels are heads.
fn batches(walk: &mut Walk<'_>, node: &NodeProto) -> Option<Channels> {
    let rank = walk.shape(node.output.first()?)?.len();
    let aligned = |walk: &Walk<'_>, name: &String| rank.checked_sub(walk.shape(name)?.len());
    let found = node.input.iter().find_map(|name| {
        let channels = walk.channels(name)?.clone();
        Some(Channels { axis: channels.axis + aligned(walk, name)?, ids: channels.ids })
    });
    let found = found.filter(|found| found.axis + 2 < rank)?;
    for name in &node.input {
        let Some(axis) = found.axis.checked_sub(aligned(walk, name)?) else { continue };
        match walk.channels(name).cloned() {
            Some(own) if own.axis == axis && own.ids.len() == found.ids.len() => {
                found.ids.iter().zip(own.ids).for_each(|(a, b)| walk.join(*a, b));
            }
            None if walk.shape(name)?[axis] == 1 => {}
            _ => return None,
        }
    }
    Some(found)
}

/// One part after the other of the channels, or all channels in each part.
fn split(walk: &mut Walk<'_>, at: usize, node: &NodeProto) -> Option<Vec<Channels>> {
    let channels = first(walk, node)?;
    let extents = walk.shape(&node.input[0])?;
    let axis = dimension(integer(node, "axis", 0), extents.len())?;
    let sizes = node.output.iter().map(|output| Some(walk.shape(output)?[axis])).collect::<Option<Vec<usize>>>()?;
    if axis != channels.axis {
        return Some(vec![channels; sizes.len()]);
    }
    if attribute(node, "split").is_some() || sizes.iter().sum::<usize>() != channels.ids.len() {
        return None;
    }
    let mut rest = channels.ids.as_slice();
    let mut parts = Vec::with_capacity(sizes.len());
    for size in sizes {
        let (ids, others) = rest.split_at(size);
        parts.push(Channels { axis, ids: ids.to_vec() });
        rest = others;
    }
    match node.input.get(1).filter(|name| !name.is_empty()) {
        Some(name) if walk.net.integers(name).is_some() => {
            let cut = |(entry, part): (usize, &Channels)| Cut {
                node: at,
                what: What::Entry { operand: 1, entry },
                ids: part.ids.clone(),
            };
            walk.cuts.extend(parts.iter().enumerate().map(cut));
        }
        Some(_) => return None,
        // Equal parts stay equal.
        None if parts.iter().all(|part| part.ids.len() == parts[0].ids.len()) => {
            for part in &parts[1..] {
                parts[0].ids.iter().zip(&part.ids).for_each(|(a, b)| walk.join(*a, *b));
            }
        }
        None => return None,
    }
    Some(parts)
}

/// Where the channels lie in another shape, and the unit of each index there: they become one dimension again, alone or with what is right
/// of them; or heads of several channels each, which are then removed together.
fn reshaped(walk: &mut Walk<'_>, channels: &Channels, from: &[usize], to: &[usize]) -> Option<Channels> {
    let count = channels.ids.len();
    let before: usize = from[..channels.axis].iter().product();
    let starts = |axis: &usize| to[..*axis].iter().product::<usize>() == before;
    let whole = |axis: &usize| to[*axis] >= count && to[*axis].is_multiple_of(count);
    if let Some(axis) = (0..to.len()).find(|axis| starts(axis) && whole(axis)) {
        let each = to[axis] / count;
        let ids = channels.ids.iter().flat_map(|id| std::iter::repeat_n(*id, each)).collect();
        return Some(Channels { axis, ids });
    }
    let ends = |axis: usize| (axis + 1..=to.len()).any(|end| to[axis..end].iter().product::<usize>() == count);
    let axis = (0..to.len()).find(|axis| starts(axis) && to[*axis] > 1 && ends(*axis))?;
    let heads = channels.ids.chunks(count / to[axis]);
    let joined = heads.map(|head| {
        head.iter().for_each(|id| walk.join(head[0], *id));
        head[0]
    });
    Some(Channels { axis, ids: joined.collect() })
}

/// Shapes that keep the order of elements.
fn reshape(walk: &mut Walk<'_>, at: usize, node: &NodeProto) -> Option<Channels> {
    let channels = first(walk, node)?;
    let (from, to) = (walk.shape(&node.input[0])?.clone(), walk.shape(node.output.first()?)?.clone());
    let Channels { axis, ids } = reshaped(walk, &channels, &from, &to)?;
    match node.op_type.as_str() {
        // Without axes all ones go, and channels may become one.
        "Squeeze" if node.input.len() < 2 && attribute(node, "axes").is_none() => return None,
        "Reshape" => {
            let wanted = walk.net.integers(node.input.get(1)?)?;
            let given = *wanted.get(axis)?;
            let same = channels.axis == axis && ids.len() == channels.ids.len();
            let copied = given == 0 && same && integer(node, "allowzero", 0) == 0;
            if given > 0 {
                walk.cuts.push(Cut { node: at, what: What::Entry { operand: 1, entry: axis }, ids: ids.clone() });
            } else if given != -1 && !copied {
                return None;
            }
            // Another number that is copied from the dimension of channels.
            let copies = wanted.get(channels.axis) == Some(&0) && integer(node, "allowzero", 0) == 0;
            if copies && axis != channels.axis {
                return None;
            }
        }
        "Flatten" => {}
        _ if node.input.get(1).is_some_and(|axes| !axes.is_empty() && !walk.net.is_constant(axes)) => return None,
        _ => {}
    }
    Some(Channels { axis, ids })
}

/// A reduction of other dimensions than that of the channels.
fn reduce(walk: &Walk<'_>, node: &NodeProto) -> Option<Channels> {
    let channels = first(walk, node)?;
    let rank = walk.shape(&node.input[0])?.len();
    let axes = match node.input.get(1).filter(|name| !name.is_empty()) {
        Some(name) => walk.net.integers(name)?,
        None => integers(node, "axes")?,
    };
    let axes = axes.into_iter().map(|axis| dimension(axis, rank)).collect::<Option<Vec<usize>>>()?;
    if axes.is_empty() || axes.contains(&channels.axis) {
        return None;
    }
    let gone = if integer(node, "keepdims", 1) == 0 { axes.iter().filter(|a| **a < channels.axis).count() } else { 0 };
    Some(Channels { axis: channels.axis - gone, ids: channels.ids })
}

/// A margin around other dimensions than that of the channels.
fn pad(walk: &Walk<'_>, node: &NodeProto) -> Option<Channels> {
    let channels = first(walk, node)?;
    let rank = walk.shape(&node.input[0])?.len();
    let pads = walk.net.integers(node.input.get(1)?)?;
    let none = |at: usize| pads.get(at) == Some(&0);
    let axes = node.input.get(3).is_some_and(|axes| !axes.is_empty());
    let constant = match attribute(node, "mode") {
        None => true,
        Some(AttributeValue::Str(mode)) => mode.as_ref() == b"constant" || mode.as_ref() == b"reflect",
        Some(_) => false,
    };
    (none(channels.axis) && none(channels.axis + rank) && !axes && constant).then_some(channels)
}
