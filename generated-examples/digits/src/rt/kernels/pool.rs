// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Maximum and average pooling, also in place.
//!
//! Invariants: taps are visited by window row, then column; taps in the padding are skipped. Outputs are written in the
//! order of the pixels, each after its window has been read.
use super::super::arch::isa::{Cpu, Isa, Kernel};
use super::super::terms::pool2d::Pool2d;
use super::super::terms::sizes::LANES;
use super::number::Number;

/// [`max_pool2d`] with input and output both at the start of `xy`; needs [`Pool2d::in_place_safe`].
#[inline]
pub fn max_pool2d_in_place<C: Cpu, T: Maximum>(cpu: C, p: &Pool2d, xy: &mut [T]) {
    debug_assert!(xy.len() >= p.in_len().max(p.out_len()) && p.in_place_safe());
    cpu.run(Pooling { p, maps: Same { xy }, operation: T::OPERATION });
}

/// The memory of input and output.
trait Maps {
    type T: Number;
    fn x(&self) -> &[Self::T];
    fn y(&mut self) -> &mut [Self::T];
}

/// Input and output in the same memory.
struct Same<'a, T> {
    xy: &'a mut [T],
}

impl<T: Number> Maps for Same<'_, T> {
    type T = T;

    #[inline(always)]
    fn x(&self) -> &[T] {
        self.xy
    }

    #[inline(always)]
    fn y(&mut self) -> &mut [T] {
        self.xy
    }
}

/// How the inputs of a window are combined, for eight channels at once and for one.
pub trait Operation<T>: Copy {
    /// Eight accumulators.
    type V<I: Isa>: Copy;
    /// Accumulators of an empty window.
    fn start<I: Isa>(self, isa: I) -> Self::V<I>;
    /// Adds one tap to the accumulators.
    fn take<I: Isa>(self, isa: I, v: Self::V<I>, x: &[T; LANES]) -> Self::V<I>;
    /// Stores the result of a window of `count` taps.
    fn finish<I: Isa>(self, isa: I, v: Self::V<I>, count: usize, y: &mut [T; LANES]);
    /// [`Operation::start`] for one channel.
    fn start1(self) -> T;
    /// [`Operation::take`] for one channel.
    fn take1(self, v: T, x: T) -> T;
    /// [`Operation::finish`] for one channel.
    fn finish1(self, v: T, count: usize) -> T;
}

/// An element type with a maximum.
pub trait Maximum: Number {
    /// How the maximum is computed.
    type Operation: Operation<Self>;
    /// The operation, which has no parameters.
    const OPERATION: Self::Operation;
}

/// The maximum, in vectors of `f32`.
#[derive(Clone, Copy)]
pub struct VectorMax;

/// The maximum of any number type; the compiler vectorises it if it can.
#[derive(Clone, Copy)]
pub struct NumberMax;

impl Maximum for f32 {
    type Operation = VectorMax;
    const OPERATION: VectorMax = VectorMax;
}

macro_rules! number_max {
    ($($t:ty)+) => { $(
        impl Maximum for $t {
            type Operation = NumberMax;
            const OPERATION: NumberMax = NumberMax;
        }
    )+ };
}
number_max!(f64 i8 i16 i32 i64 u8 u16 u32 u64);

impl Operation<f32> for VectorMax {
    type V<I: Isa> = I::V;

    #[inline(always)]
    fn start<I: Isa>(self, isa: I) -> I::V {
        isa.splat(f32::NEG_INFINITY)
    }

    #[inline(always)]
    fn take<I: Isa>(self, isa: I, v: I::V, x: &[f32; LANES]) -> I::V {
        isa.max(v, isa.load(x))
    }

    #[inline(always)]
    fn finish<I: Isa>(self, isa: I, v: I::V, _count: usize, y: &mut [f32; LANES]) {
        isa.store(v, y);
    }

    #[inline(always)]
    fn start1(self) -> f32 {
        f32::NEG_INFINITY
    }

    #[inline(always)]
    fn take1(self, v: f32, x: f32) -> f32 {
        Number::max(v, x)
    }

    #[inline(always)]
    fn finish1(self, v: f32, _count: usize) -> f32 {
        v
    }
}

impl<T: Number> Operation<T> for NumberMax {
    type V<I: Isa> = [T; LANES];

    #[inline(always)]
    fn start<I: Isa>(self, _isa: I) -> [T; LANES] {
        [T::LOWEST; LANES]
    }

    #[inline(always)]
    fn take<I: Isa>(self, _isa: I, mut v: [T; LANES], x: &[T; LANES]) -> [T; LANES] {
        for (v, x) in v.iter_mut().zip(x) {
            *v = v.max(*x);
        }
        v
    }

    #[inline(always)]
    fn finish<I: Isa>(self, _isa: I, v: [T; LANES], _count: usize, y: &mut [T; LANES]) {
        *y = v;
    }

    #[inline(always)]
    fn start1(self) -> T {
        T::LOWEST
    }

    #[inline(always)]
    fn take1(self, v: T, x: T) -> T {
        v.max(x)
    }

    #[inline(always)]
    fn finish1(self, v: T, _count: usize) -> T {
        v
    }
}

/// The taps of one window: `rows * columns` of them, from `first` on.
#[derive(Clone, Copy)]
struct Window {
    first: usize,
    rows: usize,
    row_step: usize,
    columns: usize,
    column_step: usize,
    /// The divisor of an average.
    count: usize,
    /// Where the result is stored.
    y: usize,
}

struct Pooling<'a, M, O> {
    p: &'a Pool2d,
    maps: M,
    operation: O,
}

impl<M: Maps, O: Operation<M::T>> Pooling<'_, M, O> {
    /// Computes all channels of one pixel.
    #[inline(always)]
    fn pixel<I: Isa>(&mut self, isa: I, window: &Window) {
        let mut channel = 0;
        while !I::COMPACT && channel + LANES <= self.p.channels {
            self.eight(isa, window, channel);
            channel += LANES;
        }
        while channel < self.p.channels {
            self.one(window, channel);
            channel += 1;
        }
    }

    #[inline(always)]
    fn eight<I: Isa>(&mut self, isa: I, window: &Window, channel: usize) {
        let mut v = self.operation.start(isa);
        for row in 0..window.rows {
            for column in 0..window.columns {
                let at = window.first + row * window.row_step + column * window.column_step;
                if let Some(x) = self.maps.x().get(at + channel..).and_then(|x| x.first_chunk()) {
                    v = self.operation.take(isa, v, x);
                }
            }
        }
        let y = self.maps.y().get_mut(window.y + channel..);
        if let Some(y) = y.and_then(|y| y.first_chunk_mut()) {
            self.operation.finish(isa, v, window.count, y);
        }
    }

    #[inline(always)]
    fn one(&mut self, window: &Window, channel: usize) {
        let mut v = self.operation.start1();
        for row in 0..window.rows {
            for column in 0..window.columns {
                let at = window.first + row * window.row_step + column * window.column_step;
                if let Some(x) = self.maps.x().get(at + channel) {
                    v = self.operation.take1(v, *x);
                }
            }
        }
        if let Some(y) = self.maps.y().get_mut(window.y + channel) {
            *y = self.operation.finish1(v, window.count);
        }
    }
}

impl<M: Maps, O: Operation<M::T>> Kernel for Pooling<'_, M, O> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let p = self.p;
        let (height, width) = (p.height(), p.width());
        for batch in 0..p.batch {
            for row in 0..p.out_h {
                let rows = height.taps(row);
                let first_row = batch * p.in_h + height.position(row, rows.first);
                for column in 0..p.out_w {
                    let columns = width.taps(column);
                    let first_column = width.position(column, columns.first);
                    let count = if p.count_include_pad {
                        height.padded_taps(row, p.pad_bottom) * width.padded_taps(column, p.pad_right)
                    } else {
                        rows.len() * columns.len()
                    };
                    let window = Window {
                        first: (first_row * p.in_w + first_column) * p.in_pitch,
                        rows: rows.len(),
                        row_step: p.dilation_h * p.in_w * p.in_pitch,
                        columns: columns.len(),
                        column_step: p.dilation_w * p.in_pitch,
                        count,
                        y: ((batch * p.out_h + row) * p.out_w + column) * p.out_pitch,
                    };
                    self.pixel(isa, &window);
                }
            }
        }
    }
}
