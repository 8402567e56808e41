// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Constant weights of which many are zero: a bitmap of all of them, and those that are not zero one after the other.
//!
//! A bit stands for a weight, in the order in which a dense kernel reads them, the first of a byte in its lowest bit; it is set
//! unless the weight is +0. (-0 counts as a value, so that sums have the same bits.) Values have something behind them, so that
//! eight can be read from where those of any byte begin.

/// A weight that can be made 0.
pub trait Value: Copy + Default {
    /// Itself if all bits of `mask` are set, 0 if none is.
    fn masked(self, mask: u32) -> Self;

    /// Values, and where weights go, by their type.
    fn typed<'a>(values: &'a [Self], to: &'a mut [Self]) -> Typed<'a>;
}

/// Values, and where weights go.
#[derive(Debug)]
pub enum Typed<'a> {
    /// Of floats.
    Floats(&'a [f32], &'a mut [f32]),
    /// Of bytes.
    Bytes(&'a [i8], &'a mut [i8]),
}

impl Value for f32 {
    #[inline(always)]
    fn masked(self, mask: u32) -> Self {
        f32::from_bits(self.to_bits() & mask)
    }

    #[inline(always)]
    fn typed<'a>(values: &'a [Self], to: &'a mut [Self]) -> Typed<'a> {
        Typed::Floats(values, to)
    }
}

impl Value for i8 {
    #[inline(always)]
    fn masked(self, mask: u32) -> Self {
        self & mask as i8
    }

    #[inline(always)]
    fn typed<'a>(values: &'a [Self], to: &'a mut [Self]) -> Typed<'a> {
        Typed::Bytes(values, to)
    }
}

/// How weights are unpacked: columns at a time, and how much of their depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sparse {
    /// Columns; the last ones may be fewer.
    pub columns: usize,
    /// Weights of a column: all, or whole eights.
    pub depth: usize,
}

/// Weights that are unpacked from the first to the last.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a, T> {
    /// The bitmap.
    pub mask: &'a [u8],
    /// The values.
    pub values: &'a [T],
}

/// Weights of a byte of the bitmap.
pub const EIGHT: usize = 8;

/// The weight of a bit, `shift` bits below the sign; `at` counts those that are there.
#[inline(always)]
fn weight<T: Value>(values: &[T; EIGHT], bits: i32, shift: u32, at: &mut usize) -> T {
    // The sign fills the mask of the weight.
    let mask = (bits << shift) >> 31;
    let weight = values.get(*at % EIGHT).copied().unwrap_or_default().masked(mask as u32);
    *at = at.wrapping_sub(mask as isize as usize);
    weight
}

impl<T: Value> Weights<'_, T> {
    /// Writes the next weights; behind the last byte of the bitmap there are zeros.
    #[inline(always)]
    pub fn unpack(&mut self, to: &mut [T]) {
        let (eights, rest) = to.as_chunks_mut::<EIGHT>();
        for to in eights {
            *to = self.eight();
        }
        if !rest.is_empty() {
            let last = self.eight();
            rest.iter_mut().zip(&last).for_each(|(to, weight)| *to = *weight);
        }
    }

    /// The weights of the next byte.
    #[inline(always)]
    fn eight(&mut self) -> [T; EIGHT] {
        let zero = T::default();
        let (Some((mask, masks)), Some(values)) = (self.mask.split_first(), self.values.first_chunk::<EIGHT>()) else {
            return [zero, zero, zero, zero, zero, zero, zero, zero];
        };
        let (bits, at) = (i32::from(*mask), &mut 0usize);
        // Spelled out: small code unrolls nothing.
        let weights = [
            weight(values, bits, 31, at),
            weight(values, bits, 30, at),
            weight(values, bits, 29, at),
            weight(values, bits, 28, at),
            weight(values, bits, 27, at),
            weight(values, bits, 26, at),
            weight(values, bits, 25, at),
            weight(values, bits, 24, at),
        ];
        let at = *at;
        self.mask = masks;
        self.values = self.values.get(at..).unwrap_or(&[]);
        weights
    }
}
