// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! ONNX `ArgMax` and `ArgMin`: the index of the extreme element along a dimension.
//!
//! As in numpy, NaN counts as the extreme. Of equal elements the first one wins, or the last one with [`Arg::last`].
use super::number::Number;

/// `x` is `[outer, n, inner]`, `y` is `[outer, inner]`; `n` is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arg {
    /// Product of the dimensions before.
    pub outer: usize,
    /// Length of the dimension.
    pub n: usize,
    /// Product of the dimensions after.
    pub inner: usize,
    /// Takes the last of equal extremes instead of the first.
    pub last: bool,
}

/// Columns that are searched together, so that wide maps are read row by row in long runs.
const COLUMNS: usize = 16;

/// The index of the largest element of each column.
pub fn arg_max<T: Number>(p: &Arg, x: &[T], y: &mut [i64]) {
    arg(p, x, y, |x, best| x > best);
}

/// The index of the smallest element of each column.
pub fn arg_min<T: Number>(p: &Arg, x: &[T], y: &mut [i64]) {
    arg(p, x, y, |x, best| x < best);
}

fn arg<T: Number>(p: &Arg, x: &[T], y: &mut [i64], beats: impl Fn(T, T) -> bool) {
    debug_assert!(p.n > 0 && x.len() == p.outer * p.n * p.inner && y.len() == p.outer * p.inner);
    let wins = |x: T, best: T| {
        if x.is_nan() || best.is_nan() {
            x.is_nan() && (p.last || !best.is_nan())
        } else {
            beats(x, best) || p.last && x == best
        }
    };
    for o in 0..p.outer {
        for column in (0..p.inner).step_by(COLUMNS) {
            let width = (p.inner - column).min(COLUMNS);
            let Some(y) = y.get_mut(o * p.inner + column..o * p.inner + column + width) else { return };
            let mut best = [T::ZERO; COLUMNS];
            for i in 0..p.n {
                let start = (o * p.n + i) * p.inner + column;
                let Some(x) = x.get(start..start + width) else { return };
                for ((x, best), y) in x.iter().zip(&mut best).zip(y.iter_mut()) {
                    if i == 0 || wins(*x, *best) {
                        (*best, *y) = (*x, i as i64);
                    }
                }
            }
        }
    }
}
