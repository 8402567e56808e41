// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized products for CPUs that multiply two pairs of 16-bit numbers at once: the loops of `arm_dual` where they run, and
//! the same in plain Rust.
//!
//! Bytes are widened four by four: the first and the third share one word, the second and the fourth the next. Inputs are
//! widened ahead, once for all columns, weights where they are multiplied.
//!
//! Invariant: all that is read and written lies in the slices given, which is checked once, before a loop.
#[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
use super::super::arch::arm::bytes as arm_bytes;
#[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
use super::super::arch::arm::dual as arm_dual;
use super::super::arch::byte::Byte;
use super::super::terms::dual::{FOUR, Products};
use super::super::terms::quant::Residual;

/// The words as bytes.
#[inline(always)]
pub fn bytes(words: &mut [u32]) -> &mut [u8] {
    // SAFETY: a word is four bytes of any value.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), 4 * words.len()) }
}

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

/// Whether loops of `arm_dual` do the work.
const ON_ARM: bool = cfg!(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"));

/// Widens `quads * 4` numbers from each of four places on, side by side.
#[inline(always)]
pub fn widen<X: Byte>(x: &[X], at: [usize; FOUR], quads: usize, patch: &mut [u32]) {
    let last = at.iter().fold(0, |last, at| if *at > last { *at } else { last });
    if quads == 0 || last + 4 * quads > x.len() || 2 * FOUR * quads > patch.len() {
        debug_assert!(quads == 0, "inputs or their words lie outside");
        return;
    }
    #[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
    // SAFETY: the inputs and their words were checked to lie inside.
    unsafe {
        arm_dual::widen(x, at, quads, patch);
    }
    if !ON_ARM {
        for (quad, words) in patch.as_chunks_mut::<{ 2 * FOUR }>().0.iter_mut().take(quads).enumerate() {
            let (first, second) = words.split_at_mut(FOUR);
            for ((at, first), second) in at.iter().zip(first).zip(second) {
                if let Some(x) = x.get(at + 4 * quad..).and_then(|x| x.first_chunk()) {
                    [*first, *second] = wide(x);
                }
            }
        }
    }
}

/// Widens `quads * 4` numbers.
#[inline(always)]
pub fn widen_one<X: Byte>(x: &[X], quads: usize, patch: &mut [u32]) {
    if quads == 0 || 4 * quads > x.len() || 2 * quads > patch.len() {
        debug_assert!(quads == 0, "inputs or their words lie outside");
        return;
    }
    #[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
    // SAFETY: the inputs and their words were checked to lie inside.
    unsafe {
        arm_dual::widen_one(x, quads, patch);
    }
    if !ON_ARM {
        let quads = x.as_chunks().0.iter().take(quads);
        quads.zip(patch.as_chunks_mut().0).for_each(|(x, words)| *words = wide(x));
    }
}

/// Copies as many elements as there are of both.
#[inline(always)]
pub fn copy<X: Byte>(from: &[X], to: &mut [X]) {
    let count = if from.len() < to.len() { from.len() } else { to.len() };
    #[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
    // SAFETY: there are as many of both, and an element is a byte.
    unsafe {
        const { assert!(size_of::<X>() == 1) };
        arm_bytes::copy(to.as_mut_ptr().cast(), from.as_ptr().cast(), count);
    }
    if !ON_ARM {
        for (to, from) in to.iter_mut().zip(from).take(count) {
            *to = *from;
        }
    }
}

/// Makes all elements one.
#[inline(always)]
pub fn fill<X: Byte>(to: &mut [X], x: X) {
    #[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
    // SAFETY: an element is a byte.
    unsafe {
        const { assert!(size_of::<X>() == 1) };
        arm_bytes::fill(to.as_mut_ptr().cast(), x.wide() as u32 % 256 * 0x0101_0101, to.len());
    }
    if !ON_ARM {
        to.fill(x);
    }
}

/// Adds finished sums to the outputs, as many as there are of both.
#[inline(always)]
pub fn add<Y: Byte>(residual: &Residual, sums: &[Y], y: &mut [Y]) {
    #[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
    {
        let count = if sums.len() < y.len() { sums.len() } else { y.len() };
        // SAFETY: there are as many of both.
        unsafe { arm_dual::add(residual, sums, y, count) }
    }
    if !ON_ARM {
        for (t, y) in sums.iter().zip(y) {
            let sum = residual.other.real(y.wide()) + residual.sum.real(t.wide());
            *y = Y::narrow(residual.range.round(sum / residual.scale));
        }
    }
}

impl Products<'_> {
    /// The columns that have a bias and a multiplier.
    fn columns(&self) -> usize {
        if self.bias.len() < self.multiplier.len() { self.bias.len() } else { self.multiplier.len() }
    }

    /// Whether the inputs of `pixels` pixels lie inside, and the weights of so many columns.
    fn fits(&self, pixels: usize, columns: usize) -> bool {
        self.quads > 0 && self.patch.len() >= 2 * pixels * self.quads && self.w.len() >= FOUR * self.quads * columns
    }

    /// The byte that a sum becomes.
    fn finish<Y: Byte>(&self, column: usize, sum: i32) -> Y {
        Y::narrow(self.range.round(sum as f32 * self.multiplier.get(column).copied().unwrap_or(0.0)))
    }

    /// All columns of four pixels, whose outputs lie `pitch` apart.
    #[inline(never)]
    pub fn pixels<Y: Byte>(&self, y: &mut [Y], pitch: usize) {
        let columns = self.columns();
        if !self.fits(FOUR, columns) || columns == 0 || y.len() < (FOUR - 1) * pitch + columns {
            debug_assert!(columns == 0, "operands lie outside");
            return;
        }
        #[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
        // SAFETY: the operands were checked to lie inside.
        unsafe {
            arm_dual::pixels(self, columns, y, pitch);
        }
        if !ON_ARM {
            for column in 0..columns {
                let mut sums = [self.bias.get(column).copied().unwrap_or(0); FOUR];
                let w = self.w.as_chunks().0.iter().skip(column * self.quads).take(self.quads);
                for (words, w) in self.patch.as_chunks::<{ 2 * FOUR }>().0.iter().zip(w) {
                    let [a, b, c, d, e, f, g, h] = *words;
                    for (sum, x) in sums.iter_mut().zip([[a, e], [b, f], [c, g], [d, h]]) {
                        *sum = dot(*sum, x, w);
                    }
                }
                for (i, sum) in sums.into_iter().enumerate() {
                    if let Some(y) = y.get_mut(i * pitch + column) {
                        *y = self.finish(column, sum);
                    }
                }
            }
        }
    }

    /// All columns of one pixel.
    #[inline(never)]
    pub fn pixel<Y: Byte>(&self, y: &mut [Y]) {
        let columns = self.columns();
        if !self.fits(1, columns.next_multiple_of(FOUR)) || y.len() < columns {
            debug_assert!(columns == 0, "operands lie outside");
            return;
        }
        if !ON_ARM {
            for (column, y) in y.iter_mut().take(columns).enumerate() {
                let words = self.patch.as_chunks().0.iter();
                let bias = self.bias.get(column).copied().unwrap_or(0);
                // Four columns side by side.
                let first = column / FOUR * FOUR * self.quads + column % FOUR;
                let w = self.w.as_chunks().0.iter().skip(first).step_by(FOUR).take(self.quads);
                let sum = words.zip(w).fold(bias, |sum, (x, w)| dot(sum, *x, w));
                *y = self.finish(column, sum);
            }
        }
        #[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
        {
            let whole = columns / FOUR * FOUR;
            // SAFETY: the operands of whole fours were checked to lie inside.
            unsafe { arm_dual::pixel(self, whole, y) }
            let rest = (self.bias.get(whole..columns), self.multiplier.get(whole..columns));
            let (Some(bias @ [_, ..]), Some(multiplier)) = rest else { return };
            let (mut biases, mut multipliers, mut out) = ([0; FOUR], [0.0; FOUR], [Y::narrow(0); FOUR]);
            biases.iter_mut().zip(bias).for_each(|(to, from)| *to = *from);
            multipliers.iter_mut().zip(multiplier).for_each(|(to, from)| *to = *from);
            let w = self.w.get(FOUR * self.quads * whole..).unwrap_or(&[]);
            // SAFETY: the weights have whole fours of columns, and so have these.
            unsafe {
                arm_dual::pixel(&Products { w, bias: &biases, multiplier: &multipliers, ..*self }, FOUR, &mut out)
            }
            y.iter_mut().take(columns).skip(whole).zip(out).for_each(|(to, from)| *to = from);
        }
    }
}
