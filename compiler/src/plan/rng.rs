//! A small seeded generator for searches: the same numbers on every machine and in every run.

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..end`; 0 if `end` is 0. Slightly biased, which a search does not mind.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = end as u64;
        // The remainder is below `end`, which came from a `usize`.
        if end == 0 { 0 } else { (self.next() % end) as usize }
    }
}
