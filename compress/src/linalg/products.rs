//! Products of matrices of floats by the compiler's own kernels.

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::Fused;
use zant_runtime::kernels::matmul_packed::{MatMulPacked, matmul_packed};
use zant_runtime::kernels::packing;

/// Rows of a product that one thread computes at a time, a multiple of the sixteen columns of a panel.
const ROWS: usize = 128;

/// `a [m][k] * b [k][n]` as floats.
pub fn multiply(a: &[f32], b: &[f32], [m, k, n]: [usize; 3]) -> Vec<f32> {
    let mut y = vec![0.0; m * n];
    if m * k * n == 0 {
        return y;
    }
    let packed = pack(b, k, n);
    let tasks: Vec<(&[f32], &mut [f32])> = a.chunks(ROWS * k).zip(y.chunks_mut(ROWS * n)).collect();
    tasks.into_par_iter().for_each(|(a, y)| {
        matmul_packed(Host::<Fused>::detect(), &MatMulPacked::new(a.len() / k, k, n), a, &packed, &[], y);
    });
    y
}

/// Adds `a [r][m]` transposed times `b [r][n]` to `sums [m][n]`; where the two are one, only what is on the diagonal and right of it.
pub fn add_products(sums: &mut [f64], a: &[f32], b: &[f32], [r, m, n]: [usize; 3], symmetric: bool) {
    if r * m * n == 0 {
        return;
    }
    let (turned, packed) = (transposed(a, r, m), pack(b, r, n));
    let tasks: Vec<&mut [f64]> = sums.chunks_mut(ROWS * n).collect();
    tasks.into_par_iter().enumerate().for_each(|(at, sums)| {
        let (first, rows) = (at * ROWS, sums.len() / n);
        // Panels start at multiples of 16, as the rows of a part do.
        let column = if symmetric { first } else { 0 };
        let mut y = vec![0.0; rows * (n - column)];
        let p = MatMulPacked::new(rows, r, n - column);
        matmul_packed(
            Host::<Fused>::detect(),
            &p,
            &turned[first * r..][..rows * r],
            &packed[column * r..],
            &[],
            &mut y,
        );
        for (sums, y) in sums.chunks_mut(n).zip(y.chunks(n - column)) {
            sums[column..].iter_mut().zip(y).for_each(|(sum, y)| *sum += f64::from(*y));
        }
    });
}

fn pack(b: &[f32], k: usize, n: usize) -> Vec<f32> {
    packing::matmul(k, n).flat_map(|piece| piece.places()).map(|place| b[place]).collect()
}

/// `[rows][columns]` as `[columns][rows]`.
fn transposed(a: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    /// Rows and columns that stay in the cache together.
    const TILE: usize = 32;
    let mut turned = vec![0.0; a.len()];
    for row in (0..rows).step_by(TILE) {
        for column in (0..columns).step_by(TILE) {
            for r in row..rows.min(row + TILE) {
                for c in column..columns.min(column + TILE) {
                    turned[c * rows + r] = a[r * columns + c];
                }
            }
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::{add_products, multiply};

    /// Small whole numbers, so that every sum is exact.
    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7 + seed) % 11) as f32 - 5.0).collect()
    }

    #[test]
    fn products_are_those_of_the_definition() {
        for [m, k, n] in [[1, 1, 1], [3, 5, 17], [130, 9, 40], [0, 3, 2]] {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 3));
            let y = multiply(&a, &b, [m, k, n]);
            for i in 0..m {
                for j in 0..n {
                    let sum: f32 = (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum();
                    assert_eq!(y[i * n + j], sum);
                }
            }
        }
    }

    #[test]
    fn products_of_columns_are_added_right_of_the_diagonal() {
        for (r, n) in [(1, 1), (7, 33), (20, 150)] {
            let x = numbers(r * n, 2);
            let mut sums = vec![1.0; n * n];
            add_products(&mut sums, &x, &x, [r, n, n], true);
            for i in 0..n {
                for j in i..n {
                    let sum: f32 = (0..r).map(|l| x[l * n + i] * x[l * n + j]).sum();
                    assert_eq!(sums[i * n + j], 1.0 + f64::from(sum));
                }
            }
        }
    }
}
