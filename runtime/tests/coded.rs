//! Products with weights in few bits against those with the floats that they stand for, to the bit, on every instruction set.

mod values;

use values::{Values, bits, each_cpu, reduced, rounds};
use zant_runtime::arch::isa::{Fused, Numerics, Separate};
use zant_runtime::arch::portable::Portable;
use zant_runtime::kernels::coded::{coded_conv2d, coded_matmul, coded_matvec};
use zant_runtime::kernels::conv::conv2d;
use zant_runtime::kernels::gates::Standard;
use zant_runtime::kernels::gru::{self, gru};
use zant_runtime::kernels::lstm::{self, Memory, lstm};
use zant_runtime::kernels::matmul_packed::{MatMulPacked, matmul_packed};
use zant_runtime::kernels::packing::{self, Piece};
use zant_runtime::kernels::recurrent::{Matrices, Results, Sequences};
use zant_runtime::kernels::recurrent_coded::CodedMatrix;
use zant_runtime::kernels::recurrent_dense::Dense;
use zant_runtime::terms::coding::{Bits2, Bits4, Bits8, Brain, Coded, Coding, Half, Trits, Weights};
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::epilogue::{Activation, Epilogue, Residual};
use zant_runtime::terms::recurrent::Recurrent;

/// Random weights as a coding has them.
struct Made<C: Coding> {
    coded: Coded,
    units: Vec<C::Unit>,
    scales: Vec<f32>,
    zeros: Vec<u8>,
    /// `[columns][depth]`.
    floats: Vec<f32>,
}

/// The codes that a coding has.
trait Codes: Coding {
    /// How many; 0 for all of 16 bits.
    const COUNT: usize;
    /// The unit of some codes.
    fn unit(codes: &[u16]) -> Self::Unit;
    /// What a code stands for, where it has no scale.
    fn float(_code: u16) -> f32 {
        f32::NAN
    }
    /// Whether a code is used.
    fn is_used(_code: u16) -> bool {
        true
    }
}

/// The same of bytes.
fn bytes(codes: &[u16]) -> Vec<u8> {
    codes.iter().map(|&c| c as u8).collect()
}

macro_rules! codes {
    ($($coding:ty, $count:literal, $unit:expr;)*) => {
        $(impl Codes for $coding {
            const COUNT: usize = $count;
            fn unit(codes: &[u16]) -> u8 {
                $unit(&bytes(codes))
            }
        })*
    };
}

codes! {
    Trits, 3, packing::trits;
    Bits2, 4, |codes: &[u8]| packing::bits(codes, 2);
    Bits4, 16, |codes: &[u8]| packing::bits(codes, 4);
    Bits8, 256, |codes: &[u8]| packing::bits(codes, 8);
}

/// Two to such a power, exactly: Miri makes library functions inexact on purpose.
fn power(exponent: i32) -> f32 {
    f32::from_bits(((127 + exponent) as u32) << 23)
}

impl Codes for Half {
    const COUNT: usize = 0;
    fn unit(codes: &[u16]) -> u16 {
        codes[0]
    }
    /// By the definition of binary16.
    fn float(code: u16) -> f32 {
        let (sign, exponent, fraction) = (code >> 15, i32::from(code >> 10 & 31), f32::from(code & 1023));
        let size = match exponent {
            0 => fraction * power(-24),
            e => (1024.0 + fraction) * power(e - 25),
        };
        if sign == 1 { -size } else { size }
    }
    fn is_used(code: u16) -> bool {
        code >> 10 & 31 != 31
    }
}

impl Codes for Brain {
    const COUNT: usize = 0;
    fn unit(codes: &[u16]) -> u16 {
        codes[0]
    }
    fn float(code: u16) -> f32 {
        f32::from_bits(u32::from(code) << 16)
    }
}

impl<C: Codes> Made<C> {
    fn new(values: &mut Values, [columns, depth, panel]: [usize; 3], round: usize) -> Self {
        let block =
            if round.is_multiple_of(2) { depth.next_multiple_of(C::CODES) } else { C::CODES * (1 + values.below(9)) };
        let most = if C::COUNT == 0 { 1 << 16 } else { C::COUNT };
        let coded = Coded { depth, columns, block, zero: (most / 2).min(255) as u8 };
        let mut code = || loop {
            let code = values.below(most) as u16;
            if C::is_used(code) {
                return code;
            }
        };
        let codes: Vec<u16> = (0..columns * depth).map(|_| code()).collect();
        let units = packing::units([columns, depth, panel], C::CODES);
        let units = units.map(|(at, len)| C::unit(&codes[at..at + len])).collect();
        let blocks = columns.next_multiple_of(panel) * coded.blocks();
        let scales = values.f32s(if C::SCALED { blocks } else { 0 });
        let count = if C::SCALED && round.is_multiple_of(3) { blocks } else { 0 };
        let zeros: Vec<u8> = (0..count).map(|_| values.below(256) as u8).collect();
        let float = |column: usize, k: usize| {
            let first = column / panel * panel;
            let at = first * coded.blocks() + k / block * panel + column - first;
            let code = codes[column * depth + k];
            let zero = zeros.get(at).copied().unwrap_or(coded.zero);
            if C::SCALED { (f32::from(code) - f32::from(zero)) * scales[at] } else { C::float(code) }
        };
        let floats = (0..columns * depth).map(|at| float(at / depth, at % depth)).collect();
        Made { coded, units, scales, zeros, floats }
    }

    fn weights<const P: usize>(&self) -> Weights<'_, P, C> {
        Weights { units: &self.units, scales: &self.scales, zeros: &self.zeros }
    }
}

fn epilogue(values: &mut Values, round: usize) -> Epilogue {
    let activations = [Activation::None, Activation::Clamp { lo: -1.5, hi: 6.0 }, Activation::Leaky { alpha: 0.1 }];
    let residual = if round.is_multiple_of(4) { Residual::Accumulate } else { Residual::None };
    Epilogue { activation: activations[values.below(3)], residual }
}

/// Weights in the order of a kernel.
fn packed(floats: &[f32], pieces: impl Iterator<Item = Piece>) -> Vec<f32> {
    pieces.flat_map(Piece::places).map(|at| floats[at]).collect()
}

fn products<const P: usize, N: Numerics, C: Codes>(seed: u64) {
    let mut values = Values(seed);
    for round in rounds(40, 2) {
        let [m, n, k] = [1 + values.below(6), 1 + values.below(reduced(50, 20)), 1 + values.below(reduced(70, 15))];
        let m = if round % 3 == 1 { 1 } else { m };
        let made = Made::<C>::new(&mut values, [n, k, P], round);
        let x = if round % 5 == 0 { values.special(m * k) } else { values.f32s(m * k) };
        let bias = values.f32s(if round % 2 == 0 { n } else { 0 });
        let p = MatMulPacked::new(m, k, n).pitch(k, n + 3).then(epilogue(&mut values, round));
        let before = values.f32s(m * (n + 3));
        let turned: Vec<f32> = (0..k * n).map(|at| made.floats[at % n * k + at / n]).collect();
        let plain = packed(&turned, packing::matmul(k, n));
        let mut expected = before.clone();
        matmul_packed(Portable::<N>::portable(), &p, &x, &plain, &bias, &mut expected);
        let columns = if P < 16 { P * (1 + values.below(4)) } else { P * (1 + values.below(3)) };
        let mut floats = vec![f32::NAN; k * columns];
        each_cpu!(N, name, cpu => {
            let mut y = before.clone();
            coded_matmul(cpu, (&p, &made.coded), &x, made.weights::<P>(), &bias, &mut floats, &mut y);
            assert_eq!(bits(&y), bits(&expected), "{name} {p:?} {:?}", made.coded);
            if m == 1 {
                let mut y = before.clone();
                coded_matvec(cpu, (&p, &made.coded), &x, made.weights::<P>(), &bias, &mut y);
                assert_eq!(bits(&y), bits(&expected), "{name} {p:?} {:?}", made.coded);
            }
        });
    }
}

fn every_coding<const P: usize, N: Numerics>() {
    products::<P, N, Trits>(1);
    products::<P, N, Bits2>(2);
    products::<P, N, Bits4>(3);
    products::<P, N, Bits8>(4);
    products::<P, N, Half>(5);
    products::<P, N, Brain>(6);
}

#[test]
fn products_have_the_bits_of_floats() {
    every_coding::<16, Fused>();
    every_coding::<4, Fused>();
    every_coding::<16, Separate>();
}

fn convolutions<const P: usize, C: Codes>() {
    let mut values = Values(7);
    for round in rounds(20, 2) {
        let [h, w, c] = [1 + values.below(7), 1 + values.below(7), 1 + values.below(9)];
        let [n, kernel, stride, pad] =
            [1 + values.below(40), 1 + values.below(3), 1 + values.below(2), values.below(2)];
        let out = |d: usize| (d + 2 * pad).checked_sub(kernel).map_or(0, |d| d / stride + 1);
        let (out_h, out_w) = (out(h), out(w));
        if out_h * out_w == 0 {
            continue;
        }
        let made = Made::<C>::new(&mut values, [n, kernel * kernel * c, P], round);
        let p = Conv2d::new([h, w, c], [out_h, out_w, n], [kernel; 2]).stride(stride, stride).pad(pad, pad);
        let p = p.pitch(c, n + 2).then(epilogue(&mut values, round));
        let (x, bias) = (values.f32s(h * w * c), values.f32s(n));
        let before = values.f32s(out_h * out_w * (n + 2));
        let plain = packed(&made.floats, packing::conv2d(&p, false));
        let mut expected = before.clone();
        conv2d(Portable::<Fused>::portable(), &p, &x, &plain, &bias, &mut expected);
        let mut floats = vec![f32::NAN; made.coded.depth * [P, 16][round % 2]];
        each_cpu!(Fused, name, cpu => {
            let mut y = before.clone();
            coded_conv2d(cpu, (&p, &made.coded), &x, made.weights::<P>(), &bias, &mut floats, &mut y);
            assert_eq!(bits(&y), bits(&expected), "{name} {p:?} {:?}", made.coded);
        });
    }
}

#[test]
fn convolutions_have_the_bits_of_floats() {
    convolutions::<16, Trits>();
    convolutions::<4, Bits2>();
    convolutions::<16, Bits4>();
    convolutions::<4, Half>();
}

#[test]
fn a_unit_of_five_codes_gives_them_back() {
    for number in 0..243u32 {
        let codes: Vec<u8> = [81, 27, 9, 3, 1].iter().map(|power| (number / power % 3) as u8).collect();
        let unit = packing::trits(&codes);
        for (at, code) in codes.iter().enumerate() {
            assert_eq!(Trits::floats([unit; 16], at), [f32::from(*code); 16]);
            assert_eq!(Trits::fours([unit; 4], at), [f32::from(*code); 4]);
        }
    }
}

#[test]
fn every_half_is_widened_exactly() {
    for code in (0..=u16::MAX).filter(|&code| Half::is_used(code)).step_by(reduced(1, 97)) {
        assert_eq!(Half::floats([code; 16], 0)[7].to_bits(), Half::float(code).to_bits(), "{code:#x}");
    }
}

/// Both matrices of a layer, coded: their columns are those of floats `[depth][columns]`.
struct Layer<C: Coding> {
    w: Made<C>,
    r: Made<C>,
}

impl<C: Codes> Layer<C> {
    fn coded<'a, const P: usize>(
        &'a self,
        bias: &'a [f32],
    ) -> Matrices<'a, CodedMatrix<'a, P, C>, CodedMatrix<'a, P, C>> {
        let matrix = |made: &'a Made<C>| CodedMatrix { shape: &made.coded, weights: made.weights(), first: 0 };
        Matrices { w: matrix(&self.w), r: matrix(&self.r), bias }
    }
}

/// The floats of coded weights in panels, of some columns each.
fn panels<C: Codes>(made: &Made<C>, parts: &[[usize; 2]]) -> Vec<f32> {
    let (n, k) = (made.coded.columns, made.coded.depth);
    let turned: Vec<f32> = (0..k * n).map(|at| made.floats[at % n * k + at / n]).collect();
    parts.iter().flat_map(|part| packed(&turned, packing::columns(k, n, *part))).collect()
}

fn layers<const P: usize, N: Numerics, C: Codes>(seed: u64) {
    let mut values = Values(seed);
    for round in rounds(12, 2) {
        let [steps, batch, input] = [1 + values.below(5), 1 + values.below(2), 1 + values.below(20)];
        let hidden = 1 + values.below(reduced(20, 9));
        let p = Recurrent {
            steps,
            batch,
            input,
            hidden,
            y_pitch: hidden,
            block: 1 + values.below(3),
            reverse: round % 2 == 0,
            resume: false,
        };
        let x = values.f32s(steps * batch * input);
        let states = batch * hidden;
        let bias = values.f32s(4 * hidden);
        let layer = Layer::<C> {
            w: Made::new(&mut values, [4 * hidden, input, P], round),
            r: Made::new(&mut values, [4 * hidden, hidden, P], round),
        };
        let sequences = Sequences { x: &x, lens: &[], h0: &[] };
        let (w, r) = (panels(&layer.w, &[[0, 4 * hidden]]), panels(&layer.r, &[[0, 4 * hidden]]));
        let run = |f: &mut dyn FnMut(Memory<'_>, Results<'_>)| {
            let (mut scratch, mut h, mut c) = (vec![7.0; lstm::scratch(&p)], vec![7.0; states], vec![7.0; states]);
            let mut y = vec![9.0; steps * states];
            let memory = Memory { peepholes: &[], c0: &[], c: &mut c };
            f(memory, Results { scratch: &mut scratch, h: &mut h, y: &mut y });
            bits(&y)
        };
        let portable = Portable::<N>::portable();
        let expected = run(&mut |memory, results| {
            let matrices = Matrices { w: Dense(&w), r: Dense(&r), bias: &bias };
            lstm(portable, &p, &Standard, matrices, sequences, memory, results);
        });
        each_cpu!(N, name, cpu => {
            let got = run(&mut |memory, results| {
                lstm(cpu, &p, &Standard, layer.coded::<P>(&bias), sequences, memory, results);
            });
            assert_eq!(got, expected, "{name} {p:?}");
        });
        reset_before::<P, N, C>(&mut values, &p, &x, round);
    }
}

/// A GRU whose update reads columns of their own, which begin a panel.
fn reset_before<const P: usize, N: Numerics, C: Codes>(values: &mut Values, p: &Recurrent, x: &[f32], round: usize) {
    let (hidden, states) = (p.hidden, p.batch * p.hidden);
    let first = (2 * hidden).next_multiple_of(P);
    let layer = Layer::<C> {
        w: Made::new(values, [3 * hidden, p.input, P], round),
        r: Made::new(values, [first + hidden, hidden, P], round),
    };
    let bias = values.f32s(3 * hidden);
    let sequences = Sequences { x, lens: &[], h0: &[] };
    let (w, r) = (panels(&layer.w, &[[0, 3 * hidden]]), panels(&layer.r, &[[0, 2 * hidden], [first, hidden]]));
    let run = |f: &mut dyn FnMut(Results<'_>)| {
        let (mut scratch, mut h) = (vec![7.0; gru::scratch(p, false)], vec![7.0; states]);
        let mut y = vec![9.0; p.steps * states];
        f(Results { scratch: &mut scratch, h: &mut h, y: &mut y });
        bits(&y)
    };
    let portable = Portable::<N>::portable();
    let expected = run(&mut |results| {
        let matrices = Matrices { w: Dense(&w), r: Dense(&r), bias: &bias };
        gru(portable, p, &Standard, matrices, sequences, results);
    });
    each_cpu!(N, name, cpu => {
        let got = run(&mut |results| gru(cpu, p, &Standard, layer.coded::<P>(&bias), sequences, results));
        assert_eq!(got, expected, "{name} {p:?}");
    });
}

#[test]
fn recurrent_layers_have_the_bits_of_floats() {
    layers::<16, Fused, Bits8>(31);
    layers::<4, Fused, Bits8>(32);
    layers::<16, Separate, Bits8>(33);
    layers::<4, Fused, Half>(34);
    layers::<16, Fused, Half>(35);
}
