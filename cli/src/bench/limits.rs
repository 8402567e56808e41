//! The limit of the core: independent fused multiply-adds of 256 bits, from registers to registers.

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
            let mut all = sums[0];
            for sum in sums {
                all = isa.add(all, sum);
            }
            black_box(isa.to_array(all));
        }
    }
}

/// Thousand million operations a second, a multiply-add being two, as one sample says.
pub(super) fn peak_sample() -> f64 {
    let start = Instant::now();
    Host::<Fused>::detect().without_avx512().run(MultiplyAdds);
    let operations = 2.0 * (LANES * CHAINS) as f64 * f64::from(STEPS) * f64::from(ROUNDS);
    operations / start.elapsed().as_secs_f64().max(1e-9) / 1e9
}
