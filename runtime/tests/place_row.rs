//! `place_row`: one row of every slab changes, or nothing.

use zant_runtime::kernels::place_row::{PlaceRow, place_row};

#[test]
fn one_row_of_every_slab_is_written() {
    let p = PlaceRow { outer: 2, n: 3, inner: 2, x_pitch: 4, pitch: 8 };
    let x = [1, 2, 0, 0, 3, 4];
    for position in -2..5i64 {
        let mut xy = [9; 16];
        place_row(&p, &[position], &x, &mut xy);
        let mut want = [9; 16];
        if let Ok(at @ 0..3) = usize::try_from(position) {
            want[at * 2..][..2].copy_from_slice(&[1, 2]);
            want[8 + at * 2..][..2].copy_from_slice(&[3, 4]);
        }
        assert_eq!(xy, want, "{position}");
    }
    let mut xy = [9; 16];
    place_row(&p, &[i32::MAX], &x, &mut xy);
    assert_eq!(xy, [9; 16]);
}
