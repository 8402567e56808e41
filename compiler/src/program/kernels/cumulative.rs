//! `cumulative_sum`, `cumulative_product` and their in-place forms.

use std::sync::Arc;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use zant_runtime::kernels::cumulative::{self, Cumulative};

use super::roles;
use crate::ir::{DType, Numerics};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{fields, with_element};

/// A running sum or product. Arguments: `x`, `y`; in place: `xy`.
#[derive(Clone, Debug)]
pub struct CumulativeCall {
    /// Element type.
    pub dtype: DType,
    /// Product, else sum.
    pub product: bool,
    /// The kernel's parameters.
    pub params: Cumulative,
    /// Whether the result takes the operand's place.
    pub in_place: bool,
}

impl KernelCall for CumulativeCall {
    fn name(&self) -> &'static str {
        match (self.product, self.in_place) {
            (false, false) => "cumulative_sum",
            (false, true) => "cumulative_sum_in_place",
            (true, false) => "cumulative_product",
            (true, true) => "cumulative_product_in_place",
        }
    }

    fn describe(&self) -> String {
        let p = &self.params;
        format!("[{}, {}, {}], exclusive {}, reverse {}", p.outer, p.n, p.inner, p.exclusive, p.reverse)
    }

    fn roles(&self) -> Vec<String> {
        if self.in_place { roles(&["xy"]) } else { roles(&["x", "y"]) }
    }

    fn uses(&self) -> Vec<&'static str> {
        let function = match (self.product, self.in_place) {
            (false, false) => "kernels::cumulative::cumulative_sum",
            (false, true) => "kernels::cumulative::cumulative_sum_in_place",
            (true, false) => "kernels::cumulative::cumulative_product",
            (true, true) => "kernels::cumulative::cumulative_product_in_place",
        };
        vec![function, "kernels::cumulative::Cumulative"]
    }

    fn params(&self) -> Option<Params> {
        let value = fields!(Cumulative, self.params, outer, n, inner, exclusive, reverse);
        Some(Params { ty: quote!(Cumulative), value })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let function = format_ident!("{}", self.name());
        quote!(#function(&P, #(#args),*))
    }

    fn run(&self, _: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let p = &self.params;
        with_element!(self.dtype, T => match (self.product, self.in_place) {
            (false, false) => cumulative::cumulative_sum::<T>(p, args.read(0), args.write(1)),
            (false, true) => cumulative::cumulative_sum_in_place::<T>(p, args.write(0)),
            (true, false) => cumulative::cumulative_product::<T>(p, args.read(0), args.write(1)),
            (true, true) => cumulative::cumulative_product_in_place::<T>(p, args.write(0)),
        });
        Ok(())
    }

    fn in_place(&self, _: (usize, usize)) -> Option<Arc<dyn KernelCall>> {
        Some(Arc::new(CumulativeCall { in_place: true, ..self.clone() }))
    }
}
