//! Raises a model to the operator set that quantized files need.

use std::collections::BTreeSet;

use zantc::diag::{Diagnostic, codes};
use zantc::ir::Tensor;

use super::{Net, attribute, integer, integers, is_onnx};
use crate::Outcome;
use crate::probe::types;
use zantc::onnx::AttributeValue;

/// The first operator set whose DequantizeLinear has scales per channel.
const NEEDED: i64 = 13;

/// Operators that mean the same in operator sets 9 to 13, for floats.
const SAME: &[&str] = &[
    "Abs",
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Ceil",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "ConvTranspose",
    "DepthToSpace",
    "Div",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "Floor",
    "GRU",
    "Gather",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Greater",
    "HardSigmoid",
    "Identity",
    "InstanceNormalization",
    "LSTM",
    "LRN",
    "LeakyRelu",
    "Less",
    "Log",
    "MatMul",
    "Max",
    "MaxPool",
    "Min",
    "Mul",
    "Neg",
    "Not",
    "PRelu",
    "Pow",
    "RNN",
    "Reciprocal",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "Relu",
    "Reshape",
    "Shape",
    "Sigmoid",
    "Sign",
    "Slice",
    "Softplus",
    "Softsign",
    "SpaceToDepth",
    "Sqrt",
    "Sub",
    "Tanh",
    "Tile",
    "Transpose",
    "Unsqueeze",
    "Squeeze",
    "Split",
    "Softmax",
    "LogSoftmax",
    "ReduceSum",
    "Clip",
    "Pad",
    "Dropout",
    "Where",
];

impl Net {
    /// Raises the operator set to 13, where it is older.
    ///
    /// # Errors
    /// The operator that would change its meaning.
    pub(super) fn raise(&mut self) -> Outcome<()> {
        let own = self.opset();
        if own >= NEEDED {
            return Ok(());
        }
        let fail = |what: String| {
            let help = "export the model at opset 13 or newer";
            Err(vec![Diagnostic::error(codes::UNSUPPORTED_OPERATOR, what).help(help)])
        };
        if own < 9 {
            return fail(format!("the model is of opset {own}, and compression needs {NEEDED}"));
        }
        let last = self.over_last_axis();
        for at in 0..self.nodes().len() {
            let node = &self.nodes()[at];
            if !is_onnx(&node.domain) || last.contains(&at) {
                continue;
            }
            let (op, name) = (node.op_type.clone(), node.name.escape_debug().to_string());
            let same = SAME.contains(&op.as_str()) && node.attribute.iter().all(|a| a.g.is_none());
            if !same || !self.moved(at, &op) {
                return fail(format!(
                    "the {op} `{name}` of opset {own} has no form in opset {NEEDED} that is known here"
                ));
            }
        }
        self.set_opset(NEEDED);
        Ok(())
    }

    /// The nodes of a softmax, or its logarithm, over the last dimension: the same in all versions.
    fn over_last_axis(&self) -> BTreeSet<usize> {
        let is_softmax = |at: &usize| matches!(self.nodes()[*at].op_type.as_str(), "Softmax" | "LogSoftmax");
        let found: Vec<usize> = (0..self.nodes().len()).filter(is_softmax).collect();
        if found.is_empty() {
            return BTreeSet::new();
        }
        // A model that is not understood here gets its diagnostics later.
        let types = types(self).unwrap_or_default();
        let is_last = |at: &usize| {
            let node = &self.nodes()[*at];
            let rank = node.input.first().and_then(|input| types.get(input)).map(|ty| ty.rank() as i64);
            rank.is_some_and(|rank| integer(node, "axis", 1) == rank - 1)
        };
        found.into_iter().filter(is_last).collect()
    }

    /// Raises the operator set to the first whose DequantizeLinear has blocks and four bits, where each operator means the same in it.
    pub(crate) fn raise_for_blocks(&mut self) -> bool {
        const BLOCKS: i64 = 21;
        let own = self.opset();
        if own >= BLOCKS {
            return true;
        }
        let reduces = |op: &str| op.starts_with("Reduce") && op != "ReduceSum";
        let known = |n: &zantc::onnx::proto::NodeProto| {
            let listed = SAME.contains(&n.op_type.as_str())
                || ["HardSwish", "QuantizeLinear", "DequantizeLinear"].contains(&n.op_type.as_str());
            is_onnx(&n.domain)
                && listed
                && n.attribute.iter().all(|a| a.g.is_none())
                && (n.op_type != "Split" || n.input.len() > 1)
        };
        if !self.nodes().iter().all(known) {
            return false;
        }
        for at in 0..self.nodes().len() {
            // Axes are operands since 18.
            if own < 18 && reduces(&self.nodes()[at].op_type) {
                let axes = integers(&self.nodes()[at], "axes");
                self.operand(at, "axes", axes.map(|axes| Tensor::from_elements([axes.len()], &axes)), 1);
            }
        }
        self.set_opset(BLOCKS);
        true
    }

    /// Makes operands of attributes, where opset 13 wants that. Whether the meaning is kept.
    fn moved(&mut self, at: usize, op: &str) -> bool {
        match op {
            "Squeeze" | "Unsqueeze" | "ReduceSum" => {
                let axes = integers(&self.nodes()[at], "axes");
                self.operand(at, "axes", axes.map(|axes| Tensor::from_elements([axes.len()], &axes)), 1);
                true
            }
            "Split" => {
                let parts = integers(&self.nodes()[at], "split");
                self.operand(at, "split", parts.map(|parts| Tensor::from_elements([parts.len()], &parts)), 1);
                true
            }
            // Before 13 the dimensions behind the axis were one: the last axis means the same.
            "Softmax" | "LogSoftmax" => {
                let axis = integer(&self.nodes()[at], "axis", 1);
                axis == -1 || (axis == 1 && self.feeds_matrix(at))
            }
            "Clip" => {
                for (place, name) in [(1, "min"), (2, "max")] {
                    let bound = match attribute(&self.nodes()[at], name) {
                        Some(AttributeValue::Float(v)) => Some(Tensor::from_elements([], &[v])),
                        _ => None,
                    };
                    self.operand(at, name, bound, place);
                }
                true
            }
            "Pad" => {
                let pads = integers(&self.nodes()[at], "pads");
                let value = match attribute(&self.nodes()[at], "value") {
                    Some(AttributeValue::Float(v)) => Some(Tensor::from_elements([], &[v])),
                    _ => None,
                };
                self.operand(at, "pads", pads.map(|pads| Tensor::from_elements([pads.len()], &pads)), 1);
                self.operand(at, "value", value, 2);
                true
            }
            "Dropout" => {
                self.nodes_mut()[at].attribute.clear();
                true
            }
            // Slice's limits are operands since 10.
            "Slice" => integers(&self.nodes()[at], "starts").is_none(),
            _ => true,
        }
    }

    /// Whether a node reads what a product of matrices, or a flattening, made.
    fn feeds_matrix(&self, at: usize) -> bool {
        let links = self.links();
        let mut value = self.nodes()[at].input.first();
        while let Some(maker) = value.and_then(|v| links.maker(v)) {
            let node = &self.nodes()[maker];
            match node.op_type.as_str() {
                "Gemm" | "Flatten" => return true,
                "Add" | "Relu" | "Identity" | "Dropout" => value = node.input.first(),
                _ => return false,
            }
        }
        false
    }

    /// Makes an operand of an attribute.
    fn operand(&mut self, at: usize, name: &str, value: Option<Tensor>, place: usize) {
        let Some(value) = value else { return };
        let output = self.nodes()[at].output.first().cloned().unwrap_or_default();
        let constant = self.fresh(&format!("{output}_{name}"));
        self.set(&constant, &value);
        let node = &mut self.nodes_mut()[at];
        node.attribute.retain(|a| a.name != name);
        node.input.resize(node.input.len().max(place + 1), String::new());
        node.input[place] = constant;
    }
}
