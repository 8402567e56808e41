//! Operators along one dimension: reductions, softmax, running sums, top-k.

use std::sync::Arc;

use zant_runtime::kernels::arg::Arg as ArgParams;
use zant_runtime::kernels::cumulative::Cumulative;
use zant_runtime::kernels::norm::Norm;
use zant_runtime::kernels::reduce::Reduce;
use zant_runtime::kernels::softmax::Softmax;
use zant_runtime::kernels::topk::TopK;

use super::{Lowered, Lowering, around, expect_f32, expect_number};
use crate::ir::{DType, Node, ReduceKind, Type};
use crate::program::kernels::{ArgCall, CumulativeCall, NormCall, ReduceCall, SoftmaxCall, SoftmaxF64Call, TopKCall};
use crate::program::{Access, Arg};

impl Lowering<'_> {
    pub(super) fn reduce(&mut self, node: &Node, kind: ReduceKind, axes: &[usize]) -> Lowered {
        let x = self.ty(node.inputs[0]).clone();
        expect_number("a reduction", x.dtype)?;
        let mut source = self.operand(node.inputs[0]);
        let params = neighbours(&x, axes).unwrap_or_else(|| {
            // The reduced dimensions go last, in their order, so that they are neighbours.
            let kept = (0..x.rank()).filter(|d| !axes.contains(d));
            let perm: Vec<usize> = kept.chain(axes.iter().copied()).collect();
            source = self.transposed(node, &x, source, &perm);
            let n = axes.iter().map(|&a| x.shape[a]).product::<usize>();
            // Not the quotient of elements: a reduction of nothing has results too.
            let outer = (0..x.rank()).filter(|d| !axes.contains(d)).map(|d| x.shape[d]).product();
            Reduce { outer, n, inner: 1 }
        });
        let out = self.result(node.outputs[0]);
        let call = Arc::new(ReduceCall { dtype: x.dtype, kind, params });
        self.call(node, call, vec![source, Arg::Buffer(out, Access::Write)]);
        Ok(())
    }

    pub(super) fn arg(&mut self, node: &Node, max: bool, axis: usize, last: bool) -> Lowered {
        let x = self.ty(node.inputs[0]).clone();
        expect_number("an extreme's index", x.dtype)?;
        let (outer, n, inner) = around(&x.shape, axis);
        let params = ArgParams { outer, n, inner, last };
        self.call_one(node, Arc::new(ArgCall { dtype: x.dtype, max, params }))
    }

    pub(super) fn softmax(&mut self, node: &Node, axis: usize, log: bool) -> Lowered {
        let x = self.ty(node.inputs[0]).clone();
        let (outer, n, inner) = around(&x.shape, axis);
        if x.dtype == DType::F64 {
            return self.call_one(node, Arc::new(SoftmaxF64Call { log, params: Softmax { outer, n, inner } }));
        }
        expect_f32("softmax", x.dtype)?;
        let call = SoftmaxCall { log, params: Softmax { outer, n, inner }, in_place: false };
        self.call_one(node, Arc::new(call))
    }

    /// A normalization of the rows from `axis` on; `operands` tells whether scale and bias are there.
    pub(super) fn norm(&mut self, node: &Node, axis: usize, params: Norm, [scale, bias]: [bool; 2]) -> Lowered {
        let x = self.ty(node.inputs[0]).clone();
        let params = Norm { outer: x.shape[..axis].iter().product(), n: x.shape[axis..].iter().product(), ..params };
        let source = self.operand(node.inputs[0]);
        let mut rest = node.inputs[1..].iter().copied();
        let mut operand = |present: bool| match rest.next().filter(|_| present) {
            Some(v) => self.operand(v),
            None => Arg::Empty(x.dtype),
        };
        let (scale, bias) = (operand(scale), operand(bias));
        let out = self.result(node.outputs[0]);
        let call = Arc::new(NormCall { params, in_place: false });
        self.call(node, call, vec![source, scale, bias, Arg::Buffer(out, Access::Write)]);
        Ok(())
    }

    /// A running sum or product; `form` is product, exclusive, reverse.
    pub(super) fn cumulative(&mut self, node: &Node, axis: usize, form: [bool; 3]) -> Lowered {
        let x = self.ty(node.inputs[0]).clone();
        expect_number("a running sum", x.dtype)?;
        let [product, exclusive, reverse] = form;
        let (outer, n, inner) = around(&x.shape, axis);
        let params = Cumulative { outer, n, inner, exclusive, reverse };
        let call = CumulativeCall { dtype: x.dtype, product, params, in_place: false };
        self.call_one(node, Arc::new(call))
    }

    pub(super) fn top_k(&mut self, node: &Node, axis: usize, k: usize, largest: bool) -> Lowered {
        let x = self.ty(node.inputs[0]).clone();
        expect_number("top-k", x.dtype)?;
        let (outer, n, inner) = around(&x.shape, axis);
        let source = self.operand(node.inputs[0]);
        let (values, indices) = (self.result(node.outputs[0]), self.result(node.outputs[1]));
        let call = Arc::new(TopKCall { dtype: x.dtype, params: TopK { outer, n, inner, k, largest } });
        let args = vec![source, Arg::Buffer(values, Access::Write), Arg::Buffer(indices, Access::Write)];
        self.call(node, call, args);
        Ok(())
    }
}

/// The reduction as one of the middle of three dimensions, where the reduced ones are neighbours but for unit dimensions.
pub(super) fn neighbours(x: &Type, axes: &[usize]) -> Option<Reduce> {
    let long: Vec<usize> = axes.iter().copied().filter(|&a| x.shape[a] != 1).collect();
    let (Some(&first), Some(&last)) = (long.first(), long.last()) else {
        return Some(Reduce { outer: x.elements(), n: 1, inner: 1 });
    };
    let all = (first..=last).all(|d| x.shape[d] == 1 || axes.contains(&d));
    all.then(|| Reduce {
        outer: x.shape[..first].iter().product(),
        n: x.shape[first..=last].iter().product(),
        inner: x.shape[last + 1..].iter().product(),
    })
}
