// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized depthwise convolution: each channel has a kernel of its own.
//!
//! Invariants: those of `qconv`. Sixteen channels are computed together, four taps at a time. Their part of the map is gathered
//! with its padding, as much as fits the room, so that no window needs a check.
use super::super::arch::byte::Byte;
use super::super::arch::bytes::{ByteCpu, ByteKernel, Bytes};
use super::super::arch::room::Room;
use super::super::loops::qcompact::{Ends, Lanes};
use super::super::loops::ready::Ready;
use super::super::loops::taps;
use super::super::terms::conv2d::Conv2d;
use super::super::terms::qconv2d::QConv2d;
use super::super::terms::sizes::{LANES, PANEL, QUAD};
use super::super::terms::taps::{Outputs, Pixels};
use super::super::terms::window::div_ceil;

/// Inputs of sixteen channels that are gathered at once: on small targets the stack holds few.
const ROOM: usize = if cfg!(target_pointer_width = "64") { 1024 } else { 64 };
/// Fours of taps that are multiplied at once.
const QUADS: usize = if cfg!(target_pointer_width = "64") { 16 } else { 4 };

/// Where the inputs of taps lie, by four.
type Places = [[usize; QUAD]; QUADS];
/// Gathered inputs.
type Patch = [[u8; PANEL]];

/// Computes a convolution whose `groups`, `in_c` and `out_c` are equal. Weights are `[taps / 4][16][4]` for each sixteen
/// channels, filled up with zeros. `bias` and `multiplier` have an element for each channel; the bias is that of `qconv2d`.
#[inline]
pub fn qdepthwise2d<C: ByteCpu, X: Byte, Y: Byte>(
    cpu: C,
    p: &QConv2d,
    x: &[X],
    w: &[i8],
    bias: &[i32],
    multiplier: &[f32],
    y: &mut [Y],
) {
    debug_assert!(p.map.in_c == p.map.groups && p.map.out_c == p.map.groups);
    debug_assert!(x.len() >= p.map.in_len() && y.len() >= p.map.out_len());
    debug_assert!(bias.len() >= p.map.out_c && multiplier.len() >= p.map.out_c);
    let flips = [X::FLIP, Y::FLIP];
    cpu.run_bytes(Convolution { p, flips, x: X::bits(x), w, bias, multiplier, y: Y::bits_mut(y) });
}

struct Convolution<'a> {
    p: &'a QConv2d,
    /// [`Byte::FLIP`] of inputs and outputs.
    flips: [u8; 2],
    x: &'a [u8],
    w: &'a [i8],
    bias: &'a [i32],
    multiplier: &'a [f32],
    y: &'a mut [u8],
}

/// How maps are computed: output rows and columns of a tile, the columns of inputs that such a tile covers, and where the
/// taps of its windows lie.
struct Tiling {
    size: [usize; 2],
    width: usize,
    taps: Places,
}

/// Sixteen channels, or fewer.
#[derive(Clone, Copy)]
struct Block<'a> {
    /// The first, and how many there are.
    first: usize,
    width: usize,
    w: &'a [i8],
}

/// Pixels that are computed from what is gathered at once.
#[derive(Clone, Copy)]
struct Piece {
    batch: usize,
    /// The first row and column.
    at: [usize; 2],
    /// Rows and columns.
    size: [usize; 2],
}

/// The largest tiles whose windows fit the room; `None` if not even one window does.
fn tiling(m: &Conv2d) -> Option<Tiling> {
    if div_ceil(m.kernel_h * m.kernel_w, QUAD) > QUADS {
        return None;
    }
    let [height, width] = spans(m, [1, 1]);
    let rows = |columns: usize| ROOM.checked_div(spans(m, [1, columns])[1]).filter(|&rows| rows >= height);
    let fit = |room: usize, span: usize, stride: usize| 1 + (room - span).checked_div(stride).unwrap_or(0);
    // Whole rows, or as many columns of one row as there is room for; at least one of each.
    let size = match rows(m.out_w) {
        Some(room) => [fit(room, height, m.stride_h), m.out_w],
        None => {
            let room = ROOM.checked_div(height).filter(|&room| room >= width)?;
            [1, fit(room, width, m.stride_w)]
        }
    };
    let width = spans(m, size)[1];
    // The last four is filled up with taps whose weights are 0.
    let mut taps: Places = [[0; QUAD]; QUADS];
    let mut places = taps.as_flattened_mut().iter_mut();
    for h in 0..m.kernel_h {
        for (w, to) in (0..m.kernel_w).zip(&mut places) {
            *to = (h * m.dilation_h * width + w * m.dilation_w) * PANEL;
        }
    }
    Some(Tiling { size, width, taps })
}

/// Rows and columns that the windows of so many rows and columns cover.
#[inline(always)]
fn spans(m: &Conv2d, [rows, columns]: [usize; 2]) -> [usize; 2] {
    let span = |n: usize, stride: usize, kernel: usize, dilation: usize| {
        n.saturating_sub(1) * stride + kernel.saturating_sub(1) * dilation + 1
    };
    [span(rows, m.stride_h, m.kernel_h, m.dilation_h), span(columns, m.stride_w, m.kernel_w, m.dilation_w)]
}

impl ByteKernel for Convolution<'_> {
    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Bytes>(mut self, isa: I) {
        let m = &self.p.map;
        let ready = Ready::new(isa, &self.p.finish, self.flips[1]);
        let weights = div_ceil(m.kernel_h * m.kernel_w, QUAD) * QUAD * PANEL;
        let (tiling, mut w) = (tiling(m), self.w);
        let inputs = match &tiling {
            Some(tiling) => spans(m, [tiling.size[0].min(m.out_h), 1])[0] * tiling.width,
            None => QUADS * QUAD,
        };
        let mut room = Room::<{ ROOM * PANEL }>::new();
        let patch = room.cleared(inputs * PANEL).as_chunks_mut().0;
        for first in (0..m.out_c).step_by(PANEL) {
            let block = Block { first, width: PANEL.min(m.out_c - first), w };
            for batch in 0..m.batch {
                match &tiling {
                    Some(tiling) => self.tiles(isa, &ready, block, (batch, tiling), &mut *patch),
                    None => self.pixels(isa, &ready, block, batch, &mut *patch),
                }
            }
            w = w.get(weights..).unwrap_or(&[]);
        }
    }
}

impl<'a> Convolution<'a> {
    /// Some channels of a map, tile by tile.
    #[inline(always)]
    fn tiles<I: Bytes>(
        &mut self,
        isa: I,
        ready: &Ready<I>,
        block: Block<'a>,
        (batch, tiling): (usize, &Tiling),
        patch: &mut Patch,
    ) {
        let m = &self.p.map;
        let mut at = [0; 2];
        while at[0] < m.out_h {
            let [rows, columns] = tiling.size;
            let size = [rows.min(m.out_h - at[0]), columns.min(m.out_w.saturating_sub(at[1]))];
            let tile = Piece { batch, at, size };
            self.gather(block, &tile, tiling.width, patch);
            self.tile(isa, ready, block, (&tile, tiling), patch);
            at = if at[1] + size[1] < m.out_w { [at[0], at[1] + size[1]] } else { [at[0] + size[0], 0] };
        }
    }

    /// A tile whose inputs are gathered.
    #[inline(always)]
    fn tile<I: Bytes>(
        &mut self,
        isa: I,
        ready: &Ready<I>,
        block: Block<'a>,
        (tile, tiling): (&Piece, &Tiling),
        patch: &Patch,
    ) {
        let m = &self.p.map;
        let pixels = Pixels {
            x: patch.as_flattened(),
            flip: u32::from_ne_bytes([self.flips[0]; QUAD]),
            steps: [m.stride_w * PANEL, m.stride_h * tiling.width * PANEL],
            taps: tiling.taps.get(..div_ceil(m.kernel_h * m.kernel_w, QUAD)).unwrap_or(&[]),
            count: [tile.size[1], tile.size[0]],
        };
        let y = ((tile.batch * m.out_h + tile.at[0]) * m.out_w + tile.at[1]) * m.out_pitch;
        self.compute(isa, ready, block, &pixels, y);
    }

    /// Some channels of pixels, the first of whose results goes to `y`.
    #[inline(always)]
    fn compute<I: Bytes>(&mut self, isa: I, ready: &Ready<I>, block: Block<'a>, pixels: &Pixels<'_>, y: usize) {
        let steps = [self.p.map.out_pitch, self.p.map.out_w * self.p.map.out_pitch];
        if I::COMPACT {
            let (bias, multiplier) = (self.bias.get(block.first..), self.multiplier.get(block.first..));
            let (bias, multiplier) = (bias.unwrap_or(&[]), multiplier.unwrap_or(&[]));
            let ends = Ends { finish: &self.p.finish, flip: self.flips[1], bias, multiplier };
            let Some(y) = self.y.get_mut(y + block.first..) else { return };
            let (pairs, width) = (self.p.pairs, block.width);
            return isa.dispatch_bytes(Lanes { pixels, w: block.w, pairs, ends, y, steps, width });
        }
        if isa.has_dots() && self.p.finish.residual.is_none() {
            let (bias, multiplier) = (self.bias.get(block.first..), self.multiplier.get(block.first..));
            let scaling = self.p.scaling(bias.unwrap_or(&[]), multiplier.unwrap_or(&[]));
            let Some(y) = self.y.get_mut(y + block.first..) else { return };
            return taps::bytes(isa, pixels, block.w, &scaling, Outputs { y, steps, width: block.width });
        }
        for row in 0..pixels.count[1] {
            for column in 0..pixels.count[0] {
                let Some(x) = pixels.x.get(column * pixels.steps[0] + row * pixels.steps[1]..) else { return };
                let mut sums = [0; PANEL];
                self.add(isa, &Pixels { x, ..*pixels }, block.w, &mut sums);
                self.finish(ready, block, y + column * steps[0] + row * steps[1], &sums);
            }
        }
    }

    /// Adds the products of the first pixel.
    #[inline(always)]
    fn add<I: Bytes>(&self, isa: I, pixel: &Pixels<'_>, w: &[i8], sums: &mut [i32; PANEL]) {
        if isa.has_dots() {
            return taps::sums(isa, pixel, w, sums);
        }
        let pairs = self.p.pairs;
        let mut added = isa.no_lanes();
        for (taps, w) in pixel.taps.iter().zip(w.as_chunks().0) {
            let Some(x) = pixel.quad(taps) else { return };
            added = isa.add_lanes(pairs, added, x, pixel.flip, w);
        }
        for (sum, added) in sums.iter_mut().zip(isa.lane_sums(pairs, added)) {
            *sum = sum.wrapping_add(added);
        }
    }

    /// Turns the sums of a pixel into bytes.
    #[inline(always)]
    fn finish<I: Bytes>(&mut self, ready: &Ready<I>, block: Block<'a>, y: usize, sums: &[i32; PANEL]) {
        for (i, sums) in sums.as_chunks::<LANES>().0.iter().enumerate() {
            let Some(width) = block.width.checked_sub(i * LANES).filter(|&w| w > 0) else { break };
            let first = block.first + i * LANES;
            let scaling = (self.bias.get(first..).unwrap_or(&[]), self.multiplier.get(first..).unwrap_or(&[]));
            ready.store_from(sums, scaling, width.min(LANES), self.y.get_mut(y + first..).unwrap_or(&mut []));
        }
    }

    /// Copies some channels of an input row, from a column on. Rows and columns count from the padding on.
    #[inline(always)]
    fn inputs(&self, block: Block<'_>, (batch, row, column): (usize, usize, usize), out: &mut [[u8; PANEL]]) {
        let m = &self.p.map;
        let padding = [self.p.zero as u8; PANEL];
        let Some(h) = row.checked_sub(m.pad_top).filter(|&h| h < m.in_h) else { return out.fill(padding) };
        let before = m.pad_left.saturating_sub(column).min(out.len());
        let w = column.saturating_sub(m.pad_left);
        let there = m.in_w.saturating_sub(w).min(out.len() - before);
        let Some((left, rest)) = out.split_at_mut_checked(before) else { return };
        let Some((middle, right)) = rest.split_at_mut_checked(there) else { return };
        left.fill(padding);
        right.fill(padding);
        let mut x = self.x.get(((batch * m.in_h + h) * m.in_w + w) * m.in_pitch + block.first..).unwrap_or(&[]);
        for out in middle {
            match x.first_chunk() {
                Some(x) => *out = *x,
                // The end of the map.
                None => out.iter_mut().zip(x).for_each(|(out, x)| *out = *x),
            }
            x = x.get(m.in_pitch..).unwrap_or(&[]);
        }
    }

    /// Gathers the inputs of a tile, in lines of `pitch`.
    #[inline(always)]
    fn gather(&self, block: Block<'_>, tile: &Piece, pitch: usize, patch: &mut Patch) {
        let m = &self.p.map;
        let [height, width] = spans(m, tile.size);
        let at = [tile.at[0] * m.stride_h, tile.at[1] * m.stride_w];
        for row in 0..height {
            let Some(out) = patch.get_mut(row * pitch..).and_then(|out| out.get_mut(..width)) else { return };
            self.inputs(block, (tile.batch, at[0] + row, at[1]), out);
        }
    }

    /// Computes some channels of a map whose windows do not fit the room: pixel by pixel, a few taps at a time.
    #[inline(always)]
    fn pixels<I: Bytes>(&mut self, isa: I, ready: &Ready<I>, block: Block<'a>, batch: usize, patch: &mut Patch) {
        let m = &self.p.map;
        let count = m.kernel_h * m.kernel_w;
        let mut taps: Places = [[0; QUAD]; QUADS];
        for (tap, to) in taps.as_flattened_mut().iter_mut().enumerate() {
            *to = tap * PANEL;
        }
        for row in 0..m.out_h {
            for column in 0..m.out_w {
                let mut sums = [0; PANEL];
                let mut w = block.w;
                for from in (0..count).step_by(QUADS * QUAD) {
                    let n = (QUADS * QUAD).min(count - from);
                    for (tap, out) in patch.iter_mut().enumerate().take(n) {
                        let (h, w) = ((from + tap).checked_div(m.kernel_w), (from + tap).checked_rem(m.kernel_w));
                        let (h, w) = (h.unwrap_or(0) * m.dilation_h, w.unwrap_or(0) * m.dilation_w);
                        let at = (batch, row * m.stride_h + h, column * m.stride_w + w);
                        self.inputs(block, at, core::slice::from_mut(out));
                    }
                    let (x, flip) = (patch.as_flattened(), u32::from_ne_bytes([self.flips[0]; QUAD]));
                    let taps = taps.get(..div_ceil(n, QUAD)).unwrap_or(&[]);
                    self.add(isa, &Pixels { x, flip, steps: [0; 2], taps, count: [1; 2] }, w, &mut sums);
                    w = w.get(QUADS * QUAD * PANEL..).unwrap_or(&[]);
                }
                self.finish(ready, block, ((batch * m.out_h + row) * m.out_w + column) * m.out_pitch, &sums);
            }
        }
    }
}
