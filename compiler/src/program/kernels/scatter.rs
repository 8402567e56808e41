//! `scatter_elements` and `scatter_nd`; both update a copy of the data in place.

use quote::quote;
use zant_runtime::kernels::number::Number;
use zant_runtime::kernels::scatter::{ScatterElements, ScatterNd};

use super::{MAX_DIMS, padded};
use crate::ir::{DType, ScatterKind};
use crate::program::bind::{Bound, bind, kernel, params};
use crate::program::tokens::{with_count, with_element, with_index};

/// What a place becomes: `combine(old, new)`.
fn combine<T: Number>(kind: ScatterKind) -> fn(T, T) -> T {
    match kind {
        ScatterKind::Replace => |_, new| new,
        ScatterKind::Add => T::add,
        ScatterKind::Mul => T::mul,
        ScatterKind::Max => T::max,
        ScatterKind::Min => T::min,
    }
}

/// The same in emitted code.
fn combining(kind: ScatterKind, bound: Bound) -> Bound {
    let tokens = match kind {
        ScatterKind::Replace => return bound.given("combine", quote!(|_, new| new)),
        ScatterKind::Add => quote!(Number::add),
        ScatterKind::Mul => quote!(Number::mul),
        ScatterKind::Max => quote!(Number::max),
        ScatterKind::Min => quote!(Number::min),
    };
    bound.given("combine", tokens).using("kernels::number::Number")
}

kernel! {
    /// Single elements. `y` holds the data.
    pub struct ScatterElementsCall {
        /// Element type.
        pub dtype: DType,
        /// Type of the indices: i32 or i64.
        pub index: DType,
        /// How values meet.
        pub kind: ScatterKind,
        /// Shape of the indices, at most eight dimensions.
        pub dims: Vec<usize>,
        /// Strides of `y`, 0 for the indexed dimension.
        pub y_strides: Vec<usize>,
        /// Length of the indexed dimension in `y`.
        pub axis: usize,
        /// Stride of the indexed dimension in `y`.
        pub axis_stride: usize,
    }
    describe(c) => format!("{:?} into {}, {:?}", c.dims, c.axis, c.kind);
    params(c) => params!(kernels::scatter, ScatterElements { dims, y_strides, axis, axis_stride }, c)
        .sized(c.dims.len());
    bound(c) => {
        let (dims, y_strides) = (padded(&c.dims, 1), padded(&c.y_strides, 0));
        let p = ScatterElements::<MAX_DIMS> { dims, y_strides, axis: c.axis, axis_stride: c.axis_stride };
        let bound = with_element!(c.dtype, T => with_index!(c.index, I => {
            let combine = combine::<T>(c.kind);
            bind!(kernels::scatter: |indices: &[I], updates: &[T], y: &mut [T]|
                scatter_elements(&p, indices, updates, y, combine))
        }));
        combining(c.kind, bound)
    };
}

kernel! {
    /// Slices by tuples of indices. `y` holds the data.
    pub struct ScatterNdCall {
        /// Element type.
        pub dtype: DType,
        /// Type of the indices: i32 or i64.
        pub index: DType,
        /// How values meet.
        pub kind: ScatterKind,
        /// Number of tuples.
        pub count: usize,
        /// The indexed dimensions of `y`, at most eight.
        pub dims: Vec<usize>,
        /// Product of the dimensions behind.
        pub inner: usize,
    }
    describe(c) => format!("{} into {:?}, slices of {}, {:?}", c.count, c.dims, c.inner, c.kind);
    params(c) => params!(kernels::scatter, ScatterNd { count, dims, inner }, c).sized(c.dims.len());
    bound(c) => {
        let bound = with_element!(c.dtype, T => with_index!(c.index, I => with_count!(c.dims.len(), K => {
            let dims = c.dims.as_slice().try_into().expect("lowering allows at most eight dimensions");
            let (p, combine) = (ScatterNd::<K> { count: c.count, dims, inner: c.inner }, combine::<T>(c.kind));
            bind!(kernels::scatter: |indices: &[I], updates: &[T], y: &mut [T]|
                scatter_nd(&p, indices, updates, y, combine))
        })));
        combining(c.kind, bound)
    };
}
