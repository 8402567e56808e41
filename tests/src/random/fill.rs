//! What the elements of random tensors are.

use zantc::ir::{DType, Scalar, Tensor, Type};

use super::Random;

/// Which numbers.
#[derive(Clone, Copy, Debug)]
pub enum Fill {
    /// Numbers near one, zeros among them; in wild models anything.
    Any,
    /// From 1/8 to 2.
    Positive,
    /// From -1 to 1 (integers: 0 and 1).
    Unit,
    /// Whole numbers from 0 to n - 1.
    Below(usize),
    /// Whole numbers from -n to n - 1.
    Index(usize),
    /// Anything but zero.
    NonZero,
    /// All the bits of an integer.
    Bits,
    /// Scales of quantized tensors.
    Scale,
}

/// A tensor of random elements.
pub(crate) fn tensor(r: &mut Random, ty: &Type, fill: Fill, wild: bool) -> Tensor {
    let elements: Vec<Scalar> = (0..ty.elements()).map(|_| scalar(r, ty.dtype, fill, wild)).collect();
    Tensor::from_scalars(ty.clone(), elements)
}

fn scalar(r: &mut Random, dtype: DType, fill: Fill, wild: bool) -> Scalar {
    let whole = |v: i64| Scalar::from_i64(v, dtype);
    match fill {
        _ if dtype == DType::Bool => Scalar::Bool(r.one_in(2)),
        Fill::Below(n) => whole(r.below(n.max(1)) as i64),
        Fill::Index(n) => whole(r.below(2 * n.max(1)) as i64 - n.max(1) as i64),
        Fill::Bits => Scalar::from_bits(r.bits() & mask(dtype), dtype),
        _ if dtype.is_float() => Scalar::from_f64(real(r, fill, wild), dtype),
        Fill::Positive | Fill::Scale => whole(r.within(1, 9) as i64),
        Fill::Unit => whole(r.below(2) as i64),
        Fill::NonZero => whole(r.within(1, 9) as i64),
        Fill::Any if wild && r.one_in(3) => Scalar::from_bits(r.bits() & mask(dtype), dtype),
        Fill::Any if dtype.is_signed() => whole(r.below(19) as i64 - 6),
        Fill::Any => whole(r.below(19) as i64),
    }
}

fn mask(dtype: DType) -> u64 {
    u64::MAX >> (64 - 8 * dtype.size())
}

const WILD: [f64; 14] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -0.0,
    1e30,
    -1e30,
    1e-40,
    65504.0,
    -3e9,
    2_147_483_648.0,
    0.5,
    -2.5,
    1e-8,
    3.4e38,
];

fn real(r: &mut Random, fill: Fill, wild: bool) -> f64 {
    match fill {
        Fill::Positive => 0.125 + (r.unit() + 1.0) * 0.9375,
        Fill::Scale => 0.002 + (r.unit() + 1.0) * 0.03,
        Fill::Unit => r.unit(),
        Fill::NonZero => r.pick(&[-1.0, 1.0]) * (0.3 + (r.unit() + 1.0) * 0.5),
        _ if wild && r.one_in(4) => r.pick(&WILD),
        // Halves and whole numbers are where rounding, comparisons and divisions jump.
        _ if r.one_in(12) => r.pick(&[0.0, 0.0, 1.0, -1.0, 0.5, -0.5, 2.0]),
        _ => r.unit() * 2.0,
    }
}
