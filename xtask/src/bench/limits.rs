//! The limits of one core, `fma` and `read BYTES`, and single operators, `matmul N`, `gelu N` and `softmax N`. For each line of
//! input, a count, prints the nanoseconds that so many rounds took: of FLOPS operations by fused multiply-adds without memory, of
//! reading a buffer of so many bytes, or of the operator. A last argument `avx2` leaves wider vectors out.
use std::hint::black_box;
use std::time::Instant;
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::{Cpu, Fused, Isa, Kernel};
use zant_runtime::kernels::map::map;
use zant_runtime::kernels::matmul_packed::{MatMulPacked, matmul_packed};
use zant_runtime::kernels::softmax::{Softmax, softmax};
use zant_runtime::math::erf::erf;
use zant_runtime::terms::sizes::LANES;

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

/// Runs an operator of a size so many times.
fn operator(cpu: Host<Fused>, name: &str, [x, y]: [&mut [f32]; 2], n: usize, count: u64) {
    for _ in 0..count {
        let x = black_box(&*x);
        match name {
            "matmul" => matmul_packed(cpu, &MatMulPacked::new(n, n, n), x, x, &[], y),
            "gelu" => map(cpu, x, y, |x| x * 0.5 * (1.0 + erf(x * core::f32::consts::FRAC_1_SQRT_2))),
            "softmax" => softmax(cpu, &Softmax { outer: 1, n, inner: 1 }, x, y),
            other => panic!("{other} is no operator"),
        }
        black_box(&*y);
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let name = args[1].as_str();
    let size: usize = args.get(2).map_or(0, |a| a.parse().expect("a size"));
    let cpu = Host::<Fused>::detect();
    let cpu = if args.last().is_some_and(|a| a == "avx2") { cpu.without_avx512() } else { cpu };
    let buffer = vec![[1.0; LANES]; if name == "read" { size.div_ceil(4 * LANES) } else { 0 }];
    let elements = match name {
        "fma" | "read" => 0,
        "matmul" => size * size,
        _ => size,
    };
    let mut x: Vec<f32> = (0..elements).map(|i| (i * 37 % 101) as f32 / 10.0 - 5.0).collect();
    let mut y = x.clone();
    for line in std::io::stdin().lines() {
        let count = line.expect("a line").parse().expect("a count");
        let start = Instant::now();
        match name {
            "fma" => cpu.run(MultiplyAdds(count)),
            "read" => cpu.run(Reads(&buffer, count)),
            _ => operator(cpu, name, [&mut x, &mut y], size, count),
        }
        println!("{}", start.elapsed().as_nanos());
    }
}
