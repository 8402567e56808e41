//! `top_k`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::kernels::topk::{self, TopK};

use super::roles;
use crate::ir::{DType, Numerics};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{fields, with_element};

/// The best elements and where they are. Arguments: `x`, values, indices (i64).
#[derive(Clone, Debug)]
pub struct TopKCall {
    /// Element type of `x`.
    pub dtype: DType,
    /// The kernel's parameters.
    pub params: TopK,
}

impl KernelCall for TopKCall {
    fn name(&self) -> &'static str {
        "top_k"
    }

    fn describe(&self) -> String {
        let p = &self.params;
        format!("{} of [{}, {}, {}]", p.k, p.outer, p.n, p.inner)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "values", "indices"])
    }

    fn uses(&self) -> Vec<&'static str> {
        vec!["kernels::topk::top_k", "kernels::topk::TopK"]
    }

    fn params(&self) -> Option<Params> {
        Some(Params { ty: quote!(TopK), value: fields!(TopK, self.params, outer, n, inner, k, largest) })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        quote!(top_k(&P, #(#args),*))
    }

    fn run(&self, _: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        with_element!(self.dtype, T => {
            topk::top_k::<T>(&self.params, args.read(0), args.write(1), args.write(2));
        });
        Ok(())
    }
}
