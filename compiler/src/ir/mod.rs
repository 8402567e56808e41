//! The core IR: what a model computes, in about thirty operators.
//!
//! `graph` holds the data structure, `op` and `expr` the operators, `properties` what is asked of them, `infer` their types,
//! `eval` the naive reference, `print` the text form and `verify` the invariants.

mod dtype;
pub(crate) mod dynamic;
pub mod eval;
mod expr;
pub(crate) mod formula;
mod graph;
mod infer;
mod minifloat;
mod op;
mod parts;
mod print;
mod properties;
mod quant;
mod recurrent;
mod region;
mod stored;
mod tensor;
pub mod text;
pub mod trees;
mod verify;
mod work;

pub(crate) use dtype::with_type;
pub use dtype::{DType, Scalar};
pub use eval::{EvalError, Evaluate, GraphError, Reference, eval_graph};
pub(crate) use expr::with_math;
pub use expr::{BinaryOp, Expr, ExprIx, ExprOp, UnaryOp};
pub use graph::{
    Begun, Graph, ImageOrder, Labels, Meaning, Node, Origin, Output, Quantization, Shared, State, StaysFloat, Value,
    ValueId,
};
pub use infer::{broadcast, infer};
pub use minifloat::Minifloat;
pub use op::{Meeting, Op};
pub use parts::{Activation, Epilogue, Hw, Movement, PoolKind, ReduceKind, ScatterKind, Window};
pub use print::print_node;
pub use properties::{Dims, Indices, Overwrites, Properties, Reads, Takes, Work};
pub use quant::{Affine, Between, Quant, QuantResidual, Target, Wide};
pub use recurrent::{Cell, Function, Recurrent};
pub use region::{Branches, Repeat};
pub use stored::Stored;
pub use tensor::{Element, MAX_ELEMENTS, Tensor, Type, checked_elements, row_major_strides};
pub use verify::verify;
pub(crate) use work::multiply_adds;
pub use work::{Budget, graph_work};

/// How products are rounded when they are added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Numerics {
    /// Product and sum are rounded once, as by an IEEE fused multiply-add.
    #[default]
    Fused,
    /// The product is rounded, then the sum.
    Separate,
}

/// How a model keeps caches of floats from run to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cache {
    /// The floats.
    #[default]
    Float,
    /// Bytes, and a scale for each row.
    Int8,
}

/// Whether products with weights of few bits are computed by what those mean, and zeros may be left out of weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LowBit {
    /// They are: fewer bytes of constants, and sums in an order of their own.
    #[default]
    Auto,
    /// As products of floats.
    Off,
}
