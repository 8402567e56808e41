// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Instructions of Armv8-A that stable `core` has no function for. Other targets compute the same bits in software.
use core::arch::aarch64::{vdup_n_f32, vfma_f32, vget_lane_f32};

/// `a * b + c`, rounded once.
#[inline(always)]
pub fn fma(a: f32, b: f32, c: f32) -> f32 {
    // SAFETY: the folder is compiled where there is NEON alone; registers alone.
    unsafe { vget_lane_f32::<0>(vfma_f32(vdup_n_f32(c), vdup_n_f32(a), vdup_n_f32(b))) }
}
