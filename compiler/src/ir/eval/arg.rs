//! Positions of extremes, and the k most extreme elements, along a dimension.

use std::cmp::Ordering;

use super::number::{Number, with_number};
use super::walk::{Around, elements, tensor};
use super::{EvalError, unsupported};
use crate::ir::{DType, Tensor, Type};

/// Which element is looked for.
#[derive(Clone, Copy)]
pub(super) struct Order {
    /// The largest, else the smallest.
    pub(super) largest: bool,
    /// Of equal ones the last, else the first.
    pub(super) last: bool,
}

/// `Op::Arg`.
pub(super) fn arg(order: Order, axis: usize, x: &Tensor) -> Result<Tensor, EvalError> {
    let mut shape = x.shape().to_vec();
    shape.remove(axis);
    with_number!(x.dtype(), T => {
        let v = elements::<T>(x);
        let position = |line: Vec<usize>| {
            let mut best = 0;
            for r in 1..line.len() {
                let (x, y) = (v[line[r]], v[line[best]]);
                let wins = match (x.is_nan(), y.is_nan()) {
                    (true, false) => true,
                    (false, true) => false,
                    (true, true) => order.last,
                    (false, false) => (if order.largest { x > y } else { x < y }) || (x == y && order.last),
                };
                if wins {
                    best = r;
                }
            }
            best as i64
        };
        tensor(&Type::new(DType::I64, shape), Around::new(x.shape(), axis).lines().map(position).collect())
    }, else Err(unsupported("an extreme", x.dtype())))
}

/// `Op::TopK`: values and indices.
pub(super) fn top_k(axis: usize, k: usize, largest: bool, x: &Tensor) -> Result<Vec<Tensor>, EvalError> {
    let around = Around::new(x.shape(), axis);
    let mut shape = x.shape().to_vec();
    shape[axis] = k;
    with_number!(x.dtype(), T => {
        let v = elements::<T>(x);
        let mut values = vec![T::ZERO; around.outer * k * around.inner];
        let mut indices = vec![0i64; values.len()];
        let results = Around { n: k, ..around }.lines();
        for (line, result) in around.lines().zip(results) {
            let mut order: Vec<usize> = (0..line.len()).collect();
            // The sort is stable: of equal elements the lower index stays first.
            order.sort_by(|&a, &b| {
                let order = ascending(v[line[a]], v[line[b]]);
                if largest { order.reverse() } else { order }
            });
            for (&r, &to) in order.iter().zip(&result) {
                values[to] = v[line[r]];
                indices[to] = r as i64;
            }
        }
        Ok(vec![tensor(&Type::new(x.dtype(), shape.clone()), values)?, tensor(&Type::new(DType::I64, shape), indices)?])
    }, else Err(unsupported("an extreme", x.dtype())))
}

/// Ascending order, in which NaN is larger than every number and the zeros are equal.
fn ascending<T: Number>(a: T, b: T) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}
