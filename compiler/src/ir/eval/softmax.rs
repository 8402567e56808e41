//! Softmax and its logarithm along a dimension.

use super::number::Float;
use super::reduce::in_lanes;
use super::walk::{Around, elements, tensor};
use super::{EvalError, unsupported};
use crate::ir::{DType, Tensor};

/// `Op::Softmax`.
pub(super) fn softmax(axis: usize, log: bool, x: &Tensor) -> Result<Tensor, EvalError> {
    if x.dtype() == DType::F32 {
        along::<f32>(axis, log, x)
    } else if x.dtype() == DType::F64 {
        along::<f64>(axis, log, x)
    } else {
        Err(unsupported("softmax", x.dtype()))
    }
}

fn along<T: Float>(axis: usize, log: bool, x: &Tensor) -> Result<Tensor, EvalError> {
    let ty = x.ty();
    let mut y = elements::<T>(x);
    for line in Around::new(&ty.shape, axis).lines() {
        let max = line.iter().map(|&i| y[i]).fold(T::LOWEST, T::larger);
        for &i in &line {
            y[i] = y[i].minus(max);
        }
        let sum = in_lanes(line.iter().map(|&i| y[i].exp()), T::ZERO, T::plus);
        for &i in &line {
            y[i] = if log { y[i].minus(sum.log()) } else { y[i].exp().times(T::ONE.over(sum)) };
        }
    }
    tensor(ty, y)
}
