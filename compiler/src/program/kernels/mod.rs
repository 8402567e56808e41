//! The bindings, one file per kernel family of the runtime.

mod arg;
mod conv;
mod copy;
mod cumulative;
mod gather;
mod map;
mod matmul;
mod norm;
mod pool;
mod proven;
mod reduce;
mod scatter;
mod softmax;
mod topk;

pub use arg::ArgCall;
pub use conv::{ConvCall, ConvKind};
pub use copy::{CopyCall, FillCall};
pub use cumulative::CumulativeCall;
pub use gather::{GatherCall, GatherElementsCall, GatherNdCall};
pub use map::{MapCall, MapOperand};
pub use matmul::{IntMatMulCall, MatMulCall, PackedMatMulCall};
pub use norm::NormCall;
pub use pool::{PoolCall, PoolForm};
pub use proven::ProvenCall;
pub use reduce::ReduceCall;
pub use scatter::{ScatterElementsCall, ScatterNdCall};
pub use softmax::SoftmaxCall;
pub use topk::TopKCall;

/// Argument names that are letters.
fn roles(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_string()).collect()
}
