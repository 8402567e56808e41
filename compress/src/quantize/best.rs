//! The best of several calibrations, told by examples that none of them saw.
//!
//! No way to choose ranges is best for all networks, and equalised channels may cost more than they bring. What is chosen is told by the
//! distance of the model's first result from the float model's; labels are not looked at.

use std::collections::BTreeSet;
use std::ops::Range;

use super::report::relative_errors;
use super::{Calibrated, Calibration, Measured, Options};
use crate::Outcome;
use crate::data::Data;
use crate::method::Bench;
use crate::net::Net;

/// The ways that are tried, the usual one first: it stays where none is better.
const TRIED: [Calibration; 4] =
    [Calibration::Mse, Calibration::MinMax, Calibration::Percentile(0.01), Calibration::Entropy];

/// Examples that judge, at most and at least.
const JUDGES: usize = 256;
const FEWEST: usize = 16;

/// The model with the ranges that bring it nearest to the float one.
pub(super) fn best(net: &Net, options: Options, bench: &Bench<'_>) -> Outcome<Calibrated> {
    let judges = judges(bench.data, options.examples);
    let mut best: Option<(f64, Calibrated)> = None;
    for equalise in [true, false] {
        if equalise && !options.equalise {
            continue;
        }
        let measured = Measured::new(net, Options { equalise, ..options }, bench)?;
        for by in TRIED {
            (bench.progress)(&format!("trying {by}{}", if measured.equalised { ", channels equalised" } else { "" }));
            let tried = measured.calibrated(by);
            let error = error(net, &tried, judges.clone(), bench)?;
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

/// How far the first result is from the float model's.
fn error(net: &Net, tried: &Calibrated, judges: Range<usize>, bench: &Bench<'_>) -> Outcome<f64> {
    let first: Vec<String> = net.outputs().iter().take(1).map(|o| o.name.clone()).collect();
    let quantized = tried.without(&BTreeSet::new());
    let errors = relative_errors([net, &quantized], &first, judges, bench)?;
    Ok(errors.first().copied().filter(|e| e.is_finite()).unwrap_or(f64::MAX))
}

/// The examples behind those that calibrate; where there are too few of them, the first ones.
fn judges(data: &Data, calibrating: usize) -> Range<usize> {
    let behind = calibrating..data.len().min(calibrating + JUDGES);
    if behind.len() >= FEWEST.max(data.batch()) { behind } else { 0..JUDGES }
}
