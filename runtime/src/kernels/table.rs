// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Functions of bytes, as tables of their 256 results, indexed by the bits of the byte.
use super::super::arch::byte::Byte;
use super::super::arch::isa::{Cpu, Isa, Kernel};

/// Rows of neighbouring elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// The number of rows.
    pub rows: usize,
    /// Elements of a row; the rows of the operand are dense.
    pub columns: usize,
    /// Elements between the starts of neighbouring rows of the result.
    pub y_pitch: usize,
}

/// `y = entries[x]`.
#[inline]
pub fn table<C: Cpu, X: Byte, Y: Byte>(cpu: C, p: &Table, entries: &[Y; 256], x: &[X], y: &mut [Y]) {
    debug_assert!(x.len() >= p.rows * p.columns);
    cpu.run(Lookup { p, entries, x, y });
}

struct Lookup<'a, X, Y> {
    p: &'a Table,
    entries: &'a [Y; 256],
    x: &'a [X],
    y: &'a mut [Y],
}

impl<X: Byte, Y: Byte> Kernel for Lookup<'_, X, Y> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Lookup { p, entries, x, y } = self;
        let joined = p.y_pitch == p.columns;
        let (rows, columns) = if joined { (1, p.rows * p.columns) } else { (p.rows, p.columns) };
        for row in 0..rows {
            let x = x.get(row * columns..).and_then(|x| x.get(..columns));
            let y = y.get_mut(row * p.y_pitch..).and_then(|y| y.get_mut(..columns));
            let (Some(x), Some(y)) = (x, y) else { return };
            for (y, x) in y.iter_mut().zip(x) {
                *y = entry(entries, *x);
            }
        }
    }
}

/// `xy = entries[xy]`.
#[inline]
pub fn table_in_place<C: Cpu, X: Byte>(_: C, entries: &[X; 256], xy: &mut [X]) {
    for x in xy {
        *x = entry(entries, *x);
    }
}

/// A byte indexes the whole table, so no check remains.
#[inline(always)]
fn entry<X: Byte, Y: Byte>(entries: &[Y; 256], x: X) -> Y {
    entries[usize::from(x.wide() as u8)]
}
