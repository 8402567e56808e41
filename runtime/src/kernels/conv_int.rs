// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Convolution of integers, for models that compute in wide integers: plain loops on unpacked weights. Sums wrap.
use super::super::terms::conv2d::Conv2d;
use super::number::Number;

/// Weights are `[out_c][kernel_h][kernel_w][in_c / groups]`; `bias` has `out_c` elements, or is empty for zeros.
pub fn conv2d_int<T: Number>(p: &Conv2d, x: &[T], w: &[T], bias: &[T], y: &mut [T]) {
    debug_assert!(x.len() >= p.in_len() && y.len() >= p.out_len());
    let (Some(group_in), Some(group_out)) = (p.in_c.checked_div(p.groups), p.out_c.checked_div(p.groups)) else {
        return;
    };
    let [height, width] = p.axes();
    for batch in 0..p.batch {
        for row in 0..p.out_h {
            let rows = height.taps(row);
            for column in 0..p.out_w {
                let columns = width.taps(column);
                let pixel = (batch * p.out_h + row) * p.out_w + column;
                for channel in 0..p.out_c {
                    let first = channel.checked_div(group_out).unwrap_or(0) * group_in;
                    let mut sum = bias.get(channel).copied().unwrap_or(T::ZERO);
                    for kh in rows.first..rows.end {
                        for kw in columns.first..columns.end {
                            let at = (batch * p.in_h + height.position(row, kh)) * p.in_w + width.position(column, kw);
                            let tap = (channel * p.kernel_h + kh) * p.kernel_w + kw;
                            let x = x.get(at * p.in_pitch + first..).and_then(|x| x.get(..group_in)).unwrap_or(&[]);
                            let w = w.get(tap * group_in..).unwrap_or(&[]);
                            for (x, w) in x.iter().zip(w) {
                                sum = sum.add(x.mul(*w));
                            }
                        }
                    }
                    if let Some(y) = y.get_mut(pixel * p.out_pitch + channel) {
                        *y = sum;
                    }
                }
            }
        }
    }
}
