//! Test data that is the same in every run, and equality to the bit.
#![allow(dead_code, reason = "each test file uses a part")]

/// The full size of a test, or what takes its place under Miri, which is a thousand times slower: less of it, but enough
/// to reach every vector, tail and branch.
pub(crate) fn reduced<T>(full: T, under_miri: T) -> T {
    if cfg!(miri) { under_miri } else { full }
}

/// The numbers of so many rounds of a test. Under Miri they lie 29 apart, so that what goes by the remainder of a round's
/// number is met in all sizes.
pub(crate) fn rounds(full: usize, under_miri: usize) -> impl Iterator<Item = usize> {
    (0..reduced(full, under_miri)).map(|round| round * reduced(1, 29))
}

/// A splitmix64 generator.
pub(crate) struct Values(pub(crate) u64);

impl Values {
    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    /// A number in [-4, 4), with all bits of its significand at work.
    pub(crate) fn f32(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / 2_097_152.0 - 4.0
    }

    /// `n` numbers in [-4, 4).
    pub(crate) fn f32s(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.f32()).collect()
    }

    /// `n` numbers, every fourth of which is a zero of either sign, an infinity, a NaN or one of a few small integers.
    pub(crate) fn special(&mut self, n: usize) -> Vec<f32> {
        const SPECIAL: [f32; 9] = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1.0, -1.0, 2.0, 3.0];
        (0..n).map(|_| if self.below(4) == 0 { SPECIAL[self.below(SPECIAL.len())] } else { self.f32() }).collect()
    }
}

/// The bits of numbers, with one NaN for all.
pub(crate) fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() }).collect()
}

/// Every multi-index below `dims`, row-major.
pub(crate) fn indices(dims: &[usize]) -> Vec<Vec<usize>> {
    dims.iter().fold(vec![vec![]], |all, d| {
        all.iter().flat_map(|at| (0..*d).map(|i| at.iter().copied().chain([i]).collect())).collect()
    })
}

/// The row-major offset of an index.
pub(crate) fn offset(at: &[usize], dims: &[usize]) -> usize {
    at.iter().zip(dims).fold(0, |o, (i, d)| o * d + i)
}

/// Row-major strides.
pub(crate) fn strides<const N: usize>(dims: [usize; N]) -> [usize; N] {
    let mut strides = [1; N];
    for i in (1..N).rev() {
        strides[i - 1] = strides[i] * dims[i];
    }
    strides
}

/// Runs the body for every way to run a kernel, under its name.
#[allow(unused_macros)]
macro_rules! each_cpu {
    ($n:ty, $name:ident, $cpu:ident => $body:block) => {{
        use zant_runtime::arch::compact::Compact;
        use zant_runtime::arch::host::Host;
        use zant_runtime::arch::portable::Portable;
        {
            let ($name, $cpu) = ("portable", Portable::<$n>::portable());
            $body
        }
        // Miri has no CPUID: it would run the same three times, and twice.
        let hosts = [("host", Host::<$n>::detect()), ("AVX2", Host::<$n>::detect().without_avx512())];
        for ($name, $cpu) in hosts.into_iter().take($crate::values::reduced(2, 0)) $body
        let small = [("compact", Compact::detect()), ("plain", Compact::new(Host::<$n>::portable()))];
        for ($name, $cpu) in small.into_iter().take($crate::values::reduced(2, 1)) $body
    }};
}
#[allow(unused_imports)]
pub(crate) use each_cpu;
