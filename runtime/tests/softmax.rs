//! `softmax`: its formula to the bit in every form, and its distance from the exact result.

mod values;

use values::{Values, bits, reduced};
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::Separate;
use zant_runtime::kernels::reduce::{Reduce, reduce_max, reduce_sum};
use zant_runtime::kernels::softmax::{Softmax, log_softmax, log_softmax_in_place, softmax, softmax_in_place};
use zant_runtime::math::exp;
use zant_runtime::math::log;

fn shapes() -> impl Iterator<Item = Softmax> {
    let ns = reduced((1..20).chain([64, 100, 257]).collect(), vec![1, 3, 9]);
    let inners = reduced([1, 2, 7, 8, 9, 16, 21].to_vec(), vec![1, 2, 11]);
    let all = ns.into_iter().flat_map(move |n| inners.clone().into_iter().map(move |inner| (n, inner)));
    // A row of more than four vectors, which the maximum is taken of at once.
    let all = all.chain(reduced(None, Some((36, 1))));
    all.map(|(n, inner)| Softmax { outer: 1 + n % 3, n, inner }).chain([
        Softmax { outer: 0, n: 3, inner: 2 },
        Softmax { outer: 2, n: 0, inner: 1 },
        Softmax { outer: 2, n: 3, inner: 0 },
    ])
}

/// The documented formula, on every column.
fn naive(p: &Softmax, x: &[f32], is_log: bool) -> Vec<f32> {
    let mut y = x.to_vec();
    for (o, c) in (0..p.outer).flat_map(|o| (0..p.inner).map(move |c| (o, c))) {
        let places: Vec<usize> = (0..p.n).map(|i| (o * p.n + i) * p.inner + c).collect();
        let column: Vec<f32> = places.iter().map(|i| x[*i]).collect();
        let whole = Reduce { outer: 1, n: p.n, inner: 1 };
        let (mut m, mut s) = ([0.0], [0.0]);
        reduce_max(&whole, &column, &mut m);
        let e: Vec<f32> = column.iter().map(|x| exp(x - m[0])).collect();
        reduce_sum(&whole, &e, &mut s);
        for (i, place) in places.into_iter().enumerate() {
            y[place] = if is_log { (column[i] - m[0]) - log(s[0]) } else { e[i] * (1.0 / s[0]) };
        }
    }
    y
}

#[test]
fn every_form_follows_the_formula() {
    let mut values = Values(12);
    for p in shapes() {
        let len = p.outer * p.n * p.inner;
        for x in [values.f32s(len), values.special(len)] {
            let (want, want_log) = (naive(&p, &x, false), naive(&p, &x, true));
            for cpu in [Host::<Separate>::detect(), Host::portable()] {
                let mut y = vec![9.0; len];
                softmax(cpu, &p, &x, &mut y);
                assert_eq!(bits(&y), bits(&want), "{p:?}");
                y.copy_from_slice(&x);
                softmax_in_place(cpu, &p, &mut y);
                assert_eq!(bits(&y), bits(&want), "{p:?}");
                y.fill(9.0);
                log_softmax(cpu, &p, &x, &mut y);
                assert_eq!(bits(&y), bits(&want_log), "{p:?}");
                y.copy_from_slice(&x);
                log_softmax_in_place(cpu, &p, &mut y);
                assert_eq!(bits(&y), bits(&want_log), "{p:?}");
            }
        }
    }
}

#[test]
fn the_result_is_close_to_the_exact_one() {
    let mut values = Values(13);
    for n in [1, 3, 10, 100, 1000].into_iter().filter(|n| *n <= reduced(1000, 100)) {
        let x: Vec<f32> = values.f32s(n).iter().map(|x| x * 10.0).collect();
        let p = Softmax { outer: 1, n, inner: 1 };
        let (mut y, mut l) = (vec![0.0; n], vec![0.0; n]);
        softmax(Host::<Separate>::detect(), &p, &x, &mut y);
        log_softmax(Host::<Separate>::detect(), &p, &x, &mut l);
        let m = x.iter().fold(f64::MIN, |m, x| m.max(f64::from(*x)));
        let s: f64 = x.iter().map(|x| (f64::from(*x) - m).exp()).sum();
        for i in 0..n {
            // `x - m` is rounded to half an ULP of 80 at most, 2^-18.
            let d = f64::from(x[i]) - m;
            assert!((f64::from(y[i]) / (d.exp() / s) - 1.0).abs() < 5e-6, "{} {}", y[i], d.exp() / s);
            assert!((f64::from(l[i]) - (d - s.ln())).abs() < 1e-5, "{} {}", l[i], d - s.ln());
        }
    }
}

#[test]
fn minus_infinity_has_no_share() {
    let mut y = [f32::NEG_INFINITY, 1.0, f32::NEG_INFINITY, 1.0];
    softmax_in_place(Host::<Separate>::detect(), &Softmax { outer: 1, n: 4, inner: 1 }, &mut y);
    assert_eq!(y, [0.0, 0.5, 0.0, 0.5]);
}
