//! `arg`, `topk` and `cumulative`: against loops over single columns.

mod values;

use std::cmp::Ordering;
use values::{Values, bits, reduced};
use zant_runtime::kernels::arg::{Arg, arg_max, arg_min};
use zant_runtime::kernels::cumulative::{
    Cumulative, cumulative_product, cumulative_product_in_place, cumulative_sum, cumulative_sum_in_place,
};
use zant_runtime::kernels::topk::{TopK, top_k};

/// Single columns, few, as many as go at once, and more.
fn shapes() -> impl Iterator<Item = [usize; 3]> {
    let full = [[1, 1, 1], [1, 9, 1], [3, 17, 1], [2, 5, 3], [1, 8, 16], [2, 3, 33], [4, 2, 15], [1, 40, 1], [0, 2, 3]];
    let few = [[1, 1, 1], [2, 9, 1], [2, 5, 3], [1, 3, 16], [1, 2, 33], [0, 2, 3]];
    reduced(full.to_vec(), few.to_vec()).into_iter()
}

/// The elements of one column of `[outer, n, inner]`.
fn column<T: Copy>(x: &[T], n: usize, inner: usize, o: usize, c: usize) -> Vec<T> {
    (0..n).map(|i| x[(o * n + i) * inner + c]).collect()
}

/// numpy's order of floats: NaN last, zeros equal.
fn order(a: f32, b: f32) -> Ordering {
    a.partial_cmp(&b).unwrap_or(a.is_nan().cmp(&b.is_nan()))
}

#[test]
fn arg_finds_the_extreme() {
    let mut values = Values(5);
    for ([outer, n, inner], last) in shapes().flat_map(|s| [(s, false), (s, true)]) {
        let x = values.special(outer * n * inner);
        let p = Arg { outer, n, inner, last };
        let (mut max, mut min) = (vec![-1; outer * inner], vec![-1; outer * inner]);
        arg_max(&p, &x, &mut max);
        arg_min(&p, &x, &mut min);
        for (o, c) in (0..outer).flat_map(|o| (0..inner).map(move |c| (o, c))) {
            let column = column(&x, n, inner, o, c);
            let extreme = |wanted: Ordering| {
                let beats =
                    |a: f32, b: f32| a.is_nan() && !b.is_nan() || !a.is_nan() && a.partial_cmp(&b) == Some(wanted);
                let all: Vec<usize> = (0..n).filter(|i| !column.iter().any(|b| beats(*b, column[*i]))).collect();
                if last { *all.last().unwrap() } else { all[0] }
            };
            assert_eq!(max[o * inner + c], extreme(Ordering::Greater) as i64, "{p:?} {column:?}");
            assert_eq!(min[o * inner + c], extreme(Ordering::Less) as i64, "{p:?} {column:?}");
        }
    }
}

#[test]
fn arg_of_integers_takes_the_first_or_last_of_equals() {
    let mut y = [0];
    for (last, max, min) in [(false, 1, 0), (true, 3, 4)] {
        let p = Arg { outer: 1, n: 5, inner: 1, last };
        arg_max(&p, &[1u8, 9, 4, 9, 1], &mut y);
        assert_eq!(y, [max]);
        arg_min(&p, &[1u8, 9, 4, 9, 1], &mut y);
        assert_eq!(y, [min]);
    }
}

#[test]
fn top_k_is_the_head_of_a_stable_sort() {
    let mut values = Values(6);
    for ([outer, n, inner], largest) in shapes().flat_map(|s| [(s, false), (s, true)]) {
        for k in [0, 1, 2, n / 2, n] {
            let k = k.min(n);
            let x = values.special(outer * n * inner);
            let (mut y, mut at) = (vec![0.0; outer * k * inner], vec![-1; outer * k * inner]);
            let p = TopK { outer, n, inner, k, largest };
            top_k(&p, &x, &mut y, &mut at);
            for (o, c) in (0..outer).flat_map(|o| (0..inner).map(move |c| (o, c))) {
                let column_x = column(&x, n, inner, o, c);
                let mut want: Vec<usize> = (0..n).collect();
                want.sort_by(|a, b| {
                    let order = order(column_x[*a], column_x[*b]);
                    if largest { order.reverse() } else { order }
                });
                want.truncate(k);
                let got = column(&at, k, inner, o, c);
                assert_eq!(got, want.iter().map(|i| *i as i64).collect::<Vec<_>>(), "{p:?} {column_x:?}");
                let want: Vec<f32> = want.iter().map(|i| column_x[*i]).collect();
                assert_eq!(bits(&column(&y, k, inner, o, c)), bits(&want), "{p:?}");
            }
        }
    }
}

#[test]
fn running_sums_and_products_in_every_direction() {
    let mut values = Values(7);
    for [outer, n, inner] in shapes() {
        for (exclusive, reverse) in [(false, false), (false, true), (true, false), (true, true)] {
            let p = Cumulative { outer, n, inner, exclusive, reverse };
            let x = values.f32s(outer * n * inner);
            let naive = |start: f32, op: fn(f32, f32) -> f32| {
                let mut y = vec![f32::NAN; x.len()];
                for (o, c) in (0..outer).flat_map(|o| (0..inner).map(move |c| (o, c))) {
                    for i in 0..n {
                        let mut part: Vec<usize> = if reverse { (i..n).rev().collect() } else { (0..=i).collect() };
                        if exclusive {
                            part.pop();
                        }
                        y[(o * n + i) * inner + c] = part.iter().fold(start, |a, j| op(a, x[(o * n + j) * inner + c]));
                    }
                }
                y
            };
            let mut y = vec![0.0; x.len()];
            let mut in_place = x.clone();
            cumulative_sum(&p, &x, &mut y);
            cumulative_sum_in_place(&p, &mut in_place);
            assert_eq!(bits(&y), bits(&naive(0.0, |a, b| a + b)), "{p:?}");
            assert_eq!(bits(&y), bits(&in_place), "{p:?}");
            in_place.copy_from_slice(&x);
            cumulative_product(&p, &x, &mut y);
            cumulative_product_in_place(&p, &mut in_place);
            assert_eq!(bits(&y), bits(&naive(1.0, |a, b| a * b)), "{p:?}");
            assert_eq!(bits(&y), bits(&in_place), "{p:?}");
        }
    }
}

#[test]
fn running_sums_of_integers_wrap() {
    let mut xy = [100i8, 100, 100];
    cumulative_sum_in_place(&Cumulative { outer: 1, n: 3, inner: 1, exclusive: false, reverse: false }, &mut xy);
    assert_eq!(xy, [100, -56, 44]);
}
