//! The limits of one core: `fma` and `read BYTES`. For each line of input, a count, prints the nanoseconds that so many
//! rounds took: of FLOPS operations by fused multiply-adds without memory, or of reading a buffer of so many bytes.
use std::hint::black_box;
use std::time::Instant;
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::{Cpu, Fused, Isa, Kernel, LANES};

/// Chains of dependent multiply-adds: latency times the units of any core.
const CHAINS: usize = 12;
const STEPS: usize = FLOPS / (2 * LANES * CHAINS);

struct MultiplyAdds(u64);

impl Kernel for MultiplyAdds {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (a, b) = (isa.splat(black_box(0.999)), isa.splat(black_box(0.001)));
        for _ in 0..self.0 {
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

struct Reads<'a>(&'a [[f32; LANES]], u64);

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
            let mut all = sums[0];
            for sum in sums {
                all = isa.add(all, sum);
            }
            for x in rest {
                all = isa.add(all, isa.load(x));
            }
            black_box(isa.to_array(all));
        }
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let bytes = args.get(2).map_or(0, |a| a.parse().expect("a number of bytes"));
    let buffer = vec![[1.0; LANES]; usize::div_ceil(bytes, 4 * LANES)];
    let cpu = Host::<Fused>::detect();
    for line in std::io::stdin().lines() {
        let count = line.expect("a line").parse().expect("a count");
        let start = Instant::now();
        if args[1] == "fma" {
            cpu.run(MultiplyAdds(count));
        } else {
            cpu.run(Reads(&buffer, count));
        }
        println!("{}", start.elapsed().as_nanos());
    }
}
