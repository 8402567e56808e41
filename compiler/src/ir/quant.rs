//! What quantized operators say about their integers, of 8 or 16 bits.
//!
//! Invariants, of all that passes build: scales are positive and finite; `lo <= hi` lie in the range of the type.

use super::{DType, Op, PoolKind, ReduceKind};

/// What integers stand for: `(q - zero) * scale`, the product rounded to f32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// The integer that stands for 0.
    pub zero: i32,
    /// The distance of neighbouring integers.
    pub scale: f32,
}

/// How a real number becomes an integer: `clamp(round_half_even(v) + zero, lo, hi)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// i8 or u8; of a wide convolution, and between other operators, i16 or u16 as well.
    pub dtype: DType,
    /// Added after rounding.
    pub zero: i32,
    /// The smallest result: that of the type, or what an activation leaves.
    pub lo: i32,
    /// The largest result.
    pub hi: i32,
}

/// A byte that is added to the finished byte `t` of a product: the result is `target(real(r) + real(t)) / scale)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantResidual {
    /// What `t` stands for.
    pub sum: Affine,
    /// What the residual operand `r`, of the result's type, stands for.
    pub other: Affine,
    /// The scale of the result.
    pub scale: f32,
    /// The range of the result.
    pub target: Target,
}

/// The bytes of a quantized product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quant {
    /// The byte of the map that stands for 0, within the range of its type.
    pub zero: i32,
    /// Where the sum times its multiplier goes.
    pub target: Target,
    /// What is added afterwards.
    pub residual: Option<QuantResidual>,
}

/// How a float operator computes between integers of 8 or 16 bits: the operand is taken as f32 by `from`, the operator computes, and each result
/// `v` becomes `target((v / divisor) / scale)`. To the bit what the three operators compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Between {
    /// What the operand's integers stand for.
    pub from: Affine,
    /// What the results are divided by first; 1 changes nothing.
    pub divisor: f32,
    /// The scale of the result.
    pub scale: f32,
    /// The range of the result.
    pub target: Target,
}

impl Op {
    /// The float operator that this one computes between integers, and what these stand for.
    pub fn float(&self) -> Option<(Op, Between)> {
        if let Op::QPool { window, count_include_pad, between } = self {
            let kind = PoolKind::Average { count_include_pad: *count_include_pad };
            Some((Op::Pool { kind, window: window.clone() }, *between))
        } else if let Op::QReduce { axes, between } = self {
            Some((Op::Reduce { kind: ReduceKind::Sum, axes: axes.clone() }, *between))
        } else if let Op::QSoftmax { axis, between } = self {
            Some((Op::Softmax { axis: *axis, log: false }, *between))
        } else {
            None
        }
    }

    /// The operator that computes this float operator between integers, where there is one.
    pub fn between(&self, between: Between) -> Option<Op> {
        if let Op::Pool { kind: PoolKind::Average { count_include_pad }, window } = self {
            Some(Op::QPool { window: window.clone(), count_include_pad: *count_include_pad, between })
        } else if let Op::Reduce { kind: ReduceKind::Sum, axes } = self {
            Some(Op::QReduce { axes: axes.clone(), between })
        } else if let Op::Softmax { axis, log: false } = self {
            Some(Op::QSoftmax { axis: *axis, between })
        } else {
            None
        }
    }
}

impl Target {
    /// The whole range of a type.
    pub fn new(dtype: DType, zero: i32) -> Target {
        let signed = matches!(dtype, DType::I8 | DType::I16);
        let (lo, hi) = match (dtype.size(), signed) {
            (1, true) => (-128, 127),
            (1, false) => (0, 255),
            (_, true) => (-32768, 32767),
            (_, false) => (0, 65535),
        };
        Target { dtype, zero, lo, hi }
    }

    /// The byte of a number that has been divided by the scale. NaN gives the smallest result.
    pub fn of(&self, v: f32) -> i32 {
        let rounded = f64::from(v.round_ties_even()) + f64::from(self.zero);
        if rounded > f64::from(self.lo) { rounded.min(f64::from(self.hi)) as i32 } else { self.lo }
    }

    /// Whether it is a range of one of these types.
    fn is_of(&self, dtypes: &[DType]) -> bool {
        let whole = Target::new(self.dtype, 0);
        let inside = |v: i32| (whole.lo..=whole.hi).contains(&v);
        dtypes.contains(&self.dtype) && inside(self.lo) && inside(self.hi) && self.lo <= self.hi && inside(self.zero)
    }

    /// What does not make sense, if anything.
    fn fault(&self) -> Option<String> {
        (!self.is_of(&[DType::I8, DType::U8])).then(|| format!("{self:?} is no range of bytes"))
    }
}

/// The numbers of a wide convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wide {
    /// The number of the map that stands for 0, within the range of its type.
    pub zero: i32,
    /// Where finished sums go.
    pub target: Target,
    /// How far sums are shifted to the left before they are multiplied; at most 30.
    pub lead: u8,
}

impl Wide {
    /// What does not make sense of a map of a type, if anything.
    pub fn fault(&self, x: DType) -> Option<String> {
        let inside = Target::new(x, 0);
        let dtypes = [DType::I8, DType::U8, DType::I16, DType::U16];
        if !dtypes.contains(&x) || !(inside.lo..=inside.hi).contains(&self.zero) {
            return Some(format!("the zero point {} is no {x}", self.zero));
        }
        if self.lead > 30 {
            return Some(format!("sums are shifted by {}", self.lead));
        }
        (!self.target.is_of(&dtypes)).then(|| format!("{:?} is no range of 8 or 16 bits", self.target))
    }

    /// The result of a sum, `(sum * 2^lead * multiplier + bias) / 2^shift`, of which half was in the bias: rounded to the nearest
    /// integer, ties to even.
    pub fn finish(&self, sum: i64, (bias, multiplier, shift): (i64, i32, u8)) -> i32 {
        let unit = 1i128 << shift.clamp(1, 62);
        let v = (i128::from(sum) << self.lead) * i128::from(multiplier) + i128::from(bias) - unit / 2;
        let (down, rest) = (v.div_euclid(unit), 2 * v.rem_euclid(unit));
        let up = rest > unit || rest == unit && down % 2 != 0;
        let v = down + i128::from(up) + i128::from(self.target.zero);
        v.clamp(i128::from(self.target.lo), i128::from(self.target.hi)) as i32
    }
}

impl Affine {
    /// The number of a byte.
    pub fn real(&self, q: i32) -> f32 {
        (q - self.zero) as f32 * self.scale
    }
}

impl Quant {
    /// The result's element type.
    pub fn dtype(&self) -> DType {
        self.residual.map_or(self.target.dtype, |r| r.target.dtype)
    }

    /// The result of a sum.
    pub fn finish(&self, sum: i32, multiplier: f32, residual: Option<i32>) -> i32 {
        let t = self.target.of(sum as f32 * multiplier);
        match (&self.residual, residual) {
            (Some(r), Some(other)) => r.target.of((r.other.real(other) + r.sum.real(t)) / r.scale),
            _ => t,
        }
    }

    /// What does not make sense, if anything.
    pub fn fault(&self, x: DType) -> Option<String> {
        let whole = Target::new(x, 0);
        if !(whole.lo..=whole.hi).contains(&self.zero) {
            return Some(format!("the zero point {} is no {x}", self.zero));
        }
        let near = |a: &Affine| a.zero.abs() <= 255;
        let far =
            self.residual.filter(|r| !near(&r.sum) || !near(&r.other)).map(|_| "zero points out of range".to_string());
        self.target.fault().or_else(|| self.residual.and_then(|r| r.target.fault())).or(far)
    }
}
