//! Products with weights of -1, 0 and 1 against sums in the promised order, to the bit, on every instruction set.

mod values;

use values::{Values, bits, each_cpu, reduced, rounds};
use zant_runtime::arch::isa::{Fused, Numerics, Separate};
use zant_runtime::kernels::packing::fives;
use zant_runtime::kernels::ternary::{Scales, TernaryMatMul, ternary_matmul};
use zant_runtime::terms::epilogue::{Activation, Epilogue, Residual};
use zant_runtime::terms::fives::{FIVE, Parts, TWOS};

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
        let [m, k] = [1 + values.below(3), values.below(reduced(60, 23))];
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
            let scales = Scales { scale: &scale, bias: &bias };
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

/// A byte names the same sum in the parts and in the table.
#[test]
fn parts_and_table_agree() {
    let parts = Parts::new([1.0, 10.0, 100.0, 1000.0, 10_000.0]);
    let mut table = [f32::NAN; 256];
    parts.fill(&mut table);
    let digit = |count: usize, unit: usize| (count / unit % 3) as f32 - 1.0;
    for byte in 0..9 * TWOS {
        let (two, three) = (byte / TWOS, byte % TWOS);
        if three == 27 {
            continue;
        }
        let digits = [digit(two, 3), digit(two, 1), digit(three, 9), digit(three, 3), digit(three, 1)];
        let expected = digits.iter().zip([1.0, 10.0, 100.0, 1000.0, 10_000.0]).map(|(d, x)| d * x).sum::<f32>();
        assert_eq!([parts.sum(byte as u8), table[byte]], [expected; 2], "{byte}");
    }
}
