//! `copy`: against loops over every index.

mod values;

use values::{Values, indices, reduced, rounds};
use zant_runtime::kernels::copy::{StridedCopy, StridedFill, copy, fill, strided_copy, strided_fill};

fn naive<const N: usize>(p: &StridedCopy<N>, x: &[u32], y: &mut [u32]) {
    for at in indices(&p.dims) {
        let place = |start: usize, strides: &[isize; N]| {
            let distance: isize = at.iter().zip(strides).map(|(i, s)| *i as isize * s).sum();
            (start as isize + distance) as usize
        };
        y[place(p.y_start, &p.y_strides)] = x[place(p.x_start, &p.x_strides)];
    }
}

fn check<const N: usize>(p: &StridedCopy<N>) {
    // No box of these tests reaches beyond a thousand.
    let len = reduced(4096, 1000);
    let x: Vec<u32> = (0..len).collect();
    let (mut got, mut want) = (vec![u32::MAX; x.len()], vec![u32::MAX; x.len()]);
    strided_copy(p, &x, &mut got);
    naive(p, &x, &mut want);
    assert_eq!(got, want, "{p:?}");
}

#[test]
fn copies_boxes_of_every_stride() {
    let mut values = Values(1);
    for _ in rounds(2000, 25) {
        let dims: [usize; 4] = core::array::from_fn(|_| values.below(5));
        // Places along `x` may repeat and run backwards; those along `y` are a permuted box with gaps.
        let x_strides: [isize; 4] = core::array::from_fn(|_| values.below(41) as isize - 20);
        let backwards: isize = x_strides.iter().zip(dims).map(|(s, d)| s.min(&0) * d as isize).sum();
        let mut order = [0, 1, 2, 3];
        (0..4).for_each(|i| order.swap(i, values.below(4)));
        let (mut y_strides, mut stride) = ([0; 4], 1 + values.below(2) as isize);
        for d in order {
            y_strides[d] = stride;
            stride *= dims[d].max(1) as isize + values.below(2) as isize;
        }
        let x_start = backwards.unsigned_abs() + values.below(3);
        check(&StridedCopy { dims, x_start, x_strides, y_start: values.below(5), y_strides });
    }
}

#[test]
fn copies_what_movements_ask_for() {
    // Transpose [3, 5] to [5, 3]; every second element backwards; a row repeated; a scalar.
    check(&StridedCopy { dims: [5, 3], x_start: 0, x_strides: [1, 5], y_start: 0, y_strides: [3, 1] });
    check(&StridedCopy { dims: [7], x_start: 13, x_strides: [-2], y_start: 0, y_strides: [1] });
    check(&StridedCopy { dims: [4, 9], x_start: 2, x_strides: [0, 1], y_start: 1, y_strides: [10, 1] });
    check(&StridedCopy { dims: [4, 9], x_start: 2, x_strides: [1, 0], y_start: 1, y_strides: [10, 1] });
    check(&StridedCopy { dims: [], x_start: 3, x_strides: [], y_start: 2, y_strides: [] });
}

#[test]
fn copies_and_fills_whole_buffers() {
    let (x, mut y) = ([1u8, 2, 3], [0; 3]);
    copy(&x, &mut y);
    assert_eq!(y, x);
    fill(7u8, &mut y);
    assert_eq!(y, [7; 3]);
}

#[test]
fn fills_boxes_and_nothing_else() {
    for (dims, strides) in
        [([3, 4], [10, 1]), ([3, 4], [10, 2]), ([3, 2], [-9, -1]), ([0, 4], [1, 1]), ([3, 0], [1, 1])]
    {
        let mut got = [0.5; 60];
        strided_fill(&StridedFill { dims, start: 20, strides }, -1.0, &mut got);
        let mut want = [0.5; 60];
        for at in indices(&dims) {
            want[(20 + at[0] as isize * strides[0] + at[1] as isize * strides[1]) as usize] = -1.0;
        }
        assert_eq!(got, want, "{dims:?} {strides:?}");
    }
}
