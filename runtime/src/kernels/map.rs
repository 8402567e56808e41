// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Elementwise computation: a scalar function of the elements of its operands.
//!
//! `map(cpu, (a, b), y, |(a, b)| a + b)` is for operands that all have the length of the result; `map_nd` for operands
//! that are broadcast or strided. `_in_place` forms write the result over an operand of the same type, and `try_` forms
//! take functions that may fail.
//!
//! The function is compiled into the loop once per instruction set, and the loop is vectorised if the function allows
//! it. Functions of more than a few dozen operations should be `#[inline(always)] fn` items: large closures are called
//! instead, one element at a time.
use super::super::arch::isa::{Cpu, Isa, Kernel};
use super::super::error::DataError;
use super::index::{Indices, offset};
use core::convert::Infallible;

/// The shape of an N-d map: a row of `inner` neighbouring elements for every index below `outer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Map<const D: usize> {
    /// Dimensions before the last one, outermost first.
    pub outer: [usize; D],
    /// Elements of a row: the last dimension.
    pub inner: usize,
    /// Strides of the result along `outer`, in elements.
    pub y: [usize; D],
}

/// An operand whose rows are neighbouring elements; with its strides along [`Map::outer`].
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a, T, const D: usize>(pub &'a [T], pub [usize; D]);

/// An operand with one element per row, which is repeated along the row; with its strides along [`Map::outer`].
#[derive(Clone, Copy, Debug)]
pub struct Splat<'a, T, const D: usize>(pub &'a [T], pub [usize; D]);

/// An operand whose rows are strided; with its strides along [`Map::outer`] and along the row.
#[derive(Clone, Copy, Debug)]
pub struct Strided<'a, T, const D: usize>(pub &'a [T], pub [usize; D], pub usize);

/// The elements of one operand, or of a tuple of them, along one row.
pub trait Row: Copy {
    /// The argument of the function: an element, or a tuple of them.
    type Item;
    /// Element `i`; `None` past the end.
    fn at(self, i: usize) -> Option<Self::Item>;
}

/// The input of a map over `D` outer dimensions: an operand, or a tuple of up to ten.
pub trait Source<const D: usize>: Copy {
    /// One row.
    type Row: Row;
    /// The row of `n` elements at an index below [`Map::outer`]; `None` if it lies outside the operand.
    fn row(self, at: &[usize; D], n: usize) -> Option<Self::Row>;
}

/// The argument that a source gives to the function.
pub type Item<S, const D: usize> = <<S as Source<D>>::Row as Row>::Item;

/// One element, repeated.
#[derive(Clone, Copy, Debug)]
pub struct Repeat<T>(T);

/// Elements of a slice at equal steps.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a, T>(&'a [T], usize);

impl<T: Copy> Row for &[T] {
    type Item = T;

    #[inline(always)]
    fn at(self, i: usize) -> Option<T> {
        self.get(i).copied()
    }
}

impl<T: Copy> Row for Repeat<T> {
    type Item = T;

    #[inline(always)]
    fn at(self, _: usize) -> Option<T> {
        Some(self.0)
    }
}

impl<T: Copy> Row for Steps<'_, T> {
    type Item = T;

    #[inline(always)]
    fn at(self, i: usize) -> Option<T> {
        self.0.get(i * self.1).copied()
    }
}

impl<'a, T: Copy, const D: usize> Source<D> for Dense<'a, T, D> {
    type Row = &'a [T];

    #[inline(always)]
    fn row(self, at: &[usize; D], n: usize) -> Option<&'a [T]> {
        self.0.get(offset(at, &self.1)..)?.get(..n)
    }
}

impl<T: Copy, const D: usize> Source<D> for Splat<'_, T, D> {
    type Row = Repeat<T>;

    #[inline(always)]
    fn row(self, at: &[usize; D], _: usize) -> Option<Repeat<T>> {
        self.0.get(offset(at, &self.1)).copied().map(Repeat)
    }
}

impl<'a, T: Copy, const D: usize> Source<D> for Strided<'a, T, D> {
    type Row = Steps<'a, T>;

    #[inline(always)]
    fn row(self, at: &[usize; D], _: usize) -> Option<Steps<'a, T>> {
        Some(Steps(self.0.get(offset(at, &self.1)..)?, self.2))
    }
}

impl<'a, T: Copy> Source<0> for &'a [T] {
    type Row = &'a [T];

    #[inline(always)]
    fn row(self, _: &[usize; 0], n: usize) -> Option<&'a [T]> {
        self.get(..n)
    }
}

impl<'a, T: Copy, const N: usize> Source<0> for &'a [T; N] {
    type Row = &'a [T];

    #[inline(always)]
    fn row(self, _: &[usize; 0], n: usize) -> Option<&'a [T]> {
        self.get(..n)
    }
}

/// No other operands: the source of an in-place map of one operand.
impl Row for () {
    type Item = ();

    #[inline(always)]
    fn at(self, _: usize) -> Option<()> {
        Some(())
    }
}

impl<const D: usize> Source<D> for () {
    type Row = ();

    #[inline(always)]
    fn row(self, _: &[usize; D], _: usize) -> Option<()> {
        Some(())
    }
}

macro_rules! tuples {
    ($(($($s:ident)+))+) => {$(
        #[allow(non_snake_case)]
        impl<$($s: Row),+> Row for ($($s,)+) {
            type Item = ($($s::Item,)+);

            #[inline(always)]
            fn at(self, i: usize) -> Option<Self::Item> {
                let ($($s,)+) = self;
                Some(($($s.at(i)?,)+))
            }
        }

        #[allow(non_snake_case)]
        impl<const D: usize, $($s: Source<D>),+> Source<D> for ($($s,)+) {
            type Row = ($($s::Row,)+);

            #[inline(always)]
            fn row(self, at: &[usize; D], n: usize) -> Option<Self::Row> {
                let ($($s,)+) = self;
                Some(($($s.row(at, n)?,)+))
            }
        }
    )+};
}

tuples! { (A) (A B) (A B C) (A B C E) (A B C E F) (A B C E F G) (A B C E F G H) (A B C E F G H K) (A B C E F G H K L)
(A B C E F G H K L M) }

/// A map on an instruction set. `f` is applied to each element of `y` in place.
struct Rows<'a, S, Y, F, const D: usize> {
    map: &'a Map<D>,
    sources: S,
    y: &'a mut [Y],
    f: F,
}

impl<S, Y, F, E, const D: usize> Kernel for Rows<'_, S, Y, F, D>
where
    S: Source<D>,
    F: Fn(&mut Y, Item<S, D>) -> Result<(), E>,
{
    type Output = Result<(), E>;
    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self, _: I) -> Result<(), E> {
        let n = self.map.inner;
        if n == 0 {
            return Ok(());
        }
        for at in Indices::new(self.map.outer) {
            let y = self.y.get_mut(offset(&at, &self.map.y)..).and_then(|y| y.get_mut(..n));
            let (Some(y), Some(row)) = (y, self.sources.row(&at, n)) else {
                debug_assert!(false, "map: a row lies outside");
                return Ok(());
            };
            // All slices have `n` elements, so indices below `n` need no bounds check.
            let mut i = 0;
            while i < n {
                let (Some(y), Some(items)) = (y.get_mut(i), row.at(i)) else {
                    debug_assert!(false, "map: an element lies outside");
                    return Ok(());
                };
                (self.f)(y, items)?;
                i += 1;
            }
        }
        Ok(())
    }
}

/// `y = f(sources)`, element by element.
#[inline]
pub fn map<C: Cpu, S: Source<0>, Y>(cpu: C, sources: S, y: &mut [Y], f: impl Fn(Item<S, 0>) -> Y) {
    map_nd(cpu, &flat(y), sources, y, f);
}

/// `xy = f(xy, sources)`, element by element.
#[inline]
pub fn map_in_place<C: Cpu, S: Source<0>, Y: Copy>(cpu: C, sources: S, xy: &mut [Y], f: impl Fn(Y, Item<S, 0>) -> Y) {
    map_nd_in_place(cpu, &flat(xy), sources, xy, f);
}

/// [`map`] with a function that may fail.
///
/// # Errors
/// The first error of `f`; later elements of `y` are left as they are.
#[inline]
pub fn try_map<C: Cpu, S: Source<0>, Y>(
    cpu: C,
    sources: S,
    y: &mut [Y],
    f: impl Fn(Item<S, 0>) -> Result<Y, DataError>,
) -> Result<(), DataError> {
    try_map_nd(cpu, &flat(y), sources, y, f)
}

/// [`map_in_place`] with a function that may fail.
///
/// # Errors
/// The first error of `f`; later elements of `xy` are left as they are.
#[inline]
pub fn try_map_in_place<C: Cpu, S: Source<0>, Y: Copy>(
    cpu: C,
    sources: S,
    xy: &mut [Y],
    f: impl Fn(Y, Item<S, 0>) -> Result<Y, DataError>,
) -> Result<(), DataError> {
    try_map_nd_in_place(cpu, &flat(xy), sources, xy, f)
}

/// `y = f(sources)`, element by element, with strided rows.
#[inline]
pub fn map_nd<C: Cpu, S: Source<D>, Y, const D: usize>(
    cpu: C,
    map: &Map<D>,
    sources: S,
    y: &mut [Y],
    f: impl Fn(Item<S, D>) -> Y,
) {
    let f = |y: &mut Y, x| -> Result<(), Infallible> {
        *y = f(x);
        Ok(())
    };
    let Ok(()) = cpu.run(Rows { map, sources, y, f });
}

/// `xy = f(xy, sources)`, element by element, with strided rows.
#[inline]
pub fn map_nd_in_place<C: Cpu, S: Source<D>, Y: Copy, const D: usize>(
    cpu: C,
    map: &Map<D>,
    sources: S,
    xy: &mut [Y],
    f: impl Fn(Y, Item<S, D>) -> Y,
) {
    let f = |y: &mut Y, x| -> Result<(), Infallible> {
        *y = f(*y, x);
        Ok(())
    };
    let Ok(()) = cpu.run(Rows { map, sources, y: xy, f });
}

/// [`map_nd`] with a function that may fail.
///
/// # Errors
/// The first error of `f`; later elements of `y` are left as they are.
#[inline]
pub fn try_map_nd<C: Cpu, S: Source<D>, Y, const D: usize>(
    cpu: C,
    map: &Map<D>,
    sources: S,
    y: &mut [Y],
    f: impl Fn(Item<S, D>) -> Result<Y, DataError>,
) -> Result<(), DataError> {
    let f = |y: &mut Y, x| {
        *y = f(x)?;
        Ok(())
    };
    cpu.run(Rows { map, sources, y, f })
}

/// [`map_nd_in_place`] with a function that may fail.
///
/// # Errors
/// The first error of `f`; later elements of `xy` are left as they are.
#[inline]
pub fn try_map_nd_in_place<C: Cpu, S: Source<D>, Y: Copy, const D: usize>(
    cpu: C,
    map: &Map<D>,
    sources: S,
    xy: &mut [Y],
    f: impl Fn(Y, Item<S, D>) -> Result<Y, DataError>,
) -> Result<(), DataError> {
    let f = |y: &mut Y, x| {
        *y = f(*y, x)?;
        Ok(())
    };
    cpu.run(Rows { map, sources, y: xy, f })
}

/// One row of the length of the result.
#[inline]
fn flat<Y>(y: &[Y]) -> Map<0> {
    Map { outer: [], inner: y.len(), y: [] }
}
