// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Matrix products with constant, packed weights; with a single row, matrix-vector products.
//!
//! Invariant: `y[i, j]` starts from `bias[j]` and adds `a[i, k] * w[k, j]` with `k` ascending, each by one multiply-add.
use super::super::arch::floats::{FloatCpu, FloatKernel, Floats};
use super::super::loops::products::Runs;
use super::super::loops::tile::{Task, cached_columns, tile};
use super::super::terms::epilogue::Epilogue;
use super::super::terms::line::{Line, PLACES};
use super::super::terms::regions::{Places, even};

/// `y[m, n] = epilogue(bias + a[m, k] * w[k, n])`.
///
/// `w` consists of panels of 16 columns, each `[k][16]`; if `n` is not a multiple of 16, the last panel is
/// `[k][n % 16]`.
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
    /// What is done with the finished sums.
    pub epilogue: Epilogue,
}

/// A builder: `new` takes what every product has and sets the rest to common values.
impl MatMulPacked {
    /// Dense matrices without epilogue.
    pub const fn new(m: usize, k: usize, n: usize) -> Self {
        MatMulPacked { m, k, n, a_pitch: k, y_pitch: n, epilogue: Epilogue::NONE }
    }

    /// Sets the epilogue.
    pub const fn then(self, epilogue: Epilogue) -> Self {
        MatMulPacked { epilogue, ..self }
    }
}

/// Computes the product of one row (`m` is 1), without the code for more rows: small models consist of little else.
/// `bias` has `n` elements, or is empty for zeros.
#[inline]
pub fn matvec_packed<C: FloatCpu>(cpu: C, p: &MatMulPacked, a: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]) {
    debug_assert!(p.m == 1);
    product::<C, true>(cpu, p, (a, w, bias), y);
}

#[inline]
fn product<C: FloatCpu, const ROW: bool>(
    cpu: C,
    p: &MatMulPacked,
    (a, w, bias): (&[f32], &[f32], &[f32]),
    y: &mut [f32],
) {
    debug_assert!(p.m == 0 || a.len() >= (p.m - 1) * p.a_pitch + p.k);
    debug_assert!(p.m == 0 || y.len() >= (p.m - 1) * p.y_pitch + p.n);
    debug_assert!(w.len() >= p.k * p.n);
    debug_assert!(bias.is_empty() || bias.len() >= p.n);
    let product = Product::<ROW> { p, a, w, bias, y };
    if ROW { cpu.run_call(product) } else { cpu.run_floats(product) }
}

struct Product<'a, const ROW: bool> {
    p: &'a MatMulPacked,
    a: &'a [f32],
    w: &'a [f32],
    bias: &'a [f32],
    y: &'a mut [f32],
}

impl<const ROW: bool> FloatKernel for Product<'_, ROW> {
    #[inline(always)]
    fn run<I: Floats>(self, isa: I) {
        let Product { p, a, w, bias, y } = self;
        if ROW {
            let task = Task {
                x: a,
                w,
                depth: p.k,
                skip: 0,
                bias,
                columns: p.n,
                runs: Runs::one(p.k),
                plan: p.epilogue.plan(),
                resume: false,
            };
            tile::<I, 1>(isa, &task, &Places { rows: 1, x: Line::one(1, 0), y: Line::one(1, 0) }, y);
            return;
        }
        let chunk = cached_columns(p.k);
        let mut column = 0;
        while column < p.n {
            let columns = if p.n - column < chunk { p.n - column } else { chunk };
            let task = Task {
                x: a,
                w: w.get(column * p.k..).unwrap_or(&[]),
                depth: p.k,
                skip: 0,
                bias: bias.get(column..).unwrap_or(&[]),
                columns,
                runs: Runs::one(p.k),
                plan: p.epilogue.plan(),
                resume: false,
            };
            rows(isa, p, column, &task, y);
            column += columns;
        }
    }
}

/// Computes all rows of some columns, in tiles of nearly equal height.
#[inline(always)]
fn rows<I: Floats>(isa: I, p: &MatMulPacked, column: usize, task: &Task<'_>, y: &mut [f32]) {
    let mut row = 0;
    while row < p.m {
        let rows = even(p.m - row, isa.tile_rows());
        let line = |first, step| Line { first, ..Line::one(rows, step) };
        let places = Places { rows, x: line(row * p.a_pitch, p.a_pitch), y: line(row * p.y_pitch + column, p.y_pitch) };
        tile::<I, PLACES>(isa, task, &places, y);
        row += rows;
    }
}
