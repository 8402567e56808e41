//! What the parts of the compiler ask of operators: one table, in which a new operator is described once.

use super::work::ELEMENT_WORK;
use super::{Activation, Epilogue, ExprOp, Movement, Op, PoolKind, ReduceKind, ScatterKind, Window};

/// What is true of an operator, whatever graph it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Properties {
    /// How many operands it has; `None` where it can have any number.
    pub operands: Option<usize>,
    /// The element types that it takes.
    pub takes: Takes,
    /// An operand of the first one's element type.
    pub alike: Option<usize>,
    /// Whether it computes with, or compares, the elements of whole tensors: halves are widened for it, and its results rounded.
    pub widens: bool,
    /// Whether it makes numbers of many numbers: what a quantized model wants to have on bytes.
    pub computes: bool,
    /// What it costs.
    pub work: Work,
    /// Where its second operand is indices into its first: what those count. One out of range makes `run` fail.
    pub indices: Option<Indices>,
    /// What becomes of it where its operands are transposed.
    pub dims: Dims,
    /// How its kernels read.
    pub reads: Reads,
    /// Whether its kernels can write pixels (or rows) at a pitch; some, of some operands alone.
    pub writes_pitched: bool,
    /// Whether its result always lies in memory of its own.
    pub owns_result: bool,
    /// What its kernels can write their result over.
    pub overwrites: Overwrites,
    /// Whether it gives back its operand, where the result has the operand's type.
    pub is_identity: bool,
}

/// The element types that an operator takes, where not all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// What inference of its result says.
    Any,
    /// Numbers, as its first operand.
    Numbers,
    /// Floats, as its first operand.
    Floats,
    /// f32, as every operand.
    F32,
}

/// What an operator costs for each element of its result, where nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nothing: no element is looked at.
    Nothing,
    /// The time of so many multiply-adds, though it does none.
    Steps(u64),
    /// A multiply-add for each weight of an output channel.
    Channel,
    /// As `Channel` to the naive reference; the kernel has one for each element of the operand and each tap of its group.
    Spread,
    /// A multiply-add for each element of a row of the first operand.
    Row,
    /// For each result as many steps as another operand has elements, at most.
    Operand(usize),
    /// A multiply-add for each weight, at each step of each sequence.
    Cell,
    /// That of the graphs within.
    Graphs,
}

/// What indices count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indices {
    /// The dimension that they count in, or the first of those.
    pub first: usize,
    /// Whether the last dimension of the indices holds one for each of several dimensions.
    pub tuples: bool,
}

/// What becomes of an operator where its operands are transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dims {
    /// Dimensions have meanings: it does not commute with a transpose.
    Fixed,
    /// It stays what it is: elements by themselves, of operands that broadcast.
    Free,
    /// It names the dimensions where they are then.
    Named,
    /// So it does, and drops those.
    Dropped,
}

/// How an operator's kernels read operands that do not lie densely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// They do not.
    Dense,
    /// The first operand's pixels at a pitch.
    Pixels,
    /// Rows of matrices at a pitch, or two matrices by any strides.
    Matrices,
    /// Any operand by strides, element by element.
    Elements,
    /// The operand by any strides; the result may be a view of it.
    Places,
}

/// Which of its operands an operator's result can be written over, if it has that operand once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrites {
    /// None that outlives it.
    Nothing,
    /// The first.
    First,
    /// Any.
    Any,
    /// Results from the second on: each the one of the last operands that has its place among them.
    States,
}

impl Indices {
    /// The lengths of the dimensions that indices of a shape count in, in turns.
    pub fn lens<'a>(&self, data: &'a [usize], indices: &[usize]) -> &'a [usize] {
        let depth = if self.tuples { indices.last().copied().unwrap_or(1) } else { 1 };
        data.get(self.first..self.first.saturating_add(depth)).unwrap_or_default()
    }
}

/// An operator of one operand that is as plain as can be.
const PLAIN: Properties = Properties {
    operands: Some(1),
    takes: Takes::Any,
    alike: None,
    widens: false,
    computes: false,
    work: Work::Steps(ELEMENT_WORK),
    indices: None,
    dims: Dims::Fixed,
    reads: Reads::Dense,
    writes_pitched: false,
    owns_result: true,
    overwrites: Overwrites::Nothing,
    is_identity: false,
};

/// An operator that makes numbers of one tensor.
const fn computed(takes: Takes) -> Properties {
    Properties { takes, widens: true, computes: true, ..PLAIN }
}

/// A product of two tensors, with what follows it.
const fn product(e: &Epilogue, work: Work) -> Properties {
    let takes = if matches!(e.activation, Activation::None) { Takes::Numbers } else { Takes::Floats };
    let operands = Some(2 + e.bias as usize + e.residual as usize);
    Properties { operands, alike: Some(1), work, owns_result: !e.residual, ..computed(takes) }
}

/// The work of a pool.
const fn pool(window: &Window) -> Work {
    Work::Steps(window.kernel[0].saturating_mul(window.kernel[1]) as u64)
}

/// A read by indices.
const fn gather(first: usize, tuples: bool) -> Properties {
    Properties { operands: Some(2), indices: Some(Indices { first, tuples }), ..PLAIN }
}

/// A write by indices.
const fn scatter(first: usize, tuples: bool, kind: ScatterKind) -> Properties {
    let replaces = matches!(kind, ScatterKind::Replace);
    Properties {
        operands: Some(3),
        takes: if replaces { Takes::Any } else { Takes::Numbers },
        alike: Some(2),
        widens: !replaces,
        overwrites: Overwrites::First,
        ..gather(first, tuples)
    }
}

fn movement(m: &Movement) -> Properties {
    let plain = Properties { reads: Reads::Places, is_identity: true, ..PLAIN };
    match m {
        Movement::Reshape { .. } => Properties { work: Work::Nothing, owns_result: false, ..plain },
        Movement::Transpose { perm } => {
            Properties { is_identity: perm.iter().enumerate().all(|(i, &p)| i == p), ..plain }
        }
        Movement::Slice { step, len, .. } => {
            let is_identity = step.iter().zip(len).all(|(&s, &d)| s > 0 || d < 2);
            Properties { dims: Dims::Named, owns_result: false, is_identity, ..plain }
        }
        Movement::Expand { .. } => plain,
        Movement::Pad { .. } => Properties { dims: Dims::Named, ..plain },
    }
}

impl Op {
    /// What is true of the operator.
    pub fn properties(&self) -> Properties {
        match self {
            Op::Conv { epilogue: e, .. } => {
                let product = product(e, Work::Channel);
                Properties { reads: Reads::Pixels, writes_pitched: !e.residual, ..product }
            }
            Op::ConvTranspose { epilogue, .. } => product(epilogue, Work::Spread),
            Op::QConv { quant, .. } => {
                let plain = quant.residual.is_none();
                let operands = Some(if plain { 4 } else { 5 });
                let work = Work::Channel;
                Properties { operands, work, reads: Reads::Pixels, writes_pitched: plain, owns_result: plain, ..PLAIN }
            }
            Op::WideConv { .. } => Properties {
                operands: Some(5),
                work: Work::Channel,
                reads: Reads::Pixels,
                writes_pitched: true,
                owns_result: true,
                ..PLAIN
            },
            Op::QPool { window, .. } => Properties { work: pool(window), writes_pitched: true, ..PLAIN },
            Op::QReduce { .. } | Op::QSoftmax { .. } => PLAIN,
            Op::MatMul { epilogue: e } => {
                Properties { reads: Reads::Matrices, writes_pitched: !e.residual, ..product(e, Work::Row) }
            }
            Op::DynamicMatMul { bias, .. } => {
                let operands = Some(3 + usize::from(*bias));
                Properties { operands, work: Work::Row, writes_pitched: true, ..PLAIN }
            }
            Op::TernaryMatMul { rows, epilogue: e } => {
                let operands = Some(3 + usize::from(*rows) + usize::from(e.bias) + usize::from(e.residual));
                let (work, plain) = (Work::Row, !e.residual);
                Properties { operands, work, writes_pitched: plain, owns_result: plain, ..PLAIN }
            }
            Op::Pool { kind, window } => {
                let takes = if *kind == PoolKind::Max { Takes::Numbers } else { Takes::Floats };
                Properties { work: pool(window), reads: Reads::Pixels, writes_pitched: true, ..computed(takes) }
            }
            Op::Reduce { kind, axes } => {
                let sums = matches!(kind, ReduceKind::Sum | ReduceKind::Prod);
                let takes = if sums { Takes::Numbers } else { Takes::Any };
                Properties { dims: Dims::Dropped, is_identity: axes.is_empty(), ..computed(takes) }
            }
            Op::Arg { .. } => Properties { computes: false, ..computed(Takes::Numbers) },
            Op::Map { expr } => Properties {
                operands: None,
                work: Work::Steps((expr.ops().len() as u64).saturating_mul(ELEMENT_WORK)),
                dims: Dims::Free,
                reads: Reads::Elements,
                writes_pitched: true,
                overwrites: Overwrites::Any,
                is_identity: matches!(expr.ops(), [ExprOp::Input(0)]),
                ..PLAIN
            },
            Op::Movement(m) => movement(m),
            Op::Concat { .. } => Properties { operands: None, dims: Dims::Named, is_identity: true, ..PLAIN },
            Op::Gather { axis } | Op::GatherElements { axis } => gather(*axis, false),
            Op::GatherNd { batch_dims } => gather(*batch_dims, true),
            Op::ScatterElements { axis, kind } => scatter(*axis, false, *kind),
            Op::ScatterNd { kind } => scatter(0, true, *kind),
            Op::Softmax { .. } => Properties { dims: Dims::Named, ..computed(Takes::Floats) },
            Op::Norm { scale, bias, .. } => {
                let operands = Some(1 + usize::from(*scale) + usize::from(*bias));
                Properties { operands, ..computed(Takes::F32) }
            }
            Op::Recurrent(r) => Properties {
                operands: Some(r.operands()),
                computes: true,
                work: Work::Cell,
                writes_pitched: true,
                overwrites: if r.initial { Overwrites::States } else { Overwrites::Nothing },
                ..PLAIN
            },
            Op::Cumulative { .. } => Properties { dims: Dims::Named, ..computed(Takes::Numbers) },
            // It looks through all elements for each result.
            Op::TopK { k, .. } => Properties {
                work: Work::Steps((*k as u64).saturating_add(ELEMENT_WORK)),
                computes: false,
                ..computed(Takes::Numbers)
            },
            Op::If(_) | Op::Loop(_) => Properties { operands: None, work: Work::Graphs, ..PLAIN },
            Op::Trees { .. } => Properties { operands: Some(7), work: Work::Operand(2), ..PLAIN },
        }
    }
}
