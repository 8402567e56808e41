//! What quantization did to each layer.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use super::{Activations, Calibrated, Calibration, Higher};
use crate::Outcome;
use crate::method::Bench;
use crate::net::Net;
use crate::probe::Probe;

/// What became of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// How the ranges of activations were chosen; nothing where there are none.
    pub calibration: Option<Calibration>,
    /// Whether channels were equalised first.
    pub equalised: bool,
    /// One row for each layer, in the model's order.
    pub layers: Vec<LayerReport>,
}

/// What became of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerReport {
    /// Its name.
    pub name: String,
    /// The range of what it reads, as bytes hold it.
    pub input: Option<(f32, f32)>,
    /// The error of what it makes, with all that was quantized before it: the root of the mean square, as a share of that of the values.
    pub error: Option<f64>,
    /// How much the model's output is in error where this layer alone is quantized; measured where layers are chosen by it.
    pub sensitivity: Option<f64>,
    /// What it is computed with.
    pub precision: Precision,
}

/// What a layer is computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Weights and activations of 8 bits.
    Bytes,
    /// Activations of 16 bits with weights of 8.
    Int16,
    /// Floats.
    Floats,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::Bytes => "bytes",
            Precision::Int16 => "16x8",
            Precision::Floats => "floats",
        })
    }
}

/// Examples by which errors are told.
const EXAMPLES: usize = 64;

/// Compares the layers of a quantized model with those of the float one; `higher` are those of the higher precision.
pub(super) fn report(
    calibrated: &Calibrated,
    quantized: &Net,
    higher: &BTreeSet<usize>,
    sensitivity: &[f64],
    bench: &Bench<'_>,
) -> Outcome<Report> {
    let names: Vec<String> = calibrated.layers.iter().map(|layer| layer.output.clone()).collect();
    let errors = relative_errors([calibrated.float(), quantized], &names, 0..EXAMPLES, bench)?;
    let precision = |at: usize| match (higher.contains(&at), calibrated.options.higher) {
        (true, Higher::Floats) => Precision::Floats,
        (true, Higher::Int16) => Precision::Int16,
        (false, _) if calibrated.options.activations == Activations::Int16 => Precision::Int16,
        (false, _) => Precision::Bytes,
    };
    let row = |(at, layer): (usize, &crate::layer::Layer)| LayerReport {
        name: layer.name.clone(),
        input: calibrated.ranges.get(&layer.input).copied(),
        error: errors.get(at).copied(),
        sensitivity: sensitivity.get(at).copied(),
        precision: precision(at),
    };
    let (calibration, equalised) = (Some(calibrated.options.calibration), calibrated.equalised);
    Ok(Report { calibration, equalised, layers: calibrated.layers.iter().enumerate().map(row).collect() })
}

/// How far values of two models are from each other, as a share of the first's: roots of sums of squares.
pub(super) fn relative_errors(
    nets: [&Net; 2],
    names: &[String],
    examples: Range<usize>,
    bench: &Bench<'_>,
) -> Outcome<Vec<f64>> {
    let mut unique = names.to_vec();
    unique.sort();
    unique.dedup();
    let mut kept: Vec<Vec<Vec<f32>>> = Vec::new();
    let [first, second] = nets;
    Probe::new(first, &unique)?.each(bench.data, examples.clone(), &mut |values| {
        kept.push(values.iter().map(|v| v.to_vec::<f32>().unwrap_or_default()).collect());
    })?;
    let mut sums = vec![[0.0f64; 2]; unique.len()];
    let mut expected = kept.into_iter();
    Probe::new(second, &unique)?.each(bench.data, examples, &mut |values| {
        let Some(before) = expected.next() else { return };
        for ((sum, before), value) in sums.iter_mut().zip(before).zip(values) {
            for (a, b) in before.iter().zip(value.to_vec::<f32>().unwrap_or_default()) {
                sum[0] += (f64::from(*a) - f64::from(b)).powi(2);
                sum[1] += f64::from(*a).powi(2);
            }
        }
    })?;
    let of_name = |name: &String| {
        let [error, whole] = sums[unique.binary_search(name).expect("all names are there")];
        if whole > 0.0 { (error / whole).sqrt() } else { error.sqrt() }
    };
    Ok(names.iter().map(of_name).collect())
}
