// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Average pooling of f64, in plain loops.
use super::super::terms::pool2d::Pool2d;

/// As `avg_pool2d` of f32.
pub fn avg_pool2d_f64(p: &Pool2d, x: &[f64], y: &mut [f64]) {
    debug_assert!(x.len() >= p.in_len() && y.len() >= p.out_len());
    let (height, width) = (p.height(), p.width());
    for batch in 0..p.batch {
        for row in 0..p.out_h {
            let rows = height.taps(row);
            for column in 0..p.out_w {
                let columns = width.taps(column);
                let taps = if p.count_include_pad {
                    height.padded_taps(row, p.pad_bottom) * width.padded_taps(column, p.pad_right)
                } else {
                    rows.len() * columns.len()
                };
                for channel in 0..p.channels {
                    let mut sum = 0.0;
                    for h in rows.first..rows.end {
                        for w in columns.first..columns.end {
                            let at = (batch * p.in_h + height.position(row, h)) * p.in_w + width.position(column, w);
                            sum += x.get(at * p.in_pitch + channel).copied().unwrap_or(0.0);
                        }
                    }
                    let at = (batch * p.out_h + row) * p.out_w + column;
                    if let Some(y) = y.get_mut(at * p.out_pitch + channel) {
                        *y = sum / taps as f64;
                    }
                }
            }
        }
    }
}
