//! Dropout, which does nothing at inference.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited};
use crate::ir::{DType, Movement, Op, Scalar};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[limited("Dropout", dropout, "inference only")];

/// The mask, where it is asked for, keeps everything; it is of the operand's type before opset 10.
fn dropout(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    if cx.opset >= 12 && cx.opt(2).is_some() && cx.const_scalar(2, "the training mode")?.to_i64() != 0 {
        let ratio = match cx.opt(1) {
            Some(_) => cx.const_scalar(1, "the ratio")?.to_f64(),
            None => 0.5,
        };
        if ratio != 0.0 {
            return Err(
                Fault::form("the node is in training mode, which is random").help("export the model for inference")
            );
        }
    }
    if cx.wants(1) {
        let dtype = if cx.opset < 10 { cx.dtype(input) } else { DType::Bool };
        let one = cx.b.scalar(Scalar::from_i64(1, dtype));
        let shape = cx.shape(input);
        let mask = cx.emit(Op::Movement(Movement::Expand { shape }), &[one])?;
        cx.set(1, mask);
    }
    Ok(input)
}
