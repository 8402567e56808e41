// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of bytes on Armv7E-M and Armv8-M that have no loop in `dual`: plain Rust.
use super::super::super::terms::quads::{Rows, Step, Sums};
use super::super::super::terms::sizes::{LANES, PANEL, QUAD};
use super::super::super::terms::taps::FourTaps;
use super::super::bytes::{ByteCpu, ByteKernel, Bytes};
use super::super::isa::Numerics;
use super::super::portable_bytes::{plain, plain_bytes, plain_lanes};
use super::dsp::Dsp;

impl<N: Numerics> ByteCpu for Dsp<N> {
    #[inline(always)]
    fn run_bytes<K: ByteKernel>(self, kernel: K) {
        kernel.run(self);
    }
}

impl<N: Numerics> Bytes for Dsp<N> {
    plain_bytes!();
}
