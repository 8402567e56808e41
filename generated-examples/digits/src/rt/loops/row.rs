// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The inner loop of products of one row, in small code on vector instructions. Several panels of columns are computed
//! at once, which hides the latency of each sum.
//!
//! Invariants: everything that the loop reads or writes lies inside its slices, which is checked once, before it. Each
//! sum starts from the bias and adds its products in the order of the depth, each by one
//! [`Isa::mul_add`](super::super::arch::isa::Isa::mul_add).
use super::super::arch::floats::{FloatKernel, Floats};
use super::super::terms::epilogue::{Plan, Residual};
use super::super::terms::sizes::LANES;
use super::super::terms::tile::{COLUMNS, PIXELS};
use super::compact::{load, store};
use super::each_pixel::each_pixel;
use super::finish::Clamp;

/// Panels that are computed together.
const PANELS: usize = PIXELS;

/// The product of a row and weights: `y = bounds(bias + x * w)`.
#[derive(Debug)]
pub struct Row<'a> {
    /// The row: `depth` elements, `step` apart.
    pub x: &'a [f32],
    /// From an element of the row to the next.
    pub step: usize,
    /// Products of a sum.
    pub depth: usize,
    /// The weights, in panels of sixteen columns.
    pub w: &'a [f32],
    /// From a panel to the next.
    pub panel: usize,
    /// From a weight of a column to the next; if none, the number of columns of the panel.
    pub pitch: Option<usize>,
    /// The bias of the columns. If it is too short, the sums start from 0.
    pub bias: &'a [f32],
    /// The epilogue: the residual is added if it is in the output, then the bounds are applied.
    pub plan: Plan,
    /// The outputs, one for each column.
    pub y: &'a mut [f32],
}

/// The same value for each panel. Spelled out: at `opt-level = "z"` an array made by repetition is filled by a loop.
#[inline(always)]
const fn four<T: Copy>(x: T) -> [T; PANELS] {
    [x, x, x, x]
}

/// Loads two vectors from `x` on.
///
/// # Safety
/// Two vectors may be read at `x`.
#[inline(always)]
unsafe fn whole<I: Floats>(isa: I, x: *const f32) -> [I::V; 2] {
    let x: *const [f32; LANES] = x.cast();
    // SAFETY: the caller's promise.
    unsafe { [isa.load(&*x), isa.load(&*x.add(1))] }
}

impl Row<'_> {
    /// Computes all columns. Returns early if an operand is too short; the plan rules that out.
    #[inline(always)]
    pub fn compute<I: Floats>(self, isa: I) {
        let Some(last) = self.y.len().checked_sub(1) else { return };
        let (panels, width) = (last / COLUMNS, last % COLUMNS + 1);
        // The last input, and the last weights of the last panel and of the one before it, must lie inside.
        let inside = self.depth.checked_sub(1).is_none_or(|depth| {
            let pitch = self.pitch.unwrap_or(COLUMNS);
            let before = panels.checked_sub(1).map_or(0, |panels| panels * self.panel + depth * pitch + COLUMNS);
            let end = panels * self.panel + depth * self.pitch.unwrap_or(width) + width;
            depth * self.step < self.x.len() && before <= self.w.len() && end <= self.w.len()
        });
        if inside {
            isa.dispatch_floats(self);
        } else {
            debug_assert!(false, "a row lies outside");
        }
    }

    /// Computes column by column, without vectors.
    #[inline(always)]
    fn columns<I: Floats>(self, isa: I) {
        let columns = self.y.len();
        let mut first = 0;
        while first < columns {
            let left = columns - first;
            let width = if left < COLUMNS { left } else { COLUMNS };
            for column in 0..width {
                let Some(y) = self.y.get_mut(first + column) else { return };
                let bias = if self.bias.len() < columns { None } else { self.bias.get(first + column) };
                let mut sum = bias.copied().unwrap_or(0.0);
                let mut w = first / COLUMNS * self.panel + column;
                for k in 0..self.depth {
                    let (Some(x), Some(weight)) = (self.x.get(k * self.step), self.w.get(w)) else { return };
                    sum = isa.mul_add1(*x, *weight, sum);
                    w += self.pitch.unwrap_or(width);
                }
                if self.plan.residual == Residual::Accumulate {
                    sum += *y;
                }
                *y = self.plan.bounds.apply(sum);
            }
            first += width;
        }
    }

    /// Computes `P` panels from column `first` on: four of sixteen columns, or one of `width`.
    ///
    /// # Safety
    /// [`Row::compute`] has checked that all operands are long enough; these columns exist.
    #[inline(always)]
    unsafe fn panels<I: Floats, const P: usize>(&mut self, isa: I, clamp: &Clamp<I>, first: usize, width: usize) {
        let none = isa.splat(0.0);
        let (mut sums, mut w) = (four([none, none]), four(self.w.as_ptr()));
        let (y, bias) = (self.y.as_mut_ptr(), self.bias.as_ptr());
        let pitch = self.pitch.unwrap_or(width);
        // SAFETY: the caller's promises.
        unsafe {
            each_pixel!(I => {
                if I < P {
                    w[I] = w[I].wrapping_add((first / COLUMNS + I) * self.panel);
                    if self.bias.len() >= self.y.len() {
                        sums[I] = load(isa, bias.add(first + I * COLUMNS), width);
                    }
                }
            });
            let (mut x, mut left) = (self.x.as_ptr(), self.depth);
            while left > 0 {
                let factor = isa.splat(*x);
                each_pixel!(I => {
                    if I < P {
                        let weights = if P > 1 { whole(isa, w[I]) } else { load(isa, w[I], width) };
                        w[I] = w[I].wrapping_add(pitch);
                        sums[I][0] = isa.mul_add(factor, weights[0], sums[I][0]);
                        sums[I][1] = isa.mul_add(factor, weights[1], sums[I][1]);
                    }
                });
                x = x.wrapping_add(self.step);
                left -= 1;
            }
            each_pixel!(I => {
                if I < P {
                    let y = y.add(first + I * COLUMNS);
                    if self.plan.residual == Residual::Accumulate {
                        let y = load(isa, y, width);
                        sums[I] = [isa.add(sums[I][0], y[0]), isa.add(sums[I][1], y[1])];
                    }
                    store(isa, [clamp.apply(sums[I][0]), clamp.apply(sums[I][1])], y, width);
                }
            });
        }
    }
}

impl FloatKernel for Row<'_> {
    #[inline(always)]
    fn run<I: Floats>(mut self, isa: I) {
        if I::TILE_VECTORS < 2 {
            return self.columns(isa);
        }
        let clamp = Clamp::new(isa, self.plan.bounds);
        let (mut first, end) = (0, self.y.len());
        while end - first >= PANELS * COLUMNS {
            // SAFETY: `compute` has checked that the operands are long enough; four panels are left.
            unsafe { self.panels::<I, PANELS>(isa, &clamp, first, COLUMNS) };
            first += PANELS * COLUMNS;
        }
        while first < end {
            let left = end - first;
            let width = if left < COLUMNS { left } else { COLUMNS };
            // SAFETY: as above; `width` columns are left.
            unsafe { self.panels::<I, 1>(isa, &clamp, first, width) };
            first += width;
        }
    }
}
