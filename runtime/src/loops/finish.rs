// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The epilogue in vectors: the residual is added to finished sums, then the activation is applied.
use super::super::arch::isa::Isa;
use super::super::terms::epilogue::{Bounds, Kind, Plan, Residual};
use super::super::terms::sizes::LANES;

/// [`Bounds`] in vectors.
#[derive(Clone, Copy)]
pub struct Clamp<I: Isa> {
    isa: I,
    lo: I::V,
    hi: I::V,
    zero: I::V,
}

impl<I: Isa> Clamp<I> {
    /// Puts the bounds into vectors.
    #[inline(always)]
    pub fn new(isa: I, Bounds { lo, zero, hi }: Bounds) -> Self {
        Clamp { isa, lo: isa.splat(lo), hi: isa.splat(hi), zero: isa.splat(zero) }
    }

    /// Clamps the sums.
    #[inline(always)]
    pub fn apply(&self, sums: I::V) -> I::V {
        self.isa.at_most(self.isa.add(self.isa.at_least(sums, self.lo), self.zero), self.hi)
    }
}

impl<I: Isa> Clamp<I> {
    /// Clamps the first sum.
    #[inline(always)]
    pub fn apply1(&self, sums: I::V) -> f32 {
        // The compiler drops the computation of the other lanes.
        let [first, ..] = self.isa.to_array(self.apply(sums));
        first
    }
}

/// An [`Activation`] other than a [`Clamp`].
#[derive(Clone, Copy)]
enum Other<V> {
    /// A clamp whose bounds do not fit [`Bounds`], by `max` and `min`.
    Exact {
        lo: V,
        hi: V,
    },
    Leaky {
        alpha: V,
    },
}

/// A [`Plan`] with its numbers in vectors.
#[derive(Clone, Copy)]
pub struct Finish<I: Isa> {
    /// The clamp. It is the whole epilogue if [`Plan::clamp`] has bounds.
    pub clamp: Clamp<I>,
    other: Option<Other<I::V>>,
    residual: Residual,
}

impl<I: Isa> Finish<I> {
    /// Puts the epilogue's numbers into vectors, once for all sums of a tile.
    #[inline(always)]
    pub fn new(isa: I, plan: &Plan) -> Self {
        let other = match plan.kind {
            Kind::Clamp => None,
            Kind::Exact { lo, hi } => Some(Other::Exact { lo: isa.splat(lo), hi: isa.splat(hi) }),
            Kind::Leaky { alpha } => Some(Other::Leaky { alpha: isa.splat(alpha) }),
        };
        Finish { clamp: Clamp::new(isa, plan.bounds), other, residual: plan.residual }
    }

    #[inline(always)]
    fn activate(&self, sum: I::V) -> I::V {
        let isa = self.clamp.isa;
        match self.other {
            None => self.clamp.apply(sum),
            Some(Other::Exact { lo, hi }) => isa.min(isa.max(sum, lo), hi),
            Some(Other::Leaky { alpha }) => isa.leaky(sum, alpha),
        }
    }

    /// Applies the epilogue to eight sums and stores the results in `y`.
    #[inline(always)]
    pub fn store(&self, sum: I::V, y: &mut [f32; LANES]) {
        let isa = self.clamp.isa;
        let sum = match self.residual {
            Residual::None => sum,
            Residual::Accumulate => isa.add(sum, isa.load(y)),
        };
        isa.store(self.activate(sum), y);
    }

    /// The same for the first `y.len()` sums, at most 8.
    #[inline(always)]
    pub fn store_part(&self, sum: I::V, y: &mut [f32]) {
        let isa = self.clamp.isa;
        let sum = match self.residual {
            Residual::None => sum,
            Residual::Accumulate => isa.add(sum, isa.load_part(y)),
        };
        isa.store_part(self.activate(sum), y);
    }

    /// The same for one sum.
    #[inline(always)]
    pub fn store1(&self, sum: f32, y: &mut f32) {
        let isa = self.clamp.isa;
        let sum = match self.residual {
            Residual::None => sum,
            Residual::Accumulate => sum + *y,
        };
        // The compiler drops the computation of the other lanes.
        let [first, ..] = isa.to_array(self.activate(isa.splat(sum)));
        *y = first;
    }
}
