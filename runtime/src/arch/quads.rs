// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of quads of bytes, [`Isa::quads`](super::isa::Isa::quads): in plain Rust.
use super::dots::{PANEL, QUAD};
use super::isa::LANES;
use super::taps::Quad;

/// The weights of a step: a quad for each of eight columns, `H` times.
pub type Step<const H: usize> = [[i8; QUAD * LANES]; H];

/// Four bytes made unsigned.
#[inline(always)]
fn flipped(x: [u8; QUAD], flip: u32) -> [u8; QUAD] {
    (u32::from_ne_bytes(x) ^ flip).to_ne_bytes()
}

/// In plain Rust.
#[inline(always)]
pub fn plain<const R: usize, const H: usize>(
    (x, flip): ([&[[u8; QUAD]]; R], u32),
    w: &[Step<H>],
    mut sums: [[[i32; LANES]; H]; R],
) -> [[[i32; LANES]; H]; R] {
    for (row, sums) in x.into_iter().zip(&mut sums) {
        for (x, w) in row.iter().zip(w) {
            let [x0, x1, x2, x3] = flipped(*x, flip).map(i32::from);
            for (w, sums) in w.iter().zip(sums.iter_mut()) {
                for (&[w0, w1, w2, w3], sum) in w.as_chunks::<QUAD>().0.iter().zip(sums) {
                    let [w0, w1, w2, w3] = [w0, w1, w2, w3].map(i32::from);
                    *sum = sum.wrapping_add(x0 * w0 + x1 * w1 + x2 * w2 + x3 * w3);
                }
            }
        }
    }
    sums
}

/// Four taps of sixteen channels, [`Isa::add_lanes`](super::isa::Isa::add_lanes), in plain Rust.
#[inline(always)]
pub fn plain_lanes(mut sums: [i32; PANEL], x: Quad<'_>, flip: u32, w: &[i8; QUAD * PANEL]) -> [i32; PANEL] {
    let [a, b, c, d] = x;
    let taps = a.iter().zip(b).zip(c.iter().zip(d));
    for ((sum, ((a, b), (c, d))), w) in sums.iter_mut().zip(taps).zip(w.as_chunks::<QUAD>().0) {
        let products = flipped([*a, *b, *c, *d], flip).into_iter().zip(w);
        *sum = products.fold(*sum, |sum, (x, w)| sum.wrapping_add(i32::from(x) * i32::from(*w)));
    }
    sums
}
