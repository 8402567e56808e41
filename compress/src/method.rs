//! Methods by their names, one after the other: `structured-30+int8`.

use zantc::diag::{Diagnostic, codes};

use crate::Outcome;
use crate::data::Data;
use crate::net::Net;
use crate::prune::structured::{Options, PLAIN, Ratios, structured};
use crate::prune::unstructured::{self, unstructured};
use crate::quantize::Activations;
use crate::{quantize, ternarize};

/// What a method works with beside the model.
pub struct Bench<'a> {
    /// Examples to calibrate by; their labels are not looked at.
    pub data: &'a Data,
    /// Hears what is being done, in a few words.
    pub progress: &'a (dyn Fn(&str) + Sync),
}

/// One step of a method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Weights as bytes, activations measured in each run.
    DynamicInt8,
    /// Biases of floats beside bytes, as integers.
    Biases,
    /// Weights and activations as bytes, by calibration.
    Int8,
    /// Weights as bytes and activations of 16 bits, by calibration.
    Int16x8,
    /// Weights alone as bytes.
    WeightsInt8,
    /// Weights alone in four bits, in blocks.
    WeightsInt4,
    /// Weights -s, 0 and s.
    Ternary,
    /// Such a share of all weights becomes zero, in percent, and the others are solved again.
    Unstructured(u32),
    /// Such a share of all weights becomes zero, in percent: the smallest of each layer, and the others stay as they are.
    UnstructuredMagnitude(u32),
    /// Such a share of the channels is removed, in percent, and the rest is solved again.
    Structured(u32),
    /// As many weights as [`Step::Structured`] leaves are left, but channels are removed where least is lost; the rest is solved again.
    Sensitive(u32),
    /// Such a share of the channels is removed, in percent: those of the least weights, and the rest stays as it is.
    StructuredMagnitude(u32),
}

/// The names that stand for steps; a number of percent follows some of them.
const NAMES: [(&str, Step); 7] = [
    ("int8-dynamic", Step::DynamicInt8),
    ("biases", Step::Biases),
    ("int8", Step::Int8),
    ("16x8", Step::Int16x8),
    ("weights-int8", Step::WeightsInt8),
    ("weights-int4", Step::WeightsInt4),
    ("ternary", Step::Ternary),
];

/// The steps of a name: steps joined by `+`.
///
/// # Errors
/// A name that stands for nothing.
pub fn named(name: &str) -> Outcome<Vec<Step>> {
    name.split('+').map(|part| step(part.trim())).collect()
}

fn step(name: &str) -> Outcome<Step> {
    if let Some((_, step)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Ok(*step);
    }
    let percent = |rest: &str| rest.parse::<u32>().ok().filter(|p| (1..=99).contains(p));
    let shares = [
        ("unstructured-", Step::Unstructured as fn(u32) -> Step),
        ("unstructured-magnitude-", Step::UnstructuredMagnitude),
        ("structured-", Step::Structured),
        ("sensitive-", Step::Sensitive),
        ("structured-magnitude-", Step::StructuredMagnitude),
    ];
    let found = shares.iter().find_map(|(prefix, of)| Some(of(percent(name.strip_prefix(prefix)?)?)));
    found.ok_or_else(|| {
        let known: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        let help = format!(
            "there are {}, sensitive-N, unstructured-N, structured-N, the last two with -magnitude before the percent, and several joined by `+`",
            known.join(", ")
        );
        vec![Diagnostic::error(codes::BAD_OPTION, format!("there is no method `{}`", name.escape_debug())).help(help)]
    })
}

/// The name of a step.
pub fn name(step: Step) -> String {
    match step {
        Step::Unstructured(percent) => format!("unstructured-{percent}"),
        Step::UnstructuredMagnitude(percent) => format!("unstructured-magnitude-{percent}"),
        Step::Structured(percent) => format!("structured-{percent}"),
        Step::Sensitive(percent) => format!("sensitive-{percent}"),
        Step::StructuredMagnitude(percent) => format!("structured-magnitude-{percent}"),
        other => NAMES.iter().find(|(_, known)| *known == other).map_or_else(String::new, |(name, _)| (*name).into()),
    }
}

/// Compresses a model by steps, in their order.
///
/// # Errors
/// A model that a method makes nothing of, or that does not run on the examples.
pub fn compress(net: &Net, steps: &[Step], bench: &Bench<'_>) -> Outcome<Net> {
    let mut net = net.clone();
    for step in steps {
        (bench.progress)(&name(*step));
        net = match step {
            Step::DynamicInt8 => quantize::dynamic(&net),
            Step::Biases => quantize::biases(&net)?,
            Step::Int8 => quantize::static_int8(&net, quantize::Options::default(), bench)?.0,
            Step::Int16x8 => {
                let options = quantize::Options { activations: Activations::Int16, ..Default::default() };
                quantize::static_int8(&net, options, bench)?.0
            }
            Step::WeightsInt8 => quantize::weights_int8(&net, bench)?,
            Step::WeightsInt4 => quantize::weights_int4(&net, bench)?,
            Step::Ternary => ternarize(&net, bench)?,
            Step::Unstructured(percent) => unstructured(&net, *percent, unstructured::Options::default(), bench)?,
            Step::UnstructuredMagnitude(percent) => unstructured(&net, *percent, unstructured::PLAIN, bench)?,
            Step::Structured(percent) => structured(&net, *percent, &Options::default(), bench)?,
            Step::Sensitive(percent) => {
                let options = Options { ratios: Ratios::Sensitivity, ..Options::default() };
                structured(&net, *percent, &options, bench)?
            }
            Step::StructuredMagnitude(percent) => structured(&net, *percent, &PLAIN, bench)?,
        };
    }
    Ok(net)
}
