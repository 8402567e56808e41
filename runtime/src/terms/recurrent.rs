// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The parameters of recurrent layers.

/// A layer over a sequence: `x` is `[steps, batch, input]`, `y` `[steps, batch, hidden]`, states are `[batch, hidden]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurrent {
    /// Steps of the sequence.
    pub steps: usize,
    /// Sequences.
    pub batch: usize,
    /// Numbers of a step's input.
    pub input: usize,
    /// Numbers of a state.
    pub hidden: usize,
    /// Elements between the starts of neighbouring rows of `y`.
    pub y_pitch: usize,
    /// Steps whose products with inputs are computed together, at least 1.
    pub block: usize,
    /// Whether the last step comes first.
    pub reverse: bool,
    /// Whether states without initial values keep those that they have; else they begin as zeros.
    pub resume: bool,
}

/// A function of a gate's sum.
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
    /// `x` where that is not negative, else `alpha * x`.
    Leaky(f32),
    /// `x` where that is at least `alpha`, else 0.
    Threshold(f32),
    /// `alpha * tanh(beta * x)`.
    ScaledTanh(f32, f32),
    /// `min(max(alpha * x + beta, 0), 1)`.
    HardSigmoid(f32, f32),
    /// `x` where that is not negative, else `alpha * (exp(x) - 1)`.
    Elu(f32),
    /// `x / (1 + |x|)`.
    Softsign,
    /// `log(1 + exp(x))`.
    Softplus,
}

/// What a cell does with its sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Functions {
    /// Of gates.
    pub gate: Function,
    /// Of what is let in.
    pub update: Function,
    /// Of what is let out.
    pub output: Function,
    /// Sums are bounded to `[-clip, clip]` before.
    pub clip: f32,
    /// Whether an LSTM forgets what it does not let in.
    pub coupled: bool,
}
