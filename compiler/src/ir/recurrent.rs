//! Recurrent layers: a cell over the steps of a sequence.

/// What a cell computes of its sums. The sums of each step start from the bias and add the products of the input, then those of
/// the state, each ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Columns are those of the gates i, o, f and of the update g. `c' = f * c + i * g`, `h' = o * output(c')`.
    Lstm {
        /// `f = 1 - i`.
        coupled: bool,
        /// The product of c and its weight is added to the sums of i and f, that of c' to the sum of o; rounded by itself.
        peepholes: bool,
    },
    /// Columns of `w` and the bias are those of the update n and the gates z, r, columns of `r` those of z, r, n.
    /// `h' = (1 - z) * n + z * h`.
    Gru {
        /// `n` is the function of its sum with the input plus r times a sum of its own: that of the state, from the bias's last part.
        /// Else its state is `r * h`.
        reset_after: bool,
    },
    /// The state is the update.
    Rnn,
}

impl Cell {
    /// Parts of a row of `w`, of a row of `r` and of the bias, each as long as the state.
    pub const fn parts(self) -> [usize; 3] {
        match self {
            Cell::Lstm { .. } => [4, 4, 4],
            Cell::Gru { reset_after } => [3, 3, if reset_after { 4 } else { 3 }],
            Cell::Rnn => [1, 1, 1],
        }
    }

    /// States: h, and c where there is one.
    pub const fn states(self) -> usize {
        match self {
            Cell::Lstm { .. } => 2,
            Cell::Gru { .. } | Cell::Rnn => 1,
        }
    }
}

/// A function of a gate's sum; every operation is rounded by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// The logistic function.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `max(x, 0)`.
    Relu,
    /// `alpha * x + beta`.
    Affine(f32, f32),
    /// `x < 0 ? alpha * x : x`.
    Leaky(f32),
    /// `x >= alpha ? x : 0`.
    Threshold(f32),
    /// `alpha * tanh(beta * x)`.
    ScaledTanh(f32, f32),
    /// `min(max(alpha * x + beta, 0), 1)`.
    HardSigmoid(f32, f32),
    /// `x < 0 ? alpha * (exp(x) - 1) : x`.
    Elu(f32),
    /// `x / (1 + |x|)`.
    Softsign,
    /// `log(1 + exp(x))`.
    Softplus,
}

/// A recurrent layer in one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recurrent {
    /// What is computed.
    pub cell: Cell,
    /// Whether the last step comes first.
    pub reverse: bool,
    /// The functions of gates, of the update and of the output; what a cell does not have is the default.
    pub functions: [Function; 3],
    /// Sums (and c') are bounded to `[-clip, clip]` before their function: larger ones, not NaN.
    pub clip: f32,
    /// Whether sequences have lengths of their own.
    pub lens: bool,
    /// Whether the states begin with operands; else with zeros.
    pub initial: bool,
    /// Where it is there, the state is quantized at each step, of each sequence by itself: then `x` is sums `[steps,batch,columns * n]`,
    /// to which the bias and the state's products are added; `w` is a multiplier `[columns * n]`, and `r [columns * n,n]` of i8. Products
    /// are those of [`Op::DynamicMatMul`](super::Op::DynamicMatMul) with this offset. Of an LSTM alone.
    pub dynamic: Option<i32>,
}

impl Recurrent {
    /// The functions that nearly all cells have.
    pub const STANDARD: [Function; 3] = [Function::Sigmoid, Function::Tanh, Function::Tanh];

    /// The number of operands.
    pub const fn operands(&self) -> usize {
        let peepholes = matches!(self.cell, Cell::Lstm { peepholes: true, .. });
        4 + peepholes as usize + self.lens as usize + if self.initial { self.cell.states() } else { 0 }
    }

    /// Whether there is nothing but the usual functions.
    pub fn is_standard(&self) -> bool {
        let plain = !matches!(self.cell, Cell::Lstm { coupled: true, .. } | Cell::Lstm { peepholes: true, .. });
        plain && self.functions == Self::STANDARD && self.clip == f32::INFINITY
    }
}
