// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What products of bytes ask of an instruction set: quantized convolutions and matrix products.
//!
//! Invariant: as for [`Isa`], all methods give the same bits everywhere.
use super::super::terms::dots;
use super::super::terms::quads::{Rows, Step, Sums};
use super::super::terms::sizes::{LANES, PANEL, QUAD};
use super::super::terms::taps::{self, FourTaps};
use super::compact::Compact;
use super::isa::{Cpu, Inner, Isa, Numerics};
use super::portable::Portable;
use super::portable_bytes::{plain, plain_bytes, plain_lanes};

/// An instruction set with its loops for products of bytes.
pub trait Bytes: Isa + ByteCpu {
    /// Runs an inner loop on the best instruction set of the CPU; the same as [`ByteCpu::run_bytes`] where kernels have
    /// found that already.
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
    /// Whether [`Bytes::dots`] and [`Bytes::lanes`] have loops.
    #[inline(always)]
    fn has_dots(self) -> bool {
        false
    }
    /// Computes tiles of so many rows and panels, or of half a panel.
    ///
    /// # Safety
    /// [`Bytes::has_dots`]; all that `tile` speaks of may be read and written; the shape is one that `dots` asks for.
    #[inline(always)]
    unsafe fn dots(self, _shape: [usize; 2], _half: bool, _tile: &mut dots::Task) {}
    /// Computes a line of pixels of a depthwise convolution.
    ///
    /// # Safety
    /// [`Bytes::has_dots`]; all that `run` speaks of may be read and written.
    #[inline(always)]
    unsafe fn lanes(self, _run: &mut taps::Task) {}

    /// Sums of sixteen channels, in a form of their own.
    type Lanes: Copy;
    /// Sums of 0.
    fn no_lanes(self) -> Self::Lanes;
    /// Adds the products of four taps of sixteen channels, as [`Bytes::quads`] does; `w` has the weights of channel 0 first.
    fn add_lanes(
        self,
        pairs: bool,
        sums: Self::Lanes,
        x: FourTaps<'_>,
        flip: u32,
        w: &[i8; QUAD * PANEL],
    ) -> Self::Lanes;
    /// The sums, channel 0 first; `pairs` is as it was given when they were added.
    fn lane_sums(self, pairs: bool, sums: Self::Lanes) -> [i32; PANEL];

    /// The sums as `f32`, rounded to nearest.
    fn to_float(self, sums: &[i32; LANES]) -> Self::V;
    /// The bytes, made unsigned by a `flip` of each, as numbers.
    fn number_bytes(self, x: &[u8; LANES], flip: u8) -> Self::V;
    /// The low bytes of the lanes' bits less `offset`.
    fn low_bytes(self, v: Self::V, offset: i32) -> [u8; LANES];
}

/// A computation written once for every instruction set with loops for products of bytes.
pub trait ByteKernel {
    /// As [`Kernel::ONCE`](super::isa::Kernel::ONCE); inner loops find their instruction set by [`Bytes::dispatch_bytes`].
    const ONCE: bool = false;

    /// Runs the computation. Implementations are `#[inline(always)]`.
    fn run<I: Bytes>(self, isa: I);
}

/// A CPU with such an instruction set.
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
    // Parts of kernels are functions, which several kernels share.
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
