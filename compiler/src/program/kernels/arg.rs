//! `arg_max` and `arg_min`.

use zant_runtime::kernels::arg::Arg;

use crate::ir::DType;
use crate::program::bind::{Bound, Kernel, bind, params};
use crate::program::kernel::Params;
use crate::program::tokens::with_element;

/// Index of the extreme element.
#[derive(Clone, Debug)]
pub struct ArgCall {
    /// Element type of `x`.
    pub dtype: DType,
    /// Largest, else smallest.
    pub max: bool,
    /// The kernel's parameters.
    pub params: Arg,
}

impl Kernel for ArgCall {
    fn describe(&self) -> String {
        let p = &self.params;
        format!("[{}, {}, {}]", p.outer, p.n, p.inner)
    }

    fn params(&self) -> Option<Params> {
        Some(params!(kernels::arg, Arg { outer, n, inner, last }, self.params))
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        with_element!(self.dtype, T => match self.max {
            true => bind!(kernels::arg: |x: &[T], y: &mut [i64]| arg_max(&p, x, y)),
            false => bind!(kernels::arg: |x: &[T], y: &mut [i64]| arg_min(&p, x, y)),
        })
    }
}
