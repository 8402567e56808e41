//! `gather` and `scatter`: against loops that follow the ONNX text, and indices out of range.

mod values;

use values::{Values, indices, offset, strides};
use zant_runtime::error::DataError;
use zant_runtime::kernels::gather::{Gather, GatherElements, GatherNd, gather, gather_elements, gather_nd};
use zant_runtime::kernels::number::Number;
use zant_runtime::kernels::scatter::{ScatterElements, ScatterNd, scatter_elements, scatter_nd};

/// `n` indices into a dimension, of either sign.
fn picks(values: &mut Values, n: usize, len: usize) -> Vec<i64> {
    (0..n).map(|_| values.below(2 * len) as i64 - len as i64).collect()
}

fn wrap(index: i64, len: usize) -> usize {
    index.rem_euclid(len as i64) as usize
}

#[test]
fn gather_picks_slices() {
    let mut values = Values(2);
    for (outer, axis, inner, count) in
        [(1, 5, 1, 3), (3, 4, 2, 7), (2, 1, 9, 2), (1, 100, 16, 40), (2, 3, 4, 0), (0, 3, 4, 2)]
    {
        let x = values.f32s(outer * axis * inner);
        let picks = picks(&mut values, count, axis);
        let narrow: Vec<i32> = picks.iter().map(|i| *i as i32).collect();
        let want: Vec<f32> = indices(&[outer, count, inner])
            .iter()
            .map(|at| x[(at[0] * axis + wrap(picks[at[1]], axis)) * inner + at[2]])
            .collect();
        let p = Gather { outer, axis, inner, count };
        let mut y = vec![0.0; want.len()];
        assert_eq!(gather(&p, &x, &picks, &mut y), Ok(()));
        assert_eq!(y, want, "{p:?}");
        y.fill(0.0);
        assert_eq!(gather(&p, &x, &narrow, &mut y), Ok(()));
        assert_eq!(y, want, "{p:?}");
    }
}

#[test]
fn elements_are_gathered_and_scattered_along_each_axis() {
    let mut values = Values(3);
    let (x_dims, dims) = ([4, 3, 6], [2, 3, 5]);
    for axis in 0..3 {
        let x = values.f32s(72);
        let picks = picks(&mut values, 30, x_dims[axis]);
        let mut x_strides = strides(x_dims);
        let axis_stride = core::mem::replace(&mut x_strides[axis], 0);
        let place = |at: &Vec<usize>| {
            let mut place = at.clone();
            place[axis] = wrap(picks[offset(at, &dims)], x_dims[axis]);
            offset(&place, &x_dims)
        };

        let p = GatherElements { dims, x_strides, axis: x_dims[axis], axis_stride };
        let mut y = vec![0.0; 30];
        assert_eq!(gather_elements(&p, &x, &picks, &mut y), Ok(()));
        let want: Vec<f32> = indices(&dims).iter().map(|at| x[place(at)]).collect();
        assert_eq!(y, want, "axis {axis}");

        let p = ScatterElements { dims, y_strides: x_strides, axis: x_dims[axis], axis_stride };
        let updates = values.f32s(30);
        for combine in [|_, u| u, f32::add, Number::mul, Number::max, Number::min] {
            let (mut got, mut want) = (x.clone(), x.clone());
            assert_eq!(scatter_elements(&p, &picks, &updates, &mut got, combine), Ok(()));
            for at in indices(&dims) {
                let place = place(&at);
                want[place] = combine(want[place], updates[offset(&at, &dims)]);
            }
            assert_eq!(got, want, "axis {axis}");
        }
    }
}

#[test]
fn slices_are_gathered_and_scattered_by_tuples() {
    let mut values = Values(4);
    let (batch, count, dims, inner) = (3, 4, [5, 2], 3);
    let x = values.f32s(batch * 10 * inner);
    let picks: Vec<i64> =
        (0..batch * count).flat_map(|_| [values.below(10) as i64 - 5, values.below(4) as i64 - 2]).collect();
    let slice = |j: usize| wrap(picks[2 * j], 5) * 2 + wrap(picks[2 * j + 1], 2);

    let mut y = vec![0.0; batch * count * inner];
    assert_eq!(gather_nd(&GatherNd { batch, count, dims, inner }, &x, &picks, &mut y), Ok(()));
    let want: Vec<f32> = indices(&[batch, count, inner])
        .iter()
        .map(|at| x[(at[0] * 10 + slice(at[0] * count + at[1])) * inner + at[2]])
        .collect();
    assert_eq!(y, want);

    let count = batch * count;
    let updates = values.f32s(count * inner);
    for combine in [|_, u| u, f32::add, Number::mul, Number::max, Number::min] {
        let (mut got, mut want) = (x[..30].to_vec(), x[..30].to_vec());
        assert_eq!(scatter_nd(&ScatterNd { count, dims, inner }, &picks, &updates, &mut got, combine), Ok(()));
        for (j, i) in (0..count).flat_map(|j| (0..inner).map(move |i| (j, i))) {
            let place = slice(j) * inner + i;
            want[place] = combine(want[place], updates[j * inner + i]);
        }
        assert_eq!(got, want);
    }
}

#[test]
fn indices_out_of_range_are_errors() {
    const OUTSIDE: Result<(), DataError> = Err(DataError::IndexOutOfRange);
    let x = [1u8, 2, 3];
    for bad in [3, -4, i64::MAX, i64::MIN] {
        let mut y = [0; 3];
        assert_eq!(gather(&Gather { outer: 1, axis: 3, inner: 1, count: 1 }, &x, &[bad], &mut y[..1]), OUTSIDE);
        let p = GatherElements { dims: [1], x_strides: [0], axis: 3, axis_stride: 1 };
        assert_eq!(gather_elements(&p, &x, &[bad], &mut y[..1]), OUTSIDE);
        let p = GatherNd { batch: 1, count: 1, dims: [3], inner: 1 };
        assert_eq!(gather_nd(&p, &x, &[bad], &mut y[..1]), OUTSIDE);
        let p = ScatterElements { dims: [1], y_strides: [0], axis: 3, axis_stride: 1 };
        assert_eq!(scatter_elements(&p, &[bad], &[9], &mut y, |_, u| u), OUTSIDE);
        let p = ScatterNd { count: 1, dims: [3], inner: 1 };
        assert_eq!(scatter_nd(&p, &[bad], &[9], &mut y, |_, u| u), OUTSIDE);
        assert_eq!(y, [0; 3]);
    }
    let mut y = [0];
    for bad in [3, -4, i32::MAX, i32::MIN] {
        assert_eq!(gather(&Gather { outer: 1, axis: 3, inner: 1, count: 1 }, &x, &[bad], &mut y), OUTSIDE);
    }
    // A good index after a bad one of the same tuple does not hide it.
    let p = GatherNd { batch: 1, count: 1, dims: [1, 3], inner: 1 };
    assert_eq!(gather_nd(&p, &x, &[1i64, -3], &mut y), OUTSIDE);
    // Nothing can be picked from an empty dimension.
    assert_eq!(gather(&Gather { outer: 1, axis: 0, inner: 1, count: 1 }, &x[..0], &[0i64], &mut y), OUTSIDE);
}
