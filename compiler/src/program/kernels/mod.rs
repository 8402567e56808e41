//! The bindings, one file per kernel family of the runtime.

mod between;
mod conv;
mod copy;
mod gather;
mod map;
mod matmul;
mod place_row;
mod pool;
mod proven;
mod qconv;
mod rows;
mod scatter;
mod table;

pub use between::{BetweenCall, BetweenKind};
pub use conv::{ConvCall, ConvKind, IntConvCall, SeparableCall};
pub use copy::{CopyCall, FillCall};
pub use gather::{GatherCall, GatherElementsCall, GatherNdCall};
pub use map::{MapCall, MapOperand};
pub use matmul::{DynamicMatMulCall, IntMatMulCall, MatMulBytesCall, MatMulCall, PackedMatMulCall};
pub use place_row::PlaceRowCall;
pub use pool::{PoolCall, PoolForm};
pub use proven::ProvenCall;
pub use qconv::{QBody, QConvCall};
pub use rows::{ArgCall, CumulativeCall, NormCall, ReduceCall, SoftmaxCall, TopKCall};
pub use scatter::{ScatterElementsCall, ScatterNdCall};
pub use table::TableCall;

/// Dimensions that kernels with a number of them have at most.
pub const MAX_DIMS: usize = 8;

/// Something of each dimension, with `unit` for more in front, as many as the widest call takes.
fn padded<T: Copy>(v: &[T], unit: T) -> [T; MAX_DIMS] {
    let mut all = [unit; MAX_DIMS];
    all[MAX_DIMS - v.len()..].copy_from_slice(v);
    all
}
