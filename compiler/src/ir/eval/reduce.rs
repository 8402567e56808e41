//! Reductions over any dimensions.

use super::number::{Number, with_number};
use super::walk::{elements, tensor};
use super::{EvalError, movement, unsupported};
use crate::ir::{DType, Movement, ReduceKind, Tensor, Type};

/// How many partial sums a sum runs in; part of the promise about its bits.
const LANES: usize = 8;

/// `Op::Reduce`.
pub(super) fn reduce(kind: ReduceKind, axes: &[usize], x: &Tensor, ty: &Type) -> Result<Tensor, EvalError> {
    // The reduced dimensions last, so that each result comes of one run of elements.
    let kept = (0..x.ty().rank()).filter(|d| !axes.contains(d));
    let perm: Vec<usize> = kept.chain(axes.iter().copied()).collect();
    let moved = Type::new(x.dtype(), perm.iter().map(|&d| x.shape()[d]).collect::<Vec<_>>());
    let x = &movement::movement(&Movement::Transpose { perm }, x, &moved)?;
    let n = axes.len();
    let n: usize = moved.shape[moved.rank() - n..].iter().product();
    if x.dtype() == DType::Bool {
        return truth(kind, x, ty, n);
    }
    with_number!(x.dtype(), T => {
        let x = elements::<T>(x);
        let rows = (0..ty.elements()).map(|i| &x[i * n..][..n]);
        tensor(ty, rows.map(|row| reduced(kind, row)).collect())
    }, else Err(unsupported("reduce", x.dtype())))
}

/// The maximum of bools is whether any is true, the minimum whether all are.
fn truth(kind: ReduceKind, x: &Tensor, ty: &Type, n: usize) -> Result<Tensor, EvalError> {
    let x: Vec<bool> = elements::<u8>(x).into_iter().map(|v| v != 0).collect();
    let rows = (0..ty.elements()).map(|i| &x[i * n..][..n]);
    let y: Vec<bool> = match kind {
        ReduceKind::Max => rows.map(|row| row.contains(&true)).collect(),
        ReduceKind::Min => rows.map(|row| !row.contains(&false)).collect(),
        ReduceKind::Sum | ReduceKind::Prod => return Err(unsupported("a sum or product", DType::Bool)),
    };
    Ok(Tensor::from_bools(ty.shape.clone(), &y))
}

fn reduced<T: Number>(kind: ReduceKind, row: &[T]) -> T {
    match kind {
        ReduceKind::Sum => in_lanes(row.iter().copied(), T::ZERO, T::plus),
        ReduceKind::Prod => in_lanes(row.iter().copied(), T::ONE, T::times),
        ReduceKind::Max => row.iter().copied().fold(T::LOWEST, T::larger),
        ReduceKind::Min => row.iter().copied().fold(T::HIGHEST, T::smaller),
    }
}

/// The sum (or product) of a sequence in the order that is promised: element r goes to lane r mod 8, each lane starts from
/// `identity`, and the lanes meet in one fixed tree.
pub(super) fn in_lanes<T: Copy>(values: impl Iterator<Item = T>, identity: T, op: impl Fn(T, T) -> T) -> T {
    in_lanes_by(values, identity, &op, &op)
}

/// The same where values are added to their lane otherwise than lanes to each other.
pub(super) fn in_lanes_by<T: Copy>(
    values: impl Iterator<Item = T>,
    identity: T,
    add: impl Fn(T, T) -> T,
    op: impl Fn(T, T) -> T,
) -> T {
    let mut lanes = [identity; LANES];
    for (r, v) in values.enumerate() {
        lanes[r % LANES] = add(lanes[r % LANES], v);
    }
    let [l0, l1, l2, l3, l4, l5, l6, l7] = lanes;
    op(op(op(l0, l4), op(l2, l6)), op(op(l1, l5), op(l3, l7)))
}
