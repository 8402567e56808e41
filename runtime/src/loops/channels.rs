// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The inner loops of depthwise convolutions, over neighbouring channels of pixels.
//!
//! Invariant: everything that a loop reads lies inside its slices, which is checked once, before the loop.
use super::super::arch::floats::Floats;
use super::super::terms::epilogue::Bounds;
use super::super::terms::line::{Line, ROWS};
use super::super::terms::rows::each_row;
use super::super::terms::sizes::{LANES, PANEL};
use super::super::terms::steps::{Pointers, Windows};
use super::finish::{Clamp, Finish};

/// Neighbouring channels of one pixel, as a tile holds them.
pub trait Channels: Copy {
    /// One number for each channel.
    type V<I: Floats>: Copy;

    /// The number of channels.
    fn width(self) -> usize;
    /// Loads the channels at `x`.
    ///
    /// # Safety
    /// [`Channels::width`] elements may be read at `x`.
    unsafe fn load<I: Floats>(self, isa: I, x: *const f32) -> Self::V<I>;
    /// `a * b + c`.
    fn mul_add<I: Floats>(self, isa: I, a: Self::V<I>, b: Self::V<I>, c: Self::V<I>) -> Self::V<I>;
    /// Stores the clamped sums in `y`, which has [`Channels::width`] elements.
    fn store<I: Floats>(self, isa: I, sums: Self::V<I>, clamp: &Clamp<I>, y: &mut [f32]);
    /// Finishes the sums and stores them in `y`, which has [`Channels::width`] elements.
    fn finish<I: Floats>(self, sums: Self::V<I>, finish: &Finish<I>, y: &mut [f32]);
}

/// `V` vectors.
#[derive(Clone, Copy)]
pub struct Vectors<const V: usize>;

/// Up to eight channels, as many as the number says.
#[derive(Clone, Copy)]
pub struct Part(pub usize);

/// One channel.
#[derive(Clone, Copy)]
pub struct One;

impl<const V: usize> Channels for Vectors<V> {
    type V<I: Floats> = [I::V; V];

    #[inline(always)]
    fn width(self) -> usize {
        V * LANES
    }

    #[inline(always)]
    unsafe fn load<I: Floats>(self, isa: I, x: *const f32) -> [I::V; V] {
        let mut v = [isa.splat(0.0); V];
        for (i, v) in v.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *v = isa.load(unsafe { &*x.add(i * LANES).cast::<[f32; LANES]>() });
        }
        v
    }

    #[inline(always)]
    fn mul_add<I: Floats>(self, isa: I, a: [I::V; V], b: [I::V; V], mut c: [I::V; V]) -> [I::V; V] {
        for ((a, b), c) in a.into_iter().zip(b).zip(&mut c) {
            *c = isa.mul_add(a, b, *c);
        }
        c
    }

    #[inline(always)]
    fn store<I: Floats>(self, isa: I, sums: Self::V<I>, clamp: &Clamp<I>, y: &mut [f32]) {
        for (sum, y) in sums.into_iter().zip(y.as_chunks_mut().0) {
            isa.store(clamp.apply(sum), y);
        }
    }

    #[inline(always)]
    fn finish<I: Floats>(self, sums: [I::V; V], finish: &Finish<I>, y: &mut [f32]) {
        for (sum, y) in sums.into_iter().zip(y.as_chunks_mut().0) {
            finish.store(sum, y);
        }
    }
}

impl Channels for Part {
    type V<I: Floats> = I::V;

    #[inline(always)]
    fn width(self) -> usize {
        self.0
    }

    #[inline(always)]
    unsafe fn load<I: Floats>(self, isa: I, x: *const f32) -> I::V {
        // SAFETY: the caller's promise.
        isa.load_part(unsafe { core::slice::from_raw_parts(x, self.0) })
    }

    #[inline(always)]
    fn mul_add<I: Floats>(self, isa: I, a: I::V, b: I::V, c: I::V) -> I::V {
        isa.mul_add(a, b, c)
    }

    #[inline(always)]
    fn store<I: Floats>(self, isa: I, sums: Self::V<I>, clamp: &Clamp<I>, y: &mut [f32]) {
        isa.store_part(clamp.apply(sums), y);
    }

    #[inline(always)]
    fn finish<I: Floats>(self, sums: I::V, finish: &Finish<I>, y: &mut [f32]) {
        finish.store_part(sums, y);
    }
}

impl Channels for One {
    type V<I: Floats> = f32;

    #[inline(always)]
    fn width(self) -> usize {
        1
    }

    #[inline(always)]
    unsafe fn load<I: Floats>(self, _isa: I, x: *const f32) -> f32 {
        // SAFETY: the caller's promise.
        unsafe { *x }
    }

    #[inline(always)]
    fn mul_add<I: Floats>(self, isa: I, a: f32, b: f32, c: f32) -> f32 {
        isa.mul_add1(a, b, c)
    }

    #[inline(always)]
    fn store<I: Floats>(self, isa: I, sums: Self::V<I>, clamp: &Clamp<I>, y: &mut [f32]) {
        if let Some(y) = y.first_mut() {
            *y = clamp.apply1(isa.splat(sums));
        }
    }

    #[inline(always)]
    fn finish<I: Floats>(self, sums: f32, finish: &Finish<I>, y: &mut [f32]) {
        if let Some(y) = y.first_mut() {
            finish.store1(sums, y);
        }
    }
}

/// The taps of windows: `rows * columns` of them, from the first tap of a window on.
#[derive(Clone, Copy, Debug)]
pub struct RegionTaps<'a> {
    /// Rows of taps.
    pub rows: usize,
    /// Inputs between neighbouring rows.
    pub row_inputs: usize,
    /// Weights between neighbouring rows.
    pub row_weights: usize,
    /// Taps in a row.
    pub columns: usize,
    /// Inputs between neighbouring taps of a row.
    pub column_inputs: usize,
    /// Weights between neighbouring taps of a row.
    pub column_weights: usize,
    /// The weights, from the first tap and channel on.
    pub w: &'a [f32],
}

/// Adds the products of `R` pixels to the sums, tap by tap, for the channels of `block` from `first` on. The first
/// channels of the pixels lie in `x` at `at`. Returns early if an operand is too short; the plan rules that out.
#[inline(always)]
pub fn add<I: Floats, C: Channels, const R: usize>(
    isa: I,
    (block, first): (C, usize),
    sums: &mut [C::V<I>; ROWS],
    (x, at): (&[f32], Line),
    taps: &RegionTaps<'_>,
) {
    if taps.rows == 0 || taps.columns == 0 {
        return;
    }
    let last = at.last(R);
    let end = first + block.width();
    let inputs = (taps.rows - 1) * taps.row_inputs + (taps.columns - 1) * taps.column_inputs;
    let weights = (taps.rows - 1) * taps.row_weights + (taps.columns - 1) * taps.column_weights;
    if last + inputs + end > x.len() || weights + end > taps.w.len() {
        debug_assert!(false, "a window lies outside");
        return;
    }
    let mut pixels = [x.as_ptr(); ROWS];
    // SAFETY: the last element that is read lies in `x`, and this pointer is at or before it.
    each_row!(R, ROW => { pixels[ROW] = unsafe { x.as_ptr().add(at.of(ROW) + first) }; });
    for row in 0..taps.rows {
        for column in 0..taps.columns {
            let input = row * taps.row_inputs + column * taps.column_inputs;
            let weight = row * taps.row_weights + column * taps.column_weights;
            // SAFETY: `input` is at most `inputs`, and `weight` at most `weights`; from there on the channels up to
            // `end` lie inside `x` and the weights.
            unsafe {
                let weights = block.load(isa, taps.w.as_ptr().add(weight + first));
                each_row!(R, ROW => {
                    let x = block.load(isa, pixels[ROW].add(input));
                    sums[ROW] = block.mul_add(isa, x, weights, sums[ROW]);
                });
            }
        }
    }
}

/// The bias of the channels of `block` from `first` on; zeros if there is no bias.
#[inline(always)]
pub fn start<I: Floats, C: Channels>(isa: I, block: C, first: usize, bias: &[f32]) -> C::V<I> {
    const NONE: [f32; 2 * LANES] = [0.0; 2 * LANES];
    let bias = match bias.get(first..first + block.width()) {
        Some(bias) => bias,
        None => NONE.as_slice(),
    };
    debug_assert!(bias.len() >= block.width());
    // SAFETY: both slices are long enough: no block is wider than two vectors.
    unsafe { block.load(isa, bias.as_ptr()) }
}

/// The pixels of a tile, for the loop of an instruction set.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    /// The number of pixels.
    pub rows: usize,
    /// The input.
    pub x: &'a [f32],
    /// Where the first tap of each pixel begins.
    pub x_at: Line,
    /// Where the outputs of each pixel begin.
    pub y_at: Line,
    /// The bias; may be empty.
    pub bias: &'a [f32],
    /// The bounds of the results.
    pub bounds: Bounds,
}

/// Computes `channels` channels of a tile by the instruction set's own loop, which needs [`Floats::is_wide`]. Returns
/// early if an operand is too short; the plan rules that out.
#[inline(always)]
pub fn wide<I: Floats>(isa: I, channels: usize, tile: &Pixels<'_>, taps: &RegionTaps<'_>, y: &mut [f32]) {
    const SIZE: usize = size_of::<f32>();
    const ZEROS: [f32; PANEL] = [0.0; PANEL];
    let is_empty = taps.rows == 0 || taps.columns == 0;
    let has_bias = tile.bias.len() >= channels;
    if is_empty {
        for row in 0..tile.rows {
            let y = y.get_mut(tile.y_at.of(row)..).and_then(|y| y.get_mut(..channels)).unwrap_or(&mut []);
            for (i, y) in y.iter_mut().enumerate() {
                *y = tile.bounds.apply(tile.bias.get(i).copied().unwrap_or(0.0));
            }
        }
        return;
    }
    let inputs = (taps.rows - 1) * taps.row_inputs + (taps.columns - 1) * taps.column_inputs;
    let weights = (taps.rows - 1) * taps.row_weights + (taps.columns - 1) * taps.column_weights;
    let is_inside = tile.x_at.is_even(tile.rows)
        && tile.y_at.is_even(tile.rows)
        && tile.x_at.last(tile.rows) + inputs + channels <= tile.x.len()
        && tile.y_at.last(tile.rows) + channels <= y.len()
        && weights + channels <= taps.w.len();
    if !is_inside {
        debug_assert!(false, "a window lies outside");
        return;
    }
    // If the number of pixels is odd, the halves share a pixel, which is computed twice.
    let half = tile.rows - tile.rows / 2;
    let mut windows = Windows {
        x: Pointers::new(tile.x.as_ptr(), tile.x_at, tile.rows, half),
        y: Pointers::new(y.as_mut_ptr(), tile.y_at, tile.rows, half),
        bias: if has_bias { tile.bias.as_ptr() } else { ZEROS.as_ptr() },
        w: taps.w.as_ptr(),
        // Rows of taps may overlap; the step is negative then.
        row_inputs: taps.row_inputs.wrapping_sub(taps.columns * taps.column_inputs).wrapping_mul(SIZE),
        row_weights: taps.row_weights.wrapping_sub(taps.columns * taps.column_weights).wrapping_mul(SIZE),
        column_inputs: taps.column_inputs * SIZE,
        column_weights: taps.column_weights * SIZE,
        rows: taps.rows as u32,
        columns: taps.columns as u32,
        mask: u32::MAX,
        bounds: tile.bounds,
    };
    let mut left = channels;
    while left > 0 {
        let width = if left < PANEL { left } else { PANEL };
        windows.mask = (1 << width) - 1;
        // SAFETY: everything that is read or written lies inside, as checked above.
        unsafe { isa.windows(half, &windows) };
        windows.x.first = windows.x.first.wrapping_add(PANEL);
        windows.y.first = windows.y.first.wrapping_add(PANEL);
        windows.w = windows.w.wrapping_add(PANEL);
        if has_bias {
            windows.bias = windows.bias.wrapping_add(PANEL);
        }
        left -= width;
    }
}
