//! `norm`: its formula to the bit in both forms, and its distance from the exact result.

mod values;

use values::{Values, bits, reduced};
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::{Fused, Numerics, Separate};
use zant_runtime::kernels::norm::{Norm, norm, norm_in_place};
use zant_runtime::kernels::reduce::join;
use zant_runtime::math::fma;
use zant_runtime::math::sqrt;

fn shapes() -> impl Iterator<Item = Norm> {
    let ns = reduced((0..20).chain([64, 100, 257]).collect(), vec![0, 1, 7, 8, 19]);
    let forms = |n| [true, false].map(|center| Norm { outer: 1 + n % 3, n, epsilon: 1e-5, center });
    ns.into_iter().flat_map(forms).chain([Norm { outer: 0, n: 3, epsilon: 1e-5, center: true }])
}

/// The sum in the documented order, of terms that are added by `add`.
fn lanes(n: usize, add: impl Fn(f32, usize) -> f32) -> f32 {
    let mut lanes = [0.0; 8];
    (0..n).for_each(|i| lanes[i % 8] = add(lanes[i % 8], i));
    join(lanes, |a, b| a + b)
}

/// The documented formula, on every row.
fn naive<N: Numerics>(p: &Norm, x: &[f32], scale: &[f32], bias: &[f32]) -> Vec<f32> {
    let mul_add = |a: f32, b: f32, c: f32| if N::FUSED { fma(a, b, c) } else { a * b + c };
    let mut y = Vec::new();
    for row in x.chunks_exact(p.n.max(1)).take(p.outer) {
        let count = p.n as f32;
        let mean = lanes(p.n, |sum, i| sum + row[i]) / count;
        let d: Vec<f32> = row.iter().map(|x| if p.center { x - mean } else { *x }).collect();
        let q = lanes(p.n, |sum, i| mul_add(d[i], d[i], sum));
        let factor = 1.0 / sqrt(q / count + p.epsilon);
        y.extend(d.iter().enumerate().map(|(i, d)| match (scale.get(i), bias.get(i)) {
            (Some(s), Some(b)) => mul_add(d * factor, *s, *b),
            (Some(s), None) => d * factor * s,
            (None, Some(b)) => d * factor + b,
            (None, None) => d * factor,
        }));
    }
    y
}

fn both_forms<N: Numerics>() {
    let mut values = Values(21);
    for p in shapes() {
        let len = p.outer * p.n;
        let (scale, bias) = (values.f32s(p.n), values.f32s(p.n));
        for x in [values.f32s(len), values.special(len)] {
            for (scale, bias) in [(&scale, &bias), (&scale, &vec![]), (&vec![], &bias), (&vec![], &vec![])] {
                let want = naive::<N>(&p, &x, scale, bias);
                for cpu in [Host::<N>::detect(), Host::portable()] {
                    let mut y = vec![9.0; len];
                    norm(cpu, &p, &x, scale, bias, &mut y);
                    assert_eq!(bits(&y), bits(&want), "{p:?}");
                    y.copy_from_slice(&x);
                    norm_in_place(cpu, &p, scale, bias, &mut y);
                    assert_eq!(bits(&y), bits(&want), "{p:?}");
                }
            }
        }
    }
}

#[test]
fn both_forms_follow_the_formula() {
    both_forms::<Fused>();
    both_forms::<Separate>();
}

#[test]
fn the_result_is_close_to_the_exact_one() {
    let mut values = Values(22);
    for n in [1, 3, 10, 100, 1000].into_iter().filter(|n| *n <= reduced(1000, 100)) {
        let x: Vec<f32> = values.f32s(n).iter().map(|x| 10.0 + x).collect();
        let mut y = vec![0.0; n];
        let p = Norm { outer: 1, n, epsilon: 1e-3, center: true };
        norm(Host::<Fused>::detect(), &p, &x, &[], &[], &mut y);
        let count = n as f64;
        let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
        let variance = x.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count;
        for (x, y) in x.iter().zip(&y) {
            // The mean of values near 10 is off by a few 2^-21, which the division by at least 2^-5 enlarges.
            let exact = (f64::from(*x) - mean) / (variance + 1e-3).sqrt();
            assert!((f64::from(*y) - exact).abs() < 1e-4, "{y} {exact}");
        }
    }
}
