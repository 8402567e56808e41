//! Integer operators where `QuantizeLinear(op(DequantizeLinear(..)))` stands, and where exporters wrote the integers out.
//!
//! Invariant: what is fused is proved equal to ONNX's meaning: sums of bytes are exact and fit 32 bits by the actual
//! weights; the sum times `f32(sx * sw) / sy` is rounded to the nearest byte, ties to even, so that it differs from the
//! float form in rounding ties alone; sums of 16-bit numbers are exact in 64 bits, and so fine are their factors; everything
//! else is the same operations on f32. What is not proved stays as it is.

pub(super) mod bytes;
mod float;
mod pattern;
mod product;
pub(super) mod residual;
pub(super) mod sink;
mod unfused;
mod wide;

use crate::ir::{Evaluate, Graph, Op};

use super::rewrite::rewrite;

/// Products and float operators between bytes. Notes those that stay in floats.
pub(super) fn fuse(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    let mut reasons = unfused::Reasons::new();
    let changed = rewrite(graph, evaluate, |rw, node| {
        let map = matches!(node.op, Op::Map { .. });
        let fused = map && (product::fuse(rw, &node, &mut reasons) || float::fuse(rw, &node));
        if !fused {
            rw.keep(node);
        }
    });
    unfused::note(graph, &reasons);
    changed
}
