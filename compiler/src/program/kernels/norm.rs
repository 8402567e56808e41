//! `norm` and its in-place form.

use std::sync::Arc;

use zant_runtime::kernels::norm::Norm;

use crate::program::bind::{Bound, Kernel, bind, params};
use crate::program::kernel::{KernelCall, Params};

/// Rows of f32 normalized. Scale and bias may be empty.
#[derive(Clone, Debug)]
pub struct NormCall {
    /// The kernel's parameters.
    pub params: Norm,
    /// Whether the result takes the operand's place.
    pub in_place: bool,
}

impl Kernel for NormCall {
    fn describe(&self) -> String {
        let p = &self.params;
        let center = if p.center { ", centered" } else { "" };
        format!("[{}, {}], epsilon {:?}{center}", p.outer, p.n, p.epsilon)
    }

    fn params(&self) -> Option<Params> {
        Some(params!(kernels::norm, Norm { outer, n, epsilon, center }, self.params))
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        match self.in_place {
            true => bind!(kernels::norm:
                |scale: &[f32], bias: &[f32], xy: &mut [f32]| norm_in_place(cpu, &p, scale, bias, xy)),
            false => bind!(kernels::norm:
                |x: &[f32], scale: &[f32], bias: &[f32], y: &mut [f32]| norm(cpu, &p, x, scale, bias, y)),
        }
    }

    fn in_place(&self, (read, _): (usize, usize)) -> Option<Arc<dyn KernelCall>> {
        (read == 0).then(|| Arc::new(NormCall { in_place: true, ..self.clone() }) as Arc<_>)
    }
}
