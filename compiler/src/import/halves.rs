//! Floats of 16 bits: an operator computes with them as with f32, and rounds each of its results once.
//!
//! What merely moves elements gets them as they are.

use crate::ir::{DType, ValueId};
use crate::onnx::proto::NodeProto;

use super::builder::{BuildError, Builder};
use super::node::{Imported, NodeCx};

/// Operators that move elements, choose among them, or say themselves how they compute with floats of 16 bits.
const AS_THEY_ARE: &[&str] = &[
    "BitCast",
    "Cast",
    "CastLike",
    "CenterCropPad",
    "Compress",
    "Concat",
    "DepthToSpace",
    "DequantizeLinear",
    "Dropout",
    "Expand",
    "EyeLike",
    "Flatten",
    "Gather",
    "GatherBlockQuantized",
    "GatherElements",
    "GatherND",
    "Identity",
    "If",
    "Loop",
    "MelWeightMatrix",
    "OneHot",
    "Pad",
    "QuantizeLinear",
    "Reshape",
    "ReverseSequence",
    "Scan",
    "Scatter",
    "Shape",
    "Size",
    "Slice",
    "SpaceToDepth",
    "Split",
    "Squeeze",
    "TensorScatter",
    "Tile",
    "Transpose",
    "Trilu",
    "Unique",
    "Unsqueeze",
    "Where",
];

/// Results that are f32 whatever the operands: operator, first such result, last.
const SINGLE: &[(&str, usize, usize)] = &[
    ("LayerNormalization", 1, 2),
    ("SimplifiedLayerNormalization", 1, 1),
    ("SkipLayerNormalization", 1, 2),
    ("SkipSimplifiedLayerNormalization", 1, 2),
];

/// Whether an operator gets floats of 16 bits as they are.
fn takes_halves(node: &NodeProto) -> bool {
    let name = node.op_type.as_str();
    let replaces = || node.attribute.iter().filter(|a| a.name == "reduction").all(|a| a.s.as_deref() == Some(b"none"));
    AS_THEY_ARE.contains(&name) || (matches!(name, "ScatterElements" | "ScatterND") && replaces())
}

/// Widens operands of 16 bits to f32. Gives the type to which results of f32 are to be rounded, where there is one: that of the first
/// operand of floats.
pub(super) fn widen(
    b: &mut Builder,
    node: &NodeProto,
    inputs: &mut [Option<ValueId>],
) -> Result<Option<DType>, BuildError> {
    // The result of these has the type of the scale.
    let of_scale = ["RMSNormalization", "SimplifiedLayerNormalization"].contains(&node.op_type.as_str());
    let scale = inputs.get(1).copied().flatten().filter(|_| of_scale).map(|v| b.graph.ty(v).dtype);
    let mut floats = inputs.iter().flatten().map(|&v| b.graph.ty(v).dtype).filter(|d| d.is_float()).peekable();
    let first = floats.peek().copied();
    if !floats.any(DType::is_half) || takes_halves(node) {
        return Ok(None);
    }
    for v in inputs.iter_mut().flatten() {
        if b.graph.ty(*v).dtype.is_half() {
            *v = b.cast(*v, DType::F32)?;
        }
    }
    Ok(scale.or(first).filter(|d| d.is_half()))
}

/// Rounds the results of f32.
pub(super) fn round(cx: &mut NodeCx<'_>, to: DType) -> Imported<()> {
    let single = SINGLE.iter().find(|(name, ..)| *name == cx.node.op_type);
    for i in 0..cx.outputs.len() {
        let Some(v) = cx.outputs[i] else { continue };
        let is_single = single.is_some_and(|(_, first, last)| (*first..=*last).contains(&i));
        if cx.dtype(v) == DType::F32 && !is_single {
            cx.outputs[i] = Some(cx.cast(v, to)?);
        }
    }
    Ok(())
}
