// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The parameters of convolutions: dense, grouped and depthwise.
use super::epilogue::Epilogue;
use super::regions::Maps;
use super::window::Axis;

/// A convolution of channels-last maps: `x[batch, in_h, in_w, in_c]`, `y[batch, out_h, out_w, out_c]`. In one dimension
/// `in_h`, `out_h` and `kernel_h` are 1.
///
/// Weights are packed by group, then by panel of 16 output channels: `[kernel_h][kernel_w][in_c / groups][16]`. The
/// last panel of a group has only the channels that are left. Depthwise convolutions use
/// `[kernel_h][kernel_w][channels]`, see `depthwise2d`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv2d {
    /// The number of maps.
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
    /// Rows of padding above the input. The padding below follows from the other sizes.
    pub pad_top: usize,
    /// Columns of padding left of the input.
    pub pad_left: usize,
    /// The number of groups. It divides `in_c` and `out_c`; each group of outputs reads its own group of inputs.
    pub groups: usize,
    /// What is done with the finished sums.
    pub epilogue: Epilogue,
}

/// A builder: `new` takes what every convolution has and sets the rest to common values.
impl Conv2d {
    /// One dense map of `[rows, columns, channels]` to another, with a kernel of `[rows, columns]`: stride and dilation
    /// 1, no padding, one group, no epilogue.
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

    /// Sets the stride along height and width.
    pub const fn stride(self, stride_h: usize, stride_w: usize) -> Self {
        Conv2d { stride_h, stride_w, ..self }
    }

    /// Sets the padding above and left of the input.
    pub const fn pad(self, pad_top: usize, pad_left: usize) -> Self {
        Conv2d { pad_top, pad_left, ..self }
    }

    /// Sets the epilogue.
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

    /// The layout of the maps, with the first input at `x` and the first output at `y`.
    #[inline(always)]
    pub const fn maps(&self, x: usize, y: usize) -> Maps {
        let axes = self.axes();
        Maps { axes, in_pitch: self.in_pitch, out_pitch: self.out_pitch, x, y }
    }

    /// The least length of an input slice: one past its last element.
    pub const fn in_len(&self) -> usize {
        span(self.batch * self.in_h * self.in_w, self.in_pitch, self.in_c)
    }

    /// The least length of an output slice: one past its last element.
    pub const fn out_len(&self) -> usize {
        span(self.batch * self.out_h * self.out_w, self.out_pitch, self.out_c)
    }
}

/// Elements from the first to the last of `pixels` pixels that lie `pitch` apart, both included.
pub const fn span(pixels: usize, pitch: usize, channels: usize) -> usize {
    if pixels == 0 { 0 } else { (pixels - 1) * pitch + channels }
}
