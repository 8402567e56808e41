// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The interface of CPUs for products of 16-bit numbers with bytes. The default method is plain Rust; the loops of an instruction
//! set compute the same bits.
use super::super::terms::wide::{COLUMNS, QUADS};
use super::compact::Compact;
use super::isa::{Cpu, Numerics};
use super::portable::Portable;

/// The sums of `R` pixels and a panel of columns.
pub type WideSums<const R: usize> = [[i32; COLUMNS]; R];
/// Four numbers of 16 bits of each of `R` pixels, the first of two in the low half of a word.
pub type WideQuad<const R: usize> = [[u32; 2]; R];

/// Inner loops.
pub trait Words: Cpu {
    /// Adds the products of quads of `R` pixels (1 or 4) with the weights of each column of a panel, where the second and third of a
    /// quad have changed places. Sums wrap.
    #[inline(always)]
    fn add_words<const R: usize>(self, x: &[WideQuad<R>], w: &[[i8; QUADS]], sums: &mut WideSums<R>) {
        words(x, w, sums);
    }
}

/// [`Words::add_words`] in plain Rust.
#[inline(always)]
pub fn words<const R: usize>(x: &[WideQuad<R>], w: &[[i8; QUADS]], sums: &mut WideSums<R>) {
    for (x, w) in x.iter().zip(w) {
        for (x, sums) in x.iter().zip(&mut *sums) {
            let [[a, b], [c, d]] = x.map(|word| [i32::from(word as i16), i32::from((word >> 16) as i16)]);
            for (w, sum) in w.as_chunks::<4>().0.iter().zip(sums) {
                let [e, g, f, h] = w.map(i32::from);
                *sum = sum.wrapping_add(a * e + b * f).wrapping_add(c * g + d * h);
            }
        }
    }
}

/// Words as twice as many numbers. Machines are little-endian: that in the low half of a word is the first.
#[inline(always)]
pub fn halves(words: &mut [u32]) -> &mut [i16] {
    // SAFETY: the same memory, lent for as long; its alignment is enough, and all bits are valid in both types.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), 2 * words.len()) }
}

impl<N: Numerics> Words for Portable<N> {}

impl<N: Numerics> Words for Compact<Portable<N>> {}
