//! Multiply-adds of operators.

use crate::ir::{Op, Type};

/// Multiply-adds of an operator.
pub(super) fn macs(op: &Op, operands: &[Type], result: &Type) -> u64 {
    let out = result.elements() as u64;
    match op {
        Op::Conv { .. } | Op::QConv { .. } => out * operands[1].shape[1..].iter().product::<usize>() as u64,
        Op::ConvTranspose { .. } => {
            // Every input element meets every tap of its group once.
            let taps: usize = operands[1].shape[1..3].iter().product();
            let per_group = operands[1].shape[0] * operands[1].shape[3] / operands[0].shape[3].max(1);
            operands[0].elements() as u64 * (taps * per_group) as u64
        }
        Op::MatMul { .. } | Op::DynamicMatMul { .. } => out * operands[0].shape.last().copied().unwrap_or(1) as u64,
        Op::Quantized { .. }
        | Op::Pool { .. }
        | Op::Reduce { .. }
        | Op::Arg { .. }
        | Op::Map { .. }
        | Op::Movement(_)
        | Op::Concat { .. }
        | Op::Gather { .. }
        | Op::GatherElements { .. }
        | Op::GatherNd { .. }
        | Op::ScatterElements { .. }
        | Op::ScatterNd { .. }
        | Op::Softmax { .. }
        | Op::Norm { .. }
        | Op::Cumulative { .. }
        | Op::TopK { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::text::parse;

    /// Of the one node of a graph with two inputs.
    fn of(x: &str, w: &str, node: &str) -> u64 {
        let text = format!("graph \"\"\n  in %0 \"x\": {x}\n  in %1 \"w\": {w}\n  %2 = {node}\n  out \"y\" = %2\n");
        let graph = parse(&text).unwrap();
        let node = &graph.nodes[0];
        let operands: Vec<Type> = node.inputs.iter().map(|&i| graph.ty(i).clone()).collect();
        macs(&node.op, &operands, graph.ty(node.outputs[0]))
    }

    #[test]
    fn every_product_counts_once() {
        // 4 x 4 pixels of 4 channels, each of 3 x 3 taps of 2 inputs.
        assert_eq!(of("f32[1,6,6,2]", "f32[4,3,3,2]", "conv %0, %1 {kernel 3x3} : f32[1,4,4,4]"), 16 * 4 * 18);
        // 36 pixels of 2 inputs, each times 2 x 4 taps of the 3 outputs of its group.
        let turned = "conv_transpose %0, %1 {kernel 2x4, stride 3x1, pad 0 2 0 1, groups 2} : f32[1,17,6,6]";
        assert_eq!(of("f32[1,6,6,2]", "f32[6,2,4,1]", turned), 72 * 8 * 3);
        assert_eq!(of("f32[2,3]", "f32[3,5]", "matmul %0, %1 : f32[2,5]"), 30);
        assert_eq!(of("f32[2,3]", "f32[2,3]", "map %0, %1 {Add(x0, x1)} : f32[2,3]"), 0);
    }
}
