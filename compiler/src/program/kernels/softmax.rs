//! `softmax`, `log_softmax` and their in-place forms.

use std::sync::Arc;

use zant_runtime::kernels::softmax::Softmax;

use crate::program::bind::{Bound, Kernel, bind, params};
use crate::program::kernel::{KernelCall, Params};

/// Softmax of f32 or its logarithm.
#[derive(Clone, Debug)]
pub struct SoftmaxCall {
    /// Logarithm of the result.
    pub log: bool,
    /// The kernel's parameters.
    pub params: Softmax,
    /// Whether the result takes the operand's place.
    pub in_place: bool,
}

impl Kernel for SoftmaxCall {
    fn describe(&self) -> String {
        let p = &self.params;
        format!("[{}, {}, {}]", p.outer, p.n, p.inner)
    }

    fn params(&self) -> Option<Params> {
        Some(params!(kernels::softmax, Softmax { outer, n, inner }, self.params))
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        match (self.log, self.in_place) {
            (false, false) => bind!(kernels::softmax: |x: &[f32], y: &mut [f32]| softmax(cpu, &p, x, y)),
            (false, true) => bind!(kernels::softmax: |xy: &mut [f32]| softmax_in_place(cpu, &p, xy)),
            (true, false) => bind!(kernels::softmax: |x: &[f32], y: &mut [f32]| log_softmax(cpu, &p, x, y)),
            (true, true) => bind!(kernels::softmax: |xy: &mut [f32]| log_softmax_in_place(cpu, &p, xy)),
        }
    }

    fn in_place(&self, _: (usize, usize)) -> Option<Arc<dyn KernelCall>> {
        Some(Arc::new(SoftmaxCall { in_place: true, ..self.clone() }))
    }
}
