// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The reductions of `reduce` for `f32`, in vectors: the same order, and the same bits.
//!
//! If `inner > 1`, columns are neighbours, and a vector holds eight of them. If `inner == 1`, a column is contiguous,
//! and a vector holds the eight lanes of the fixed order.
use super::super::arch::isa::Isa;
use super::super::terms::sizes::LANES;
use super::number::Number;
use super::reduce::join;

/// Combines two values, or eight pairs of them.
pub trait Op: Copy {
    /// The neutral element.
    const START: f32;
    /// Combines two values.
    fn scalar(a: f32, b: f32) -> f32;
    /// Combines values lane by lane.
    fn vector<I: Isa>(isa: I, a: I::V, b: I::V) -> I::V;
}

macro_rules! ops {
    ($($(#[$doc:meta])* $op:ident: $start:ident, $scalar:ident, $vector:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $op;

        impl Op for $op {
            const START: f32 = <f32 as Number>::$start;

            #[inline(always)]
            fn scalar(a: f32, b: f32) -> f32 {
                Number::$scalar(a, b)
            }

            #[inline(always)]
            fn vector<I: Isa>(isa: I, a: I::V, b: I::V) -> I::V {
                isa.$vector(a, b)
            }
        }
    )*};
}

ops! {
    /// Sums.
    Sum: ZERO, add, add;
    /// Products.
    Prod: ONE, mul, mul;
    /// Maxima.
    Max: LOWEST, max, max;
    /// Minima.
    Min: HIGHEST, min, min;
}

/// Reduces the elements of `x` to one.
#[inline(always)]
pub fn reduce_run<O: Op, I: Isa>(isa: I, x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks();
    let mut lanes = isa.splat(O::START);
    for chunk in chunks {
        lanes = O::vector(isa, lanes, isa.load(chunk));
    }
    // The neutral element changes no lane: sums that start from +0 never become -0.
    let mut last = [O::START; LANES];
    for (last, x) in last.iter_mut().zip(rest) {
        *last = *x;
    }
    join(isa.to_array(O::vector(isa, lanes, isa.load(&last))), O::scalar)
}

/// [`join`] for vectors.
#[inline(always)]
pub fn join_vectors<O: Op, I: Isa>(isa: I, [a, b, c, d, e, f, g, h]: [I::V; LANES]) -> I::V {
    let even = O::vector(isa, O::vector(isa, a, e), O::vector(isa, c, g));
    let odd = O::vector(isa, O::vector(isa, b, f), O::vector(isa, d, h));
    O::vector(isa, even, odd)
}

/// Loads `width` elements (at most 8) from `at` on; `None` past the end.
#[inline(always)]
pub fn load_columns<I: Isa>(isa: I, x: &[f32], at: usize, width: usize) -> Option<I::V> {
    let x = x.get(at..at + width)?;
    Some(match x.first_chunk() {
        Some(x) => isa.load(x),
        None => isa.load_part(x),
    })
}

/// Stores as many lanes as `y` has elements, at most eight.
#[inline(always)]
pub fn store_columns<I: Isa>(isa: I, v: I::V, y: &mut [f32]) {
    match y.first_chunk_mut() {
        Some(y) => isa.store(v, y),
        None => isa.store_part(v, y),
    }
}
