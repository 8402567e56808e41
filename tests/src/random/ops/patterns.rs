//! Nodes that stand together in real models: quantized layers between conversions, sums with what follows them.

use zantc::ir::{DType, Tensor, Type};

use crate::random::draft::{BYTES, Draft};
use crate::random::fill::{Fill, tensor};
use crate::random::grow::Grower;

/// Adds the nodes of a pattern, or nothing.
type Pattern = fn(&mut Grower) -> Option<()>;

/// Patterns by name.
pub const PATTERNS: &[(&str, Pattern)] = &[
    ("quantized Conv", |g| quantized(g, "Conv")),
    ("quantized MatMul", |g| quantized(g, "MatMul")),
    ("quantized Gemm", |g| quantized(g, "Gemm")),
    ("quantized ConvTranspose", |g| quantized(g, "ConvTranspose")),
    ("quantized Add", |g| two(g, "Add")),
    ("quantized Mul", |g| two(g, "Mul")),
    ("quantized AveragePool", |g| between(g, "AveragePool")),
    ("quantized MaxPool", |g| between(g, "MaxPool")),
    ("quantized GlobalAveragePool", |g| between(g, "GlobalAveragePool")),
    ("quantized Softmax", |g| between(g, "Softmax")),
    ("quantized Sigmoid", |g| between(g, "Sigmoid")),
    ("quantized Relu", |g| between(g, "Relu")),
    ("quantized Transpose", |g| between(g, "Transpose")),
    ("quantized Resize", |g| between(g, "Resize")),
    ("quantized Concat", |g| two(g, "Concat")),
    ("dynamic quantization", dynamic),
    ("layer with activation", layer),
    ("residual block", residual),
    ("attention by hand", attention),
    ("ternary product", |g| ternary(g, false)),
    ("ternary product of bytes", |g| ternary(g, true)),
    ("product with coded weights", |g| coded(g, false)),
    ("convolution with coded weights", |g| coded(g, true)),
];

/// Quantized numbers: since opset 21 at times of 16 bits.
fn levels(d: &mut Draft<'_>) -> &'static [DType] {
    const LEVELS: &[DType] = &[DType::I16, DType::U16, DType::I16, DType::I8];
    if d.opset >= 21 && d.one_in(2) { LEVELS } else { BYTES }
}

fn one(v: Option<Vec<usize>>) -> Option<usize> {
    v.and_then(|v| v.first().copied())
}

/// Bytes as floats, of a source of bytes or of what there is.
fn dequantized(g: &mut Grower, value: &[usize]) -> Option<usize> {
    one(g.op("DequantizeLinear", value, |d| {
        let dtypes = levels(d);
        let ty = d.x(dtypes, 2, 4);
        scale(d);
        if !d.one_in(5) {
            d.filled(ty.dtype, [], Fill::Below(20));
        }
        Some(())
    }))
}

fn quantize(g: &mut Grower, value: usize) -> Option<usize> {
    one(g.op("QuantizeLinear", &[value], |d| {
        d.x(&[DType::F32], 0, 4);
        scale(d);
        let dtypes = levels(d);
        let dtype = d.r.pick(dtypes);
        d.filled(dtype, [], Fill::Below(20));
        Some(())
    }))
}

/// A scale that is most often known.
fn scale(d: &mut Draft<'_>) {
    let data = tensor(d.r, &Type::new(DType::F32, []), Fill::Scale, false);
    d.given(data);
}

/// Dequantized bytes in the shape of a map or of a matrix.
fn source(g: &mut Grower, rank: usize) -> Option<usize> {
    let make: fn(&mut Draft<'_>) -> Option<()> = match rank {
        2 => |d| bytes(d, 2),
        _ => |d| bytes(d, 4),
    };
    one(g.op("DequantizeLinear", &[], make))
}

fn bytes(d: &mut Draft<'_>, rank: usize) -> Option<()> {
    let shape: Vec<usize> = (0..rank).map(|i| if i == 0 { d.r.within(1, 2) } else { d.dim() }).collect();
    let dtypes = levels(d);
    let ty = d.x_of(dtypes, shape, |s| s.len() == rank);
    scale(d);
    if !d.one_in(5) {
        let zero = tensor(d.r, &Type::new(ty.dtype, []), Fill::Below(20), false);
        d.given(zero);
    }
    Some(())
}

/// A product of dequantized operands, its weights along an axis, and back to bytes; at times with an activation between.
fn quantized(g: &mut Grower, name: &'static str) -> Option<()> {
    let x = source(g, if name.starts_with("Conv") { 4 } else { 2 })?;
    let shape = g.ty(x).shape.clone();
    let o = g.r.within(1, 6);
    let (weights, axis) = match name {
        "Conv" => {
            let k = g.r.within(1, shape[2].min(shape[3]).clamp(1, 3));
            (vec![o, shape[1], k, k], 0)
        }
        "ConvTranspose" => (vec![shape[1], o, 2, 2], 1),
        _ => (vec![shape[1], o], 1),
    };
    let w = weights_of(g, weights, axis)?;
    let mut operands = vec![x, w];
    if name != "MatMul" && g.r.one_in(2) {
        operands.extend(bias(g, o));
    }
    let mut y = one(g.op(name, &operands, |d| {
        let count = d.forced.len();
        for _ in 0..count {
            d.x(&[DType::F32], 0, 4);
        }
        Some(())
    }))?;
    if name == "MatMul" && g.r.one_in(2) {
        let b = bias(g, o)?;
        y = one(g.op("Add", &[y, b], forced))?;
    }
    if g.r.one_in(3) {
        let name = g.r.pick(&["Relu", "Clip", "LeakyRelu", "HardSigmoid", "Sigmoid"]);
        y = one(g.named(name, &[y])).unwrap_or(y);
    }
    let y = quantize(g, y)?;
    if g.r.one_in(2) {
        dequantized(g, &[y]);
    }
    Some(())
}

fn forced(d: &mut Draft<'_>) -> Option<()> {
    while !d.forced.is_empty() {
        d.x(&[DType::F32], 0, 4);
    }
    Some(())
}

/// Dequantized constant weights, scaled as a whole or along an axis.
fn weights_of(g: &mut Grower, shape: Vec<usize>, axis: usize) -> Option<usize> {
    let dtype = g.r.pick(&[DType::I8, DType::I8, DType::U8]);
    let ty = Type::new(dtype, shape);
    let data = tensor(&mut g.r, &ty, Fill::Bits, false);
    let along = g.opset >= 13 && g.r.one_in(2);
    let per = if along { vec![ty.shape[axis]] } else { vec![] };
    let scales = tensor(&mut g.r, &Type::new(DType::F32, per.clone()), Fill::Scale, false);
    let zeros = tensor(&mut g.r, &Type::new(dtype, per), Fill::Below(if dtype == DType::U8 { 200 } else { 1 }), false);
    one(g.made("DequantizeLinear", &[data, scales, zeros], along.then_some(("axis", axis as i64))))
}

/// A bias: floats, or i32 dequantized.
fn bias(g: &mut Grower, n: usize) -> Option<usize> {
    if g.r.one_in(2) {
        let data = tensor(&mut g.r, &Type::new(DType::I32, [n]), Fill::Index(500), false);
        let scale = tensor(&mut g.r, &Type::new(DType::F32, []), Fill::Scale, false);
        return one(g.made("DequantizeLinear", &[data, scale], None));
    }
    let data = tensor(&mut g.r, &Type::new(DType::F32, [n]), Fill::Any, false);
    one(g.made("Identity", &[data], None))
}

/// A function of one dequantized value.
fn between(g: &mut Grower, name: &'static str) -> Option<()> {
    let x = source(g, 4)?;
    let y = one(g.named(name, &[x]))?;
    let y = quantize(g, y)?;
    if g.r.one_in(2) {
        dequantized(g, &[y]);
    }
    Some(())
}

/// A function of two dequantized values.
fn two(g: &mut Grower, name: &'static str) -> Option<()> {
    let (a, b) = (source(g, 4)?, source(g, 4)?);
    let b = if g.ty(a).shape == g.ty(b).shape { b } else { a };
    let y = one(g.op(name, &[a, b], |d| {
        forced(d)?;
        if d.node.op_type == "Concat" {
            d.int("axis", 1);
        }
        Some(())
    }))?;
    quantize(g, y)?;
    Some(())
}

/// A product of bytes that are quantized at run time.
fn dynamic(g: &mut Grower) -> Option<()> {
    let parts = g.op("DynamicQuantizeLinear", &[], |d| {
        d.x(&[DType::F32], 2, 3);
        d.outputs(3);
        Some(())
    })?;
    let k = *g.ty(parts[0]).shape.last()?;
    let n = g.r.within(1, 6);
    let data = tensor(&mut g.r, &Type::new(DType::I8, [k, n]), Fill::Bits, false);
    let w = one(g.made("Identity", &[data], None))?;
    let sums = one(g.op("MatMulInteger", &[parts[0], w, parts[2]], forced))?;
    let sums = one(g.op("Cast", &[sums], |d| {
        forced(d)?;
        d.int("to", 1);
        Some(())
    }))?;
    let scale = tensor(&mut g.r, &Type::new(DType::F32, []), Fill::Scale, false);
    let scale = one(g.made("Identity", &[scale], None))?;
    let scale = one(g.op("Mul", &[parts[1], scale], forced))?;
    let y = one(g.op("Mul", &[sums, scale], forced))?;
    if g.r.one_in(2) {
        let b = bias(g, n)?;
        g.op("Add", &[y, b], forced)?;
    }
    Some(())
}

/// A layer and what stands behind it.
fn layer(g: &mut Grower) -> Option<()> {
    let name = g.r.pick(&["Conv", "Gemm", "MatMul", "ConvTranspose", "Conv"]);
    let mut y = one(g.named(name, &[]))?;
    for _ in 0..g.r.within(1, 3) {
        let next = g.r.pick(&[
            "Relu",
            "BatchNormalization",
            "Add",
            "Mul",
            "Clip",
            "Sigmoid",
            "LeakyRelu",
            "PRelu",
            "Tanh",
            "MaxPool",
        ]);
        y = one(g.named(next, &[y])).unwrap_or(y);
    }
    Some(())
}

/// Two branches that meet.
fn residual(g: &mut Grower) -> Option<()> {
    let a = one(g.named("Conv", &[]))?;
    let b = one(g.named("Relu", &[a]))?;
    let name = g.r.pick(&["Sigmoid", "Tanh", "Neg", "Abs", "HardSigmoid"]);
    let c = one(g.named(name, &[b]))?;
    let join = g.r.pick(&["Add", "Mul", "Sub", "Max"]);
    let y = one(g.op(join, &[c, a], forced))?;
    g.named("Relu", &[y]);
    Some(())
}

/// Scores, softmax, weighted sum.
fn attention(g: &mut Grower) -> Option<()> {
    let x = one(g.op("Identity", &[], |d| {
        d.x(&[DType::F32], 3, 3);
        Some(())
    }))?;
    let t = one(g.op("Transpose", &[x], |d| {
        d.x(&[DType::F32], 3, 3);
        d.ints("perm", &[0, 2, 1]);
        Some(())
    }))?;
    let s = one(g.op("MatMul", &[x, t], forced))?;
    let s = one(g.op("Mul", &[s], |d| {
        d.x(&[DType::F32], 3, 3);
        d.either(Tensor::from_elements([1], &[0.25f32]));
        Some(())
    }))?;
    let p = one(g.op("Softmax", &[s], |d| {
        d.x(&[DType::F32], 3, 3);
        d.int("axis", 2);
        Some(())
    }))?;
    g.op("MatMul", &[p, x], forced)?;
    Some(())
}

/// A product with weights of three values, at times with a bias; of numbers that are rounded into the range of i8, or of any.
fn ternary(g: &mut Grower, bytes: bool) -> Option<()> {
    let mut x = one(g.op("Identity", &[], |d| {
        let shape = [d.r.within(1, 5), d.r.within(16, 40)];
        d.exactly(DType::F32, shape);
        Some(())
    }))?;
    if bytes {
        for (name, number) in [("Mul", Some(25.0f32)), ("Round", None), ("Max", Some(-128.0)), ("Min", Some(127.0))] {
            let constant = number.map(|v| g.made("Identity", &[Tensor::from_elements([1], &[v])], None));
            let operands = [Some(x), constant.and_then(one)];
            x = one(g.op(name, &operands.into_iter().flatten().collect::<Vec<_>>(), forced))?;
        }
    }
    let (k, n) = (*g.ty(x).shape.last()?, g.r.within(16, 60));
    let one_scale = g.r.one_in(2);
    let scales: Vec<f32> = (0..n).map(|i| if one_scale { 0.5 } else { 0.25 + i as f32 / 64.0 }).collect();
    let weights: Vec<f32> = (0..k * n).map(|at| (g.r.below(3) as f32 - 1.0) * scales[at % n]).collect();
    let w = one(g.made("Identity", &[Tensor::from_elements([k, n], &weights)], None))?;
    let y = one(g.op("MatMul", &[x, w], forced))?;
    if g.r.one_in(2) {
        let b = bias(g, n)?;
        g.op("Add", &[y, b], forced)?;
    }
    Some(())
}

/// Numbers dequantized from few bits, with one scale or one for each index of an axis; or widened from 16 bits.
fn few_bits(g: &mut Grower, shape: Vec<usize>, axis: usize) -> Option<usize> {
    let (least, count) = g.r.pick(&[(-1, 3), (-2, 4), (-8, 16), (0, 16), (-128, 256)]);
    let count_of = shape.iter().product();
    let codes: Vec<i8> = (0..count_of).map(|_| (least + g.r.below(count) as i32) as i8).collect();
    if g.r.one_in(4) {
        let halves: Vec<half::f16> = codes.iter().map(|&c| half::f16::from_f32(f32::from(c) / 8.0)).collect();
        return one(g.made("Cast", &[Tensor::from_elements(shape, &halves)], Some(("to", 1))));
    }
    let along = g.opset >= 13 && g.r.one_in(2);
    let per = if along { vec![shape[axis]] } else { vec![] };
    let scales = tensor(&mut g.r, &Type::new(DType::F32, per.clone()), Fill::Scale, false);
    let zeros = tensor(&mut g.r, &Type::new(DType::I8, per), Fill::Below(3), false);
    let codes = Tensor::from_elements(shape, &codes);
    one(g.made("DequantizeLinear", &[codes, scales, zeros], along.then_some(("axis", axis as i64))))
}

/// A product, a convolution or a Gather with constants of few bits.
fn coded(g: &mut Grower, is_conv: bool) -> Option<()> {
    let n = g.r.within(8, 60);
    if !is_conv && g.r.one_in(4) {
        let columns = g.r.within(16, 40);
        let w = few_bits(g, vec![16, columns], 0)?;
        g.op("Gather", &[w], |d| {
            d.x(&[DType::F32], 2, 2);
            let indices = d.r.within(1, 4);
            d.filled(DType::I64, [indices], Fill::Index(16));
            Some(())
        })?;
        return Some(());
    }
    let is_conv = g.r.one_in(2);
    let x = one(g.op(
        "Identity",
        &[],
        match is_conv {
            true => |d| {
                let shape = [1, d.r.within(4, 9), d.r.within(3, 6), d.r.within(3, 6)];
                d.exactly(DType::F32, shape);
                Some(())
            },
            false => |d| {
                let shape = [d.r.within(1, 5), d.r.within(16, 40)];
                d.exactly(DType::F32, shape);
                Some(())
            },
        },
    ))?;
    let own = g.ty(x).shape.clone();
    let kernel = g.r.within(2, 3);
    let w = match is_conv {
        true => few_bits(g, vec![n, own[1], kernel, kernel], 0)?,
        false => few_bits(g, vec![own[1], n], 1)?,
    };
    g.op(if is_conv { "Conv" } else { "MatMul" }, &[x, w], forced)?;
    Some(())
}
