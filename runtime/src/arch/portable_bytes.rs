// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! [`Bytes`](super::bytes::Bytes) in plain Rust.
use super::super::terms::quads::{Rows, Step, Sums};
use super::super::terms::sizes::{LANES, PANEL, QUAD};
use super::super::terms::taps::FourTaps;

/// Makes four bytes unsigned.
#[inline(always)]
fn flipped(x: [u8; QUAD], flip: u32) -> [u8; QUAD] {
    (u32::from_ne_bytes(x) ^ flip).to_ne_bytes()
}

/// Adds the four products of a column.
#[inline(always)]
fn column([x0, x1, x2, x3]: [i32; QUAD], &[w0, w1, w2, w3]: &[i8; QUAD], sum: &mut i32) {
    let [w0, w1, w2, w3] = [i32::from(w0), i32::from(w1), i32::from(w2), i32::from(w3)];
    *sum = sum.wrapping_add(x0 * w0 + x1 * w1 + x2 * w2 + x3 * w3);
}

/// [`Bytes::quads`](super::bytes::Bytes::quads) in plain Rust. Columns are spelled out: at `opt-level = "z"` a loop is
/// not unrolled.
#[inline(always)]
pub fn plain<const R: usize, const H: usize>(
    (x, flip): (Rows<'_>, u32),
    w: &[Step<H>],
    mut sums: Sums<[i32; LANES]>,
) -> Sums<[i32; LANES]> {
    let mut row = 0;
    while let (true, Some(x), Some(sums)) = (row < R, x.get(row), sums.get_mut(row)) {
        let mut k = 0;
        while let (Some(x), Some(w)) = (x.get(k), w.get(k)) {
            let [x0, x1, x2, x3] = flipped(*x, flip);
            let x = [i32::from(x0), i32::from(x1), i32::from(x2), i32::from(x3)];
            let mut half = 0;
            while let (Some(w), Some([s0, s1, s2, s3, s4, s5, s6, s7])) = (w.get(half), sums.get_mut(half)) {
                if let [w0, w1, w2, w3, w4, w5, w6, w7] = w.as_chunks::<QUAD>().0 {
                    column(x, w0, s0);
                    column(x, w1, s1);
                    column(x, w2, s2);
                    column(x, w3, s3);
                    column(x, w4, s4);
                    column(x, w5, s5);
                    column(x, w6, s6);
                    column(x, w7, s7);
                }
                half += 1;
            }
            k += 1;
        }
        row += 1;
    }
    sums
}

/// [`Bytes::add_lanes`](super::bytes::Bytes::add_lanes) in plain Rust.
#[inline(always)]
pub fn plain_lanes(mut sums: [i32; PANEL], x: FourTaps<'_>, flip: u32, w: &[i8; QUAD * PANEL]) -> [i32; PANEL] {
    let [a, b, c, d] = x;
    let taps = a.iter().zip(b).zip(c.iter().zip(d));
    for ((sum, ((a, b), (c, d))), w) in sums.iter_mut().zip(taps).zip(w.as_chunks::<QUAD>().0) {
        let products = flipped([*a, *b, *c, *d], flip).into_iter().zip(w);
        *sum = products.fold(*sum, |sum, (x, w)| sum.wrapping_add(i32::from(x) * i32::from(*w)));
    }
    sums
}

/// Implements [`Bytes`](super::bytes::Bytes) for instruction sets whose vectors are arrays.
macro_rules! plain_bytes {
    () => {
        type Lanes = [i32; PANEL];

        #[inline(always)]
        fn no_lanes(self) -> Self::Lanes {
            [0; PANEL]
        }

        #[inline(always)]
        fn add_lanes(
            self,
            _: bool,
            sums: Self::Lanes,
            x: FourTaps<'_>,
            flip: u32,
            w: &[i8; QUAD * PANEL],
        ) -> Self::Lanes {
            plain_lanes(sums, x, flip, w)
        }

        #[inline(always)]
        fn lane_sums(self, _: bool, sums: Self::Lanes) -> [i32; PANEL] {
            sums
        }

        #[inline(always)]
        fn number_bytes(self, x: &[u8; LANES], flip: u8) -> Self::V {
            x.map(|x| f32::from(x ^ flip))
        }

        #[inline(always)]
        fn low_bytes(self, v: Self::V, offset: i32) -> [u8; LANES] {
            v.map(|v| (v.to_bits() as i32).wrapping_sub(offset) as u8)
        }

        #[inline(always)]
        fn to_float(self, sums: &[i32; LANES]) -> Self::V {
            sums.map(|sum| sum as f32)
        }

        type Sums = [i32; LANES];

        #[inline(always)]
        fn sums(self, x: &[i32; LANES]) -> Self::Sums {
            *x
        }

        #[inline(always)]
        fn to_ints(self, sums: Self::Sums) -> [i32; LANES] {
            sums
        }

        #[inline(always)]
        fn add_sums(self, mut a: Self::Sums, b: Self::Sums) -> Self::Sums {
            for (a, b) in a.iter_mut().zip(b) {
                *a = a.wrapping_add(b);
            }
            a
        }

        #[inline(always)]
        fn quads<const R: usize, const H: usize>(
            self,
            _pairs: bool,
            x: (Rows<'_>, u32),
            w: &[Step<H>],
            sums: Sums<Self::Sums>,
        ) -> Sums<Self::Sums> {
            plain::<R, H>(x, w, sums)
        }
    };
}
pub(crate) use plain_bytes;
