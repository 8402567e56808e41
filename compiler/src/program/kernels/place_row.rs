//! `place_row`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::kernels::place_row::{self, PlaceRow};

use super::gather::with_index;
use super::roles;
use crate::ir::{DType, Numerics};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{fields, with_element};

/// A row written at a run-time position. Arguments: the position, `x`, `xy`.
#[derive(Clone, Debug)]
pub struct PlaceRowCall {
    /// Element type.
    pub dtype: DType,
    /// Type of the position: i32 or i64.
    pub index: DType,
    /// The kernel's parameters.
    pub params: PlaceRow,
}

impl KernelCall for PlaceRowCall {
    fn name(&self) -> &'static str {
        "place_row"
    }

    fn describe(&self) -> String {
        let p = &self.params;
        format!("{} times {} into one of {} rows", p.outer, p.inner, p.n)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["position", "x", "xy"])
    }

    fn uses(&self) -> Vec<&'static str> {
        vec!["kernels::place_row::place_row", "kernels::place_row::PlaceRow"]
    }

    fn params(&self) -> Option<Params> {
        Some(Params { ty: quote!(PlaceRow), value: fields!(PlaceRow, self.params, outer, n, inner, x_pitch, pitch) })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        quote!(place_row(&P, #(#args),*))
    }

    fn run(&self, _: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        with_element!(self.dtype, T => with_index!(self.index, I => {
            place_row::place_row::<T, I>(&self.params, args.read(0), args.read(1), args.write(2));
        }));
        Ok(())
    }
}
