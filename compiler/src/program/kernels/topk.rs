//! `top_k`.

use zant_runtime::kernels::topk::TopK;

use crate::ir::DType;
use crate::program::bind::{Bound, Kernel, bind, params};
use crate::program::kernel::Params;
use crate::program::tokens::with_element;

/// The best elements and where they are.
#[derive(Clone, Debug)]
pub struct TopKCall {
    /// Element type of `x`.
    pub dtype: DType,
    /// The kernel's parameters.
    pub params: TopK,
}

impl Kernel for TopKCall {
    fn describe(&self) -> String {
        let p = &self.params;
        format!("{} of [{}, {}, {}]", p.k, p.outer, p.n, p.inner)
    }

    fn params(&self) -> Option<Params> {
        Some(params!(kernels::topk, TopK { outer, n, inner, k, largest }, self.params))
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        with_element!(self.dtype, T => bind!(kernels::topk:
            |x: &[T], values: &mut [T], indices: &mut [i64]| top_k(&p, x, values, indices)))
    }
}
