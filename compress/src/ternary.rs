//! Weights -s, 0 and s, with signs and scales chosen by what the layer reads.

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use zantc::onnx::ElementType;

use crate::Outcome;
use crate::gram::Gram;
use crate::layer::Form;
use crate::linalg::{Cholesky, dot};
use crate::method::Bench;
use crate::net::{Net, with_integer};
use crate::quantize::{Codes, rounded, store, written};

/// Rounds of signs and scales, in turn.
const ROUNDS: usize = 6;
/// The share of the mean diagonal that is added to it.
const DAMPING: f64 = 0.01;

/// Gives the weights of products and convolutions three values, a scale for each output channel; depthwise layers, layers that have three
/// values already, and the first and the last layer (which read pictures and make classes) stay as they are.
///
/// # Errors
/// A model that does not compile or run on the examples.
pub fn ternarize(net: &Net, bench: &Bench<'_>) -> Outcome<Net> {
    three_valued(net, Some(bench))
}

/// The same; without examples by a threshold, into as many bytes.
pub(crate) fn three_valued(net: &Net, bench: Option<&Bench<'_>>) -> Outcome<Net> {
    let mut net = net.clone();
    let four = net.raise_for_blocks();
    let all = crate::layer::layers(&net);
    let ends = [all.first(), all.last()].map(|l| l.map(|l| l.output.clone()));
    let net = rounded(&net, bench, &mut |net, layer, grams| {
        let product = matches!(layer.form, Form::Rows | Form::Columns | Form::Conv(_)) && layer.groups == 1;
        if !product || ends.contains(&Some(layer.output.clone())) || layer.depth < 16 {
            return;
        }
        let rows = layer.weights(net);
        if has_three_values(&rows, layer.depth) {
            return;
        }
        let found = three(&rows, layer.depth, grams.first());
        if let Some(gram) = grams.first() {
            let mut biases = layer.biases(net);
            gram.correct(&mut biases, &rows, &found.weights());
            layer.set_biases(net, &biases);
        }
        let (Some(axis), dtype) = (layer.axis(), if four { ElementType::I4 } else { ElementType::I8 }) else { return };
        let scales: (&[usize], &[f32]) = (&[found.scales.len()], &found.scales);
        store(net, layer, &found.codes, dtype, scales, vec![with_integer("axis", axis as i64)]);
    })?;
    Ok(written(net))
}

/// Whether each row has at most the values -s, 0 and s.
fn has_three_values(rows: &[f32], depth: usize) -> bool {
    rows.chunks(depth.max(1)).all(|row| {
        let size = row.iter().fold(0.0f32, |m, w| m.max(w.abs()));
        row.iter().all(|w| *w == 0.0 || w.abs() == size)
    })
}

/// Signs and scales of rows.
fn three(rows: &[f32], depth: usize, gram: Option<&Gram>) -> Codes {
    let damped = gram.and_then(|gram| gram.damped(DAMPING));
    let upper = damped.as_ref().and_then(|a| Cholesky::new(a.clone(), depth)).map(|c| c.upper());
    let (mut codes, mut scales) = (vec![0i8; rows.len()], vec![0.0f32; rows.len() / depth]);
    let tasks: Vec<_> = rows.chunks(depth).zip(codes.chunks_mut(depth)).zip(&mut scales).collect();
    tasks.into_par_iter().for_each(|((row, codes), scale)| {
        *scale = match (&damped, &upper) {
            (Some(gram), Some(upper)) => of_row(row, gram, upper, codes),
            _ => plain(row, codes),
        };
    });
    Codes { codes, scales }
}

/// Signs by a threshold of seven tenths of the mean size (Li, Zhang and Liu, 2016); the scale is the mean of what is above. Gives the scale.
fn plain(row: &[f32], codes: &mut [i8]) -> f32 {
    let threshold = 0.7 * row.iter().map(|w| w.abs()).sum::<f32>() / row.len() as f32;
    let (mut sum, mut count) = (0.0, 0);
    for (w, code) in row.iter().zip(codes) {
        *code = if w.abs() > threshold { w.signum() as i8 } else { 0 };
        if *code != 0 {
            sum += w.abs();
            count += 1;
        }
    }
    if count == 0 { 1.0 } else { sum / count as f32 }
}

/// Signs one after the other, each by what the others' errors leave (as weights of more codes are rounded), then the scale that fits them
/// best, in turn. Keeps the best of all rounds, and gives its scale.
fn of_row(row: &[f32], gram: &[f64], upper: &[f64], codes: &mut [i8]) -> f32 {
    let n = row.len();
    let exact: Vec<f64> = row.iter().map(|w| f64::from(*w)).collect();
    let image: Vec<f64> = (0..n).map(|i| dot(&gram[i * n..][..n], &exact)).collect();
    let mut found = vec![0i8; n];
    let mut scale = f64::from(plain(row, &mut found));
    let mut best = (f64::INFINITY, scale as f32);
    for _ in 0..ROUNDS {
        // With signs c the best scale is c H w / c H c, and what it explains is its square times c H c.
        let signs: Vec<f64> = found.iter().map(|c| f64::from(*c)).collect();
        let size: f64 = (0..n).filter(|&i| found[i] != 0).map(|i| signs[i] * dot(&gram[i * n..][..n], &signs)).sum();
        let along = dot(&signs, &image);
        if size > 0.0 && along > 0.0 {
            scale = along / size;
            let error = -scale * along;
            if error < best.0 {
                best = (error, scale as f32);
                codes.copy_from_slice(&found);
            }
        }
        let mut lacks = vec![0.0f64; n];
        for at in (0..n).rev() {
            let right = &upper[at * n..][..n];
            let wanted = exact[at] + dot(&right[at + 1..], &lacks[at + 1..]) / right[at];
            found[at] = (wanted / scale).round_ties_even().clamp(-1.0, 1.0) as i8;
            lacks[at] = exact[at] - f64::from(found[at]) * scale;
        }
    }
    if best.0 == f64::INFINITY { plain(row, codes) } else { best.1 }
}

#[cfg(test)]
mod tests {
    use super::{Codes, has_three_values, three};
    use crate::gram::Gram;

    #[test]
    fn rows_of_three_values_are_seen() {
        assert!(has_three_values(&[0.5, 0.0, -0.5, 2.0, 2.0, 0.0], 3));
        assert!(!has_three_values(&[0.5, 0.25, 0.0], 3));
    }

    #[test]
    fn signs_and_scale_are_found_again() {
        let mut gram = Gram::new(3);
        gram.add(&[1.0, 0.2, 0.0, 0.3, 1.0, 0.5, 0.0, 0.1, 1.0, 1.0, 1.0, 0.0]);
        gram.complete();
        for known in [Some(&gram), None] {
            let Codes { codes, scales } = three(&[0.25, 0.0, -0.25], 3, known);
            assert_eq!(codes, [1, 0, -1]);
            assert!((scales[0] - 0.25).abs() < 1e-6);
        }
        assert_eq!(three(&[0.0; 3], 3, Some(&gram)).codes, [0; 3]);
    }
}
