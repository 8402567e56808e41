//! The kernels that have loops of their own on Cortex-M, on operands that follow from a seed: a hash of what they compute.
//!
//! Built for the host, where the same kernels are plain Rust, and for firmware.
#![no_std]

use zant_runtime::arch::byte::Byte;
use zant_runtime::arch::compact::Compact;
use zant_runtime::arch::isa::Fused;
use zant_runtime::arch::unpack::UnpackCpu;
use zant_runtime::kernels::conv::conv2d;
use zant_runtime::kernels::depthwise::depthwise2d;
use zant_runtime::kernels::level::Level;
use zant_runtime::kernels::matmul::matmul;
use zant_runtime::kernels::matmul_packed::{MatMulPacked, matmul_packed, matvec_packed};
use zant_runtime::kernels::qdepthwise_dual;
use zant_runtime::kernels::qdual;
use zant_runtime::kernels::wide::{conv2d_wide, conv2d_wide_deep};
use zant_runtime::kernels::wide_depthwise::depthwise2d_wide;
use zant_runtime::math::fma::fma;
use zant_runtime::math::sqrt::sqrt;
use zant_runtime::terms::conv2d::{Conv2d, span};
use zant_runtime::terms::epilogue::Epilogue;
use zant_runtime::terms::lines::LineTaps;
use zant_runtime::terms::matmul::{MatMul, Strides};
use zant_runtime::terms::qconv2d::QConv2d;
use zant_runtime::terms::quant::{Affine, Finish, Range, Residual};
use zant_runtime::terms::sparse::Weights;
use zant_runtime::terms::wide::Wide2d;

/// The CPU that firmware for these machines is given, and the same in plain Rust.
#[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
type Cpu = Compact<zant_runtime::arch::arm::dsp::Dsp<Fused>>;
#[cfg(not(all(target_arch = "arm", target_abi = "eabihf", target_os = "none")))]
type Cpu = Compact<zant_runtime::arch::portable::Portable<Fused>>;

/// Elements of the largest operand.
const MOST: usize = 6000;

/// A splitmix64 generator, and the hash of what was computed: FNV-1a by words.
struct Values {
    state: u64,
    hash: u64,
}

impl Values {
    fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.bits() >> 33) as usize % n
    }

    /// One of a few.
    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Numbers, some of them zeros, infinities or NaN.
    fn f32s(&mut self, to: &mut [f32]) {
        const SPECIAL: [f32; 6] = [0.0, -0.0, 1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
        let often = self.one(&[7, 5000]);
        for x in to {
            *x = (self.bits() >> 40) as f32 / 4_194_304.0 - 2.0;
            if self.below(often) == 0 {
                *x = self.one(&SPECIAL[..if often == 7 { 3 } else { 6 }]);
            }
        }
    }

    fn word(&mut self, word: u32) {
        self.hash = (self.hash ^ u64::from(word)).wrapping_mul(0x0100_0000_01b3);
    }

    /// The payload of a NaN is outside of what is promised.
    fn take(&mut self, y: &[f32]) {
        y.iter().for_each(|y| self.word(if y.is_nan() { f32::NAN.to_bits() } else { y.to_bits() }));
    }

    /// A map, with channels of input and output in each group; window and maps are small.
    fn map(&mut self, groups: usize, [inputs, outputs]: [usize; 2]) -> Conv2d {
        let kernel = [1 + self.below(4), 1 + self.below(4)];
        let dilation = [1 + self.below(2), 1 + self.below(2)];
        let stride = [1 + self.below(2), 1 + self.below(2)];
        let pad = kernel.map(|k| self.below(k));
        let out = [1 + self.below(4), 1 + self.below(7)];
        let size = |i: usize| (out[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1;
        let input = [0, 1].map(|i| size(i).saturating_sub(pad[i] + self.below(2)).max(1));
        let (in_c, out_c) = (groups * inputs, groups * outputs);
        Conv2d::new([input[0], input[1], in_c], [out[0], out[1], out_c], kernel)
            .stride(stride[0], stride[1])
            .dilation(dilation[0], dilation[1])
            .pad(pad[0], pad[1])
            .pitch(in_c + self.below(3), out_c + self.below(3))
            .groups(groups)
    }
}

/// The hash of what kernels compute of the operands that follow from a seed.
#[allow(unreachable_pub, reason = "it is a crate of its own for firmware")]
pub fn check(seed: u32) -> u64 {
    let mut v = Values { state: u64::from(seed), hash: 0xcbf2_9ce4_8422_2325 };
    match seed % 8 {
        0 => {
            numbers(&mut v);
            unpacked(&mut v);
        }
        1 => {
            products(&mut v);
            scores(&mut v);
        }
        2 => floats(&mut v, false),
        3 => floats(&mut v, true),
        4 if seed.is_multiple_of(3) => bytes::<i8, i8>(&mut v, seed.is_multiple_of(5)),
        4 => bytes::<i8, u8>(&mut v, seed.is_multiple_of(5)),
        5 if seed.is_multiple_of(3) => bytes::<u8, u8>(&mut v, seed.is_multiple_of(5)),
        5 => bytes::<u8, i8>(&mut v, seed.is_multiple_of(5)),
        6 if seed.is_multiple_of(3) => wide::<u16, u16>(&mut v, seed.is_multiple_of(5)),
        6 => wide::<i16, i16>(&mut v, seed.is_multiple_of(5)),
        _ => {
            rows(&mut v);
            wide::<u8, i16>(&mut v, seed.is_multiple_of(5));
        }
    }
    v.hash
}

fn numbers(v: &mut Values) {
    for _ in 0..200 {
        let [a, b, c] = [(); 3].map(|()| f32::from_bits(v.bits() as u32));
        let near = f32::from_bits((a * b).to_bits() ^ 0x8000_0000);
        v.take(&[fma(a, b, c), fma(a, b, near), sqrt(a), sqrt(c)]);
    }
}

fn unpacked(v: &mut Values) {
    let (mut mask, mut floats) = ([0; 100], [0.0; MOST / 4]);
    let often = 1 + v.below(8);
    mask.fill_with(|| (v.bits() & v.bits() >> v.one(&[0, 8, 16])) as u8 & if v.below(often) == 0 { 0 } else { 0xff });
    v.f32s(&mut floats);
    // Nothing else than what is there is read: values end where they may.
    let values = mask.iter().map(|byte| byte.count_ones() as usize).sum::<usize>() + v.below(9);
    let mut bytes = [0i8; MOST / 4];
    bytes.fill_with(|| v.bits() as i8);
    let (mut floats, mut bytes) =
        (Weights { mask: &mask, values: &floats[..values] }, Weights { mask: &mask, values: &bytes[..values] });
    let (mut y, mut z) = ([1.0; 400], [1; 400]);
    for _ in 0..3 {
        let some = v.one(&[64, 128, 264, 399]);
        Cpu::detect().unpack(&mut floats, &mut y[..some]);
        Cpu::detect().unpack(&mut bytes, &mut z[..some]);
        v.take(&y);
        z.iter().for_each(|z| v.word(*z as u32));
    }
}

fn epilogue(v: &mut Values) -> Epilogue {
    let clamps = [(0.0, f32::INFINITY), (0.0, 6.0), (-0.0, 1.0), (-1.0, 1.0), (f32::NEG_INFINITY, 0.5)];
    let (lo, hi) = v.one(&clamps);
    let epilogue = v.one(&[Epilogue::NONE, Epilogue::clamp(lo, hi), Epilogue::clamp(lo, hi), Epilogue::leaky(0.1)]);
    if v.below(3) == 0 { epilogue.accumulate() } else { epilogue }
}

fn products(v: &mut Values) {
    let (m, k, n) = (1 + v.below(9), 1 + v.below(40), 1 + v.below(60));
    let p = MatMulPacked::new(m, k, n).pitch(k + v.below(2), n + v.below(2)).then(epilogue(v));
    let [mut a, mut w, mut bias, mut y] = [[0.0; MOST / 2]; 4];
    for to in [&mut a, &mut w, &mut bias, &mut y] {
        v.f32s(to);
    }
    let bias = &bias[..if v.below(3) == 0 { 0 } else { n }];
    matmul_packed(Cpu::detect(), &p, &a, &w[..k * n], bias, &mut y[..span(m, p.y_pitch, n)]);
    v.take(&y);
}

/// A row by a matrix whose columns are dense.
fn scores(v: &mut Values) {
    let (k, n) = (v.below(40), 1 + v.below(60));
    let row = Strides { batch: [0; 3], row: 0, col: 1 };
    let b = Strides { batch: [0; 3], row: 1, col: k + v.below(3) };
    let p = MatMul { batch: [1; 3], m: 1, k, n, a: row, b, y: row, epilogue: epilogue(v) };
    let [mut a, mut w, mut bias, mut y] = [[0.0; MOST / 2]; 4];
    for to in [&mut a, &mut w, &mut bias, &mut y] {
        v.f32s(to);
    }
    let bias = &bias[..if v.below(3) == 0 { 0 } else { n }];
    matmul(Cpu::detect(), &p, &a[..k], &w[..b.end([1; 3], k, n)], bias, &mut [], &mut y[..n]);
    v.take(&y);
}

fn floats(v: &mut Values, depthwise: bool) {
    let groups = if depthwise { 1 + v.below(25) } else { v.one(&[1, 1, 2]) };
    let inner = if depthwise { [1, 1] } else { [1 + v.below(12), 1 + v.below(40)] };
    let p = v.map(groups, inner).then(epilogue(v));
    let [mut x, mut w, mut y] = [[0.0; 3 * MOST]; 3];
    for to in [&mut x, &mut w, &mut y] {
        v.f32s(to);
    }
    let mut bias = [0.0; 80];
    v.f32s(&mut bias);
    let bias = &bias[..if v.below(3) == 0 { 0 } else { p.out_c }];
    let w = &w[..p.kernel_h * p.kernel_w * inner[0] * p.out_c];
    let (x, y) = (&x[..p.in_len()], &mut y[..p.out_len()]);
    if depthwise {
        depthwise2d(Cpu::detect(), &p, x, w, bias, y);
    } else {
        conv2d(Cpu::detect(), &p, x, w, bias, y);
    }
    v.take(y);
}

/// The range of a type, narrowed or not, with the zero inside.
fn range<Y: Byte>(v: &mut Values) -> Range {
    let least = if Y::narrow(255).wide() == 255 { 0 } else { -128 };
    let zero = least + v.below(256) as i32;
    let below = v.below((zero - least) as usize + 1) as i32;
    let above = v.below((least + 255 - zero) as usize + 1) as i32;
    let lo = v.one(&[least, zero, zero - below]);
    let hi = v.one(&[least + 255, zero, zero + above]);
    Range { zero, lo, hi }
}

/// The weights of a row of taps: bytes, widened.
fn pairs(v: &mut Values, taps: LineTaps, row: &mut [u32]) {
    let mut w = [0; 4];
    w.iter_mut().take(taps.count).for_each(|w| *w = v.bits() as i8 as u16 as u32);
    for (i, word) in row.iter_mut().enumerate() {
        *word = match (taps.is_three(), taps.dilation) {
            (true, _) => w[i] | w[i + 1] << 16,
            (false, 1) => w[2 * i] | w[2 * i + 1] << 16,
            (false, _) => w[i],
        };
    }
}

fn bytes<X: Byte, Y: Byte>(v: &mut Values, depthwise: bool) {
    let groups = if depthwise { 4 + 4 * v.below(6) } else { v.one(&[1, 1, 2]) };
    let inner = if depthwise { [1, 1] } else { [v.one(&[1, 3, 4, 8, 16, 20]), 1 + v.below(20)] };
    let map = v.map(groups, inner);
    let zero = range::<X>(v).zero;
    let affine = |v: &mut Values| Affine { zero: range::<Y>(v).zero, scale: 0.01 + v.below(50) as f32 / 999.0 };
    let residual = (!depthwise && v.below(3) == 0).then(|| Residual {
        sum: affine(v),
        other: affine(v),
        scale: affine(v).scale,
        range: range::<Y>(v),
    });
    let p = QConv2d::new(map, zero, Finish { range: range::<Y>(v), residual });
    let (mut x, mut y) = ([X::narrow(0); 2 * MOST], [Y::narrow(0); MOST]);
    x.iter_mut().for_each(|x| *x = X::narrow(v.bits() as i32));
    y.iter_mut().for_each(|y| *y = Y::narrow(v.bits() as i32));
    let (mut bias, mut multiplier, mut words) = ([0; 80], [0.0; 80], [0x8192_a3b4; 6000]);
    bias.iter_mut().for_each(|b| *b = v.bits() as i32 >> v.one(&[1, 17, 20]));
    // Halves and quarters give ties; large ones leave the range.
    multiplier.iter_mut().for_each(|m| *m = v.one(&[0.5, 0.25, 0.003_1, 0.000_7, 0.031_25, 1e20]));
    let sums = (&bias[..map.out_c], &multiplier[..map.out_c]);
    let (x, y) = (&x[..map.in_len()], &mut y[..map.out_len()]);
    if depthwise {
        let mut w = [0; MOST];
        let (rows, taps) = qdepthwise_dual::taps(&map);
        for row in w.chunks_exact_mut(taps.words()).take(map.out_c * rows) {
            pairs(v, taps, row);
        }
        qdepthwise_dual::qdepthwise2d_dual(
            Cpu::detect(),
            &p,
            x,
            &w[..map.out_c * rows * taps.words()],
            sums,
            &mut words,
            y,
        );
    } else {
        let mut w = [0; 3 * MOST];
        w.iter_mut().for_each(|w| *w = v.bits() as i8);
        if v.below(4) > 0 {
            qdual::qconv2d_dual(Cpu::detect(), &p, x, &w, sums, &mut words, y);
        } else {
            qdual::qconv2d_dual_one(Cpu::detect(), &p, x, &w, sums, &mut words, y);
        }
    }
    y.iter().for_each(|y| v.word(y.wide() as u32));
}

/// One row of numbers, and one of bytes.
fn rows(v: &mut Values) {
    let (k, n) = (1 + v.below(40), 1 + v.below(60));
    let p = MatMulPacked::new(1, k, n).then(epilogue(v));
    let [mut a, mut w, mut bias, mut y] = [[0.0; MOST / 2]; 4];
    for to in [&mut a, &mut w, &mut bias, &mut y] {
        v.f32s(to);
    }
    let bias = &bias[..if v.below(3) == 0 { 0 } else { n }];
    matvec_packed(Cpu::detect(), &p, &a[..k], &w[..k * n], bias, &mut y[..n]);
    v.take(&y);
    let p =
        QConv2d::new(Conv2d::new([1, 1, k], [1, 1, n], [1, 1]), 0, Finish { range: range::<i8>(v), residual: None });
    let (mut x, mut w, mut y, mut sums) = ([0u8; 40], [0i8; MOST], [0i8; 60], [0i32; 60]);
    x.iter_mut().for_each(|x| *x = v.bits() as u8);
    w.iter_mut().for_each(|w| *w = v.bits() as i8);
    sums.iter_mut().for_each(|b| *b = v.bits() as i32 >> 17);
    qdual::qmatvec_dual(Cpu::detect(), &p, &x[..k], &w, (&sums[..n], &[0.003_1; 60][..n]), &mut [7; 60], &mut y[..n]);
    y.iter().for_each(|y| v.word(*y as u32));
}

/// Numbers of 16 bits.
fn wide<X: Level, Y: Level>(v: &mut Values, depthwise: bool) {
    let groups = if depthwise { 1 + v.below(25) } else { v.one(&[1, 1, 2]) };
    let inner = if depthwise { [1, 1] } else { [v.one(&[1, 3, 4, 8, 16]), 1 + v.below(20)] };
    let map = v.map(groups, inner);
    let mut of = |bits: i32| Y::narrow(bits & v.bits() as i32).value();
    let (a, b) = (of(-1), of(-1));
    let range = Range { zero: of(0xff), lo: if a < b { a } else { b }, hi: if a < b { b } else { a } };
    let p =
        Wide2d { map, zero: X::narrow(v.bits() as i32).value(), range, chunk: 1 + v.below(9), lead: v.one(&[0, 0, 3]) };
    let (mut x, mut y) = ([X::narrow(0); 2 * MOST], [Y::narrow(0); MOST]);
    x.iter_mut().for_each(|x| *x = X::narrow(v.bits() as i32));
    let (mut bias, mut multiplier, mut shift) = ([0; 80], [0; 80], [0; 80]);
    bias.iter_mut().for_each(|b| *b = v.bits() as i64 >> v.one(&[3, 20, 63]));
    // Powers of two give ties.
    multiplier.iter_mut().for_each(|m| *m = v.one(&[1 << 20, 1 << 28, 0x1234_5677]));
    shift.iter_mut().for_each(|s| *s = 33 + v.below(12) as u8);
    let ends = (&bias[..map.out_c], &multiplier[..map.out_c], &shift[..map.out_c]);
    let mut w = [0; 3 * MOST];
    w.iter_mut().for_each(|w| *w = v.bits() as i8);
    let (x, y) = (&x[..map.in_len()], &mut y[..map.out_len()]);
    let mut words = [0x8192_a3b4; 2 * MOST];
    if depthwise {
        depthwise2d_wide(Cpu::detect(), &p, x, &w, ends, &mut [5; 80], y);
    } else if v.below(2) == 0 {
        conv2d_wide(Cpu::detect(), &p, x, &w, ends, &mut words, y);
    } else {
        conv2d_wide_deep(Cpu::detect(), &p, x, &w, ends, &mut words, y);
    }
    y.iter().for_each(|y| v.word(y.value() as u32));
}
