//! Elements picked and placed by indices.

use crate::import::node::{Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::Op;

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] =
    &[op("Gather", gather), op("GatherElements", gather_elements), op("GatherND", gather_nd)];

fn gather(cx: &mut NodeCx<'_>) -> Imported {
    let (x, indices) = (cx.input(0)?, cx.input(1)?);
    let axis = cx.axis(cx.int("axis", 0)?, cx.rank(x))?;
    cx.emit(Op::Gather { axis }, &[x, indices])
}

fn gather_elements(cx: &mut NodeCx<'_>) -> Imported {
    let (x, indices) = (cx.input(0)?, cx.input(1)?);
    let axis = cx.axis(cx.int("axis", 0)?, cx.rank(x))?;
    cx.emit(Op::GatherElements { axis }, &[x, indices])
}

fn gather_nd(cx: &mut NodeCx<'_>) -> Imported {
    let (x, indices) = (cx.input(0)?, cx.input(1)?);
    let batch_dims = usize::try_from(cx.int("batch_dims", 0)?).unwrap_or(usize::MAX).min(cx.rank(x));
    cx.emit(Op::GatherNd { batch_dims }, &[x, indices])
}
