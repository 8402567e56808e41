//! `cumulative_sum`, `cumulative_product` and their in-place forms.

use std::sync::Arc;

use zant_runtime::kernels::cumulative::Cumulative;

use crate::ir::DType;
use crate::program::bind::{Bound, Kernel, bind, params};
use crate::program::kernel::{KernelCall, Params};
use crate::program::tokens::with_element;

/// A running sum or product.
#[derive(Clone, Debug)]
pub struct CumulativeCall {
    /// Element type.
    pub dtype: DType,
    /// Product, else sum.
    pub product: bool,
    /// The kernel's parameters.
    pub params: Cumulative,
    /// Whether the result takes the operand's place.
    pub in_place: bool,
}

impl Kernel for CumulativeCall {
    fn describe(&self) -> String {
        let p = &self.params;
        format!("[{}, {}, {}], exclusive {}, reverse {}", p.outer, p.n, p.inner, p.exclusive, p.reverse)
    }

    fn params(&self) -> Option<Params> {
        Some(params!(kernels::cumulative, Cumulative { outer, n, inner, exclusive, reverse }, self.params))
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        with_element!(self.dtype, T => match (self.product, self.in_place) {
            (false, false) => bind!(kernels::cumulative: |x: &[T], y: &mut [T]| cumulative_sum(&p, x, y)),
            (false, true) => bind!(kernels::cumulative: |xy: &mut [T]| cumulative_sum_in_place(&p, xy)),
            (true, false) => bind!(kernels::cumulative: |x: &[T], y: &mut [T]| cumulative_product(&p, x, y)),
            (true, true) => bind!(kernels::cumulative: |xy: &mut [T]| cumulative_product_in_place(&p, xy)),
        })
    }

    fn in_place(&self, _: (usize, usize)) -> Option<Arc<dyn KernelCall>> {
        Some(Arc::new(CumulativeCall { in_place: true, ..self.clone() }))
    }
}
