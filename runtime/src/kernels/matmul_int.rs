// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Matrix products of integers, with any strides. Sums wrap, so their order does not matter.
use super::super::terms::matmul::MatMul;
use super::number::Number;

/// `y[batch, m, n] = a[batch, m, k] * b[batch, k, n] + bias[n]`, wrapping; `bias` has `n` elements, or is empty for
/// zeros. The epilogue is ignored.
#[inline]
pub fn matmul_int<T: Number>(p: &MatMul, a: &[T], b: &[T], bias: &[T], y: &mut [T]) {
    debug_assert!(a.len() >= p.a.end(p.batch, p.m, p.k) && b.len() >= p.b.end(p.batch, p.k, p.n));
    debug_assert!(y.len() >= p.y.end(p.batch, p.m, p.n));
    for i in 0..p.batch[0] {
        for j in 0..p.batch[1] {
            for k in 0..p.batch[2] {
                let batch = [i, j, k];
                let a = a.get(p.a.matrix(batch)..).unwrap_or(&[]);
                let b = b.get(p.b.matrix(batch)..).unwrap_or(&[]);
                let y = y.get_mut(p.y.matrix(batch)..).unwrap_or(&mut []);
                product(p, a, b, bias, y);
            }
        }
    }
}

fn product<T: Number>(p: &MatMul, a: &[T], b: &[T], bias: &[T], y: &mut [T]) {
    for i in 0..p.m {
        for j in 0..p.n {
            let mut sum = bias.get(j).copied().unwrap_or(T::ZERO);
            for k in 0..p.k {
                let a = a.get(i * p.a.row + k * p.a.col);
                let b = b.get(k * p.b.row + j * p.b.col);
                if let (Some(a), Some(b)) = (a, b) {
                    sum = sum.add(a.mul(*b));
                }
            }
            if let Some(y) = y.get_mut(i * p.y.row + j * p.y.col) {
                *y = sum;
            }
        }
    }
}
