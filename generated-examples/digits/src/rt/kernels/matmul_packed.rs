// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Matrix products with constant, packed weights; a single row is the matrix-vector form.
//!
//! Invariant: `y[i, j]` starts from `bias[j]` and adds `a[i, k] * w[k, j]` with `k` ascending, each by one multiply-add.
use super::super::arch::isa::{Cpu, Isa, Kernel};
use super::columns::{FOUR, Four, PANEL};
use super::epilogue::Epilogue;
use super::regions::{Places, even};
use super::rows::ROWS;
use super::tile::{Runs, Task, tile, tile_columns};

/// `y[m, n] = epilogue(bias + a[m, k] * w[k, n])`.
///
/// `w` lies in panels of 16 columns, each `[k][16]`; the last panel, where `n` is no multiple of 16, is `[k][n % 16]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatMulPacked {
    /// Rows of `a` and `y`.
    pub m: usize,
    /// Columns of `a`, rows of `w`.
    pub k: usize,
    /// Columns of `w` and `y`.
    pub n: usize,
    /// Elements between the starts of neighbouring rows of `a`.
    pub a_pitch: usize,
    /// Elements between the starts of neighbouring rows of `y`.
    pub y_pitch: usize,
    /// What is done with the sums.
    pub epilogue: Epilogue,
}

/// How parameters are written: what is given, and the rest as in most models.
impl MatMulPacked {
    /// Dense matrices, nothing done with the sums.
    pub const fn new(m: usize, k: usize, n: usize) -> Self {
        MatMulPacked { m, k, n, a_pitch: k, y_pitch: n, epilogue: Epilogue::NONE }
    }

    /// Elements between the starts of neighbouring rows of `a` and `y`.
    pub const fn pitch(self, a_pitch: usize, y_pitch: usize) -> Self {
        MatMulPacked { a_pitch, y_pitch, ..self }
    }

    /// What is done with the sums.
    pub const fn then(self, epilogue: Epilogue) -> Self {
        MatMulPacked { epilogue, ..self }
    }
}

/// Computes the product. `bias` has `n` elements or none, which are zeros.
#[inline]
pub fn matmul_packed<C: Cpu>(cpu: C, p: &MatMulPacked, a: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]) {
    debug_assert!(p.m == 0 || a.len() >= (p.m - 1) * p.a_pitch + p.k);
    debug_assert!(p.m == 0 || y.len() >= (p.m - 1) * p.y_pitch + p.n);
    debug_assert!(w.len() >= p.k * p.n);
    debug_assert!(bias.is_empty() || bias.len() >= p.n);
    cpu.run(Product { p, a, w, bias, y });
}

struct Product<'a> {
    p: &'a MatMulPacked,
    a: &'a [f32],
    w: &'a [f32],
    bias: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Product { p, a, w, bias, y } = self;
        let mut task =
            Task { x: a, w, bias, columns: PANEL, runs: Runs::one(p.k), epilogue: p.epilogue, resume: false };
        let mut column = 0;
        if p.m == 1 && I::TILE_VECTORS >= 2 {
            while column + FOUR * PANEL <= p.n {
                task.w = w.get(column * p.k..).unwrap_or(&[]);
                task.bias = bias.get(column..).unwrap_or(&[]);
                let places = Places { rows: 1, x: [0; ROWS], y: [column; ROWS] };
                tile_columns(isa, Four, 0, &task, &places, y);
                column += FOUR * PANEL;
            }
        }
        while column < p.n {
            task.columns = PANEL.min(p.n - column);
            task.w = w.get(column * p.k..).unwrap_or(&[]);
            task.bias = bias.get(column..).unwrap_or(&[]);
            panel(isa, p, column, &task, y);
            column += PANEL;
        }
    }
}

/// All rows of one panel, in tiles of nearly equal height.
#[inline(always)]
fn panel<I: Isa>(isa: I, p: &MatMulPacked, column: usize, task: &Task<'_>, y: &mut [f32]) {
    let mut row = 0;
    while row < p.m {
        let rows = even(p.m - row, I::TILE_ROWS);
        let mut places = Places { rows, x: [0; ROWS], y: [0; ROWS] };
        for (i, (x, y)) in places.x.iter_mut().zip(&mut places.y).enumerate() {
            *x = (row + i) * p.a_pitch;
            *y = (row + i) * p.y_pitch + column;
        }
        tile(isa, task, &places, y);
        row += rows;
    }
}
