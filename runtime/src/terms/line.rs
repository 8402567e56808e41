// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Where the rows of a register tile begin, and how many there may be.

/// The most rows whose sums a tile has in vectors of eight.
pub const ROWS: usize = 6;

/// The most rows a tile has.
pub const PLACES: usize = 2 * ROWS;

/// Where the rows of a tile begin: one after the other, or half of them in one line and half in the next.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The first row.
    pub first: usize,
    /// From row to row.
    pub step: usize,
    /// Rows of the first half; all, where there is one line.
    pub half: usize,
    /// From the first row of the first half to that of the second.
    pub second: usize,
}

impl Line {
    /// `rows` rows in one line, from 0 on.
    pub const fn one(rows: usize, step: usize) -> Self {
        Line { first: 0, step, half: rows, second: 0 }
    }

    /// Whether `rows` rows, at least one, are two halves that lie alike, or one line: what loops over halves take.
    #[inline(always)]
    pub const fn is_even(&self, rows: usize) -> bool {
        self.half >= rows || 2 * self.half == rows
    }

    /// Where a row begins.
    #[inline(always)]
    pub const fn of(&self, row: usize) -> usize {
        if row < self.half {
            self.first + row * self.step
        } else {
            self.first + self.second + (row - self.half) * self.step
        }
    }

    /// The last place where one of `rows` rows, at least one, begins.
    #[inline(always)]
    pub const fn last(&self, rows: usize) -> usize {
        let end = self.of(rows - 1);
        let middle = self.of(if rows < self.half { rows - 1 } else { self.half - 1 });
        if middle > end { middle } else { end }
    }
}
