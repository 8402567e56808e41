// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Convolutions and matrix products in small code: one body for dense, grouped and depthwise ones, panel by panel, each
//! over the whole map.
//!
//! Invariants: those of `conv`: bias first, then kernel row, kernel column, input channel; taps in the padding are
//! skipped.
use super::super::arch::floats::Floats;
use super::super::loops::compact::{compute, push};
use super::super::terms::conv2d::Conv2d;
use super::super::terms::epilogue::Plan;
use super::super::terms::tile::{COLUMNS, Pixel, TapGrid, Tile};

/// Input, weights and bias.
pub type Operands<'a> = (&'a [f32], &'a [f32], &'a [f32]);

/// Computes the convolution. With `depthwise` each channel has a kernel of its own, and the weights are
/// `[kernel_h][kernel_w][channels]`.
#[inline(never)]
pub fn convolution<I: Floats>(isa: I, p: &Conv2d, depthwise: bool, (x, w, bias): Operands<'_>, y: &mut [f32]) {
    let (Some(depth), Some(group)) = (p.in_c.checked_div(p.groups), p.out_c.checked_div(p.groups)) else { return };
    // The channels of a depthwise convolution are neighbouring columns.
    let group = if depthwise { p.out_c } else { group };
    let taps = TapGrid {
        rows: 0,
        row_inputs: p.dilation_h * p.in_w * p.in_pitch,
        row_gap: 0,
        columns: 0,
        column_inputs: p.dilation_w * p.in_pitch,
        depth,
        pitch: group,
    };
    let mut tile = Tile { apart: depthwise, plan: p.epilogue.plan(), ..Tile::new(x, w, y, taps, 0) };
    for batch in 0..p.batch {
        let (mut channel, mut end, mut input) = (0, group, batch * p.in_h * p.in_w * p.in_pitch);
        // A group without channels would loop for ever; the plan has none.
        while channel < p.out_c && channel < end {
            let left = end - channel;
            tile.width = if left < COLUMNS { left } else { COLUMNS };
            tile.bias = bias.get(channel..).unwrap_or(&[]);
            let mut weights = channel;
            if !depthwise {
                tile.taps.pitch = tile.width;
                weights *= p.kernel_h * p.kernel_w * depth;
            }
            let y = batch * p.out_h * p.out_w * p.out_pitch + channel;
            map(isa, p, w.get(weights..).unwrap_or(&[]), Pixel { x: input, y }, &mut tile);
            channel += tile.width;
            if depthwise {
                input += tile.width;
            } else if channel == end {
                input += depth;
                end += group;
            }
        }
    }
    rest(&tile.plan, tile.y, [p.batch * p.out_h * p.out_w, p.out_pitch, p.out_c]);
}

/// Applies the rest of the epilogue to outputs of `[pixels, pitch, columns]`.
#[inline(always)]
pub fn rest(plan: &Plan, y: &mut [f32], [pixels, pitch, columns]: [usize; 3]) {
    let Some(rest) = plan.rest() else { return };
    for pixel in 0..pixels {
        let y = y.get_mut(pixel * pitch..).and_then(|y| y.get_mut(..columns));
        for y in y.unwrap_or(&mut []) {
            rest.store(*y, y);
        }
    }
}

/// Computes some columns of one map; `start` is its first pixel.
#[inline(never)]
fn map<'a, I: Floats>(isa: I, p: &Conv2d, w: &'a [f32], start: Pixel, tile: &mut Tile<'a>) {
    let [height, width] = p.axes();
    let mut row = 0;
    while row < p.out_h {
        let (row_taps, row_end) = height.run(row);
        let mut column = 0;
        while column < p.out_w {
            let (column_taps, column_end) = width.run(column);
            tile.taps.rows = row_taps.len();
            tile.taps.columns = column_taps.len();
            let tap = tile.taps.depth * tile.taps.pitch;
            tile.taps.row_gap = (p.kernel_w - column_taps.len()) * tap;
            tile.w = w.get((row_taps.first * p.kernel_w + column_taps.first) * tap..).unwrap_or(&[]);
            for row in row..row_end {
                let first = height.position(row, row_taps.first) * p.in_w + width.position(column, column_taps.first);
                let mut pixel =
                    Pixel { x: start.x + first * p.in_pitch, y: start.y + (row * p.out_w + column) * p.out_pitch };
                for _ in column..column_end {
                    push(isa, tile, pixel);
                    pixel.x += p.stride_w * p.in_pitch;
                    pixel.y += p.out_pitch;
                }
            }
            compute(isa, tile);
            column = column_end;
        }
        row = row_end;
    }
}
