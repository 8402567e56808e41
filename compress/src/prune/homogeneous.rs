//! Operators in which a channel that is multiplied by a positive number comes out multiplied by it.

use zantc::onnx::AttributeValue;
use zantc::onnx::proto::NodeProto;

use crate::net::{Net, attribute};
use crate::prune::cut::What;
use crate::prune::groups::Walk;

/// Operators of which that holds whatever their attributes are.
const ALWAYS: &[&str] = &[
    "Abs",
    "AveragePool",
    "Concat",
    "Dropout",
    "Flatten",
    "GlobalAveragePool",
    "GlobalLpPool",
    "GlobalMaxPool",
    "Identity",
    "LeakyRelu",
    "LpPool",
    "MaxPool",
    "Neg",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
];

/// Whether a node, through which channels were followed, is such; constants that are added channel by channel may be scaled too.
pub(crate) fn homogeneous(walk: &Walk<'_>, at: usize) -> bool {
    let node = &walk.net.nodes()[at];
    let has_channels = |name: &String| walk.channels(name).is_some();
    let cut = |operand: usize| {
        let of = |what: What| matches!(what, What::Axis { operand: o, .. } if o == operand);
        walk.cuts.iter().any(|cut| cut.node == at && of(cut.what))
    };
    match node.op_type.as_str() {
        // Its own bias of one number for all channels is not scaled.
        _ if walk.layers.contains_key(&at) => node.input.get(2).is_none_or(|bias| bias.is_empty() || cut(2)),
        op if ALWAYS.contains(&op) => true,
        "Add" | "Sub" | "Sum" | "Mean" => {
            node.input.iter().enumerate().all(|(operand, name)| has_channels(name) || cut(operand))
        }
        "Max" | "Min" => node.input.iter().all(has_channels),
        "Mul" => node.input.iter().filter(|name| has_channels(name)).count() == 1,
        "Div" | "PRelu" => node.input.iter().skip(1).all(|name| !has_channels(name)),
        "Pad" => pads_zeros(walk.net, node),
        _ => false,
    }
}

/// Whether a margin has zeros, or elements of the input.
fn pads_zeros(net: &Net, node: &NodeProto) -> bool {
    let constant = match attribute(node, "mode") {
        Some(AttributeValue::Str(mode)) => mode.as_ref() == b"constant",
        _ => true,
    };
    let value = node.input.get(2).filter(|name| !name.is_empty());
    !constant || value.is_none_or(|name| net.floats(name).is_some_and(|(_, v)| v == [0.0]))
}
