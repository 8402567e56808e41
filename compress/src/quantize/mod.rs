//! Quantization: weights as bytes with activations of 8 or 16 bits, weights alone in few bits.

mod best;
mod biases;
mod dynamic;
pub(crate) mod equalise;
mod mixed;
mod places;
mod ranges;
mod recurrent;
mod report;
mod rounding;
mod stored;
mod weights_only;
mod write;

pub use biases::biases;
pub use dynamic::dynamic;
pub use mixed::mixed;
pub use ranges::{Activations, Calibration, Levels};
pub use report::{LayerReport, Precision, Report};
pub(crate) use weights_only::{int4, int8, rounded, store, written};
pub use weights_only::{weights_int4, weights_int8};

use std::collections::{BTreeMap, BTreeSet};

use zantc::diag::{Diagnostic, codes};
use zantc::ir::Type;

use crate::Outcome;
use crate::gram::{Budget, measure};
use crate::layer::{Layer, layers};
use crate::method::Bench;
use crate::net::Net;
use crate::probe::{Probe, types};
use places::Kind;
use ranges::Histogram;
pub(crate) use rounding::Codes;

/// A higher precision than bytes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Higher {
    /// Weights and activations as they were.
    Floats,
    /// Activations of 16 bits; weights of 8 bits, as the others'.
    Int16,
}

/// How a model becomes integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// How ranges of activations are chosen.
    pub calibration: Calibration,
    /// The integers that activations become. Beside int16 weights are int8 all the same (16x8).
    pub activations: Activations,
    /// What layers are given that lose too much.
    pub higher: Higher,
    /// Whether a layer's weights have one scale, or one for each output channel. Depthwise convolutions always have one for each.
    pub per_tensor: bool,
    /// Whether weights are rounded so that the layer's output changes least, or to the nearest code.
    pub reconstruct: bool,
    /// Whether channels of one value are brought nearer to each other first, where the float model stays the same.
    pub equalise: bool,
    /// Whether biases take up what rounding changed in the mean.
    pub correct_biases: bool,
    /// Examples that are looked at.
    pub examples: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            calibration: Calibration::Mse,
            activations: Activations::Int8,
            higher: Higher::Floats,
            per_tensor: false,
            reconstruct: true,
            equalise: true,
            correct_biases: true,
            examples: 512,
        }
    }
}

/// All that was measured of a model: it becomes bytes, wholly or in part, without looking at an example again.
#[derive(Debug)]
pub struct Calibrated {
    net: Net,
    layers: Vec<Layer>,
    /// Which of them compute in floats, with bytes as weights.
    gates: Vec<bool>,
    types: BTreeMap<String, Type>,
    /// The range of each value that may become bytes.
    ranges: BTreeMap<String, (f32, f32)>,
    /// Codes and biases of each layer.
    coded: Vec<(Codes, Vec<f32>)>,
    options: Options,
    /// Whether channels were scaled.
    equalised: bool,
}

/// Codes reach 127 on both sides.
const MOST: i32 = 127;

impl Calibrated {
    /// Measures a model on the examples.
    ///
    /// # Errors
    /// A model without layers, or one that does not compile or run on the examples.
    pub fn new(net: &Net, options: Options, bench: &Bench<'_>) -> Outcome<Calibrated> {
        match options.calibration {
            Calibration::Best => best::best(net, options, bench),
            chosen => Ok(Measured::new(net, options, bench)?.calibrated(chosen)),
        }
    }

    /// The names of the layers.
    pub fn layers(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().map(|layer| layer.name.as_str())
    }

    /// The model with all layers as bytes but those of such indices, which have the higher precision.
    pub fn without(&self, higher: &BTreeSet<usize>) -> Net {
        write::write(self, higher)
    }

    /// The float model, with constants that no two layers share.
    pub fn float(&self) -> &Net {
        &self.net
    }
}

/// Quantizes weights and activations by calibration, and says what became of each layer.
///
/// # Errors
/// As of [`Calibrated::new`].
pub fn static_int8(net: &Net, options: Options, bench: &Bench<'_>) -> Outcome<(Net, Report)> {
    let calibrated = Calibrated::new(net, options, bench)?;
    let quantized = calibrated.without(&BTreeSet::new());
    let report = report::report(&calibrated, &quantized, &BTreeSet::new(), &[], bench)?;
    Ok((quantized, report))
}

/// A model whose values were counted and whose weights are rounded: ranges can be chosen from it in several ways.
struct Measured {
    net: Net,
    layers: Vec<Layer>,
    gates: Vec<bool>,
    types: BTreeMap<String, Type>,
    histograms: BTreeMap<String, Histogram>,
    coded: Vec<(Codes, Vec<f32>)>,
    options: Options,
    /// Whether channels were scaled.
    equalised: bool,
}

impl Measured {
    fn new(net: &Net, options: Options, bench: &Bench<'_>) -> Outcome<Measured> {
        let mut net = net.clone();
        stored::widen(&mut net);
        let mut layers: Vec<Layer> = layers(&net).into_iter().filter(places::runs_on_bytes).collect();
        if layers.is_empty() {
            let help = "it is quantized already, or has no product with constant 32-bit floats";
            return Err(vec![
                Diagnostic::error(codes::UNSUPPORTED_FORM, "the model has no layer to quantize").help(help),
            ]);
        }
        layers = layers.into_iter().map(|layer| layer.with_own_constants(&mut net)).collect();
        let types = types(&net)?;
        let gates = places::gates(&net, &layers, &types);
        let kinds: Vec<Kind> = gates.iter().map(|gate| if *gate { Kind::Gate } else { Kind::Bytes }).collect();
        let places = places::places(&net, &layers, &kinds, &types);
        (bench.progress)("measuring ranges");
        let names: Vec<String> = places.groups.keys().cloned().collect();
        let mut histograms = histograms(&net, &names, options, bench)?;
        let mut equalised = false;
        if options.equalise {
            let ranges = ranges(&net, &histograms, options, options.calibration);
            equalised = equalise::equalise(&mut net, &ranges, bench)? > 0;
            if equalised {
                histograms = self::histograms(&net, &names, options, bench)?;
            }
        }
        let coded = coded(&net, &layers, options, bench)?;
        Ok(Measured { net, layers, gates, types, histograms, coded, options, equalised })
    }

    /// The model with ranges that are chosen in such a way.
    fn calibrated(&self, by: Calibration) -> Calibrated {
        Calibrated {
            net: self.net.clone(),
            layers: self.layers.clone(),
            gates: self.gates.clone(),
            types: self.types.clone(),
            ranges: ranges(&self.net, &self.histograms, self.options, by),
            coded: self.coded.clone(),
            options: Options { calibration: by, ..self.options },
            equalised: self.equalised,
        }
    }
}

/// The numbers of values, counted over the examples.
fn histograms(
    net: &Net,
    names: &[String],
    options: Options,
    bench: &Bench<'_>,
) -> Outcome<BTreeMap<String, Histogram>> {
    let mut histograms = vec![Histogram::default(); names.len()];
    let probe = Probe::new(net, names)?;
    probe.each(bench.data, 0..options.examples, &mut |values| {
        histograms.iter_mut().zip(values).for_each(|(h, value)| h.widen(value));
    })?;
    if options.calibration != Calibration::MinMax {
        probe.each(bench.data, 0..options.examples, &mut |values| {
            histograms.iter_mut().zip(values).for_each(|(h, value)| h.count(value));
        })?;
    }
    Ok(names.iter().cloned().zip(histograms).collect())
}

/// The ranges of values as a calibration chooses them.
fn ranges(
    net: &Net,
    histograms: &BTreeMap<String, Histogram>,
    options: Options,
    by: Calibration,
) -> BTreeMap<String, (f32, f32)> {
    let links = net.links();
    // The largest score is the class: what the caller gets is not cut.
    let by = |name: &String| if links.is_output(name) { Calibration::MinMax } else { by };
    histograms.iter().map(|(name, h)| (name.clone(), h.range(by(name), options.activations))).collect()
}

/// The codes of all layers, and the biases that go with them.
fn coded(net: &Net, layers: &[Layer], options: Options, bench: &Bench<'_>) -> Outcome<Vec<(Codes, Vec<f32>)>> {
    let mut coded: Vec<Option<(Codes, Vec<f32>)>> = vec![None; layers.len()];
    let one = |layer: &Layer| options.per_tensor && !layer.is_depthwise();
    if options.reconstruct || options.correct_biases {
        let budget = Budget { examples: options.examples, ..Budget::default() };
        measure(net, layers, bench.data, budget, &mut |at, grams| {
            let layer = &layers[at];
            (bench.progress)(&format!("rounding {}", layer.name));
            let (rows, mut biases) = (layer.weights(net), layer.biases(net));
            let each = layer.outputs / layer.groups * layer.depth;
            let mut whole = Codes { codes: Vec::new(), scales: Vec::new() };
            for (group, (rows, gram)) in rows.chunks(each).zip(&grams).enumerate() {
                let known = options.reconstruct.then_some(gram);
                let found = rounding::codes(rows, layer.depth, known, MOST, one(layer));
                if options.correct_biases {
                    let first = group * (layer.outputs / layer.groups);
                    gram.correct(&mut biases[first..], rows, &found.weights());
                }
                whole.codes.extend(found.codes);
                whole.scales.extend(found.scales);
            }
            if one(layer) && layer.groups > 1 {
                // Groups were looked at one by one.
                whole = rounding::codes(&rows, layer.depth, None, MOST, true);
            }
            coded[at] = Some((whole, biases));
            Ok(())
        })?;
    }
    let plain =
        |layer: &Layer| (rounding::codes(&layer.weights(net), layer.depth, None, MOST, one(layer)), layer.biases(net));
    Ok(coded.into_iter().zip(layers).map(|(found, layer)| found.unwrap_or_else(|| plain(layer))).collect())
}
