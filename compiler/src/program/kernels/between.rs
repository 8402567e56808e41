//! `qavg_pool2d`, `qsum` and `qsoftmax`: float kernels between bytes.

use quote::quote;
use zant_runtime::kernels::qfloat::Bytes;
use zant_runtime::kernels::reduce::Reduce;
use zant_runtime::kernels::softmax::Softmax;
use zant_runtime::terms::pool2d::Pool2d;
use zant_runtime::terms::quant::{Affine, Range};

use super::pool::pool2d;
use crate::ir::{Between, DType};
use crate::program::bind::{bind, kernel, params};
use crate::program::kernel::Params;
use crate::program::tokens::{fields, with_level};

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BetweenKind {
    /// An average pool.
    Average(Pool2d),
    /// A sum along a dimension.
    Sum(Reduce),
    /// A softmax along a dimension.
    Softmax(Softmax),
}

kernel! {
    /// A float kernel between bytes.
    pub struct BetweenCall {
        /// Which kernel, and its parameters.
        pub kind: BetweenKind,
        /// What the bytes stand for.
        pub between: Between,
        /// Element types of `x` and `y`.
        pub dtypes: [DType; 2],
    }
    describe(c) => {
        let what = match &c.kind {
            BetweenKind::Average(p) => format!("{}x{} stride {}x{}", p.kernel_h, p.kernel_w, p.stride_h, p.stride_w),
            BetweenKind::Sum(p) => format!("[{}, {}, {}]", p.outer, p.n, p.inner),
            BetweenKind::Softmax(p) => format!("[{}, {}, {}]", p.outer, p.n, p.inner),
        };
        let b = &c.between;
        format!("{what}, from {:?} zero {} to {:?} zero {}", b.from.scale, b.from.zero, b.scale, b.target.zero)
    };
    params(c) => {
        let bytes = fields!(Bytes, c.bytes(), from, divisor, scale, range);
        let Params { mut uses, ty, value } = match &c.kind {
            BetweenKind::Average(p) => pool2d(p),
            BetweenKind::Sum(p) => params!(kernels::reduce, Reduce { outer, n, inner }, p),
            BetweenKind::Softmax(p) => params!(kernels::softmax, Softmax { outer, n, inner }, p),
        };
        uses.extend(["kernels::qfloat::Bytes", "terms::quant::Affine", "terms::quant::Range"]);
        Some(Params { uses, ty: quote!((#ty, Bytes)), value: quote!((#value, #bytes)) })
    };
    bound(c) => {
        let bytes = c.bytes();
        let bound = with_level!(c.dtypes[0], X => with_level!(c.dtypes[1], Y => match c.kind {
            BetweenKind::Average(p) => {
                bind!(kernels::qfloat: |x: &[X], y: &mut [Y]| qavg_pool2d(cpu, &p, &bytes, x, y))
            }
            BetweenKind::Sum(p) => bind!(kernels::qfloat: |x: &[X], y: &mut [Y]| qsum(cpu, &p, &bytes, x, y)),
            BetweenKind::Softmax(p) => bind!(kernels::qfloat: |x: &[X], y: &mut [Y]| qsoftmax(cpu, &p, &bytes, x, y)),
        }));
        bound.given("p", quote!(P.0)).given("bytes", quote!(P.1))
    };
}

impl BetweenCall {
    fn bytes(&self) -> Bytes {
        let b = &self.between;
        Bytes {
            from: Affine { zero: b.from.zero, scale: b.from.scale },
            divisor: b.divisor,
            scale: b.scale,
            range: Range { zero: b.target.zero, lo: b.target.lo, hi: b.target.hi },
        }
    }
}
