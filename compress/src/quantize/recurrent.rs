//! Weights of recurrent layers as bytes: LSTM, GRU and RNN read them through DequantizeLinear, and compute in floats.

use std::collections::BTreeMap;

use zantc::ir::Tensor;

use super::MOST;
use super::rounding::codes;
use crate::net::{Net, is_onnx, node, with_integer};

/// Gives the weights of input and state of all recurrent layers codes with a scale for each row, which is that of one gate's number. The
/// conversions wait in `net.before`.
pub(super) fn quantize(net: &mut Net) {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for at in 0..net.nodes().len() {
        let own = &net.nodes()[at];
        if !is_onnx(&own.domain) || !matches!(own.op_type.as_str(), "LSTM" | "GRU" | "RNN") {
            continue;
        }
        let weights: Vec<String> = own.input.iter().skip(1).take(2).cloned().collect();
        for (weight, place) in weights.into_iter().zip([1, 2]) {
            let back = known.get(&weight).cloned().or_else(|| coded(net, &weight));
            if let Some(back) = back {
                net.nodes_mut()[at].input[place] = back.clone();
                known.insert(weight, back);
            }
        }
    }
}

/// Stores the codes of weights `[directions, rows, depth]`. Gives the name of the numbers that they stand for.
fn coded(net: &mut Net, weight: &str) -> Option<String> {
    let (shape, floats) = net.floats(weight)?;
    let &[directions, rows, depth] = shape.as_slice() else { return None };
    if floats.is_empty() {
        return None;
    }
    let codes = codes(&floats, depth, None, MOST, false);
    let [name, scale, back] = ["quantized", "scale", "dequantized"].map(|part| net.fresh(&format!("{weight}_{part}")));
    net.set_floats(&scale, &[directions * rows], &codes.scales);
    if directions == 1 {
        net.set(&name, &Tensor::from_elements(shape, &codes.codes));
        net.before.push(node("DequantizeLinear", &back, &[&name, &scale], &back, vec![with_integer("axis", 1)]));
        return Some(back);
    }
    // A scale belongs to a row of one direction: the rows of all directions follow each other.
    net.set(&name, &Tensor::from_elements([directions * rows, depth], &codes.codes));
    let [flat, wanted] = ["rows", "shape"].map(|part| net.fresh(&format!("{weight}_{part}")));
    let dims: Vec<i64> = shape.iter().map(|&d| d as i64).collect();
    net.set(&wanted, &Tensor::from_elements([3], &dims));
    net.before.push(node("DequantizeLinear", &flat, &[&name, &scale], &flat, vec![with_integer("axis", 0)]));
    net.before.push(node("Reshape", &back, &[&flat, &wanted], &back, Vec::new()));
    Some(back)
}
