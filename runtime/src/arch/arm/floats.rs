// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of floats on Armv7E-M and Armv8-M: tiles are computed in assembly.
use super::super::super::terms::panels::Panels;
use super::super::super::terms::scores::Scores;
use super::super::super::terms::tile::Tile;
use super::super::floats::{FloatCpu, FloatKernel, Floats};
use super::super::isa::Numerics;
use super::dsp::Dsp;
use super::scores::scores;
use super::tiles;

impl<N: Numerics> FloatCpu for Dsp<N> {
    #[inline(always)]
    fn run_floats<K: FloatKernel>(self, kernel: K) {
        kernel.run(self);
    }
}

impl<N: Numerics> Floats for Dsp<N> {
    #[inline(always)]
    unsafe fn tile(self, tile: &mut Tile<'_>) -> bool {
        // The loops use fused products.
        if N::FUSED {
            tiles::tile(tile);
        }
        N::FUSED
    }

    #[inline(always)]
    unsafe fn panels(self, panels: &mut Panels<'_>) -> bool {
        if N::FUSED {
            // SAFETY: the caller's promise.
            unsafe { tiles::panels(panels) };
        }
        N::FUSED
    }

    #[inline(always)]
    unsafe fn scores(self, products: &mut Scores<'_>) -> bool {
        if N::FUSED {
            // SAFETY: the caller's promise.
            unsafe { scores(products) };
        }
        N::FUSED
    }
}
