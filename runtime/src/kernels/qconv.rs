// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized convolution and matrix product: bytes times bytes, exact sums in 32 bits, bytes again.
//!
//! Invariants: whoever packs the weights has proved that no finished sum leaves 32 bits; sums wrap until then; integer sums
//! have no order, so every instruction set gives the same bits.
//!
//! Inputs count as unsigned bytes, the least as 0, and padding holds the byte that stands for 0: what they are more than
//! the numbers they stand for is the same for every window, and the bias makes up for it. The windows of a few pixels are
//! read where they lie, or gathered side by side; then every panel of sixteen output channels takes them four by four.
use super::super::arch::dots::{self, Inputs, PANEL, QUAD, Scaling};
use super::super::arch::isa::{Cpu, Isa, Kernel, LANES};
use super::conv2d::Conv2d;
use super::line::ROWS;
use super::quant::{Byte, Finish, Ready};
use super::rows::each_row;

/// Inputs of a window that are gathered at once: on small targets the stack holds few.
const DEPTH: usize = if cfg!(target_pointer_width = "64") { 1152 } else { 96 };
/// Bytes that are copied at once: gathering may write as many behind its last.
const CHUNK: usize = 16;

/// The gathered inputs of the pixels.
type Patch = [[u8; DEPTH + CHUNK]; ROWS];

/// A quantized convolution. A matrix product is one of a map of one row, by a kernel of one tap.
///
/// Weights are packed group by group in panels of 16 output channels, `[depth / 4][16][4]` with the depth in the order of
/// kernel row, kernel column, input channel; of the last panel eight channels are enough where no more are left. An odd
/// depth and a narrow last panel are filled with zeros.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QConv2d {
    /// The maps and the window.
    pub map: Conv2d,
    /// The input byte that stands for 0.
    pub zero: i32,
    /// Whether the absolute values of the first two weights of every four add up to at most 128, and those of the last two:
    /// their products with unsigned bytes then fit 16 bits.
    pub pairs: bool,
    /// What is done with the sums.
    pub finish: Finish,
}

impl QConv2d {
    /// A convolution from its parts.
    pub const fn new(map: Conv2d, zero: i32, finish: Finish) -> Self {
        QConv2d { map, zero, pairs: false, finish }
    }

    /// The same with weights whose products fit 16 bits in pairs.
    pub const fn pairs(self) -> Self {
        QConv2d { pairs: true, ..self }
    }
}

/// Computes the convolution. `bias` and `multiplier` have `out_c` elements; the bias is less the sum of the channel's weights
/// times the unsigned byte that stands for 0, wrapped.
#[inline]
pub fn qconv2d<C: Cpu, X: Byte, Y: Byte>(
    cpu: C,
    p: &QConv2d,
    x: &[X],
    w: &[i8],
    bias: &[i32],
    multiplier: &[f32],
    y: &mut [Y],
) {
    debug_assert!(x.len() >= p.map.in_len() && y.len() >= p.map.out_len());
    debug_assert!(bias.len() >= p.map.out_c && multiplier.len() >= p.map.out_c);
    cpu.run(Convolution { p, x, w, bias, multiplier, y });
}

struct Convolution<'a, X, Y> {
    p: &'a QConv2d,
    x: &'a [X],
    w: &'a [i8],
    bias: &'a [i32],
    multiplier: &'a [f32],
    y: &'a mut [Y],
}

/// The pixels of a tile.
#[derive(Clone, Copy)]
struct Pixels {
    count: usize,
    /// Map, row and column of each window's first tap, which count from the padding on.
    at: [[usize; 3]; ROWS],
    /// Where the results of each go.
    y: [usize; ROWS],
}

/// The sizes of a group.
#[derive(Clone, Copy)]
struct Group {
    inputs: usize,
    outputs: usize,
    /// Inputs of a window.
    depth: usize,
    /// Weights of a full panel.
    panel: usize,
    /// The first input channel.
    x: usize,
    /// The first weight.
    w: usize,
    /// The first output channel.
    y: usize,
}

/// What a tile is computed by.
struct Task<'t, I: Isa> {
    isa: I,
    ready: &'t Ready<I>,
    pixels: &'t Pixels,
    size: &'t Group,
}

impl<X: Byte, Y: Byte> Kernel for Convolution<'_, X, Y> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let m = &self.p.map;
        let (Some(inputs), Some(outputs)) = (m.in_c.checked_div(m.groups), m.out_c.checked_div(m.groups)) else {
            return;
        };
        let depth = m.kernel_h * m.kernel_w * inputs;
        let panel = depth.div_ceil(QUAD) * QUAD * PANEL;
        let group = Group { inputs, outputs, depth, panel, x: 0, w: 0, y: 0 };
        let ready = self.p.finish.prepare(isa);
        let mut patch: Patch = [[0; DEPTH + CHUNK]; ROWS];
        let mut pixels = Pixels { count: 0, at: [[0; 3]; ROWS], y: [0; ROWS] };
        let mut next = 0;
        for batch in 0..m.batch {
            for row in 0..m.out_h {
                for column in 0..m.out_w {
                    if let (Some(at), Some(y)) = (pixels.at.get_mut(pixels.count), pixels.y.get_mut(pixels.count)) {
                        (*at, *y) = ([batch, row * m.stride_h, column * m.stride_w], next);
                    }
                    next += m.out_pitch;
                    pixels.count += 1;
                    if pixels.count == ROWS {
                        self.tile(isa, &ready, &pixels, &mut patch, group);
                        pixels.count = 0;
                    }
                }
            }
        }
        if pixels.count > 0 {
            // Rows that are not there repeat the last one.
            let last = pixels.count - 1;
            let (at, y) = (pixels.at.get(last).copied(), pixels.y.get(last).copied());
            pixels.at.iter_mut().skip(pixels.count).for_each(|to| *to = at.unwrap_or_default());
            pixels.y.iter_mut().skip(pixels.count).for_each(|to| *to = y.unwrap_or_default());
            self.tile(isa, &ready, &pixels, &mut patch, group);
        }
    }
}

impl<'a, X: Byte, Y: Byte> Convolution<'a, X, Y> {
    /// All channels of some pixels.
    #[inline(always)]
    fn tile<I: Isa>(&mut self, isa: I, ready: &Ready<I>, pixels: &Pixels, patch: &mut Patch, mut size: Group) {
        let halves = size.outputs.div_ceil(LANES);
        for _ in 0..self.p.map.groups {
            self.group(&Task { isa, ready, pixels, size: &size }, patch);
            size.x += size.inputs;
            size.y += size.outputs;
            size.w += halves * (size.panel / 2);
        }
    }

    #[inline(always)]
    fn group<I: Isa>(&mut self, t: &Task<'_, I>, patch: &mut Patch) {
        let size = t.size;
        if let Some(inputs) = self.in_place(t.pixels, size) {
            self.columns(t, &inputs);
        } else if size.depth <= DEPTH {
            self.gather(t.pixels, patch, size, (0, size.depth));
            self.columns(t, &gathered(patch, t.pixels.count, size.depth));
        } else {
            // Deep windows are gathered piece by piece, for each panel again.
            for panel in 0..size.outputs.div_ceil(PANEL) {
                let mut sums = [[0; PANEL]; ROWS];
                for from in (0..size.depth).step_by(DEPTH) {
                    let n = DEPTH.min(size.depth - from);
                    self.gather(t.pixels, patch, size, (from, n));
                    self.add(t, &gathered(patch, t.pixels.count, n), (panel, from), &mut sums);
                }
                self.finish(t, panel, sums);
            }
        }
    }

    /// The inputs of windows that are read where they lie: unsigned bytes, all on the map, in runs of whole quads.
    #[inline(always)]
    fn in_place(&self, pixels: &Pixels, size: &Group) -> Option<Inputs<'a>> {
        let m = &self.p.map;
        let x = X::as_unsigned(self.x)?;
        let joined = m.kernel_w == 1 || m.dilation_w == 1 && m.in_pitch == size.inputs;
        let run = m.kernel_w * size.inputs;
        if !joined || !run.is_multiple_of(QUAD) {
            return None;
        }
        let [reach_h, reach_w] = [(m.kernel_h - 1) * m.dilation_h, (m.kernel_w - 1) * m.dilation_w];
        let mut at = [0; ROWS];
        for (at, [batch, row, column]) in at.iter_mut().zip(pixels.at) {
            let row = row.checked_sub(m.pad_top).filter(|r| r + reach_h < m.in_h)?;
            let column = column.checked_sub(m.pad_left).filter(|c| c + reach_w < m.in_w)?;
            *at = ((batch * m.in_h + row) * m.in_w + column) * m.in_pitch + size.x;
        }
        let outer_step = m.dilation_h * m.in_w * m.in_pitch;
        Some(Inputs { x, at, outer: m.kernel_h, outer_step, quads: run / QUAD })
    }

    /// All output channels of a group.
    #[inline(always)]
    fn columns<I: Isa>(&mut self, t: &Task<'_, I>, inputs: &Inputs<'_>) {
        let panels = t.size.outputs.div_ceil(PANEL);
        if !t.isa.has_dots() || self.p.finish.residual.is_some() {
            for panel in 0..panels {
                let mut sums = [[0; PANEL]; ROWS];
                self.add(t, inputs, (panel, 0), &mut sums);
                self.finish(t, panel, sums);
            }
            return;
        }
        // Eight columns are a panel of their own.
        let full = panels - usize::from(t.size.outputs - (panels - 1) * PANEL <= LANES);
        let mut panel = 0;
        while panel < panels {
            panel += match full.saturating_sub(panel) {
                4.. => self.bytes::<I, 4>(t, inputs, panel),
                2.. => self.bytes::<I, 2>(t, inputs, panel),
                _ => self.bytes::<I, 1>(t, inputs, panel),
            };
        }
    }

    /// `P` panels of the pixels, by the instruction set's own loop; gives `P`.
    #[inline(always)]
    fn bytes<I: Isa, const P: usize>(&mut self, t: &Task<'_, I>, inputs: &Inputs<'_>, panel: usize) -> usize {
        let size = t.size;
        let first = size.y + panel * PANEL;
        let width = (P * PANEL).min(size.outputs - panel * PANEL);
        let w = self.w.get(size.w + panel * size.panel..).unwrap_or(&[]);
        let scaling = Scaling {
            bias: self.bias.get(first..).unwrap_or(&[]),
            multiplier: self.multiplier.get(first..).unwrap_or(&[]),
            bounds: self.p.finish.bounds(),
            zero: self.p.finish.range.zero,
        };
        let (y, at) = (Y::as_bits(self.y), t.pixels.y.map(|y| y + first));
        if t.pixels.count == 1 {
            dots::bytes::<I, 1, P>(t.isa, inputs, (w, size.panel, width), &scaling, (y, &at));
        } else {
            dots::bytes::<I, ROWS, P>(t.isa, inputs, (w, size.panel, width), &scaling, (y, &at));
        }
        P
    }

    /// Adds the products of a panel, whose depth begins at `from`, to its sums.
    #[inline(always)]
    fn add<I: Isa>(&self, t: &Task<'_, I>, inputs: &Inputs<'_>, (panel, from): (usize, usize), sums: &mut Sums) {
        let half = t.size.outputs - panel * PANEL <= LANES;
        let first = t.size.w + panel * t.size.panel + from * if half { LANES } else { PANEL };
        let w = self.w.get(first..).unwrap_or(&[]);
        let pairs = self.p.pairs;
        match (t.isa.has_dots(), t.pixels.count == 1, half) {
            (true, true, _) => dots::sums::<I, 1>(t.isa, inputs, (w, half), sums),
            (true, false, _) => dots::sums::<I, ROWS>(t.isa, inputs, (w, half), sums),
            (false, _, true) => rows::<I, 1>(t, inputs, w, pairs, sums),
            (false, _, false) => rows::<I, 2>(t, inputs, w, pairs, sums),
        }
    }

    /// Makes the sums of a panel bytes.
    #[inline(always)]
    fn finish<I: Isa>(&mut self, t: &Task<'_, I>, panel: usize, sums: Sums) {
        for (row, y) in sums.iter().zip(&t.pixels.y).take(t.pixels.count) {
            for (i, sums) in row.as_chunks::<LANES>().0.iter().enumerate() {
                let at = panel * PANEL + i * LANES;
                let Some(width) = t.size.outputs.checked_sub(at).filter(|&w| w > 0) else { break };
                let first = t.size.y + at;
                let mut sums = *sums;
                for (sum, bias) in sums.iter_mut().zip(self.bias.get(first..).unwrap_or(&[])) {
                    *sum = sum.wrapping_add(*bias);
                }
                let y = self.y.get_mut(y + first..).unwrap_or(&mut []);
                t.ready.store_from(&sums, self.multiplier.get(first..).unwrap_or(&[]), width.min(LANES), y);
            }
        }
    }

    /// Gathers `n` inputs of each pixel's window, from the `from`th on.
    #[inline(always)]
    fn gather(&self, pixels: &Pixels, patch: &mut Patch, size: &Group, (from, n): (usize, usize)) {
        let m = &self.p.map;
        let channels = size.inputs;
        let padding = [X::narrow(self.p.zero); CHUNK];
        // Neighbouring taps of a row are one run where nothing lies between them.
        let joined = m.dilation_w == 1 && m.in_pitch == channels;
        let skip = from.checked_div(channels).unwrap_or(0);
        for (out, at) in patch.iter_mut().zip(&pixels.at).take(pixels.count) {
            let [batch, row, column] = *at;
            let whole = column.checked_sub(m.pad_left).filter(|w| w + m.kernel_w <= m.in_w);
            let (mut kh, mut kw) =
                (skip.checked_div(m.kernel_w).unwrap_or(0), skip.checked_rem(m.kernel_w).unwrap_or(0));
            let mut channel = from - skip * channels;
            let mut to = 0;
            while to < n {
                let taps = if joined && whole.is_some() { m.kernel_w - kw } else { 1 };
                let len = (taps * channels - channel).min(n - to);
                let Some(out) = out.get_mut(to..) else { return };
                let h = (row + kh * m.dilation_h).checked_sub(m.pad_top).filter(|&h| h < m.in_h);
                let w = (column + kw * m.dilation_w).checked_sub(m.pad_left).filter(|&w| w < m.in_w);
                match (h, w) {
                    (Some(h), Some(w)) => {
                        let at = ((batch * m.in_h + h) * m.in_w + w) * m.in_pitch + size.x + channel;
                        copy(self.x.get(at..).unwrap_or(&[]), out, len);
                    }
                    _ => {
                        for from in (0..len).step_by(CHUNK) {
                            copy(&padding, out.get_mut(from..).unwrap_or(&mut []), CHUNK);
                        }
                    }
                }
                to += len;
                channel = 0;
                kw += taps;
                if kw >= m.kernel_w {
                    (kh, kw) = (kh + 1, 0);
                }
            }
        }
    }
}

/// The sums of the pixels and a panel.
type Sums = [[i32; PANEL]; ROWS];

/// Gathered windows of `n` inputs as operands; what lies behind them meets weights of zero. Rows that are not there repeat
/// the last one.
#[inline(always)]
fn gathered(patch: &Patch, count: usize, n: usize) -> Inputs<'_> {
    let mut at = [0; ROWS];
    each_row!(ROWS, ROW => { at[ROW] = (if ROW < count { ROW } else { count.saturating_sub(1) }) * (DEPTH + CHUNK); });
    Inputs { x: patch.as_flattened(), at, outer: 1, outer_step: 0, quads: n.div_ceil(QUAD) }
}

/// Copies `len` bytes, and perhaps a few that follow them, as unsigned ones.
#[inline(always)]
fn copy<X: Byte>(x: &[X], out: &mut [u8], len: usize) {
    let mut done = 0;
    while done < len {
        let (Some(x), Some(out)) = (x.get(done..), out.get_mut(done..)) else { return };
        match (x.first_chunk::<CHUNK>(), out.first_chunk_mut::<CHUNK>()) {
            (Some(x), Some(out)) => *out = x.map(X::unsigned),
            // The end of the map.
            _ => out.iter_mut().zip(x).take(len - done).for_each(|(out, x)| *out = x.unsigned()),
        }
        done += CHUNK;
    }
}

/// Adds the products of `H` times eight columns, a few rows at a time.
#[inline(always)]
fn rows<I: Isa, const H: usize>(t: &Task<'_, I>, inputs: &Inputs<'_>, w: &[i8], pairs: bool, sums: &mut Sums) {
    let (w, _) = w.as_chunks::<{ QUAD * LANES }>();
    let (w, _) = w.as_chunks::<H>();
    let count = t.pixels.count;
    let mut row = 0;
    while row < count {
        row += match (I::TILE_VECTORS >= 2, count - row) {
            (true, 2..) => some_rows::<I, 3, H>(t.isa, (inputs, row), w, pairs, sums),
            _ => some_rows::<I, 1, H>(t.isa, (inputs, row), w, pairs, sums),
        };
    }
}

/// `R` rows from the `first` on; gives `R`.
#[inline(always)]
fn some_rows<I: Isa, const R: usize, const H: usize>(
    isa: I,
    (inputs, first): (&Inputs<'_>, usize),
    w: &[[[i8; QUAD * LANES]; H]],
    pairs: bool,
    sums: &mut Sums,
) -> usize {
    let at = |row: usize| inputs.at.get(first + row).copied().unwrap_or(0);
    let mut added = [[isa.sums(&[0; LANES]); H]; R];
    for outer in 0..inputs.outer {
        let w = w.get(outer * inputs.quads..).and_then(|w| w.get(..inputs.quads)).unwrap_or(&[]);
        let mut x: [&[[u8; QUAD]]; R] = [&[]; R];
        each_row!(R, ROW => { x[ROW] = inputs.run(at(ROW), outer); });
        added = isa.quads::<R, H>(pairs, x, w, added);
    }
    for (added, sums) in added.into_iter().zip(sums.iter_mut().skip(first)) {
        for (added, sums) in added.into_iter().zip(sums.as_chunks_mut::<LANES>().0) {
            for (sum, added) in sums.iter_mut().zip(isa.to_ints(added)) {
                *sum = sum.wrapping_add(added);
            }
        }
    }
    R
}
