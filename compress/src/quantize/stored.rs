//! Weights that are integers beside activations in floats: they count as floats when activations become integers too.

use zantc::onnx::proto::NodeProto;

use crate::net::{Links, Net, attribute, dimension, integer, is_onnx};

/// Makes constants of floats of such weights.
pub(super) fn widen(net: &mut Net) {
    let links = net.links();
    for at in 0..net.nodes().len() {
        let node = net.nodes()[at].clone();
        if !is_of_floats(net, &links, &node) {
            continue;
        }
        let Some((shape, numbers)) = numbers(net, &node) else { continue };
        // The node makes this name still; it is swept, since its readers read the constant.
        let name = net.fresh(&format!("{}_widened", node.output[0]));
        net.set_floats(&name, &shape, &numbers);
        net.redirect(&node.output[0], &name);
    }
    net.sweep();
}

/// Whether a node makes weights of constants, for products of floats alone.
fn is_of_floats(net: &Net, links: &Links, node: &NodeProto) -> bool {
    let dequantizes = |n: &NodeProto| is_onnx(&n.domain) && n.op_type == "DequantizeLinear";
    let (Some(codes), Some(output)) = (node.input.first(), node.output.first()) else { return false };
    let multiplies = |&at: &usize| {
        let reader = &net.nodes()[at];
        let operand = reader.input.first().and_then(|x| links.maker(x)).map(|maker| &net.nodes()[maker]);
        let is_product = is_onnx(&reader.domain) && matches!(reader.op_type.as_str(), "Conv" | "MatMul" | "Gemm");
        is_product && reader.input.get(1) == Some(output) && !operand.is_some_and(dequantizes)
    };
    let readers = links.readers(output);
    let own = dequantizes(node) && net.is_constant(codes) && attribute(node, "block_size").is_none();
    own && !links.is_output(output) && !readers.is_empty() && readers.iter().all(multiplies)
}

/// What a DequantizeLinear of a constant makes: `(code - zero) * scale`, with one scale or one for each index of a dimension.
fn numbers(net: &Net, node: &NodeProto) -> Option<(Vec<usize>, Vec<f32>)> {
    let (codes, shape) = (net.integers(&node.input[0])?, net.constant(&node.input[0])?.dims.clone());
    let (_, scales) = net.floats(node.input.get(1)?)?;
    let zeros = match node.input.get(2).filter(|name| !name.is_empty()) {
        Some(name) => net.integers(name)?,
        None => vec![0; scales.len()],
    };
    let axis = dimension(integer(node, "axis", 1), shape.len());
    let (count, inner) = match axis {
        Some(axis) => (shape[axis], shape[axis + 1..].iter().product::<usize>().max(1)),
        None => (1, 1),
    };
    let fits = scales.len() == zeros.len() && (scales.len() == 1 || axis.is_some() && scales.len() == count);
    let place = |i: usize| if scales.len() == 1 { 0 } else { i / inner % count.max(1) };
    let number = |(i, code): (usize, &i64)| (code - zeros[place(i)]) as f32 * scales[place(i)];
    fits.then(|| (shape, codes.iter().enumerate().map(number).collect()))
}
