// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of one row with coded weights on x86-64.
use super::super::coded::{CodedCpu, CodedIsa, CodedKernel};
use super::super::isa::Numerics;
use super::super::portable::Portable;
use super::avx2::Avx2;
use super::host::Host;

impl<N: Numerics, const MORE: bool> CodedCpu for Avx2<N, MORE> {
    #[inline]
    fn run_coded<K: CodedKernel>(self, kernel: K) {
        #[target_feature(enable = "avx2,fma")]
        fn body<N: Numerics, const MORE: bool, K: CodedKernel>(isa: Avx2<N, MORE>, kernel: K) {
            kernel.run(isa);
        }
        // SAFETY: `self` proves AVX2 and FMA.
        unsafe { body(self, kernel) }
    }
}

impl<N: Numerics, const MORE: bool> CodedCpu for Host<N, MORE> {
    #[inline]
    fn run_coded<K: CodedKernel>(self, kernel: K) {
        match self.avx2() {
            Some(avx2) => avx2.run_coded(kernel),
            None => Portable::<N>::portable().run_coded(kernel),
        }
    }
}

impl<N: Numerics, const MORE: bool> CodedIsa for Avx2<N, MORE> {}
