//! Inputs for models that come without data: pseudo-random, the same on every machine.

use crate::ir::{DType, Scalar, Tensor, Type};

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// One tensor for each type: floats in [-1, 1), integers 0, 1 or 2 (so that they index most dimensions), any truth value.
pub fn inputs<'t>(types: impl IntoIterator<Item = &'t Type>) -> Vec<Tensor> {
    let mut random = SplitMix64(0x7a61_6e74);
    types.into_iter().map(|ty| tensor(ty, &mut random)).collect()
}

fn tensor(ty: &Type, random: &mut SplitMix64) -> Tensor {
    let element = |bits: u64| {
        if ty.dtype == DType::Bool {
            Scalar::Bool(bits >> 63 == 1)
        } else if ty.dtype.is_float() {
            // 11 bits of fraction: exact in every float type but bf16, which rounds.
            let step = (bits >> 52) as f64;
            Scalar::from_f64(step / 2048.0 - 1.0, ty.dtype)
        } else {
            Scalar::from_i64((bits % 3) as i64, ty.dtype)
        }
    };
    let elements: Vec<Scalar> = (0..ty.elements()).map(|_| element(random.next())).collect();
    Tensor::from_scalars(ty.clone(), elements)
}

#[cfg(test)]
mod tests {
    use super::inputs;
    use crate::ir::{DType, Type};

    #[test]
    fn inputs_are_reproducible_and_in_range() {
        let types: Vec<Type> = DType::ALL.iter().map(|&d| Type::new(d, [5, 40])).collect();
        let (a, b) = (inputs(&types), inputs(&types));
        assert_eq!(a, b);
        for t in a {
            let values: Vec<f64> = t.scalars().map(|s| s.to_f64()).collect();
            assert!(values.iter().all(|v| (-1.0..3.0).contains(v)), "{}", t.ty());
            assert!(values.iter().any(|v| *v != values[0]), "{}", t.ty());
        }
    }
}
