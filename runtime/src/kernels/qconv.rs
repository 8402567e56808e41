// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized convolution and matrix product: bytes times bytes, exact sums in 32 bits, bytes again.
//!
//! Invariants: whoever packs the weights has proved that no finished sum leaves 32 bits; sums wrap until then; integer sums
//! have no order, so every instruction set gives the same bits.
//!
//! Inputs count as unsigned bytes from 0 on, and padding holds the zero point. The bias makes up for the zero point: it adds
//! the same to every window. Windows that lie on the map are read in place, six neighbours at once; the others are gathered
//! side by side first. Every panel of sixteen output channels multiplies four inputs at a time.
use super::super::arch::byte::Byte;
use super::super::arch::bytes::{ByteCpu, ByteKernel, Bytes};
use super::super::arch::room::Room;
use super::super::loops::dots;
use super::super::loops::qcompact::{self, Carry, Ends};
use super::super::loops::qgather::{CHUNK, Patch, Windows};
use super::super::loops::qsums::tile_sums;
use super::super::loops::ready::Ready;
use super::super::terms::dots::{Inputs, Outputs, Weights};
use super::super::terms::line::ROWS;
use super::super::terms::qconv2d::QConv2d;
use super::super::terms::qmap::{Edge, Line, QMap};
use super::super::terms::sizes::{LANES, PANEL, QUAD};
use super::super::terms::window::div_ceil;

/// Inputs of a window that are gathered at once: on small targets the stack holds few.
const DEPTH: usize = if cfg!(target_pointer_width = "64") { 4608 } else { 96 };

/// Tiles that are computed by the same panels before the next panels are read.
const TILES: usize = 8;

/// Computes the convolution. `bias` and `multiplier` have `out_c` elements. From the bias of each channel the sum of its
/// weights times the zero point, as an unsigned byte, has been taken off (it wraps).
#[inline]
pub fn qconv2d<C: ByteCpu, X: Byte, Y: Byte>(
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

/// A group: its inputs, weights and outputs.
#[derive(Clone, Copy)]
struct Group<'a> {
    /// From its first input channel on.
    x: &'a [u8],
    /// From its first weight on.
    w: &'a [i8],
    /// The first output channel, and how many there are.
    first: usize,
    outputs: usize,
    inputs: usize,
    /// Depth of a kernel row, rounded up to a multiple of four.
    padded: usize,
    /// Inputs of a window.
    depth: usize,
}

/// What the tiles of a group have in common.
struct Task<'t, 'a, I: Bytes> {
    isa: I,
    /// Turns sums into bytes; none where the loops do that themselves.
    ready: Option<&'t Ready<I>>,
    group: &'t Group<'a>,
}

/// Pixels whose windows lie alike, by tiles of six rows, or of one.
struct Tiles<'x> {
    inputs: Inputs<'x>,
    /// Rows of each tile; the rest of six repeats the last one.
    count: usize,
    y: [usize; ROWS],
    y_next: usize,
    tiles: usize,
}

impl ByteKernel for Convolution<'_> {
    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Bytes>(mut self, isa: I) {
        let m = &self.p.map;
        let (Some(inputs), Some(outputs)) = (m.in_c.checked_div(m.groups), m.out_c.checked_div(m.groups)) else {
            return;
        };
        let padded = div_ceil(m.kernel_w * inputs, QUAD) * QUAD;
        let depth = m.kernel_h * padded;
        let ready = (!I::COMPACT).then(|| Ready::new(isa, &self.p.finish, self.flips[1]));
        let weights = div_ceil(outputs, LANES) * LANES * depth;
        for index in 0..m.groups {
            let (x, w) = (self.x.get(index * inputs..), self.w.get(index * weights..));
            let (x, w) = (x.unwrap_or(&[]), w.unwrap_or(&[]));
            let group = Group { x, w, first: index * outputs, outputs, inputs, padded, depth };
            self.group(&Task { isa, ready: ready.as_ref(), group: &group });
        }
    }
}

impl<'a> Convolution<'a> {
    #[inline(always)]
    fn group<I: Bytes>(&mut self, t: &Task<'_, 'a, I>) {
        let (m, g) = (&self.p.map, t.group);
        // The taps of a kernel row are one run where nothing lies between them.
        let joined = m.kernel_w == 1 || m.dilation_w == 1 && m.in_pitch == g.inputs;
        let span = m.kernel_h.saturating_sub(1) * m.dilation_h * m.in_w * m.in_pitch + g.padded;
        let map = QMap::new(m, g.x.len(), joined, span);
        for line in map.lines() {
            self.line(t, &map, line);
        }
        if map.has_edges() {
            self.edges(t, &map);
        }
    }

    /// The pixels of a line, whose windows are read where they lie.
    #[inline(always)]
    fn line<I: Bytes>(&mut self, t: &Task<'_, 'a, I>, map: &QMap, line: Line) {
        let (m, step) = (&self.p.map, map.step());
        let mut done = 0;
        while done < line.count {
            let left = line.count - done;
            let count = left.min(ROWS);
            let tiles = (left / count).min(TILES);
            let (mut at, mut y) = ([0; ROWS], [0; ROWS]);
            for (row, (at, y)) in at.iter_mut().zip(&mut y).enumerate() {
                let pixel = done + row.min(count - 1);
                (*at, *y) = (line.x + pixel * step, line.y + pixel * m.out_pitch);
            }
            let inputs = Inputs {
                x: t.group.x,
                flip: u32::from_ne_bytes([self.flips[0]; QUAD]),
                at,
                next: count * step,
                outer: m.kernel_h,
                outer_step: m.dilation_h * map.map.in_w * m.in_pitch,
                quads: t.group.padded / QUAD,
            };
            self.columns(t, &Tiles { inputs, count, y, y_next: count * m.out_pitch, tiles });
            done += count * tiles;
        }
    }

    /// The pixels whose windows are gathered.
    #[inline(always)]
    fn edges<I: Bytes>(&mut self, t: &Task<'_, 'a, I>, map: &QMap) {
        let (mut room, m) = (Room::<{ ROWS * (DEPTH + CHUNK) }>::new(), &map.map);
        let pitch = t.group.depth.min(DEPTH) + CHUNK;
        let x = room.cleared((m.batch * m.out_h * m.out_w).min(ROWS) * pitch);
        let mut patch = Patch { x, pitch };
        let mut edges = [Edge::default(); ROWS];
        let mut count = 0;
        for edge in map.edges() {
            if let Some(to) = edges.get_mut(count) {
                *to = edge;
            }
            count += 1;
            if count == ROWS {
                self.gathered(t, map, &edges, &mut patch);
                count = 0;
            }
        }
        if let Some(edges) = edges.get(..count).filter(|edges| !edges.is_empty()) {
            self.gathered(t, map, edges, &mut patch);
        }
    }

    /// One to six pixels by their gathered windows.
    #[inline(always)]
    fn gathered<I: Bytes>(&mut self, t: &Task<'_, 'a, I>, map: &QMap, edges: &[Edge], patch: &mut Patch<'_>) {
        let (g, count) = (t.group, edges.len());
        let windows = Windows { p: self.p, map, x: g.x, inputs: g.inputs, padded: g.padded };
        let (mut at, mut y) = ([0; ROWS], [0; ROWS]);
        for (row, (at, y)) in at.iter_mut().zip(&mut y).enumerate() {
            let row = row.min(count.saturating_sub(1));
            *at = row * patch.pitch;
            *y = edges.get(row).map_or(0, |edge| edge.y);
        }
        let flip = u32::from_ne_bytes([self.flips[0]; QUAD]);
        if g.depth <= DEPTH {
            windows.gather(edges, patch, (0, g.depth));
            let x = &*patch.x;
            let inputs = Inputs { x, flip, at, next: 0, outer: 1, outer_step: 0, quads: g.depth / QUAD };
            return self.columns(t, &Tiles { inputs, count, y, y_next: 0, tiles: 1 });
        }
        // Deep windows are gathered piece by piece, for each panel again.
        for panel in 0..div_ceil(g.outputs, PANEL) {
            let mut sums = [[[0; PANEL]; 1]; ROWS];
            for from in (0..g.depth).step_by(DEPTH) {
                let n = DEPTH.min(g.depth - from);
                windows.gather(edges, patch, (from, n));
                let x = &*patch.x;
                let inputs = Inputs { x, flip, at, next: 0, outer: 1, outer_step: 0, quads: n / QUAD };
                if I::COMPACT {
                    let [rows] = sums.as_flattened().as_chunks().0 else { return };
                    let mut carried = *rows;
                    let mut w = Self::weights(g, panel, from);
                    w.width = w.width.min(PANEL);
                    let tiles = Tiles { inputs, count, y, y_next: 0, tiles: 1 };
                    let carry = Carry { sums: &mut carried, is_first: from == 0, is_last: from + n == g.depth };
                    self.compact(t, &tiles, w, panel * PANEL, Some(carry));
                    sums.as_flattened_mut().copy_from_slice(&carried);
                    continue;
                }
                self.add::<I, 1>(t, &inputs, count, (panel, from), &mut sums);
            }
            if !I::COMPACT {
                self.finish(t, panel, count, &y, &sums);
            }
        }
    }

    /// All output channels of tiles.
    #[inline(always)]
    fn columns<I: Bytes>(&mut self, t: &Task<'_, 'a, I>, tiles: &Tiles<'_>) {
        if I::COMPACT {
            return self.compact(t, tiles, Self::weights(t.group, 0, 0), 0, None);
        }
        let panels = div_ceil(t.group.outputs, PANEL);
        if !t.isa.has_dots() {
            for panel in 0..panels {
                self.sums::<I, 1>(t, tiles, panel);
            }
            return;
        }
        // Eight columns are a panel of their own.
        let full = panels - usize::from(t.group.outputs - (panels - 1) * PANEL <= LANES);
        let mut panel = 0;
        while panel < panels {
            panel += match full.saturating_sub(panel) {
                8.. if tiles.count == 1 => self.bytes::<I, 8>(t, tiles, panel),
                4.. => self.bytes::<I, 4>(t, tiles, panel),
                2.. => self.bytes::<I, 2>(t, tiles, panel),
                _ => self.bytes::<I, 1>(t, tiles, panel),
            };
        }
    }

    /// The columns of some weights from the column `first` of the group on, where small code is preferred.
    #[inline(never)]
    fn compact<I: Bytes>(
        &mut self,
        t: &Task<'_, 'a, I>,
        tiles: &Tiles<'_>,
        w: Weights<'_>,
        first: usize,
        carry: Option<Carry<'_>>,
    ) {
        let first = t.group.first + first;
        let ends = Ends {
            finish: &self.p.finish,
            flip: self.flips[1],
            bias: self.bias.get(first..).unwrap_or(&[]),
            multiplier: self.multiplier.get(first..).unwrap_or(&[]),
        };
        t.isa.dispatch_bytes(qcompact::Tiles {
            inputs: tiles.inputs,
            count: tiles.count,
            tiles: tiles.tiles,
            w,
            pairs: self.p.pairs,
            ends,
            y: self.y.get_mut(first..).unwrap_or(&mut []),
            at: tiles.y,
            next: tiles.y_next,
            carry,
        });
    }

    /// The weights from a panel's depth `from` on.
    #[inline(always)]
    fn weights(g: &Group<'a>, panel: usize, from: usize) -> Weights<'a> {
        let left = g.outputs.saturating_sub(panel * PANEL);
        let at = panel * PANEL * g.depth + from * if left <= LANES { LANES } else { PANEL };
        Weights { w: g.w.get(at..).unwrap_or(&[]), panel: PANEL * g.depth, width: left }
    }

    /// Computes `P` panels of tiles by the instruction set's own loop. Returns `P`.
    #[inline(always)]
    fn bytes<I: Bytes, const P: usize>(&mut self, t: &Task<'_, 'a, I>, tiles: &Tiles<'_>, panel: usize) -> usize {
        if self.p.finish.residual.is_some() {
            self.sums::<I, P>(t, tiles, panel);
            return P;
        }
        let first = t.group.first + panel * PANEL;
        let mut w = Self::weights(t.group, panel, 0);
        w.width = w.width.min(P * PANEL);
        let scaling =
            self.p.scaling(self.bias.get(first..).unwrap_or(&[]), self.multiplier.get(first..).unwrap_or(&[]));
        let out = Outputs { y: &mut *self.y, at: tiles.y.map(|y| y + first), next: tiles.y_next, tiles: tiles.tiles };
        if tiles.count == 1 {
            dots::bytes::<I, 1, P>(t.isa, &tiles.inputs, &w, &scaling, out);
        } else if P <= 4 {
            dots::bytes::<I, ROWS, P>(t.isa, &tiles.inputs, &w, &scaling, out);
        }
        P
    }

    /// Computes `P` panels of tiles: sums first, then bytes.
    #[inline(always)]
    fn sums<I: Bytes, const P: usize>(&mut self, t: &Task<'_, 'a, I>, tiles: &Tiles<'_>, panel: usize) {
        let (mut inputs, mut y) = (tiles.inputs, tiles.y);
        for _ in 0..tiles.tiles {
            let mut sums = [[[0; PANEL]; P]; ROWS];
            self.add::<I, P>(t, &inputs, tiles.count, (panel, 0), &mut sums);
            self.finish(t, panel, tiles.count, &y, &sums);
            inputs.at = inputs.at.map(|at| at + inputs.next);
            y = y.map(|y| y + tiles.y_next);
        }
    }

    /// Adds the products of a tile and `P` panels, whose depth begins at `from`, to its sums.
    #[inline(always)]
    fn add<I: Bytes, const P: usize>(
        &self,
        t: &Task<'_, 'a, I>,
        inputs: &Inputs<'_>,
        count: usize,
        (panel, from): (usize, usize),
        sums: &mut [[[i32; PANEL]; P]; ROWS],
    ) {
        tile_sums::<I, P>(t.isa, inputs, count, (&Self::weights(t.group, panel, from), self.p.pairs), sums);
    }

    /// Turns the sums of a tile into bytes.
    #[inline(always)]
    fn finish<I: Bytes, const P: usize>(
        &mut self,
        t: &Task<'_, 'a, I>,
        panel: usize,
        count: usize,
        y: &[usize; ROWS],
        sums: &[[[i32; PANEL]; P]; ROWS],
    ) {
        let (g, Some(ready)) = (t.group, t.ready) else { return };
        for (row, y) in sums.iter().zip(y).take(count) {
            for (i, sums) in row.as_flattened().as_chunks::<LANES>().0.iter().enumerate() {
                let at = panel * PANEL + i * LANES;
                let Some(width) = g.outputs.checked_sub(at).filter(|&w| w > 0) else { break };
                let first = g.first + at;
                let scaling = (self.bias.get(first..).unwrap_or(&[]), self.multiplier.get(first..).unwrap_or(&[]));
                let y = self.y.get_mut(y + first..).unwrap_or(&mut []);
                ready.store_from(sums, scaling, width.min(LANES), y);
            }
        }
    }
}
