//! Every instruction set against plain Rust, and plain Rust against `std`, to the bit.
#![cfg(all(target_arch = "x86_64", target_feature = "sse2"))]

mod values;

use values::reduced;
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::{Cpu, Fused, Isa, Kernel, Numerics, Separate};
use zant_runtime::arch::portable::Portable;
use zant_runtime::terms::sizes::LANES;

/// Values where operations differ if they differ anywhere: zeros, subnormals, ties, extremes, infinities, NaN.
const SPECIAL: [f32; 18] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    1.0 + f32::EPSILON,
    -1.0 + f32::EPSILON / 2.0,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE,
    1.0e-45,
    -1.0e-45,
    f32::MAX,
    f32::MIN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    16_777_215.0,
    3.0e-23,
    0.1,
];

/// NaN payloads are outside the promise of equal bits.
fn bits(x: f32) -> u32 {
    if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() }
}

/// All results of the operations on three vectors, in one fixed order.
struct Operations {
    a: [f32; LANES],
    b: [f32; LANES],
    c: [f32; LANES],
}

impl Kernel for &Operations {
    type Output = Vec<[f32; LANES]>;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Vec<[f32; LANES]> {
        let (a, b, c) = (isa.load(&self.a), isa.load(&self.b), isa.load(&self.c));
        let mut one_by_one = [0.0; LANES];
        for (i, y) in one_by_one.iter_mut().enumerate() {
            *y = isa.mul_add1(self.a[i], self.b[i], self.c[i]);
        }
        let mut all = vec![one_by_one];
        let rows: [I::V; LANES] =
            core::array::from_fn(|i| if i % 2 == 0 { isa.add(a, isa.splat(i as f32)) } else { b });
        all.extend(isa.transpose(rows).map(|column| isa.to_array(column)));
        for v in [
            isa.mul_add(a, b, c),
            isa.add(a, b),
            isa.sub(a, b),
            isa.mul(a, b),
            isa.div(a, b),
            isa.max(a, b),
            isa.min(a, b),
            isa.at_least(a, b),
            isa.at_most(a, b),
            isa.leaky(a, b),
            isa.splat(self.a[3]),
        ] {
            all.push(isa.to_array(v));
        }
        for n in 0..=LANES + 1 {
            let source = [self.a.as_slice(), &self.b].concat();
            let part = isa.load_part(&source[..n]);
            all.push(isa.to_array(part));
            let mut y = [7.0; 2 * LANES];
            isa.store_part(a, &mut y[3..][..n]);
            all.push(*y.first_chunk().expect("sixteen"));
            all.push(*y.last_chunk().expect("sixteen"));
        }
        all
    }
}

/// A small xorshift generator of any bit pattern.
fn random(state: &mut u64) -> f32 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    f32::from_bits((*state >> 20) as u32)
}

fn triples() -> Vec<[f32; 3]> {
    let mut triples = Vec::new();
    for a in SPECIAL {
        for b in SPECIAL {
            for c in SPECIAL {
                triples.push([a, b, c]);
                // Cancellation: the rounded product, negated, and its neighbours.
                let p = -(a * b);
                triples.push([a, b, p]);
                triples.push([a, b, f32::from_bits(p.to_bits() ^ 1)]);
            }
        }
    }
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..reduced(100_000, 100) {
        let (a, b, c) = (random(&mut state), random(&mut state), random(&mut state));
        triples.push([a, b, c]);
        triples.push([a, b, -(a * b)]);
    }
    while !triples.len().is_multiple_of(LANES) {
        triples.push([0.0; 3]);
    }
    triples
}

fn check<N: Numerics>() {
    let avx2 = Host::<N>::detect().avx2();
    if avx2.is_none() {
        eprintln!("skipped: this CPU has no AVX2");
    }
    for block in triples().chunks(LANES).step_by(reduced(1, 400)) {
        let operations = Operations {
            a: core::array::from_fn(|i| block[i][0]),
            b: core::array::from_fn(|i| block[i][1]),
            c: core::array::from_fn(|i| block[i][2]),
        };
        let plain = Portable::<N>::portable().run(&operations);
        for (i, y) in plain[0].into_iter().enumerate() {
            let [a, b, c] = block[i];
            let expected = if N::FUSED { a.mul_add(b, c) } else { a * b + c };
            assert_eq!(bits(y), bits(expected), "{a:e} * {b:e} + {c:e} = {y:e}, not {expected:e}");
        }
        let Some(avx2) = avx2 else { continue };
        for (i, (plain, avx2)) in plain.iter().zip(avx2.run(&operations)).enumerate() {
            assert_eq!(plain.map(bits), avx2.map(bits), "result {i} of {block:?}");
        }
    }
}

#[test]
fn fused_operations_are_equal_to_the_bit() {
    check::<Fused>();
}

#[test]
fn separate_operations_are_equal_to_the_bit() {
    check::<Separate>();
}

#[test]
fn zeros_and_nans_of_max_and_min_are_as_stated() {
    let isa = Portable::<Fused>::portable();
    let first = |v: [f32; LANES]| bits(v[0]);
    let v = |x: f32| isa.splat(x);
    assert_eq!(first(isa.max(v(-0.0), v(0.0))), 0.0_f32.to_bits());
    assert_eq!(first(isa.max(v(0.0), v(-0.0))), 0.0_f32.to_bits());
    assert_eq!(first(isa.min(v(-0.0), v(0.0))), (-0.0_f32).to_bits());
    assert_eq!(first(isa.min(v(0.0), v(-0.0))), (-0.0_f32).to_bits());
    for x in SPECIAL {
        assert!(isa.max(v(x), v(f32::NAN))[0].is_nan());
        assert!(isa.max(v(f32::NAN), v(x))[0].is_nan());
        assert!(isa.min(v(x), v(f32::NAN))[0].is_nan());
        assert!(isa.min(v(f32::NAN), v(x))[0].is_nan());
    }
}

#[test]
fn the_forced_portable_host_has_no_vector_instructions() {
    assert!(Host::<Fused>::portable().avx2().is_none());
}
