//! Reductions, places of extremes, running sums, the largest elements.

use zantc::ir::{DType, Tensor};

use super::{Entry, op};
use crate::random::draft::{Draft, FLOATS, NUMBERS};

const KINDS: &[DType] =
    &[DType::F32, DType::F32, DType::F32, DType::F64, DType::I32, DType::I64, DType::F16, DType::BF16, DType::U32];
const EXTREMES: &[DType] =
    &[DType::F32, DType::F32, DType::I32, DType::I64, DType::U8, DType::I8, DType::F64, DType::F16];

pub(super) const OPS: &[Entry] = &[
    op("ReduceL1", 1, reduce),
    op("ReduceL2", 1, reduce),
    op("ReduceLogSum", 1, reduce),
    op("ReduceLogSumExp", 1, reduce),
    op("ReduceMax", 1, |d| if d.opset < 12 { reduce(d) } else { reduce_of(d, EXTREMES, 18) }),
    op("ReduceMean", 1, reduce),
    op("ReduceMin", 1, |d| if d.opset < 12 { reduce(d) } else { reduce_of(d, EXTREMES, 18) }),
    op("ReduceProd", 1, reduce),
    op("ReduceSum", 1, |d| reduce_of(d, KINDS, 13)),
    op("ReduceSumSquare", 1, reduce),
    op("ArgMax", 1, arg),
    op("ArgMin", 1, arg),
    op("CumProd", 26, cumulative),
    op("CumSum", 11, cumulative),
    op("TopK", 1, top_k),
];

fn reduce(d: &mut Draft<'_>) -> Option<()> {
    reduce_of(d, KINDS, 18)
}

/// Axes are an attribute before an opset, then an operand.
fn reduce_of(d: &mut Draft<'_>, dtypes: &[DType], operand_since: i64) -> Option<()> {
    let ty = d.x(dtypes, 0, 5);
    let rank = ty.rank();
    let mut axes: Vec<i64> = (0..rank as i64).filter(|_| d.r.one_in(2)).collect();
    if d.one_in(3) {
        axes.iter_mut().for_each(|a| *a -= rank as i64);
    }
    let given = !d.one_in(4);
    if d.opset >= operand_since {
        if given {
            d.list(&axes);
        } else if d.one_in(2) {
            d.none();
        }
        d.flag("noop_with_empty_axes");
    } else if given && !axes.is_empty() {
        d.ints("axes", &axes);
    }
    if d.one_in(2) {
        let kept = i64::from(d.one_in(2));
        d.int("keepdims", kept);
    }
    Some(())
}

fn arg(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(NUMBERS, 1, 4);
    let axis = d.axis(ty.rank());
    if axis != 0 || d.one_in(2) {
        d.int("axis", axis);
    }
    if d.one_in(2) {
        let kept = i64::from(d.one_in(2));
        d.int("keepdims", kept);
    }
    if d.opset >= 12 {
        d.flag("select_last_index");
    }
    Some(())
}

fn cumulative(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(&[DType::F32, DType::F32, DType::F64, DType::I32, DType::I64], 1, 4);
    let axis = d.axis(ty.rank());
    if d.one_in(2) {
        d.given(Tensor::scalar(zantc::ir::Scalar::I64(axis)));
    } else {
        d.given(Tensor::scalar(zantc::ir::Scalar::I32(axis as i32)));
    }
    d.flag("exclusive");
    d.flag("reverse");
    Some(())
}

fn top_k(d: &mut Draft<'_>) -> Option<()> {
    let dtypes = if d.opset < 11 { FLOATS } else { NUMBERS };
    let ty = d.x(dtypes, 1, 4);
    let axis = d.axis(ty.rank());
    let length = ty.shape[axis.rem_euclid(ty.rank() as i64) as usize];
    let k = d.r.within(0, length) as i64;
    d.int("axis", axis);
    if d.opset < 10 {
        d.int("k", k);
    } else {
        d.list(&[k]);
    }
    if d.opset >= 11 {
        d.flag("largest");
        if d.one_in(3) {
            d.int("sorted", 1);
        }
    }
    d.outputs(2);
    Some(())
}
