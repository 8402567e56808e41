//! `table` and its in-place form.

use std::sync::Arc;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use zant_runtime::kernels::table::{self, Table};

use super::roles;
use crate::ir::{DType, Numerics};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{fields, with_byte, with_cpu};

/// A function of bytes by its 256 results. Arguments: the results, `x`, `y`; in place: the results, `xy`.
#[derive(Clone, Debug)]
pub struct TableCall {
    /// Element types of `x` and `y`.
    pub dtypes: [DType; 2],
    /// The kernel's parameters.
    pub params: Table,
    /// Whether the result takes the operand's place.
    pub in_place: bool,
}

impl KernelCall for TableCall {
    fn name(&self) -> &'static str {
        if self.in_place { "table_in_place" } else { "table" }
    }

    fn describe(&self) -> String {
        format!("{} x {}", self.params.rows, self.params.columns)
    }

    fn roles(&self) -> Vec<String> {
        if self.in_place { roles(&["entries", "xy"]) } else { roles(&["entries", "x", "y"]) }
    }

    fn uses(&self) -> Vec<&'static str> {
        if self.in_place {
            vec!["kernels::table::table_in_place"]
        } else {
            vec!["kernels::table::table", "kernels::table::Table"]
        }
    }

    fn params(&self) -> Option<Params> {
        (!self.in_place)
            .then(|| Params { ty: quote!(Table), value: fields!(Table, self.params, rows, columns, y_pitch) })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let function = format_ident!("{}", self.name());
        let params = (!self.in_place).then(|| quote!(&P,));
        quote!(#function(cpu, #params #(#args),*))
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        with_byte!(self.dtypes[0], X => with_byte!(self.dtypes[1], Y => {
            let entries: &[Y] = args.read(0);
            let Some(entries) = entries.first_chunk::<256>() else { return Ok(()) };
            if self.in_place {
                // Of equal size, so that either type's bits index the table.
                let entries: &[u8; 256] = bytemuck::cast_ref(entries);
                with_cpu!(numerics, cpu => table::table_in_place::<_, u8>(cpu, entries, args.write(1)));
            } else {
                let (x, y): (&[X], &mut [Y]) = (args.read(1), args.write(2));
                with_cpu!(numerics, cpu => table::table(cpu, &self.params, entries, x, y));
            }
        }));
        Ok(())
    }

    fn in_place(&self, _: (usize, usize)) -> Option<Arc<dyn KernelCall>> {
        (self.dtypes[0] == self.dtypes[1]).then(|| Arc::new(TableCall { in_place: true, ..self.clone() }) as Arc<_>)
    }
}
