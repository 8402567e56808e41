//! `norm` and its in-place form.

use std::sync::Arc;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use zant_runtime::kernels::norm::{self, Norm};

use super::roles;
use crate::ir::Numerics;
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{fields, with_cpu};

/// Rows of f32 normalized. Arguments: `x`, scale (or empty), bias (or empty), `y`; in place: scale, bias, `xy`.
#[derive(Clone, Debug)]
pub struct NormCall {
    /// The kernel's parameters.
    pub params: Norm,
    /// Whether the result takes the operand's place.
    pub in_place: bool,
}

impl KernelCall for NormCall {
    fn name(&self) -> &'static str {
        if self.in_place { "norm_in_place" } else { "norm" }
    }

    fn describe(&self) -> String {
        let p = &self.params;
        let center = if p.center { ", centered" } else { "" };
        format!("[{}, {}], epsilon {:?}{center}", p.outer, p.n, p.epsilon)
    }

    fn roles(&self) -> Vec<String> {
        if self.in_place { roles(&["scale", "bias", "xy"]) } else { roles(&["x", "scale", "bias", "y"]) }
    }

    fn uses(&self) -> Vec<&'static str> {
        let function = if self.in_place { "kernels::norm::norm_in_place" } else { "kernels::norm::norm" };
        vec![function, "kernels::norm::Norm"]
    }

    fn params(&self) -> Option<Params> {
        Some(Params { ty: quote!(Norm), value: fields!(Norm, self.params, outer, n, epsilon, center) })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let function = format_ident!("{}", self.name());
        quote!(#function(cpu, &P, #(#args),*))
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let p = &self.params;
        with_cpu!(numerics, cpu => if self.in_place {
            norm::norm_in_place(cpu, p, args.read(0), args.read(1), args.write(2));
        } else {
            norm::norm(cpu, p, args.read(0), args.read(1), args.read(2), args.write(3));
        });
        Ok(())
    }

    fn in_place(&self, _: (usize, usize)) -> Option<Arc<dyn KernelCall>> {
        Some(Arc::new(NormCall { in_place: true, ..self.clone() }))
    }
}
