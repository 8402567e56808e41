// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Regions of an output map, and the tiles of their pixels.
//!
//! Invariants: the regions of a map are disjoint and cover it; all windows of a region have the same taps inside the
//! input; each pixel of a region is in exactly one of its tiles.
use super::line::Line;
use super::window::{Axis, Taps};

/// A rectangle of output pixels whose windows have the same taps inside the input.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    /// The first row and one past the last.
    pub rows: [usize; 2],
    /// The first column and one past the last.
    pub columns: [usize; 2],
    /// Taps of each window along the height.
    pub row_taps: Taps,
    /// Taps of each window along the width.
    pub column_taps: Taps,
}

/// The regions of a map.
#[derive(Clone, Copy, Debug)]
pub struct Regions {
    /// Windows along the height and the width.
    axes: [Axis; 2],
    /// The current run of rows.
    rows: [usize; 2],
    /// The first column of it that is not in a region yet.
    column: usize,
}

impl Regions {
    /// The regions of a map with these windows along its height and width.
    #[inline]
    pub fn new(axes: [Axis; 2]) -> Self {
        Regions { axes, rows: [0, axes[0].run_end(0)], column: 0 }
    }
}

impl Iterator for Regions {
    type Item = Region;

    #[inline]
    fn next(&mut self) -> Option<Region> {
        let [height, width] = self.axes;
        if self.column >= width.output {
            self.column = 0;
            self.rows = [self.rows[1], height.run_end(self.rows[1])];
        }
        if self.rows[0] >= height.output || width.output == 0 {
            return None;
        }
        let columns = [self.column, width.run_end(self.column)];
        self.column = columns[1];
        Some(Region {
            rows: self.rows,
            columns,
            row_taps: height.taps(self.rows[0]),
            column_taps: width.taps(columns[0]),
        })
    }
}

/// The pixels of a tile.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// The number of pixels, at least 1.
    pub rows: usize,
    /// Where the inputs of each pixel begin: the first channel of its first tap.
    pub x: Line,
    /// Where the outputs of each pixel begin.
    pub y: Line,
}

/// The layout of an input and an output map.
#[derive(Clone, Copy, Debug)]
pub struct Maps {
    /// Windows along the height and the width.
    pub axes: [Axis; 2],
    /// Elements between neighbouring input pixels.
    pub in_pitch: usize,
    /// Elements between neighbouring output pixels.
    pub out_pitch: usize,
    /// Where the input begins.
    pub x: usize,
    /// Where the output begins.
    pub y: usize,
}

/// Pixels along one axis of a region: their number, and the steps between their elements.
#[derive(Clone, Copy, Debug)]
struct Pixels {
    count: usize,
    x: usize,
    y: usize,
}

/// The tiles of a region.
///
/// A tile takes its pixels from one line, or equally many from each of two neighbouring lines.
#[derive(Clone, Copy, Debug)]
pub struct Tiles {
    /// Pixels along a line, and lines.
    along: Pixels,
    across: Pixels,
    /// Lines that the current tiles take pixels from, 1 or 2.
    deep: usize,
    /// Whether taking two lines at once makes fewer tiles.
    paired: bool,
    /// Where the elements of the next pixel lie, pixels left in its line, and lines left including this one.
    x: usize,
    y: usize,
    left: usize,
    lines: usize,
    /// The most rows of a tile.
    limit: usize,
}

impl Tiles {
    /// The tiles of `region`, with at most `limit` rows each.
    #[inline]
    pub fn new(maps: Maps, region: Region, limit: usize) -> Self {
        let Maps { axes: [height, width], in_pitch, out_pitch, x, y } = maps;
        let (row, column) = (region.rows[0], region.columns[0]);
        let in_row = height.position(row, region.row_taps.first);
        let in_column = width.position(column, region.column_taps.first);
        let mut along = Pixels { count: region.columns[1] - column, x: width.stride * in_pitch, y: out_pitch };
        let mut across = Pixels {
            count: region.rows[1] - row,
            x: height.stride * width.input * in_pitch,
            y: width.output * out_pitch,
        };
        if along.count * along.x == across.x && along.count * along.y == across.y {
            // No gap between the lines: they form one.
            (along.count, across.count) = (along.count * across.count, 1);
        } else if along.count < across.count && along.count < limit {
            (along, across) = (across, along);
        }
        let rest = along.count.checked_rem(limit).unwrap_or(0);
        let mut tiles = Tiles {
            along,
            across,
            deep: 1,
            paired: rest > 0 && rest <= limit / 2,
            x: x + (in_row * width.input + in_column) * in_pitch,
            y: y + (row * width.output + column) * out_pitch,
            left: 0,
            lines: across.count,
            limit,
        };
        tiles.start();
        tiles
    }

    /// Starts the next line or pair of lines.
    #[inline]
    fn start(&mut self) {
        self.deep = if self.paired && self.lines >= 2 { 2 } else { 1 };
        self.left = if self.lines > 0 { self.along.count } else { 0 };
    }
}

impl Iterator for Tiles {
    type Item = Places;

    #[inline]
    fn next(&mut self) -> Option<Places> {
        if self.left == 0 {
            return None;
        }
        let rows = even(self.left, if self.deep == 2 { self.limit / 2 } else { self.limit });
        let line = |first, step, second| Line { first, step, half: rows, second };
        let places = Places {
            rows: self.deep * rows,
            x: line(self.x, self.along.x, self.across.x),
            y: line(self.y, self.along.y, self.across.y),
        };
        self.x += rows * self.along.x;
        self.y += rows * self.along.y;
        self.left -= rows;
        if self.left == 0 {
            self.x = self.x + self.deep * self.across.x - self.along.count * self.along.x;
            self.y = self.y + self.deep * self.across.y - self.along.count * self.along.y;
            self.lines -= self.deep;
            self.start();
        }
        Some(places)
    }
}

/// How many of the `left` rows the next tile takes, at most `limit`. The last two tiles share the remaining rows,
/// because a tile with few rows has to wait for its own sums.
#[inline]
pub const fn even(left: usize, limit: usize) -> usize {
    if left >= 2 * limit {
        limit
    } else if left > limit {
        // Prefers an even number, for loops over halves.
        let half = (left - left / 2).next_multiple_of(2);
        if half < limit { half } else { limit }
    } else {
        left
    }
}
