//! Decision trees on tables that are written by hand.

use zant_runtime::kernels::trees::{Forest, Trees, trees};

/// A slot that tests the first column: it fails from `rank` on; where it holds, the slot behind `next` follows.
const fn test(rank: u32, next: u32) -> u32 {
    next << 8 | rank << 20
}

/// A leaf at a place of its window.
const fn leaf(number: u32, place: u32) -> u32 {
    (place - 1) << 8 | number << 20 | 1 << 31
}

#[test]
fn the_first_leaf_counts_like_others() {
    let mut slots = [0; 17];
    // `x <= 0.5` leads to leaf 0, else to leaf 1.
    (slots[1], slots[2], slots[3]) = (test(1, 2), leaf(1, 2), leaf(0, 3));
    let forest = Forest {
        columns: &[0, 1],
        thresholds: &[0.5],
        slots: &slots,
        roots: &[0, 1],
        targets: &[],
        weights: &[-1.0, -2.0],
    };
    for meeting in [0, 1, 2] {
        let p = Trees::<17> { rows: 3, features: 1, targets: 1, depth: 1, meeting };
        let mut y = [0.0f32; 3];
        trees(&p, &[0.25, 0.75, f32::NAN], &forest, &mut [0; 256], &mut y);
        assert_eq!(y, [-1.0, -2.0, -2.0], "{meeting}");
    }
}
