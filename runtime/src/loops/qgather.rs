// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Windows of quantized convolutions that reach into the padding are gathered: copied side by side.
use super::super::terms::qconv2d::QConv2d;
use super::super::terms::qmap::{Edge, QMap};

/// Bytes that are copied at once: gathering may write as many behind its last.
pub const CHUNK: usize = 16;

/// The gathered inputs of pixels, one after the other.
#[derive(Debug)]
pub struct Patch<'a> {
    /// The bits of the bytes.
    pub x: &'a mut [u8],
    /// From one pixel to the next.
    pub pitch: usize,
}

/// The inputs of a group of channels.
#[derive(Clone, Copy, Debug)]
pub struct Windows<'a> {
    /// The convolution.
    pub p: &'a QConv2d,
    /// Which windows lie on the map.
    pub map: &'a QMap,
    /// The map, from the group's first channel on.
    pub x: &'a [u8],
    /// Channels of the group.
    pub inputs: usize,
    /// Bytes of a kernel row, filled up to a multiple of four.
    pub padded: usize,
}

impl Windows<'_> {
    /// Gathers `n` inputs of each pixel's window, from the `from`th on; what fills a kernel row up is left as it is.
    #[inline(always)]
    pub fn gather(&self, edges: &[Edge], patch: &mut Patch<'_>, (from, n): (usize, usize)) {
        let (m, map) = (&self.p.map, self.map);
        let padding = [self.p.zero as u8; CHUNK];
        let joined = m.dilation_w == 1 && m.in_pitch == self.inputs;
        let first = from.checked_div(self.padded).unwrap_or(0);
        for (pixel, edge) in edges.iter().enumerate() {
            let at = pixel * patch.pitch;
            let Some(out) = patch.x.get_mut(at..).and_then(|x| x.get_mut(..patch.pitch)) else { return };
            let [row, column] = edge.at;
            let inside = column.checked_sub(m.pad_left).is_some_and(|w| w + m.kernel_w <= map.map.in_w);
            let mut kh = first;
            while kh * self.padded < from + n {
                let mut kw = 0;
                while kw < m.kernel_w {
                    let taps = if joined && inside { m.kernel_w } else { 1 };
                    // The taps' place in the window, as far as it is within what is gathered.
                    let (start, end) =
                        (kh * self.padded + kw * self.inputs, kh * self.padded + (kw + taps) * self.inputs);
                    let (skip, end) = (from.saturating_sub(start), end.min(from + n));
                    let len = end.saturating_sub(start + skip);
                    // A tap that is not within it has no bytes to copy.
                    let out = out.get_mut((start + skip).saturating_sub(from)..).unwrap_or(&mut []);
                    match map.input(edge.batch, row + kh * m.dilation_h, column + kw * m.dilation_w) {
                        Some(at) => copy(self.x.get(at + skip..).unwrap_or(&[]), out, len),
                        None => {
                            for from in (0..len).step_by(CHUNK) {
                                copy(&padding, out.get_mut(from..).unwrap_or(&mut []), CHUNK);
                            }
                        }
                    }
                    kw += taps;
                }
                kh += 1;
            }
        }
    }
}

/// Copies `len` bytes, and perhaps a few that follow them.
#[inline(always)]
fn copy(x: &[u8], out: &mut [u8], len: usize) {
    let mut done = 0;
    while done < len {
        let (Some(x), Some(out)) = (x.get(done..), out.get_mut(done..)) else { return };
        match (x.first_chunk::<CHUNK>(), out.first_chunk_mut::<CHUNK>()) {
            (Some(x), Some(out)) => *out = *x,
            // The end of the map.
            _ => out.iter_mut().zip(x).take(len - done).for_each(|(out, x)| *out = *x),
        }
        done += CHUNK;
    }
}
