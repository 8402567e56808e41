// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Columns of a weight panel: how a tile holds the sums of one row for them.
//!
//! Wide instruction sets take a whole panel at once and mask what a narrow one lacks; others take eight columns, then
//! the rest one by one.
use super::super::arch::isa::{Isa, LANES};
use super::epilogue::Finish;

/// Columns of a weight panel.
pub const PANEL: usize = 2 * LANES;

/// Panels that [`Four`] takes at once.
pub const FOUR: usize = 4;

/// Some columns of a panel, as one row of a tile holds them.
pub trait Columns: Copy {
    /// The sums of one row.
    type Sums<I: Isa>: Copy;
    /// Weights of these columns at one depth.
    type Weights<I: Isa>: Copy;
    /// Weights of the panel at several depths.
    type Panel<'w>: Copy;

    /// How many columns there are.
    fn width(self) -> usize;
    /// The panel at the start of `w`, `depth` deep; none where `w` is shorter.
    fn panel(self, w: &[f32], depth: usize) -> Option<Self::Panel<'_>>;
    /// The weights at depth `k`, which is less than the panel is deep.
    fn weights<I: Isa>(self, isa: I, panel: Self::Panel<'_>, k: usize) -> Self::Weights<I>;
    /// Sums that hold `start`, which has [`Columns::width`] elements; zeros where it is empty.
    fn start<I: Isa>(self, isa: I, start: &[f32]) -> Self::Sums<I>;
    /// Adds the products of `x` with the weights, each by one [`Isa::mul_add`].
    fn add<I: Isa>(self, isa: I, sums: &mut Self::Sums<I>, x: f32, weights: Self::Weights<I>);
    /// Finishes the sums and stores them in `y`, which has [`Columns::width`] elements.
    fn finish<I: Isa>(self, sums: Self::Sums<I>, finish: &Finish<I>, y: &mut [f32]);
}

/// The sixteen columns of a full panel, in two vectors.
#[derive(Clone, Copy)]
pub struct Full;

/// All columns of a panel that has 9 to 15, in two vectors.
#[derive(Clone, Copy)]
pub struct Wide {
    /// How many columns the panel has.
    pub columns: usize,
}

/// All columns of a panel that has 1 to 8, in one vector.
#[derive(Clone, Copy)]
pub struct Narrow {
    /// How many columns the panel has.
    pub columns: usize,
}

/// Eight columns of a panel, in one vector.
#[derive(Clone, Copy)]
pub struct Eight {
    /// How many columns the panel has.
    pub columns: usize,
    /// The first of the eight.
    pub first: usize,
}

/// One column of a panel.
#[derive(Clone, Copy)]
pub struct One {
    /// How many columns the panel has.
    pub columns: usize,
    /// Which one.
    pub first: usize,
}

/// The columns of four full panels that follow each other: enough sums to hide the latency of the additions where
/// there is a single row.
#[derive(Clone, Copy)]
pub struct Four;

/// The first `columns * depth` weights.
#[inline(always)]
fn whole(w: &[f32], columns: usize, depth: usize) -> Option<&[f32]> {
    w.get(..columns * depth)
}

/// The weights at depth `k`, from column `first` on.
#[inline(always)]
fn from(panel: &[f32], columns: usize, k: usize, first: usize) -> &[f32] {
    panel.get(k * columns + first..).unwrap_or(&[])
}

/// Two vectors; zeros where `x` is too short, which it is not.
#[inline(always)]
fn load_two<I: Isa>(isa: I, x: &[f32]) -> [I::V; 2] {
    match x.as_chunks::<LANES>().0 {
        [a, b, ..] => [isa.load(a), isa.load(b)],
        [] | [_] => [isa.splat(0.0); 2],
    }
}

#[inline(always)]
fn load_one<I: Isa>(isa: I, x: &[f32]) -> I::V {
    match x.first_chunk() {
        Some(x) => isa.load(x),
        None => isa.splat(0.0),
    }
}

#[inline(always)]
fn add_two<I: Isa>(isa: I, sums: &mut [I::V; 2], x: f32, weights: [I::V; 2]) {
    let x = isa.splat(x);
    *sums = [isa.mul_add(x, weights[0], sums[0]), isa.mul_add(x, weights[1], sums[1])];
}

#[inline(always)]
fn finish_two<I: Isa>(sums: [I::V; 2], finish: &Finish<I>, y: &mut [f32]) {
    if let [a, b, ..] = y.as_chunks_mut::<LANES>().0 {
        finish.store(sums[0], a);
        finish.store(sums[1], b);
    }
}

impl Columns for Full {
    type Sums<I: Isa> = [I::V; 2];
    type Weights<I: Isa> = [I::V; 2];
    type Panel<'w> = &'w [[f32; PANEL]];

    #[inline(always)]
    fn width(self) -> usize {
        PANEL
    }

    #[inline(always)]
    fn panel(self, w: &[f32], depth: usize) -> Option<&[[f32; PANEL]]> {
        w.as_chunks::<PANEL>().0.get(..depth)
    }

    #[inline(always)]
    fn weights<I: Isa>(self, isa: I, panel: &[[f32; PANEL]], k: usize) -> Self::Weights<I> {
        match panel.get(k) {
            Some(row) => load_two(isa, row),
            None => [isa.splat(0.0); 2],
        }
    }

    #[inline(always)]
    fn start<I: Isa>(self, isa: I, start: &[f32]) -> Self::Sums<I> {
        load_two(isa, start)
    }

    #[inline(always)]
    fn add<I: Isa>(self, isa: I, sums: &mut Self::Sums<I>, x: f32, weights: Self::Weights<I>) {
        add_two(isa, sums, x, weights);
    }

    #[inline(always)]
    fn finish<I: Isa>(self, sums: Self::Sums<I>, finish: &Finish<I>, y: &mut [f32]) {
        finish_two(sums, finish, y);
    }
}

impl Columns for Wide {
    type Sums<I: Isa> = [I::V; 2];
    type Weights<I: Isa> = [I::V; 2];
    type Panel<'w> = &'w [f32];

    #[inline(always)]
    fn width(self) -> usize {
        self.columns
    }

    #[inline(always)]
    fn panel(self, w: &[f32], depth: usize) -> Option<&[f32]> {
        whole(w, self.columns, depth)
    }

    #[inline(always)]
    fn weights<I: Isa>(self, isa: I, panel: &[f32], k: usize) -> Self::Weights<I> {
        let row = from(panel, self.columns, k, 0);
        self.start(isa, row.get(..self.columns).unwrap_or(&[]))
    }

    #[inline(always)]
    fn start<I: Isa>(self, isa: I, start: &[f32]) -> Self::Sums<I> {
        match start.split_first_chunk() {
            Some((a, b)) => [isa.load(a), isa.load_part(b)],
            None => [isa.splat(0.0); 2],
        }
    }

    #[inline(always)]
    fn add<I: Isa>(self, isa: I, sums: &mut Self::Sums<I>, x: f32, weights: Self::Weights<I>) {
        add_two(isa, sums, x, weights);
    }

    #[inline(always)]
    fn finish<I: Isa>(self, sums: Self::Sums<I>, finish: &Finish<I>, y: &mut [f32]) {
        if let Some((a, b)) = y.split_first_chunk_mut() {
            finish.store(sums[0], a);
            finish.store_part(sums[1], b);
        }
    }
}

impl Columns for Narrow {
    type Sums<I: Isa> = I::V;
    type Weights<I: Isa> = I::V;
    type Panel<'w> = &'w [f32];

    #[inline(always)]
    fn width(self) -> usize {
        self.columns
    }

    #[inline(always)]
    fn panel(self, w: &[f32], depth: usize) -> Option<&[f32]> {
        whole(w, self.columns, depth)
    }

    #[inline(always)]
    fn weights<I: Isa>(self, isa: I, panel: &[f32], k: usize) -> Self::Weights<I> {
        let row = from(panel, self.columns, k, 0);
        isa.load_part(row.get(..self.columns).unwrap_or(&[]))
    }

    #[inline(always)]
    fn start<I: Isa>(self, isa: I, start: &[f32]) -> Self::Sums<I> {
        isa.load_part(start)
    }

    #[inline(always)]
    fn add<I: Isa>(self, isa: I, sums: &mut Self::Sums<I>, x: f32, weights: Self::Weights<I>) {
        *sums = isa.mul_add(isa.splat(x), weights, *sums);
    }

    #[inline(always)]
    fn finish<I: Isa>(self, sums: Self::Sums<I>, finish: &Finish<I>, y: &mut [f32]) {
        finish.store_part(sums, y);
    }
}

impl Columns for Eight {
    type Sums<I: Isa> = I::V;
    type Weights<I: Isa> = I::V;
    type Panel<'w> = &'w [f32];

    #[inline(always)]
    fn width(self) -> usize {
        LANES
    }

    #[inline(always)]
    fn panel(self, w: &[f32], depth: usize) -> Option<&[f32]> {
        whole(w, self.columns, depth)
    }

    #[inline(always)]
    fn weights<I: Isa>(self, isa: I, panel: &[f32], k: usize) -> Self::Weights<I> {
        load_one(isa, from(panel, self.columns, k, self.first))
    }

    #[inline(always)]
    fn start<I: Isa>(self, isa: I, start: &[f32]) -> Self::Sums<I> {
        load_one(isa, start)
    }

    #[inline(always)]
    fn add<I: Isa>(self, isa: I, sums: &mut Self::Sums<I>, x: f32, weights: Self::Weights<I>) {
        *sums = isa.mul_add(isa.splat(x), weights, *sums);
    }

    #[inline(always)]
    fn finish<I: Isa>(self, sums: Self::Sums<I>, finish: &Finish<I>, y: &mut [f32]) {
        if let Some(y) = y.first_chunk_mut() {
            finish.store(sums, y);
        }
    }
}

impl Columns for One {
    type Sums<I: Isa> = f32;
    type Weights<I: Isa> = f32;
    type Panel<'w> = &'w [f32];

    #[inline(always)]
    fn width(self) -> usize {
        1
    }

    #[inline(always)]
    fn panel(self, w: &[f32], depth: usize) -> Option<&[f32]> {
        whole(w, self.columns, depth)
    }

    #[inline(always)]
    fn weights<I: Isa>(self, _isa: I, panel: &[f32], k: usize) -> f32 {
        panel.get(k * self.columns + self.first).copied().unwrap_or(0.0)
    }

    #[inline(always)]
    fn start<I: Isa>(self, _isa: I, start: &[f32]) -> f32 {
        start.first().copied().unwrap_or(0.0)
    }

    #[inline(always)]
    fn add<I: Isa>(self, isa: I, sums: &mut f32, x: f32, weights: f32) {
        *sums = isa.mul_add1(x, weights, *sums);
    }

    #[inline(always)]
    fn finish<I: Isa>(self, sums: f32, finish: &Finish<I>, y: &mut [f32]) {
        if let Some(y) = y.first_mut() {
            finish.store1(sums, y);
        }
    }
}

impl Columns for Four {
    type Sums<I: Isa> = [[I::V; 2]; FOUR];
    type Weights<I: Isa> = [[I::V; 2]; FOUR];
    type Panel<'w> = [&'w [[f32; PANEL]]; FOUR];

    #[inline(always)]
    fn width(self) -> usize {
        FOUR * PANEL
    }

    #[inline(always)]
    fn panel(self, w: &[f32], depth: usize) -> Option<Self::Panel<'_>> {
        let (a, w) = w.as_chunks::<PANEL>().0.split_at_checked(depth)?;
        let (b, w) = w.split_at_checked(depth)?;
        let (c, w) = w.split_at_checked(depth)?;
        Some([a, b, c, w.get(..depth)?])
    }

    #[inline(always)]
    fn weights<I: Isa>(self, isa: I, [a, b, c, d]: Self::Panel<'_>, k: usize) -> Self::Weights<I> {
        // No closure: one that is not inlined would not have the vector instructions.
        [Full.weights(isa, a, k), Full.weights(isa, b, k), Full.weights(isa, c, k), Full.weights(isa, d, k)]
    }

    #[inline(always)]
    fn start<I: Isa>(self, isa: I, start: &[f32]) -> Self::Sums<I> {
        match start.as_chunks::<PANEL>().0 {
            [a, b, c, d, ..] => [load_two(isa, a), load_two(isa, b), load_two(isa, c), load_two(isa, d)],
            _ => [[isa.splat(0.0); 2]; FOUR],
        }
    }

    #[inline(always)]
    fn add<I: Isa>(self, isa: I, [a, b, c, d]: &mut Self::Sums<I>, x: f32, weights: Self::Weights<I>) {
        add_two(isa, a, x, weights[0]);
        add_two(isa, b, x, weights[1]);
        add_two(isa, c, x, weights[2]);
        add_two(isa, d, x, weights[3]);
    }

    #[inline(always)]
    fn finish<I: Isa>(self, sums: Self::Sums<I>, finish: &Finish<I>, y: &mut [f32]) {
        if let [a, b, c, d, ..] = y.as_chunks_mut::<PANEL>().0 {
            finish_two(sums[0], finish, a);
            finish_two(sums[1], finish, b);
            finish_two(sums[2], finish, c);
            finish_two(sums[3], finish, d);
        }
    }
}
