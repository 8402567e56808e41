// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The parameters of pooling, and when its output may overwrite its input.
use super::window::Axis;

/// Pooling of channels-last maps: `x[batch, in_h, in_w, channels]`, `y[batch, out_h, out_w, channels]`. In one
/// dimension `in_h`, `out_h` and `kernel_h` are 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool2d {
    /// The number of maps.
    pub batch: usize,
    /// Rows of an input map.
    pub in_h: usize,
    /// Columns of an input map.
    pub in_w: usize,
    /// Channels of input and output.
    pub channels: usize,
    /// Elements between neighbouring input pixels, at least `channels`.
    pub in_pitch: usize,
    /// Rows of an output map.
    pub out_h: usize,
    /// Columns of an output map.
    pub out_w: usize,
    /// Elements between neighbouring output pixels, at least `channels`.
    pub out_pitch: usize,
    /// Rows of the window.
    pub kernel_h: usize,
    /// Columns of the window.
    pub kernel_w: usize,
    /// Input rows between neighbouring output rows.
    pub stride_h: usize,
    /// Input columns between neighbouring output columns.
    pub stride_w: usize,
    /// Input rows between neighbouring rows of the window, at least 1.
    pub dilation_h: usize,
    /// Input columns between neighbouring columns of the window, at least 1.
    pub dilation_w: usize,
    /// Rows of padding above the input.
    pub pad_top: usize,
    /// Columns of padding left of the input.
    pub pad_left: usize,
    /// Rows of padding below the input. Windows may reach beyond them.
    pub pad_bottom: usize,
    /// Columns of padding right of the input. Windows may reach beyond them.
    pub pad_right: usize,
    /// Whether an average counts taps in the padding (taps beyond it are never counted).
    pub count_include_pad: bool,
}

/// A builder: `new` takes what every pooling has and sets the rest to common values.
impl Pool2d {
    /// Pools dense maps of `[rows, columns]` with `channels` channels by windows of `[rows, columns]`: stride and
    /// dilation 1, no padding.
    pub const fn new(
        [in_h, in_w]: [usize; 2],
        [out_h, out_w]: [usize; 2],
        channels: usize,
        window: [usize; 2],
    ) -> Self {
        Pool2d {
            batch: 1,
            in_h,
            in_w,
            channels,
            in_pitch: channels,
            out_h,
            out_w,
            out_pitch: channels,
            kernel_h: window[0],
            kernel_w: window[1],
            stride_h: 1,
            stride_w: 1,
            dilation_h: 1,
            dilation_w: 1,
            pad_top: 0,
            pad_left: 0,
            pad_bottom: 0,
            pad_right: 0,
            count_include_pad: false,
        }
    }

    /// Sets the stride along height and width.
    pub const fn stride(self, stride_h: usize, stride_w: usize) -> Self {
        Pool2d { stride_h, stride_w, ..self }
    }

    /// Sets the padding above and left of the input, then below and right of it.
    pub const fn pad(self, [pad_top, pad_left]: [usize; 2], [pad_bottom, pad_right]: [usize; 2]) -> Self {
        Pool2d { pad_top, pad_left, pad_bottom, pad_right, ..self }
    }
}

impl Pool2d {
    /// The windows along the height.
    #[inline(always)]
    pub const fn height(&self) -> Axis {
        Axis {
            input: self.in_h,
            output: self.out_h,
            kernel: self.kernel_h,
            stride: self.stride_h,
            dilation: self.dilation_h,
            pad: self.pad_top,
        }
    }

    /// The windows along the width.
    #[inline(always)]
    pub const fn width(&self) -> Axis {
        Axis {
            input: self.in_w,
            output: self.out_w,
            kernel: self.kernel_w,
            stride: self.stride_w,
            dilation: self.dilation_w,
            pad: self.pad_left,
        }
    }

    /// The least length of an input slice: one past its last element.
    pub const fn in_len(&self) -> usize {
        let pixels = self.batch * self.in_h * self.in_w;
        if pixels == 0 { 0 } else { (pixels - 1) * self.in_pitch + self.channels }
    }

    /// The least length of an output slice: one past its last element.
    pub const fn out_len(&self) -> usize {
        let pixels = self.batch * self.out_h * self.out_w;
        if pixels == 0 { 0 } else { (pixels - 1) * self.out_pitch + self.channels }
    }

    /// Whether the output may begin where the input begins in memory.
    ///
    /// It may if no output pixel lies past the first pixel that its window reads: outputs are written in order, so
    /// everything written ends before what is still to be read.
    pub const fn in_place_safe(&self) -> bool {
        if self.batch == 0 || self.out_h * self.out_w == 0 {
            return true;
        }
        // Both positions, of a pixel and of its first tap, are sums over batch, row and column. The condition is linear
        // in the batch, so the first and the last map decide.
        let column = lag(self.width(), self.out_pitch as i128, self.in_pitch as i128);
        let row =
            lag(self.height(), self.out_w as i128 * self.out_pitch as i128, self.in_w as i128 * self.in_pitch as i128);
        let written = self.out_h as i128 * self.out_w as i128 * self.out_pitch as i128;
        let read = self.in_h as i128 * self.in_w as i128 * self.in_pitch as i128;
        let last_map = (self.batch as i128 - 1) * (written - read);
        row + column <= 0 && row + column + last_map <= 0
    }
}

/// The most that the writes along an axis run ahead of its reads.
const fn lag(axis: Axis, out_step: i128, in_step: i128) -> i128 {
    let mut most = 0;
    let mut o = 0;
    while o < axis.output {
        let first = axis.position(o, axis.taps(o).first);
        let lag = o as i128 * out_step - first as i128 * in_step;
        if lag > most {
            most = lag;
        }
        o += 1;
    }
    most
}
