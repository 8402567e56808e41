// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `argmax`: the place of the largest number.

/// The place of the largest number, of equal ones the first; NaN is never the largest. 0 where there is none.
#[must_use]
pub fn argmax<T: PartialOrd>(scores: &[T]) -> usize {
    let mut largest = None;
    for (place, score) in scores.iter().enumerate() {
        let is_number = score.partial_cmp(score).is_some();
        if is_number && largest.is_none_or(|(_, other)| score > other) {
            largest = Some((place, score));
        }
    }
    largest.map_or(0, |(place, _)| place)
}
