//! `scatter_elements` and `scatter_nd`; both update a copy of the data in place.

use quote::quote;
use zant_runtime::kernels::number::Number;
use zant_runtime::kernels::scatter::{ScatterElements, ScatterNd};

use super::{MAX_DIMS, padded};
use crate::ir::{DType, ScatterKind};
use crate::program::bind::{Bound, Kernel, bind, params};
use crate::program::kernel::Params;
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

/// Single elements. `y` holds the data.
#[derive(Clone, Debug)]
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

impl Kernel for ScatterElementsCall {
    fn describe(&self) -> String {
        format!("{:?} into {}, {:?}", self.dims, self.axis, self.kind)
    }

    fn params(&self) -> Option<Params> {
        let params = params!(kernels::scatter, ScatterElements { dims, y_strides, axis, axis_stride }, self);
        Some(params.sized(self.dims.len()))
    }

    fn bound(&self) -> Bound {
        let (dims, y_strides) = (padded(&self.dims, 1), padded(&self.y_strides, 0));
        let p = ScatterElements::<MAX_DIMS> { dims, y_strides, axis: self.axis, axis_stride: self.axis_stride };
        let bound = with_element!(self.dtype, T => with_index!(self.index, I => {
            let combine = combine::<T>(self.kind);
            bind!(kernels::scatter: |indices: &[I], updates: &[T], y: &mut [T]|
                scatter_elements(&p, indices, updates, y, combine))
        }));
        combining(self.kind, bound)
    }
}

/// Slices by tuples of indices. `y` holds the data.
#[derive(Clone, Debug)]
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

impl Kernel for ScatterNdCall {
    fn describe(&self) -> String {
        format!("{} into {:?}, slices of {}, {:?}", self.count, self.dims, self.inner, self.kind)
    }

    fn params(&self) -> Option<Params> {
        Some(params!(kernels::scatter, ScatterNd { count, dims, inner }, self).sized(self.dims.len()))
    }

    fn bound(&self) -> Bound {
        let bound = with_element!(self.dtype, T => with_index!(self.index, I => with_count!(self.dims.len(), K => {
            let dims = self.dims.as_slice().try_into().expect("lowering allows at most eight dimensions");
            let (p, combine) = (ScatterNd::<K> { count: self.count, dims, inner: self.inner }, combine::<T>(self.kind));
            bind!(kernels::scatter: |indices: &[I], updates: &[T], y: &mut [T]|
                scatter_nd(&p, indices, updates, y, combine))
        })));
        combining(self.kind, bound)
    }
}
