// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! This machine's CPU, with the best instruction set that it was found to have.
use super::super::isa::{Cpu, Kernel, Numerics};
use super::super::portable::Portable;
use super::avx2::Avx2;
use super::found::{AVX2, AVX512, PLAIN, UNKNOWN, VNNI, vectors};
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU8, Ordering};

/// The CPU as found by [`Host::detect`]. With `MORE`, loops for AVX-512 are used too.
#[derive(Clone, Copy, Debug)]
pub struct Host<N, const MORE: bool = true> {
    /// [`PLAIN`] or more.
    found: u8,
    numerics: PhantomData<N>,
}

impl<N: Numerics, const MORE: bool> Host<N, MORE> {
    /// The best instruction set of this CPU. Asks the CPU in the first call and remembers the answer.
    pub fn detect() -> Self {
        static FOUND: AtomicU8 = AtomicU8::new(UNKNOWN);
        let mut found = FOUND.load(Ordering::Relaxed);
        if found == UNKNOWN {
            found = match vectors() {
                [false, ..] => PLAIN,
                [true, false, _] => AVX2,
                [true, true, false] => AVX512,
                [true, true, true] => VNNI,
            };
            FOUND.store(found, Ordering::Relaxed);
        }
        Host { found, numerics: PhantomData }
    }

    /// The CPU as if it had no AVX2: plain Rust.
    pub const fn portable() -> Self {
        Host { found: PLAIN, numerics: PhantomData }
    }

    /// AVX2 and FMA, if the CPU has them.
    #[inline(always)]
    pub fn avx2(self) -> Option<Avx2<N, MORE>> {
        (self.found >= AVX2).then_some(Avx2 { found: self.found, numerics: PhantomData })
    }
}

impl<N: Numerics, const MORE: bool> Cpu for Host<N, MORE> {
    #[inline]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.avx2() {
            Some(avx2) => avx2.run(kernel),
            None => Portable::<N>::portable().run(kernel),
        }
    }
}
