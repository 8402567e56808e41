// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! A depthwise convolution and the 1x1 convolution that reads it, some rows at a time. The map between them is never
//! complete, and its rows stay in the cache.
//!
//! Invariant: every element has the bits of the two convolutions computed one after the other.
use super::super::arch::floats::{FloatCpu, FloatKernel, Floats};
use super::super::terms::conv2d::Conv2d;
use super::conv::conv2d;
use super::depthwise::depthwise2d;

/// Two convolutions; the second reads the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Separable {
    /// The depthwise convolution, of one map; its output is dense.
    pub depthwise: Conv2d,
    /// The 1x1 convolution, with a stride of 1 and no padding.
    pub pointwise: Conv2d,
    /// Rows of the map between them that are computed together, at least 1.
    pub rows: usize,
}

impl Separable {
    /// Elements of working memory: the rows between the convolutions.
    pub const fn scratch(&self) -> usize {
        self.rows * self.depthwise.out_w * self.depthwise.out_c
    }
}

/// Computes both. `weights` and `bias` are those of [`depthwise2d`], then those of [`conv2d`]; `scratch` has
/// [`Separable::scratch`] elements with any values; `y` is the output of the second.
#[inline]
pub fn separable2d<C: FloatCpu>(
    cpu: C,
    p: &Separable,
    x: &[f32],
    weights: [&[f32]; 2],
    bias: [&[f32]; 2],
    scratch: &mut [f32],
    y: &mut [f32],
) {
    debug_assert!(p.depthwise.batch == 1 && p.rows > 0 && scratch.len() >= p.scratch());
    cpu.run_floats(Rows { p, x, weights, bias, scratch, y });
}

struct Rows<'a> {
    p: &'a Separable,
    x: &'a [f32],
    weights: [&'a [f32]; 2],
    bias: [&'a [f32]; 2],
    scratch: &'a mut [f32],
    y: &'a mut [f32],
}

impl FloatKernel for Rows<'_> {
    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Floats>(self, isa: I) {
        let Rows { p, x, weights, bias, scratch, y } = self;
        // The current rows, as convolutions of their own.
        let (mut d, mut q) = (p.depthwise, p.pointwise);
        let [height, _] = p.depthwise.axes();
        let mut row = 0;
        while row < height.output {
            let left = height.output - row;
            d.out_h = if left < p.rows { left } else { p.rows };
            (q.in_h, q.out_h) = (d.out_h, d.out_h);
            // The first row of the windows, counted from the start of the padding.
            let first = row * height.stride;
            let above = first.saturating_sub(height.pad);
            let above = if above < height.input { above } else { height.input };
            d.in_h = height.input - above;
            d.pad_top = (height.pad + above).saturating_sub(first);
            let x = x.get(above * d.in_w * d.in_pitch..).unwrap_or(&[]);
            depthwise2d(isa, &d, x, weights[0], bias[0], scratch);
            let y = y.get_mut(row * q.out_w * q.out_pitch..).unwrap_or(&mut []);
            conv2d(isa, &q, scratch, weights[1], bias[1], y);
            row += d.out_h.max(1);
        }
    }
}
