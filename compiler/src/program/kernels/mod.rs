//! The bindings, one file per kernel family of the runtime.

mod between;
mod coded;
mod conv;
mod copy;
mod gather;
mod map;
mod matmul;
mod place_row;
mod pool;
mod proven;
mod qconv;
mod recurrent;
mod rows;
mod scatter;
mod sparse;
mod table;
mod ternary;
mod trees;
mod wide;

pub use between::*;
pub use coded::*;
pub use conv::*;
pub use copy::*;
pub use gather::*;
pub use map::*;
pub use matmul::*;
pub use place_row::*;
pub use pool::*;
pub use proven::*;
pub use qconv::*;
pub use recurrent::*;
pub use rows::*;
pub use scatter::*;
pub use sparse::*;
pub use table::*;
pub use ternary::*;
pub use trees::*;
pub use wide::*;

/// Dimensions that kernels with a number of them have at most.
pub const MAX_DIMS: usize = 8;

/// Something of each dimension, with `unit` for more in front, as many as the widest call takes.
fn padded<T: Copy>(v: &[T], unit: T) -> [T; MAX_DIMS] {
    let mut all = [unit; MAX_DIMS];
    all[MAX_DIMS - v.len()..].copy_from_slice(v);
    all
}
