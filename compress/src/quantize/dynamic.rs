//! Weights as bytes by the file, activations as bytes by each run.

use zantc::ir::Tensor;
use zantc::onnx::ElementType;
use zantc::onnx::proto::{AttributeProto, NodeProto};

use super::rounding::codes;
use super::weights_only::by_channels;
use super::{MOST, recurrent};
use crate::layer::{Form, Layer, layers};
use crate::net::{Net, node, with_integer};

/// Quantizes the weights of all layers, and the inputs of products in each run (DynamicQuantizeLinear), whose sums are integers. Convolutions
/// and recurrent layers read their bytes through DequantizeLinear and compute in floats, as they do in other tools: there a run would spend
/// more on measuring pixels than it gains. The products' weights are uint8 with the zero point 128: sums of signed bytes overflow 16 bits in
/// other runtimes on some CPUs.
pub fn dynamic(net: &Net) -> Net {
    let mut net = net.clone();
    let found: Vec<Layer> = layers(&net).into_iter().map(|layer| layer.with_own_constants(&mut net)).collect();
    for layer in found.iter().filter(|l| !is_product(l)) {
        by_channels(&mut net, layer, &[], MOST, ElementType::I8);
    }
    recurrent::quantize(&mut net);
    let before = std::mem::take(&mut net.before);
    let mut writer = Writer { net: net.clone(), nodes: before, inputs: Vec::new() };
    for (at, original) in net.nodes().iter().enumerate() {
        match found.iter().find(|l| is_product(l) && (l.node == at || l.bias_node == Some(at))) {
            Some(layer) if layer.node == at => writer.product(layer),
            // The bias was written with the layer.
            Some(_) => {}
            None => writer.nodes.push(original.clone()),
        }
    }
    let Writer { net: mut written, nodes, .. } = writer;
    *written.nodes_mut() = nodes;
    written.sweep();
    written
}

fn is_product(layer: &Layer) -> bool {
    matches!(layer.form, Form::Rows | Form::Columns)
}

struct Writer {
    net: Net,
    nodes: Vec<NodeProto>,
    /// Bytes, scale and zero point of the inputs that were quantized, by their names.
    inputs: Vec<(String, [String; 3])>,
}

impl Writer {
    fn push(&mut self, op: &str, inputs: &[&str], wanted: &str, attributes: Vec<AttributeProto>) -> String {
        let name = self.net.fresh(wanted);
        self.nodes.push(node(op, &name, inputs, &name, attributes));
        name
    }

    /// Bytes, scale and zero point of an input; layers that read one value share them.
    fn input(&mut self, value: &str) -> [String; 3] {
        if let Some((_, known)) = self.inputs.iter().find(|(name, _)| name == value) {
            return known.clone();
        }
        let names = ["quantized", "scale", "zero_point"].map(|part| self.net.fresh(&format!("{value}_{part}")));
        let mut quantize = node("DynamicQuantizeLinear", &names[0], &[value], &names[0], Vec::new());
        quantize.output = names.to_vec();
        self.nodes.push(quantize);
        self.inputs.push((value.to_string(), names.clone()));
        names
    }

    fn product(&mut self, layer: &Layer) {
        let rows = layer.weights(&self.net);
        let biases = layer.bias.is_some().then(|| layer.biases(&self.net));
        let codes = codes(&rows, layer.depth, None, MOST, false);
        let [x, x_scale, x_zero] = self.input(&layer.input);
        let (weight, zero) = self.weights(layer, &codes.codes);
        let read = [x.as_str(), &weight, &x_zero, &zero];
        let sums = self.push("MatMulInteger", &read, &format!("{}_sums", layer.output), Vec::new());
        let floats = self.push("Cast", &[&sums], &format!("{}_cast", layer.output), vec![with_integer("to", 1)]);
        let scale = self.net.fresh(&format!("{}_scale", layer.weight));
        self.net.set_floats(&scale, &[layer.outputs], &codes.scales);
        let both = self.push("Mul", &[&x_scale, &scale], &format!("{}_scales", layer.output), Vec::new());
        let Some(biases) = biases else {
            return self.nodes.push(node("Mul", &layer.name, &[&floats, &both], &layer.output, Vec::new()));
        };
        let scaled = self.push("Mul", &[&floats, &both], &format!("{}_scaled", layer.output), Vec::new());
        let bias = self.net.fresh(&format!("{}_bias", layer.output));
        self.net.set_floats(&bias, &[layer.outputs], &biases);
        self.nodes.push(node("Add", &layer.name, &[&scaled, &bias], &layer.output, Vec::new()));
    }

    /// Stores codes as uint8 around 128, `[inputs, outputs]`. Gives them and their zero point.
    fn weights(&mut self, layer: &Layer, codes: &[i8]) -> (String, String) {
        let (depth, outputs) = (layer.depth, layer.outputs);
        let turned = (0..depth).flat_map(|k| (0..outputs).map(move |o| o * depth + k));
        let turned: Vec<u8> = turned.map(|at| (i32::from(codes[at]) + 128) as u8).collect();
        let name = self.net.fresh(&format!("{}_quantized", layer.weight));
        self.net.set(&name, &Tensor::from_elements([depth, outputs], &turned));
        let zero = self.net.fresh(&format!("{}_zero_point", layer.weight));
        self.net.set(&zero, &Tensor::from_elements([], &[128u8]));
        (name, zero)
    }
}
