// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The functions of recurrent cells: those that nearly all have, and any others.
use super::super::math::exp::exp;
use super::super::math::minmax;
use super::super::math::sigmoid::sigmoid;
use super::super::math::softplus::softplus;
use super::super::math::tanh::tanh;
use super::super::terms::recurrent::{Function, Functions};

/// What a cell does with its sums, in place.
pub trait Gates: Copy {
    /// Whether there may be anything but functions: clips, peepholes, coupled gates.
    const GENERAL: bool;

    /// The function of gates.
    fn gate(self, x: &mut [f32]);
    /// The function of what is let in.
    fn update(self, x: &mut [f32]);
    /// The function of what is let out.
    fn output(self, x: &mut [f32]);
    /// Whether an LSTM forgets what it does not let in.
    fn coupled(self) -> bool;
}

/// The logistic function for gates, the hyperbolic tangent for what is let in and out.
#[derive(Clone, Copy, Debug)]
pub struct Standard;

impl Gates for &Standard {
    const GENERAL: bool = false;

    #[inline(always)]
    fn gate(self, x: &mut [f32]) {
        each(x, sigmoid);
    }

    #[inline(always)]
    fn update(self, x: &mut [f32]) {
        each(x, tanh);
    }

    #[inline(always)]
    fn output(self, x: &mut [f32]) {
        each(x, tanh);
    }

    #[inline(always)]
    fn coupled(self) -> bool {
        false
    }
}

impl Gates for &Functions {
    const GENERAL: bool = true;

    #[inline(always)]
    fn gate(self, x: &mut [f32]) {
        any(self.gate, self.clip, x);
    }

    #[inline(always)]
    fn update(self, x: &mut [f32]) {
        any(self.update, self.clip, x);
    }

    #[inline(always)]
    fn output(self, x: &mut [f32]) {
        any(self.output, self.clip, x);
    }

    #[inline(always)]
    fn coupled(self) -> bool {
        self.coupled
    }
}

#[inline(always)]
fn each(x: &mut [f32], f: impl Fn(f32) -> f32) {
    for x in x {
        *x = f(*x);
    }
}

/// Any function, of bounded numbers. One copy for all gates.
#[inline(never)]
fn any(function: Function, clip: f32, x: &mut [f32]) {
    if clip < f32::INFINITY {
        each(x, |x| {
            let x = if x < -clip { -clip } else { x };
            if x > clip { clip } else { x }
        });
    }
    match function {
        Function::Sigmoid => each(x, sigmoid),
        Function::Tanh => each(x, tanh),
        Function::Relu => each(x, |x| minmax::max(x, 0.0)),
        Function::Affine(alpha, beta) => each(x, |x| alpha * x + beta),
        Function::Leaky(alpha) => each(x, |x| if x < 0.0 { alpha * x } else { x }),
        Function::Threshold(alpha) => each(x, |x| if x >= alpha { x } else { 0.0 }),
        Function::ScaledTanh(alpha, beta) => each(x, |x| alpha * tanh(beta * x)),
        Function::HardSigmoid(alpha, beta) => {
            each(x, |x| minmax::min(minmax::max(alpha * x + beta, 0.0), 1.0));
        }
        Function::Elu(alpha) => each(x, |x| if x < 0.0 { alpha * (exp(x) - 1.0) } else { x }),
        Function::Softsign => each(x, |x| x / (1.0 + x.abs())),
        Function::Softplus => each(x, softplus),
    }
}
