// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Regions of an output map, and the tiles of their pixels.
//!
//! Invariants: the regions of a map are disjoint and cover it; all windows of a region have the same taps inside the
//! input; the tiles of a region hold each of its pixels once.
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
    /// The run of rows at hand.
    rows: [usize; 2],
    /// The first column that is left of it.
    column: usize,
}

impl Regions {
    /// Those of a map with these windows along its height and its width.
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
    /// How many there are, at least one.
    pub rows: usize,
    /// Where the first input of each lies: the first channel of its first tap.
    pub x: Line,
    /// Where the first output of each lies.
    pub y: Line,
}

/// Where the elements of two maps lie.
#[derive(Clone, Copy, Debug)]
pub struct Maps {
    /// Windows along the height and the width.
    pub axes: [Axis; 2],
    /// Elements between neighbouring input pixels.
    pub in_pitch: usize,
    /// Elements between neighbouring output pixels.
    pub out_pitch: usize,
    /// The first input.
    pub x: usize,
    /// The first output.
    pub y: usize,
}

/// Pixels along one axis of a region: how many, and how far apart their elements lie.
#[derive(Clone, Copy, Debug)]
struct Pixels {
    count: usize,
    x: usize,
    y: usize,
}

/// The tiles of a region.
///
/// A tile is a part of a line or of two neighbouring lines, with as many pixels of each: its second half lies as its first.
#[derive(Clone, Copy, Debug)]
pub struct Tiles {
    /// Along a line, and from line to line.
    along: Pixels,
    across: Pixels,
    /// How many lines the tiles at hand take from, 1 or 2.
    deep: usize,
    /// Whether two lines at once make fewer tiles.
    paired: bool,
    /// Where the next pixel's elements lie, how many pixels are left of its line, and how many lines with this one.
    x: usize,
    y: usize,
    left: usize,
    lines: usize,
    /// The most rows of a tile.
    limit: usize,
}

impl Tiles {
    /// Those of `region`, of at most `limit` rows each.
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
            // Nothing lies between the lines: they are one.
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

    /// Begins the lines at hand.
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

/// How many of the `left` rows the next tile takes, at most `limit`: the last two tiles share what is left, since one of
/// few rows waits for its own sums.
#[inline]
pub const fn even(left: usize, limit: usize) -> usize {
    if left >= 2 * limit {
        limit
    } else if left > limit {
        // An even number, which instruction sets with halves like.
        let half = (left - left / 2).next_multiple_of(2);
        if half < limit { half } else { limit }
    } else {
        left
    }
}
