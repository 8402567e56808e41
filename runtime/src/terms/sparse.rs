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
}

impl Value for f32 {
    #[inline(always)]
    fn masked(self, mask: u32) -> Self {
        f32::from_bits(self.to_bits() & mask)
    }
}

impl Value for i8 {
    #[inline(always)]
    fn masked(self, mask: u32) -> Self {
        self & mask as i8
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
const EIGHT: usize = 8;

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
        let (bits, mut at) = (i32::from(*mask), 0usize);
        // The sign fills the mask of a weight. Spelled out: small code unrolls nothing.
        let mut next = |shift: u32| {
            let mask = (bits << shift) >> 31;
            let weight = values.get(at % EIGHT).copied().unwrap_or_default().masked(mask as u32);
            at = at.wrapping_sub(mask as isize as usize);
            weight
        };
        let weights = [next(31), next(30), next(29), next(28), next(27), next(26), next(25), next(24)];
        self.mask = masks;
        self.values = self.values.get(at..).unwrap_or(&[]);
        weights
    }
}
