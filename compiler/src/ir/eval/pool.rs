//! Pooling over channels-last maps.

use super::number::{Float, Number, with_number};
use super::walk::{elements, tensor};
use super::{EvalError, unsupported};
use crate::ir::{DType, PoolKind, Tensor, Type, Window};

/// `Op::Pool`.
pub(super) fn pool(kind: PoolKind, window: &Window, x: &Tensor, ty: &Type) -> Result<Tensor, EvalError> {
    match (kind, ty.dtype) {
        (PoolKind::Max, dtype) => {
            let other = || Err(unsupported("max_pool", dtype));
            with_number!(dtype, T => fold::<T>(window, x, ty, T::LOWEST, T::larger, |max, _| max), else other())
        }
        (PoolKind::Average { count_include_pad }, DType::F32) => average::<f32>(count_include_pad, window, x, ty),
        (PoolKind::Average { count_include_pad }, DType::F64) => average::<f64>(count_include_pad, window, x, ty),
        (PoolKind::Average { .. }, dtype) => Err(unsupported("average_pool", dtype)),
    }
}

fn average<T: Float>(count_include_pad: bool, window: &Window, x: &Tensor, ty: &Type) -> Result<Tensor, EvalError> {
    let all = window.kernel[0].saturating_mul(window.kernel[1]);
    let divide = |sum: T, taps: usize| sum.over(T::from_count(if count_include_pad { all } else { taps }));
    fold(window, x, ty, T::ZERO, T::plus, divide)
}

/// Folds the taps of each window that lie on the map, in (row, column) order; `finish` also gets their number.
fn fold<T: Number>(
    window: &Window,
    x: &Tensor,
    ty: &Type,
    start: T,
    step: impl Fn(T, T) -> T,
    finish: impl Fn(T, usize) -> T,
) -> Result<Tensor, EvalError> {
    let (height, width, channels) = (x.shape()[1], x.shape()[2], x.shape()[3]);
    let values = elements::<T>(x);
    // Rows or columns that the taps of an output lie on, of those on the map; also where nearly all taps lie in the padding.
    let places = |axis: usize, out: usize| {
        let (first, step, pad) = (out * window.stride[axis], window.dilation[axis], window.pad_begin[axis]);
        let begin = pad.saturating_sub(first).div_ceil(step);
        let end = (pad + [height, width][axis]).saturating_sub(first).div_ceil(step).min(window.kernel[axis]);
        (begin..end).map(move |tap| first + tap * step - pad)
    };
    let mut y = Vec::with_capacity(ty.elements());
    for n in 0..ty.shape[0] {
        for oh in 0..ty.shape[1] {
            for ow in 0..ty.shape[2] {
                let mut acc = vec![start; channels];
                let mut taps = 0;
                for h in places(0, oh) {
                    for w in places(1, ow) {
                        let pixel = &values[((n * height + h) * width + w) * channels..][..channels];
                        acc.iter_mut().zip(pixel).for_each(|(a, &v)| *a = step(*a, v));
                        taps += 1;
                    }
                }
                y.extend(acc.into_iter().map(|a| finish(a, taps)));
            }
        }
    }
    tensor(ty, y)
}
