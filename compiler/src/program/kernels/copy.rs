//! `copy`, `strided_copy`, `fill` and `strided_fill`.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use zant_runtime::kernels::copy::{self, StridedCopy, StridedFill};

use super::roles;
use crate::ir::{DType, Numerics, Scalar};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::scalar_lit;
use crate::program::tokens::{Lit, with_element};

/// Dimensions that any copy has at most, once neighbouring ones are merged.
const MAX_DIMS: usize = 8;

/// A strided copy; a plain one where it has no dimensions but one, dense on both sides. Arguments: `x`, `y`.
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

/// The dimensions with unit ones in front, as many as the widest call takes.
fn padded<T: Copy>(v: &[T], unit: T) -> [T; MAX_DIMS] {
    let mut all = [unit; MAX_DIMS];
    all[MAX_DIMS - v.len()..].copy_from_slice(v);
    all
}

impl KernelCall for CopyCall {
    fn name(&self) -> &'static str {
        if self.is_plain() { "copy" } else { "strided_copy" }
    }

    fn describe(&self) -> String {
        format!("{:?} from {}+{:?} to {}+{:?}", self.dims, self.x_start, self.x_strides, self.y_start, self.y_strides)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        if self.is_plain() {
            vec!["kernels::copy::copy"]
        } else {
            vec!["kernels::copy::strided_copy", "kernels::copy::StridedCopy"]
        }
    }

    fn params(&self) -> Option<Params> {
        if self.is_plain() {
            return None;
        }
        let (n, dims) = (self.dims.len().lit(), self.dims.lit());
        let (x_start, x_strides) = (self.x_start.lit(), self.x_strides.lit());
        let (y_start, y_strides) = (self.y_start.lit(), self.y_strides.lit());
        let value = quote!(StridedCopy {
            dims: #dims, x_start: #x_start, x_strides: #x_strides, y_start: #y_start, y_strides: #y_strides
        });
        Some(Params { ty: quote!(StridedCopy<#n>), value })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        if self.is_plain() { quote!(copy(#(#args),*)) } else { quote!(strided_copy(&P, #(#args),*)) }
    }

    fn run(&self, _: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let p = StridedCopy {
            dims: padded(&self.dims, 1),
            x_start: self.x_start,
            x_strides: padded(&self.x_strides, 0),
            y_start: self.y_start,
            y_strides: padded(&self.y_strides, 0),
        };
        with_element!(self.dtype, T => {
            let (x, y): (&[T], &mut [T]) = (args.read(0), args.write(1));
            if self.is_plain() { copy::copy(x, y) } else { copy::strided_copy(&p, x, y) }
        });
        Ok(())
    }
}

/// One value written to a box of places. Argument: `y`.
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

impl KernelCall for FillCall {
    fn name(&self) -> &'static str {
        if self.is_plain() { "fill" } else { "strided_fill" }
    }

    fn describe(&self) -> String {
        format!("{} at {:?} {}+{:?}", self.value, self.dims, self.start, self.strides)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        if self.is_plain() {
            vec!["kernels::copy::fill"]
        } else {
            vec!["kernels::copy::strided_fill", "kernels::copy::StridedFill"]
        }
    }

    fn params(&self) -> Option<Params> {
        if self.is_plain() {
            return None;
        }
        let n = Literal::usize_unsuffixed(self.dims.len());
        let (dims, start, strides) = (self.dims.lit(), self.start.lit(), self.strides.lit());
        let value = quote!(StridedFill { dims: #dims, start: #start, strides: #strides });
        Some(Params { ty: quote!(StridedFill<#n>), value })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let value = scalar_lit(self.value);
        if self.is_plain() { quote!(fill(#value, #(#args),*)) } else { quote!(strided_fill(&P, #value, #(#args),*)) }
    }

    fn run(&self, _: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let p = StridedFill { dims: padded(&self.dims, 1), start: self.start, strides: padded(&self.strides, 0) };
        let bytes = self.value.bits().to_le_bytes();
        with_element!(self.value.dtype(), T => {
            let value: T = bytemuck::pod_read_unaligned(&bytes[..size_of::<T>()]);
            let y: &mut [T] = args.write(0);
            copy::strided_fill(&p, value, y)
        });
        Ok(())
    }
}
