// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized convolution and matrix product with weights of which many are zero: some columns are unpacked at a time, which
//! `qconv` then reads.
//!
//! Invariant: the results are those of `qconv2d` with all weights.
use super::super::arch::byte::Byte;
use super::super::arch::bytes::ByteCpu;
use super::super::arch::unpack::UnpackCpu;
use super::super::loops::unpack::Parts;
use super::super::terms::conv2d::Conv2d;
use super::super::terms::qconv2d::QConv2d;
use super::super::terms::sparse::{Sparse, Weights};
use super::qconv::qconv2d;

/// Computes the convolution, of one group. Weights are packed for `s.columns` output channels at a time, as for a convolution
/// that has no others; `room` is for the weights of so many. All else is as for `qconv2d`.
#[inline(never)]
pub fn sparse_qconv2d<C: ByteCpu + UnpackCpu, X: Byte, Y: Byte>(
    cpu: C,
    (p, s): (&QConv2d, &Sparse),
    x: &[X],
    w: Weights<'_, i8>,
    (bias, multiplier): (&[i32], &[f32]),
    room: &mut [i8],
    y: &mut [Y],
) {
    let mut parts = Parts::new(w, s, p.map.out_c);
    while let Some((first, columns)) = parts.next(cpu, room) {
        let p = QConv2d { map: Conv2d { out_c: columns, ..p.map }, ..*p };
        let (bias, multiplier) = (bias.get(first..).unwrap_or(&[]), multiplier.get(first..).unwrap_or(&[]));
        qconv2d(cpu, &p, x, room, bias, multiplier, y.get_mut(first..).unwrap_or(&mut []));
    }
}
