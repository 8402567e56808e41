//! `copy`, `strided_copy`, `fill` and `strided_fill`.

use zant_runtime::kernels::copy::{StridedCopy, StridedFill};

use super::{MAX_DIMS, padded};
use crate::ir::{DType, Scalar};
use crate::program::bind::{Bound, Kernel, bind, params};
use crate::program::kernel::Params;
use crate::program::scalar_lit;
use crate::program::tokens::with_element;

/// A strided copy; a plain one where it has no dimensions but one, dense on both sides.
#[derive(Clone, Debug)]
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

impl CopyCall {
    /// Whether it copies one run to one run.
    fn is_plain(&self) -> bool {
        self.dims.len() <= 1
            && self.x_start == 0
            && self.y_start == 0
            && self.x_strides.iter().chain(&self.y_strides).all(|&s| s == 1)
    }
}

impl Kernel for CopyCall {
    fn describe(&self) -> String {
        format!("{:?} from {}+{:?} to {}+{:?}", self.dims, self.x_start, self.x_strides, self.y_start, self.y_strides)
    }

    fn params(&self) -> Option<Params> {
        let params = params!(kernels::copy, StridedCopy { dims, x_start, x_strides, y_start, y_strides }, self);
        (!self.is_plain()).then(|| params.sized(self.dims.len()))
    }

    fn bound(&self) -> Bound {
        let p = StridedCopy::<MAX_DIMS> {
            dims: padded(&self.dims, 1),
            x_start: self.x_start,
            x_strides: padded(&self.x_strides, 0),
            y_start: self.y_start,
            y_strides: padded(&self.y_strides, 0),
        };
        with_element!(self.dtype, T => match self.is_plain() {
            true => bind!(kernels::copy: |x: &[T], y: &mut [T]| copy(x, y)),
            false => bind!(kernels::copy: |x: &[T], y: &mut [T]| strided_copy(&p, x, y)),
        })
    }
}

/// One value written to a box of places.
#[derive(Clone, Debug)]
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

impl FillCall {
    fn is_plain(&self) -> bool {
        self.dims.len() <= 1 && self.start == 0 && self.strides.iter().all(|&s| s == 1)
    }
}

impl Kernel for FillCall {
    fn describe(&self) -> String {
        format!("{} at {:?} {}+{:?}", self.value, self.dims, self.start, self.strides)
    }

    fn params(&self) -> Option<Params> {
        let params = params!(kernels::copy, StridedFill { dims, start, strides }, self);
        (!self.is_plain()).then(|| params.sized(self.dims.len()))
    }

    fn bound(&self) -> Bound {
        let p = StridedFill::<MAX_DIMS> {
            dims: padded(&self.dims, 1),
            start: self.start,
            strides: padded(&self.strides, 0),
        };
        let bytes = self.value.bits().to_le_bytes();
        let bound = with_element!(self.value.dtype(), T => {
            let value: T = bytemuck::pod_read_unaligned(&bytes[..size_of::<T>()]);
            match self.is_plain() {
                true => bind!(kernels::copy: |y: &mut [T]| fill(value, y)),
                false => bind!(kernels::copy: |y: &mut [T]| strided_fill(&p, value, y)),
            }
        });
        bound.given("value", scalar_lit(self.value))
    }
}
