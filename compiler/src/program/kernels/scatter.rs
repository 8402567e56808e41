//! `scatter_elements` and `scatter_nd`; both update a copy of the data in place.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::kernels::number::Number;
use zant_runtime::kernels::scatter::{self, ScatterElements, ScatterNd};

use super::gather::{MAX_DIMS, padded, with_count, with_index};
use super::roles;
use crate::ir::{DType, Numerics, ScatterKind};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{Lit, fields, with_element};

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

fn combine_tokens(kind: ScatterKind) -> TokenStream {
    match kind {
        ScatterKind::Replace => quote!(|_, new| new),
        ScatterKind::Add => quote!(Number::add),
        ScatterKind::Mul => quote!(Number::mul),
        ScatterKind::Max => quote!(Number::max),
        ScatterKind::Min => quote!(Number::min),
    }
}

fn uses(kind: ScatterKind, own: [&'static str; 2]) -> Vec<&'static str> {
    let number = (kind != ScatterKind::Replace).then_some("kernels::number::Number");
    own.into_iter().chain(number).collect()
}

/// Single elements. Arguments: indices, updates, `y` (which holds the data).
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

impl KernelCall for ScatterElementsCall {
    fn name(&self) -> &'static str {
        "scatter_elements"
    }

    fn describe(&self) -> String {
        format!("{:?} into {}, {:?}", self.dims, self.axis, self.kind)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["indices", "updates", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        uses(self.kind, ["kernels::scatter::scatter_elements", "kernels::scatter::ScatterElements"])
    }

    fn params(&self) -> Option<Params> {
        let n = self.dims.len().lit();
        let value = fields!(ScatterElements, self, dims, y_strides, axis, axis_stride);
        Some(Params { ty: quote!(ScatterElements<#n>), value })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let combine = combine_tokens(self.kind);
        quote!(scatter_elements(&P, #(#args),*, #combine))
    }

    fn run(&self, _: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let p = ScatterElements::<MAX_DIMS> {
            dims: padded(&self.dims, 1),
            y_strides: padded(&self.y_strides, 0),
            axis: self.axis,
            axis_stride: self.axis_stride,
        };
        with_element!(self.dtype, T => with_index!(self.index, I => {
            let (indices, updates, y): (&[I], &[T], _) = (args.read(0), args.read(1), args.write(2));
            scatter::scatter_elements(&p, indices, updates, y, combine::<T>(self.kind))
        }))
    }

    fn is_fallible(&self) -> bool {
        true
    }
}

/// Slices by tuples of indices. Arguments: indices, updates, `y` (which holds the data).
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

impl KernelCall for ScatterNdCall {
    fn name(&self) -> &'static str {
        "scatter_nd"
    }

    fn describe(&self) -> String {
        format!("{} into {:?}, slices of {}, {:?}", self.count, self.dims, self.inner, self.kind)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["indices", "updates", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        uses(self.kind, ["kernels::scatter::scatter_nd", "kernels::scatter::ScatterNd"])
    }

    fn params(&self) -> Option<Params> {
        let n = self.dims.len().lit();
        Some(Params { ty: quote!(ScatterNd<#n>), value: fields!(ScatterNd, self, count, dims, inner) })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let combine = combine_tokens(self.kind);
        quote!(scatter_nd(&P, #(#args),*, #combine))
    }

    fn run(&self, _: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        with_element!(self.dtype, T => with_index!(self.index, I => with_count!(self.dims.len(), K => {
            let dims = self.dims.as_slice().try_into().expect("lowering allows at most eight dimensions");
            let p = ScatterNd::<K> { count: self.count, dims, inner: self.inner };
            let (indices, updates, y): (&[I], &[T], _) = (args.read(0), args.read(1), args.write(2));
            scatter::scatter_nd(&p, indices, updates, y, combine::<T>(self.kind))
        })))
    }

    fn is_fallible(&self) -> bool {
        true
    }
}
