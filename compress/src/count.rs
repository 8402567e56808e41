//! How many parameters a model has that are not zero.

use std::collections::{BTreeMap, BTreeSet};

use zantc::diag::{Diagnostic, codes};
use zantc::import::from_raw;
use zantc::ir::{DType, Tensor};
use zantc::onnx::proto::{AttributeProto, NodeProto, TensorProto};
use zantc::onnx::{AttributeValue, Limits, Model, RawTensor};

use crate::Outcome;

/// Operators that read codes: where the codes stand among their operands, and where scale and zero point of them.
const READERS: [(&str, usize, &[usize], usize); 10] = [
    ("DequantizeLinear", 0, &[1], 2),
    ("MatMulInteger", 0, &[], 2),
    ("MatMulInteger", 1, &[], 3),
    ("ConvInteger", 0, &[], 2),
    ("ConvInteger", 1, &[], 3),
    ("QLinearConv", 3, &[1, 4, 6, 7], 5),
    ("QLinearMatMul", 0, &[1, 4, 6, 7], 2),
    ("QLinearMatMul", 3, &[], 5),
    ("QLinearConv", 0, &[], 2),
    ("QuantizeLinear", 0, &[1], 2),
];

/// How many weights and biases of a model are not zero. Codes are zero where they are their zero point; scales, zero points, and integers of
/// 64 bits, which are shapes and indices, are no parameters.
///
/// # Errors
/// A constant that cannot be read.
pub fn parameters(model: &Model) -> Outcome<u64> {
    let graph = &model.proto.graph;
    let mut zeros: BTreeMap<&str, &str> = BTreeMap::new();
    let mut beside: BTreeSet<&str> = BTreeSet::new();
    for node in &graph.node {
        for (_, codes, scales, zero) in READERS.iter().filter(|(op, ..)| *op == node.op_type) {
            let operand = |at: usize| node.input.get(at).map(String::as_str).filter(|name| !name.is_empty());
            if let (Some(codes), Some(zero)) = (operand(*codes), operand(*zero)) {
                zeros.insert(codes, zero);
            }
            beside.extend(scales.iter().chain([zero]).filter_map(|at| operand(*at)));
        }
    }
    let stored = graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor));
    let made = graph
        .node
        .iter()
        .filter(|n| n.op_type == "Constant")
        .filter_map(|n| Some((n.output.first()?.as_str(), value(n)?)));
    let constants: BTreeMap<&str, &TensorProto> = stored.chain(made).collect();
    let mut count = 0;
    for (name, tensor) in constants.iter().filter(|(name, _)| !beside.contains(*name)) {
        let tensor = read(name, tensor)?;
        let zero = zeros.get(name).and_then(|zero| constants.get(zero).map(|t| read(zero, t))).transpose()?;
        count += nonzero(&tensor, zero.as_ref());
    }
    Ok(count)
}

/// The tensor of a node that is a constant.
fn value(node: &NodeProto) -> Option<&TensorProto> {
    match node.attribute.iter().find(|a| a.name == "value").and_then(AttributeProto::value) {
        Some(AttributeValue::Tensor(tensor)) => Some(tensor),
        _ => None,
    }
}

fn read(name: &str, tensor: &TensorProto) -> Outcome<Tensor> {
    let fault =
        |why: String| vec![Diagnostic::error(codes::BAD_DATA, format!("cannot read the constant {name:?}: {why}"))];
    let raw = RawTensor::decode(tensor, &Limits::default()).map_err(|e| fault(e.to_string()))?;
    from_raw(&raw).map_err(|e| fault(e.message))
}

fn nonzero(tensor: &Tensor, zero: Option<&Tensor>) -> u64 {
    if matches!(tensor.dtype(), DType::I64 | DType::U64 | DType::Bool) {
        return 0;
    }
    // One zero point for all: those of channels are the same wherever weights are symmetric.
    let zero = zero.and_then(Tensor::uniform).map_or(0.0, |z| z.to_f64());
    tensor.scalars().filter(|v| v.to_f64() != zero).count() as u64
}
