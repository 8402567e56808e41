//! `gather`, `gather_elements`, `gather_nd`.

use zant_runtime::kernels::gather::{Gather, GatherElements, GatherNd};

use super::{MAX_DIMS, padded};
use crate::ir::DType;
use crate::program::bind::{Bound, Kernel, bind, params};
use crate::program::kernel::Params;
use crate::program::tokens::{with_count, with_element, with_index};

/// Slices along a dimension.
#[derive(Clone, Debug)]
pub struct GatherCall {
    /// Element type.
    pub dtype: DType,
    /// Type of the indices: i32 or i64.
    pub index: DType,
    /// The kernel's parameters.
    pub params: Gather,
}

impl Kernel for GatherCall {
    fn describe(&self) -> String {
        let p = &self.params;
        format!("{} of {} slices of {}", p.count, p.axis, p.inner)
    }

    fn params(&self) -> Option<Params> {
        Some(params!(kernels::gather, Gather { outer, axis, inner, count }, self.params))
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        with_element!(self.dtype, T => with_index!(self.index, I => bind!(kernels::gather:
            |x: &[T], indices: &[I], y: &mut [T]| gather(&p, x, indices, y))))
    }
}

/// Single elements.
#[derive(Clone, Debug)]
pub struct GatherElementsCall {
    /// Element type.
    pub dtype: DType,
    /// Type of the indices: i32 or i64.
    pub index: DType,
    /// Shape of the indices, at most eight dimensions.
    pub dims: Vec<usize>,
    /// Strides of `x`, 0 for the indexed dimension.
    pub x_strides: Vec<usize>,
    /// Length of the indexed dimension in `x`.
    pub axis: usize,
    /// Stride of the indexed dimension in `x`.
    pub axis_stride: usize,
}

impl Kernel for GatherElementsCall {
    fn describe(&self) -> String {
        format!("{:?} of {}", self.dims, self.axis)
    }

    fn params(&self) -> Option<Params> {
        let params = params!(kernels::gather, GatherElements { dims, x_strides, axis, axis_stride }, self);
        Some(params.sized(self.dims.len()))
    }

    fn bound(&self) -> Bound {
        let (dims, x_strides) = (padded(&self.dims, 1), padded(&self.x_strides, 0));
        let p = GatherElements::<MAX_DIMS> { dims, x_strides, axis: self.axis, axis_stride: self.axis_stride };
        with_element!(self.dtype, T => with_index!(self.index, I => bind!(kernels::gather:
            |x: &[T], indices: &[I], y: &mut [T]| gather_elements(&p, x, indices, y))))
    }
}

/// Slices by tuples of indices.
#[derive(Clone, Debug)]
pub struct GatherNdCall {
    /// Element type.
    pub dtype: DType,
    /// Type of the indices: i32 or i64.
    pub index: DType,
    /// Product of the dimensions that `x` and indices share.
    pub batch: usize,
    /// Tuples per batch.
    pub count: usize,
    /// The indexed dimensions of `x`, at most eight.
    pub dims: Vec<usize>,
    /// Product of the dimensions behind.
    pub inner: usize,
}

impl Kernel for GatherNdCall {
    fn describe(&self) -> String {
        format!("{} of {:?}, slices of {}", self.count, self.dims, self.inner)
    }

    fn params(&self) -> Option<Params> {
        Some(params!(kernels::gather, GatherNd { batch, count, dims, inner }, self).sized(self.dims.len()))
    }

    fn bound(&self) -> Bound {
        with_element!(self.dtype, T => with_index!(self.index, I => with_count!(self.dims.len(), K => {
            let dims = self.dims.as_slice().try_into().expect("lowering allows at most eight dimensions");
            let p = GatherNd::<K> { batch: self.batch, count: self.count, dims, inner: self.inner };
            bind!(kernels::gather: |x: &[T], indices: &[I], y: &mut [T]| gather_nd(&p, x, indices, y))
        })))
    }
}
