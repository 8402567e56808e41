// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized depthwise convolutions of sixteen channels, for instruction sets that add four products of bytes in a
//! lane.
//!
//! Invariant: everything that a loop reads or writes lies inside its slices, which is checked once, before the loop.
use super::super::arch::bytes::Bytes;
use super::super::terms::dots::Scaling;
use super::super::terms::quant::ROUND;
use super::super::terms::sizes::{PANEL, QUAD};
use super::super::terms::taps::{Outputs, Pixels, Task};

/// The distance from the first pixel to the last.
#[inline(always)]
fn reach(count: [usize; 2], steps: [usize; 2]) -> usize {
    count[0].saturating_sub(1) * steps[0] + count[1].saturating_sub(1) * steps[1]
}

impl Pixels<'_> {
    /// The task for these pixels, without outputs; none if an operand is too short.
    #[inline(always)]
    fn run(&self, w: &[i8]) -> Option<Task> {
        let furthest = self.taps.as_flattened().iter().fold(0, |furthest, &tap| furthest.max(tap));
        let inside = reach(self.count, self.steps) + furthest + PANEL <= self.x.len();
        if !inside || self.taps.len() * QUAD * PANEL > w.len() || self.taps.is_empty() || self.count.contains(&0) {
            debug_assert!(self.count.contains(&0), "pixels lie outside");
            return None;
        }
        Some(Task {
            x: self.x.as_ptr(),
            steps: self.steps,
            taps: self.taps.as_ptr(),
            quads: self.taps.len(),
            w: w.as_ptr(),
            count: self.count,
            sums: core::ptr::null_mut(),
            y: core::ptr::null_mut(),
            y_steps: [0; 2],
            bias: core::ptr::null(),
            multiplier: core::ptr::null(),
            mask: 0,
            bounds: [0.0; 2],
            round: ROUND,
            zero: 0,
            flip: self.flip,
        })
    }
}

/// Computes and requantizes all pixels. Needs [`Bytes::has_dots`]. Returns early if an operand is too short; the plan
/// rules that out.
#[inline(always)]
pub fn bytes<I: Bytes>(isa: I, pixels: &Pixels<'_>, w: &[i8], scaling: &Scaling<'_>, out: Outputs<'_>) {
    let Some(mut run) = pixels.run(w) else { return };
    let columns = scaling.bias.len().min(scaling.multiplier.len());
    let inside = reach(pixels.count, out.steps) + out.width <= out.y.len();
    if !isa.has_dots() || out.width == 0 || out.width > PANEL || columns < out.width || !inside {
        debug_assert!(false, "pixels lie outside");
        return;
    }
    (run.y, run.y_steps, run.mask) = (out.y.as_mut_ptr(), out.steps, (1 << out.width) - 1);
    (run.bias, run.multiplier) = (scaling.bias.as_ptr(), scaling.multiplier.as_ptr());
    (run.bounds, run.zero) = (scaling.bounds, scaling.zero);
    // SAFETY: everything that is read or written lies inside, as checked here and by `run`; other channels are masked.
    unsafe { isa.lanes(&mut run) };
}

/// Adds the products of the first pixel to `sums`, under the conditions of [`bytes`].
#[inline(always)]
pub fn sums<I: Bytes>(isa: I, pixel: &Pixels<'_>, w: &[i8], sums: &mut [i32; PANEL]) {
    let Some(mut run) = (Pixels { count: [1; 2], ..*pixel }).run(w) else { return };
    if !isa.has_dots() {
        debug_assert!(false, "the CPU has no such loop");
        return;
    }
    run.sums = sums.as_mut_ptr();
    // SAFETY: everything that is read or written lies inside, as checked by `run`.
    unsafe { isa.lanes(&mut run) };
}
