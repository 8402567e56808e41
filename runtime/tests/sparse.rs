//! Products with sparse weights against those with all weights, to the bit, on every instruction set.

mod values;

use values::{Values, bits, each_cpu, reduced, rounds};
use zant_runtime::arch::isa::{Fused, Numerics, Separate};
use zant_runtime::arch::portable::Portable;
use zant_runtime::kernels::conv::conv2d;
use zant_runtime::kernels::matmul_packed::{MatMulPacked, matmul_packed};
use zant_runtime::kernels::packing::{self, Piece};
use zant_runtime::kernels::qconv::qconv2d;
use zant_runtime::kernels::qdual::{self, qconv2d_dual};
use zant_runtime::kernels::qpacking;
use zant_runtime::kernels::qsparse::sparse_qconv2d;
use zant_runtime::kernels::qsparse_dual::{sparse_qconv2d_dual, sparse_qconv2d_dual_one};
use zant_runtime::kernels::sparse::{sparse_conv2d, sparse_matmul, sparse_matvec};
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::epilogue::{Activation, Epilogue, Residual};
use zant_runtime::terms::qconv2d::QConv2d;
use zant_runtime::terms::quant::{Affine, Finish, Range, Residual as QResidual};
use zant_runtime::terms::sparse::{Sparse, Weights};

/// Weights without their zeros.
struct Made<T> {
    mask: Vec<u8>,
    values: Vec<T>,
}

impl<T> Made<T> {
    fn weights(&self) -> Weights<'_, T> {
        Weights { mask: &self.mask, values: &self.values }
    }
}

fn floats(w: &[f32]) -> Made<f32> {
    let counts = |w: &f32| w.to_bits() != 0;
    Made { mask: packing::bitmap(w, counts).collect(), values: packing::values(w, counts).collect() }
}

fn bytes(w: &[i8]) -> Made<i8> {
    let counts = |w: &i8| *w != 0;
    Made { mask: packing::bitmap(w, counts).collect(), values: packing::values(w, counts).collect() }
}

/// Weights of which some are zero: none, all, or about seven of ten; columns of zeros alone among them. `[columns][depth]`.
fn pruned(values: &mut Values, [columns, depth]: [usize; 2], round: usize) -> Vec<f32> {
    let mut w = if round % 3 == 2 { values.special(columns * depth) } else { values.f32s(columns * depth) };
    for column in w.chunks_mut(depth.max(1)) {
        let zeros = [0, 7, 7, 10][(round + usize::from(values.below(5) == 0)) % 4];
        column.iter_mut().for_each(|w| *w = if values.below(10) < zeros { 0.0 } else { *w });
    }
    w
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

/// The columns that come in parts, as the weights of each part are packed for themselves: `[columns][depth]`.
fn in_parts<T: Copy>(w: &[T], [columns, depth, part]: [usize; 3], mut pack: impl FnMut(usize, &[T])) {
    for first in (0..columns).step_by(part) {
        let some = part.min(columns - first);
        pack(some, &w[first * depth..][..some * depth]);
    }
}

fn products<N: Numerics>(seed: u64) {
    let mut values = Values(seed);
    for round in rounds(60, 3) {
        let [m, n, k] = [1 + values.below(6), 1 + values.below(reduced(50, 20)), 1 + values.below(reduced(70, 30))];
        let m = if round % 3 == 1 { 1 } else { m };
        let w = pruned(&mut values, [n, k], round);
        let x = if round % 5 == 0 { values.special(m * k) } else { values.f32s(m * k) };
        let bias = values.special(if round % 2 == 0 { n } else { 0 });
        let p = MatMulPacked::new(m, k, n).pitch(k, n + 3).then(epilogue(&mut values, round));
        let before = values.f32s(m * (n + 3));
        let turned = |w: &[f32], n: usize| (0..k * n).map(|at| w[at % n * k + at / n]).collect::<Vec<_>>();
        let plain = packed(&turned(&w, n), packing::matmul(k, n));
        let mut expected = before.clone();
        matmul_packed(Portable::<N>::portable(), &p, &x, &plain, &bias, &mut expected);
        let part = [8, 16, 32][values.below(3)];
        let mut stream = Vec::new();
        in_parts(&w, [n, k, part], |some, w| stream.extend(packed(&turned(w, some), packing::matmul(k, some))));
        let (made, whole) = (floats(&stream), floats(&plain));
        let s = Sparse { columns: part, depth: k };
        let mut room = vec![f32::NAN; k * part.min(n)];
        let rows = Sparse { columns: 16, depth: 8 * (1 + values.below(4)) };
        let mut short = vec![f32::NAN; rows.depth.min(k) * n.min(16)];
        each_cpu!(N, name, cpu => {
            let mut y = before.clone();
            sparse_matmul(cpu, (&p, &s), &x, made.weights(), &bias, &mut room, &mut y);
            assert_eq!(bits(&y), bits(&expected), "{name} {p:?} {s:?}");
            if m == 1 {
                let mut y = before.clone();
                sparse_matvec(cpu, (&p, &rows), &x, whole.weights(), &bias, &mut short, &mut y);
                assert_eq!(bits(&y), bits(&expected), "{name} {p:?} {rows:?}");
            }
        });
    }
}

#[test]
fn products_have_the_bits_of_dense_ones() {
    products::<Fused>(1);
    products::<Separate>(2);
}

/// Writes the weights of a convolution in the order of a kernel.
type Pack = dyn Fn(&Conv2d, &[i8], &mut dyn FnMut(i8));

/// A convolution of some size.
fn window(values: &mut Values) -> Option<Conv2d> {
    let [h, w, c] = [1 + values.below(7), 1 + values.below(7), 1 + values.below(9)];
    let [n, kernel, stride, pad] = [1 + values.below(40), 1 + values.below(3), 1 + values.below(2), values.below(2)];
    let out = |d: usize| (d + 2 * pad).checked_sub(kernel).map_or(0, |d| d / stride + 1);
    let p = Conv2d::new([h, w, c], [out(h), out(w), n], [kernel; 2]).stride(stride, stride).pad(pad, pad);
    (p.out_h * p.out_w > 0).then_some(p.pitch(c, n + 2))
}

#[test]
fn convolutions_have_the_bits_of_dense_ones() {
    let mut values = Values(7);
    for round in rounds(60, 3) {
        let Some(p) = window(&mut values) else { continue };
        let p = p.then(epilogue(&mut values, round));
        let (n, depth) = (p.out_c, p.kernel_h * p.kernel_w * p.in_c);
        let w = pruned(&mut values, [n, depth], round);
        let (x, bias) = (values.f32s(p.in_len()), values.f32s(n));
        let before = values.f32s(p.out_len());
        let mut expected = before.clone();
        conv2d(Portable::<Fused>::portable(), &p, &x, &packed(&w, packing::conv2d(&p, false)), &bias, &mut expected);
        let part = [8, 16, 32][values.below(3)];
        let mut stream = Vec::new();
        in_parts(&w, [n, depth, part], |some, w| {
            stream.extend(packed(w, packing::conv2d(&Conv2d { out_c: some, ..p }, false)));
        });
        let (made, s) = (floats(&stream), Sparse { columns: part, depth });
        let mut room = vec![f32::NAN; depth * part.min(n)];
        each_cpu!(Fused, name, cpu => {
            let mut y = before.clone();
            sparse_conv2d(cpu, (&p, &s), &x, made.weights(), &bias, &mut room, &mut y);
            assert_eq!(bits(&y), bits(&expected), "{name} {p:?} {s:?}");
        });
    }
}

#[test]
fn quantized_convolutions_have_the_results_of_dense_ones() {
    let mut values = Values(9);
    for round in rounds(60, 3) {
        let Some(m) = window(&mut values) else { continue };
        let (n, depth) = (m.out_c, m.kernel_h * m.kernel_w * m.in_c);
        let w: Vec<i8> = pruned(&mut values, [n, depth], 3 * round).iter().map(|w| (w * 31.0) as i8).collect();
        let range = Range { zero: 3, lo: 0, hi: 255 };
        let affine = Affine { zero: 3, scale: 0.25 };
        let residual = QResidual { sum: affine, other: affine, scale: 0.5, range };
        let finish = Finish { range, residual: round.is_multiple_of(4).then_some(residual) };
        let mut p = QConv2d::new(m, 7, finish);
        let x: Vec<u8> = (0..m.in_len()).map(|_| values.below(256) as u8).collect();
        let bias: Vec<i32> = (0..n).map(|_| values.below(999) as i32).collect();
        let multiplier: Vec<f32> = (0..n).map(|_| 0.001 + values.below(9) as f32 / 999.0).collect();
        let before: Vec<u8> = (0..m.out_len()).map(|_| values.below(256) as u8).collect();
        let part = [8, 16, 32][values.below(3)];
        let bias: Vec<i32> = qpacking::bias_less(&bias, &w, p.zero).collect();
        let sums = (bias.as_slice(), multiplier.as_slice());
        let s = Sparse { columns: part, depth };
        let stream = |pack: &Pack| {
            let (mut dense, mut stream, mut room) = (Vec::new(), Vec::new(), 0);
            pack(&m, &w, &mut |w| dense.push(w));
            in_parts(&w, [n, depth, part], |out_c, w| {
                pack(&Conv2d { out_c, ..m }, w, &mut |w| stream.push(w));
                room = if room == 0 { stream.len() } else { room };
            });
            (dense, bytes(&stream), vec![i8::MIN; room])
        };

        let (dense, made, mut room) = stream(&|m, w, put| qpacking::qconv2d(m, w, put));
        p.pairs = qpacking::pairs_fit(&dense);
        let mut expected = before.clone();
        qconv2d(Portable::<Fused>::portable(), &p, &x, &dense, sums.0, sums.1, &mut expected);
        each_cpu!(Fused, name, cpu => {
            let mut y = before.clone();
            sparse_qconv2d(cpu, (&p, &s), &x, made.weights(), sums, &mut room, &mut y);
            assert_eq!(y, expected, "{name} {p:?} {s:?}");
        });

        let cpu = Portable::<Fused>::portable();
        let (dense, made, mut room) = stream(&|m, w, put| qpacking::qconv2d_dual(m, w, put));
        let mut words = vec![0x8192_a3b4; qdual::scratch(&p, true)];
        let (mut expected, mut y) = (before.clone(), before.clone());
        qconv2d_dual(cpu, &p, &x, &dense, sums, &mut words, &mut expected);
        sparse_qconv2d_dual(cpu, (&p, &s), &x, made.weights(), sums, (&mut room, &mut words), &mut y);
        assert_eq!(y, expected, "dual {p:?} {s:?}");
        let (_, made, mut room) = stream(&|m, w, put| qpacking::qconv2d_dual_one(m, w, put));
        let (mut words, mut y) = (vec![0x8192_a3b4; qdual::scratch(&p, false)], before.clone());
        sparse_qconv2d_dual_one(cpu, (&p, &s), &x, made.weights(), sums, (&mut room, &mut words), &mut y);
        assert_eq!(y, expected, "dual one {p:?} {s:?}");
    }
}

#[test]
fn every_byte_of_a_bitmap_gives_its_weights_back() {
    for byte in 0..=u8::MAX {
        for tail in 0..8 {
            let bit = |n: usize| if n < 8 { byte >> n & 1 == 1 } else { n % 2 == 1 };
            let w: Vec<f32> = (0..8 + tail).map(|n| if bit(n) { [-0.0, f32::NAN, 2.5][n % 3] } else { 0.0 }).collect();
            let (made, mut to) = (floats(&w), vec![1.0; w.len()]);
            made.weights().unpack(&mut to);
            assert_eq!(bits(&to), bits(&w));
            let w: Vec<i8> = (0..8 + tail).map(|n| if bit(n) { n as i8 - 100 } else { 0 }).collect();
            let (made, mut to) = (bytes(&w), vec![1; w.len()]);
            made.weights().unpack(&mut to);
            assert_eq!(to, w);
        }
    }
}
