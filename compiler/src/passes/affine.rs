//! Folds Maps that scale and shift channels (BatchNormalization, a scalar Mul or Add) into the weights and the bias of the
//! convolution or matrix product before them, and a scale before a convolution into its weights.
//!
//! The folded factors are computed in f64 and rounded once.

use crate::ir::{BinaryOp, DType, Evaluate, Expr, ExprOp, Graph, Node, Op, Tensor, UnaryOp, ValueId};

use super::epilogue::epilogue_mut;
use super::rewrite::{Rewriter, merge_origins, rewrite};

/// `scale * x + shift` per channel.
#[derive(Clone, Debug, PartialEq)]
struct Affine {
    scale: Vec<f64>,
    shift: Vec<f64>,
}

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| match fold_behind(rw, &node).or_else(|| fold_before(rw, &node)) {
        Some(new) => rw.put(new),
        None => rw.keep(node),
    })
}

/// The product with the Map behind it folded in.
fn fold_behind(rw: &mut Rewriter<'_>, map: &Node) -> Option<Node> {
    let Op::Map { expr } = &map.op else { return None };
    let (at, product) = map.inputs.iter().enumerate().find_map(|(at, &v)| {
        let p = rw.producer(v)?;
        (rw.uses(v) == 1 && is_plain_product(rw, p)).then(|| (at, p.clone()))
    })?;
    let out = rw.ty(map.outputs[0]);
    if *out != *rw.ty(product.outputs[0]) {
        return None;
    }
    let channels = *out.shape.last()?;
    let affine = affine_of(rw, (expr, map), at, channels)?;
    let weights = scaled_weights(rw, &product, &affine.scale)?;
    let mut op = product.op.clone();
    let epilogue = epilogue_mut(&mut op)?;
    let bias = match epilogue.bias {
        true => rw.data(product.inputs[2])?.to_vec::<f32>()?,
        false => vec![0.0; channels],
    };
    epilogue.bias = true;
    let bias: Vec<f32> = bias
        .iter()
        .zip(affine.scale.iter().zip(&affine.shift))
        .map(|(&b, (scale, shift))| (f64::from(b) * scale + shift) as f32)
        .collect();
    let name = rw.name(product.inputs[1]);
    let bias = rw.graph.add_constant(format!("{name}_bias"), Tensor::from_elements([channels], &bias));
    let inputs = vec![product.inputs[0], weights, bias];
    let origin = merge_origins(&product.origin, &map.origin);
    Some(Node { op, inputs, outputs: map.outputs.clone(), origin })
}

/// A product of f32 with constant weights and no epilogue but a constant bias.
fn is_plain_product(rw: &Rewriter<'_>, node: &Node) -> bool {
    let (Op::Conv { epilogue, .. } | Op::MatMul { epilogue }) = &node.op else { return false };
    let plain = !epilogue.residual && epilogue.activation == crate::ir::Activation::None;
    let weights = node.inputs[1];
    let flat = matches!(node.op, Op::Conv { .. }) || rw.ty(weights).rank() == 2;
    plain && flat && rw.ty(weights).dtype == DType::F32 && node.inputs[1..].iter().all(|&v| rw.data(v).is_some())
}

/// The weights with each output channel scaled; the same where all factors are one.
fn scaled_weights(rw: &mut Rewriter<'_>, product: &Node, scale: &[f64]) -> Option<ValueId> {
    let w = product.inputs[1];
    if scale.iter().all(|&s| s == 1.0) {
        return Some(w);
    }
    let name = rw.name(w);
    let t = rw.data(w)?;
    let shape = t.shape().to_vec();
    // Weights that were stored in few bits stay so: their scales are multiplied.
    let axis = if matches!(product.op, Op::Conv { .. }) { 0 } else { shape.len() - 1 };
    if let Some(stored) = rw.graph.stored.get(&w).and_then(|stored| stored.scaled(axis, scale)) {
        let w = rw.graph.add_constant(name, stored.real());
        rw.graph.stored.insert(w, stored);
        return Some(w);
    }
    let mut data = t.to_vec::<f32>()?;
    // Output channels are the outermost dimension of a convolution's weights, the innermost of a matrix's.
    let per_channel = if matches!(product.op, Op::Conv { .. }) { data.len() / scale.len().max(1) } else { 1 };
    for (i, v) in data.iter_mut().enumerate() {
        *v = (f64::from(*v) * scale[i / per_channel.max(1) % scale.len()]) as f32;
    }
    Some(rw.graph.add_constant(name, Tensor::from_elements(shape, &data)))
}

/// A Map as a function of its operand `at`, where it is `scale * x + shift` with constants per channel.
fn affine_of(rw: &Rewriter<'_>, (expr, map): (&Expr, &Node), at: usize, channels: usize) -> Option<Affine> {
    let constants: Vec<Option<Vec<f64>>> = map.inputs.iter().map(|&v| per_channel(rw, v, channels)).collect();
    affine(expr, at, &constants, channels)
}

/// The elements of a constant that has one value, or one for each channel (the last dimension).
fn per_channel(rw: &Rewriter<'_>, v: ValueId, channels: usize) -> Option<Vec<f64>> {
    let t = rw.data(v)?;
    let data = t.to_vec::<f32>()?;
    match (data.len(), t.shape().last()) {
        (1, _) => Some(vec![f64::from(data[0]); channels]),
        (n, Some(&last)) if n == channels && last == channels => Some(data.iter().map(|&x| f64::from(x)).collect()),
        _ => None,
    }
}

/// Follows an expression, keeping every intermediate result as an affine function of input `at`.
fn affine(expr: &Expr, at: usize, constants: &[Option<Vec<f64>>], channels: usize) -> Option<Affine> {
    let constant = |shift: Vec<f64>| Affine { scale: vec![0.0; channels], shift };
    let mut done: Vec<Affine> = Vec::with_capacity(expr.ops().len());
    for op in expr.ops() {
        done.push(match *op {
            ExprOp::Input(n) if n == at => Affine { scale: vec![1.0; channels], shift: vec![0.0; channels] },
            ExprOp::Input(n) => constant(constants[n].clone()?),
            ExprOp::Const(v) => constant(vec![v.to_f64(); channels]),
            ExprOp::Unary(op, a) => unary(op, &done[a])?,
            ExprOp::Binary(op, a, b) => binary(op, &done[a], &done[b])?,
            ExprOp::Select(..) | ExprOp::Cast(..) | ExprOp::BitCast(..) => return None,
        });
    }
    done.pop().filter(|a| a.scale.iter().chain(&a.shift).all(|v| v.is_finite()))
}

fn is_constant(a: &Affine) -> bool {
    a.scale.iter().all(|&s| s == 0.0)
}

fn unary(op: UnaryOp, a: &Affine) -> Option<Affine> {
    let map = |v: &[f64], f: fn(f64) -> f64| v.iter().map(|&x| f(x)).collect::<Vec<_>>();
    let of_constant =
        |f: fn(f64) -> f64| is_constant(a).then(|| Affine { scale: a.scale.clone(), shift: map(&a.shift, f) });
    if op == UnaryOp::Neg {
        Some(Affine { scale: map(&a.scale, |x| -x), shift: map(&a.shift, |x| -x) })
    } else if op == UnaryOp::Sqrt {
        of_constant(f64::sqrt)
    } else if op == UnaryOp::Reciprocal {
        of_constant(f64::recip)
    } else {
        None
    }
}

fn binary(op: BinaryOp, a: &Affine, b: &Affine) -> Option<Affine> {
    let zip =
        |x: &[f64], y: &[f64], f: fn(f64, f64) -> f64| x.iter().zip(y).map(|(&x, &y)| f(x, y)).collect::<Vec<_>>();
    let both =
        |f: fn(f64, f64) -> f64| Some(Affine { scale: zip(&a.scale, &b.scale, f), shift: zip(&a.shift, &b.shift, f) });
    let by_constant = |x: &Affine, k: &Affine, f: fn(f64, f64) -> f64| {
        Some(Affine { scale: zip(&x.scale, &k.shift, f), shift: zip(&x.shift, &k.shift, f) })
    };
    match (op, is_constant(a), is_constant(b)) {
        (BinaryOp::Add, ..) => both(|x, y| x + y),
        (BinaryOp::Sub, ..) => both(|x, y| x - y),
        (BinaryOp::Mul, _, true) => by_constant(a, b, |x, k| x * k),
        (BinaryOp::Mul, true, _) => by_constant(b, a, |x, k| x * k),
        (BinaryOp::Div, _, true) => by_constant(a, b, |x, k| x / k),
        _ => None,
    }
}

/// The product with a Map before it that only scales, by one factor, folded into its weights.
fn fold_before(rw: &mut Rewriter<'_>, product: &Node) -> Option<Node> {
    let (Op::Conv { .. } | Op::MatMul { .. }) = product.op else { return None };
    let shaped = product.inputs[0];
    let x = rw.reshaped(shaped).filter(|_| rw.uses(shaped) == 1).unwrap_or(shaped);
    let map = rw.producer(x).filter(|_| rw.uses(x) == 1)?.clone();
    let Op::Map { expr } = &map.op else { return None };
    let w = product.inputs[1];
    if map.inputs.len() != 1 || rw.data(w).is_none() || rw.ty(w).dtype != DType::F32 {
        return None;
    }
    let factor = affine_of(rw, (expr, &map), 0, 1).filter(|a| a.shift == [0.0])?.scale[0];
    let t = rw.data(w)?;
    let data: Vec<f32> = t.to_vec::<f32>()?.iter().map(|&v| (f64::from(v) * factor) as f32).collect();
    let (shape, name) = (t.shape().to_vec(), rw.name(w));
    let mut inputs = product.inputs.clone();
    let own_shape = rw.ty(shaped).shape.clone();
    inputs[0] = rw.reshape(map.inputs[0], &own_shape, &map.origin, &rw.name(shaped));
    inputs[1] = rw.graph.add_constant(name, Tensor::from_elements(shape, &data));
    let origin = merge_origins(&map.origin, &product.origin);
    Some(Node { inputs, origin, ..product.clone() })
}
