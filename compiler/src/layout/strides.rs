//! Strides: which they are, what they become, which dimensions they make one.

use std::ops::Mul;

use crate::ir::row_major_strides;

/// Merges neighbouring dimensions that all stride lists pass through alike, and drops unit ones.
pub(crate) fn merge<T>(dims: &mut Vec<usize>, strides: &mut [Vec<T>])
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

/// Whether strides are those of a dense tensor.
pub(crate) fn is_dense(strides: &[usize], shape: &[usize]) -> bool {
    let own = row_major_strides(shape);
    shape.iter().zip(strides.iter().zip(&own)).all(|(&d, (a, b))| d == 1 || a == b)
}

/// Strides along the dimensions of a shape that an operand is broadcast to.
pub(crate) fn broadcast(shape: &[usize], strides: &[usize], to: &[usize]) -> Vec<usize> {
    let lead = to.len() - shape.len();
    (0..to.len()).map(|d| if d < lead || shape[d - lead] == 1 { 0 } else { strides[d - lead] }).collect()
}

/// The distance of neighbouring rows of a matrix whose rows are dense, where it is the same for all.
pub(crate) fn row_pitch(shape: &[usize], strides: &[usize]) -> Option<usize> {
    let (&n, rows) = shape.split_last()?;
    let (&step, outer) = strides.split_last()?;
    let (mut rows, mut outer) = (rows.to_vec(), [outer.to_vec()]);
    merge(&mut rows, &mut outer);
    match outer[0].as_slice() {
        _ if n != 1 && step != 1 => None,
        [] => Some(n),
        [pitch] if *pitch >= n => Some(*pitch),
        _ => None,
    }
}

/// Strides under another shape: dimensions fall into groups that stay what they are, are split, or are merged where their
/// strides allow it.
pub(super) fn reshaped(from: &[usize], strides: &[usize], to: &[usize]) -> Option<Vec<usize>> {
    let mut out = Vec::with_capacity(to.len());
    let (mut i, mut j) = (0, 0);
    while i < from.len() || j < to.len() {
        // The smallest group of dimensions on both sides that hold equally many elements.
        let (first, begin) = (i, j);
        let (mut a, mut b) = (1usize, 1usize);
        loop {
            if a == b && (i > first || j > begin) {
                break;
            }
            if a <= b && i < from.len() {
                a *= from[i];
                i += 1;
            } else {
                b *= *to.get(j)?;
                j += 1;
            }
        }
        let (mut lens, mut steps) = (from[first..i].to_vec(), [strides[first..i].to_vec()]);
        merge(&mut lens, &mut steps);
        let step = match steps[0].as_slice() {
            [] => 0,
            [step] => *step,
            _ => return None,
        };
        let within = row_major_strides(&to[begin..j]);
        out.extend(within.iter().map(|w| w * step));
    }
    Some(out)
}
