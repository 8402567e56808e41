// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The interface of CPUs that multiply two pairs of 16-bit numbers in one instruction. The default methods are plain
//! Rust; the loops of an instruction set compute the same bits.
//!
//! Bytes are widened in quads: the first and third share one word, the second and fourth the next. Inputs are widened
//! once for all columns, weights as they are multiplied.
use super::super::terms::dual::{FOUR, Products};
use super::super::terms::lines::{Lines, Part};
use super::super::terms::quant::Residual;
use super::byte::Byte;
use super::compact::Compact;
use super::isa::{Cpu, Numerics};
use super::portable::Portable;

/// The low half of a word.
#[inline(always)]
fn low(word: u32) -> i32 {
    i32::from(word as i16)
}

/// The high half of a word.
#[inline(always)]
fn high(word: u32) -> i32 {
    low(word >> 16)
}

/// Two 16-bit numbers in one word.
#[inline(always)]
pub fn pair(low: i32, high: i32) -> u32 {
    (low as u32 & 0xffff) | (high as u32) << 16
}

/// A quad in two words.
#[inline(always)]
fn wide<X: Byte>(x: &[X; FOUR]) -> [u32; 2] {
    let [a, b, c, d] = x.map(Byte::wide);
    [pair(a, c), pair(b, d)]
}

/// Adds the four products of a quad.
#[inline(always)]
pub fn dot(sum: i32, x: [u32; 2], w: &[i8; FOUR]) -> i32 {
    let w = wide(w);
    let products = x.iter().zip(&w).map(|(x, w)| low(*x) * low(*w) + high(*x) * high(*w));
    products.fold(sum, i32::wrapping_add)
}

/// Requantizes the sum of a column.
fn finish<Y: Byte>(p: &Products<'_>, column: usize, sum: i32) -> Y {
    Y::narrow(p.range.round(sum as f32 * p.multiplier.get(column).copied().unwrap_or(0.0)))
}

/// The sum over the window of a channel that begins `at` numbers after the start of the line.
fn window(p: &Lines<'_>, channel: usize, [line, at]: [usize; 2], mut sum: i32) -> i32 {
    let taps = p.taps;
    // Two numbers share a word.
    let number = |words: &[u32], at: usize| {
        let word = words.get(at / 2).copied().unwrap_or(0);
        if at.is_multiple_of(2) { low(word) } else { high(word) }
    };
    for row in 0..p.rows {
        let first = ((row * p.dilation + line * p.stride) * FOUR + channel) * p.pitch + at;
        for tap in 0..taps.count {
            let half = if taps.dilation == 1 { [tap / 2, tap % 2] } else { [tap, 0] };
            let [word, half] = if taps.is_three() && tap > 0 { [1, tap - 1] } else { half };
            let w = number(p.w, 2 * ((channel * p.rows + row) * taps.words() + word) + half);
            sum = sum.wrapping_add(w * number(p.x, first + tap * taps.dilation));
        }
    }
    sum
}

/// Inner loops. The caller checks the operands.
pub trait Dual: Cpu {
    /// Widens `quads * 4` bytes from each of the four positions `at` on, into words `[quads][2][4]`.
    ///
    /// # Safety
    /// All these bytes lie in `x`, and `patch` has `8 * quads` words.
    #[inline(always)]
    unsafe fn widen<X: Byte>(self, x: &[X], at: [usize; FOUR], quads: usize, patch: &mut [u32]) {
        for (quad, words) in patch.as_chunks_mut::<{ 2 * FOUR }>().0.iter_mut().take(quads).enumerate() {
            let (first, second) = words.split_at_mut(FOUR);
            for ((at, first), second) in at.iter().zip(first).zip(second) {
                if let Some(x) = x.get(at + 4 * quad..).and_then(|x| x.first_chunk()) {
                    [*first, *second] = wide(x);
                }
            }
        }
    }

    /// Widens `quads * 4` bytes from one position, into words `[quads][2]`.
    ///
    /// # Safety
    /// `x` has `quads * 4` elements, and `patch` has `2 * quads` words.
    #[inline(always)]
    unsafe fn widen_one<X: Byte>(self, x: &[X], quads: usize, patch: &mut [u32]) {
        let quads = x.as_chunks().0.iter().take(quads);
        quads.zip(patch.as_chunks_mut().0).for_each(|(x, words)| *words = wide(x));
    }

    /// Copies elements, as many as the shorter slice has.
    #[inline(always)]
    fn copy<X: Byte>(self, from: &[X], to: &mut [X]) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }

    /// Sets all elements to `x`.
    #[inline(always)]
    fn fill<X: Byte>(self, to: &mut [X], x: X) {
        to.fill(x);
    }

    /// Sets all words to `word`.
    #[inline(always)]
    fn fill_words(self, to: &mut [u32], word: u32) {
        to.fill(word);
    }

    /// Adds the residual: `sums` to the output `y`, as many elements as the shorter slice has.
    #[inline(always)]
    fn add<Y: Byte>(self, residual: &Residual, sums: &[Y], y: &mut [Y]) {
        for (t, y) in sums.iter().zip(y) {
            let sum = residual.other.real(y.wide()) + residual.sum.real(t.wide());
            *y = Y::narrow(residual.range.round(sum / residual.scale));
        }
    }

    /// Computes the columns of four pixels, at least one column; the outputs of the pixels lie `pitch` apart.
    ///
    /// # Safety
    /// All operands and outputs of these products lie inside their slices.
    #[inline(always)]
    unsafe fn pixels<Y: Byte>(self, p: &Products<'_>, columns: usize, y: &mut [Y], pitch: usize) {
        for column in 0..columns {
            let mut sums = [p.bias.get(column).copied().unwrap_or(0); FOUR];
            let w = p.w.as_chunks().0.iter().skip(column * p.quads).take(p.quads);
            for (words, w) in p.patch.as_chunks::<{ 2 * FOUR }>().0.iter().zip(w) {
                let [a, b, c, d, e, f, g, h] = *words;
                for (sum, x) in sums.iter_mut().zip([[a, e], [b, f], [c, g], [d, h]]) {
                    *sum = dot(*sum, x, w);
                }
            }
            for (i, sum) in sums.into_iter().enumerate() {
                if let Some(y) = y.get_mut(i * pitch + column) {
                    *y = finish(p, column, sum);
                }
            }
        }
    }

    /// Computes the columns of one pixel.
    ///
    /// # Safety
    /// All operands and outputs of these products lie inside their slices, weights up to a multiple of four columns.
    #[inline(always)]
    unsafe fn pixel<Y: Byte>(self, p: &Products<'_>, columns: usize, y: &mut [Y]) {
        for (column, y) in y.iter_mut().take(columns).enumerate() {
            let words = p.patch.as_chunks().0.iter();
            let bias = p.bias.get(column).copied().unwrap_or(0);
            // Weights are interleaved by four columns.
            let first = column / FOUR * FOUR * p.quads + column % FOUR;
            let w = p.w.as_chunks().0.iter().skip(first).step_by(FOUR).take(p.quads);
            let sum = words.zip(w).fold(bias, |sum, (x, w)| dot(sum, *x, w));
            *y = finish(p, column, sum);
        }
    }

    /// Widens four neighbouring channels of `pixels` pixels, at least one. Pixels lie `step` apart. `to` is
    /// `(pitch, at)`: channel `i` goes to `lines` from `i * pitch + at` on.
    ///
    /// # Safety
    /// All of these lie inside their slices.
    #[inline(always)]
    unsafe fn spread<X: Byte>(self, x: &[X], step: usize, pixels: usize, lines: &mut [i16], to: (usize, usize)) {
        spread(x, step, pixels, lines, to);
    }

    /// Moves `fours * 4` words, at least four, from `first` on to the beginning.
    ///
    /// # Safety
    /// These words lie inside.
    #[inline(always)]
    unsafe fn shift(self, words: &mut [u32], first: usize, fours: usize) {
        for at in 0..FOUR * fours {
            let from = words.get(first + at).copied().unwrap_or(0);
            if let Some(to) = words.get_mut(at) {
                *to = from;
            }
        }
    }

    /// Computes `part` of four channels. Neighbouring pixels of the output lie `steps[0]` apart, neighbouring lines
    /// `steps[1]`.
    ///
    /// # Safety
    /// All inputs, weights and outputs lie inside their slices.
    #[inline(always)]
    unsafe fn lines<Y: Byte>(self, p: &Lines<'_>, part: &Part, y: &mut [Y], steps: [usize; 2]) {
        for (channel, (bias, multiplier)) in p.bias.iter().zip(p.multiplier).enumerate() {
            for line in 0..part.lines {
                for pixel in 0..FOUR * part.fours {
                    let sum = window(p, channel, [line, 2 * part.first + pixel * p.taps.stride], *bias);
                    if let Some(y) = y.get_mut(line * steps[1] + pixel * steps[0] + channel) {
                        *y = Y::narrow(p.range.round(sum as f32 * multiplier));
                    }
                }
            }
        }
    }
}

/// [`Dual::spread`] in plain Rust.
#[inline(always)]
pub fn spread<X: Byte>(x: &[X], step: usize, pixels: usize, lines: &mut [i16], (pitch, at): (usize, usize)) {
    for pixel in 0..pixels {
        for channel in 0..FOUR {
            if let (Some(x), Some(y)) = (x.get(pixel * step + channel), lines.get_mut(channel * pitch + at + pixel)) {
                *y = x.wide() as i16;
            }
        }
    }
}

impl<N: Numerics> Dual for Portable<N> {}

impl<N: Numerics> Dual for Compact<Portable<N>> {}
