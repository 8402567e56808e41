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

    /// The epilogue with its numbers in vectors, for all sums of a tile.
    #[inline(always)]
    pub fn prepare<I: Isa>(&self, isa: I) -> Finish<I> {
        let activation = match self.activation {
            Activation::None => Vectors::None,
            Activation::Clamp { lo, hi } => {
                let (low, high) = (isa.splat(lo), isa.splat(hi));
                if lo.is_nan() || hi.is_nan() || hi.to_bits() == (-0.0_f32).to_bits() {
                    Vectors::Exact { lo: low, hi: high }
                } else {
                    let zero = if lo.to_bits() == 0 { 0.0 } else { -0.0 };
                    Vectors::Clamp { lo: low, hi: high, zero: isa.splat(zero) }
                }
            }
            Activation::Leaky { alpha } => Vectors::Leaky { alpha: isa.splat(alpha) },
        };
        Finish { isa, activation, residual: self.residual }
    }
}

/// An [`Epilogue`] with its numbers in vectors.
#[derive(Clone, Copy)]
pub struct Finish<I: Isa> {
    isa: I,
    activation: Vectors<I::V>,
    residual: Residual,
}

/// An [`Activation`] with its numbers in vectors.
#[derive(Clone, Copy)]
enum Vectors<V> {
    None,
    /// The definition, by `max` and `min`.
    Exact {
        lo: V,
        hi: V,
    },
    /// The same in three operations, for bounds that are numbers, and no `hi` of -0. `at_least` leaves a -0 where `lo`
    /// is +0, which adding a `zero` of +0 mends; a `zero` of -0 changes nothing.
    Clamp {
        lo: V,
        hi: V,
        zero: V,
    },
    Leaky {
        alpha: V,
    },
}

impl<I: Isa> Finish<I> {
    #[inline(always)]
    fn activate(&self, sum: I::V) -> I::V {
        let isa = self.isa;
        match self.activation {
            Vectors::None => sum,
            Vectors::Exact { lo, hi } => isa.min(isa.max(sum, lo), hi),
            Vectors::Clamp { lo, hi, zero } => isa.at_most(isa.add(isa.at_least(sum, lo), zero), hi),
            Vectors::Leaky { alpha } => isa.leaky(sum, alpha),
        }
    }

    /// Finishes eight sums and stores them in `y`.
    #[inline(always)]
    pub fn store(&self, sum: I::V, y: &mut [f32; LANES]) {
        let sum = match self.residual {
            Residual::None => sum,
            Residual::Accumulate => self.isa.add(sum, self.isa.load(y)),
        };
        self.isa.store(self.activate(sum), y);
    }

    /// Finishes the first `y.len()` (at most 8) of the sums and stores them in `y`.
    #[inline(always)]
    pub fn store_part(&self, sum: I::V, y: &mut [f32]) {
        let sum = match self.residual {
            Residual::None => sum,
            Residual::Accumulate => self.isa.add(sum, self.isa.load_part(y)),
        };
        self.isa.store_part(self.activate(sum), y);
    }

    /// Finishes one sum and stores it in `y`.
    #[inline(always)]
    pub fn store1(&self, sum: f32, y: &mut f32) {
        let sum = match self.residual {
            Residual::None => sum,
            Residual::Accumulate => sum + *y,
        };
        // The other lanes compute nothing that is used, and vanish.
        let [first, ..] = self.isa.to_array(self.activate(self.isa.splat(sum)));
        *y = first;
    }
}
