//! The core operators: what they are, in terms that do not know the graph.
//!
//! Operators that do arithmetic or comparisons on f16 and bf16 are those on f32, of the widened operands, with the results
//! rounded once. (`Map` alone rounds each operation of its expression.)
//!
//! Maps of convolutions and pools are channels-last, `[batch, height, width, channels]`; one-dimensional ones have height 1.

use super::{
    Between, Branches, Cell, DType, Epilogue, Expr, ExprOp, Graph, Hw, Movement, PoolKind, Quant, Recurrent,
    ReduceKind, Repeat, ScatterKind, Wide, Window,
};

/// A core operator. Operands are listed in the order in which a node holds them.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Convolution. `x [n,h,w,c]`, weights `[o,kh,kw,c/groups]`, then bias `[o]` and residual where the epilogue says so.
    ///
    /// Each sum starts from the bias (+0 where there is none) and adds products in (kh, kw, ci) order; padded taps are skipped.
    Conv {
        /// The window.
        window: Window,
        /// Channels fall into this many independent groups.
        groups: usize,
        /// What follows.
        epilogue: Epilogue,
    },
    /// Transposed convolution. `x [n,h,w,c]`, weights `[o,kh,kw,c/groups]` where `o` counts all output channels, then bias.
    ///
    /// Input row i meets output row `i * stride + kh * dilation - pad_begin` at tap kh, and so do columns.
    /// Each output starts from the bias and adds the products of the inputs that hit it in (row, column, channel) order of the
    /// inputs, as a convolution over the map with zeros between its elements does: taps descend.
    ConvTranspose {
        /// The window, in terms of the output map; `pad_end` is negative padding where `output_padding` exceeds it: see `output`.
        window: Window,
        /// Height and width of the result.
        output: Hw,
        /// Channels fall into this many independent groups.
        groups: usize,
        /// What follows.
        epilogue: Epilogue,
    },
    /// Quantized convolution. `x [n,h,w,c]` of i8 or u8, weights `[o,kh,kw,c/groups]` of i8, bias `[o]` of i32, multiplier `[o]` of
    /// f32, then the residual where there is one.
    ///
    /// The sum of the bias and of all `(x - zero) * w` is exact in i32 (whoever builds it has proved that none overflows; they
    /// wrap); padded taps are skipped. The result is `target(f32(sum) * multiplier)`, then the residual is added: see [`Quant`].
    QConv {
        /// The window.
        window: Window,
        /// Channels fall into this many independent groups.
        groups: usize,
        /// What the bytes stand for.
        quant: Quant,
    },
    /// Convolution of quantized numbers of 8 or 16 bits. `x [n,h,w,c]`, weights `[o,kh,kw,c/groups]` of i8, then for each channel a
    /// bias of i64, a multiplier of i32 and a shift of u8, 33 to 62.
    ///
    /// The sum of all `(x - zero) * w` is exact; padded taps are skipped. The result is that of
    /// `(sum * 2^lead * multiplier + bias) / 2^shift`: see [`Wide`]. Whoever builds it has proved that what is divided does not reach
    /// `2^62`.
    WideConv {
        /// The window.
        window: Window,
        /// Channels fall into this many independent groups.
        groups: usize,
        /// What the numbers stand for.
        wide: Wide,
    },
    /// An average pool between integers: see [`Between`].
    QPool {
        /// The window.
        window: Window,
        /// Whether padded taps count in the divisor.
        count_include_pad: bool,
        /// What the bytes stand for.
        between: Between,
    },
    /// A sum over some dimensions, which are dropped, between integers: see [`Between`].
    QReduce {
        /// The dimensions, ascending.
        axes: Vec<usize>,
        /// What the bytes stand for.
        between: Between,
    },
    /// A softmax along a dimension between integers: see [`Between`].
    QSoftmax {
        /// The dimension.
        axis: usize,
        /// What the bytes stand for.
        between: Between,
    },
    /// Matrix product with numpy's batch broadcasting: `a [..,m,k]`, `b [..,k,n]`, then bias `[n]` and residual. Both at least rank 2.
    ///
    /// Each sum starts from the bias and adds products in ascending k. Integers wrap.
    MatMul {
        /// What follows.
        epilogue: Epilogue,
    },
    /// Matrix product of numbers that are quantized as they come: `x [..,k]` of f32, weights `[n,k]` of i8, multiplier `[n]`, then
    /// bias `[n]`.
    ///
    /// Of all `x` ONNX `DynamicQuantizeLinear` makes bytes `q`, a scale and a zero point. Each result is
    /// `f32(sum((q - zero) * (w + offset))) * (scale * multiplier) + bias`; the sum is exact in i32 (whoever builds it has proved that none
    /// overflows; they wrap), every other operation is rounded by itself.
    DynamicMatMul {
        /// What all weights are less by.
        offset: i32,
        /// Whether a bias operand is there.
        bias: bool,
    },
    /// Matrix product with constant weights of three values: `x [..,k]` of f32 or i8, weights `[n,k]` of i8 (each -1, 0 or 1), scale `[n]`
    /// or `[1]`, then the scale of each row `[..,1]`, bias `[n]` and residual.
    ///
    /// A sum of i8 is exact (in i32 it wraps) and becomes f32. One of f32 starts from +0 and adds, for every five neighbours in ascending order, `(x0 + x1) + ((x2 + x3) + x4)`, where each `x`
    /// is taken with its weight: `-x`, +0 or `x`. Neighbours beyond the last are +0. The result is the bias (+0 where there is none) plus the
    /// product of sum and scale, by one multiply-add; the scale is that of the row times that of the column, where rows have some.
    TernaryMatMul {
        /// Whether rows, of i8, have a scale.
        rows: bool,
        /// What follows.
        epilogue: Epilogue,
    },
    /// Pooling over `[n,h,w,c]`.
    Pool {
        /// What is computed.
        kind: PoolKind,
        /// The window.
        window: Window,
    },
    /// Reduction over some dimensions, which are dropped from the shape. f32 and f64 sums and products run in 8 lanes
    /// (element r of the flattened reduced dimensions goes to lane r mod 8, each lane starts from +0 or 1) joined by
    /// ((0+4)+(2+6))+((1+5)+(3+7)). Integers wrap. Extremes: NaN propagates, +0 is larger than -0; of nothing the maximum is the
    /// least value of the type (-infinity, false) and the minimum the greatest.
    Reduce {
        /// What is computed.
        kind: ReduceKind,
        /// The dimensions, ascending.
        axes: Vec<usize>,
    },
    /// Index of the largest or smallest element along a dimension, which is dropped; i64. NaN counts as the extreme.
    Arg {
        /// Largest, else smallest.
        max: bool,
        /// The dimension.
        axis: usize,
        /// Of equal ones the last, else the first.
        last: bool,
    },
    /// A scalar expression over operands that broadcast by numpy's rules.
    Map {
        /// The expression.
        expr: Expr,
    },
    /// An index map of one operand.
    Movement(Movement),
    /// Operands side by side along a dimension.
    Concat {
        /// The dimension.
        axis: usize,
    },
    /// `data`, `indices` (i32 or i64): slices of `data` along a dimension. Negative indices count from the end; others out of range make `run` fail.
    Gather {
        /// The dimension.
        axis: usize,
    },
    /// `data`, `indices`: ONNX `GatherElements`.
    GatherElements {
        /// The dimension.
        axis: usize,
    },
    /// `data`, `indices`: ONNX `GatherND`.
    GatherNd {
        /// Leading dimensions shared by both.
        batch_dims: usize,
    },
    /// `data`, `indices`, `updates`: ONNX `ScatterElements`; updates are applied in row-major order.
    ScatterElements {
        /// The dimension.
        axis: usize,
        /// How values meet.
        kind: ScatterKind,
    },
    /// `data`, `indices`, `updates`: ONNX `ScatterND`; updates are applied in row-major order.
    ScatterNd {
        /// How values meet.
        kind: ScatterKind,
    },
    /// `e / sum(e)` with `e = exp(x - max(x))` along a dimension; the logarithm of it where `log`. The sum runs as in `Reduce`;
    /// the quotient is `e * (1 / sum)`, the logarithm `(x - max) - log(sum)`.
    Softmax {
        /// The dimension.
        axis: usize,
        /// Logarithm of the result.
        log: bool,
    },
    /// Normalization over the dimensions from `axis` on, `n` elements together: `x`, then scale and bias, of the shape of those
    /// dimensions. f32.
    ///
    /// With `m` their sum divided by `n`, `d = x - m` (`x` without `center`) and `q` the sum of the squares of `d`, which are
    /// added by multiply-adds: `d * (1 / sqrt(q / n + epsilon))`, times the scale; the bias is added by a multiply-add. Sums run
    /// as in `Reduce`.
    Norm {
        /// The first of the dimensions.
        axis: usize,
        /// Whether the mean is subtracted.
        center: bool,
        /// Added to the variance.
        epsilon: f32,
        /// Whether a scale operand is there.
        scale: bool,
        /// Whether a bias operand is there.
        bias: bool,
    },
    /// A recurrent layer of `n` states: `x [steps,batch,k]`, `w [k,columns * n]`, `r [n,columns * n]`, bias, then weights of peepholes
    /// `[3 * n]` (i, o, f), lengths of sequences `[batch]` of i32 (one that is negative or too large makes `run` fail) and initial
    /// states `[1,batch,n]`, where it has those. f32. What a cell does and its columns: see [`Cell`](super::Cell).
    ///
    /// Results are the states of all steps `[steps,batch,n]`, zeros behind the end of a sequence, and the last ones `[1,batch,n]`.
    Recurrent(Recurrent),
    /// Running sum (or product) along a dimension, one element after the other, from +0 (1). Integers wrap.
    Cumulative {
        /// The dimension.
        axis: usize,
        /// Product, else sum.
        product: bool,
        /// The element itself does not take part.
        exclusive: bool,
        /// From the end.
        reverse: bool,
    },
    /// The `k` largest or smallest elements along a dimension and their indices (i64), in order; of equal ones the lower index first.
    /// NaN is larger than every number.
    TopK {
        /// The dimension.
        axis: usize,
        /// How many.
        k: usize,
        /// Largest, else smallest.
        largest: bool,
    },
    /// Decision trees on rows: `x [rows, features]` of floats, then constants: nodes `[n,4]` of i32, thresholds `[n]` of the type of
    /// `x`, roots `[trees]`, leaves `[l]` and targets `[e]` of i32, and weights `[e]` of the type of `x`.
    ///
    /// A node is a feature, a test (`ir::trees::Test`), and the places to go where the test holds and where it does not: a
    /// node, or `-1 - i` for leaf `i`. Leaf `i` has the entries from `leaves[i - 1]` (0) up to `leaves[i]`, each a target and a weight.
    /// Trees follow each other in order, each leaf's entries too. A target's result is the sum of its weights from +0, or their
    /// least or greatest from infinity; infinities become 0 then.
    Trees {
        /// Numbers in a row of the result.
        targets: usize,
        /// How weights meet.
        meeting: Meeting,
    },
    /// One of two graphs: a condition (bool of one element), then what the graphs read. See [`Branches`].
    If(Box<Branches>),
    /// A graph, repeated: a condition where it is conditional, the carried values before the first iteration, operands of which each
    /// iteration gets a row, then what the body reads besides. See [`Repeat`].
    Loop(Box<Repeat>),
}

/// How the weights of trees meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// Their sum.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

impl Op {
    /// Whether floats of 16 bits become f32, and nothing else.
    pub fn is_widening(&self, from: DType) -> bool {
        let is_cast = |expr: &Expr| matches!(expr.ops(), [ExprOp::Input(0), ExprOp::Cast(DType::F32, 0)]);
        matches!(from, DType::F16 | DType::BF16) && matches!(self, Op::Map { expr } if is_cast(expr))
    }

    /// The operator's name in the printed IR.
    pub const fn name(&self) -> &'static str {
        match self {
            Op::Conv { .. } => "conv",
            Op::ConvTranspose { .. } => "conv_transpose",
            Op::QConv { .. } => "qconv",
            Op::WideConv { .. } => "wide_conv",
            Op::QPool { .. } => "qaverage_pool",
            Op::QReduce { .. } => "qreduce_sum",
            Op::QSoftmax { .. } => "qsoftmax",
            Op::MatMul { .. } => "matmul",
            Op::DynamicMatMul { .. } => "dynamic_matmul",
            Op::TernaryMatMul { .. } => "ternary_matmul",
            Op::Pool { kind: PoolKind::Max, .. } => "max_pool",
            Op::Pool { kind: PoolKind::Average { .. }, .. } => "average_pool",
            Op::Reduce { kind: ReduceKind::Sum, .. } => "reduce_sum",
            Op::Reduce { kind: ReduceKind::Prod, .. } => "reduce_prod",
            Op::Reduce { kind: ReduceKind::Max, .. } => "reduce_max",
            Op::Reduce { kind: ReduceKind::Min, .. } => "reduce_min",
            Op::Arg { max: true, .. } => "arg_max",
            Op::Arg { max: false, .. } => "arg_min",
            Op::Map { .. } => "map",
            Op::Movement(Movement::Reshape { .. }) => "reshape",
            Op::Movement(Movement::Transpose { .. }) => "transpose",
            Op::Movement(Movement::Slice { .. }) => "slice",
            Op::Movement(Movement::Expand { .. }) => "expand",
            Op::Movement(Movement::Pad { .. }) => "pad",
            Op::Concat { .. } => "concat",
            Op::Gather { .. } => "gather",
            Op::GatherElements { .. } => "gather_elements",
            Op::GatherNd { .. } => "gather_nd",
            Op::ScatterElements { .. } => "scatter_elements",
            Op::ScatterNd { .. } => "scatter_nd",
            Op::Softmax { log: false, .. } => "softmax",
            Op::Softmax { log: true, .. } => "log_softmax",
            Op::Norm { .. } => "norm",
            Op::Recurrent(Recurrent { cell: Cell::Lstm { .. }, .. }) => "lstm",
            Op::Recurrent(Recurrent { cell: Cell::Gru { .. }, .. }) => "gru",
            Op::Recurrent(Recurrent { cell: Cell::Rnn, .. }) => "rnn",
            Op::Cumulative { product: false, .. } => "cumulative_sum",
            Op::Cumulative { product: true, .. } => "cumulative_product",
            Op::TopK { .. } => "top_k",
            Op::Trees { .. } => "trees",
            Op::If(_) => "if",
            Op::Loop(_) => "loop",
        }
    }

    /// The graphs within the operator.
    pub fn graphs(&self) -> Vec<&Graph> {
        if let Op::If(branches) = self {
            vec![&branches.then, &branches.otherwise]
        } else if let Op::Loop(repeat) = self {
            vec![&repeat.body]
        } else {
            Vec::new()
        }
    }

    /// The same, to be changed.
    pub fn graphs_mut(&mut self) -> Vec<&mut Graph> {
        if let Op::If(branches) = self {
            vec![&mut branches.then, &mut branches.otherwise]
        } else if let Op::Loop(repeat) = self {
            vec![&mut repeat.body]
        } else {
            Vec::new()
        }
    }
}
