//! Products with weights of -1, 0 and 1 against sums in the promised order, to the bit, on every instruction set.

mod values;

use values::{Values, bits, each_cpu, reduced, rounds};
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::{Fused, Numerics, Separate};
use zant_runtime::arch::portable::Portable;
use zant_runtime::kernels::packing::{codes, fives};
use zant_runtime::kernels::ternary::{ternary_matmul, ternary_matmul_bytes};
use zant_runtime::kernels::ternary_codes::{scratch, ternary_matmul_codes};
use zant_runtime::terms::epilogue::{Activation, Epilogue, Residual};
use zant_runtime::terms::fives::{FIVE, Parts, TWOS};
use zant_runtime::terms::ternary::{Scales, TernaryMatMul};

/// What stands between the rows of the output, which no kernel may touch.
const GAP: f32 = 12_345.0;

/// The sum of a row and a column.
fn sum(x: &[f32], w: &[i8]) -> f32 {
    let weighted = |x: &[f32], w: &[i8], i: usize| match w.get(i) {
        Some(1) => x[i],
        Some(-1) => -x[i],
        _ => 0.0,
    };
    x.chunks(FIVE).zip(w.chunks(FIVE)).fold(0.0, |sum, (x, w)| {
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|i| weighted(x, w, i));
        sum + ((a + b) + ((c + d) + e))
    })
}

fn result<N: Numerics>(p: &TernaryMatMul, sum: f32, scale: f32, bias: f32, y: f32) -> f32 {
    let scaled = if N::FUSED { sum.mul_add(scale, bias) } else { sum * scale + bias };
    let residual = if p.epilogue.residual == Residual::Accumulate { y } else { -0.0 };
    let v = scaled + residual;
    match p.epilogue.activation {
        Activation::Clamp { lo, hi } if v < lo || v > hi => v.max(lo).min(hi),
        Activation::Leaky { alpha } if v < 0.0 => v * alpha,
        _ => v,
    }
}

fn products<N: Numerics>() {
    let mut values = Values(15);
    for round in rounds(200, 10) {
        let [m, k] = [1 + values.below(7), values.below(reduced(60, 23))];
        let n = 1 + values.below([reduced(150, 70), 33][round % 2]);
        let mut w: Vec<i8> = (0..n * k).map(|_| values.below(3) as i8 - 1).collect();
        if round % 7 == 0 {
            w.fill([-1, 0, 1][round % 3]);
        }
        let x = if round % 5 == 0 { values.special(m * k) } else { values.f32s(m * k) };
        let scale = values.f32s(if round % 3 == 0 { 1 } else { n });
        let bias = values.f32s(if round % 2 == 0 { n } else { 0 });
        let activations = [Activation::None, Activation::Clamp { lo: -1.5, hi: 6.0 }, Activation::Leaky { alpha: 0.1 }];
        let residual = if round % 4 == 0 { Residual::Accumulate } else { Residual::None };
        let epilogue = Epilogue { activation: activations[values.below(3)], residual };
        let p = TernaryMatMul { m, k, n, y_pitch: n + 3, epilogue };
        let before: Vec<f32> = (0..m * (n + 3)).map(|at| if at % (n + 3) < n { values.f32() } else { GAP }).collect();
        let expected: Vec<f32> = (0..before.len())
            .map(|at| match [at / (n + 3), at % (n + 3)] {
                [row, column] if column < n => {
                    let sum = sum(&x[row * k..][..k], &w[column * k..][..k]);
                    let scale = scale.get(column).copied().unwrap_or(scale[0]);
                    result::<N>(&p, sum, scale, bias.get(column).copied().unwrap_or(0.0), before[at])
                }
                _ => GAP,
            })
            .collect();
        let packed: Vec<u8> = fives(&w, n, k).collect();
        assert_eq!(packed.len(), k.div_ceil(FIVE) * n);
        let mut scratch = vec![f32::NAN; p.scratch()];
        each_cpu!(N, name, cpu => {
            let mut y = before.clone();
            let scales = Scales { scale: &scale, rows: &[], bias: &bias };
            ternary_matmul(cpu, &p, &x, &packed, scales, &mut scratch, &mut y);
            assert_eq!(bits(&y), bits(&expected), "{name} {p:?}");
        });
    }
}

#[test]
fn every_cpu_gives_the_promised_sums() {
    products::<Fused>();
    products::<Separate>();
}

fn products_of_bytes<N: Numerics>() {
    let mut values = Values(16);
    for round in rounds(120, 8) {
        let [m, k] = [1 + values.below(6), values.below(reduced(90, 23))];
        let n = 1 + values.below([reduced(150, 70), 33][round % 2]);
        let w: Vec<i8> = (0..n * k).map(|_| values.below(3) as i8 - 1).collect();
        let x: Vec<i8> =
            (0..m * k).map(|_| if round % 6 == 0 { -128 } else { values.below(256) as u8 as i8 }).collect();
        let scale = values.f32s(if round % 3 == 0 { 1 } else { n });
        let row_scales = values.f32s(if round % 4 == 0 { 0 } else { m });
        let bias = values.f32s(if round % 2 == 0 { n } else { 0 });
        let residual = if round % 5 == 0 { Residual::Accumulate } else { Residual::None };
        let epilogue = Epilogue { activation: Activation::Leaky { alpha: 0.25 }, residual };
        let p = TernaryMatMul { m, k, n, y_pitch: n + 3, epilogue };
        let before = values.f32s(m * (n + 3));
        let expected: Vec<f32> = (0..before.len())
            .map(|at| match [at / (n + 3), at % (n + 3)] {
                [row, column] if column < n => {
                    let products = x[row * k..][..k].iter().zip(&w[column * k..][..k]);
                    let sum: i32 = products.map(|(x, w)| i32::from(*x) * i32::from(*w)).sum();
                    let scale = scale.get(column).copied().unwrap_or(scale[0]);
                    let scale = row_scales.get(row).map_or(scale, |row| row * scale);
                    result::<N>(&p, sum as f32, scale, bias.get(column).copied().unwrap_or(0.0), before[at])
                }
                _ => before[at],
            })
            .collect();
        let packed: Vec<u8> = fives(&w, n, k).collect();
        let (mut tables, mut sums) = (vec![7; p.tables()], vec![7; n]);
        each_cpu!(N, name, cpu => {
            let mut y = before.clone();
            let scales = Scales { scale: &scale, rows: &row_scales, bias: &bias };
            ternary_matmul_bytes(cpu, &p, &x, &packed, scales, (&mut tables, &mut sums), &mut y);
            assert_eq!(bits(&y), bits(&expected), "{name} {p:?}");
        });
        let packed: Vec<u8> = codes(&w, n, k).collect();
        let mut padded = vec![7; scratch(&p)];
        let scales = Scales { scale: &scale, rows: &row_scales, bias: &bias };
        let mut check = |run: &mut dyn FnMut(&mut [i8], &mut [f32]), name: &str| {
            let mut y = before.clone();
            run(&mut padded, &mut y);
            assert_eq!(bits(&y), bits(&expected), "codes, {name} {p:?}");
        };
        let plain = Portable::<N>::portable();
        check(&mut |padded, y| ternary_matmul_codes(plain, &p, &x, &packed, scales, padded, y), "portable");
        for cpu in [Host::<N>::detect(), Host::<N>::detect().without_avx512()] {
            check(&mut |padded, y| ternary_matmul_codes(cpu, &p, &x, &packed, scales, padded, y), "host");
        }
    }
}

#[test]
fn sums_of_bytes_are_exact() {
    products_of_bytes::<Fused>();
    products_of_bytes::<Separate>();
}

/// A byte names the same sum in the parts and in the table.
#[test]
fn parts_and_table_agree() {
    let parts = Parts::new([1.0, 10.0, 100.0, 1000.0, 10_000.0]);
    let mut table = [f32::NAN; 256];
    parts.fill(&mut table);
    let digit = |count: usize, unit: usize| (count / unit % 3) as f32 - 1.0;
    for (two, three) in (0..9).flat_map(|two| (0..27).map(move |three| (two, three))) {
        let byte = two * TWOS + three;
        let digits = [digit(two, 3), digit(two, 1), digit(three, 9), digit(three, 3), digit(three, 1)];
        let expected = digits.iter().zip([1.0, 10.0, 100.0, 1000.0, 10_000.0]).map(|(d, x)| d * x).sum::<f32>();
        assert_eq!([parts.sum(byte as u8), table[byte]], [expected; 2], "{byte}");
    }
}
