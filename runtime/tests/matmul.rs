//! Matrix products against a direct sum in the promised order, to the bit, on every instruction set.

mod values;

use values::{Values, bits};
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::{Fused, Numerics, Separate};
use zant_runtime::arch::portable::Portable;
use zant_runtime::kernels::epilogue::{Activation, Epilogue, Residual};
use zant_runtime::kernels::matmul_packed::{MatMulPacked, matmul_packed};

/// What stands between the rows of the output, which no kernel may touch.
const GAP: f32 = 12_345.0;

fn epilogue(values: &mut Values) -> Epilogue {
    let activation = match values.below(3) {
        0 => Activation::None,
        1 => Activation::Clamp { lo: -1.5, hi: 6.0 },
        _ => Activation::Leaky { alpha: 0.1 },
    };
    let residual = if values.below(3) == 0 { Residual::Accumulate } else { Residual::None };
    Epilogue { activation, residual }
}

/// The sum of the products, and that within the bound of the exact one.
fn sum<N: Numerics>(start: f32, products: impl Iterator<Item = (f32, f32)>) -> f32 {
    let mut sum = start;
    let (mut exact, mut size) = (f64::from(sum), f64::from(sum).abs());
    let mut count = 1.0;
    for (a, b) in products {
        sum = if N::FUSED { a.mul_add(b, sum) } else { a * b + sum };
        exact += f64::from(a) * f64::from(b);
        size += (f64::from(a) * f64::from(b)).abs();
        count += 2.0;
    }
    // Higham 2002, 3.1: |error| <= n u / (1 - n u) * sum |a b|, here with the slack of f64.
    assert!((f64::from(sum) - exact).abs() <= count * f64::from(f32::EPSILON) * size);
    sum
}

fn finish(epilogue: &Epilogue, sum: f32, y: &mut f32) {
    let sum = match epilogue.residual {
        Residual::None => sum,
        Residual::Accumulate => sum + *y,
    };
    *y = match epilogue.activation {
        Activation::None => sum,
        Activation::Clamp { lo, hi } => sum.max(lo).min(hi),
        Activation::Leaky { alpha } => {
            if sum < 0.0 {
                sum * alpha
            } else {
                sum
            }
        }
    };
}

/// `w[k][n]` in panels of 16 columns.
fn pack(w: &[f32], k: usize, n: usize) -> Vec<f32> {
    let mut packed = Vec::new();
    for first in (0..n).step_by(16) {
        for row in 0..k {
            packed.extend_from_slice(&w[row * n + first..row * n + n.min(first + 16)]);
        }
    }
    packed
}

fn check_packed<N: Numerics>([m, k, n]: [usize; 3], values: &mut Values) {
    let (a_pitch, y_pitch) = (k + values.below(3), n + values.below(3));
    let p = MatMulPacked { m, k, n, a_pitch, y_pitch, epilogue: epilogue(values) };
    let a = values.f32s(if m == 0 { 0 } else { (m - 1) * a_pitch + k });
    let w = values.f32s(k * n);
    let biased = values.below(3) > 0;
    let bias = values.f32s(if biased { n } else { 0 });
    let mut before = vec![GAP; if m == 0 { 0 } else { (m - 1) * y_pitch + n }];
    if p.epilogue.residual == Residual::Accumulate {
        for row in before.chunks_mut(y_pitch.max(1)) {
            row[..n].copy_from_slice(&values.f32s(n));
        }
    }
    let mut expected = before.clone();
    for i in 0..m {
        for j in 0..n {
            let products = (0..k).map(|l| (a[i * a_pitch + l], w[l * n + j]));
            let sum = sum::<N>(bias.get(j).copied().unwrap_or(0.0), products);
            finish(&p.epilogue, sum, &mut expected[i * y_pitch + j]);
        }
    }
    let w = pack(&w, k, n);
    let mut y = before.clone();
    matmul_packed(Portable::<N>::portable(), &p, &a, &w, &bias, &mut y);
    assert_eq!(bits(&y), bits(&expected), "portable {p:?}");
    let mut y = before;
    matmul_packed(Host::<N>::detect(), &p, &a, &w, &bias, &mut y);
    assert_eq!(bits(&y), bits(&expected), "host {p:?}");
}

#[test]
fn packed_products_of_every_width_and_height_are_equal_to_the_bit() {
    let mut values = Values(1);
    for n in 0..=35 {
        for m in 0..=14 {
            let k = [0, 1, 2, 7, 33][values.below(5)];
            check_packed::<Fused>([m, k, n], &mut values);
            check_packed::<Separate>([m, k, n], &mut values);
        }
    }
}

#[test]
fn matrix_vector_products_are_equal_to_the_bit() {
    let mut values = Values(2);
    for n in [1, 8, 10, 16, 63, 64, 65, 100, 128, 150, 200] {
        for k in [1, 3, 64, 129] {
            check_packed::<Fused>([1, k, n], &mut values);
            check_packed::<Separate>([1, k, n], &mut values);
        }
    }
}
