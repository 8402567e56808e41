//! `copy`, `strided_copy`, `fill` and `strided_fill`.

use zant_runtime::kernels::copy::{StridedCopy, StridedFill};

use super::{MAX_DIMS, padded};
use crate::ir::{DType, Scalar};
use crate::program::bind::{bind, kernel, params};
use crate::program::scalar_lit;
use crate::program::tokens::with_element;

kernel! {
    /// A strided copy; a plain one where it has no dimensions but one, dense on both sides.
    pub struct CopyCall {
        /// Element type.
        pub dtype: DType,
        /// Elements per dimension.
        pub dims: Vec<usize>,
        /// First element read.
        pub x_start: usize,
        /// Distance of neighbours that are read.
        pub x_strides: Vec<isize>,
        /// First element written.
        pub y_start: usize,
        /// Distance of neighbours that are written.
        pub y_strides: Vec<isize>,
    }
    describe(c) => format!("{:?} from {}+{:?} to {}+{:?}", c.dims, c.x_start, c.x_strides, c.y_start, c.y_strides);
    params(c) => {
        let params = params!(kernels::copy, StridedCopy { dims, x_start, x_strides, y_start, y_strides }, c);
        (!c.is_plain()).then(|| params.sized(c.dims.len()))
    };
    bound(c) => {
        let p = StridedCopy::<MAX_DIMS> {
            dims: padded(&c.dims, 1),
            x_start: c.x_start,
            x_strides: padded(&c.x_strides, 0),
            y_start: c.y_start,
            y_strides: padded(&c.y_strides, 0),
        };
        with_element!(c.dtype, T => match c.is_plain() {
            true => bind!(kernels::copy: |x: &[T], y: &mut [T]| copy(x, y)),
            false => bind!(kernels::copy: |x: &[T], y: &mut [T]| strided_copy(&p, x, y)),
        })
    };
}

impl CopyCall {
    /// Whether it copies one run to one run.
    fn is_plain(&self) -> bool {
        self.dims.len() <= 1
            && self.x_start == 0
            && self.y_start == 0
            && self.x_strides.iter().chain(&self.y_strides).all(|&s| s == 1)
    }
}

kernel! {
    /// One value written to a box of places.
    pub struct FillCall {
        /// The value.
        pub value: Scalar,
        /// Elements per dimension.
        pub dims: Vec<usize>,
        /// First element written.
        pub start: usize,
        /// Distance of neighbours.
        pub strides: Vec<isize>,
    }
    describe(c) => format!("{} at {:?} {}+{:?}", c.value, c.dims, c.start, c.strides);
    params(c) => {
        let params = params!(kernels::copy, StridedFill { dims, start, strides }, c);
        (!c.is_plain()).then(|| params.sized(c.dims.len()))
    };
    bound(c) => {
        let p = StridedFill::<MAX_DIMS> {
            dims: padded(&c.dims, 1),
            start: c.start,
            strides: padded(&c.strides, 0),
        };
        let bytes = c.value.bits().to_le_bytes();
        let bound = with_element!(c.value.dtype(), T => {
            let value: T = bytemuck::pod_read_unaligned(&bytes[..size_of::<T>()]);
            match c.is_plain() {
                true => bind!(kernels::copy: |y: &mut [T]| fill(value, y)),
                false => bind!(kernels::copy: |y: &mut [T]| strided_fill(&p, value, y)),
            }
        });
        bound.given("value", scalar_lit(c.value))
    };
}

impl FillCall {
    fn is_plain(&self) -> bool {
        self.dims.len() <= 1 && self.start == 0 && self.strides.iter().all(|&s| s == 1)
    }
}
