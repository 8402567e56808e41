// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Matrix products and convolutions with constant weights of which many are zero: some columns are unpacked at a time, which
//! the dense kernels then read.
//!
//! Invariant: the bits are those of `matmul_packed` and `conv2d` with all weights.
use super::super::arch::floats::FloatCpu;
use super::super::arch::unpack::UnpackCpu;
use super::super::loops::unpack::{Parts, least};
use super::super::terms::conv2d::Conv2d;
use super::super::terms::epilogue::Epilogue;
use super::super::terms::sizes::PANEL;
use super::super::terms::sparse::{Sparse, Weights};
use super::conv::conv2d;
use super::matmul_packed::{MatMulPacked, matmul_packed, matvec_packed};

/// Computes the convolution, of one group. Weights are packed for `s.columns` output channels at a time, as for a convolution
/// that has no others. `bias` has `out_c` elements, or is empty for zeros; `floats` has room for the weights of so many columns.
#[inline(never)]
pub fn sparse_conv2d<C: FloatCpu + UnpackCpu>(
    cpu: C,
    (p, s): (&Conv2d, &Sparse),
    x: &[f32],
    w: Weights<'_, f32>,
    bias: &[f32],
    floats: &mut [f32],
    y: &mut [f32],
) {
    let mut parts = Parts::new(w, s, p.out_c);
    while let Some((first, columns)) = parts.next(cpu, floats) {
        let p = Conv2d { out_c: columns, ..*p };
        let (bias, y) = (bias.get(first..).unwrap_or(&[]), y.get_mut(first..).unwrap_or(&mut []));
        conv2d(cpu, &p, x, floats, bias, y);
    }
}

/// Computes the product of some rows; all else is as for [`sparse_conv2d`].
#[inline(never)]
pub fn sparse_matmul<C: FloatCpu + UnpackCpu>(
    cpu: C,
    (p, s): (&MatMulPacked, &Sparse),
    a: &[f32],
    w: Weights<'_, f32>,
    bias: &[f32],
    floats: &mut [f32],
    y: &mut [f32],
) {
    let mut parts = Parts::new(w, s, p.n);
    while let Some((first, columns)) = parts.next(cpu, floats) {
        let p = MatMulPacked { n: columns, ..*p };
        let (bias, y) = (bias.get(first..).unwrap_or(&[]), y.get_mut(first..).unwrap_or(&mut []));
        matmul_packed(cpu, &p, a, floats, bias, y);
    }
}

/// Computes the product of one row (`m` is 1), panel by panel, of which `s.depth` weights of each column are unpacked at a time:
/// `floats` has room for these.
#[inline(never)]
pub fn sparse_matvec<C: FloatCpu + UnpackCpu>(
    cpu: C,
    (p, s): (&MatMulPacked, &Sparse),
    a: &[f32],
    mut w: Weights<'_, f32>,
    bias: &[f32],
    floats: &mut [f32],
    y: &mut [f32],
) {
    debug_assert!(p.m == 1 && s.columns == PANEL && s.depth > 0);
    debug_assert!(floats.len() >= least(s.depth, p.k) * least(PANEL, p.n));
    let mut first = 0;
    while first < p.n && s.depth > 0 {
        let width = least(PANEL, p.n - first);
        let mut sums = [0.0; PANEL];
        sums.iter_mut().zip(bias.get(first..).unwrap_or(&[])).for_each(|(sum, bias)| *sum = *bias);
        let mut k = 0;
        loop {
            // What has been added is the bias of what is left.
            let depth = least(s.depth, p.k - k);
            let floats = floats.get_mut(..depth * width).unwrap_or(&mut []);
            cpu.unpack(&mut w, floats);
            let (part, a) = (MatMulPacked::new(1, depth, width), a.get(k..).unwrap_or(&[]));
            k += depth;
            if k == p.k {
                let y = y.get_mut(first..).unwrap_or(&mut []);
                matvec_packed(cpu, &part.then(p.epilogue), a, floats, &sums, y);
                break;
            }
            let mut more = [0.0; PANEL];
            matvec_packed(cpu, &part.then(Epilogue::NONE), a, floats, &sums, &mut more);
            sums = more;
        }
        first += width;
    }
}
