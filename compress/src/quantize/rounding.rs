//! Codes for weights: a scale for each row, and each weight rounded so that the layer's output changes least.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::gram::Gram;
use crate::linalg::{Cholesky, dot};

/// Codes for rows of weights: `w = code * scale`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Codes {
    /// `[outputs][depth]`.
    pub(crate) codes: Vec<i8>,
    /// One for each output.
    pub(crate) scales: Vec<f32>,
}

impl Codes {
    /// The weights that the codes stand for.
    pub(crate) fn weights(&self) -> Vec<f32> {
        let depth = self.codes.len() / self.scales.len().max(1);
        let row = |(codes, scale): (&[i8], &f32)| codes.iter().map(|c| f32::from(*c) * scale).collect::<Vec<f32>>();
        self.codes.chunks(depth.max(1)).zip(&self.scales).flat_map(row).collect()
    }
}

/// Scales that are tried, in hundredths of the one that reaches the largest weight.
const TRIED: std::ops::RangeInclusive<usize> = 70..=100;

/// The scale of a row with the least sum of squared errors, each weighed by how large its input is; codes reach `-most..=most`.
fn scale(row: &[f32], weights: &[f64], most: i32) -> f32 {
    let largest = row.iter().fold(0.0f32, |m, w| m.max(w.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return 1.0;
    }
    let whole = largest / most as f32;
    let cost = |scale: f32| -> f64 {
        let error =
            |(w, h): (&f32, &f64)| (f64::from(*w) - f64::from(code(*w / scale, most)) * f64::from(scale)).powi(2) * h;
        row.iter().zip(weights).map(error).sum()
    };
    let tried = TRIED.rev().map(|hundredths| whole * (hundredths as f32 / 100.0)).filter(|s| *s > 0.0);
    let best = tried.map(|s| (cost(s), s)).min_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or(1.0, |(_, s)| s)
}

fn code(v: f32, most: i32) -> i8 {
    v.round_ties_even().clamp(-(most as f32), most as f32) as i8
}

/// The share of the mean diagonal that is added to it.
const DAMPING: f64 = 0.01;

/// Codes of rows `[outputs][depth]`, rounded one weight after the other from the last to the first, each time to the code next to what the
/// errors so far make best: with `sum x x^T = R^T R` that is the nearest plane of Babai (1986), the same as GPTQ's order with its inverse
/// (Frantar et al., 2022). Without a Gram matrix each weight is rounded to the nearest code. `one` gives all rows one scale.
pub(crate) fn codes(rows: &[f32], depth: usize, gram: Option<&Gram>, most: i32, one: bool) -> Codes {
    let damped = gram.and_then(|gram| gram.damped(DAMPING));
    let weights: Vec<f64> = match &damped {
        Some(damped) => (0..depth).map(|i| damped[i * depth + i]).collect(),
        None => vec![1.0; depth],
    };
    let scales: Vec<f32> = if one {
        let repeated: Vec<f64> = (0..rows.len()).map(|at| weights[at % depth]).collect();
        vec![scale(rows, &repeated, most); rows.len() / depth.max(1)]
    } else {
        rows.chunks(depth.max(1)).map(|row| scale(row, &weights, most)).collect()
    };
    let upper = damped.and_then(|damped| Cholesky::new(damped, depth)).map(|c| c.upper());
    let mut codes = vec![0i8; rows.len()];
    let tasks: Vec<_> = rows.chunks(depth.max(1)).zip(&scales).zip(codes.chunks_mut(depth.max(1))).collect();
    tasks.into_par_iter().for_each(|((row, scale), codes)| match &upper {
        Some(upper) => plane(row, *scale, upper, most, codes),
        None => row.iter().zip(codes).for_each(|(w, c)| *c = code(w / scale, most)),
    });
    Codes { codes, scales }
}

/// Rounds one row.
fn plane(row: &[f32], scale: f32, upper: &[f64], most: i32, codes: &mut [i8]) {
    let n = row.len();
    // What each rounded weight lacks.
    let mut lacks = vec![0.0f64; n];
    for at in (0..n).rev() {
        let right = &upper[at * n..][..n];
        let wanted = f64::from(row[at]) + dot(&right[at + 1..], &lacks[at + 1..]) / right[at];
        codes[at] = code((wanted / f64::from(scale)) as f32, most);
        lacks[at] = f64::from(row[at]) - f64::from(codes[at]) * f64::from(scale);
    }
}

#[cfg(test)]
mod tests {
    use super::codes;
    use crate::gram::Gram;

    fn gram(rows: &[f32], n: usize) -> Gram {
        let mut gram = Gram::new(n);
        gram.add(rows);
        gram.complete();
        gram
    }

    #[test]
    fn errors_of_neighbours_that_go_together_cancel() {
        // Two inputs that are always equal: their weights' sum is what counts.
        let x: Vec<f32> = (0..40).map(|i| (i / 2) as f32 / 10.0 - 1.0).collect();
        let gram = gram(&x, 2);
        let w = [1.4f32, 1.4, 3.0, 0.0];
        let found = codes(&w, 2, Some(&gram), 1, false).weights();
        assert_eq!(found.len(), 4);
        let fine = codes(&[0.4, 0.4, 127.0, 0.0], 2, Some(&gram), 127, true);
        assert_eq!(fine.scales, [1.0, 1.0]);
        // 0.8 is nearer to 1 than to 0, though each of the two is nearer to 0.
        assert_eq!(i32::from(fine.codes[0]) + i32::from(fine.codes[1]), 1);
        assert_eq!(codes(&[0.4, 0.4, 127.0, 0.0], 2, None, 127, true).codes, [0, 0, 127, 0]);
    }

    #[test]
    fn rows_of_zeros_and_grams_of_nothing_have_codes() {
        let none = Gram::new(3);
        assert_eq!(codes(&[0.0; 3], 3, Some(&none), 127, false).codes, [0; 3]);
        let still = gram(&[0.0; 9], 3);
        assert_eq!(codes(&[1.0, -1.0, 0.5], 3, Some(&still), 127, false).codes, [127, -127, 64]);
    }
}
