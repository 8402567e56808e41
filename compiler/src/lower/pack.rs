//! The order in which the kernels read weights, as strided copies: done here where the weights are constant, as steps where not.
//!
//! Sixteen output columns make a panel, `[depth][16]`; the last panel is as narrow as what is left, so that packed weights
//! have the size of unpacked ones.

use zant_runtime::terms::sizes::PANEL;

/// A box of weights that is copied to where the box before ended, dense.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Elements per dimension.
    pub(super) dims: [usize; 3],
    /// First element read.
    pub(super) start: usize,
    /// Distance of neighbours that are read.
    pub(super) strides: [isize; 3],
}

impl Piece {
    /// Number of elements.
    pub(super) fn len(&self) -> usize {
        self.dims.iter().product()
    }
}

/// Weights `[groups * columns, taps, depth]` (a convolution's, output channel first) in panels, group after group; with the
/// taps in reverse order for a transposed convolution.
pub(super) fn conv_panels(groups: usize, columns: usize, [taps, depth]: [usize; 2], reverse: bool) -> Vec<Piece> {
    let channel = taps * depth;
    let (first_tap, tap_step) =
        if reverse { (channel.saturating_sub(depth), -(depth as isize)) } else { (0, depth as isize) };
    let mut pieces = Vec::new();
    for group in 0..groups {
        for first in (0..columns).step_by(PANEL) {
            pieces.push(Piece {
                dims: [taps, depth, PANEL.min(columns - first)],
                start: (group * columns + first) * channel + first_tap,
                strides: [tap_step, 1, channel as isize],
            });
        }
    }
    pieces
}

/// Weights `[depth, columns]` (a matrix) in panels.
pub(super) fn matrix_panels(depth: usize, columns: usize) -> Vec<Piece> {
    let panel = |first: usize| Piece {
        dims: [1, depth, PANEL.min(columns - first)],
        start: first,
        strides: [0, columns as isize, 1],
    };
    (0..columns).step_by(PANEL).map(panel).collect()
}

/// Weights `[channels, taps]` (a depthwise convolution's) as `[taps, channels]`.
pub(super) fn taps_first(channels: usize, taps: usize) -> Vec<Piece> {
    vec![Piece { dims: [1, taps, channels], start: 0, strides: [0, 1, taps as isize] }]
}

/// The pieces of constant weights, one after the other.
pub(super) fn apply(pieces: &[Piece], w: &[f32]) -> Vec<f32> {
    let mut packed = Vec::with_capacity(w.len());
    for p in pieces {
        for i in 0..p.dims[0] {
            for j in 0..p.dims[1] {
                let row = p.start as isize + i as isize * p.strides[0] + j as isize * p.strides[1];
                packed.extend((0..p.dims[2]).map(|k| w[(row + k as isize * p.strides[2]) as usize]));
            }
        }
    }
    packed
}
