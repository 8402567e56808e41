//! Quantized operators: products of bytes with packed weights, and float operators between bytes.

use std::sync::Arc;

use zant_runtime::kernels::softmax::Softmax;
use zant_runtime::kernels::{dynamic_dual, qdual, qpacking};
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::dual::FOUR;
use zant_runtime::terms::dynamic::DynamicMatMul;
use zant_runtime::terms::qconv2d::QConv2d;
use zant_runtime::terms::quant;

use super::conv::conv2d;
use super::pool::pool2d;
use super::rows::neighbours;
use super::sparse::SparseOperand;
use super::{Fault, Lowered, Lowering, around};
use crate::ir::{
    Affine, Between, DType, Element, Epilogue, Node, PoolKind, Quant, QuantResidual, Target, Tensor, Type, ValueId,
    Window,
};
use crate::program::kernels::{BetweenCall, BetweenKind, ConvKind, DynamicMatMulCall, QBody, QConvCall};
use crate::program::{Access, Arg};
use crate::targets::Packing;

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

/// Whether each channel has a kernel of its own.
pub(super) fn is_depthwise(map: &Conv2d) -> bool {
    map.groups == map.in_c && map.groups == map.out_c && map.groups > 1
}

/// Weights in the order of their kernel.
pub(super) fn packed<T>(pack: impl FnOnce(&mut dyn FnMut(T))) -> Vec<T> {
    let mut packed = Vec::new();
    pack(&mut |w| packed.push(w));
    packed
}

/// The weights of a convolution in the order of a body.
pub(super) fn pack(map: &Conv2d, body: QBody, w: &[i8], put: &mut dyn FnMut(i8)) {
    match body {
        QBody::Quads => qpacking::qconv2d(map, w, put),
        QBody::Dual => qpacking::qconv2d_dual(map, w, put),
        QBody::DualOne => qpacking::qconv2d_dual_one(map, w, put),
    }
}

/// The weights of a convolution, as its kernel reads them.
enum QWeights {
    Dense(Arg),
    Sparse(SparseOperand),
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
        let kind = if is_depthwise(&map) { ConvKind::Depthwise } else { ConvKind::General };
        let body = self.qbody(node, quant, &params);
        let source = self.operand(node.inputs[0]);
        let weights = self.qweights(node, &mut params, (kind, body), &w);
        let call = QConvCall { kind, body, dtypes: [x.dtype, y.dtype], params };
        let scratch = call.scratch().map(|words| self.new_temporary(&Type::new(DType::U32, [words])));
        // Products of bytes count inputs from the least one on.
        let least = if body == QBody::Quads { Target::new(x.dtype, 0).lo } else { 0 };
        let (bias, multiplier) = (self.bias_less(node, &w, quant.zero - least), self.operand(node.inputs[3]));
        let out = self.quantized_result(node, quant)?;
        let scratch = scratch.map(|view| Arg::Buffer(view, Access::Write));
        match weights {
            QWeights::Dense(weights) => {
                let args = [source, weights, bias, multiplier].into_iter().chain(scratch).chain([out]).collect();
                self.call(node, Arc::new(call), args);
            }
            QWeights::Sparse(w) => {
                let product = (params, body, call.dtypes);
                self.sparse_qconv_call(node, product, w, [source, bias, multiplier, out], scratch);
            }
        }
        Ok(())
    }

    /// The weights of a quantized convolution; of those for products of bytes it is noted whether products fit in pairs.
    fn qweights(&mut self, node: &Node, params: &mut QConv2d, (kind, body): (ConvKind, QBody), w: &[i8]) -> QWeights {
        let map = params.map;
        let pairs = |w: &[i8]| body == QBody::Quads && qpacking::pairs_fit(w);
        if kind == ConvKind::Depthwise && body != QBody::Quads {
            return QWeights::Dense(self.packed_weight(node, &packed(|put| qpacking::qdepthwise2d_dual(&map, w, put))));
        }
        if let Some((sparse, w)) = self.sparse_qconv(node, &map, (kind, body), w) {
            params.pairs = pairs(&w);
            return QWeights::Sparse(sparse);
        }
        let w = match kind {
            ConvKind::General => packed(|put| pack(&map, body, w, put)),
            ConvKind::Depthwise => packed(|put| qpacking::qdepthwise2d(&map, w, put)),
        };
        params.pairs = pairs(&w);
        QWeights::Dense(self.packed_weight(node, &w))
    }

    /// Where a quantized product goes.
    fn quantized_result(&mut self, node: &Node, quant: &Quant) -> Lowered<Arg> {
        self.product_result(node, Epilogue { residual: quant.residual.is_some(), ..Epilogue::default() })
    }

    /// The packed weights of a product.
    pub(super) fn packed_weight<T: Element>(&mut self, node: &Node, packed: &[T]) -> Arg {
        let name = self.graph.value(node.inputs[1]).name.clone();
        Arg::Weight(self.new_weight(&name, Tensor::from_elements([packed.len()], packed), Some(node.inputs[1])))
    }

    /// The bias of a product, less what a number adds to every window.
    fn bias_less(&mut self, node: &Node, w: &[i8], zero: i32) -> Arg {
        let bias = self.data(node.inputs[2]).and_then(Tensor::to_vec::<i32>).unwrap_or_default();
        let bias: Vec<i32> = qpacking::bias_less(&bias, w, zero).collect();
        let name = format!("{}_bias", self.graph.value(node.inputs[1]).name);
        Arg::Weight(self.new_weight(&name, Tensor::from_elements([bias.len()], &bias), Some(node.inputs[2])))
    }

    /// The body that the target has the weights for. That for pairs of 16-bit numbers gives the bits of the others where its loops,
    /// which keep sums in their range by integers, can; and there is a depthwise one for whole fours of channels alone.
    fn qbody(&self, node: &Node, quant: &Quant, params: &QConv2d) -> QBody {
        let target = quant.target;
        let multiplier = self.data(node.inputs[3]).and_then(Tensor::to_vec::<f32>).unwrap_or_default();
        let is_plain = quant.residual.is_none() && params.map.out_c.is_multiple_of(FOUR);
        // Sums of such numbers are finite.
        let far = |r: &QuantResidual| r.sum.scale > 1e30 || r.other.scale > 1e30;
        let is_dual = self.target.loops.packing == Packing::Dual
            && (target.lo..=target.hi).contains(&target.zero)
            && quant.residual.is_none_or(|r| !far(&r) && (r.target.lo..=r.target.hi).contains(&r.target.zero))
            && multiplier.iter().all(|m| m.is_finite())
            && (is_plain || !is_depthwise(&params.map));
        match is_dual {
            false => QBody::Quads,
            true if qdual::is_wide(&params.map) || !self.layout.has_single_pixels => QBody::Dual,
            true => QBody::DualOne,
        }
    }

    /// A product of numbers that are quantized as they come.
    pub(super) fn dynamic_matmul(&mut self, node: &Node, offset: i32) -> Lowered {
        let y = self.ty(node.outputs[0]).clone();
        let (mut params, dual, [packed, sums]) = self.dynamic_weights(node.inputs[1], offset)?;
        params.m = y.elements().checked_div(params.n).unwrap_or(0);
        params.y_pitch = self.result_pitch(node.outputs[0]);
        let (x, multiplier) = (self.operand(node.inputs[0]), self.operand(node.inputs[2]));
        let bias = node.inputs.get(3).map_or(Arg::Empty(DType::F32), |&v| self.operand(v));
        let scratch = match dual {
            true => self.new_temporary(&Type::new(DType::U32, [dynamic_dual::words(&params)])),
            false => self.new_temporary(&Type::new(DType::U8, [params.scratch()])),
        };
        let out = self.result(node.outputs[0]);
        let [scratch, out] = [scratch, out].map(|view| Arg::Buffer(view, Access::Write));
        let args = vec![x, packed, sums, multiplier, bias, scratch, out];
        self.call(node, Arc::new(DynamicMatMulCall { params, dual }), args);
        Ok(())
    }

    /// Constant weights `[n, k]` of products of numbers that are quantized as they come: the product of no rows, whether it is one of
    /// pairs, the packed weights, and the sums of each column's.
    pub(super) fn dynamic_weights(
        &mut self,
        operand: ValueId,
        offset: i32,
    ) -> Lowered<(DynamicMatMul, bool, [Arg; 2])> {
        let Some(w) = self.data(operand).and_then(Tensor::to_vec::<i8>) else {
            return Err(Fault::form("quantized weights must be constant", "this is a mistake of the compiler"));
        };
        let [n, k] = [0, 1].map(|d| self.ty(operand).shape[d]);
        let dual = self.target.loops.packing == Packing::Dual;
        let packed = match dual {
            true => packed(|put| qpacking::dynamic_matmul_dual(&w, n, k, put)),
            false => packed(|put| qpacking::dynamic_matmul(&w, n, k, put)),
        };
        let params = DynamicMatMul { m: 0, k, n, y_pitch: n, offset, pairs: qpacking::pairs_fit(&packed) };
        let sums: Vec<i32> = w.chunks(k.max(1)).map(|w| w.iter().map(|w| i32::from(*w)).sum()).collect();
        let name = self.graph.value(operand).name.clone();
        let sums = self.new_weight(&format!("{name}_sums"), Tensor::from_elements([n], &sums), None);
        let packed = self.new_weight(&name, Tensor::from_elements([packed.len()], &packed), Some(operand));
        Ok((params, dual, [Arg::Weight(packed), Arg::Weight(sums)]))
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
        self.call_one(node, Arc::new(BetweenCall { kind, between, dtypes }))
    }
}
