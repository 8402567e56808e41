//! `place_row`.

use zant_runtime::kernels::place_row::PlaceRow;

use crate::ir::DType;
use crate::program::bind::{Bound, Kernel, bind, params};
use crate::program::kernel::Params;
use crate::program::tokens::{with_element, with_index};

/// A row written at a run-time position.
#[derive(Clone, Debug)]
pub struct PlaceRowCall {
    /// Element type.
    pub dtype: DType,
    /// Type of the position: i32 or i64.
    pub index: DType,
    /// The kernel's parameters.
    pub params: PlaceRow,
}

impl Kernel for PlaceRowCall {
    fn describe(&self) -> String {
        let p = &self.params;
        format!("{} times {} into one of {} rows", p.outer, p.inner, p.n)
    }

    fn params(&self) -> Option<Params> {
        Some(params!(kernels::place_row, PlaceRow { outer, n, inner, x_pitch, pitch }, self.params))
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        with_element!(self.dtype, T => with_index!(self.index, I => bind!(kernels::place_row:
            |position: &[I], x: &[T], xy: &mut [T]| place_row(&p, position, x, xy))))
    }
}
