//! Running sums and products along a dimension.

use super::number::{Number, with_number};
use super::walk::{Around, elements, tensor};
use super::{EvalError, unsupported};
use crate::ir::Tensor;

/// How the running value goes.
#[derive(Clone, Copy)]
pub(super) struct Running {
    /// Product, else sum.
    pub(super) product: bool,
    /// The element itself does not take part.
    pub(super) exclusive: bool,
    /// From the end.
    pub(super) reverse: bool,
}

/// `Op::Cumulative`.
pub(super) fn cumulative(how: Running, axis: usize, x: &Tensor) -> Result<Tensor, EvalError> {
    with_number!(x.dtype(), T => along::<T>(how, axis, x), else Err(unsupported("a running sum", x.dtype())))
}

fn along<T: Number>(how: Running, axis: usize, x: &Tensor) -> Result<Tensor, EvalError> {
    let mut y = elements::<T>(x);
    for mut line in Around::new(x.shape(), axis).lines() {
        if how.reverse {
            line.reverse();
        }
        let mut acc = if how.product { T::ONE } else { T::ZERO };
        for i in line {
            let next = if how.product { acc.times(y[i]) } else { acc.plus(y[i]) };
            y[i] = if how.exclusive { acc } else { next };
            acc = next;
        }
    }
    tensor(x.ty(), y)
}
