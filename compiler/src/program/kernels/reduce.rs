//! `reduce_sum`, `reduce_prod`, `reduce_max`, `reduce_min`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use zant_runtime::kernels::reduce::{self, Reduce};
use zant_runtime::kernels::reduce_f32;

use super::roles;
use crate::ir::{DType, Numerics, ReduceKind};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{fields, with_cpu, with_element};

/// A reduction of the middle of three dimensions. Arguments: `x`, `y`.
#[derive(Clone, Debug)]
pub struct ReduceCall {
    /// Element type.
    pub dtype: DType,
    /// What is computed.
    pub kind: ReduceKind,
    /// The kernel's parameters.
    pub params: Reduce,
}

impl KernelCall for ReduceCall {
    fn name(&self) -> &'static str {
        match self.kind {
            ReduceKind::Sum => "reduce_sum",
            ReduceKind::Prod => "reduce_prod",
            ReduceKind::Max => "reduce_max",
            ReduceKind::Min => "reduce_min",
        }
    }

    fn describe(&self) -> String {
        let p = &self.params;
        format!("[{}, {}, {}]", p.outer, p.n, p.inner)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        // Kernels for f32 and for other types bear one name: the module tells them apart.
        let module = if self.dtype == DType::F32 { "kernels::reduce_f32" } else { "kernels::reduce" };
        vec![module, "kernels::reduce::Reduce"]
    }

    fn params(&self) -> Option<Params> {
        Some(Params { ty: quote!(Reduce), value: fields!(Reduce, self.params, outer, n, inner) })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let function = format_ident!("{}", self.name());
        if self.dtype == DType::F32 {
            quote!(reduce_f32::#function(cpu, &P, #(#args),*))
        } else {
            quote!(reduce::#function(&P, #(#args),*))
        }
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let p = &self.params;
        if self.dtype == DType::F32 {
            let (x, y) = (args.read(0), args.write(1));
            with_cpu!(numerics, cpu => match self.kind {
                ReduceKind::Sum => reduce_f32::reduce_sum(cpu, p, x, y),
                ReduceKind::Prod => reduce_f32::reduce_prod(cpu, p, x, y),
                ReduceKind::Max => reduce_f32::reduce_max(cpu, p, x, y),
                ReduceKind::Min => reduce_f32::reduce_min(cpu, p, x, y),
            });
            return Ok(());
        }
        with_element!(self.dtype, T => {
            let (x, y): (&[T], &mut [T]) = (args.read(0), args.write(1));
            match self.kind {
                ReduceKind::Sum => reduce::reduce_sum(p, x, y),
                ReduceKind::Prod => reduce::reduce_prod(p, x, y),
                ReduceKind::Max => reduce::reduce_max(p, x, y),
                ReduceKind::Min => reduce::reduce_min(p, x, y),
            }
        });
        Ok(())
    }
}
