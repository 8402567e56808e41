// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The parameters that convolutions share, dense, grouped and depthwise.
use super::epilogue::Epilogue;
use super::regions::Maps;
use super::window::Axis;

/// A convolution of channels-last maps: `x[batch, in_h, in_w, in_c]`, `y[batch, out_h, out_w, out_c]`. Those of one
/// dimension have `in_h`, `out_h` and `kernel_h` of 1.
///
/// Weights are packed group by group: for each panel of 16 output channels `[kernel_h][kernel_w][in_c / groups][16]`;
/// the last panel of a group is as wide as what is left. A depthwise convolution reads
/// `[kernel_h][kernel_w][channels]`, see `depthwise2d`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv2d {
    /// Maps.
    pub batch: usize,
    /// Rows of an input map.
    pub in_h: usize,
    /// Columns of an input map.
    pub in_w: usize,
    /// Input channels, all groups.
    pub in_c: usize,
    /// Elements between neighbouring input pixels, at least `in_c`.
    pub in_pitch: usize,
    /// Rows of an output map.
    pub out_h: usize,
    /// Columns of an output map.
    pub out_w: usize,
    /// Output channels, all groups.
    pub out_c: usize,
    /// Elements between neighbouring output pixels, at least `out_c`.
    pub out_pitch: usize,
    /// Rows of the kernel.
    pub kernel_h: usize,
    /// Columns of the kernel.
    pub kernel_w: usize,
    /// Input rows between neighbouring output rows.
    pub stride_h: usize,
    /// Input columns between neighbouring output columns.
    pub stride_w: usize,
    /// Input rows between neighbouring kernel rows, at least 1.
    pub dilation_h: usize,
    /// Input columns between neighbouring kernel columns, at least 1.
    pub dilation_w: usize,
    /// Rows of padding above the input. What lies below follows from the other sizes.
    pub pad_top: usize,
    /// Columns of padding left of the input.
    pub pad_left: usize,
    /// Groups: `in_c` and `out_c` are multiples of it, and each part of the outputs sees its part of the inputs alone.
    pub groups: usize,
    /// What is done with the sums.
    pub epilogue: Epilogue,
}

/// How parameters are written: what is given, and the rest as in most models.
impl Conv2d {
    /// One dense map of `[rows, columns, channels]` to another, by a kernel of `[rows, columns]`: stride and dilation 1, no
    /// padding, one group, nothing done with the sums.
    pub const fn new([in_h, in_w, in_c]: [usize; 3], [out_h, out_w, out_c]: [usize; 3], kernel: [usize; 2]) -> Self {
        Conv2d {
            batch: 1,
            in_h,
            in_w,
            in_c,
            in_pitch: in_c,
            out_h,
            out_w,
            out_c,
            out_pitch: out_c,
            kernel_h: kernel[0],
            kernel_w: kernel[1],
            stride_h: 1,
            stride_w: 1,
            dilation_h: 1,
            dilation_w: 1,
            pad_top: 0,
            pad_left: 0,
            groups: 1,
            epilogue: Epilogue::NONE,
        }
    }

    /// This many maps.
    pub const fn batch(self, batch: usize) -> Self {
        Conv2d { batch, ..self }
    }

    /// Windows this many rows and columns apart.
    pub const fn stride(self, stride_h: usize, stride_w: usize) -> Self {
        Conv2d { stride_h, stride_w, ..self }
    }

    /// Taps this many rows and columns apart.
    pub const fn dilation(self, dilation_h: usize, dilation_w: usize) -> Self {
        Conv2d { dilation_h, dilation_w, ..self }
    }

    /// Padding above and left of the input.
    pub const fn pad(self, pad_top: usize, pad_left: usize) -> Self {
        Conv2d { pad_top, pad_left, ..self }
    }

    /// Elements between neighbouring pixels of input and output.
    pub const fn pitch(self, in_pitch: usize, out_pitch: usize) -> Self {
        Conv2d { in_pitch, out_pitch, ..self }
    }

    /// This many groups.
    pub const fn groups(self, groups: usize) -> Self {
        Conv2d { groups, ..self }
    }

    /// What is done with the sums.
    pub const fn then(self, epilogue: Epilogue) -> Self {
        Conv2d { epilogue, ..self }
    }
}

impl Conv2d {
    /// The windows along the height and the width.
    #[inline(always)]
    pub const fn axes(&self) -> [Axis; 2] {
        let height = Axis {
            input: self.in_h,
            output: self.out_h,
            kernel: self.kernel_h,
            stride: self.stride_h,
            dilation: self.dilation_h,
            pad: self.pad_top,
        };
        let width = Axis {
            input: self.in_w,
            output: self.out_w,
            kernel: self.kernel_w,
            stride: self.stride_w,
            dilation: self.dilation_w,
            pad: self.pad_left,
        };
        [height, width]
    }

    /// The maps, where the first input lies at `x` and the first output at `y`.
    #[inline(always)]
    pub const fn maps(&self, x: usize, y: usize) -> Maps {
        let axes = self.axes();
        Maps { axes, in_pitch: self.in_pitch, out_pitch: self.out_pitch, x, y }
    }

    /// Elements from the first to the last of the input, the least that a slice of it has.
    pub const fn in_len(&self) -> usize {
        span(self.batch * self.in_h * self.in_w, self.in_pitch, self.in_c)
    }

    /// Elements from the first to the last of the output, the least that a slice of it has.
    pub const fn out_len(&self) -> usize {
        span(self.batch * self.out_h * self.out_w, self.out_pitch, self.out_c)
    }
}

/// Elements from the first to the last of `pixels` that lie `pitch` apart.
pub const fn span(pixels: usize, pitch: usize, channels: usize) -> usize {
    if pixels == 0 { 0 } else { (pixels - 1) * pitch + channels }
}
