//! Attention, rotary embeddings, and operators with a state that is handed on.

use zantc::ir::DType;

use super::{Entry, op};
use crate::random::draft::{BOOL, Draft, FLOATS};
use crate::random::fill::Fill;

pub(super) const OPS: &[Entry] = &[
    op("Attention", 23, attention),
    op("RotaryEmbedding", 23, rotary),
    op("LinearAttention", 27, linear),
    op("CausalConvWithState", 27, causal_conv),
];

fn attention(d: &mut Draft<'_>) -> Option<()> {
    let dtype = d.r.pick(FLOATS);
    let (b, kv, group) = (d.r.within(1, 2), d.r.within(1, 2), d.r.within(1, 2));
    let (q, s, t) = (kv * group, d.r.within(1, 4), d.r.within(1, 5));
    let (size, value) = (d.r.within(1, 4), d.r.within(1, 4));
    let flat = d.one_in(2);
    let shape = |heads: usize, steps: usize, size: usize| {
        if flat { vec![b, steps, heads * size] } else { vec![b, heads, steps, size] }
    };
    d.exactly(dtype, shape(q, s, size));
    d.exactly(dtype, shape(kv, t, size));
    d.exactly(dtype, shape(kv, t, value));
    if flat {
        d.int("q_num_heads", q as i64);
        d.int("kv_num_heads", kv as i64);
    }
    let past = if d.one_in(3) { d.r.within(1, 3) } else { 0 };
    if d.one_in(2) {
        let dtype = if d.one_in(2) { BOOL[0] } else { dtype };
        let mask = d.narrower(&[b, q, s, t + past]);
        // The last two dimensions must be there.
        let mask = if mask.len() < 2 { vec![s, t + past] } else { mask };
        d.exactly(dtype, mask);
    } else if past > 0 || d.one_in(2) {
        d.none();
    }
    if past > 0 {
        d.exactly(dtype, [b, kv, past, size]);
        d.exactly(dtype, [b, kv, past, value]);
    } else if d.opset >= 24 && d.one_in(4) {
        while d.operands() < 6 {
            d.none();
        }
        d.filled(DType::I64, [b], Fill::Below(t + 1));
    }
    d.flag("is_causal");
    if d.one_in(3) {
        d.float("scale", 0.5);
    }
    if d.one_in(3) {
        d.float("softcap", 1.5);
    }
    if d.opset >= 25 && d.one_in(3) {
        let n = d.r.below(3) as i64;
        d.int("left_window_size", n);
        d.int("right_window_size", n);
    }
    let n = if past > 0 { 3 } else { 1 };
    if d.one_in(4) {
        let mode = d.r.below(4) as i64;
        d.int("qk_matmul_output_mode", mode);
        d.outputs(4);
    } else {
        d.outputs(n);
    }
    Some(())
}

fn rotary(d: &mut Draft<'_>) -> Option<()> {
    let dtype = d.r.pick(FLOATS);
    let (b, heads, s, half) = (d.r.within(1, 2), d.r.within(1, 3), d.r.within(1, 4), d.r.within(1, 3));
    let more = d.r.pick(&[0, 0, 1, 2]);
    let size = 2 * half + more;
    if d.one_in(2) {
        d.exactly(dtype, [b, heads, s, size]);
    } else {
        d.exactly(dtype, [b, s, heads * size]);
        d.int("num_heads", heads as i64);
    }
    let positions = d.one_in(2);
    let table = if positions { vec![7, half] } else { vec![b, s, half] };
    d.filled(dtype, table.clone(), Fill::Unit);
    d.filled(dtype, table, Fill::Unit);
    if positions {
        d.filled(DType::I64, [b, s], Fill::Below(7));
    }
    if more > 0 || d.one_in(3) {
        d.int("rotary_embedding_dim", 2 * half as i64);
    }
    d.flag("interleaved");
    Some(())
}

fn linear(d: &mut Draft<'_>) -> Option<()> {
    let dtype = d.r.pick(FLOATS);
    let (b, kv, group, t) = (d.r.within(1, 2), d.r.within(1, 2), d.r.within(1, 2), d.r.within(1, 4));
    let (k, v) = (d.r.within(1, 3), d.r.within(1, 3));
    d.exactly(dtype, [b, t, kv * group * k]);
    d.exactly(dtype, [b, t, kv * k]);
    d.exactly(dtype, [b, t, kv * v]);
    d.int("q_num_heads", (kv * group) as i64);
    d.int("kv_num_heads", kv as i64);
    let rule = d.r.pick(&["linear", "gated", "delta", "gated_delta"]);
    d.text("update_rule", rule);
    if d.one_in(2) {
        d.exactly(dtype, [b, kv, k, v]);
    } else {
        d.none();
    }
    if rule.starts_with("gated") {
        let columns = if d.one_in(2) { kv } else { kv * k };
        d.filled(dtype, [b, t, columns], Fill::Unit);
    } else {
        d.none();
    }
    if rule.ends_with("delta") {
        let columns = if d.one_in(3) { 1 } else { kv };
        d.filled(dtype, [b, t, columns], Fill::Unit);
    }
    if d.one_in(3) {
        d.float("scale", 0.5);
    }
    d.outputs(2);
    Some(())
}

fn causal_conv(d: &mut Draft<'_>) -> Option<()> {
    let (b, c, n, k) = (d.r.within(1, 2), d.r.within(1, 4), d.r.within(1, 6), d.r.within(1, 4));
    let ty = d.x_of(FLOATS, vec![b, c, n], |s| s.len() == 3 && !s.contains(&0));
    let (b, c) = (ty.shape[0], ty.shape[1]);
    d.weights(ty.dtype, [c, 1, k], k);
    if d.one_in(2) {
        d.exactly(ty.dtype, [c]);
    } else {
        d.none();
    }
    if d.one_in(2) {
        d.exactly(ty.dtype, [b, c, k - 1]);
    }
    if d.one_in(2) {
        let f = d.r.pick(&["none", "silu", "swish"]);
        d.text("activation", f);
    }
    d.outputs(2);
    Some(())
}
