// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The instruction set of every target: plain Rust, without unsafe code.
//!
//! Lanes are spelled out: at `opt-level = "z"` loops over them are not unrolled, and vectors would live in memory.
use super::super::math::fma::fma;
use super::super::math::minmax;
use super::super::terms::sizes::LANES;
use super::isa::{Cpu, Isa, Kernel, Numerics};
use core::marker::PhantomData;

/// Plain Rust. [`Fused`](super::isa::Fused) multiply-adds are computed exactly in software if the target has no
/// instruction for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Portable<N>(PhantomData<N>);

impl<N: Numerics> Portable<N> {
    /// The same as [`Portable::portable`]: there is nothing to detect.
    pub fn detect() -> Self {
        Self::portable()
    }

    /// The instruction set, under the same name as `Host::portable` has on x86-64.
    #[allow(clippy::self_named_constructors)]
    pub const fn portable() -> Self {
        Portable(PhantomData)
    }
}

/// Applies `f` lane by lane.
#[inline(always)]
fn zip(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    [
        f(a[0], b[0]),
        f(a[1], b[1]),
        f(a[2], b[2]),
        f(a[3], b[3]),
        f(a[4], b[4]),
        f(a[5], b[5]),
        f(a[6], b[6]),
        f(a[7], b[7]),
    ]
}

// SAFETY: `V` is an array of eight `f32`.
unsafe impl<N: Numerics> Isa for Portable<N> {
    type V = [f32; LANES];

    // Two rows of eight columns: sixteen sums, eight weights and two inputs fit in the 32 registers of small FPUs.
    const TILE_ROWS: usize = 2;
    const TILE_VECTORS: usize = 1;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        [x; LANES]
    }

    #[inline(always)]
    fn load(self, x: &[f32; LANES]) -> Self::V {
        *x
    }

    #[inline(always)]
    fn store(self, v: Self::V, y: &mut [f32; LANES]) {
        *y = v;
    }

    #[inline(always)]
    fn load_part(self, x: &[f32]) -> Self::V {
        let mut v = [0.0; LANES];
        for (v, x) in v.iter_mut().zip(x) {
            *v = *x;
        }
        v
    }

    #[inline(always)]
    fn store_part(self, v: Self::V, y: &mut [f32]) {
        for (y, v) in y.iter_mut().zip(v) {
            *y = v;
        }
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, minmax::max)
    }

    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, minmax::min)
    }

    #[inline(always)]
    fn at_least(self, x: Self::V, lo: Self::V) -> Self::V {
        zip(x, lo, |x, lo| if x < lo { lo } else { x })
    }

    #[inline(always)]
    fn at_most(self, x: Self::V, hi: Self::V) -> Self::V {
        zip(x, hi, |x, hi| if x > hi { hi } else { x })
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        [
            self.mul_add1(a[0], b[0], c[0]),
            self.mul_add1(a[1], b[1], c[1]),
            self.mul_add1(a[2], b[2], c[2]),
            self.mul_add1(a[3], b[3], c[3]),
            self.mul_add1(a[4], b[4], c[4]),
            self.mul_add1(a[5], b[5], c[5]),
            self.mul_add1(a[6], b[6], c[6]),
            self.mul_add1(a[7], b[7], c[7]),
        ]
    }

    #[inline(always)]
    fn mul_add1(self, a: f32, b: f32, c: f32) -> f32 {
        if N::FUSED { fma(a, b, c) } else { a * b + c }
    }

    #[inline(always)]
    fn leaky(self, x: Self::V, alpha: Self::V) -> Self::V {
        zip(x, alpha, |x, alpha| if x < 0.0 { x * alpha } else { x })
    }

    #[inline(always)]
    fn to_array(self, v: Self::V) -> [f32; LANES] {
        v
    }
}

impl<N: Numerics> Cpu for Portable<N> {
    #[inline]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }
}
