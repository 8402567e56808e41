//! `table` and its in-place form.

use std::sync::Arc;

use zant_runtime::kernels::table::Table;

use crate::ir::DType;
use crate::program::bind::{Bound, Kernel, bind, params};
use crate::program::kernel::{KernelCall, Params};
use crate::program::tokens::with_byte;

/// A function of bytes by its 256 results, the entries.
#[derive(Clone, Debug)]
pub struct TableCall {
    /// Element types of `x` and `y`.
    pub dtypes: [DType; 2],
    /// The kernel's parameters.
    pub params: Table,
    /// Whether the result takes the operand's place.
    pub in_place: bool,
}

impl Kernel for TableCall {
    fn describe(&self) -> String {
        format!("{} x {}", self.params.rows, self.params.columns)
    }

    fn params(&self) -> Option<Params> {
        (!self.in_place).then(|| params!(kernels::table, Table { rows, columns, y_pitch }, self.params))
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        with_byte!(self.dtypes[0], X => with_byte!(self.dtypes[1], Y => match self.in_place {
            true => bind!(kernels::table: |entries: &[Y; 256], xy: &mut [Y]| table_in_place(cpu, entries, xy)),
            false => bind!(kernels::table: |entries: &[Y; 256], x: &[X], y: &mut [Y]| table(cpu, &p, entries, x, y)),
        }))
    }

    fn in_place(&self, _: (usize, usize)) -> Option<Arc<dyn KernelCall>> {
        let is_safe = self.dtypes[0] == self.dtypes[1] && self.params.y_pitch == self.params.columns;
        is_safe.then(|| Arc::new(TableCall { in_place: true, ..self.clone() }) as Arc<_>)
    }
}
