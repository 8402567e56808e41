// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Rows of a map written at a position that is known at run time alone: the step of a cache that grows by one entry a run.
use super::copy::copy;

/// `xy` is `[outer, n, inner]`, `x` is `[outer, inner]`: it becomes row `position` of every slab of `xy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceRow {
    /// Number of slabs.
    pub outer: usize,
    /// Positions within a slab.
    pub n: usize,
    /// Elements of what is written to a slab.
    pub inner: usize,
    /// Elements between the neighbouring rows of `x`.
    pub x_pitch: usize,
    /// Elements between the neighbouring slabs of `xy`.
    pub pitch: usize,
}

/// `xy[o, position, ..] = x[o, ..]`; nothing where there is no such position.
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
