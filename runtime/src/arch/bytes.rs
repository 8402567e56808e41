// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The interface of instruction sets for products of bytes: quantized convolutions and matrix products.
//!
//! Invariant: as with [`Isa`], all methods give the same bits on every instruction set.
use super::super::terms::dots;
use super::super::terms::quads::{Rows, Step, Sums};
use super::super::terms::sizes::{LANES, PANEL, QUAD};
use super::super::terms::taps::{self, FourTaps};
use super::compact::Compact;
use super::isa::{Cpu, Inner, Isa, Numerics};
use super::portable::Portable;
use super::portable_bytes::{plain, plain_bytes, plain_lanes};

/// An instruction set with loops for products of bytes.
pub trait Bytes: Isa + ByteCpu {
    /// Runs an inner loop on the best instruction set of the CPU. Only [`Compact`] chooses here; elsewhere the kernel
    /// already runs on the best one.
    #[inline(always)]
    fn dispatch_bytes<K: ByteKernel>(self, kernel: K) {
        self.run_bytes(kernel);
    }

    /// Eight `i32`: the sums of eight columns.
    type Sums: Copy;
    /// The eight elements of `x`, the first in lane 0.
    fn sums(self, x: &[i32; LANES]) -> Self::Sums;
    /// The lanes, lane 0 first.
    fn to_ints(self, sums: Self::Sums) -> [i32; LANES];
    /// `a + b`, wrapping.
    fn add_sums(self, a: Self::Sums, b: Self::Sums) -> Self::Sums;
    /// Adds products to the sums of the first `R` rows (at most 3) and `H * 8` columns (`H` is 1 or 2). Each step
    /// multiplies a quad of each row (four bytes of `x.0`, made unsigned by exclusive or with `x.1`) with a quad of
    /// weights of each column; `w` holds the quads of a step by column. Sums wrap. `pairs` promises that in each quad
    /// of weights `|w0| + |w1|` and `|w2| + |w3|` are at most 128.
    fn quads<const R: usize, const H: usize>(
        self,
        pairs: bool,
        x: (Rows<'_>, u32),
        w: &[Step<H>],
        sums: Sums<Self::Sums>,
    ) -> Sums<Self::Sums>;
    /// Whether [`Bytes::dots`] and [`Bytes::lanes`] have loops.
    #[inline(always)]
    fn has_dots(self) -> bool {
        false
    }
    /// Computes a tile of `shape`: rows and panels. With `half`, half a panel.
    ///
    /// # Safety
    /// [`Bytes::has_dots`] is true; everything that `tile` points to may be read and written; the shape is one that
    /// `loops/dots` uses.
    #[inline(always)]
    unsafe fn dots(self, _shape: [usize; 2], _half: bool, _tile: &mut dots::Task) {}
    /// Computes a line of pixels of a depthwise convolution.
    ///
    /// # Safety
    /// [`Bytes::has_dots`] is true; everything that `run` points to may be read and written.
    #[inline(always)]
    unsafe fn lanes(self, _run: &mut taps::Task) {}

    /// The sums of sixteen channels, in whatever form suits the instruction set.
    type Lanes: Copy;
    /// Sums that are all 0.
    fn no_lanes(self) -> Self::Lanes;
    /// Adds the products of four taps of sixteen channels, under the conditions of [`Bytes::quads`]; `w` holds the
    /// quads of weights by channel.
    fn add_lanes(
        self,
        pairs: bool,
        sums: Self::Lanes,
        x: FourTaps<'_>,
        flip: u32,
        w: &[i8; QUAD * PANEL],
    ) -> Self::Lanes;
    /// The sums, channel 0 first; `pairs` is the same as in [`Bytes::add_lanes`].
    fn lane_sums(self, pairs: bool, sums: Self::Lanes) -> [i32; PANEL];

    /// The sums as `f32`, rounded to nearest, ties to even.
    fn to_float(self, sums: &[i32; LANES]) -> Self::V;
    /// The bytes as `f32`, each made unsigned by exclusive or with `flip`.
    fn number_bytes(self, x: &[u8; LANES], flip: u8) -> Self::V;
    /// The low bytes of the lanes, whose bits are taken as integers, after subtracting `offset`.
    fn low_bytes(self, v: Self::V, offset: i32) -> [u8; LANES];
}

/// A computation written once for every instruction set with loops for products of bytes.
pub trait ByteKernel {
    /// As [`Kernel::ONCE`](super::isa::Kernel::ONCE); inner loops reach their instruction set by
    /// [`Bytes::dispatch_bytes`].
    const ONCE: bool = false;

    /// Runs the computation. Implementations are `#[inline(always)]`.
    fn run<I: Bytes>(self, isa: I);
}

/// A CPU that runs kernels over [`Bytes`].
pub trait ByteCpu: Cpu {
    /// Runs `kernel` on the best instruction set that `self` stands for.
    fn run_bytes<K: ByteKernel>(self, kernel: K);
}

impl<N: Numerics> ByteCpu for Portable<N> {
    #[inline]
    fn run_bytes<K: ByteKernel>(self, kernel: K) {
        kernel.run(self);
    }
}

impl<N: Numerics> Bytes for Portable<N> {
    plain_bytes!();
}

impl<C: Inner + ByteCpu> ByteCpu for Compact<C> {
    // Not inlined: several kernels share their parts as functions.
    #[inline(never)]
    fn run_bytes<K: ByteKernel>(self, kernel: K) {
        if K::ONCE { kernel.run(self) } else { self.inner().run_bytes(kernel) }
    }
}

impl<C: Inner + ByteCpu> Bytes for Compact<C> {
    #[inline(always)]
    fn dispatch_bytes<K: ByteKernel>(self, kernel: K) {
        self.inner().run_bytes(kernel);
    }

    plain_bytes!();
}
