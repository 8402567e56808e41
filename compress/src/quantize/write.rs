//! Quantized models as ONNX writes them: QuantizeLinear and DequantizeLinear around operators, codes behind DequantizeLinear.

use std::collections::{BTreeMap, BTreeSet};

use zantc::ir::Tensor;
use zantc::onnx::proto::NodeProto;

use super::biases::stored;
use super::places::{Kind, places};
use super::ranges::{Activations, Levels};
use super::rounding::Codes;
use super::{Calibrated, Higher};
use crate::layer::Layer;
use crate::net::{Net, node, with_integer};

/// The model with all layers as bytes but those of such indices, which have the higher precision.
pub(super) fn write(calibrated: &Calibrated, higher: &BTreeSet<usize>) -> Net {
    let floats = calibrated.options.higher == Higher::Floats;
    let kind = |at: usize| match (floats && higher.contains(&at), calibrated.gates[at]) {
        (true, _) => Kind::Floats,
        (false, true) => Kind::Gate,
        (false, false) => Kind::Bytes,
    };
    let layers = &calibrated.layers;
    let kinds: Vec<Kind> = (0..layers.len()).map(kind).collect();
    let mut places = places(&calibrated.net, layers, &kinds, &calibrated.types);
    places.groups.retain(|value, _| calibrated.ranges.contains_key(value));
    let mut ranges: BTreeMap<usize, (f32, f32)> = BTreeMap::new();
    for (value, group) in &places.groups {
        let (low, high) = calibrated.ranges[value];
        let range = ranges.entry(*group).or_insert((low, high));
        *range = (range.0.min(low), range.1.max(high));
    }
    // What layers of 16 bits read and make has 16 bits, and all that shares their scale.
    let wide: BTreeSet<usize> = match calibrated.options.higher {
        Higher::Floats => BTreeSet::new(),
        Higher::Int16 => {
            let values = higher.iter().flat_map(|&at| [&layers[at].input, &layers[at].output]);
            values.filter_map(|value| places.groups.get(value).copied()).collect()
        }
    };
    let levels = |value: &String| {
        let group = places.groups[value];
        let (low, high) = ranges[&group];
        let of = if wide.contains(&group) { Activations::Int16 } else { calibrated.options.activations };
        Levels::for_range(low, high, of)
    };
    let mut net = calibrated.net.clone();
    let is_wide = places.groups.keys().any(|value| levels(value).of == Activations::Int16);
    let domain = if !is_wide || net.raise_for_blocks() { "" } else { net.import_contributed() };
    let (originals, links) = (net.nodes().to_vec(), calibrated.net.links());
    let mut writer = Writer { net, nodes: Vec::new(), renamed: BTreeMap::new(), wide: domain };
    for input in calibrated.net.inputs() {
        if places.groups.contains_key(&input.name) {
            writer.convert(&input.name, levels(&input.name));
        }
    }
    for (at, original) in originals.iter().enumerate() {
        let mut changed = original.clone();
        for (index, own) in layers.iter().enumerate() {
            let (codes, biases) = &calibrated.coded[index];
            let (is_node, is_bias) = (own.node == at, own.bias_node == Some(at));
            if kinds[index] == Kind::Gate && is_node {
                changed.input[1] = writer.weights(own, codes);
            }
            if kinds[index] != Kind::Bytes || !(is_node || is_bias) {
                continue;
            }
            let input = levels(&own.input);
            let codes = with_room(own, codes, biases, input.scale, calibrated);
            if is_node {
                changed.input[1] = writer.weights(own, &codes);
            }
            let place = changed.input.iter().position(|i| Some(i) == own.bias.as_ref());
            if let Some(place) = place.filter(|_| is_bias || own.bias_node.is_none()) {
                changed.input[place] = writer.biases(own, biases, &codes.scales, input.scale);
            }
        }
        for input in &mut changed.input {
            if let Some(bytes) = writer.renamed.get(input) {
                *input = bytes.clone();
            }
        }
        let outputs = original.output.iter().filter(|o| places.groups.contains_key(*o));
        let given: BTreeMap<&String, String> = outputs
            .clone()
            .filter(|o| links.is_output(o))
            .map(|o| (o, writer.net.fresh(&format!("{o}_float"))))
            .collect();
        changed.output.iter_mut().for_each(|o| *o = given.get(&*o).unwrap_or(o).clone());
        writer.nodes.push(changed);
        for output in outputs {
            match given.get(output) {
                Some(float) => writer.give(output, float, levels(output)),
                None => writer.convert(output, levels(output)),
            }
        }
    }
    let Writer { mut net, nodes, .. } = writer;
    *net.nodes_mut() = nodes;
    net.sweep();
    net
}

/// Codes whose scales leave the biases room in 32 bits: a row of tiny weights under a large bias gets a larger scale.
fn with_room(layer: &Layer, codes: &Codes, biases: &[f32], input: f32, calibrated: &Calibrated) -> Codes {
    /// Biases stay below this, so that there is room for the products.
    const ROOM: f32 = (1u32 << 30) as f32;
    let fits = |(scale, bias): (&f32, &f32)| bias.abs() <= ROOM * input * scale;
    if codes.scales.iter().zip(biases).all(fits) {
        return codes.clone();
    }
    let rows = layer.weights(&calibrated.net);
    let mut wider = codes.clone();
    for (row, (scale, bias)) in wider.scales.iter_mut().zip(biases).enumerate() {
        if !fits((scale, bias)) {
            *scale = bias.abs() / (ROOM * input) * 1.01;
            let codes = &mut wider.codes[row * layer.depth..][..layer.depth];
            let weights = &rows[row * layer.depth..][..layer.depth];
            codes
                .iter_mut()
                .zip(weights)
                .for_each(|(c, w)| *c = (w / *scale).round_ties_even().clamp(-127.0, 127.0) as i8);
        }
    }
    wider
}

/// A model that is being written.
struct Writer {
    net: Net,
    nodes: Vec<NodeProto>,
    /// The dequantized form of values that are integers.
    renamed: BTreeMap<String, String>,
    /// The domain whose conversions know 16 bits.
    wide: &'static str,
}

impl Writer {
    fn zero(&mut self, name: &str, levels: Levels) -> String {
        let name = self.net.fresh(&format!("{name}_zero_point"));
        self.net.set(&name, &levels.zero_point());
        name
    }

    fn scales(&mut self, name: &str, shape: &[usize], scales: &[f32]) -> String {
        let name = self.net.fresh(&format!("{name}_scale"));
        self.net.set_floats(&name, shape, scales);
        name
    }

    /// Writes the conversion of a value to integers and back, which the nodes behind it read.
    fn convert(&mut self, value: &str, levels: Levels) {
        let back = self.net.fresh(&format!("{value}_dequantized"));
        self.there_and_back(value, &back, levels);
        self.renamed.insert(value.to_string(), back);
    }

    /// Writes the conversion of a float to the model's output.
    fn give(&mut self, output: &str, float: &str, levels: Levels) {
        self.there_and_back(float, output, levels);
    }

    fn there_and_back(&mut self, value: &str, back: &str, levels: Levels) {
        let (scale, zero) = (self.scales(value, &[], &[levels.scale]), self.zero(value, levels));
        let quantized = self.net.fresh(&format!("{value}_quantized"));
        let there = node("QuantizeLinear", &quantized, &[value, &scale, &zero], &quantized, Vec::new());
        let back = node("DequantizeLinear", back, &[&quantized, &scale, &zero], back, Vec::new());
        let domain = if levels.of == Activations::Int16 { self.wide } else { "" };
        self.nodes.extend([there, back].map(|n| NodeProto { domain: domain.into(), ..n }));
    }

    /// Writes a layer's codes; gives the name of the weights that they stand for.
    fn weights(&mut self, layer: &Layer, codes: &Codes) -> String {
        let shape = self.net.floats(&layer.weight).map(|(shape, _)| shape).unwrap_or_default();
        let stored: Vec<i8> = layer.places().map(|place| codes.codes[place]).collect();
        let name = self.net.fresh(&format!("{}_quantized", layer.weight));
        self.net.set(&name, &Tensor::from_elements(shape, &stored));
        let alike = codes.scales.iter().all(|s| *s == codes.scales[0]);
        let (scale, axis) = match layer.axis().filter(|_| !alike || codes.scales.len() == 1) {
            Some(axis) => (
                self.scales(&layer.weight, &[codes.scales.len()], &codes.scales),
                vec![with_integer("axis", axis as i64)],
            ),
            None => (self.scales(&layer.weight, &[], &codes.scales[..1]), Vec::new()),
        };
        let back = self.net.fresh(&format!("{}_dequantized", layer.weight));
        self.nodes.push(node("DequantizeLinear", &back, &[&name, &scale], &back, axis));
        back
    }

    /// Writes a layer's biases as 32-bit integers in the scale of its sums.
    fn biases(&mut self, layer: &Layer, biases: &[f32], scales: &[f32], input: f32) -> String {
        let bias = layer.bias.clone().unwrap_or_default();
        let shape = match self.net.floats(&bias) {
            Some((shape, old)) if old.len() == biases.len() => shape,
            _ => vec![biases.len()],
        };
        let of_sums: Vec<f32> = scales.iter().map(|s| s * input).collect();
        let dequantize = stored(&mut self.net, &bias, shape, biases, &of_sums);
        let back = dequantize.output[0].clone();
        self.nodes.push(dequantize);
        back
    }
}
