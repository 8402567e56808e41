// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The same as `qsparse` for CPUs that multiply two pairs of 16-bit numbers at once, by `qdual`.
//!
//! Invariant: the results are those of `qconv2d_dual` with all weights.
use super::super::arch::byte::Byte;
use super::super::arch::dual::Dual;
use super::super::arch::unpack::UnpackCpu;
use super::super::loops::unpack::Parts;
use super::super::terms::conv2d::Conv2d;
use super::super::terms::qconv2d::QConv2d;
use super::super::terms::sparse::{Sparse, Weights};
use super::qdual::{qconv2d_dual, qconv2d_dual_one};

/// Bias and multiplier of each channel.
type Sums<'a> = (&'a [i32], &'a [f32]);

/// Computes the convolution, of one group, four pixels at a time. Weights are packed for `s.columns` output channels at a time, as
/// for a convolution that has no others; `room` is for the weights of so many. All else is as for `qconv2d_dual`.
#[inline(never)]
pub fn sparse_qconv2d_dual<C: Dual + UnpackCpu, X: Byte, Y: Byte>(
    cpu: C,
    product: (&QConv2d, &Sparse),
    x: &[X],
    w: Weights<'_, i8>,
    sums: Sums<'_>,
    (room, words): (&mut [i8], &mut [u32]),
    y: &mut [Y],
) {
    parts(cpu, product, w, sums, room, y, |p, w, sums, y| qconv2d_dual(cpu, p, x, w, sums, words, y));
}

/// The same pixel by pixel, by `qconv2d_dual_one`.
#[inline(never)]
pub fn sparse_qconv2d_dual_one<C: Dual + UnpackCpu, X: Byte, Y: Byte>(
    cpu: C,
    product: (&QConv2d, &Sparse),
    x: &[X],
    w: Weights<'_, i8>,
    sums: Sums<'_>,
    (room, words): (&mut [i8], &mut [u32]),
    y: &mut [Y],
) {
    parts(cpu, product, w, sums, room, y, |p, w, sums, y| qconv2d_dual_one(cpu, p, x, w, sums, words, y));
}

/// Calls `compute` for some channels at a time.
#[inline(always)]
fn parts<C: Dual + UnpackCpu, Y: Byte>(
    cpu: C,
    (p, s): (&QConv2d, &Sparse),
    w: Weights<'_, i8>,
    (bias, multiplier): Sums<'_>,
    room: &mut [i8],
    y: &mut [Y],
    mut compute: impl FnMut(&QConv2d, &[i8], Sums<'_>, &mut [Y]),
) {
    let mut parts = Parts::new(w, s, p.map.out_c);
    while let Some((first, columns)) = parts.next(cpu, room) {
        let p = QConv2d { map: Conv2d { out_c: columns, ..p.map }, ..*p };
        let sums = (bias.get(first..).unwrap_or(&[]), multiplier.get(first..).unwrap_or(&[]));
        compute(&p, room, sums, y.get_mut(first..).unwrap_or(&mut []));
    }
}
