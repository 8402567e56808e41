//! As few layers of a higher precision as an accuracy allows.

use std::collections::BTreeSet;

use zantc::config::Config;
use zantc::pipeline::compile;

use super::report::{relative_errors, report};
use super::{Calibrated, Higher, Options, Report};
use crate::data::{Data, Labels};
use crate::method::Bench;
use crate::net::Net;
use crate::{Metric, Outcome, evaluate};

/// Examples by which the sensitivity of layers is told.
const EXAMPLES: usize = 64;

/// Quantizes a model so that its accuracy on the examples falls by at most `drop` percentage points (of other metrics than shares: percent
/// of the float model's value), with the fewest layers of the higher precision: those whose quantization alone disturbs the output most. Where 16 bits are
/// not enough for all layers together, it is floats.
///
/// # Errors
/// As of [`Calibrated::new`]; examples without labels.
pub fn mixed(net: &Net, options: Options, drop: f64, bench: &Bench<'_>) -> Outcome<(Net, Report)> {
    let calibrated = Calibrated::new(net, options, bench)?;
    let count = calibrated.layers.len();
    let judge = Judge::new(calibrated.float(), bench, drop)?;
    let whole = calibrated.without(&BTreeSet::new());
    if judge.accepts(&whole, bench)? {
        let report = report(&calibrated, &whole, &BTreeSet::new(), &[], bench)?;
        return Ok((whole, report));
    }
    let outputs: Vec<String> = net.outputs().iter().take(1).map(|o| o.name.clone()).collect();
    let mut sensitivity = Vec::with_capacity(count);
    for at in 0..count {
        (bench.progress)(&format!("sensitivity of {}", calibrated.layers[at].name));
        let others: BTreeSet<usize> = (0..count).filter(|other| *other != at).collect();
        let alone = calibrated.without(&others);
        let errors = relative_errors([calibrated.float(), &alone], &outputs, 0..EXAMPLES, bench)?;
        sensitivity.push(errors.first().copied().unwrap_or(0.0));
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| sensitivity[b].total_cmp(&sensitivity[a]).then(a.cmp(&b)));
    let first = |n: usize| order[..n].iter().copied().collect::<BTreeSet<usize>>();
    // The fewest layers with which it is good enough: with all of them it is the float model.
    let (mut low, mut high) = (1, count);
    while low < high {
        let middle = usize::midpoint(low, high);
        (bench.progress)(&format!("{middle} layers of higher precision"));
        if judge.accepts(&calibrated.without(&first(middle)), bench)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    let (kept, quantized) = (first(high), calibrated.without(&first(high)));
    if options.higher == Higher::Int16 && high == count && !judge.accepts(&quantized, bench)? {
        return mixed(net, Options { higher: Higher::Floats, ..options }, drop, bench);
    }
    let report = report(&calibrated, &quantized, &kept, &sensitivity, bench)?;
    Ok((quantized, report))
}

/// Says whether a model is good enough.
struct Judge {
    metric: Metric,
    float: f64,
    drop: f64,
}

impl Judge {
    fn new(float: &Net, bench: &Bench<'_>, drop: f64) -> Outcome<Judge> {
        let metric = Metric::usual(bench.data.labels());
        let labelled = *bench.data.labels() != Labels::Nothing;
        Ok(Judge { metric, float: if labelled { score(float, bench.data, metric)? } else { 0.0 }, drop })
    }

    fn accepts(&self, net: &Net, bench: &Bench<'_>) -> Outcome<bool> {
        let found = score(net, bench.data, self.metric)?;
        Ok(match self.metric {
            Metric::Mse | Metric::Mae => found <= self.float * (1.0 + self.drop / 100.0),
            Metric::Top1 | Metric::Top5 | Metric::F1 | Metric::Auc => found >= self.float - self.drop / 100.0,
        })
    }
}

fn score(net: &Net, data: &Data, metric: Metric) -> Outcome<f64> {
    let compiled = compile(&net.to_model(), &Config::new())?;
    Ok(evaluate(&compiled, data, metric, &|_| {})?.score.value)
}
