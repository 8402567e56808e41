// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What kernels may ask of CPUs that multiply two pairs of 16-bit numbers at once; in plain Rust unless an instruction set has
//! loops of its own, which compute the same bits.
//!
//! Bytes are widened four by four: the first and the third share one word, the second and the fourth the next. Inputs are
//! widened ahead, once for all columns, weights where they are multiplied.
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

/// Two numbers of sixteen bits.
#[inline(always)]
fn pair(low: i32, high: i32) -> u32 {
    (low as u32 & 0xffff) | (high as u32) << 16
}

/// Four bytes in two words.
#[inline(always)]
fn wide<X: Byte>(x: &[X; FOUR]) -> [u32; 2] {
    let [a, b, c, d] = x.map(Byte::wide);
    [pair(a, c), pair(b, d)]
}

/// Adds the products of four numbers.
#[inline(always)]
fn dot(sum: i32, x: [u32; 2], w: &[i8; FOUR]) -> i32 {
    let w = wide(w);
    let products = x.iter().zip(&w).map(|(x, w)| low(*x) * low(*w) + high(*x) * high(*w));
    products.fold(sum, i32::wrapping_add)
}

/// The byte that a sum of a column becomes.
fn finish<Y: Byte>(p: &Products<'_>, column: usize, sum: i32) -> Y {
    Y::narrow(p.range.round(sum as f32 * p.multiplier.get(column).copied().unwrap_or(0.0)))
}

/// The sum of a channel's window, which begins `at` numbers behind the first of a line.
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

/// The loops, each after its operands were checked.
pub trait Dual: Cpu {
    /// Widens `quads * 4` numbers from each of four places on, side by side.
    ///
    /// # Safety
    /// All of them lie in `x`, and `patch` has `8 * quads` words.
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

    /// Widens `quads * 4` numbers.
    ///
    /// # Safety
    /// `x` has as many, and `patch` half as many words.
    #[inline(always)]
    unsafe fn widen_one<X: Byte>(self, x: &[X], quads: usize, patch: &mut [u32]) {
        let quads = x.as_chunks().0.iter().take(quads);
        quads.zip(patch.as_chunks_mut().0).for_each(|(x, words)| *words = wide(x));
    }

    /// Copies as many elements as there are of both.
    #[inline(always)]
    fn copy<X: Byte>(self, from: &[X], to: &mut [X]) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }

    /// Makes all elements one.
    #[inline(always)]
    fn fill<X: Byte>(self, to: &mut [X], x: X) {
        to.fill(x);
    }

    /// Makes all words one.
    #[inline(always)]
    fn fill_words(self, to: &mut [u32], word: u32) {
        to.fill(word);
    }

    /// Adds finished sums to the outputs, as many as there are of both.
    #[inline(always)]
    fn add<Y: Byte>(self, residual: &Residual, sums: &[Y], y: &mut [Y]) {
        for (t, y) in sums.iter().zip(y) {
            let sum = residual.other.real(y.wide()) + residual.sum.real(t.wide());
            *y = Y::narrow(residual.range.round(sum / residual.scale));
        }
    }

    /// Columns of four pixels, at least one; their outputs lie `pitch` apart.
    ///
    /// # Safety
    /// All that the products of four pixels read lies inside, and all outputs.
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

    /// Columns of one pixel.
    ///
    /// # Safety
    /// All that the products of one pixel read lies inside, the weights of whole fours of columns too, and all outputs.
    #[inline(always)]
    unsafe fn pixel<Y: Byte>(self, p: &Products<'_>, columns: usize, y: &mut [Y]) {
        for (column, y) in y.iter_mut().take(columns).enumerate() {
            let words = p.patch.as_chunks().0.iter();
            let bias = p.bias.get(column).copied().unwrap_or(0);
            // Four columns side by side.
            let first = column / FOUR * FOUR * p.quads + column % FOUR;
            let w = p.w.as_chunks().0.iter().skip(first).step_by(FOUR).take(p.quads);
            let sum = words.zip(w).fold(bias, |sum, (x, w)| dot(sum, *x, w));
            *y = finish(p, column, sum);
        }
    }

    /// Widens four neighbouring channels of `pixels` pixels, at least one, which lie `step` apart, to the numbers from `at` on
    /// of four lines of `pitch` numbers each.
    ///
    /// # Safety
    /// All of them lie inside.
    #[inline(always)]
    unsafe fn spread<X: Byte>(self, x: &[X], step: usize, pixels: usize, lines: &mut [i16], to: (usize, usize)) {
        spread(x, step, pixels, lines, to);
    }

    /// Moves the words from `first` on, whole fours of them, at least one, to the beginning.
    ///
    /// # Safety
    /// They lie inside.
    #[inline(always)]
    unsafe fn shift(self, words: &mut [u32], first: usize, fours: usize) {
        for at in 0..FOUR * fours {
            let from = words.get(first + at).copied().unwrap_or(0);
            if let Some(to) = words.get_mut(at) {
                *to = from;
            }
        }
    }

    /// Some pixels of four channels, whose outputs lie `steps[0]` apart, and those of neighbouring lines `steps[1]`.
    ///
    /// # Safety
    /// All that the lines read lies inside, and all outputs.
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
