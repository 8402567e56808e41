//! Products of integers whose operand is quantized from numbers on the way, and whose sums become numbers again, are one
//! operator: `DynamicQuantizeLinear`, `MatMulInteger`, and the multiplication by both scales, then the bias.
//!
//! It runs first, when formulas are still as they were imported.

use crate::ir::dynamic::{DynamicQuantization, weights};
use crate::ir::formula::x;
use crate::ir::{BinaryOp, DType, Evaluate, Expr, ExprOp, Graph, Node, Op, ReduceKind, Tensor, ValueId};

use super::rewrite::{Rewriter, merge_origins, rewrite};

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    let formulas = DynamicQuantization::new();
    rewrite(graph, evaluate, |rw, node| match scaled_product(rw, &formulas, &node).or_else(|| biased(rw, &node)) {
        Some(new) => rw.put(new),
        None => rw.keep(node),
    })
}

/// The operands of a Map that is one operation on them, either way round.
fn operands(node: &Node, op: BinaryOp) -> [Option<(ValueId, ValueId)>; 2] {
    let (Op::Map { expr }, &[a, b]) = (&node.op, node.inputs.as_slice()) else { return [None; 2] };
    let is_op = match expr.ops()[expr.result()] {
        ExprOp::Binary(o, l, r) => {
            let operands = [expr.ops()[l], expr.ops()[r]];
            let inputs = [ExprOp::Input(0), ExprOp::Input(1)];
            o == op && (operands == inputs || operands == [inputs[1], inputs[0]])
        }
        ExprOp::Input(_)
        | ExprOp::Const(_)
        | ExprOp::Unary(..)
        | ExprOp::Select(..)
        | ExprOp::Cast(..)
        | ExprOp::BitCast(..) => false,
    };
    if is_op { [Some((a, b)), Some((b, a))] } else { [None; 2] }
}

/// The node that makes a value, where it is a Map of `expr`.
fn map<'r>(rw: &'r Rewriter<'_>, v: ValueId, expr: &Expr) -> Option<&'r Node> {
    rw.producer(v).filter(|node| matches!(&node.op, Op::Map { expr: e } if e == expr))
}

/// Bytes that are quantized as they come, and the values of their scale and zero point.
struct Quantized {
    x: ValueId,
    scale: ValueId,
}

/// What a value of i32 is quantized from, less its zero point.
fn quantized(rw: &Rewriter<'_>, formulas: &DynamicQuantization, v: ValueId) -> Option<Quantized> {
    let centred = map(rw, v, &(x(0).cast(DType::I32) - x(1)).expr(DType::I32))?;
    let &[bytes, wide_zero] = centred.inputs.as_slice() else { return None };
    let &[zero] = map(rw, wide_zero, &x(0).cast(DType::I32).expr(DType::I32))?.inputs.as_slice() else { return None };
    let &[numbers, scale, its_zero] = map(rw, bytes, &formulas.byte)?.inputs.as_slice() else { return None };
    let &[zero_scale, least] = map(rw, zero, &formulas.zero)?.inputs.as_slice() else { return None };
    let &[most, its_least] = map(rw, scale, &formulas.scale)?.inputs.as_slice() else { return None };
    let reduced = |v: ValueId, kind: ReduceKind| {
        let node = rw.producer(v)?;
        let all = (0..rw.ty(numbers).rank()).collect::<Vec<_>>();
        (node.op == Op::Reduce { kind, axes: all } && node.inputs == [numbers]).then_some(())
    };
    reduced(most, ReduceKind::Max)?;
    reduced(least, ReduceKind::Min)?;
    let same = zero == its_zero && scale == zero_scale && least == its_least;
    let whole = rw.ty(v).shape == rw.ty(numbers).shape && rw.ty(numbers).dtype == DType::F32;
    (same && whole).then_some(Quantized { x: numbers, scale })
}

/// A constant scale for each of `n` columns.
fn multiplier(scale: &Tensor, n: usize) -> Option<Tensor> {
    let scales = scale.to_vec::<f32>()?;
    match scales.as_slice() {
        &[one] => Some(Tensor::from_elements([n], &vec![one; n])),
        all if all.len() == n && scale.shape().last() == Some(&n) => Some(Tensor::from_elements([n], all)),
        _ => None,
    }
}

/// `f32(product) * (scale * weights' scale)`.
fn scaled_product(rw: &mut Rewriter<'_>, formulas: &DynamicQuantization, node: &Node) -> Option<Node> {
    let cast = x(0).cast(DType::F32).expr(DType::F32);
    let (product, sums, factor) = operands(node, BinaryOp::Mul).into_iter().flatten().find_map(|(sums, factor)| {
        let &[product] = map(rw, sums, &cast)?.inputs.as_slice() else { return None };
        Some((product, sums, factor))
    })?;
    let matmul = rw.producer(product).filter(|m| matches!(m.op, Op::MatMul { .. }) && m.inputs.len() == 2)?;
    let q = quantized(rw, formulas, matmul.inputs[0])?;
    let (w, offset) = weights(rw.data(matmul.inputs[1])?)?;
    let n = w.shape()[0];
    let factor_node = rw.producer(factor)?;
    let scales = operands(factor_node, BinaryOp::Mul).into_iter().flatten();
    let scale = scales.filter(|(scale, _)| *scale == q.scale).find_map(|(_, other)| multiplier(rw.data(other)?, n))?;
    let same_shape = rw.ty(product).shape == rw.ty(node.outputs[0]).shape;
    if !same_shape || rw.uses(product) != 1 || rw.uses(sums) != 1 {
        return None;
    }
    let name = rw.name(matmul.inputs[1]);
    let origin = merge_origins(&matmul.origin, &node.origin);
    let multiplier = rw.graph.add_constant(format!("{name}_scale"), scale);
    let w = rw.graph.add_constant(name, w);
    let inputs = vec![q.x, w, multiplier];
    Some(Node { op: Op::DynamicMatMul { offset, bias: false }, inputs, outputs: node.outputs.clone(), origin })
}

/// A product and a constant of its columns.
fn biased(rw: &mut Rewriter<'_>, node: &Node) -> Option<Node> {
    let (product, bias) = operands(node, BinaryOp::Add).into_iter().flatten().find(|&(product, bias)| {
        let is_product = rw.producer(product).is_some_and(|p| matches!(p.op, Op::DynamicMatMul { bias: false, .. }));
        let columns = rw.ty(product).shape.last();
        is_product
            && rw.uses(product) == 1
            && rw.ty(bias).shape.last() == columns
            && Some(&rw.ty(bias).elements()) == columns
            && rw.data(bias).is_some()
    })?;
    let same_shape = rw.ty(product).shape == rw.ty(node.outputs[0]).shape;
    let bias = Some(rw.data(bias)?.to_vec::<f32>()?).filter(|_| same_shape)?;
    let made = rw.producer(product)?;
    let Op::DynamicMatMul { offset, .. } = made.op else { return None };
    let (mut inputs, origin) = (made.inputs.clone(), merge_origins(&made.origin, &node.origin));
    let name = format!("{}_bias", rw.graph.value(inputs[1]).name);
    inputs.push(rw.graph.add_constant(name, Tensor::from_elements([bias.len()], &bias)));
    Some(Node { op: Op::DynamicMatMul { offset, bias: true }, inputs, outputs: node.outputs.clone(), origin })
}
