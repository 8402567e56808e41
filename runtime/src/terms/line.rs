// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Where the rows of a register tile begin, and how many rows it may have.

/// The most rows of a tile whose sums are vectors of eight.
pub const ROWS: usize = 6;

/// The most rows of any tile.
pub const PLACES: usize = 2 * ROWS;

/// Where the rows of a tile begin: at equal distances, or half of them on one line and half on the next.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The first row.
    pub first: usize,
    /// From row to row.
    pub step: usize,
    /// Rows of the first half; all rows if there is one line.
    pub half: usize,
    /// From the first row of the first half to the first row of the second.
    pub second: usize,
}

impl Line {
    /// `rows` rows in one line, from 0 on.
    pub const fn one(rows: usize, step: usize) -> Self {
        Line { first: 0, step, half: rows, second: 0 }
    }

    /// Whether `rows` rows (at least 1) lie on one line or in two equal halves, as loops over halves need.
    #[inline(always)]
    pub const fn is_even(&self, rows: usize) -> bool {
        self.half >= rows || 2 * self.half == rows
    }

    /// The offset of a row.
    #[inline(always)]
    pub const fn of(&self, row: usize) -> usize {
        if row < self.half {
            self.first + row * self.step
        } else {
            self.first + self.second + (row - self.half) * self.step
        }
    }

    /// The largest offset among `rows` rows (at least 1).
    #[inline(always)]
    pub const fn last(&self, rows: usize) -> usize {
        let end = self.of(rows - 1);
        let middle = self.of(if rows < self.half { rows - 1 } else { self.half - 1 });
        if middle > end { middle } else { end }
    }
}
