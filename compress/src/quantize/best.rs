//! The best of several calibrations, told by examples that none of them saw.
//!
//! No way to choose ranges is best for all networks, and equalised channels may cost more than they bring. What is chosen is told by the
//! distance of the model's first result from the float model's; labels are not looked at.

use std::collections::BTreeSet;
use std::ops::Range;

use zantc::ir::{Tensor, Type};

use super::{Calibrated, Calibration, Measured, Options};
use crate::Outcome;
use crate::data::Data;
use crate::method::Bench;
use crate::net::Net;
use crate::probe::Probe;

/// The ways that are tried, the usual one first: it stays where none is better.
const TRIED: [Calibration; 4] =
    [Calibration::Mse, Calibration::MinMax, Calibration::Percentile(0.01), Calibration::Entropy];

/// Examples that judge, at most and at least.
const JUDGES: usize = 512;
const FEWEST: usize = 16;

/// The model with the ranges that bring it nearest to the float one.
pub(super) fn best(net: &Net, options: Options, bench: &Bench<'_>) -> Outcome<Calibrated> {
    let judge = Judge::new(net, judges(bench.data, options.examples), bench)?;
    let mut best: Option<(f64, Calibrated)> = None;
    for equalise in [true, false] {
        if equalise && !options.equalise {
            continue;
        }
        let measured = Measured::new(net, Options { equalise, ..options }, bench)?;
        for by in TRIED {
            (bench.progress)(&format!("trying {by}{}", if measured.equalised { ", channels equalised" } else { "" }));
            let tried = measured.calibrated(by);
            let error = judge.error(&tried, bench)?;
            if best.as_ref().is_none_or(|(least, _)| error < *least) {
                best = Some((error, tried));
            }
        }
        if equalise && !measured.equalised {
            break;
        }
    }
    Ok(best.expect("several were tried").1)
}

/// The float model's first result for the examples that judge.
struct Judge {
    examples: Range<usize>,
    /// The name of the result.
    name: Vec<String>,
    /// How many classes it scores; `None` where it is something else.
    classes: Option<usize>,
    expected: Vec<Vec<f32>>,
}

impl Judge {
    fn new(net: &Net, examples: Range<usize>, bench: &Bench<'_>) -> Outcome<Judge> {
        let name: Vec<String> = net.outputs().iter().take(1).map(|o| o.name.clone()).collect();
        let float = Probe::new(net, &name)?;
        let classes = float.types().first().and_then(classes);
        let mut expected = Vec::new();
        float.each(bench.data, examples.clone(), &mut |values| expected.push(numbers(values)))?;
        Ok(Judge { examples, name, classes, expected })
    }

    /// How far the result is from the float model's: of scores of classes the mean divergence of their distributions (Kullback and
    /// Leibler), since a class is decided by small differences of the largest scores; of others the mean squared error.
    fn error(&self, tried: &Calibrated, bench: &Bench<'_>) -> Outcome<f64> {
        let quantized = Probe::new(&tried.without(&BTreeSet::new()), &self.name)?;
        let (mut expected, mut sum, mut count) = (self.expected.iter(), 0.0, 0usize);
        quantized.each(bench.data, self.examples.clone(), &mut |values| {
            let (Some(before), now) = (expected.next(), numbers(values)) else { return };
            let each = self.classes.unwrap_or(1);
            for (before, now) in before.chunks(each).zip(now.chunks(each)) {
                sum += match self.classes {
                    Some(_) => divergence(before, now),
                    None => f64::from(before[0] - now[0]).powi(2),
                };
                count += 1;
            }
        })?;
        let mean = sum / count.max(1) as f64;
        Ok(if mean.is_finite() { mean } else { f64::MAX })
    }
}

/// The numbers of the first value.
fn numbers(values: &[Tensor]) -> Vec<f32> {
    values.first().and_then(Tensor::to_vec::<f32>).unwrap_or_default()
}

/// How many classes scores are of: rows of several floats, one for each example.
fn classes(ty: &Type) -> Option<usize> {
    match ty.shape.as_slice() {
        &[_, classes] if classes > 1 => Some(classes),
        _ => None,
    }
}

/// `sum p (log p - log q)` of the distributions (softmax) of two rows of scores.
fn divergence(p: &[f32], q: &[f32]) -> f64 {
    let logarithms = |scores: &[f32]| {
        let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let all: f64 = scores.iter().map(|s| f64::from(s - most).exp()).sum();
        scores.iter().map(|s| f64::from(s - most) - all.ln()).collect::<Vec<f64>>()
    };
    logarithms(p).iter().zip(logarithms(q)).map(|(p, q)| p.exp() * (p - q)).sum()
}

/// The examples behind those that calibrate; where there are too few of them, the first ones.
fn judges(data: &Data, calibrating: usize) -> Range<usize> {
    let behind = calibrating..data.len().min(calibrating + JUDGES);
    if behind.len() >= FEWEST.max(data.batch()) { behind } else { 0..JUDGES }
}

#[cfg(test)]
mod tests {
    use super::divergence;

    #[test]
    fn distributions_differ_by_what_decides() {
        assert!(divergence(&[1.0, 2.0, 3.0], &[2.0, 3.0, 4.0]).abs() < 1e-12, "all scores are moved alike");
        // p = (3/4, 1/4), q = (1/4, 3/4).
        let far = divergence(&[3f32.ln(), 0.0], &[0.0, 3f32.ln()]);
        assert!((far - 0.5 * 3f64.ln()).abs() < 1e-6, "{far}");
    }
}
