//! Linear regression of a layer's outputs on its inputs, held near the weights as they are.

use crate::gram::Gram;
use crate::linalg::{Cholesky, add_products, least_squares, multiply};
use crate::prune::structured::Options;

/// Rows shorter than this are added one by one, and solved exactly.
const SHORT: usize = 32;
/// The factor between strengths of damping that are tried, and how many times it is taken at most.
const FACTOR: f64 = 4.0;
const TRIES: usize = 5;

/// Products of what a group of a layer reads, with itself and with what is wanted.
pub(crate) struct Sums {
    gram: Gram,
    /// `sum t x^T`, `[outputs][depth]`.
    right: Vec<f64>,
    /// `sum t`.
    totals: Vec<f64>,
}

impl Sums {
    pub(crate) fn new(depth: usize, outputs: usize) -> Sums {
        Sums { gram: Gram::new(depth), right: vec![0.0; outputs * depth], totals: vec![0.0; outputs] }
    }

    /// Adds rows, and empties them.
    pub(crate) fn add(&mut self, rows: &mut Vec<f32>, wanted: &mut Vec<f32>) {
        let (n, m) = (self.gram.n, self.totals.len());
        if n >= SHORT {
            self.gram.add(rows);
            add_products(&mut self.right, wanted, rows, [rows.len() / n, m, n], false);
        } else {
            for (x, t) in rows.chunks(n.max(1)).zip(wanted.chunks(m.max(1))) {
                for i in 0..n {
                    (i..n).for_each(|j| self.gram.sums[i * n + j] += f64::from(x[i]) * f64::from(x[j]));
                    (0..m).for_each(|o| self.right[o * n + i] += f64::from(t[o]) * f64::from(x[i]));
                    self.gram.totals[i] += f64::from(x[i]);
                }
                self.gram.rows += 1;
            }
        }
        for t in wanted.chunks(m.max(1)) {
            self.totals.iter_mut().zip(t).for_each(|(total, t)| *total += f64::from(*t));
        }
        rows.clear();
        wanted.clear();
    }

    /// Adds what others have summed up.
    fn merge(&mut self, other: &Sums) {
        let add = |to: &mut [f64], from: &[f64]| to.iter_mut().zip(from).for_each(|(a, b)| *a += b);
        add(&mut self.gram.sums, &other.gram.sums);
        add(&mut self.gram.totals, &other.gram.totals);
        add(&mut self.right, &other.right);
        add(&mut self.totals, &other.totals);
        self.gram.rows += other.gram.rows;
    }

    /// What is to be solved; `None` where nothing was measured, or what is no number. A layer without a bias goes through zero.
    fn problem(&self, biased: bool) -> Option<Problem> {
        let (n, count) = (self.gram.n, self.gram.rows as f64);
        if self.gram.rows == 0 || n == 0 {
            return None;
        }
        let mean: Vec<f64> = if biased { self.gram.mean() } else { vec![0.0; n] };
        let wanted: Vec<f64> = self.totals.iter().map(|t| t / count).collect();
        let gram: Vec<f64> = (0..n * n).map(|at| self.gram.sums[at] / count - mean[at / n] * mean[at % n]).collect();
        let right: Vec<f64> =
            self.right.iter().enumerate().map(|(at, v)| v / count - wanted[at / n] * mean[at % n]).collect();
        let middle = (0..n).map(|i| gram[i * n + i]).sum::<f64>() / n as f64;
        (middle.is_finite() && middle > 0.0).then_some(Problem { gram, right, mean, wanted, middle })
    }

    /// The mean squared error of weights and biases, but for what does not depend on them.
    fn error(&self, weights: &[f32], biases: &[f64]) -> f64 {
        let (n, count) = (self.gram.n, self.gram.rows as f64);
        let image = multiply(weights, &self.gram.means(), [biases.len(), n, n]);
        let of = |o: usize| {
            let (bias, row) = (biases[o], &weights[o * n..][..n]);
            let along = |i: usize| {
                let lack = (self.right[o * n + i] - bias * self.gram.totals[i]) / count;
                f64::from(row[i]) * (f64::from(image[o * n + i]) - 2.0 * lack)
            };
            (0..n).map(along).sum::<f64>() + bias * (bias - 2.0 * self.totals[o] / count)
        };
        (0..biases.len()).map(of).sum()
    }
}

/// Mean products, about the means where there is a bias.
struct Problem {
    gram: Vec<f64>,
    right: Vec<f64>,
    mean: Vec<f64>,
    wanted: Vec<f64>,
    /// The mean of the diagonal.
    middle: f64,
}

impl Problem {
    /// The weights that give most nearly what is wanted, near those where they start; those outside of the mask are zero.
    fn solve(&self, start: &[f32], mask: Option<&[bool]>, damping: f64, rounds: usize) -> Option<Vec<f32>> {
        let (n, damping) = (self.mean.len(), damping * self.middle);
        let found = if n < SHORT && mask.is_none_or(|mask| mask.iter().all(|kept| *kept)) {
            exact(&self.gram, &self.right, start, n, damping)?
        } else {
            let single = |v: &[f64]| v.iter().map(|v| *v as f32).collect::<Vec<f32>>();
            let kept = mask.map_or_else(|| vec![true; start.len()], <[bool]>::to_vec);
            least_squares(&single(&self.gram), &single(&self.right), start, &kept, n, damping as f32, rounds)
        };
        found.iter().all(|w| w.is_finite()).then_some(found)
    }

    /// The biases that go with weights.
    fn biases(&self, weights: &[f32]) -> Vec<f64> {
        let of = |(row, wanted): (&[f32], &f64)| {
            wanted - row.iter().zip(&self.mean).map(|(w, x)| f64::from(*w) * x).sum::<f64>()
        };
        weights.chunks(self.mean.len()).zip(&self.wanted).map(of).collect()
    }
}

/// Solves weights and biases in their places. How strongly they are held near those that they were is what errs least on the rows that
/// were held back; then these count too. Weights outside of the mask are zero.
pub(crate) fn solved(
    mut fitted: Sums,
    mut held: Sums,
    (weights, biases): (&mut [f32], &mut [f32]),
    mask: Option<&[bool]>,
    biased: bool,
    options: &Options,
) {
    fitted.gram.complete();
    held.gram.complete();
    let mut damping = f64::from(options.damping);
    if let (Some(problem), true) = (fitted.problem(biased), held.gram.rows > 0) {
        damping = strength(damping, &|damping| {
            let found = problem.solve(weights, mask, damping, options.rounds.div_ceil(2))?;
            let biases = if biased { problem.biases(&found) } else { biases.iter().map(|b| f64::from(*b)).collect() };
            Some(held.error(&found, &biases))
        });
    }
    fitted.merge(&held);
    let Some(problem) = fitted.problem(biased) else { return };
    let Some(found) = problem.solve(weights, mask, damping, options.rounds) else { return };
    weights.copy_from_slice(&found);
    if biased {
        biases.iter_mut().zip(problem.biases(weights)).for_each(|(bias, solved)| *bias = solved as f32);
    }
}

/// Goes up from a strength in steps while the error falls, or else down.
fn strength(start: f64, error: &dyn Fn(f64) -> Option<f64>) -> f64 {
    let Some(first) = error(start) else { return start };
    for factor in [FACTOR, 1.0 / FACTOR] {
        let mut best = (first, start);
        for _ in 0..TRIES {
            let tried = best.1 * factor;
            match error(tried) {
                Some(error) if error < best.0 => best = (error, tried),
                _ => break,
            }
        }
        if best.1 != start {
            return best.1;
        }
    }
    start
}

/// The same as [`least_squares`], by a factored matrix.
fn exact(gram: &[f64], right: &[f64], start: &[f32], n: usize, damping: f64) -> Option<Vec<f32>> {
    let mut damped = gram.to_vec();
    (0..n).for_each(|i| damped[i * n + i] += damping);
    let cholesky = Cholesky::new(damped, n)?;
    let mut found = Vec::with_capacity(start.len());
    for (right, start) in right.chunks(n).zip(start.chunks(n)) {
        let mut row: Vec<f64> = right.iter().zip(start).map(|(r, w)| r + damping * f64::from(*w)).collect();
        cholesky.solve(&mut row);
        found.extend(row.iter().map(|w| *w as f32));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::{Options, Sums, solved, strength};

    #[test]
    fn the_strength_is_the_best_that_steps_reach() {
        let away = |best: f64| strength(1.0, &|d| Some((d / best).ln().abs()));
        assert_eq!([away(1.0), away(16.0), away(1.0 / 64.0)], [1.0, 16.0, 1.0 / 64.0]);
        assert_eq!(strength(1.0, &|_| None), 1.0);
    }

    #[test]
    fn what_has_too_few_rows_stays_near_what_it_was() {
        // Twelve rows of 40 numbers cannot say what 40 weights are; the weights as they are give what is wanted but for noise.
        let mut seed = 7u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let exact: Vec<f32> = (0..40).map(|_| next()).collect();
        let mut fill = |count: usize| {
            let mut sums = Sums::new(40, 1);
            let mut rows: Vec<f32> = (0..40 * count).map(|_| next()).collect();
            let given = |row: &[f32]| row.iter().zip(&exact).map(|(x, w)| x * w).sum::<f32>();
            let mut wanted: Vec<f32> = rows.chunks(40).map(given).collect();
            wanted.iter_mut().for_each(|t| *t += next());
            sums.add(&mut rows, &mut wanted);
            sums
        };
        let mut far = |rows: usize| {
            let (mut weights, mut bias) = (exact.clone(), [0.0]);
            solved(fill(rows), fill(rows), (&mut weights, &mut bias), None, true, &Options::default());
            weights.iter().zip(&exact).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
        };
        let (few, many) = (far(6), far(4000));
        assert!(few < 0.5 && many < 0.2, "{few}, {many}");
    }
}
