//! Weights as bytes by the file, activations as bytes by each run.

use zantc::ir::Tensor;
use zantc::onnx::proto::{AttributeProto, NodeProto};

use super::MOST;
use super::rounding::codes;
use crate::layer::{Form, Layer, layers};
use crate::net::{Net, node, with_integer};

/// Quantizes the weights of convolutions and products, and their inputs in each run (DynamicQuantizeLinear); sums are integers, what follows
/// is in floats. Weights are uint8 with the zero point 128: sums of signed bytes overflow 16 bits in other runtimes on some CPUs.
pub fn dynamic(net: &Net) -> Net {
    let mut net = net.clone();
    let found: Vec<Layer> = layers(&net)
        .into_iter()
        .filter(|l| !matches!(l.form, Form::ConvTranspose { .. }))
        .map(|layer| layer.with_own_constants(&mut net))
        .collect();
    let mut writer = Writer { net: net.clone(), nodes: Vec::new(), inputs: Vec::new() };
    for (at, original) in net.nodes().iter().enumerate() {
        match found.iter().find(|layer| layer.node == at || layer.bias_node == Some(at)) {
            Some(layer) if layer.node == at => writer.layer(layer, original),
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

    fn layer(&mut self, layer: &Layer, original: &NodeProto) {
        let rows = layer.weights(&self.net);
        let biases = layer.bias.is_some().then(|| layer.biases(&self.net));
        let codes = codes(&rows, layer.depth, None, MOST, false);
        let [x, x_scale, x_zero] = self.input(&layer.input);
        let (weight, zero) = self.weights(layer, &codes.codes);
        let is_conv = matches!(layer.form, Form::Conv(_));
        let op = if is_conv { "ConvInteger" } else { "MatMulInteger" };
        let attributes = if is_conv { original.attribute.clone() } else { Vec::new() };
        let sums = self.push(op, &[&x, &weight, &x_zero, &zero], &format!("{}_sums", layer.output), attributes);
        let floats = self.push("Cast", &[&sums], &format!("{}_cast", layer.output), vec![with_integer("to", 1)]);
        // One number for each channel, which stands along the channels of the sums.
        let shape = if let Form::Conv(_) = layer.form {
            let rank = self.net.floats(&layer.weight).map_or(4, |(shape, _)| shape.len());
            let mut shape = vec![1; rank];
            shape[1] = layer.outputs;
            shape
        } else {
            vec![layer.outputs]
        };
        let scale = self.net.fresh(&format!("{}_scale", layer.weight));
        self.net.set_floats(&scale, &shape, &codes.scales);
        let both = self.push("Mul", &[&x_scale, &scale], &format!("{}_scales", layer.output), Vec::new());
        let Some(biases) = biases else {
            return self.nodes.push(node("Mul", &layer.name, &[&floats, &both], &layer.output, Vec::new()));
        };
        let scaled = self.push("Mul", &[&floats, &both], &format!("{}_scaled", layer.output), Vec::new());
        let bias = self.net.fresh(&format!("{}_bias", layer.output));
        self.net.set_floats(&bias, &shape, &biases);
        self.nodes.push(node("Add", &layer.name, &[&scaled, &bias], &layer.output, Vec::new()));
    }

    /// Stores codes as uint8 around 128; products take them as `[inputs, outputs]`. Gives them and their zero point.
    fn weights(&mut self, layer: &Layer, codes: &[i8]) -> (String, String) {
        let above = |code: &i8| (i32::from(*code) + 128) as u8;
        let name = self.net.fresh(&format!("{}_quantized", layer.weight));
        let tensor = if let Form::Conv(_) = layer.form {
            let shape = self.net.floats(&layer.weight).map(|(shape, _)| shape).unwrap_or_default();
            Tensor::from_elements(shape, &codes.iter().map(above).collect::<Vec<u8>>())
        } else {
            let (depth, outputs) = (layer.depth, layer.outputs);
            let turned = (0..depth).flat_map(|k| (0..outputs).map(move |o| o * depth + k));
            let turned: Vec<u8> = turned.map(|at| above(&codes[at])).collect();
            Tensor::from_elements([depth, outputs], &turned)
        };
        self.net.set(&name, &tensor);
        let zero = self.net.fresh(&format!("{}_zero_point", layer.weight));
        self.net.set(&zero, &Tensor::from_elements([], &[128u8]));
        (name, zero)
    }
}
