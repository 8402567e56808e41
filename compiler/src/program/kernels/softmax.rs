//! `softmax`, `log_softmax` and their in-place forms.

use std::sync::Arc;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use zant_runtime::kernels::softmax::{self, Softmax};

use super::roles;
use crate::ir::Numerics;
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{fields, with_cpu};

/// Softmax of f32 or its logarithm. Arguments: `x`, `y`; in place: `xy`.
#[derive(Clone, Debug)]
pub struct SoftmaxCall {
    /// Logarithm of the result.
    pub log: bool,
    /// The kernel's parameters.
    pub params: Softmax,
    /// Whether the result takes the operand's place.
    pub in_place: bool,
}

impl KernelCall for SoftmaxCall {
    fn name(&self) -> &'static str {
        match (self.log, self.in_place) {
            (false, false) => "softmax",
            (false, true) => "softmax_in_place",
            (true, false) => "log_softmax",
            (true, true) => "log_softmax_in_place",
        }
    }

    fn describe(&self) -> String {
        let p = &self.params;
        format!("[{}, {}, {}]", p.outer, p.n, p.inner)
    }

    fn roles(&self) -> Vec<String> {
        if self.in_place { roles(&["xy"]) } else { roles(&["x", "y"]) }
    }

    fn uses(&self) -> Vec<&'static str> {
        let function = match (self.log, self.in_place) {
            (false, false) => "kernels::softmax::softmax",
            (false, true) => "kernels::softmax::softmax_in_place",
            (true, false) => "kernels::softmax::log_softmax",
            (true, true) => "kernels::softmax::log_softmax_in_place",
        };
        vec![function, "kernels::softmax::Softmax"]
    }

    fn params(&self) -> Option<Params> {
        Some(Params { ty: quote!(Softmax), value: fields!(Softmax, self.params, outer, n, inner) })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let function = format_ident!("{}", self.name());
        quote!(#function(cpu, &P, #(#args),*))
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let p = &self.params;
        with_cpu!(numerics, cpu => match (self.log, self.in_place) {
            (false, false) => softmax::softmax(cpu, p, args.read(0), args.write(1)),
            (false, true) => softmax::softmax_in_place(cpu, p, args.write(0)),
            (true, false) => softmax::log_softmax(cpu, p, args.read(0), args.write(1)),
            (true, true) => softmax::log_softmax_in_place(cpu, p, args.write(0)),
        });
        Ok(())
    }

    fn in_place(&self, _: (usize, usize)) -> Option<Arc<dyn KernelCall>> {
        Some(Arc::new(SoftmaxCall { in_place: true, ..self.clone() }))
    }
}
