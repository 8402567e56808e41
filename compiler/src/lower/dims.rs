//! Merging of dimensions.

use std::ops::Mul;

/// Merges neighbouring dimensions that all stride lists pass through alike, and drops unit ones.
pub(super) fn merge<T>(dims: &mut Vec<usize>, strides: &mut [Vec<T>])
where
    T: Copy + PartialEq + Mul<Output = T> + TryFrom<usize>,
{
    let mut columns: Vec<(usize, Vec<T>)> = Vec::new();
    for (d, &len) in dims.iter().enumerate().filter(|&(_, &len)| len != 1) {
        let column: Vec<T> = strides.iter().map(|s| s[d]).collect();
        let passes = |last: &[T]| {
            T::try_from(len).is_ok_and(|len| last.iter().zip(&column).all(|(&outer, &inner)| outer == inner * len))
        };
        match columns.last_mut() {
            Some((n, last)) if passes(last) => {
                *n *= len;
                *last = column;
            }
            _ => columns.push((len, column)),
        }
    }
    *dims = columns.iter().map(|c| c.0).collect();
    for (i, s) in strides.iter_mut().enumerate() {
        *s = columns.iter().map(|c| c.1[i]).collect();
    }
}
