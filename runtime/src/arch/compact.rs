// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The CPU where small code is preferred: kernels that allow it once, in plain Rust, with their inner loops for the vector
//! instructions as well.
use super::super::terms::quads::{Rows, Step, Sums};
use super::super::terms::sizes::{LANES, PANEL, QUAD};
use super::super::terms::taps::Quad;
use super::host::Host;
use super::isa::{Cpu, Isa, Kernel, Numerics};
use super::portable::Portable;

/// Plain Rust whose inner loops run on the best instruction set of the CPU.
#[derive(Clone, Copy, Debug)]
pub struct Compact<N>(Host<N>);

impl<N: Numerics> Compact<N> {
    /// The best instruction set of this CPU.
    pub fn detect() -> Self {
        Compact(Host::detect())
    }

    /// Plain Rust whatever the CPU has.
    pub const fn portable() -> Self {
        Compact(Host::portable())
    }
}

impl<N: Numerics> Cpu for Compact<N> {
    // Parts of kernels are functions, which several kernels share.
    #[inline(never)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        if K::ONCE { kernel.run(self) } else { self.0.run_compact(kernel) }
    }
}

/// Forwards to [`Portable`].
macro_rules! forward {
    ($($name:ident($($arg:ident: $ty:ty),*) $(-> $out:ty)?;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: $ty),*) $(-> $out)? {
            Portable::<N>::portable().$name($($arg),*)
        }
    )*};
}

// SAFETY: `V` is an array of eight `f32`.
unsafe impl<N: Numerics> Isa for Compact<N> {
    type V = [f32; LANES];
    type Sums = <Portable<N> as Isa>::Sums;
    type Lanes = <Portable<N> as Isa>::Lanes;

    const TILE_ROWS: usize = 4;
    const TILE_VECTORS: usize = 1;
    const COMPACT: bool = true;

    #[inline(always)]
    fn dispatch<K: Kernel>(self, kernel: K) -> K::Output {
        self.0.run_compact(kernel)
    }

    #[inline(always)]
    fn quads<const R: usize, const H: usize>(
        self,
        pairs: bool,
        x: (Rows<'_>, u32),
        w: &[Step<H>],
        sums: Sums<Self::Sums>,
    ) -> Sums<Self::Sums> {
        Portable::<N>::portable().quads::<R, H>(pairs, x, w, sums)
    }

    forward! {
        splat(x: f32) -> Self::V;
        load(x: &[f32; LANES]) -> Self::V;
        store(v: Self::V, y: &mut [f32; LANES]);
        load_part(x: &[f32]) -> Self::V;
        store_part(v: Self::V, y: &mut [f32]);
        add(a: Self::V, b: Self::V) -> Self::V;
        sub(a: Self::V, b: Self::V) -> Self::V;
        mul(a: Self::V, b: Self::V) -> Self::V;
        div(a: Self::V, b: Self::V) -> Self::V;
        max(a: Self::V, b: Self::V) -> Self::V;
        min(a: Self::V, b: Self::V) -> Self::V;
        at_least(x: Self::V, lo: Self::V) -> Self::V;
        at_most(x: Self::V, hi: Self::V) -> Self::V;
        mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
        mul_add1(a: f32, b: f32, c: f32) -> f32;
        leaky(x: Self::V, alpha: Self::V) -> Self::V;
        to_array(v: Self::V) -> [f32; LANES];
        sums(x: &[i32; LANES]) -> Self::Sums;
        add_sums(a: Self::Sums, b: Self::Sums) -> Self::Sums;
        to_ints(sums: Self::Sums) -> [i32; LANES];
        no_lanes() -> Self::Lanes;
        add_lanes(pairs: bool, sums: Self::Lanes, x: Quad<'_>, flip: u32, w: &[i8; QUAD * PANEL]) -> Self::Lanes;
        lane_sums(pairs: bool, sums: Self::Lanes) -> [i32; PANEL];
        number_bytes(x: &[u8; LANES], flip: u8) -> Self::V;
        low_bytes(v: Self::V, offset: i32) -> [u8; LANES];
        to_float(sums: &[i32; LANES]) -> Self::V;
    }
}
