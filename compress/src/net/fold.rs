//! What a model for inference does not need: constants as nodes, operators that change nothing, batch normalisations.

use zantc::diag::{Diagnostic, codes};
use zantc::ir::Tensor;
use zantc::onnx::proto::{AttributeProto, NodeProto};
use zantc::onnx::{AttributeValue, Limits, RawTensor};

use super::{Net, float, is_onnx, unreadable};
use crate::Outcome;
use crate::layer::{Layer, layers};

impl Net {
    /// Brings the model into the form that methods work on.
    pub(super) fn fold(&mut self) -> Outcome<()> {
        self.constants_of_nodes()?;
        self.without_idle_nodes();
        while self.one_batch_normalisation()? {}
        self.sweep();
        Ok(())
    }

    /// Constant nodes of tensors, floats and integers become initializers.
    fn constants_of_nodes(&mut self) -> Outcome<()> {
        let mut nodes = Vec::new();
        for node in std::mem::take(self.nodes_mut()) {
            let constant =
                if is(&node, "Constant") { node.attribute.first().and_then(AttributeProto::value) } else { None };
            let Some((constant, name)) = constant.zip(node.output.first().cloned()) else {
                nodes.push(node);
                continue;
            };
            match constant {
                AttributeValue::Tensor(tensor) => {
                    let raw =
                        RawTensor::decode(tensor, &Limits::default()).map_err(|e| unreadable(&name, &e.to_string()))?;
                    self.insert(RawTensor { name, ..raw });
                }
                AttributeValue::Float(v) => self.set(&name, &Tensor::from_elements([], &[v])),
                AttributeValue::Floats(v) => self.set(&name, &Tensor::from_elements([v.len()], v)),
                AttributeValue::Int(v) => self.set(&name, &Tensor::from_elements([], &[v])),
                AttributeValue::Ints(v) => self.set(&name, &Tensor::from_elements([v.len()], v)),
                _ => nodes.push(node),
            }
        }
        *self.nodes_mut() = nodes;
        Ok(())
    }

    /// Readers of an Identity or a Dropout read what that reads; a Transpose of a constant matrix is computed.
    fn without_idle_nodes(&mut self) {
        let links = self.links();
        for at in 0..self.nodes().len() {
            let node = self.nodes()[at].clone();
            let (Some(from), Some(to)) = (node.input.first(), node.output.first()) else { continue };
            if links.is_output(to) {
                continue;
            }
            let training = node.input.get(2).is_some_and(|mode| !mode.is_empty());
            let mask = node.output.get(1).is_some_and(|mask| !links.readers(mask).is_empty() || links.is_output(mask));
            if is(&node, "Identity") || (is(&node, "Dropout") && !training && !mask) {
                self.redirect(to, from);
            } else if is(&node, "Transpose")
                && let Some((shape, elements)) = self.floats(from)
                && let [rows, columns] = *shape
                && super::integers(&node, "perm").is_none_or(|perm| perm == [1, 0])
            {
                let turned: Vec<f32> = (0..columns)
                    .flat_map(|c| (0..rows).map(move |r| (r, c)))
                    .map(|(r, c)| elements[r * columns + c])
                    .collect();
                // The node makes this name still; it is swept, since its readers read the constant.
                let name = self.fresh(&format!("{to}_folded"));
                self.set_floats(&name, &[columns, rows], &turned);
                self.redirect(to, &name);
            }
        }
    }

    /// Makes one batch normalisation part of the layer before it: `scale (W x + b - mean) / sqrt(var + epsilon) + B`.
    fn one_batch_normalisation(&mut self) -> Outcome<bool> {
        let links = self.links();
        for layer in layers(self) {
            let Some(reader) = links.only_reader(&layer.output) else { continue };
            let node = self.nodes()[reader].clone();
            if !is(&node, "BatchNormalization") || node.output.len() > 1 && !node.output[1].is_empty() {
                continue;
            }
            let parameter = |at: usize| node.input.get(at).and_then(|name| self.floats(name)).map(|(_, v)| v);
            let (Some(scale), Some(bias), Some(mean), Some(variance)) =
                (parameter(1), parameter(2), parameter(3), parameter(4))
            else {
                continue;
            };
            if [&scale, &bias, &mean, &variance].iter().any(|v| v.len() != layer.outputs) {
                let message =
                    format!("the normalisation `{}` is not of {} channels", node.name.escape_debug(), layer.outputs);
                return Err(vec![Diagnostic::error(codes::MALFORMED_GRAPH, message)]);
            }
            let epsilon = float(&node, "epsilon", 1e-5);
            let gain: Vec<f64> = (0..layer.outputs)
                .map(|c| f64::from(scale[c]) / (f64::from(variance[c]) + f64::from(epsilon)).sqrt())
                .collect();
            let mut rows = layer.weights(self);
            for (row, gain) in rows.chunks_mut(layer.depth.max(1)).zip(&gain) {
                row.iter_mut().for_each(|w| *w = (f64::from(*w) * gain) as f32);
            }
            let own = layer.biases(self);
            let biases: Vec<f32> = (0..layer.outputs)
                .map(|c| ((f64::from(own[c]) - f64::from(mean[c])) * gain[c] + f64::from(bias[c])) as f32)
                .collect();
            let layer: Layer = layer.with_own_constants(self);
            layer.set_weights(self, &rows);
            layer.set_biases(self, &biases);
            let output = node.output[0].clone();
            self.nodes_mut()[layer.node].output[0] = output;
            self.nodes_mut().remove(reader);
            return Ok(true);
        }
        Ok(false)
    }
}

/// Whether a node is an operator of ONNX's own.
fn is(node: &NodeProto, op: &str) -> bool {
    is_onnx(&node.domain) && node.op_type == op
}
