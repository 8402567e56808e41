// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Writes rows at a position that is known only at run time: a cache that grows by one entry in each run.
use super::copy::copy;

/// `xy` is `[outer, n, inner]`, `x` is `[outer, inner]`: row `o` of `x` becomes row `position` of slab `o` of `xy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceRow {
    /// Number of slabs.
    pub outer: usize,
    /// Positions within a slab.
    pub n: usize,
    /// Elements of a row.
    pub inner: usize,
    /// Elements between neighbouring rows of `x`.
    pub x_pitch: usize,
    /// Elements between neighbouring slabs of `xy`.
    pub pitch: usize,
}

/// `xy[o, position, ..] = x[o, ..]`. Writes nothing if there is no such position.
pub fn place_row<T: Copy, I: Copy + Into<i64>>(p: &PlaceRow, position: &[I], x: &[T], xy: &mut [T]) {
    let position = position.first().and_then(|i| usize::try_from((*i).into()).ok());
    let Some(position) = position.filter(|i| *i < p.n) else { return };
    for o in 0..p.outer {
        let from = o * p.x_pitch;
        let to = o * p.pitch + position * p.inner;
        let (Some(x), Some(y)) = (x.get(from..from + p.inner), xy.get_mut(to..to + p.inner)) else {
            return debug_assert!(false, "place_row: a row lies outside");
        };
        copy(x, y);
    }
}

/// `x` is `[n, inner]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakeRow {
    /// Number of rows.
    pub n: usize,
    /// Elements of a row.
    pub inner: usize,
}

/// `y = x[position, ..]`. Leaves `y` as it is if there is no such position.
pub fn take_row<T: Copy>(p: &TakeRow, position: &[i64], x: &[T], y: &mut [T]) {
    let position = position.first().and_then(|i| usize::try_from(*i).ok());
    let Some(position) = position.filter(|i| *i < p.n) else { return };
    let from = position * p.inner;
    let (Some(x), Some(y)) = (x.get(from..from + p.inner), y.get_mut(..p.inner)) else {
        return debug_assert!(false, "take_row: a row lies outside");
    };
    copy(x, y);
}
