// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of quads of bytes, [`Isa::quads`](super::isa::Isa::quads): in plain Rust.
use super::dots::QUAD;
use super::isa::LANES;

/// The weights of a step: a quad for each of eight columns, `H` times.
pub type Step<const H: usize> = [[i8; QUAD * LANES]; H];

/// In plain Rust.
#[inline(always)]
pub fn plain<const R: usize, const H: usize>(
    x: [&[[u8; QUAD]]; R],
    w: &[Step<H>],
    mut sums: [[[i32; LANES]; H]; R],
) -> [[[i32; LANES]; H]; R] {
    for (row, sums) in x.into_iter().zip(&mut sums) {
        for (x, w) in row.iter().zip(w) {
            let [x0, x1, x2, x3] = x.map(i32::from);
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
