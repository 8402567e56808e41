// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The pixels of quantized convolutions: which windows lie on the map, in lines of neighbours, and which do not.
//!
//! Invariant: a pixel belongs to one line, or is an edge.
use super::conv2d::Conv2d;

/// The maps of a convolution, with the windows that can be read where they lie.
#[derive(Clone, Copy, Debug)]
pub struct QMap {
    /// The maps and the window; a convolution by single taps is one of a single row.
    pub map: Conv2d,
    /// Output rows and columns whose windows lie on the map, from the first to one past the last; none where windows
    /// cannot be read in place.
    rows: (usize, usize),
    columns: (usize, usize),
    /// Windows that begin here or later reach beyond the input.
    end: usize,
}

/// Neighbouring pixels whose windows lie on the map.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Where the first window begins.
    pub x: usize,
    /// Where the result of the first pixel goes.
    pub y: usize,
    /// Pixels, at least 1.
    pub count: usize,
}

/// A pixel whose window does not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Edge {
    /// Which map.
    pub batch: usize,
    /// Row and column of the window's first tap, counted from the padding on.
    pub at: [usize; 2],
    /// Where the result goes.
    pub y: usize,
}

impl QMap {
    /// The maps of an input of `len` elements. `in_place` says that windows can be read where they lie, from their first
    /// element on to `span` elements later.
    #[inline(always)]
    pub fn new(m: &Conv2d, len: usize, in_place: bool, span: usize) -> Self {
        let mut map = *m;
        let single = m.kernel_h == 1 && m.kernel_w == 1 && m.stride_h == 1 && m.stride_w == 1;
        if single && m.pad_top == 0 && m.pad_left == 0 && m.in_h == m.out_h && m.in_w == m.out_w {
            let pixels = m.batch * m.out_h * m.out_w;
            map = Conv2d { batch: 1, in_h: 1, out_h: 1, in_w: pixels, out_w: pixels, ..map };
        }
        let [height, width] = map.axes();
        let (rows, columns) = if in_place { (height.whole(), width.whole()) } else { ((0, 0), (0, 0)) };
        QMap { map, rows, columns, end: (len + 1).saturating_sub(span) }
    }

    /// Bytes between the windows of neighbouring pixels of a line.
    #[inline(always)]
    pub fn step(&self) -> usize {
        self.map.stride_w * self.map.in_pitch
    }

    /// Where the window of a pixel of the lines' rows and columns begins.
    #[inline(always)]
    fn window(&self, batch: usize, row: usize, column: usize) -> usize {
        let m = &self.map;
        let h = (row * m.stride_h).saturating_sub(m.pad_top);
        let w = (column * m.stride_w).saturating_sub(m.pad_left);
        ((batch * m.in_h + h) * m.in_w + w) * m.in_pitch
    }

    /// The columns of a row's line, without those whose window reaches beyond the input.
    #[inline(always)]
    fn columns_of(&self, batch: usize, row: usize) -> (usize, usize) {
        let (first, end) = self.columns;
        if row < self.rows.0 || row >= self.rows.1 {
            return (0, 0);
        }
        let room = self.end.saturating_sub(self.window(batch, row, first));
        let step = self.step();
        let fits = (room + step.saturating_sub(1)).checked_div(step).unwrap_or(room);
        (first, end.min(first.saturating_add(fits)))
    }

    /// All lines. Bodies of loops over them are compiled for the loop's instruction set, those of closures are not.
    #[inline(always)]
    pub fn lines(&self) -> Lines<'_> {
        Lines { map: self, batch: 0, row: self.rows.0 }
    }

    /// Whether there is an edge.
    #[inline(always)]
    pub fn has_edges(&self) -> bool {
        let m = &self.map;
        let whole = self.rows == (0, m.out_h) && self.columns == (0, m.out_w);
        !whole || self.columns_of(m.batch.saturating_sub(1), m.out_h.saturating_sub(1)) != self.columns
    }

    /// All edges.
    #[inline(always)]
    pub fn edges(&self) -> Edges<'_> {
        let columns = self.columns_of(0, 0);
        Edges { map: self, batch: 0, row: 0, column: 0, columns }
    }

    /// Where the input of a tap lies; `None` in the padding. Row and column count from the padding on.
    #[inline(always)]
    pub fn input(&self, batch: usize, row: usize, column: usize) -> Option<usize> {
        let m = &self.map;
        let h = row.checked_sub(m.pad_top).filter(|&h| h < m.in_h)?;
        let w = column.checked_sub(m.pad_left).filter(|&w| w < m.in_w)?;
        Some(((batch * m.in_h + h) * m.in_w + w) * m.in_pitch)
    }
}

/// See [`QMap::lines`].
#[derive(Debug)]
pub struct Lines<'m> {
    map: &'m QMap,
    batch: usize,
    row: usize,
}

impl Iterator for Lines<'_> {
    type Item = Line;

    #[inline(always)]
    fn next(&mut self) -> Option<Line> {
        let (map, m) = (self.map, &self.map.map);
        while self.batch < m.batch {
            let (batch, row) = (self.batch, self.row);
            if row >= map.rows.1 {
                (self.batch, self.row) = (batch + 1, map.rows.0);
                continue;
            }
            self.row += 1;
            let (first, end) = map.columns_of(batch, row);
            if first < end {
                let y = ((batch * m.out_h + row) * m.out_w + first) * m.out_pitch;
                return Some(Line { x: map.window(batch, row, first), y, count: end - first });
            }
        }
        None
    }
}

/// See [`QMap::edges`].
#[derive(Debug)]
pub struct Edges<'m> {
    map: &'m QMap,
    batch: usize,
    row: usize,
    column: usize,
    /// The columns of the row's line.
    columns: (usize, usize),
}

impl Iterator for Edges<'_> {
    type Item = Edge;

    #[inline(always)]
    fn next(&mut self) -> Option<Edge> {
        let (map, m) = (self.map, &self.map.map);
        while self.batch < m.batch {
            if self.column == self.columns.0 && self.columns.0 < self.columns.1 {
                self.column = self.columns.1;
            }
            if self.row < m.out_h && self.column < m.out_w {
                let y = ((self.batch * m.out_h + self.row) * m.out_w + self.column) * m.out_pitch;
                let at = [self.row * m.stride_h, self.column * m.stride_w];
                self.column += 1;
                return Some(Edge { batch: self.batch, at, y });
            }
            self.row += 1;
            if self.row >= m.out_h {
                (self.batch, self.row) = (self.batch + 1, 0);
            }
            self.column = 0;
            self.columns = map.columns_of(self.batch, self.row);
        }
        None
    }
}
