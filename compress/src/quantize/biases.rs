//! Biases of floats beside bytes, as training with fake quantization exports them: rounded to integers in the scale of the sums, so that
//! layers can compute with integers alone.

use zantc::diag::{Diagnostic, codes};
use zantc::ir::Tensor;
use zantc::onnx::proto::NodeProto;

use crate::Outcome;
use crate::net::{Links, Net, attribute, dimension, float, integer, integers, is_onnx, node, with_integer};

/// Operators that give bytes as they are, in other places or fewer of them.
const MOVES: &[&str] =
    &["Flatten", "Gather", "Identity", "MaxPool", "Relu", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"];

/// A bias stays below this in the scale of the sums, so that there is room for the products.
const ROOM: f64 = (1u32 << 30) as f64;

/// A bias that can be an integer.
struct Found {
    /// Where it is read.
    node: usize,
    operand: usize,
    /// The scale of the sums, for each output channel.
    scales: Vec<f32>,
}

/// Rounds the biases of convolutions and products whose operands are both dequantized to multiples of the product of their scales: by half
/// of such a step at most, which is a small part of a step of the result. So do onnxruntime and the runtimes of microcontrollers when
/// they load such a model.
///
/// # Errors
/// No bias of floats stands beside bytes.
pub fn biases(net: &Net) -> Outcome<Net> {
    let mut net = net.clone();
    let links = net.links();
    let found: Vec<Found> = (0..net.nodes().len()).filter_map(|at| of_node(&net, &links, at)).collect();
    let mut made = Vec::new();
    for Found { node: at, operand, scales } in found {
        let name = net.nodes()[at].input[operand].clone();
        let Some((shape, numbers)) = net.floats(&name) else { continue };
        if numbers.iter().zip(&scales).all(|(bias, scale)| steps(*bias, *scale).abs() <= ROOM) {
            let back = stored(&mut net, &name, shape, &numbers, &scales);
            net.nodes_mut()[at].input[operand] = back.output[0].clone();
            made.push(back);
        }
    }
    if made.is_empty() {
        let help = "it rounds constants of f32 that are added to products of two DequantizeLinear";
        return Err(vec![Diagnostic::error(codes::BAD_OPTION, "no bias of floats stands beside bytes").help(help)]);
    }
    made.append(net.nodes_mut());
    *net.nodes_mut() = made;
    net.sweep();
    Ok(net)
}

/// The bias of a node, where it has one of floats beside bytes.
fn of_node(net: &Net, links: &Links, at: usize) -> Option<Found> {
    let product = net.nodes().get(at).filter(|node| is_onnx(&node.domain))?;
    let axis = output_axis(product)?;
    let input = dequantized(net, links, product.input.first()?, MOVES)?;
    let [scale] = net.floats(input.input.get(1)?)?.1[..] else { return None };
    let (weights, turned) = weights(net, links, product.input.get(1)?)?;
    let (node, operand) = match product.op_type.as_str() {
        "MatMul" => addition(net, links, product)?,
        _ => (at, 2),
    };
    let (shape, bias) = net.floats(net.nodes()[node].input.get(operand)?)?;
    let outputs = bias.len();
    let of_weights = net.floats(weights.input.get(1)?)?.1;
    let rank = net.constant(source(net, links, weights)?)?.dims.len();
    let along = dimension(integer(weights, "axis", 1), rank)?;
    let along = if turned { rank.checked_sub(1)?.checked_sub(along)? } else { along };
    let all = match of_weights.as_slice() {
        [one] => vec![*one; outputs],
        many if many.len() == outputs && along == axis => many.to_vec(),
        _ => return None,
    };
    let scales: Vec<f32> = all.iter().map(|s| s * scale).collect();
    let is_row = shape.last() == Some(&outputs) && scales.iter().all(|s| s.is_normal() && *s > 0.0);
    is_row.then_some(Found { node, operand, scales })
}

/// The dimension of the weights that counts outputs, of operators that multiply and add.
fn output_axis(node: &NodeProto) -> Option<usize> {
    match node.op_type.as_str() {
        "Conv" => Some(0),
        "ConvTranspose" if integer(node, "group", 1) == 1 => Some(1),
        "Gemm" if float(node, "alpha", 1.0) != 1.0 || float(node, "beta", 1.0) != 1.0 => None,
        "Gemm" => Some(usize::from(integer(node, "transB", 0) == 0)),
        "MatMul" => Some(1),
        _ => None,
    }
}

/// The DequantizeLinear that makes a value, through operators of such names.
fn dequantized<'n>(net: &'n Net, links: &Links, value: &str, through: &[&str]) -> Option<&'n NodeProto> {
    let mut value = value;
    // A model is no longer than this.
    for _ in 0..=net.nodes().len() {
        let made = net.nodes().get(links.maker(value)?).filter(|node| is_onnx(&node.domain))?;
        match made.op_type.as_str() {
            "DequantizeLinear" => return Some(made).filter(|node| attribute(node, "block_size").is_none()),
            op if through.contains(&op) => value = made.input.first()?,
            _ => return None,
        }
    }
    None
}

/// The DequantizeLinear of weights, and whether the matrix is transposed behind it.
fn weights<'n>(net: &'n Net, links: &Links, value: &str) -> Option<(&'n NodeProto, bool)> {
    let made = net.nodes().get(links.maker(value)?).filter(|node| is_onnx(&node.domain))?;
    let turned = made.op_type == "Transpose" && integers(made, "perm").is_none_or(|order| order == [1, 0]);
    let value = if turned { made.input.first()? } else { value };
    Some((dequantized(net, links, value, &[])?, turned))
}

/// The constant that weights are: bytes, or the floats that QuantizeLinear reads.
fn source<'n>(net: &'n Net, links: &Links, weights: &'n NodeProto) -> Option<&'n str> {
    let codes = weights.input.first()?;
    if net.is_constant(codes) {
        return Some(codes);
    }
    let made = net.nodes().get(links.maker(codes)?).filter(|node| node.op_type == "QuantizeLinear")?;
    made.input.first().map(String::as_str).filter(|name| net.is_constant(name))
}

/// The addition of a constant behind a MatMul, and which of its operands that is.
fn addition(net: &Net, links: &Links, product: &NodeProto) -> Option<(usize, usize)> {
    let output = product.output.first()?;
    let reader = links.only_reader(output)?;
    let add = net.nodes().get(reader).filter(|node| node.op_type == "Add" && is_onnx(&node.domain))?;
    Some((reader, add.input.iter().position(|input| input != output)?))
}

/// Stores biases as 32-bit integers in the scales of the sums, which have room for them. Gives the DequantizeLinear that makes them floats
/// again.
pub(super) fn stored(net: &mut Net, bias: &str, shape: Vec<usize>, numbers: &[f32], scales: &[f32]) -> NodeProto {
    let axis = shape.len().saturating_sub(1);
    let steps: Vec<i32> = numbers.iter().zip(scales).map(|(b, s)| steps(*b, *s) as i32).collect();
    let codes = net.fresh(&format!("{bias}_quantized"));
    net.set(&codes, &Tensor::from_elements(shape, &steps));
    let scale = net.fresh(&format!("{bias}_scale"));
    net.set_floats(&scale, &[scales.len()], scales);
    let back = net.fresh(&format!("{bias}_dequantized"));
    node("DequantizeLinear", &back, &[&codes, &scale], &back, vec![with_integer("axis", axis as i64)])
}

/// The multiple of a scale that is nearest to a bias.
fn steps(bias: f32, scale: f32) -> f64 {
    (f64::from(bias) / f64::from(scale)).round_ties_even()
}
