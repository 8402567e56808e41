// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The inner loop of convolutions and matrix products in small code: up to sixteen columns of four pixels. On vector
//! instructions their sums stay in registers.
//!
//! Invariants: everything that the loop reads or writes lies inside its slices, which is checked once, before it. Each
//! sum adds its products in the order of the taps, each by one [`Isa::mul_add`](super::super::arch::isa::Isa::mul_add).
use super::super::arch::floats::{FloatKernel, Floats};
use super::super::terms::epilogue::Residual;
use super::super::terms::sizes::LANES;
use super::super::terms::tile::{COLUMNS, PIXELS, Pixel, TapGrid, Tile};
use super::each_pixel::each_pixel;
use super::finish::Clamp;
use core::slice;

/// Adds a pixel to the tile, and computes the tile if it is full then.
#[inline(always)]
pub fn push<I: Floats>(isa: I, tile: &mut Tile<'_>, pixel: Pixel) {
    if tile.count == 0 {
        tile.pixels = [pixel; PIXELS];
    }
    if let Some(place) = tile.pixels.get_mut(tile.count) {
        *place = pixel;
    }
    tile.count += 1;
    if tile.count == PIXELS {
        compute(isa, tile);
    }
}

/// Computes the tile, if it has pixels. Returns early if an operand is too short; the plan rules that out.
#[inline(never)]
pub fn compute<I: Floats>(isa: I, tile: &mut Tile<'_>) {
    if tile.count > 0 && fits(tile) {
        isa.dispatch_floats(Inside(tile));
    } else {
        debug_assert!(tile.count == 0, "a tile lies outside");
    }
    tile.count = 0;
}

/// Whether everything that is read or written lies inside.
#[inline(always)]
fn fits(tile: &Tile<'_>) -> bool {
    let (mut x, mut y) = (0, 0);
    for pixel in &tile.pixels {
        x = if pixel.x > x { pixel.x } else { x };
        y = if pixel.y > y { pixel.y } else { y };
    }
    let TapGrid { rows, row_inputs, row_gap, columns, column_inputs, depth, pitch } = tile.taps;
    let row = columns * depth;
    if rows * row > 0 {
        // The index of the last input and of the last weight, plus the columns that start there.
        let inputs = x + (rows - 1) * row_inputs + (columns - 1) * column_inputs + depth - 1 + tile.width;
        let inputs = if tile.apart { inputs } else { inputs + 1 - tile.width };
        let weights = (rows - 1) * (row * pitch + row_gap) + (row - 1) * pitch + tile.width;
        if inputs > tile.x.len() || weights > tile.w.len() {
            return false;
        }
    }
    tile.width <= COLUMNS && y + tile.width <= tile.y.len()
}

/// A tile whose operands all lie inside.
struct Inside<'a, 'b>(&'a mut Tile<'b>);

/// Loads `width` elements from `x` on into two vectors; the other lanes are 0.
///
/// # Safety
/// `width` elements may be read at `x`.
#[inline(always)]
pub unsafe fn load<I: Floats>(isa: I, x: *const f32, width: usize) -> [I::V; 2] {
    let (next, left) = (x.wrapping_add(LANES), width.saturating_sub(LANES));
    // SAFETY: the caller's promise; the second slice is empty if the first vector holds all elements.
    unsafe { [isa.load_part(slice::from_raw_parts(x, width)), isa.load_part(slice::from_raw_parts(next, left))] }
}

/// Stores the first `width` lanes from `y` on.
///
/// # Safety
/// `width` elements may be written at `y`.
#[inline(always)]
pub unsafe fn store<I: Floats>(isa: I, v: [I::V; 2], y: *mut f32, width: usize) {
    let (next, left) = (y.wrapping_add(LANES), width.saturating_sub(LANES));
    // SAFETY: as for `load`; one slice at a time.
    unsafe {
        isa.store_part(v[0], slice::from_raw_parts_mut(y, width));
        isa.store_part(v[1], slice::from_raw_parts_mut(next, left));
    }
}

/// `sums + x * w`, lane by lane.
#[inline(always)]
fn mul_add<I: Floats>(isa: I, x: [I::V; 2], w: [I::V; 2], sums: [I::V; 2]) -> [I::V; 2] {
    [isa.mul_add(x[0], w[0], sums[0]), isa.mul_add(x[1], w[1], sums[1])]
}

impl FloatKernel for Inside<'_, '_> {
    #[inline(always)]
    fn run<I: Floats>(self, isa: I) {
        // SAFETY: everything that is read or written lies inside, by `fits`.
        if unsafe { isa.tile(self.0) } {
            return;
        }
        if I::TILE_VECTORS < 2 {
            self.columns(isa);
        } else {
            self.vectors(isa);
        }
    }
}

impl Inside<'_, '_> {
    /// Computes all columns of all pixels at once. All outputs are read before any is written, so two pixels may be the
    /// same.
    #[inline(always)]
    fn vectors<I: Floats>(self, isa: I) {
        let (x, mut w, y) = (self.0.x.as_ptr(), self.0.w.as_ptr(), self.0.y.as_mut_ptr());
        let Tile { taps, width, apart, plan, pixels, .. } = *self.0;
        let (mut xs, mut ys) = ([x; PIXELS], [y; PIXELS]);
        let mut sums = [[isa.splat(0.0); 2]; PIXELS];
        // SAFETY: everything that is read or written here lies inside, by `fits`.
        unsafe {
            each_pixel!(I => {
                xs[I] = x.wrapping_add(pixels[I].x);
                ys[I] = y.add(pixels[I].y);
                sums[I] = load(isa, self.0.start(ys[I]), width);
            });
            for row in 0..taps.rows {
                for column in 0..taps.columns {
                    let first = row * taps.row_inputs + column * taps.column_inputs;
                    for at in first..first + taps.depth {
                        let weights = load(isa, w, width);
                        w = w.wrapping_add(taps.pitch);
                        if apart {
                            each_pixel!(I => {
                                sums[I] = mul_add(isa, load(isa, xs[I].add(at), width), weights, sums[I]);
                            });
                        } else {
                            each_pixel!(I => {
                                let x = isa.splat(*xs[I].add(at));
                                sums[I] = mul_add(isa, [x, x], weights, sums[I]);
                            });
                        }
                    }
                }
                w = w.wrapping_add(taps.row_gap);
            }
            if plan.residual == Residual::Accumulate {
                each_pixel!(I => {
                    let y = load(isa, ys[I], width);
                    sums[I] = [isa.add(sums[I][0], y[0]), isa.add(sums[I][1], y[1])];
                });
            }
            let clamp = Clamp::new(isa, plan.bounds);
            each_pixel!(I => {
                store(isa, [clamp.apply(sums[I][0]), clamp.apply(sums[I][1])], ys[I], width);
            });
        }
    }

    /// Computes column by column.
    #[inline(always)]
    fn columns<I: Floats>(self, isa: I) {
        let (x, w, y) = (self.0.x.as_ptr(), self.0.w.as_ptr(), self.0.y.as_mut_ptr());
        let Tile { taps, width, apart, plan, pixels, count, .. } = *self.0;
        let mut next = 0;
        while next < count {
            let Some(pixel) = pixels.get(next) else { return };
            for column in 0..width {
                // SAFETY: everything that is read or written here lies inside, by `fits`. Without taps no input or
                // weight is read, and the slices may be empty: the pointers are made by wrapping.
                unsafe {
                    let y = y.add(pixel.y);
                    let mut sum = *self.0.start(y).add(column);
                    let y = y.add(column);
                    let x = x.wrapping_add(pixel.x + if apart { column } else { 0 });
                    let mut w = w.wrapping_add(column);
                    for row in 0..taps.rows {
                        for column in 0..taps.columns {
                            let first = row * taps.row_inputs + column * taps.column_inputs;
                            for at in first..first + taps.depth {
                                sum = isa.mul_add1(*x.add(at), *w, sum);
                                w = w.wrapping_add(taps.pitch);
                            }
                        }
                        w = w.wrapping_add(taps.row_gap);
                    }
                    if plan.residual == Residual::Accumulate {
                        sum += *y;
                    }
                    *y = plan.bounds.apply(sum);
                }
            }
            next += 1;
        }
    }
}
