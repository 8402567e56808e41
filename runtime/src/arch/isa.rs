// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What a kernel may ask of an instruction set, and how a kernel is run on one.
//!
//! Invariant: every method gives the same bits on every [`Isa`] of equal [`Numerics`], NaN payloads aside. A kernel
//! that is written over [`Isa`] alone is therefore equal to the bit everywhere.
use super::super::terms::dots::Tile;
use super::super::terms::quads::{Rows, Step, Sums};
use super::super::terms::sizes::{LANES, PANEL, QUAD};
use super::super::terms::steps::{Steps, Windows};
use super::super::terms::taps::{Quad, Run};

/// How a product is rounded before it is added.
pub trait Numerics: Copy + Default + 'static {
    /// Whether `a * b + c` is rounded once (IEEE 754 fusedMultiplyAdd) or after each operation.
    const FUSED: bool;
}

/// Every product is an IEEE fused multiply-add: one rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fused;

/// The product is rounded, then the sum is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Separate;

impl Numerics for Fused {
    const FUSED: bool = true;
}

impl Numerics for Separate {
    const FUSED: bool = false;
}

/// An instruction set: operations on vectors of [`LANES`] `f32`.
///
/// A value of an implementing type is the proof that the CPU has the instructions. All methods are
/// `#[inline(always)]`, and so must be everything between [`Kernel::run`] and them: code that is not inlined into
/// the body entered by [`Cpu::run`] is compiled without the instructions.
///
/// # Safety
/// [`Isa::V`] is eight `f32`, lane 0 first.
pub unsafe trait Isa: Cpu {
    /// Eight `f32`.
    type V: Copy;

    /// Rows of the register tile of matrix kernels, 1 to 6: as many as the registers hold.
    const TILE_ROWS: usize;
    /// Vectors across the register tile, 1 or 2. With 2, partial vectors are cheap too, and tails use them; with 1
    /// tails are computed column by column.
    const TILE_VECTORS: usize;

    /// Whether small code is preferred to fast code: kernels then have one body, and their inner loops one shape, which
    /// [`Isa::dispatch`] finds.
    const COMPACT: bool = false;

    /// Whether inner loops that [`Isa::dispatch`] finds have vectors on most CPUs.
    const VECTORS: bool = false;

    /// Runs an inner loop on the best instruction set of the CPU; the same as [`Cpu::run`] where kernels have found that
    /// already.
    #[inline(always)]
    fn dispatch<K: Kernel>(self, kernel: K) -> K::Output {
        self.run(kernel)
    }

    /// All lanes `x`.
    fn splat(self, x: f32) -> Self::V;
    /// The eight elements of `x`, the first in lane 0.
    fn load(self, x: &[f32; LANES]) -> Self::V;
    /// Writes lane 0 first.
    fn store(self, v: Self::V, y: &mut [f32; LANES]);
    /// The first `min(8, x.len())` lanes from `x`, the rest +0.
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
    /// The larger; NaN where either is NaN; +0 of (-0, +0).
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; NaN where either is NaN; -0 of (-0, +0).
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// `lo` where `x < lo`, else `x` (so also where `x` is NaN, and of two zeros).
    fn at_least(self, x: Self::V, lo: Self::V) -> Self::V;
    /// `hi` where `x > hi`, else `x` (so also where `x` is NaN, and of two zeros).
    fn at_most(self, x: Self::V, hi: Self::V) -> Self::V;
    /// `a * b + c`, rounded as the [`Numerics`] say.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// [`Isa::mul_add`] of one lane.
    fn mul_add1(self, a: f32, b: f32, c: f32) -> f32;
    /// `x * alpha` where `x < 0`, else `x`.
    fn leaky(self, x: Self::V, alpha: Self::V) -> Self::V;
    /// Rows of the register tile as this CPU has them: [`Isa::TILE_ROWS`], or more where [`Isa::is_wide`].
    #[inline(always)]
    fn tile_rows(self) -> usize {
        Self::TILE_ROWS
    }
    /// Whether [`Isa::products`] and [`Isa::windows`] have loops.
    #[inline(always)]
    fn is_wide(self) -> bool {
        false
    }
    /// Adds the products of two halves of so many rows, 1 to 6, with so many panels, one or two, to sums in memory, each by
    /// one [`Isa::mul_add`], in the order of the depth.
    ///
    /// # Safety
    /// [`Isa::is_wide`]; all elements that `steps` speaks of may be read, and the sums written.
    #[inline(always)]
    unsafe fn products(self, _shape: [usize; 2], _steps: &mut Steps) {}
    /// Computes up to sixteen channels of two halves of so many pixels, 1 to 6, of a depthwise convolution.
    ///
    /// # Safety
    /// [`Isa::is_wide`]; all elements that `windows` speaks of may be read, and the results written.
    #[inline(always)]
    unsafe fn windows(self, _half: usize, _windows: &Windows) {}
    /// Computes a tile of pixels and columns by a loop of its own; false where there is none.
    ///
    /// # Safety
    /// All that the tile speaks of lies inside.
    #[inline(always)]
    unsafe fn tile(self, _quad: &mut super::super::terms::quad::Quad<'_>) -> bool {
        false
    }
    /// Asks for the cache line at `x`, which need not exist, to be brought near.
    #[inline(always)]
    fn prefetch(self, _x: *const f32) {}
    /// The lanes, lane 0 first.
    fn to_array(self, v: Self::V) -> [f32; LANES];
    /// Lane `j` of vector `i` as lane `i` of vector `j`.
    #[inline(always)]
    fn transpose(self, rows: [Self::V; LANES]) -> [Self::V; LANES] {
        let mut columns = [[0.0; LANES]; LANES];
        for (i, row) in rows.into_iter().enumerate() {
            for (column, x) in columns.iter_mut().zip(self.to_array(row)) {
                if let Some(y) = column.get_mut(i) {
                    *y = x;
                }
            }
        }
        columns.map(|column| self.load(&column))
    }

    /// Eight `i32`: the sums of eight columns.
    type Sums: Copy;
    /// The eight elements of `x`, the first in lane 0.
    fn sums(self, x: &[i32; LANES]) -> Self::Sums;
    /// The lanes, lane 0 first.
    fn to_ints(self, sums: Self::Sums) -> [i32; LANES];
    /// The sums of both; they wrap.
    fn add_sums(self, a: Self::Sums, b: Self::Sums) -> Self::Sums;
    /// Adds products of quads to the sums of the first `R` rows, at most three, and `H` times eight columns, one or two: in
    /// each step the four products of a row's bytes (`x.0`), made unsigned by `x.1`, with those of each column. `w` has the weights of column 0, then those of
    /// column 1 and so on; sums wrap. `pairs` says that the absolute values of the first two weights of each four add up to
    /// at most 128, and those of the last two.
    fn quads<const R: usize, const H: usize>(
        self,
        pairs: bool,
        x: (Rows<'_>, u32),
        w: &[Step<H>],
        sums: Sums<Self::Sums>,
    ) -> Sums<Self::Sums>;
    /// Whether [`Isa::dots`] and [`Isa::lanes`] have loops.
    #[inline(always)]
    fn has_dots(self) -> bool {
        false
    }
    /// Computes tiles of so many rows and panels, or of half a panel.
    ///
    /// # Safety
    /// [`Isa::has_dots`]; all that `tile` speaks of may be read and written; the shape is one that `dots` asks for.
    #[inline(always)]
    unsafe fn dots(self, _shape: [usize; 2], _half: bool, _tile: &mut Tile) {}
    /// Computes a line of pixels of a depthwise convolution.
    ///
    /// # Safety
    /// [`Isa::has_dots`]; all that `run` speaks of may be read and written.
    #[inline(always)]
    unsafe fn lanes(self, _run: &mut Run) {}

    /// Sums of sixteen channels, in a form of their own.
    type Lanes: Copy;
    /// Sums of 0.
    fn no_lanes(self) -> Self::Lanes;
    /// Adds the products of four taps of sixteen channels, as [`Isa::quads`] does; `w` has the weights of channel 0 first.
    fn add_lanes(self, pairs: bool, sums: Self::Lanes, x: Quad<'_>, flip: u32, w: &[i8; QUAD * PANEL]) -> Self::Lanes;
    /// The sums, channel 0 first; `pairs` is as it was given when they were added.
    fn lane_sums(self, pairs: bool, sums: Self::Lanes) -> [i32; PANEL];

    /// The sums as `f32`, rounded to nearest.
    fn to_float(self, sums: &[i32; LANES]) -> Self::V;
    /// The bytes, made unsigned by a `flip` of each, as numbers.
    fn number_bytes(self, x: &[u8; LANES], flip: u8) -> Self::V;
    /// The low bytes of the lanes' bits less `offset`.
    fn low_bytes(self, v: Self::V, offset: i32) -> [u8; LANES];
}

/// A computation written once for every instruction set.
pub trait Kernel {
    /// What [`Kernel::run`] gives.
    type Output;

    /// Whether one body, in plain Rust, is enough where small code is preferred: inner loops find their instruction set by
    /// [`Isa::dispatch`], or gain little by one.
    const ONCE: bool = false;

    /// Runs the computation. Implementations are `#[inline(always)]`.
    fn run<I: Isa>(self, isa: I) -> Self::Output;
}

/// Something that runs kernels: the CPU as the first run found it, or one instruction set.
///
/// An [`Isa`] is a `Cpu` too: `isa.run(part)` runs a part of a kernel as a function of its own, which keeps large
/// bodies out of their callers.
pub trait Cpu: Copy {
    /// Runs `kernel` on the best instruction set that `self` stands for.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;
}

/// A CPU whose inner loops [`Compact`](super::compact::Compact) runs.
pub trait Inner: Copy {
    /// How its products are rounded.
    type Numerics: Numerics;

    /// Whether it has vectors on most machines.
    const VECTORS: bool = false;

    /// The best instruction set of this CPU.
    fn detect() -> Self;

    /// Runs an inner loop on it.
    fn run_inner<K: Kernel>(self, kernel: K) -> K::Output;
}
