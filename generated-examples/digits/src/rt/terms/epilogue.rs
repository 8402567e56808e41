// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What happens to a finished sum before it is stored: the residual is added, then the activation is applied.
use super::super::math::minmax;

/// The function applied to each element before it is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// Identity.
    None,
    /// `min(max(x, lo), hi)`; NaN stays NaN. Relu is 0 to infinity.
    Clamp {
        /// The smallest result.
        lo: f32,
        /// The largest result.
        hi: f32,
    },
    /// `x * alpha` if `x < 0`, else `x`.
    Leaky {
        /// The slope below zero.
        alpha: f32,
    },
}

/// A second operand that is added to the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residual {
    /// Nothing is added.
    None,
    /// The previous content of the output is added: `y = activation(sum + y)`.
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
    /// Stores the sum itself.
    pub const NONE: Self = Epilogue { activation: Activation::None, residual: Residual::None };
    /// Relu.
    pub const RELU: Self = Self::clamp(0.0, f32::INFINITY);

    /// Clamps the sum.
    pub const fn clamp(lo: f32, hi: f32) -> Self {
        Epilogue { activation: Activation::Clamp { lo, hi }, ..Self::NONE }
    }

    /// LeakyRelu.
    pub const fn leaky(alpha: f32) -> Self {
        Epilogue { activation: Activation::Leaky { alpha }, ..Self::NONE }
    }

    /// Prepares the epilogue, once for all tiles of a kernel.
    #[inline(always)]
    pub const fn plan(&self) -> Plan {
        let (mut bounds, mut kind) = (Bounds::NONE, Kind::Clamp);
        match self.activation {
            Activation::None => {}
            Activation::Clamp { lo, hi } => {
                let zero = if lo.to_bits() == 0 { 0.0 } else { -0.0 };
                if lo.is_nan() || hi.is_nan() || hi.to_bits() == (-0.0_f32).to_bits() {
                    kind = Kind::Exact { lo, hi };
                } else {
                    bounds = Bounds { lo, hi, zero };
                }
            }
            Activation::Leaky { alpha } => kind = Kind::Leaky { alpha },
        }
        Plan { bounds, kind, residual: self.residual }
    }
}

/// A clamp in three operations: `lo` if `x < lo`; plus `zero`; `hi` if that is more than `hi`. The bounds are not NaN,
/// and `hi` is not -0. The comparison with a `lo` of +0 leaves -0 as it is; a `zero` of +0 corrects that, and a `zero`
/// of -0 changes nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Bounds {
    /// The smallest result.
    pub lo: f32,
    /// +0 or -0.
    pub zero: f32,
    /// The largest result.
    pub hi: f32,
}

impl Bounds {
    /// Changes nothing.
    pub const NONE: Self = Bounds { lo: f32::NEG_INFINITY, zero: -0.0, hi: f32::INFINITY };

    /// Clamps `x`.
    #[inline(always)]
    pub fn apply(&self, x: f32) -> f32 {
        let x = if x < self.lo { self.lo } else { x } + self.zero;
        if x > self.hi { self.hi } else { x }
    }
}

/// The kind of an activation.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A clamp by [`Bounds`], or no activation.
    Clamp,
    /// A clamp whose bounds do not fit [`Bounds`], by `max` and `min`.
    Exact {
        /// The smallest result.
        lo: f32,
        /// The largest result.
        hi: f32,
    },
    /// [`Activation::Leaky`].
    Leaky {
        /// The slope below zero.
        alpha: f32,
    },
}

/// A prepared [`Epilogue`].
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The bounds of a clamp; [`Bounds::NONE`] for any other kind.
    pub bounds: Bounds,
    /// The kind of the activation.
    pub kind: Kind,
    /// Added first.
    pub residual: Residual,
}

impl Plan {
    /// Stores sums as they are.
    pub const NONE: Self = Epilogue::NONE.plan();

    /// The bounds, if the epilogue is a clamp without residual.
    #[inline(always)]
    pub const fn clamp(&self) -> Option<Bounds> {
        match (self.kind, self.residual) {
            (Kind::Clamp, Residual::None) => Some(self.bounds),
            (Kind::Exact { .. } | Kind::Leaky { .. }, _) | (_, Residual::Accumulate) => None,
        }
    }

    /// Applies the epilogue to a sum and stores the result in `y`.
    #[inline(always)]
    pub fn store(&self, sum: f32, y: &mut f32) {
        let sum = match self.residual {
            Residual::None => sum,
            Residual::Accumulate => sum + *y,
        };
        *y = match self.kind {
            Kind::Clamp => self.bounds.apply(sum),
            Kind::Exact { lo, hi } => minmax::min(minmax::max(sum, lo), hi),
            Kind::Leaky { alpha } => {
                if sum < 0.0 {
                    sum * alpha
                } else {
                    sum
                }
            }
        };
    }
}
