//! The bindings, one file per kernel family of the runtime.

mod arg;
mod between;
mod conv;
mod copy;
mod cumulative;
mod dynamic;
mod gather;
mod map;
mod matmul;
mod norm;
mod place_row;
mod pool;
mod proven;
mod qconv;
mod qdual;
mod reduce;
mod scatter;
mod separable;
mod softmax;
mod table;
mod topk;

pub use arg::ArgCall;
pub use between::{BetweenCall, BetweenKind};
pub use conv::{ConvCall, ConvKind, IntConvCall};
pub use copy::{CopyCall, FillCall};
pub use cumulative::CumulativeCall;
pub use dynamic::DynamicMatMulCall;
pub use gather::{GatherCall, GatherElementsCall, GatherNdCall};
pub use map::{MapCall, MapOperand};
pub use matmul::{IntMatMulCall, MatMulBytesCall, MatMulCall, PackedMatMulCall};
pub use norm::NormCall;
pub use place_row::PlaceRowCall;
pub use pool::{PoolCall, PoolForm};
pub use proven::ProvenCall;
pub use qconv::QConvCall;
pub use qdual::QDualCall;
pub use reduce::ReduceCall;
pub use scatter::{ScatterElementsCall, ScatterNdCall};
pub use separable::SeparableCall;
pub use softmax::SoftmaxCall;
pub use table::TableCall;
pub use topk::TopKCall;

/// Dimensions that kernels with a number of them have at most.
pub const MAX_DIMS: usize = 8;

/// Something of each dimension, with `unit` for more in front, as many as the widest call takes.
fn padded<T: Copy>(v: &[T], unit: T) -> [T; MAX_DIMS] {
    let mut all = [unit; MAX_DIMS];
    all[MAX_DIMS - v.len()..].copy_from_slice(v);
    all
}
