//! `place_row` and `take_row`.

use zant_runtime::kernels::place_row::{PlaceRow, TakeRow};

use crate::ir::DType;
use crate::program::bind::{bind, kernel, params};
use crate::program::tokens::{with_element, with_index};

kernel! {
    /// A row written at a run-time position.
    pub struct PlaceRowCall {
        /// Element type.
        pub dtype: DType,
        /// Type of the position: i32 or i64.
        pub index: DType,
        /// The kernel's parameters.
        pub params: PlaceRow,
    }
    describe(c) => format!("{} times {} into one of {} rows", c.params.outer, c.params.inner, c.params.n);
    params(c) => params!(kernels::place_row, PlaceRow { outer, n, inner, x_pitch, pitch }, c.params);
    bound(c, p) => with_element!(c.dtype, T => with_index!(c.index, I => bind!(kernels::place_row:
        |position: &[I], x: &[T], xy: &mut [T]| place_row(&p, position, x, xy))));
}

kernel! {
    /// The row at a run-time position.
    pub struct TakeRowCall {
        /// Element type.
        pub dtype: DType,
        /// The kernel's parameters.
        pub params: TakeRow,
    }
    describe(c) => format!("one of {} rows of {}", c.params.n, c.params.inner);
    params(c) => params!(kernels::place_row, TakeRow { n, inner }, c.params);
    bound(c, p) => with_element!(c.dtype, T => bind!(kernels::place_row:
        |position: &[i64], x: &[T], y: &mut [T]| take_row(&p, position, x, y)));
}
