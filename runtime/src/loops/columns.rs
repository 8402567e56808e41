// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Columns of weight panels, and the sums of one row of a tile for them.
//!
//! Wide instruction sets compute whole panels and mask the columns that a narrow one lacks. Others compute eight
//! columns at a time, then the rest one by one.
use super::super::arch::floats::Floats;
use super::super::terms::line::ROWS;
use super::super::terms::sizes::{LANES, PANEL};
use super::finish::Clamp;

/// How far ahead weights are prefetched.
const AHEAD: usize = 8 * PANEL;

/// Some columns of one or more panels.
///
/// # Safety
/// [`Columns::Sums`] consists of `f32` and [`Isa::V`](super::super::arch::isa::Isa::V) only.
pub unsafe trait Columns: Copy {
    /// The sums of one row.
    type Sums<I: Floats>: Copy;
    /// The weights of these columns for one input.
    type Weights<I: Floats>: Copy;

    /// Columns of a panel: the distance between the weights of neighbouring inputs.
    fn columns(self) -> usize;
    /// The number of panels.
    fn panels(self) -> usize;
    /// The number of these columns.
    fn width(self) -> usize;
    /// Loads the weights for one input.
    ///
    /// # Safety
    /// [`Columns::columns`] elements may be read at `w` and, for further panels, at each multiple of `panel` after it.
    unsafe fn weights<I: Floats>(self, isa: I, w: *const f32, panel: usize) -> Self::Weights<I>;
    /// Sums that start from `start`, which has [`Columns::width`] elements, or from zeros if it is empty.
    fn start<I: Floats>(self, isa: I, start: &[f32]) -> Self::Sums<I>;
    /// Adds `x` times the weights, each product by one [`Isa::mul_add`](super::super::arch::isa::Isa::mul_add).
    fn add<I: Floats>(self, isa: I, sums: &mut Self::Sums<I>, x: f32, weights: Self::Weights<I>);
    /// Stores the clamped sums in `y`, which has [`Columns::width`] elements.
    fn store<I: Floats>(self, isa: I, sums: Self::Sums<I>, clamp: &Clamp<I>, y: &mut [f32]);
    /// The sums of some rows as numbers: for each row [`Columns::width`] of them, then those that fill the last vector.
    #[inline(always)]
    fn numbers<I: Floats>(self, sums: &[Self::Sums<I>; ROWS]) -> &[f32] {
        // SAFETY: sums consist of `f32` and vectors of eight `f32` only.
        unsafe { slice(sums.as_ptr().cast(), size_of_val(sums) / size_of::<f32>()) }
    }
}

/// `P` neighbouring panels of sixteen columns.
#[derive(Clone, Copy)]
pub struct Full<const P: usize>;

/// All columns of a panel of 9 to 15, in two vectors.
#[derive(Clone, Copy)]
pub struct Wide {
    /// Columns of the panel.
    pub columns: usize,
}

/// All columns of a panel of 1 to 8, in one vector.
#[derive(Clone, Copy)]
pub struct Narrow {
    /// Columns of the panel.
    pub columns: usize,
}

/// Eight columns of a panel, in one vector.
#[derive(Clone, Copy)]
pub struct Eight {
    /// Columns of the panel.
    pub columns: usize,
    /// The first of the eight.
    pub first: usize,
}

/// One column of a panel.
#[derive(Clone, Copy)]
pub struct One {
    /// Columns of the panel.
    pub columns: usize,
    /// The number of the column.
    pub first: usize,
}

/// The `n` elements at `w`.
///
/// # Safety
/// They may be read for as long as the slice lives.
#[inline(always)]
unsafe fn slice<'a>(w: *const f32, n: usize) -> &'a [f32] {
    // SAFETY: the caller's promise.
    unsafe { core::slice::from_raw_parts(w, n) }
}

#[inline(always)]
fn load_two<I: Floats>(isa: I, x: &[f32]) -> [I::V; 2] {
    match x.as_chunks::<LANES>().0 {
        [a, b, ..] => [isa.load(a), isa.load(b)],
        [] | [_] => [isa.splat(0.0); 2],
    }
}

#[inline(always)]
fn load_one<I: Floats>(isa: I, x: &[f32]) -> I::V {
    match x.first_chunk() {
        Some(x) => isa.load(x),
        None => isa.splat(0.0),
    }
}

#[inline(always)]
fn add_two<I: Floats>(isa: I, sums: &mut [I::V; 2], x: f32, weights: [I::V; 2]) {
    let x = isa.splat(x);
    *sums = [isa.mul_add(x, weights[0], sums[0]), isa.mul_add(x, weights[1], sums[1])];
}

// SAFETY: see `Sums`.
unsafe impl<const P: usize> Columns for Full<P> {
    type Sums<I: Floats> = [[I::V; 2]; P];
    type Weights<I: Floats> = [[I::V; 2]; P];

    #[inline(always)]
    fn columns(self) -> usize {
        PANEL
    }

    #[inline(always)]
    fn panels(self) -> usize {
        P
    }

    #[inline(always)]
    fn width(self) -> usize {
        P * PANEL
    }

    #[inline(always)]
    unsafe fn weights<I: Floats>(self, isa: I, w: *const f32, panel: usize) -> Self::Weights<I> {
        let mut weights = [[isa.splat(0.0); 2]; P];
        for (p, weights) in weights.iter_mut().enumerate() {
            if P > 2 {
                // A single row uses each weight only once, so nothing else hides the latency of memory.
                isa.prefetch(w.wrapping_add(p * panel + AHEAD));
            }
            // SAFETY: the caller's promise.
            *weights = load_two(isa, unsafe { slice(w.add(p * panel), PANEL) });
        }
        weights
    }

    #[inline(always)]
    fn start<I: Floats>(self, isa: I, start: &[f32]) -> Self::Sums<I> {
        let mut sums = [[isa.splat(0.0); 2]; P];
        for (sums, start) in sums.iter_mut().zip(start.as_chunks::<PANEL>().0) {
            *sums = load_two(isa, start);
        }
        sums
    }

    #[inline(always)]
    fn add<I: Floats>(self, isa: I, sums: &mut Self::Sums<I>, x: f32, weights: Self::Weights<I>) {
        for (sums, weights) in sums.iter_mut().zip(weights) {
            add_two(isa, sums, x, weights);
        }
    }

    #[inline(always)]
    fn store<I: Floats>(self, isa: I, sums: Self::Sums<I>, clamp: &Clamp<I>, y: &mut [f32]) {
        for (sums, y) in sums.as_flattened().iter().zip(y.as_chunks_mut().0) {
            isa.store(clamp.apply(*sums), y);
        }
    }
}

// SAFETY: see `Sums`.
unsafe impl Columns for Wide {
    type Sums<I: Floats> = [I::V; 2];
    type Weights<I: Floats> = [I::V; 2];

    #[inline(always)]
    fn columns(self) -> usize {
        self.columns
    }

    #[inline(always)]
    fn panels(self) -> usize {
        1
    }

    #[inline(always)]
    fn width(self) -> usize {
        self.columns
    }

    #[inline(always)]
    unsafe fn weights<I: Floats>(self, isa: I, w: *const f32, _panel: usize) -> Self::Weights<I> {
        // SAFETY: the caller's promise.
        self.start(isa, unsafe { slice(w, self.columns) })
    }

    #[inline(always)]
    fn start<I: Floats>(self, isa: I, start: &[f32]) -> Self::Sums<I> {
        match start.split_first_chunk() {
            Some((a, b)) => [isa.load(a), isa.load_part(b)],
            None => [isa.splat(0.0); 2],
        }
    }

    #[inline(always)]
    fn add<I: Floats>(self, isa: I, sums: &mut Self::Sums<I>, x: f32, weights: Self::Weights<I>) {
        add_two(isa, sums, x, weights);
    }

    #[inline(always)]
    fn store<I: Floats>(self, isa: I, sums: Self::Sums<I>, clamp: &Clamp<I>, y: &mut [f32]) {
        if let Some((a, b)) = y.split_first_chunk_mut() {
            isa.store(clamp.apply(sums[0]), a);
            isa.store_part(clamp.apply(sums[1]), b);
        }
    }
}

// SAFETY: see `Sums`.
unsafe impl Columns for Narrow {
    type Sums<I: Floats> = I::V;
    type Weights<I: Floats> = I::V;

    #[inline(always)]
    fn columns(self) -> usize {
        self.columns
    }

    #[inline(always)]
    fn panels(self) -> usize {
        1
    }

    #[inline(always)]
    fn width(self) -> usize {
        self.columns
    }

    #[inline(always)]
    unsafe fn weights<I: Floats>(self, isa: I, w: *const f32, _panel: usize) -> Self::Weights<I> {
        // SAFETY: the caller's promise.
        isa.load_part(unsafe { slice(w, self.columns) })
    }

    #[inline(always)]
    fn start<I: Floats>(self, isa: I, start: &[f32]) -> Self::Sums<I> {
        isa.load_part(start)
    }

    #[inline(always)]
    fn add<I: Floats>(self, isa: I, sums: &mut Self::Sums<I>, x: f32, weights: Self::Weights<I>) {
        *sums = isa.mul_add(isa.splat(x), weights, *sums);
    }

    #[inline(always)]
    fn store<I: Floats>(self, isa: I, sums: Self::Sums<I>, clamp: &Clamp<I>, y: &mut [f32]) {
        isa.store_part(clamp.apply(sums), y);
    }
}

// SAFETY: see `Sums`.
unsafe impl Columns for Eight {
    type Sums<I: Floats> = I::V;
    type Weights<I: Floats> = I::V;

    #[inline(always)]
    fn columns(self) -> usize {
        self.columns
    }

    #[inline(always)]
    fn panels(self) -> usize {
        1
    }

    #[inline(always)]
    fn width(self) -> usize {
        LANES
    }

    #[inline(always)]
    unsafe fn weights<I: Floats>(self, isa: I, w: *const f32, _panel: usize) -> Self::Weights<I> {
        // SAFETY: the caller's promise.
        load_one(isa, unsafe { slice(w, self.columns) }.get(self.first..).unwrap_or(&[]))
    }

    #[inline(always)]
    fn start<I: Floats>(self, isa: I, start: &[f32]) -> Self::Sums<I> {
        load_one(isa, start)
    }

    #[inline(always)]
    fn add<I: Floats>(self, isa: I, sums: &mut Self::Sums<I>, x: f32, weights: Self::Weights<I>) {
        *sums = isa.mul_add(isa.splat(x), weights, *sums);
    }

    #[inline(always)]
    fn store<I: Floats>(self, isa: I, sums: Self::Sums<I>, clamp: &Clamp<I>, y: &mut [f32]) {
        if let Some(y) = y.first_chunk_mut() {
            isa.store(clamp.apply(sums), y);
        }
    }
}

// SAFETY: see `Sums`.
unsafe impl Columns for One {
    type Sums<I: Floats> = f32;
    type Weights<I: Floats> = f32;

    #[inline(always)]
    fn columns(self) -> usize {
        self.columns
    }

    #[inline(always)]
    fn panels(self) -> usize {
        1
    }

    #[inline(always)]
    fn width(self) -> usize {
        1
    }

    #[inline(always)]
    unsafe fn weights<I: Floats>(self, _isa: I, w: *const f32, _panel: usize) -> f32 {
        // SAFETY: the caller's promise.
        unsafe { slice(w, self.columns) }.get(self.first).copied().unwrap_or(0.0)
    }

    #[inline(always)]
    fn start<I: Floats>(self, _isa: I, start: &[f32]) -> f32 {
        start.first().copied().unwrap_or(0.0)
    }

    #[inline(always)]
    fn add<I: Floats>(self, isa: I, sums: &mut f32, x: f32, weights: f32) {
        *sums = isa.mul_add1(x, weights, *sums);
    }

    #[inline(always)]
    fn store<I: Floats>(self, isa: I, sums: Self::Sums<I>, clamp: &Clamp<I>, y: &mut [f32]) {
        if let Some(y) = y.first_mut() {
            *y = clamp.apply1(isa.splat(sums));
        }
    }
}
