//! `qavg_pool2d`, `qsum` and `qsoftmax`: float kernels between bytes.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use zant_runtime::kernels::qfloat;
use zant_runtime::kernels::reduce::Reduce;
use zant_runtime::kernels::softmax::Softmax;
use zant_runtime::terms::pool2d::Pool2d;
use zant_runtime::terms::quant;

use super::pool::pool2d;
use super::qconv::{affine, range};
use super::roles;
use crate::ir::{Between, DType, Numerics};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{Lit, fields, with_byte, with_cpu};

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

/// A float kernel between bytes. Arguments: `x`, `y`.
#[derive(Clone, Debug)]
pub struct BetweenCall {
    /// Which kernel, and its parameters.
    pub kind: BetweenKind,
    /// What the bytes stand for.
    pub between: Between,
    /// Element types of `x` and `y`.
    pub dtypes: [DType; 2],
}

impl BetweenCall {
    fn bytes(&self) -> qfloat::Bytes {
        let b = &self.between;
        qfloat::Bytes {
            from: quant::Affine { zero: b.from.zero, scale: b.from.scale },
            divisor: b.divisor,
            scale: b.scale,
            range: quant::Range { zero: b.target.zero, lo: b.target.lo, hi: b.target.hi },
        }
    }
}

impl KernelCall for BetweenCall {
    fn name(&self) -> &'static str {
        match self.kind {
            BetweenKind::Average(_) => "qavg_pool2d",
            BetweenKind::Sum(_) => "qsum",
            BetweenKind::Softmax(_) => "qsoftmax",
        }
    }

    fn describe(&self) -> String {
        let what = match &self.kind {
            BetweenKind::Average(p) => format!("{}x{} stride {}x{}", p.kernel_h, p.kernel_w, p.stride_h, p.stride_w),
            BetweenKind::Sum(p) => format!("[{}, {}, {}]", p.outer, p.n, p.inner),
            BetweenKind::Softmax(p) => format!("[{}, {}, {}]", p.outer, p.n, p.inner),
        };
        let b = &self.between;
        format!("{what}, from {:?} zero {} to {:?} zero {}", b.from.scale, b.from.zero, b.scale, b.target.zero)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        let mut uses = vec!["kernels::qfloat::Bytes", "terms::quant::Affine", "terms::quant::Range"];
        uses.extend(match self.kind {
            BetweenKind::Average(_) => ["kernels::qfloat::qavg_pool2d", "terms::pool2d::Pool2d"],
            BetweenKind::Sum(_) => ["kernels::qfloat::qsum", "kernels::reduce::Reduce"],
            BetweenKind::Softmax(_) => ["kernels::qfloat::qsoftmax", "kernels::softmax::Softmax"],
        });
        uses
    }

    fn params(&self) -> Option<Params> {
        let b = self.bytes();
        let (from, divisor, scale, range) = (affine(b.from), b.divisor.lit(), b.scale.lit(), range(b.range));
        let bytes = quote!(Bytes { from: #from, divisor: #divisor, scale: #scale, range: #range });
        let (ty, value) = match &self.kind {
            BetweenKind::Average(p) => (quote!(Pool2d), pool2d(p)),
            BetweenKind::Sum(p) => (quote!(Reduce), fields!(Reduce, *p, outer, n, inner)),
            BetweenKind::Softmax(p) => (quote!(Softmax), fields!(Softmax, *p, outer, n, inner)),
        };
        Some(Params { ty: quote!((#ty, Bytes)), value: quote!((#value, #bytes)) })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let function = format_ident!("{}", self.name());
        quote!(#function(cpu, &P.0, &P.1, #(#args),*))
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let bytes = self.bytes();
        with_byte!(self.dtypes[0], X => with_byte!(self.dtypes[1], Y => {
            let (x, y): (&[X], &mut [Y]) = (args.read(0), args.write(1));
            with_cpu!(numerics, cpu => match &self.kind {
                BetweenKind::Average(p) => qfloat::qavg_pool2d(cpu, p, &bytes, x, y),
                BetweenKind::Sum(p) => qfloat::qsum(cpu, p, &bytes, x, y),
                BetweenKind::Softmax(p) => qfloat::qsoftmax(cpu, p, &bytes, x, y),
            });
        }));
        Ok(())
    }
}
