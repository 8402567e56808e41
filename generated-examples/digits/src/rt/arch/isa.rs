// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The interface of instruction sets for all kernels, and how a kernel runs on one. `floats` and `bytes` extend it with
//! loops for products; a crate contains those extensions only that its model needs.
//!
//! Invariant: every method gives the same bits on every [`Isa`] with the same [`Numerics`], apart from NaN payloads. So
//! a kernel over [`Isa`] gives the same bits everywhere.
use super::super::terms::sizes::LANES;

/// How products are rounded.
pub trait Numerics: Copy + Default + 'static {
    /// Whether `a * b + c` is rounded once (IEEE 754 fusedMultiplyAdd) or after each operation.
    const FUSED: bool;
}

/// Every product is an IEEE fused multiply-add: one rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fused;

impl Numerics for Fused {
    const FUSED: bool = true;
}

/// An instruction set: operations on vectors of [`LANES`] `f32`.
///
/// A value of an implementing type proves that the CPU has the instructions. All methods are `#[inline(always)]`, and
/// everything between [`Kernel::run`] and them must be too: code that is not inlined into the body entered by
/// [`Cpu::run`] is compiled without the instructions.
///
/// # Safety
/// [`Isa::V`] is eight `f32` in memory, lane 0 first.
pub unsafe trait Isa: Cpu {
    /// Eight `f32`.
    type V: Copy;

    /// Rows of the register tile of matrix kernels, 1 to 6: as many as the registers hold.
    const TILE_ROWS: usize;
    /// Vectors across the register tile, 1 or 2. With 2, partial vectors are cheap, and tails use them; with 1, tails
    /// are computed column by column.
    const TILE_VECTORS: usize;

    /// Whether small code is preferred to fast code. Kernels then have one body, and their inner loops one shape.
    const COMPACT: bool = false;

    /// All lanes `x`.
    fn splat(self, x: f32) -> Self::V;
    /// The eight elements of `x`, the first in lane 0.
    fn load(self, x: &[f32; LANES]) -> Self::V;
    /// Writes lane 0 first.
    fn store(self, v: Self::V, y: &mut [f32; LANES]);
    /// Loads the first `min(8, x.len())` lanes from `x`; the rest are +0.
    fn load_part(self, x: &[f32]) -> Self::V;
    /// Writes the first `min(8, y.len())` lanes.
    fn store_part(self, v: Self::V, y: &mut [f32]);
    /// `a + b`.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`.
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger number; NaN if either is NaN; +0 for (-0, +0).
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller number; NaN if either is NaN; -0 for (-0, +0).
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// `lo` if `x < lo`, else `x` (so NaN stays NaN, and a zero keeps its sign).
    fn at_least(self, x: Self::V, lo: Self::V) -> Self::V;
    /// `hi` if `x > hi`, else `x` (so NaN stays NaN, and a zero keeps its sign).
    fn at_most(self, x: Self::V, hi: Self::V) -> Self::V;
    /// `a * b + c`, rounded as [`Numerics`] says.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// [`Isa::mul_add`] for one lane.
    fn mul_add1(self, a: f32, b: f32, c: f32) -> f32;
    /// `x * alpha` if `x < 0`, else `x`.
    fn leaky(self, x: Self::V, alpha: Self::V) -> Self::V;
    /// The lanes, lane 0 first.
    fn to_array(self, v: Self::V) -> [f32; LANES];
}

/// A computation written once for every instruction set.
pub trait Kernel {
    /// The result of [`Kernel::run`].
    type Output;

    /// Runs the computation. Implementations are `#[inline(always)]`.
    fn run<I: Isa>(self, isa: I) -> Self::Output;
}

/// Something that runs kernels: a CPU whose instruction sets were detected in the first run, or one instruction set.
///
/// An [`Isa`] is a `Cpu` too: `isa.run(part)` runs a part of a kernel as a function of its own, which keeps large
/// bodies out of their callers.
pub trait Cpu: Copy {
    /// Runs `kernel` on the best instruction set that `self` stands for.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;
}
