//! `reduce_sum`, `reduce_prod`, `reduce_max`, `reduce_min`.

use zant_runtime::kernels::reduce::Reduce;

use crate::ir::{DType, ReduceKind};
use crate::program::bind::{Bound, Kernel, bind, params};
use crate::program::kernel::Params;
use crate::program::tokens::with_element;

/// A reduction of the middle of three dimensions.
#[derive(Clone, Debug)]
pub struct ReduceCall {
    /// Element type.
    pub dtype: DType,
    /// What is computed.
    pub kind: ReduceKind,
    /// The kernel's parameters.
    pub params: Reduce,
}

impl Kernel for ReduceCall {
    fn describe(&self) -> String {
        let p = &self.params;
        format!("[{}, {}, {}]", p.outer, p.n, p.inner)
    }

    fn params(&self) -> Option<Params> {
        Some(params!(kernels::reduce, Reduce { outer, n, inner }, self.params))
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        // Kernels for f32 and for other types bear one name: the module tells them apart.
        if self.dtype == DType::F32 {
            return match self.kind {
                ReduceKind::Sum => bind!(kernels: |x: &[f32], y: &mut [f32]| reduce_f32::reduce_sum(cpu, &p, x, y)),
                ReduceKind::Prod => bind!(kernels: |x: &[f32], y: &mut [f32]| reduce_f32::reduce_prod(cpu, &p, x, y)),
                ReduceKind::Max => bind!(kernels: |x: &[f32], y: &mut [f32]| reduce_f32::reduce_max(cpu, &p, x, y)),
                ReduceKind::Min => bind!(kernels: |x: &[f32], y: &mut [f32]| reduce_f32::reduce_min(cpu, &p, x, y)),
            };
        }
        with_element!(self.dtype, T => match self.kind {
            ReduceKind::Sum => bind!(kernels: |x: &[T], y: &mut [T]| reduce::reduce_sum(&p, x, y)),
            ReduceKind::Prod => bind!(kernels: |x: &[T], y: &mut [T]| reduce::reduce_prod(&p, x, y)),
            ReduceKind::Max => bind!(kernels: |x: &[T], y: &mut [T]| reduce::reduce_max(&p, x, y)),
            ReduceKind::Min => bind!(kernels: |x: &[T], y: &mut [T]| reduce::reduce_min(&p, x, y)),
        })
    }
}
