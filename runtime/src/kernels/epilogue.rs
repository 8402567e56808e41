// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What happens to a finished sum before it is stored: the residual is added, then the activation applied.
use super::super::arch::isa::{Isa, LANES};

/// The function applied to each element before it is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// The element itself.
    None,
    /// `min(max(x, lo), hi)`; NaN stays NaN. Relu is 0 to infinity.
    Clamp {
        /// The smallest result.
        lo: f32,
        /// The largest result.
        hi: f32,
    },
    /// `x * alpha` where `x < 0`, else `x`.
    Leaky {
        /// The slope below zero.
        alpha: f32,
    },
}

/// A second operand that is added to the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residual {
    /// There is none.
    None,
    /// The output holds it before the call: `y = activation(sum + y)`.
    Accumulate,
}

/// What is done with a finished sum: `y = activation(sum + residual)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epilogue {
    /// Applied last.
    pub activation: Activation,
    /// Added first.
    pub residual: Residual,
}

impl Epilogue {
    /// The sum itself is stored.
    pub const NONE: Self = Epilogue { activation: Activation::None, residual: Residual::None };
    /// Relu of the sum.
    pub const RELU: Self = Self::clamp(0.0, f32::INFINITY);

    /// The sum between two bounds.
    pub const fn clamp(lo: f32, hi: f32) -> Self {
        Epilogue { activation: Activation::Clamp { lo, hi }, ..Self::NONE }
    }

    /// LeakyRelu of the sum.
    pub const fn leaky(alpha: f32) -> Self {
        Epilogue { activation: Activation::Leaky { alpha }, ..Self::NONE }
    }

    /// The same, of the sum and what the output holds.
    pub const fn accumulate(self) -> Self {
        Epilogue { residual: Residual::Accumulate, ..self }
    }

    #[inline(always)]
    fn activate<I: Isa>(&self, isa: I, sum: I::V) -> I::V {
        match self.activation {
            Activation::None => sum,
            Activation::Clamp { lo, hi } => isa.min(isa.max(sum, isa.splat(lo)), isa.splat(hi)),
            Activation::Leaky { alpha } => isa.leaky(sum, isa.splat(alpha)),
        }
    }

    /// Finishes eight sums and stores them in `y`.
    #[inline(always)]
    pub fn store<I: Isa>(&self, isa: I, sum: I::V, y: &mut [f32; LANES]) {
        let sum = match self.residual {
            Residual::None => sum,
            Residual::Accumulate => isa.add(sum, isa.load(y)),
        };
        isa.store(self.activate(isa, sum), y);
    }

    /// Finishes the first `y.len()` (at most 8) of the sums and stores them in `y`.
    #[inline(always)]
    pub fn store_part<I: Isa>(&self, isa: I, sum: I::V, y: &mut [f32]) {
        let sum = match self.residual {
            Residual::None => sum,
            Residual::Accumulate => isa.add(sum, isa.load_part(y)),
        };
        isa.store_part(self.activate(isa, sum), y);
    }

    /// Finishes one sum and stores it in `y`.
    #[inline(always)]
    pub fn store1<I: Isa>(&self, isa: I, sum: f32, y: &mut f32) {
        let sum = match self.residual {
            Residual::None => sum,
            Residual::Accumulate => sum + *y,
        };
        // The other lanes compute nothing that is used, and vanish.
        let [first, ..] = isa.to_array(self.activate(isa, isa.splat(sum)));
        *y = first;
    }
}
