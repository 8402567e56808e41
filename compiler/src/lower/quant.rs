//! Quantized operators: products of bytes with packed weights, and float operators between bytes.

use std::sync::Arc;

use zant_runtime::kernels::dynamic::DynamicMatMul;
use zant_runtime::kernels::softmax::Softmax;
use zant_runtime::kernels::{qdepthwise_dual, qdual};
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::qconv2d::QConv2d;
use zant_runtime::terms::quant;

use super::conv::conv2d;
use super::pool::pool2d;
use super::rows::neighbours;
use super::{Fault, Lowered, Lowering, around};
use crate::ir::{Affine, Between, DType, Epilogue, Node, PoolKind, Quant, QuantResidual, Target, Tensor, Type, Window};
use crate::program::kernels::{BetweenCall, BetweenKind, ConvKind, DynamicMatMulCall, QConvCall, QDualCall};
use crate::program::{Access, Arg};

/// Output channels of a panel of weights.
const PANEL: usize = 16;
/// Depth that is multiplied at once.
const QUAD: usize = 4;
/// Output channels of a panel of weights for pairs of 16-bit numbers.
const FOUR: usize = 4;

/// The kernels' form.
pub(crate) fn affine(a: Affine) -> quant::Affine {
    quant::Affine { zero: a.zero, scale: a.scale }
}

/// The kernels' form.
pub(crate) fn range(t: Target) -> quant::Range {
    quant::Range { zero: t.zero, lo: t.lo, hi: t.hi }
}

fn finish(q: &Quant) -> quant::Finish {
    let residual = q.residual.map(|r| quant::Residual {
        sum: affine(r.sum),
        other: affine(r.other),
        scale: r.scale,
        range: range(r.target),
    });
    quant::Finish { range: range(q.target), residual }
}

/// Weights `[channels, rows, run]` with every run filled up with zeros to a multiple of four.
fn filled(w: &[i8], run: usize) -> Vec<i8> {
    let fill = run.next_multiple_of(QUAD) - run;
    w.chunks(run.max(1)).flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0, fill))).collect()
}

/// Weights `[groups * columns, depth]` in panels of sixteen columns, or of eight where no more are left, `[depth / 4][16][4]`,
/// filled up with zeros.
fn quads(w: &[i8], groups: usize, columns: usize, depth: usize) -> Vec<i8> {
    let mut packed = Vec::new();
    for group in 0..groups {
        for first in (0..columns).step_by(PANEL) {
            let width = if columns - first <= PANEL / 2 { PANEL / 2 } else { PANEL };
            for k in (0..depth).step_by(QUAD) {
                for column in first..first + width {
                    packed.extend((k..k + QUAD).map(|k| match column < columns {
                        true => w[(group * columns + column) * depth + k],
                        false => 0,
                    }));
                }
            }
        }
    }
    packed
}

/// Whether the products of all pairs of packed weights with unsigned bytes fit 16 bits: 255 * 128 does.
fn pairs_fit(packed: &[i8]) -> bool {
    packed.chunks(2).all(|pair| pair.iter().map(|w| u32::from(w.unsigned_abs())).sum::<u32>() <= 128)
}

/// The bias less what `zero` adds to every window, of weights `[columns, depth]`. Sums wrap until they are finished.
fn bias_less(bias: &[i32], w: &[i8], zero: i32) -> Vec<i32> {
    let depth = w.len().checked_div(bias.len()).unwrap_or(0).max(1);
    let sum = |w: &[i8]| w.iter().fold(0i32, |sum, w| sum.wrapping_add(i32::from(*w)));
    bias.iter().zip(w.chunks(depth)).map(|(b, w)| b.wrapping_sub(zero.wrapping_mul(sum(w)))).collect()
}

/// Weights `[groups * columns, depth]`, of whole fours of depth, in panels of four columns, `[depth / 4][4][4]`, filled up
/// with zeros.
fn fours(w: &[i8], groups: usize, columns: usize, depth: usize) -> Vec<i8> {
    let mut packed = Vec::new();
    for group in 0..groups {
        for (first, k) in (0..columns).step_by(FOUR).flat_map(|c| (0..depth).step_by(QUAD).map(move |k| (c, k))) {
            for (column, k) in (first..first + FOUR).flat_map(|c| (k..k + QUAD).map(move |k| (c, k))) {
                packed.push(if column < columns { w[(group * columns + column) * depth + k] } else { 0 });
            }
        }
    }
    packed
}

/// Weights `[channels, kernel_h, kernel_w]` two in a word, as `qdepthwise2d_dual` reads them.
fn words(w: &[i8], map: &Conv2d) -> Vec<u32> {
    let (rows, taps) = qdepthwise_dual::taps(map);
    let (row_step, tap_step) = if qdepthwise_dual::is_upright(map) { (1, map.kernel_w) } else { (map.kernel_w, 1) };
    let mut words = Vec::new();
    for channel in w.chunks((rows * taps.count).max(1)) {
        for row in 0..rows {
            let tap = |tap: usize| if tap < taps.count { channel[row * row_step + tap * tap_step] as u16 } else { 0 };
            let pair = |low: u16, high: u16| u32::from(low) | u32::from(high) << 16;
            words.extend((0..taps.words()).map(|word| match (taps.is_three(), taps.dilation) {
                (true, _) => pair(tap(word), tap(word + 1)),
                (false, 1) => pair(tap(2 * word), tap(2 * word + 1)),
                (false, _) => pair(tap(word), 0),
            }));
        }
    }
    words
}

/// Whether each channel has a kernel of its own.
fn is_depthwise(map: &Conv2d) -> bool {
    map.groups == map.in_c && map.groups == map.out_c && map.groups > 1
}

/// Weights `[channels, taps]` for every sixteen channels as `[taps / 4][16][4]`, filled up with zeros.
fn lanes(w: &[i8], channels: usize) -> Vec<i8> {
    let taps = w.len().checked_div(channels).unwrap_or(0);
    let mut packed = Vec::new();
    for first in (0..channels).step_by(PANEL) {
        for tap in (0..taps).step_by(QUAD) {
            for channel in first..first + PANEL {
                packed.extend((tap..tap + QUAD).map(|tap| match channel < channels && tap < taps {
                    true => w[channel * taps + tap],
                    false => 0,
                }));
            }
        }
    }
    packed
}

impl Lowering<'_> {
    pub(super) fn qconv(&mut self, node: &Node, window: &Window, groups: usize, quant: &Quant) -> Lowered {
        let (x, y) = (self.ty(node.inputs[0]).clone(), self.ty(node.outputs[0]).clone());
        let Some(w) = self.data(node.inputs[1]).and_then(Tensor::to_vec::<i8>) else {
            return Err(Fault::form("quantized weights must be constant", "this is a mistake of the compiler"));
        };
        let mut map = conv2d(&x, &y, window, groups, Epilogue::default());
        map.in_pitch = self.operand_pitch(node.inputs[0]);
        map.out_pitch = self.result_pitch(node.outputs[0]);
        let mut params = QConv2d::new(map, quant.zero, finish(quant));
        if self.target.has_arm_loops() && self.is_dual(node, quant, &params) {
            return self.qdual(node, &w, quant, params);
        }
        let source = self.operand(node.inputs[0]);
        let multiplier = self.operand(node.inputs[3]);
        let name = self.graph.value(node.inputs[1]).name.clone();
        let (kind, packed) = if is_depthwise(&map) {
            (ConvKind::Depthwise, lanes(&w, map.in_c))
        } else {
            let run = map.kernel_w * map.in_c / groups;
            let depth = map.kernel_h * run.next_multiple_of(QUAD);
            (ConvKind::General, quads(&filled(&w, run), groups, map.out_c / groups, depth))
        };
        params.pairs = pairs_fit(&packed);
        let bias = self.bias_less(node, &w, quant.zero - Target::new(x.dtype, 0).lo);
        let packed = Tensor::from_elements([packed.len()], &packed);
        let w = Arg::Weight(self.new_weight(&name, packed, Some(node.inputs[1])));
        let out = self.quantized_result(node, quant)?;
        let call = QConvCall { kind, dtypes: [x.dtype, y.dtype], params };
        self.step(node, Arc::new(call), vec![source, w, bias, multiplier, out], Vec::new());
        Ok(())
    }

    /// Where a quantized product goes.
    fn quantized_result(&mut self, node: &Node, quant: &Quant) -> Lowered<Arg> {
        self.product_result(node, Epilogue { residual: quant.residual.is_some(), ..Epilogue::default() })
    }

    /// The bias of a product, less what a number adds to every window.
    fn bias_less(&mut self, node: &Node, w: &[i8], zero: i32) -> Arg {
        let bias = self.data(node.inputs[2]).and_then(Tensor::to_vec::<i32>).unwrap_or_default();
        let bias = bias_less(&bias, w, zero);
        let name = format!("{}_bias", self.graph.value(node.inputs[1]).name);
        Arg::Weight(self.new_weight(&name, Tensor::from_elements([bias.len()], &bias), Some(node.inputs[2])))
    }

    /// Whether the kernels for pairs of 16-bit numbers give the bits of the others: the loops keep sums in their range by
    /// integers, and there is a depthwise one for whole fours of channels alone.
    fn is_dual(&self, node: &Node, quant: &Quant, params: &QConv2d) -> bool {
        let target = quant.target;
        let multiplier = self.data(node.inputs[3]).and_then(Tensor::to_vec::<f32>).unwrap_or_default();
        let is_plain = quant.residual.is_none() && params.map.out_c.is_multiple_of(FOUR);
        // Sums of such numbers are finite.
        let far = |r: &QuantResidual| r.sum.scale > 1e30 || r.other.scale > 1e30;
        (target.lo..=target.hi).contains(&target.zero)
            && quant.residual.is_none_or(|r| !far(&r) && (r.target.lo..=r.target.hi).contains(&r.target.zero))
            && multiplier.iter().all(|m| m.is_finite())
            && (is_plain || !is_depthwise(&params.map))
    }

    fn qdual(&mut self, node: &Node, w: &[i8], quant: &Quant, params: QConv2d) -> Lowered {
        let dtypes = [node.inputs[0], node.outputs[0]].map(|v| self.ty(v).dtype);
        let map = &params.map;
        let depth = w.len().checked_div(map.out_c).unwrap_or(0);
        let by_fours = qdual::is_wide(map) || !self.layout.has_single_pixels;
        let (kind, packed) = if is_depthwise(map) {
            let words = words(w, map);
            (ConvKind::Depthwise, Tensor::from_elements([words.len()], &words))
        } else {
            // Kernel rows are filled up, or taps that do not touch.
            let inputs = map.in_c / map.groups;
            let run = if map.groups == 1 && map.dilation_w == 1 { map.kernel_w * inputs } else { inputs };
            let depth = depth / run.max(1) * run.next_multiple_of(QUAD);
            let filled = filled(w, run);
            let w = if by_fours { filled } else { fours(&filled, map.groups, map.out_c / map.groups, depth) };
            (ConvKind::General, Tensor::from_elements([w.len()], &w))
        };
        let call = QDualCall::new(kind, dtypes, params, by_fours);
        let scratch = self.new_temporary(&Type::new(DType::U32, [call.scratch()]));
        let name = self.graph.value(node.inputs[1]).name.clone();
        let packed = Arg::Weight(self.new_weight(&name, packed, Some(node.inputs[1])));
        let (source, bias) = (self.operand(node.inputs[0]), self.bias_less(node, w, quant.zero));
        let (multiplier, out) = (self.operand(node.inputs[3]), self.quantized_result(node, quant)?);
        let scratch = Arg::Buffer(scratch, Access::Write);
        self.step(node, Arc::new(call), vec![source, packed, bias, multiplier, scratch, out], Vec::new());
        Ok(())
    }

    /// A product of numbers that are quantized as they come.
    pub(super) fn dynamic_matmul(&mut self, node: &Node, offset: i32) -> Lowered {
        let (x, y) = (self.ty(node.inputs[0]).clone(), self.ty(node.outputs[0]).clone());
        let Some(w) = self.data(node.inputs[1]).and_then(Tensor::to_vec::<i8>) else {
            return Err(Fault::form("quantized weights must be constant", "this is a mistake of the compiler"));
        };
        let [k, n] = [&x, &y].map(|t| *t.shape.last().expect("rank 1 or more"));
        let packed = quads(&filled(&w, k), 1, n, k.next_multiple_of(QUAD));
        let m = y.elements().checked_div(n).unwrap_or(0);
        let y_pitch = self.result_pitch(node.outputs[0]);
        let params = DynamicMatMul { m, k, n, y_pitch, offset, pairs: pairs_fit(&packed) };
        let sums: Vec<i32> = w.chunks(k.max(1)).map(|w| w.iter().map(|w| i32::from(*w)).sum()).collect();
        let name = self.graph.value(node.inputs[1]).name.clone();
        let sums = self.new_weight(&format!("{name}_sums"), Tensor::from_elements([n], &sums), None);
        let packed = Tensor::from_elements([packed.len()], &packed);
        let packed = self.new_weight(&name, packed, Some(node.inputs[1]));
        let (x, multiplier) = (self.operand(node.inputs[0]), self.operand(node.inputs[2]));
        let bias = node.inputs.get(3).map_or(Arg::Empty(DType::F32), |&v| self.operand(v));
        let scratch = self.new_temporary(&Type::new(DType::U8, [params.scratch()]));
        let out = self.result(node.outputs[0]);
        let [scratch, out] = [scratch, out].map(|view| Arg::Buffer(view, Access::Write));
        let args = vec![x, Arg::Weight(packed), Arg::Weight(sums), multiplier, bias, scratch, out];
        self.step(node, Arc::new(DynamicMatMulCall { params }), args, Vec::new());
        Ok(())
    }

    pub(super) fn qpool(&mut self, node: &Node, window: &Window, include_pad: bool, between: Between) -> Lowered {
        let pitches = [self.operand_pitch(node.inputs[0]), self.result_pitch(node.outputs[0])];
        let [x, y] = [node.inputs[0], node.outputs[0]].map(|v| self.ty(v));
        let kind = PoolKind::Average { count_include_pad: include_pad };
        let kind = BetweenKind::Average(pool2d(x, y, window, pitches, kind));
        self.between(node, kind, between)
    }

    pub(super) fn qreduce(&mut self, node: &Node, axes: &[usize], between: Between) -> Lowered {
        match neighbours(self.ty(node.inputs[0]), axes) {
            Some(reduce) => self.between(node, BetweenKind::Sum(reduce), between),
            None => Err(Fault::form("a quantized sum of scattered dimensions", "transpose its operand")),
        }
    }

    pub(super) fn qsoftmax(&mut self, node: &Node, axis: usize, between: Between) -> Lowered {
        let (outer, n, inner) = around(&self.ty(node.inputs[0]).shape, axis);
        self.between(node, BetweenKind::Softmax(Softmax { outer, n, inner }), between)
    }

    /// A float operator between bytes.
    fn between(&mut self, node: &Node, kind: BetweenKind, between: Between) -> Lowered {
        let dtypes = [node.inputs[0], node.outputs[0]].map(|v| self.ty(v).dtype);
        self.one_of_one(node, Arc::new(BetweenCall { kind, between, dtypes }), Vec::new())
    }
}
