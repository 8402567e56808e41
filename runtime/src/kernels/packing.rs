// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The order in which float kernels read their weights, as strided copies: the compiler makes them where weights are constant,
//! the model where they are not, and tests call kernels by them.
//!
//! Sixteen output columns make a panel, `[depth][16]`; the last panel is as narrow as what is left, so that packed weights
//! have the size of unpacked ones. Emitted crates do not need this file.
use super::super::terms::codes::{BLOCK, SHIFTS};
use super::super::terms::conv2d::Conv2d;
use super::super::terms::fives::{FIVE, TWOS};
use super::super::terms::sizes::{PANEL, QUAD};

/// A box of weights that is copied to where the box before ended, dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Elements per dimension.
    pub dims: [usize; 3],
    /// First element read.
    pub start: usize,
    /// Distance of neighbours that are read.
    pub strides: [isize; 3],
}

impl Piece {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The places of the elements that are read, in the order in which they are written.
    pub fn places(self) -> impl Iterator<Item = usize> {
        let [rows, columns, depth] = self.dims;
        let [row, column, step] = self.strides;
        let start = self.start as isize;
        let rows = (0..rows).map(move |i| start + i as isize * row);
        let columns = rows.flat_map(move |at| (0..columns).map(move |j| at + j as isize * column));
        columns.flat_map(move |at| (0..depth).map(move |k| (at + k as isize * step) as usize))
    }
}

/// The first column of each panel of `columns`, and how many it has.
fn panels(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..columns).step_by(PANEL).map(move |first| (first, PANEL.min(columns - first)))
}

/// For `conv2d`, of weights `[out_c][kernel_h][kernel_w][in_c / groups]`: panels, group after group; with the taps in reverse
/// order for a transposed convolution.
pub fn conv2d(p: &Conv2d, reverse: bool) -> impl Iterator<Item = Piece> {
    let (groups, ratio) = (p.groups, |n: usize| n.checked_div(p.groups).unwrap_or(0));
    let (columns, taps, depth) = (ratio(p.out_c), p.kernel_h * p.kernel_w, ratio(p.in_c));
    let channel = taps * depth;
    let (first_tap, tap_step) =
        if reverse { (channel.saturating_sub(depth), -(depth as isize)) } else { (0, depth as isize) };
    let piece = move |group: usize, (first, width): (usize, usize)| Piece {
        dims: [taps, depth, width],
        start: (group * columns + first) * channel + first_tap,
        strides: [tap_step, 1, channel as isize],
    };
    (0..groups).flat_map(move |group| panels(columns).map(move |panel| piece(group, panel)))
}

/// For `matmul_packed`, of a matrix `[depth][columns]`: panels.
pub fn matmul(depth: usize, columns: usize) -> impl Iterator<Item = Piece> {
    self::columns(depth, columns, [0, columns])
}

/// For recurrent layers, of some columns of a matrix `[depth][columns]`: panels.
pub fn columns(depth: usize, columns: usize, [first, count]: [usize; 2]) -> impl Iterator<Item = Piece> {
    let piece =
        move |(at, width)| Piece { dims: [1, depth, width], start: first + at, strides: [0, columns as isize, 1] };
    panels(count).map(piece)
}

/// For `depthwise2d`, of weights `[channels][taps]`: `[taps][channels]`.
pub fn depthwise2d(p: &Conv2d) -> impl Iterator<Item = Piece> {
    let (channels, taps) = (p.in_c, p.kernel_h * p.kernel_w);
    core::iter::once(Piece { dims: [1, taps, channels], start: 0, strides: [0, 1, taps as isize] })
}

/// For `ternary_matmul`, of weights -1, 0 and 1 as `[columns][depth]`: bytes of five neighbours each, `[depth / 5][columns]`, where
/// zeros stand behind the last weight of a column.
pub fn fives(w: &[i8], columns: usize, depth: usize) -> impl Iterator<Item = u8> {
    let digit = move |column: usize, k: usize| {
        let w = if k < depth { w.get(column * depth + k).copied().unwrap_or(0) } else { 0 };
        (w.clamp(-1, 1) + 1) as u8
    };
    let digits = move |column: usize, k: usize, count: usize| {
        (k..k + count).fold(0u8, |digits, k| digits.wrapping_mul(3).wrapping_add(digit(column, k)))
    };
    let byte = move |column: usize, five: usize| {
        digits(column, five, 2).wrapping_mul(TWOS as u8).wrapping_add(digits(column, five + 2, FIVE - 2))
    };
    (0..depth).step_by(FIVE).flat_map(move |five| (0..columns).map(move |column| byte(column, five)))
}

/// For `ternary_matmul_codes`, of weights -1, 0 and 1 as `[columns][depth]`: panels of blocks, with zeros for weights and columns
/// that are not there.
pub fn codes(w: &[i8], columns: usize, depth: usize) -> impl Iterator<Item = u8> {
    let code = move |column: usize, k: usize| {
        let is_there = column < columns && k < depth;
        let w = if is_there { w.get(column * depth + k).copied().unwrap_or(0) } else { 0 };
        (w.clamp(-1, 1) + 1) as u8
    };
    let byte = move |column: usize, k: usize| {
        SHIFTS.into_iter().enumerate().fold(0, |byte, (s, shift)| byte | code(column, k + QUAD * s) << shift)
    };
    let panels = (0..columns).step_by(PANEL);
    panels.flat_map(move |panel| {
        let blocks = (0..depth).step_by(BLOCK);
        blocks.flat_map(move |block| {
            (panel..panel + PANEL).flat_map(move |column| (block..block + QUAD).map(move |k| byte(column, k)))
        })
    })
}

/// For coded products, of codes `[columns][depth]` in panels: where the codes of each unit begin, and how many it has. Columns
/// behind the last one are like it.
pub fn units([columns, depth, panel]: [usize; 3], per_unit: usize) -> impl Iterator<Item = (usize, usize)> {
    let parts = |n: usize, size: usize| (n + size).saturating_sub(1).checked_div(size).unwrap_or(0);
    let rows = parts(depth, per_unit);
    (0..parts(columns, panel)).flat_map(move |first| {
        (0..rows).flat_map(move |row| {
            let [first, at] = [first * panel, row * per_unit];
            let len = per_unit.min(depth - at);
            (first..first + panel).map(move |column| (column.min(columns - 1) * depth + at, len))
        })
    })
}

/// The unit of up to five codes of three values, for `Trits`.
pub fn trits(codes: &[u8]) -> u8 {
    let digits = (0..FIVE).fold(0, |digits, at| 3 * digits + u32::from(codes.get(at).copied().unwrap_or(1)));
    (digits * 256).div_ceil(243) as u8
}

/// The unit of codes of `bits` bits, for `Bits2`, `Bits4` and `Bits8`.
pub fn bits(codes: &[u8], bits: u32) -> u8 {
    (0..).zip(codes).fold(0, |unit, (at, code)| unit | code << (bits * at))
}

/// The bitmap of sparse weights: a bit for each, set where it `counts`.
pub fn bitmap<T>(w: &[T], counts: impl Fn(&T) -> bool) -> impl Iterator<Item = u8> {
    w.chunks(8).map(move |eight| (0..).zip(eight).fold(0, |byte, (bit, w)| byte | u8::from(counts(w)) << bit))
}

/// The values of sparse weights: those that `count`, and fillers, so that there are eight from the first one of each byte of the
/// bitmap on.
pub fn values<T: Copy + Default>(w: &[T], counts: impl Fn(&T) -> bool + Copy) -> impl Iterator<Item = T> {
    let last = w.chunks(8).next_back().unwrap_or(&[]);
    let fillers = if w.is_empty() { 0 } else { 8 - last.iter().filter(|w| counts(w)).count() };
    w.iter().copied().filter(move |w| counts(w)).chain(core::iter::repeat_n(T::default(), fillers))
}
