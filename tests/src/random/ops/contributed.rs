//! Operators of `com.microsoft` as ONNX Runtime's optimised files have them.

use zantc::ir::{DType, Tensor, Type};

use super::quantized::{dequantize, quantize, scales};
use super::window::{conv, qlinear_conv, window};
use super::{Entry, ms, op};
use crate::random::draft::{BYTES, Draft, FLOATS};
use crate::random::fill::{Fill, tensor};

const HALVES: &[DType] = &[DType::F32, DType::F32, DType::F16];

pub(super) const OPS: &[Entry] = &[
    ms("Attention", attention),
    ms("BiasGelu", |d| with_row(d, true)),
    ms("DequantizeLinear", dequantize),
    ms("DynamicQuantizeLSTM", dynamic_lstm),
    ms("DynamicQuantizeMatMul", |d| {
        let n = d.r.within(1, 20);
        let k = d.x_of(&[DType::F32], vec![3, 5], |s| s.len() > 1 && s.last() != Some(&0)).shape.pop()?;
        let dtype = d.r.pick(BYTES);
        d.filled(dtype, [k, n], Fill::Bits);
        let shape = if d.one_in(2) { vec![] } else { vec![n] };
        d.filled(DType::F32, shape.clone(), Fill::Scale);
        d.filled(dtype, shape, Fill::Below(9));
        if d.one_in(2) {
            d.exactly(DType::F32, [n]);
        }
        Some(())
    }),
    ms("EmbedLayerNormalization", embed),
    ms("FastGelu", |d| {
        let row = d.one_in(2);
        with_row(d, row)
    }),
    ms("FusedConv", |d| {
        conv(d, false)?;
        activation(d, "activation_params");
        Some(())
    }),
    ms("FusedGemm", |d| {
        let (m, k, n) = (d.dim(), d.dim(), d.r.within(1, 9));
        d.exactly(DType::F32, [m, k]);
        d.weights(DType::F32, [k, n], k);
        d.exactly(DType::F32, [n]);
        let name = d.r.pick(&["Relu", "Tanh", "Sigmoid"]);
        d.text("activation", name);
        Some(())
    }),
    ms("FusedMatMul", |d| {
        let (b, m, k, n) = (d.r.within(1, 3), d.dim(), d.dim(), d.r.within(1, 9));
        let dtype = d.r.pick(HALVES);
        let batched = d.flag("transBatchA");
        let a = if d.flag("transA") { [k, m] } else { [m, k] };
        d.exactly(dtype, if batched { [a[0], b, a[1]] } else { [b, a[0], a[1]] });
        let shape = if d.flag("transB") { [b, n, k] } else { [b, k, n] };
        d.weights(dtype, shape, k);
        d.float("alpha", 0.5);
        Some(())
    }),
    ms("Gelu", |d| with_row(d, false)),
    ms("GroupQueryAttention", grouped),
    ms("MatMulIntegerToFloat", |d| {
        let (m, k, n) = (d.r.within(1, 4), d.r.within(1, 20), d.r.within(1, 20));
        let [a, b] = [d.r.pick(BYTES), d.r.pick(BYTES)];
        d.filled(a, [m, k], Fill::Bits);
        d.filled(b, [k, n], Fill::Bits);
        d.filled(DType::F32, [], Fill::Scale);
        d.filled(DType::F32, [n], Fill::Scale);
        d.filled(a, [], Fill::Below(9));
        d.filled(b, [n], Fill::Below(9));
        if d.one_in(2) {
            d.exactly(DType::F32, [n]);
        }
        Some(())
    }),
    ms("MultiHeadAttention", multi_head),
    ms("NhwcMaxPool", |d| {
        let (h, w) = (d.r.within(3, 8), d.r.within(3, 8));
        let dtype = d.r.pick(BYTES);
        d.filled(dtype, [1, h, w, 3], Fill::Bits);
        let window = window(d, &[h, w], false);
        let kernel: Vec<i64> = window.kernel.iter().map(|&k| k as i64).collect();
        d.ints("kernel_shape", &kernel);
        Some(())
    }),
    ms("QLinearConv", qlinear_conv),
    ms("QLinearReduceMean", |d| {
        let ty = d.x(BYTES, 1, 4);
        scales(d, ty.dtype);
        scales(d, ty.dtype);
        let axis = d.axis(ty.rank());
        d.ints("axes", &[axis]);
        d.flag("keepdims");
        Some(())
    }),
    ms("QLinearWhere", |d| {
        let (shape, dtype) = (d.shape(0, 3), d.r.pick(BYTES));
        d.exactly(DType::Bool, shape.clone());
        d.filled(dtype, shape.clone(), Fill::Bits);
        scales(d, dtype);
        d.beside(dtype, &shape, Fill::Bits);
        scales(d, dtype);
        scales(d, dtype);
        Some(())
    }),
    ms("QuantizeLinear", quantize),
    ms("RotaryEmbedding", rotary),
    op("SimplifiedLayerNormalization", 10, simplified),
    ms("SimplifiedLayerNormalization", simplified),
    ms("SkipLayerNormalization", |d| skip(d, true)),
    ms("SkipSimplifiedLayerNormalization", |d| skip(d, false)),
];

/// A float operand, and perhaps a row.
fn with_row(d: &mut Draft<'_>, row: bool) -> Option<()> {
    let ty = d.x_of(FLOATS, vec![3, 7], |s| !s.is_empty());
    if row {
        d.exactly(ty.dtype, [*ty.shape.last()?]);
    }
    Some(())
}

/// An activation with parameters in a list.
fn activation(d: &mut Draft<'_>, parameters: &str) {
    let (name, values) = d.r.pick::<(&str, &[f32])>(&[
        ("Relu", &[]),
        ("Tanh", &[]),
        ("Sigmoid", &[]),
        ("LeakyRelu", &[0.25]),
        ("Clip", &[-0.5, 0.75]),
        ("HardSigmoid", &[0.25, 0.5]),
    ]);
    d.text("activation", name);
    if !values.is_empty() {
        d.floats(parameters, values);
    }
}

fn simplified(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x_of(HALVES, vec![3, 7], |s| !s.is_empty() && s.last() != Some(&0));
    d.exactly(ty.dtype, [*ty.shape.last()?]);
    Some(())
}

fn skip(d: &mut Draft<'_>, center: bool) -> Option<()> {
    let ty = d.x_of(HALVES, vec![2, 3, 7], |s| s.len() == 3 && s[2] != 0);
    let columns = ty.shape[2];
    d.exactly(ty.dtype, ty.shape.clone());
    d.exactly(ty.dtype, [columns]);
    if center {
        d.exactly(ty.dtype, [columns]);
    }
    if d.one_in(2) {
        d.exactly(ty.dtype, [columns]);
    }
    Some(())
}

fn embed(d: &mut Draft<'_>) -> Option<()> {
    let (batch, steps, hidden) = (d.r.within(1, 2), d.r.within(1, 5), d.r.within(1, 9));
    d.filled(DType::I32, [batch, steps], Fill::Below(6));
    let segments = d.one_in(2);
    if segments {
        d.filled(DType::I32, [batch, steps], Fill::Below(2));
    } else {
        d.none();
    }
    d.exactly(DType::F32, [6, hidden]);
    d.exactly(DType::F32, [steps + 1, hidden]);
    if segments {
        d.exactly(DType::F32, [2, hidden]);
    } else {
        d.none();
    }
    d.exactly(DType::F32, [hidden]);
    d.exactly(DType::F32, [hidden]);
    if d.one_in(2) {
        d.filled(DType::I32, [batch, steps], Fill::Below(2));
    }
    d.outputs(2);
    Some(())
}

fn attention(d: &mut Draft<'_>) -> Option<()> {
    let (batch, steps, heads, size) = (d.r.within(1, 2), d.r.within(1, 4), d.r.within(1, 2), d.r.within(1, 4));
    let (depth, past, dtype) = (d.r.within(1, 6), d.r.below(3), d.r.pick(HALVES));
    d.exactly(dtype, [batch, steps, depth]);
    d.weights(dtype, [depth, 3 * heads * size], depth);
    d.exactly(dtype, [3 * heads * size]);
    if d.one_in(2) {
        d.filled(DType::I32, [batch, past + steps], Fill::Below(2));
    } else {
        d.none();
    }
    if past > 0 {
        d.exactly(dtype, [2, batch, heads, past, size]);
        d.outputs(2);
    }
    d.int("num_heads", heads as i64);
    d.flag("unidirectional");
    Some(())
}

fn multi_head(d: &mut Draft<'_>) -> Option<()> {
    let (batch, heads, size, value) = (d.r.within(1, 2), d.r.within(1, 2), d.r.within(1, 4), d.r.within(1, 4));
    let (steps, keys, dtype) = (d.r.within(1, 4), d.r.within(1, 4), d.r.pick(HALVES));
    d.exactly(dtype, [batch, steps, heads * size]);
    d.exactly(dtype, [batch, keys, heads * size]);
    d.exactly(dtype, [batch, keys, heads * value]);
    if d.one_in(2) {
        d.exactly(dtype, [heads * (2 * size + value)]);
    } else {
        d.none();
    }
    if d.one_in(2) {
        d.filled(DType::I32, [batch, keys], Fill::Below(2));
    } else {
        d.none();
    }
    if d.one_in(2) {
        d.exactly(dtype, [1, heads, steps, keys]);
    }
    d.int("num_heads", heads as i64);
    Some(())
}

fn grouped(d: &mut Draft<'_>) -> Option<()> {
    let (batch, kv, group, size) = (d.r.within(1, 2), d.r.within(1, 2), d.r.within(1, 2), 2 * d.r.within(1, 3));
    let (steps, past) = (1, d.r.within(1, 4));
    d.exactly(DType::F32, [batch, steps, kv * group * size]);
    d.exactly(DType::F32, [batch, steps, kv * size]);
    d.exactly(DType::F32, [batch, steps, kv * size]);
    d.exactly(DType::F32, [batch, kv, past, size]);
    d.exactly(DType::F32, [batch, kv, past, size]);
    d.filled(DType::I32, [batch], Fill::Below(past + steps));
    // Where it is not known, the cache is as long as the past, which then has room for all.
    d.deciding(Tensor::from_elements([], &[(past + steps) as i32]));
    if d.one_in(2) {
        d.exactly(DType::F32, [past + steps, size / 2]);
        d.exactly(DType::F32, [past + steps, size / 2]);
        d.int("do_rotary", 1);
        d.flag("rotary_interleaved");
    }
    d.int("num_heads", (kv * group) as i64);
    d.int("kv_num_heads", kv as i64);
    d.outputs(3);
    Some(())
}

fn rotary(d: &mut Draft<'_>) -> Option<()> {
    let (batch, steps, heads, half) = (d.r.within(1, 2), d.r.within(1, 4), d.r.within(1, 2), d.r.within(1, 3));
    let dtype = d.r.pick(HALVES);
    d.exactly(dtype, [batch, steps, heads * 2 * half]);
    let positions = if d.one_in(2) { vec![1] } else { vec![batch, steps] };
    d.filled(DType::I64, positions, Fill::Below(3));
    d.exactly(dtype, [8, half]);
    d.exactly(dtype, [8, half]);
    d.flag("interleaved");
    Some(())
}

fn dynamic_lstm(d: &mut Draft<'_>) -> Option<()> {
    let (steps, batch, depth, hidden) = (d.r.within(1, 6), d.r.within(1, 2), d.r.within(1, 9), d.r.within(1, 18));
    let direction = d.r.pick(&["forward", "reverse", "bidirectional"]);
    let directions = if direction == "bidirectional" { 2 } else { 1 };
    let (dtype, rows) = (d.r.pick(BYTES), 4 * hidden);
    d.exactly(DType::F32, [steps, batch, depth]);
    for depth in [depth, hidden] {
        let w = tensor(d.r, &Type::new(dtype, [directions, depth, rows]), Fill::Bits, false);
        d.constant(w);
    }
    d.exactly(DType::F32, [directions, 2 * rows]);
    d.none();
    let states = d.one_in(2);
    for _ in 0..2 {
        if states {
            d.exactly(DType::F32, [directions, batch, hidden]);
        } else {
            d.none();
        }
    }
    d.none();
    for _ in 0..2 {
        let shape = if d.one_in(2) { vec![directions] } else { vec![directions, rows] };
        let scale = tensor(d.r, &Type::new(DType::F32, shape.clone()), Fill::Scale, false);
        let zero = tensor(d.r, &Type::new(dtype, shape), Fill::Below(9), false);
        d.constant(scale);
        d.constant(zero);
    }
    d.text("direction", direction);
    d.int("hidden_size", hidden as i64);
    d.outputs(3);
    Some(())
}
