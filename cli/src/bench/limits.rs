//! The limits of the core: independent fused multiply-adds of 256 bits, from registers to registers, and reading memory.

use std::hint::black_box;
use std::time::Instant;

use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::{Cpu, Fused, Isa, Kernel};
use zant_runtime::terms::sizes::LANES;

/// Chains of dependent multiply-adds: latency times the units of any core.
const CHAINS: usize = 12;
/// Multiply-adds of each chain in a round.
const STEPS: u32 = 1000;
/// Rounds of a sample: about half a millisecond.
const ROUNDS: u32 = 400;
/// Vectors that a sample reads at least: 32 MiB, so that the first round, which fills the cache, counts little.
const VECTORS: usize = 1 << 20;

struct MultiplyAdds;

impl Kernel for MultiplyAdds {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (a, b) = (isa.splat(black_box(0.999)), isa.splat(black_box(0.001)));
        for _ in 0..ROUNDS {
            let mut sums = [isa.splat(black_box(1.0)); CHAINS];
            for _ in 0..STEPS {
                for sum in &mut sums {
                    *sum = isa.mul_add(*sum, a, b);
                }
            }
            let all = sums.into_iter().fold(isa.splat(0.0), |all, sum| isa.add(all, sum));
            black_box(isa.to_array(all));
        }
    }
}

/// Reads a buffer so many times.
struct Reads<'a>(&'a [[f32; LANES]], usize);

impl Kernel for Reads<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        for _ in 0..self.1 {
            let mut sums = [isa.splat(black_box(0.0)); 8];
            let (chunks, rest) = self.0.as_chunks::<8>();
            for chunk in chunks {
                for (sum, x) in sums.iter_mut().zip(chunk) {
                    *sum = isa.add(*sum, isa.load(x));
                }
            }
            let all = sums.into_iter().fold(isa.splat(0.0), |all, sum| isa.add(all, sum));
            let all = rest.iter().fold(all, |all, x| isa.add(all, isa.load(x)));
            black_box(isa.to_array(all));
        }
    }
}

/// Seconds that a kernel takes without vectors wider than 256 bits.
fn seconds(kernel: impl Kernel<Output = ()>) -> f64 {
    let start = Instant::now();
    Host::<Fused>::detect().without_avx512().run(kernel);
    start.elapsed().as_secs_f64().max(1e-9)
}

/// Thousand million operations a second, a multiply-add being two, as one sample says.
pub(super) fn peak_sample() -> f64 {
    2.0 * (LANES * CHAINS) as f64 * f64::from(STEPS) * f64::from(ROUNDS) / seconds(MultiplyAdds) / 1e9
}

/// The least time that a run can take: that of its multiply-adds alone, or that of reading its weights from the cache they fit.
pub(super) struct Floor {
    macs: u64,
    weights: Vec<[f32; LANES]>,
    /// The highest peak so far.
    peak: f64,
    /// The least microseconds of reading so far.
    read: f64,
}

impl Floor {
    pub(super) fn new(macs: u64, weight_bytes: usize) -> Floor {
        let weights = vec![[1.0; LANES]; weight_bytes.div_ceil(4 * LANES)];
        Floor { macs, weights, peak: 0.0, read: f64::INFINITY }
    }

    pub(super) fn sample(&mut self) {
        let rounds = VECTORS.div_ceil(self.weights.len().max(1));
        self.peak = self.peak.max(peak_sample());
        self.read = self.read.min(seconds(Reads(&self.weights, rounds)) * 1e6 / rounds as f64);
    }

    /// The floor in microseconds, after one sample at least.
    pub(super) fn microseconds(&self) -> f64 {
        (2.0 * self.macs as f64 / self.peak / 1e3).max(self.read)
    }
}
