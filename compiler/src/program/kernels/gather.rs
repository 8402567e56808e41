//! `gather`, `gather_elements`, `gather_nd`.

use zant_runtime::kernels::gather::{Gather, GatherElements, GatherNd};

use super::{MAX_DIMS, padded};
use crate::ir::DType;
use crate::program::bind::{bind, kernel, params};
use crate::program::tokens::{with_count, with_element, with_index};

kernel! {
    /// Slices along a dimension.
    pub struct GatherCall {
        /// Element type.
        pub dtype: DType,
        /// Type of the indices: i32 or i64.
        pub index: DType,
        /// The kernel's parameters.
        pub params: Gather,
    }
    describe(c) => format!("{} of {} slices of {}", c.params.count, c.params.axis, c.params.inner);
    params(c) => params!(kernels::gather, Gather { outer, axis, inner, count }, c.params);
    bound(c, p) => with_element!(c.dtype, T => with_index!(c.index, I => bind!(kernels::gather:
        |x: &[T], indices: &[I], y: &mut [T]| gather(&p, x, indices, y))));
}

kernel! {
    /// Single elements.
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
    describe(c) => format!("{:?} of {}", c.dims, c.axis);
    params(c) => params!(kernels::gather, GatherElements { dims, x_strides, axis, axis_stride }, c)
        .sized(c.dims.len());
    bound(c) => {
        let (dims, x_strides) = (padded(&c.dims, 1), padded(&c.x_strides, 0));
        let p = GatherElements::<MAX_DIMS> { dims, x_strides, axis: c.axis, axis_stride: c.axis_stride };
        with_element!(c.dtype, T => with_index!(c.index, I => bind!(kernels::gather:
            |x: &[T], indices: &[I], y: &mut [T]| gather_elements(&p, x, indices, y))))
    };
}

kernel! {
    /// Slices by tuples of indices.
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
    describe(c) => format!("{} of {:?}, slices of {}", c.count, c.dims, c.inner);
    params(c) => params!(kernels::gather, GatherNd { batch, count, dims, inner }, c).sized(c.dims.len());
    bound(c) => {
        with_element!(c.dtype, T => with_index!(c.index, I => with_count!(c.dims.len(), K => {
            let dims = c.dims.as_slice().try_into().expect("lowering allows at most eight dimensions");
            let p = GatherNd::<K> { batch: c.batch, count: c.count, dims, inner: c.inner };
            bind!(kernels::gather: |x: &[T], indices: &[I], y: &mut [T]| gather_nd(&p, x, indices, y))
        })))
    };
}
