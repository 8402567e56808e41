// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of integers with a constant matrix that is stored as bytes with a zero point. Sums wrap, so their order
//! does not matter.
use super::super::arch::isa::{Cpu, Isa, Kernel};

/// `y[m, n] = a[m, k] * (b[k, n] - zero) + bias[n]`; `b` is dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatMulBytes {
    /// Rows of the result.
    pub m: usize,
    /// Depth.
    pub k: usize,
    /// Columns of the result.
    pub n: usize,
    /// Elements between the rows of `a`.
    pub a_pitch: usize,
    /// Elements between the rows of `y`.
    pub y_pitch: usize,
    /// The byte that stands for 0; it fits in 16 bits.
    pub zero: i32,
}

/// Computes the product, modulo 2^32; `bias` has `n` elements, or is empty for zeros.
#[inline]
pub fn matmul_bytes<C: Cpu>(cpu: C, p: &MatMulBytes, a: &[i32], b: &[u8], bias: &[i32], y: &mut [i32]) {
    debug_assert!(b.len() >= p.k * p.n);
    cpu.run(Product { p, a, b, bias, y });
}

struct Product<'a> {
    p: &'a MatMulBytes,
    a: &'a [i32],
    b: &'a [u8],
    bias: &'a [i32],
    y: &'a mut [i32],
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Product { p, a, b, bias, y } = self;
        for row in 0..p.m {
            let a = a.get(row * p.a_pitch..).and_then(|a| a.get(..p.k));
            let y = y.get_mut(row * p.y_pitch..).and_then(|y| y.get_mut(..p.n));
            let (Some(a), Some(y)) = (a, y) else { return };
            y.fill(0);
            y.iter_mut().zip(bias).for_each(|(y, bias)| *y = *bias);
            for (k, a) in a.iter().enumerate() {
                let Some(b) = b.get(k * p.n..).and_then(|b| b.get(..p.n)) else { return };
                for (y, b) in y.iter_mut().zip(b) {
                    *y = y.wrapping_add(a.wrapping_mul(i32::from(*b) - p.zero));
                }
            }
        }
    }
}
