//! Positive definite matrices as products of a triangle with itself.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::dot;

/// `A = L L^T`, with `L` lower triangular.
#[derive(Clone, Debug)]
pub struct Cholesky {
    n: usize,
    /// `[n][n]`, row-major; what is right of the diagonal has no meaning.
    lower: Vec<f64>,
}

/// Columns that are finished together.
const BLOCK: usize = 64;

impl Cholesky {
    /// Factors a symmetric matrix, of which the lower triangle is read; `None` where it is not positive definite.
    pub fn new(mut a: Vec<f64>, n: usize) -> Option<Cholesky> {
        for first in (0..n).step_by(BLOCK) {
            let last = n.min(first + BLOCK);
            // Takes off what the finished columns explain.
            let (above, below) = a.split_at_mut(first * n);
            let _ = above;
            let (own, behind) = below.split_at_mut((last - first) * n);
            let known: Vec<f64> = own.chunks(n).flat_map(|row| row[..first].to_vec()).collect();
            let take = |row: &mut [f64], to: usize| {
                let (done, open) = row.split_at_mut(first);
                for (c, left) in open[..to - first].iter_mut().enumerate() {
                    *left -= dot(done, &known[c * first..][..first]);
                }
            };
            own.chunks_mut(n).enumerate().for_each(|(r, row)| take(row, first + r + 1));
            for r in 0..last - first {
                let (done, row) = own.split_at_mut(r * n);
                let row = &mut row[..n];
                for c in 0..r {
                    let left = row[first + c] - dot(&row[first..first + c], &done[c * n + first..][..c]);
                    row[first + c] = left / done[c * n + first + c];
                }
                let left = row[first + r] - dot(&row[first..first + r], &row[first..first + r]);
                if left.is_nan() || left <= 0.0 {
                    return None;
                }
                row[first + r] = left.sqrt();
            }
            let triangle: &[f64] = own;
            let rows: Vec<&mut [f64]> = behind.chunks_mut(n * BLOCK).collect();
            rows.into_par_iter().for_each(|rows| {
                for row in rows.chunks_mut(n) {
                    take(row, last);
                    for c in 0..last - first {
                        let left = row[first + c] - dot(&row[first..first + c], &triangle[c * n + first..][..c]);
                        row[first + c] = left / triangle[c * n + first + c];
                    }
                }
            });
        }
        Some(Cholesky { n, lower: a })
    }

    /// Rows and columns.
    pub fn size(&self) -> usize {
        self.n
    }

    /// `L` transposed, row-major: an upper triangle `R` with `A = R^T R`. What is left of the diagonal is zero.
    pub fn upper(&self) -> Vec<f64> {
        let n = self.n;
        let mut upper = vec![0.0; n * n];
        for r in 0..n {
            for c in 0..=r {
                upper[c * n + r] = self.lower[r * n + c];
            }
        }
        upper
    }

    /// The solution of `A x = b`, in the place of `b`.
    pub fn solve(&self, x: &mut [f64]) {
        let n = self.n;
        for r in 0..n {
            let row = &self.lower[r * n..][..n];
            x[r] = (x[r] - dot(&row[..r], &x[..r])) / row[r];
        }
        for r in (0..n).rev() {
            let row = &self.lower[r * n..][..n];
            x[r] /= row[r];
            let known = x[r];
            x[..r].iter_mut().zip(row).for_each(|(x, l)| *x -= l * known);
        }
    }
}

/// The order in which columns explain most of a positive semidefinite matrix `[n][n]`: each time the one with the largest variance that
/// the ones before leave (Cholesky with pivots; of a Gram matrix it is the QR decomposition with pivots of what was measured). Gives the
/// first `count`.
pub fn pivots(a: &[f64], n: usize, count: usize) -> Vec<usize> {
    let mut left: Vec<f64> = (0..n).map(|i| a[i * n + i]).collect();
    // One row for each chosen column.
    let mut rows: Vec<Vec<f64>> = Vec::new();
    let mut chosen: Vec<usize> = Vec::new();
    for _ in 0..count.min(n) {
        let best = (0..n).filter(|i| !chosen.contains(i)).max_by(|&i, &j| left[i].total_cmp(&left[j]).then(j.cmp(&i)));
        let Some(best) = best else { break };
        chosen.push(best);
        let size = left[best].max(0.0).sqrt();
        if size == 0.0 {
            rows.push(vec![0.0; n]);
            continue;
        }
        let mut row = a[best * n..][..n].to_vec();
        for known in &rows {
            let factor = known[best];
            row.iter_mut().zip(known).for_each(|(v, k)| *v -= factor * k);
        }
        row.iter_mut().for_each(|v| *v /= size);
        left.iter_mut().zip(&row).for_each(|(l, v)| *l -= v * v);
        rows.push(row);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::{Cholesky, pivots};

    /// `X^T X` of numbers from a small generator, with something on the diagonal.
    fn gram(n: usize) -> Vec<f64> {
        let mut seed = 1u64;
        let mut next = || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 40) as f64 / (1u64 << 24) as f64 - 0.5
        };
        let x: Vec<f64> = (0..2 * n * n).map(|_| next()).collect();
        let mut a = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                a[i * n + j] =
                    (0..2 * n).map(|r| x[r * n + i] * x[r * n + j]).sum::<f64>() + f64::from(u8::from(i == j)) * 0.01;
            }
        }
        a
    }

    #[test]
    fn the_triangle_times_itself_is_the_matrix() {
        for n in [1, 5, 64, 65, 150] {
            let a = gram(n);
            let cholesky = Cholesky::new(a.clone(), n).unwrap();
            let upper = cholesky.upper();
            for i in 0..n {
                for j in 0..n {
                    let product: f64 = (0..n).map(|k| upper[k * n + i] * upper[k * n + j]).sum();
                    assert!((product - a[i * n + j]).abs() < 1e-9, "{n}: {i}, {j}");
                }
            }
            let x: Vec<f64> = (0..n).map(|i| i as f64 - 3.0).collect();
            let mut b: Vec<f64> = (0..n).map(|i| super::dot(&a[i * n..][..n], &x)).collect();
            cholesky.solve(&mut b);
            b.iter().zip(&x).for_each(|(found, x)| assert!((found - x).abs() < 1e-6));
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        assert!(Cholesky::new(vec![1.0, 2.0, 2.0, 1.0], 2).is_none());
        assert!(Cholesky::new(vec![f64::NAN], 1).is_none());
        assert_eq!(Cholesky::new(Vec::new(), 0).unwrap().size(), 0);
    }

    #[test]
    fn columns_that_others_explain_come_last() {
        // Three columns, of which the third is the sum of the first two.
        let x = [[1.0, 0.0, 1.0], [0.0, 2.0, 2.0], [3.0, 0.0, 3.0], [0.0, 1.0, 1.0]];
        let a: Vec<f64> = (0..9).map(|at| x.iter().map(|row| row[at / 3] * row[at % 3]).sum()).collect();
        let order = pivots(&a, 3, 3);
        assert_eq!(order[0], 2);
        assert_eq!(pivots(&a, 3, 2).len(), 2);
        assert_eq!(pivots(&[0.0; 4], 2, 2), [0, 1]);
    }
}
