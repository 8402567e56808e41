// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! [`Dual`] on Armv7E-M and Armv8-M with DSP instructions and an FPU: each of its functions calls a loop in assembly.
use super::super::super::terms::dual::{FOUR, Products};
use super::super::super::terms::lines::{Lines, Part};
use super::super::super::terms::quant::Residual;
use super::super::byte::Byte;
use super::super::compact::Compact;
use super::super::dual::{Dual, spread};
use super::super::isa::Numerics;
use super::copy;
use super::dsp::Dsp;
use super::lines;
use super::products;
use super::residual;
use super::spread;
use super::widen;

impl<N: Numerics> Dual for Compact<Dsp<N>> {
    #[inline(always)]
    unsafe fn widen<X: Byte>(self, x: &[X], at: [usize; FOUR], quads: usize, patch: &mut [u32]) {
        // SAFETY: the caller's promise.
        unsafe { widen::widen(x, at, quads, patch) }
    }

    #[inline(always)]
    unsafe fn widen_one<X: Byte>(self, x: &[X], quads: usize, patch: &mut [u32]) {
        // SAFETY: the caller's promise.
        unsafe { widen::widen_one(x, quads, patch) }
    }

    #[inline(always)]
    fn copy<X: Byte>(self, from: &[X], to: &mut [X]) {
        const { assert!(size_of::<X>() == 1) };
        let count = if from.len() < to.len() { from.len() } else { to.len() };
        // SAFETY: both slices have at least `count` elements, and an element is a byte.
        unsafe { copy::copy(to.as_mut_ptr().cast(), from.as_ptr().cast(), count) }
    }

    #[inline(always)]
    fn fill<X: Byte>(self, to: &mut [X], x: X) {
        const { assert!(size_of::<X>() == 1) };
        // SAFETY: an element is a byte.
        unsafe { copy::fill(to.as_mut_ptr().cast(), x.wide() as u32 % 256 * 0x0101_0101, to.len()) }
    }

    #[inline(always)]
    fn fill_words(self, to: &mut [u32], word: u32) {
        // SAFETY: the words are `4 * to.len()` bytes.
        unsafe { copy::fill(to.as_mut_ptr().cast(), word, 4 * to.len()) }
    }

    #[inline(always)]
    fn add<Y: Byte>(self, residual: &Residual, sums: &[Y], y: &mut [Y]) {
        let count = if sums.len() < y.len() { sums.len() } else { y.len() };
        // SAFETY: both slices have at least `count` elements.
        unsafe { residual::add(residual, sums, y, count) }
    }

    #[inline(always)]
    unsafe fn pixels<Y: Byte>(self, p: &Products<'_>, columns: usize, y: &mut [Y], pitch: usize) {
        // SAFETY: the caller's promise.
        unsafe { products::pixels(p, columns, y, pitch) }
    }

    #[inline(always)]
    unsafe fn pixel<Y: Byte>(self, p: &Products<'_>, columns: usize, y: &mut [Y]) {
        let whole = columns / FOUR * FOUR;
        // SAFETY: the caller's promise.
        unsafe { products::pixel(p, whole, y) }
        let rest = (p.bias.get(whole..columns), p.multiplier.get(whole..columns));
        let (Some(bias @ [_, ..]), Some(multiplier)) = rest else { return };
        let (mut biases, mut multipliers, mut out) = ([0; FOUR], [0.0; FOUR], [Y::narrow(0); FOUR]);
        biases.iter_mut().zip(bias).for_each(|(to, from)| *to = *from);
        multipliers.iter_mut().zip(multiplier).for_each(|(to, from)| *to = *from);
        let w = p.w.get(FOUR * p.quads * whole..).unwrap_or(&[]);
        // SAFETY: the caller's promise for `w`; `biases`, `multipliers` and `out` have four elements.
        unsafe { products::pixel(&Products { w, bias: &biases, multiplier: &multipliers, ..*p }, FOUR, &mut out) }
        y.iter_mut().take(columns).skip(whole).zip(out).for_each(|(to, from)| *to = from);
    }

    #[inline(always)]
    unsafe fn spread<X: Byte>(self, x: &[X], step: usize, pixels: usize, lines: &mut [i16], to: (usize, usize)) {
        if pixels > 1 {
            // SAFETY: the caller's promise.
            unsafe { spread::spread(x, step, pixels, lines, to) }
        } else {
            spread(x, step, pixels, lines, to);
        }
    }

    #[inline(always)]
    unsafe fn shift(self, words: &mut [u32], first: usize, fours: usize) {
        // SAFETY: the caller's promise.
        unsafe { copy::shift(words.as_mut_ptr(), words.as_ptr().wrapping_add(first), fours) }
    }

    #[inline(always)]
    unsafe fn lines<Y: Byte>(self, p: &Lines<'_>, part: &Part, y: &mut [Y], steps: [usize; 2]) {
        // SAFETY: the caller's promise.
        unsafe { lines::lines(p, part, y, steps) }
    }
}
