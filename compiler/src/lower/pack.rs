//! Constant weights in the order in which the kernels read them.
//!
//! Sixteen output columns make a panel, `[depth][16]`; the last panel is as narrow as what is left, so that packed weights
//! have the size of unpacked ones.

use zant_runtime::kernels::columns::PANEL;

/// Weights `[groups * columns, depth]` (a convolution's, output channel first) in panels, group after group.
pub(super) fn rows_to_panels(w: &[f32], groups: usize, columns: usize, depth: usize) -> Vec<f32> {
    let mut packed = Vec::with_capacity(w.len());
    for group in 0..groups {
        for first in (0..columns).step_by(PANEL) {
            for d in 0..depth {
                let width = PANEL.min(columns - first);
                packed.extend((first..first + width).map(|c| w[(group * columns + c) * depth + d]));
            }
        }
    }
    packed
}

/// Weights `[depth, columns]` (a matrix) in panels.
pub(super) fn columns_to_panels(w: &[f32], columns: usize, depth: usize) -> Vec<f32> {
    let mut packed = Vec::with_capacity(w.len());
    for first in (0..columns).step_by(PANEL) {
        let width = PANEL.min(columns - first);
        for d in 0..depth {
            packed.extend_from_slice(&w[d * columns + first..][..width]);
        }
    }
    packed
}

/// Weights `[channels, taps]` (a depthwise convolution's) as `[taps, channels]`.
pub(super) fn taps_first(w: &[f32], channels: usize, taps: usize) -> Vec<f32> {
    (0..taps * channels).map(|i| w[i % channels * taps + i / channels]).collect()
}
