// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Regions of an output map, and the tiles of their pixels.
//!
//! Invariants: the regions of a map are disjoint and cover it; all windows of a region have the same taps inside the
//! input; the tiles of a region hold each of its pixels once, row by row, regardless of where rows end.
use super::rows::ROWS;
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
    /// How many there are.
    pub rows: usize,
    /// Where the first input of each lies: the first channel of its first tap.
    pub x: [usize; ROWS],
    /// Where the first output of each lies.
    pub y: [usize; ROWS],
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

/// The tiles of a region.
#[derive(Clone, Copy, Debug)]
pub struct Tiles {
    maps: Maps,
    region: Region,
    /// The row of the next pixel, how many pixels are left of it, and where the next one's elements lie.
    row: usize,
    row_left: usize,
    x: usize,
    y: usize,
    /// Pixels left of the region.
    left: usize,
    /// The most rows of a tile.
    limit: usize,
}

impl Tiles {
    /// Those of `region`, of at most `limit` (at most [`ROWS`]) rows each.
    #[inline]
    pub fn new(maps: Maps, region: Region, limit: usize) -> Self {
        let height = region.rows[1] - region.rows[0];
        let width = region.columns[1] - region.columns[0];
        let left = height * width;
        let mut tiles = Tiles { maps, region, row: region.rows[0], row_left: width, x: 0, y: 0, left, limit };
        tiles.start_row();
        tiles
    }

    /// Goes to the first pixel of the row.
    #[inline]
    fn start_row(&mut self) {
        let Maps { axes: [height, width], in_pitch, out_pitch, x, y } = self.maps;
        let column = self.region.columns[0];
        let in_row = height.position(self.row, self.region.row_taps.first);
        let in_column = width.position(column, self.region.column_taps.first);
        self.x = x + (in_row * width.input + in_column) * in_pitch;
        self.y = y + (self.row * width.output + column) * out_pitch;
        self.row_left = self.region.columns[1] - column;
    }
}

impl Iterator for Tiles {
    type Item = Places;

    #[inline]
    fn next(&mut self) -> Option<Places> {
        if self.left == 0 {
            return None;
        }
        let mut places = Places { rows: even(self.left, self.limit), x: [0; ROWS], y: [0; ROWS] };
        self.left -= places.rows;
        let step = self.maps.axes[1].stride * self.maps.in_pitch;
        for (x, y) in places.x.iter_mut().zip(&mut places.y).take(places.rows) {
            if self.row_left == 0 {
                self.row += 1;
                self.start_row();
            }
            (*x, *y) = (self.x, self.y);
            self.x += step;
            self.y += self.maps.out_pitch;
            self.row_left -= 1;
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
        left - left / 2
    } else {
        left
    }
}
