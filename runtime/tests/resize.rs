//! `resize`: its sum to the bit on every body, and known enlargements.

mod values;

use values::{Values, bits};
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::{Fused, Numerics, Separate};
use zant_runtime::kernels::resize::{Resize, resize};

fn check<N: Numerics>(values: &mut Values) {
    for inner in [1, 2, 3, 8, 11, 16, 40, 0] {
        for (outer, n, out_n, taps) in
            [(1, 1, 1, 1), (2, 5, 10, 2), (3, 7, 4, 4), (1, 9, 3, 5), (0, 3, 6, 2), (2, 3, 0, 2)]
        {
            let x = values.special(outer * n * inner);
            let places: Vec<u32> = (0..out_n * taps).map(|_| values.below(n) as u32).collect();
            let weights = values.f32s(out_n * taps);
            let mut want = Vec::new();
            for (o, j) in (0..outer).flat_map(|o| (0..out_n).map(move |j| (o, j))) {
                want.extend((0..inner).map(|i| {
                    let products =
                        (j * taps..(j + 1) * taps).map(|t| (weights[t], x[(o * n + places[t] as usize) * inner + i]));
                    products
                        .fold(None, |sum: Option<f32>, (w, x)| {
                            Some(sum.map_or(w * x, |sum| if N::FUSED { w.mul_add(x, sum) } else { w * x + sum }))
                        })
                        .unwrap()
                }));
            }
            let p = Resize { outer, n, out_n, inner, taps };
            for cpu in [Host::<N>::detect(), Host::portable()] {
                let mut y = vec![9.0; want.len()];
                resize(cpu, &p, (&places, &weights), &x, &mut y);
                assert_eq!(bits(&y), bits(&want), "{p:?}");
            }
        }
    }
}

#[test]
fn every_body_adds_in_the_order_of_taps() {
    let mut values = Values(14);
    check::<Fused>(&mut values);
    check::<Separate>(&mut values);
}

#[test]
fn nearest_is_a_copy() {
    let x = [-0.0, f32::INFINITY, 3.0, 4.0];
    let mut y = [0.0; 8];
    let p = Resize { outer: 1, n: 2, out_n: 4, inner: 2, taps: 1 };
    resize(Host::<Fused>::detect(), &p, (&[0, 0, 1, 1], &[1.0; 4]), &x, &mut y);
    assert_eq!(bits(&y), bits(&[x[0], x[1], x[0], x[1], x[2], x[3], x[2], x[3]]));
}

/// ONNX's `resize_upsample_scales_linear`: [[1, 2], [3, 4]] twice as large by half pixels.
#[test]
fn linear_in_two_dimensions() {
    let (places, weights) = ([0, 1, 0, 1, 0, 1, 0, 1], [1.0, 0.0, 0.75, 0.25, 0.25, 0.75, 0.0, 1.0]);
    let (mut tall, mut y) = ([0.0; 8], [0.0; 16]);
    let cpu = Host::<Fused>::detect();
    let p = Resize { outer: 1, n: 2, out_n: 4, inner: 2, taps: 2 };
    resize(cpu, &p, (&places, &weights), &[1.0, 2.0, 3.0, 4.0], &mut tall);
    resize(cpu, &Resize { outer: 4, inner: 1, ..p }, (&places, &weights), &tall, &mut y);
    let want = [1.0, 1.25, 1.75, 2.0, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3.0, 3.25, 3.75, 4.0];
    assert_eq!(y, want);
}
