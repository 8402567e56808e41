//! Positions and order along one dimension: ArgMax, ArgMin, TopK, and the running sums and products.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::{Op, Tensor};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    op("ArgMax", |cx| arg(cx, true)),
    op("ArgMin", |cx| arg(cx, false)),
    op("CumProd", |cx| cumulative(cx, true)),
    op("CumSum", |cx| cumulative(cx, false)),
    op("TopK", top_k),
];

fn arg(cx: &mut NodeCx<'_>, max: bool) -> Imported {
    let input = cx.input(0)?;
    let mut shape = cx.shape(input);
    let axis = cx.axis(cx.int("axis", 0)?, shape.len())?;
    if shape[axis] == 0 {
        // Where there is no result either, nothing is looked for.
        let keeps = cx.flag("keepdims", true)?;
        let is_other = |d: &usize| *d != axis;
        let rest: Vec<usize> = (0..shape.len()).filter(|d| is_other(d) || keeps).collect();
        let result: Vec<usize> = rest.iter().map(|&d| if d == axis { 1 } else { shape[d] }).collect();
        if result.contains(&0) {
            return Ok(cx.add_constant(Tensor::from_elements(result, &[] as &[i64])));
        }
        return Err(Fault::shape(format!("dimension {axis} of {shape:?} has no extreme")));
    }
    let last = cx.flag("select_last_index", false)?;
    let mut y = cx.emit(Op::Arg { max, axis, last }, &[input])?;
    if cx.flag("keepdims", true)? {
        shape[axis] = 1;
        y = cx.reshape(y, shape)?;
    }
    Ok(y)
}

fn cumulative(cx: &mut NodeCx<'_>, product: bool) -> Imported {
    let input = cx.input(0)?;
    let axis = cx.axis(cx.const_scalar(1, "the axis")?.to_i64(), cx.rank(input))?;
    let (exclusive, reverse) = (cx.flag("exclusive", false)?, cx.flag("reverse", false)?);
    cx.emit(Op::Cumulative { axis, product, exclusive, reverse }, &[input])
}

/// `k` is an attribute before opset 10. What ONNX leaves unsorted is sorted too.
fn top_k(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let k = if cx.opset < 10 {
        cx.int_opt("k")?.ok_or_else(|| Fault::missing("k"))?
    } else {
        cx.const_scalar(1, "k")?.to_i64()
    };
    let axis = cx.axis(cx.int("axis", -1)?, cx.rank(input))?;
    let k = usize::try_from(k).map_err(|_| Fault::shape(format!("k is {k}")))?;
    let largest = cx.flag("largest", true)?;
    let results = cx.b.emit(Op::TopK { axis, k, largest }, &[input])?;
    cx.set(1, results[1]);
    Ok(results[0])
}
