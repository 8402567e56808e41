// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Convolution as an implicit matrix product over kernel taps, directly on the channels-last map.
//!
//! Invariants: each output starts from its bias and adds products in the order of kernel row, kernel column, input
//! channel, each by one multiply-add; taps in the padding are skipped. Pixels whose windows have the same taps inside
//! the map share tiles, across rows too, so borders run the same code as the middle.
use super::super::arch::floats::{FloatCpu, FloatKernel, Floats};
use super::super::loops::products::Runs;
use super::super::loops::tile::{Task, cached_columns, tile};
use super::super::terms::conv2d::Conv2d;
use super::super::terms::line::PLACES;
use super::super::terms::regions::{Maps, Region, Regions, Tiles};

/// Computes the convolution. `bias` has `out_c` elements, or is empty for zeros.
#[inline]
pub fn conv2d<C: FloatCpu>(cpu: C, p: &Conv2d, x: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]) {
    debug_assert!(p.groups > 0 && p.in_c.is_multiple_of(p.groups));
    debug_assert!(p.out_c.is_multiple_of(p.groups) && p.dilation_h > 0 && p.dilation_w > 0);
    debug_assert!(x.len() >= p.in_len() && y.len() >= p.out_len());
    debug_assert!(w.len() >= p.kernel_h * p.kernel_w * (p.in_c / p.groups) * p.out_c);
    debug_assert!(bias.is_empty() || bias.len() >= p.out_c);
    cpu.run_floats(Convolution { p, x, w, bias, y });
}

struct Convolution<'a> {
    p: &'a Conv2d,
    x: &'a [f32],
    w: &'a [f32],
    bias: &'a [f32],
    y: &'a mut [f32],
}

impl FloatKernel for Convolution<'_> {
    #[inline(always)]
    fn run<I: Floats>(self, isa: I) {
        let Convolution { p, x, w, bias, y } = self;
        let (Some(group_in), Some(group_out)) = (p.in_c.checked_div(p.groups), p.out_c.checked_div(p.groups)) else {
            return;
        };
        let depth = p.kernel_h * p.kernel_w * group_in;
        let chunk = cached_columns(depth);
        for batch in 0..p.batch {
            for group in 0..p.groups {
                let mut channel = 0;
                while channel < group_out {
                    let first = group * group_out + channel;
                    let columns = if group_out - channel < chunk { group_out - channel } else { chunk };
                    let maps = p.maps(
                        batch * p.in_h * p.in_w * p.in_pitch + group * group_in,
                        batch * p.out_h * p.out_w * p.out_pitch + first,
                    );
                    let task = Task {
                        x,
                        w: w.get(first * depth..).unwrap_or(&[]),
                        depth,
                        skip: 0,
                        bias: bias.get(first..).unwrap_or(&[]),
                        columns,
                        runs: Runs::one(0),
                        plan: p.epilogue.plan(),
                        resume: false,
                    };
                    map(isa, p, &task, maps, y);
                    channel += columns;
                }
            }
        }
    }
}

/// Computes some output channels of one map.
#[inline(always)]
fn map<I: Floats>(isa: I, p: &Conv2d, task: &Task<'_>, maps: Maps, y: &mut [f32]) {
    for region in Regions::new(p.axes()) {
        let (skip, runs) = taps(p, &region);
        let task = Task { skip, runs, ..*task };
        for places in Tiles::new(maps, region, isa.tile_rows()) {
            tile::<I, PLACES>(isa, &task, &places, y);
        }
    }
}

/// The depth before the first tap of the region, and the runs of its taps.
#[inline(always)]
fn taps(p: &Conv2d, region: &Region) -> (usize, Runs) {
    if region.row_taps.is_empty() || region.column_taps.is_empty() {
        return (0, Runs::one(0));
    }
    let depth = p.in_c.checked_div(p.groups).unwrap_or(0);
    let runs = Runs {
        outer: region.row_taps.len(),
        outer_step: p.dilation_h * p.in_w * p.in_pitch,
        outer_depth: p.kernel_w * depth,
        inner: region.column_taps.len(),
        inner_step: p.dilation_w * p.in_pitch,
        depth,
    };
    ((region.row_taps.first * p.kernel_w + region.column_taps.first) * depth, runs.joined())
}
