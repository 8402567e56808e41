//! `reduce` and `reduce_f32`: one order of elements, whatever the layout, type and instruction set.

mod values;

use values::{Values, bits, reduced};
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::Separate;
use zant_runtime::kernels::number::Number;
use zant_runtime::kernels::reduce::{self, Reduce};
use zant_runtime::kernels::reduce_f32;

type Fast = fn(Host<Separate>, &Reduce, &[f32], &mut [f32]);
type Plain = fn(&Reduce, &[f32], &mut [f32]);
type Join = fn(f32, f32) -> f32;

const OPS: [(Fast, Plain, f32, Join); 4] = [
    (reduce_f32::reduce_sum, reduce::reduce_sum, 0.0, |a, b| a + b),
    (reduce_f32::reduce_prod, reduce::reduce_prod, 1.0, |a, b| a * b),
    (reduce_f32::reduce_max, reduce::reduce_max, f32::NEG_INFINITY, larger),
    (reduce_f32::reduce_min, reduce::reduce_min, f32::INFINITY, |a, b| -larger(-a, -b)),
];

fn larger(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() {
        f32::NAN
    } else if a > b || a == b && b.is_sign_negative() {
        a
    } else {
        b
    }
}

/// The documented order, step by step.
fn naive(p: &Reduce, x: &[f32], start: f32, op: Join) -> Vec<f32> {
    let mut y = Vec::new();
    for (o, c) in (0..p.outer).flat_map(|o| (0..p.inner).map(move |c| (o, c))) {
        let mut l = [start; 8];
        for r in 0..p.n {
            l[r % 8] = op(l[r % 8], x[(o * p.n + r) * p.inner + c]);
        }
        let [even, odd] = [op(op(l[0], l[4]), op(l[2], l[6])), op(op(l[1], l[5]), op(l[3], l[7]))];
        y.push(op(even, odd));
    }
    y
}

fn shapes() -> impl Iterator<Item = Reduce> {
    let ns = reduced((0..20).chain([64, 100, 257]).collect(), vec![0, 1, 8, 19]);
    let inners = reduced([1, 2, 3, 7, 8, 9, 16, 21].to_vec(), vec![1, 3, 11]);
    ns.into_iter().flat_map(move |n| inners.clone().into_iter().map(move |inner| Reduce { outer: 1 + n % 3, n, inner }))
}

#[test]
fn every_body_keeps_the_order() {
    let mut values = Values(10);
    for p in shapes() {
        let len = p.outer * p.n * p.inner;
        for x in [values.f32s(len), values.special(len), vec![-0.0; len]] {
            for (fast, plain, start, op) in OPS {
                let want = bits(&naive(&p, &x, start, op));
                let mut y = vec![9.0; p.outer * p.inner];
                for cpu in [Host::detect(), Host::portable()] {
                    y.fill(9.0);
                    fast(cpu, &p, &x, &mut y);
                    assert_eq!(bits(&y), want, "{p:?}");
                }
                y.fill(9.0);
                plain(&p, &x, &mut y);
                assert_eq!(bits(&y), want, "{p:?}");
            }
        }
    }
}

#[test]
fn a_column_gives_the_same_bits_in_every_layout() {
    let mut values = Values(11);
    for n in (0..reduced(40, 20)).chain([reduced(1000, 50)]) {
        let run = values.f32s(n);
        let cpu = Host::<Separate>::detect();
        let mut alone = [0.0];
        reduce_f32::reduce_sum(cpu, &Reduce { outer: 1, n, inner: 1 }, &run, &mut alone);
        for inner in [2, 8, 11] {
            let columns: Vec<f32> = run.iter().flat_map(|x| vec![*x; inner]).collect();
            let mut y = vec![0.0; inner];
            reduce_f32::reduce_sum(cpu, &Reduce { outer: 1, n, inner }, &columns, &mut y);
            assert_eq!(bits(&y), vec![alone[0].to_bits(); inner], "n {n}");
        }
    }
}

#[test]
fn integers_wrap_and_start_from_their_bounds() {
    fn all<T: Number + Default + std::fmt::Debug>(x: &[T], want: [T; 4]) {
        let p = Reduce { outer: 1, n: x.len(), inner: 1 };
        for (reduce, want) in
            [reduce::reduce_sum, reduce::reduce_prod, reduce::reduce_max, reduce::reduce_min].iter().zip(want)
        {
            let mut y = [T::default()];
            reduce(&p, x, &mut y);
            assert_eq!(y, [want]);
        }
    }
    all(&[100i8, 27, 2, -3], [126, (100i32 * 27 * 2 * -3) as i8, 100, -3]);
    all::<i8>(&[], [0, 1, -128, 127]);
    all(&[255u8, 2], [1, 254, 255, 2]);
    all(&[i16::MAX, 1], [i16::MIN, i16::MAX, i16::MAX, 1]);
    all(&[u16::MAX, 1], [0, u16::MAX, u16::MAX, 1]);
    all(&[i32::MAX, 1], [i32::MIN, i32::MAX, i32::MAX, 1]);
    all(&[u32::MAX, 1], [0, u32::MAX, u32::MAX, 1]);
    all(&[i64::MAX, 1], [i64::MIN, i64::MAX, i64::MAX, 1]);
    all(&[u64::MAX, 1], [0, u64::MAX, u64::MAX, 1]);
    all(&[0.5f64, -2.0, 4.0], [2.5, -4.0, 4.0, -2.0]);
    let zeros = [-0.0f64, 0.0];
    let (mut max, mut min) = ([f64::NAN], [f64::NAN]);
    reduce::reduce_max(&Reduce { outer: 1, n: 2, inner: 1 }, &zeros, &mut max);
    reduce::reduce_min(&Reduce { outer: 1, n: 2, inner: 1 }, &zeros, &mut min);
    assert_eq!([max[0].to_bits(), min[0].to_bits()], [0.0f64.to_bits(), (-0.0f64).to_bits()]);
    reduce::reduce_max(&Reduce { outer: 1, n: 2, inner: 1 }, &[1.0, f64::NAN], &mut max);
    reduce::reduce_min(&Reduce { outer: 1, n: 2, inner: 1 }, &[f64::NAN, 1.0], &mut min);
    assert!(max[0].is_nan() && min[0].is_nan());
    all::<f64>(&[], [0.0, 1.0, f64::NEG_INFINITY, f64::INFINITY]);
}
