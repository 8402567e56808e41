// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! A depthwise convolution and the 1x1 convolution that reads it, some rows at a time: the map between them is never whole, and
//! what there is of it stays in the cache.
//!
//! Invariant: every element is that of the one convolution after the other, to the bit.
use super::super::arch::isa::Cpu;
use super::conv::conv2d;
use super::conv2d::Conv2d;
use super::depthwise::depthwise2d;

/// Two convolutions, the second of the first's result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Separable {
    /// The depthwise one; its output is dense.
    pub depthwise: Conv2d,
    /// The 1x1 one, with a stride of 1 and no padding.
    pub pointwise: Conv2d,
    /// Rows of the map between them that are computed at a time, at least 1.
    pub rows: usize,
}

impl Separable {
    /// Elements of working memory: the rows between the two.
    pub const fn scratch(&self) -> usize {
        self.rows * self.depthwise.out_w * self.depthwise.out_c
    }
}

/// Computes both. `weights` and `bias` are those of [`depthwise2d`], then those of [`conv2d`]; `scratch` has
/// [`Separable::scratch`] elements, of any value; `y` is the second one's output.
#[inline]
pub fn separable2d<C: Cpu>(
    cpu: C,
    p: &Separable,
    x: &[f32],
    weights: [&[f32]; 2],
    bias: [&[f32]; 2],
    scratch: &mut [f32],
    y: &mut [f32],
) {
    debug_assert!(p.rows > 0 && scratch.len() >= p.scratch());
    let (d, q) = (&p.depthwise, &p.pointwise);
    for batch in 0..d.batch {
        let mut row = 0;
        while row < d.out_h {
            let rows = if d.out_h - row < p.rows { d.out_h - row } else { p.rows };
            // The first row of the windows, which counts from the padding on.
            let first = row * d.stride_h;
            let above = first.saturating_sub(d.pad_top);
            let above = if above < d.in_h { above } else { d.in_h };
            let part = Conv2d {
                batch: 1,
                in_h: d.in_h - above,
                out_h: rows,
                pad_top: (d.pad_top + above).saturating_sub(first),
                ..*d
            };
            let x = x.get((batch * d.in_h + above) * d.in_w * d.in_pitch..).unwrap_or(&[]);
            depthwise2d(cpu, &part, x, weights[0], bias[0], scratch);
            let part = Conv2d { batch: 1, in_h: rows, out_h: rows, ..*q };
            let y = y.get_mut((batch * q.out_h + row) * q.out_w * q.out_pitch..).unwrap_or(&mut []);
            conv2d(cpu, &part, scratch, weights[1], bias[1], y);
            row += rows.max(1);
        }
    }
}
