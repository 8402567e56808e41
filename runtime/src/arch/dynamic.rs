// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The interface of CPUs that multiply two pairs of 16-bit numbers, for products of numbers that are quantized as they come. The
//! default methods are plain Rust; the loops of an instruction set compute the same bits.
use super::super::terms::dual::FOUR;
use super::super::terms::dynamic::{Row, Scale};
use super::super::terms::quant::ROUND;
use super::compact::Compact;
use super::dual::{dot, pair};
use super::isa::{Cpu, Numerics};
use super::portable::Portable;

/// Inner loops. The caller checks the operands.
pub trait Dynamic: Cpu {
    /// The least and the greatest number, or 0. Of numbers with a NaN one of the two is NaN.
    #[inline(always)]
    fn extent(self, x: &[f32]) -> [f32; 2] {
        // As integers positive floats have their order, and negative ones the opposite. A NaN is beyond infinity.
        let (mut most, mut least) = (0, 1 << 31);
        for x in x {
            let bits = x.to_bits();
            most = if (bits as i32) > most { bits as i32 } else { most };
            least = if bits > least { bits } else { least };
        }
        [f32::from_bits(least), f32::from_bits(most as u32)]
    }

    /// Writes the bytes of numbers, widened, as [`Row::patch`] has them. Gives their sum.
    ///
    /// # Safety
    /// `x` has `4 * quads` numbers and `patch` `2 * quads` words.
    #[inline(always)]
    unsafe fn quantize(self, x: &[f32], scale: Scale, quads: usize, patch: &mut [u32]) -> i32 {
        let zero = i32::from(scale.zero);
        let (lo, hi) = (-(zero as f32), (255 - zero) as f32);
        let byte = |x: f32| {
            let v = x / scale.scale;
            // The bound where the quotient is not above it, so also where it is NaN.
            let v = if v > lo { v } else { lo };
            let v = if v < hi { v } else { hi };
            (v + ROUND).to_bits() as i32 - ROUND.to_bits() as i32 + zero
        };
        let mut sum = 0i32;
        for (x, words) in x.as_chunks::<FOUR>().0.iter().zip(patch.as_chunks_mut::<2>().0).take(quads) {
            let [a, b, c, d] = x.map(byte);
            *words = [pair(a, c), pair(b, d)];
            sum = sum.wrapping_add(a + b + c + d);
        }
        sum
    }

    /// Computes columns of a row.
    ///
    /// # Safety
    /// The row has the operands of `columns` columns, a multiple of four, and so many results.
    #[inline(always)]
    unsafe fn columns(self, row: &Row<'_>, columns: usize, y: &mut [f32]) {
        let of = row.columns;
        let constants = of.sums.iter().zip(of.multiplier).take(columns);
        for (column, ((weights, multiplier), y)) in constants.zip(y).enumerate() {
            let first = column / FOUR * FOUR * FOUR * row.quads + column % FOUR * FOUR;
            let mut sum = row.more.wrapping_sub(i32::from(row.scale.zero).wrapping_mul(*weights));
            for (quad, x) in row.patch.as_chunks::<2>().0.iter().take(row.quads).enumerate() {
                let w = row.w.get(first + quad * FOUR * FOUR..).and_then(|w| w.first_chunk());
                sum = w.map_or(sum, |w| dot(sum, *x, w));
            }
            let v = sum as f32 * (row.scale.scale * multiplier);
            *y = of.bias.get(column).map_or(v, |bias| v + bias);
        }
    }
}

impl<N: Numerics> Dynamic for Portable<N> {}

impl<N: Numerics> Dynamic for Compact<Portable<N>> {}
