//! `map`: every source against loops, every form against `map_nd`, vectors against plain Rust to the bit.

mod values;

use values::{Values, bits, indices};
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::Separate;
use zant_runtime::error::DataError;
use zant_runtime::kernels::map::{
    Dense, Map, Splat, Strided, map, map_in_place, map_nd, map_nd_in_place, try_map, try_map_in_place, try_map_nd,
    try_map_nd_in_place,
};
use zant_runtime::kernels::select_rows::select_rows;

/// The CPU as it is, and as it would be without vectors.
fn cpus() -> [Host<Separate>; 2] {
    [Host::detect(), Host::portable()]
}

fn poly(x: f32) -> f32 {
    ((x * 0.1 + 0.7) * x - 0.3) * x / (x + 0.9)
}

#[test]
fn flat_maps_of_all_lengths() {
    let mut values = Values(8);
    for n in (0..70).chain([1000]) {
        let (a, b) = (values.special(n), values.special(n));
        let want: Vec<f32> = a.iter().zip(&b).map(|(a, b)| poly(*a) + b).collect();
        for cpu in cpus() {
            let mut y = vec![0.0; n];
            map(cpu, (&*a, &*b), &mut y, |(a, b)| poly(a) + b);
            assert_eq!(bits(&y), bits(&want));
            let mut xy = a.clone();
            map_in_place(cpu, &*b, &mut xy, |x, b| poly(x) + b);
            assert_eq!(bits(&xy), bits(&want));
        }
    }
}

#[test]
fn operands_and_results_of_any_type() {
    let (a, b) = ([1.5f32, -2.0, 0.0], [1i64, -2, 0]);
    let mut y = [9u8; 3];
    map(Host::<Separate>::detect(), (&a, &b), &mut y, |(a, b)| u8::from(a == b as f32));
    assert_eq!(y, [0, 1, 1]);
    let mut y = [0i8; 3];
    map(Host::<Separate>::detect(), &b, &mut y, |b| b as i8);
    assert_eq!(y, [1, -2, 0]);
    map_in_place(Host::<Separate>::detect(), (), &mut y, |y, ()| y.wrapping_mul(127));
    assert_eq!(y, [127, 2, 0]);
}

#[test]
fn six_operands_keep_their_order() {
    let x: [[u32; 2]; 6] = core::array::from_fn(|i| [i as u32 + 1, 6 - i as u32]);
    let mut y = [0; 2];
    let sources = (&x[0], &x[1], &x[2], &x[3], &x[4], &x[5]);
    map(Host::<Separate>::detect(), sources, &mut y, |(a, b, c, d, e, f)| {
        [a, b, c, d, e, f].iter().fold(0, |n, digit| n * 10 + digit)
    });
    assert_eq!(y, [123456, 654321]);
}

/// `y[i, j, k] = a[i, j, k] * b[j] + c[k, i]` in a result with gaps, by any of the forms.
#[test]
fn broadcast_and_strided_operands() {
    let mut values = Values(9);
    for [d0, d1, n] in [[2, 3, 5], [1, 1, 1], [3, 2, 40], [2, 4, 0], [0, 2, 3], [2, 0, 3], [4, 3, 8]] {
        let (a, b, c) = (values.f32s(d0 * d1 * n), values.f32s(d1), values.f32s(n * d0));
        let p = Map { outer: [d0, d1], inner: n, y: [d1 * (n + 2) + 1, n + 2] };
        let before = values.f32s(d0 * (d1 * (n + 2) + 1));
        let (mut want, mut want_added) = (before.clone(), before.clone());
        for at in indices(&[d0, d1, n]) {
            let v = a[(at[0] * d1 + at[1]) * n + at[2]] * b[at[1]] + c[at[2] * d0 + at[0]];
            want[at[0] * p.y[0] + at[1] * p.y[1] + at[2]] = v;
            want_added[at[0] * p.y[0] + at[1] * p.y[1] + at[2]] += v;
        }
        let sources = (Dense(&a, [d1 * n, n]), Splat(&b, [0, 1]), Strided(&c, [1, 0], d0));
        for cpu in cpus() {
            let mut y = before.clone();
            map_nd(cpu, &p, sources, &mut y, |(a, b, c)| a * b + c);
            assert_eq!(bits(&y), bits(&want), "{p:?}");
            y.copy_from_slice(&before);
            assert_eq!(try_map_nd(cpu, &p, sources, &mut y, |(a, b, c)| Ok(a * b + c)), Ok(()));
            assert_eq!(bits(&y), bits(&want), "{p:?}");
            y.copy_from_slice(&before);
            map_nd_in_place(cpu, &p, sources, &mut y, |y, (a, b, c)| y + (a * b + c));
            assert_eq!(bits(&y), bits(&want_added), "{p:?}");
            y.copy_from_slice(&before);
            assert_eq!(try_map_nd_in_place(cpu, &p, sources, &mut y, |y, (a, b, c)| Ok(y + (a * b + c))), Ok(()));
            assert_eq!(bits(&y), bits(&want_added), "{p:?}");
        }
    }
}

#[test]
fn a_function_that_fails_ends_the_map() {
    let divide = |a: i32, b: i32| if b == 0 { Err(DataError::DivisionByZero) } else { Ok(a.wrapping_div(b)) };
    let (a, good, bad) = ([7, -9, i32::MIN, 5], [2, 4, -1, 1], [2, 4, 0, 1]);
    for cpu in cpus() {
        let mut y = [99; 4];
        assert_eq!(try_map(cpu, (&a, &good), &mut y, |(a, b)| divide(a, b)), Ok(()));
        assert_eq!(y, [3, -2, i32::MIN, 5]);
        y.fill(99);
        assert_eq!(try_map(cpu, (&a, &bad), &mut y, |(a, b)| divide(a, b)), Err(DataError::DivisionByZero));
        assert_eq!(y, [3, -2, 99, 99]);
        let mut xy = a;
        assert_eq!(try_map_in_place(cpu, &bad, &mut xy, divide), Err(DataError::DivisionByZero));
        assert_eq!(xy, [3, -2, i32::MIN, 5]);
    }
}

/// Rows of a cache of 4 heads and 5 positions, of which a mask chooses some.
#[test]
fn rows_are_chosen_as_elements_are() {
    let mut values = Values(9);
    const P: Map<2> = Map { outer: [4, 5], inner: 9, y: [45, 9] };
    let (which, new, old) = ([0u8, 1, 0, 255, 0], values.special(36), values.special(180));
    let (which, new_rows) = (Splat(&which, [0, 1]), Dense(&new, [9, 0]));
    let mut want = vec![0.0; 180];
    map_nd(
        Host::<Separate>::detect(),
        &P,
        (which, new_rows, Dense(&old, P.y)),
        &mut want,
        |(w, a, b)| {
            if w != 0 { a } else { b }
        },
    );
    let mut y = vec![0.0; 180];
    select_rows(&P, which, Some(new_rows), Some(Dense(&old, P.y)), &mut y);
    assert_eq!(bits(&y), bits(&want));
    let mut over = old.clone();
    select_rows(&P, which, Some(new_rows), None, &mut over);
    assert_eq!(bits(&over), bits(&want));
    let inverse = [1u8, 0, 1, 0, 1];
    let mut over = old;
    select_rows(&P, Splat(&inverse, [0, 1]), None, Some(new_rows), &mut over);
    assert_eq!(bits(&over), bits(&want));
}
