//! `gather`, `gather_elements`, `gather_nd`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::kernels::gather::{self, Gather, GatherElements, GatherNd};

use super::roles;
use crate::ir::{DType, Numerics};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{Lit, fields, with_element};

/// Dimensions that indexed kernels have at most in this process.
pub(super) const MAX_DIMS: usize = 8;

/// Runs `$body` with `$t` standing for the type of indices.
macro_rules! with_index {
    ($dtype:expr, $t:ident => $body:expr) => {
        if $dtype == $crate::ir::DType::I32 {
            type $t = i32;
            $body
        } else {
            type $t = i64;
            $body
        }
    };
}

/// Runs `$body` with `$k` being the constant of a number from 0 to 8.
macro_rules! with_count {
    ($n:expr, $k:ident => $body:expr) => {
        match $n {
            0 => {
                const $k: usize = 0;
                $body
            }
            1 => {
                const $k: usize = 1;
                $body
            }
            2 => {
                const $k: usize = 2;
                $body
            }
            3 => {
                const $k: usize = 3;
                $body
            }
            4 => {
                const $k: usize = 4;
                $body
            }
            5 => {
                const $k: usize = 5;
                $body
            }
            6 => {
                const $k: usize = 6;
                $body
            }
            7 => {
                const $k: usize = 7;
                $body
            }
            _ => {
                const $k: usize = 8;
                $body
            }
        }
    };
}
pub(super) use {with_count, with_index};

/// Slices along a dimension. Arguments: `x`, indices, `y`.
#[derive(Clone, Debug)]
pub struct GatherCall {
    /// Element type.
    pub dtype: DType,
    /// Type of the indices: i32 or i64.
    pub index: DType,
    /// The kernel's parameters.
    pub params: Gather,
}

impl KernelCall for GatherCall {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn describe(&self) -> String {
        let p = &self.params;
        format!("{} of {} slices of {}", p.count, p.axis, p.inner)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "indices", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        vec!["kernels::gather::gather", "kernels::gather::Gather"]
    }

    fn params(&self) -> Option<Params> {
        Some(Params { ty: quote!(Gather), value: fields!(Gather, self.params, outer, axis, inner, count) })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        quote!(gather(&P, #(#args),*))
    }

    fn run(&self, _: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        with_element!(self.dtype, T => with_index!(self.index, I => {
            gather::gather::<T, I>(&self.params, args.read(0), args.read(1), args.write(2))
        }))
    }

    fn is_fallible(&self) -> bool {
        true
    }
}

/// Single elements. Arguments: `x`, indices, `y`.
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

impl KernelCall for GatherElementsCall {
    fn name(&self) -> &'static str {
        "gather_elements"
    }

    fn describe(&self) -> String {
        format!("{:?} of {}", self.dims, self.axis)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "indices", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        vec!["kernels::gather::gather_elements", "kernels::gather::GatherElements"]
    }

    fn params(&self) -> Option<Params> {
        let n = self.dims.len().lit();
        let value = fields!(GatherElements, self, dims, x_strides, axis, axis_stride);
        Some(Params { ty: quote!(GatherElements<#n>), value })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        quote!(gather_elements(&P, #(#args),*))
    }

    fn run(&self, _: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let p = GatherElements::<MAX_DIMS> {
            dims: padded(&self.dims, 1),
            x_strides: padded(&self.x_strides, 0),
            axis: self.axis,
            axis_stride: self.axis_stride,
        };
        with_element!(self.dtype, T => with_index!(self.index, I => {
            gather::gather_elements::<T, I, MAX_DIMS>(&p, args.read(0), args.read(1), args.write(2))
        }))
    }

    fn is_fallible(&self) -> bool {
        true
    }
}

/// Dimensions with unit ones in front.
pub(super) fn padded(v: &[usize], unit: usize) -> [usize; MAX_DIMS] {
    let mut all = [unit; MAX_DIMS];
    all[MAX_DIMS - v.len()..].copy_from_slice(v);
    all
}

/// Slices by tuples of indices. Arguments: `x`, indices, `y`.
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

impl KernelCall for GatherNdCall {
    fn name(&self) -> &'static str {
        "gather_nd"
    }

    fn describe(&self) -> String {
        format!("{} of {:?}, slices of {}", self.count, self.dims, self.inner)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "indices", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        vec!["kernels::gather::gather_nd", "kernels::gather::GatherNd"]
    }

    fn params(&self) -> Option<Params> {
        let n = self.dims.len().lit();
        Some(Params { ty: quote!(GatherNd<#n>), value: fields!(GatherNd, self, batch, count, dims, inner) })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        quote!(gather_nd(&P, #(#args),*))
    }

    fn run(&self, _: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        with_element!(self.dtype, T => with_index!(self.index, I => with_count!(self.dims.len(), K => {
            let dims = self.dims.as_slice().try_into().expect("lowering allows at most eight dimensions");
            let p = GatherNd::<K> { batch: self.batch, count: self.count, dims, inner: self.inner };
            gather::gather_nd::<T, I, K>(&p, args.read(0), args.read(1), args.write(2))
        })))
    }

    fn is_fallible(&self) -> bool {
        true
    }
}
