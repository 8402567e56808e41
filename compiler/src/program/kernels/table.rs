//! `table` and its in-place form.

use zant_runtime::kernels::table::Table;

use crate::ir::DType;
use crate::program::bind::{bind, kernel, params};
use crate::program::tokens::with_byte;

kernel! {
    /// A function of bytes by its 256 results, the entries.
    pub struct TableCall {
        /// Element types of `x` and `y`.
        pub dtypes: [DType; 2],
        /// The kernel's parameters.
        pub params: Table,
        /// Whether the result takes the operand's place.
        pub in_place: bool,
    }
    describe(c) => format!("{} x {}", c.params.rows, c.params.columns);
    params(c) => (!c.in_place).then(|| params!(kernels::table, Table { rows, columns, y_pitch }, c.params));
    bound(c, p) => with_byte!(c.dtypes[0], X => with_byte!(c.dtypes[1], Y => match c.in_place {
        true => bind!(kernels::table: |entries: &[Y; 256], xy: &mut [Y]| table_in_place(cpu, entries, xy)),
        false => bind!(kernels::table: |entries: &[Y; 256], x: &[X], y: &mut [Y]| table(cpu, &p, entries, x, y)),
    }));
    in_place(c, _) => c.dtypes[0] == c.dtypes[1] && c.params.y_pitch == c.params.columns;
}
