//! Operators whose results are known at compile time: constants, shapes, ranges.

use crate::diag::codes;
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited, op};
use crate::ir::{Tensor, ValueId};
use crate::onnx::AttributeValue;

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] =
    &[limited("Constant", constant, "dense tensors, no strings"), op("Shape", shape), op("Size", size)];

fn constant(cx: &mut NodeCx<'_>) -> Imported {
    let [value] = cx.node.attribute.as_slice() else {
        return Err(Fault::new(codes::BAD_ATTRIBUTE, "a constant has one attribute, its value"));
    };
    let tensor = match cx.attr(&value.name)? {
        Some(AttributeValue::Tensor(_)) => cx.tensor_opt("value")?.ok_or_else(|| Fault::missing("value"))?,
        Some(AttributeValue::Float(v)) => Tensor::from_elements([], &[v]),
        Some(AttributeValue::Floats(v)) => Tensor::from_elements([v.len()], v),
        Some(AttributeValue::Int(v)) => Tensor::from_elements([], &[v]),
        Some(AttributeValue::Ints(v)) => Tensor::from_elements([v.len()], v),
        _ => return Err(Fault::form("a constant that is neither a dense tensor nor numbers")),
    };
    Ok(cx.b.add_stored(cx.node.name.clone(), tensor))
}

/// From opset 15 on a range of the dimensions, clamped like a slice.
fn shape(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let dims: Vec<i64> = cx.shape(x).iter().map(|&d| d as i64).collect();
    let rank = dims.len() as i64;
    let clamp = |v: i64| (if v < 0 { v.saturating_add(rank) } else { v }).clamp(0, rank) as usize;
    let (start, end) = (clamp(cx.int("start", 0)?), clamp(cx.int("end", rank)?));
    let part = dims.get(start..end).unwrap_or(&[]);
    Ok(cx.add_constant(Tensor::from_elements([part.len()], part)))
}

fn size(cx: &mut NodeCx<'_>) -> Imported {
    let x: ValueId = cx.input(0)?;
    let elements = cx.ty(x).elements() as i64;
    Ok(cx.add_constant(Tensor::from_elements([], &[elements])))
}
