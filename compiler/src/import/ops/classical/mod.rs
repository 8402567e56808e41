//! Operators of `ai.onnx.ml`: classical models as scikit-learn, XGBoost and LightGBM export them.
//!
//! Where the text of ONNX is silent they are what ONNX Runtime computes. Strings become numbers: a label is its place in the list of
//! labels, which goes with the output.

pub(super) mod encode;
pub(super) mod linear;
pub(super) mod scale;
mod scores;
pub(super) mod trees;

use crate::import::node::{Fault, Imported, NodeCx};
use crate::ir::{DType, ValueId};

/// The operand as rows of features; a vector is one row.
fn rows(cx: &mut NodeCx<'_>) -> Imported {
    let v = cx.input(0)?;
    match *cx.shape(v) {
        [_, _] => Ok(v),
        [n] => cx.reshape(v, [1, n]),
        _ => Err(Fault::shape(format!("{} has no rows of features", cx.ty(v)))),
    }
}

/// The same as f32, in which most of these operators compute.
fn float_rows(cx: &mut NodeCx<'_>) -> Imported {
    let v = rows(cx)?;
    cx.cast(v, DType::F32)
}

/// Columns and rows of a matrix.
fn sides(cx: &NodeCx<'_>, v: ValueId) -> [usize; 2] {
    let shape = cx.shape(v);
    [shape[0], shape[1]]
}
