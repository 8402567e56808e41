//! `arg_max` and `arg_min`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use zant_runtime::kernels::arg::{self, Arg};

use super::roles;
use crate::ir::{DType, Numerics};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{fields, with_element};

/// Index of the extreme element. Arguments: `x`, `y` (i64).
#[derive(Clone, Debug)]
pub struct ArgCall {
    /// Element type of `x`.
    pub dtype: DType,
    /// Largest, else smallest.
    pub max: bool,
    /// The kernel's parameters.
    pub params: Arg,
}

impl KernelCall for ArgCall {
    fn name(&self) -> &'static str {
        if self.max { "arg_max" } else { "arg_min" }
    }

    fn describe(&self) -> String {
        let p = &self.params;
        format!("[{}, {}, {}]", p.outer, p.n, p.inner)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        vec![if self.max { "kernels::arg::arg_max" } else { "kernels::arg::arg_min" }, "kernels::arg::Arg"]
    }

    fn params(&self) -> Option<Params> {
        Some(Params { ty: quote!(Arg), value: fields!(Arg, self.params, outer, n, inner, last) })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let function = format_ident!("{}", self.name());
        quote!(#function(&P, #(#args),*))
    }

    fn run(&self, _: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        with_element!(self.dtype, T => {
            let (x, y): (&[T], _) = (args.read(0), args.write(1));
            if self.max { arg::arg_max(&self.params, x, y) } else { arg::arg_min(&self.params, x, y) }
        });
        Ok(())
    }
}
