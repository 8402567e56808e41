//! Quantized kernels against direct integer sums and the stated rounding, to the bit, on every instruction set.

mod values;

use values::{Values, reduced, rounds};
use zant_runtime::arch::byte::Byte;
use zant_runtime::arch::bytes::ByteCpu;
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::Fused;
use zant_runtime::arch::portable::Portable;
use zant_runtime::kernels::dynamic::dynamic_matmul;
use zant_runtime::kernels::dynamic_dual::{dynamic_matmul_dual, words};
use zant_runtime::kernels::qconv::qconv2d;
use zant_runtime::kernels::qdepthwise::qdepthwise2d;
use zant_runtime::kernels::qdepthwise_dual;
use zant_runtime::kernels::qdual;
use zant_runtime::kernels::qpacking;
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::dynamic::{Columns, DynamicMatMul};
use zant_runtime::terms::qconv2d::QConv2d;
use zant_runtime::terms::quant::{Affine, Finish, Range, Residual};

/// The CPU as it is, and without the widest vectors. Miri has no CPUID: it would run what is portable again.
fn hosts() -> impl Iterator<Item = (&'static str, Host<Fused>)> {
    let without = ("host without AVX-512", Host::<Fused>::detect().without_avx512());
    [("host", Host::<Fused>::detect()), without].into_iter().take(reduced(2, 0))
}

/// A convolution with plain weights `[out_c][kernel_h][kernel_w][in_c / groups]`.
struct Case<X, Y> {
    p: QConv2d,
    x: Vec<X>,
    w: Vec<i8>,
    bias: Vec<i32>,
    multiplier: Vec<f32>,
    /// The output before the call.
    y: Vec<Y>,
}

/// Weights in a kernel's order.
fn packed<T>(pack: impl FnOnce(&mut dyn FnMut(T))) -> Vec<T> {
    let mut packed = Vec::new();
    pack(&mut |w| packed.push(w));
    packed
}

/// `clamp(round_half_even(v) + zero, lo, hi)`, in f64.
fn rounded(r: Range, v: f32) -> i32 {
    (f64::from(v).round_ties_even() + f64::from(r.zero)).clamp(f64::from(r.lo), f64::from(r.hi)) as i32
}

fn real(a: Affine, q: i32) -> f32 {
    (q - a.zero) as f32 * a.scale
}

impl<X: Byte, Y: Byte + PartialEq + std::fmt::Debug> Case<X, Y> {
    fn sum(&self, [b, oy, ox, oc]: [usize; 4]) -> i32 {
        let p = &self.p.map;
        let (group_in, group_out) = (p.in_c / p.groups, p.out_c / p.groups);
        let mut sum = i64::from(self.bias[oc]);
        for kh in 0..p.kernel_h {
            for kw in 0..p.kernel_w {
                let iy = (oy * p.stride_h + kh * p.dilation_h).checked_sub(p.pad_top).filter(|&y| y < p.in_h);
                let ix = (ox * p.stride_w + kw * p.dilation_w).checked_sub(p.pad_left).filter(|&x| x < p.in_w);
                let (Some(iy), Some(ix)) = (iy, ix) else { continue };
                for ci in 0..group_in {
                    let at = ((b * p.in_h + iy) * p.in_w + ix) * p.in_pitch + oc / group_out * group_in + ci;
                    let w = self.w[((oc * p.kernel_h + kh) * p.kernel_w + kw) * group_in + ci];
                    sum += i64::from(self.x[at].wide() - self.p.zero) * i64::from(w);
                }
            }
        }
        i32::try_from(sum).expect("the case's sums fit")
    }

    fn expected(&self) -> Vec<Y> {
        let p = &self.p.map;
        let mut y = self.y.clone();
        for b in 0..p.batch {
            for oy in 0..p.out_h {
                for ox in 0..p.out_w {
                    for oc in 0..p.out_c {
                        let y = &mut y[((b * p.out_h + oy) * p.out_w + ox) * p.out_pitch + oc];
                        let t = rounded(self.p.finish.range, self.sum([b, oy, ox, oc]) as f32 * self.multiplier[oc]);
                        *y = Y::narrow(match self.p.finish.residual {
                            None => t,
                            Some(r) => rounded(r.range, (real(r.other, y.wide()) + real(r.sum, t)) / r.scale),
                        });
                    }
                }
            }
        }
        y
    }

    /// The bias less what the unsigned byte that stands for 0 adds to every window.
    fn bias_of_unsigned(&self) -> Vec<i32> {
        self.bias_less(i32::from(X::narrow(self.p.zero).unsigned()))
    }

    /// The bias less what a number adds to every window.
    fn bias_less(&self, zero: i32) -> Vec<i32> {
        qpacking::bias_less(&self.bias, &self.w, zero).collect()
    }

    fn check(&self) {
        let expected = self.expected();
        self.check_dual(&expected);
        self.check_on(Portable::<Fused>::portable(), "portable", &expected);
        for (name, cpu) in hosts() {
            self.check_on(cpu, name, &expected);
        }
    }

    /// The kernels for pairs of 16-bit numbers, where the range is one of theirs.
    fn check_dual(&self, expected: &[Y]) {
        let (p, m, r) = (&self.p, &self.p.map, self.p.finish.range);
        if !(r.lo..=r.hi).contains(&r.zero) {
            return;
        }
        let bias = self.bias_less(p.zero);
        let rows = packed(|put| qpacking::qconv2d_dual(m, &self.w, put));
        let fours = packed(|put| qpacking::qconv2d_dual_one(m, &self.w, put));
        let cpu = Portable::<Fused>::portable();
        let (mut words, mut y) = (vec![0x8192_a3b4; qdual::scratch(p, true)], self.y.clone());
        qdual::qconv2d_dual(cpu, p, &self.x, &rows, (&bias, &self.multiplier), &mut words, &mut y);
        assert_eq!(y, expected, "dual {p:?}");
        let (mut words, mut y) = (vec![0x8192_a3b4; qdual::scratch(p, false)], self.y.clone());
        qdual::qconv2d_dual_one(cpu, p, &self.x, &fours, (&bias, &self.multiplier), &mut words, &mut y);
        assert_eq!(y, expected, "dual {p:?}");
        if qdual::is_row(p) {
            y.clone_from(&self.y);
            qdual::qmatvec_dual(cpu, p, &self.x, &fours, (&bias, &self.multiplier), &mut words, &mut y);
            assert_eq!(y, expected, "a row {p:?}");
        }
        if m.groups == m.in_c && m.groups == m.out_c && m.groups.is_multiple_of(4) && p.finish.residual.is_none() {
            let w = packed(|put| qpacking::qdepthwise2d_dual(m, &self.w, put));
            let (mut words, mut y) = (vec![0x8192_a3b4; qdepthwise_dual::scratch(m)], self.y.clone());
            qdepthwise_dual::qdepthwise2d_dual(cpu, p, &self.x, &w, (&bias, &self.multiplier), &mut words, &mut y);
            assert_eq!(y, expected, "dual depthwise {p:?}");
        }
    }

    fn check_on<C: ByteCpu>(&self, cpu: C, name: &str, expected: &[Y]) {
        let p = &self.p;
        let mut y = self.y.clone();
        let w = packed(|put| qpacking::qconv2d(&p.map, &self.w, put));
        let p = &QConv2d { pairs: qpacking::pairs_fit(&w), ..*p };
        qconv2d(cpu, p, &self.x, &w, &self.bias_of_unsigned(), &self.multiplier, &mut y);
        assert_eq!(y, expected, "{name} {p:?}");
        let m = &p.map;
        if m.groups == m.in_c && m.groups == m.out_c {
            let w = packed(|put| qpacking::qdepthwise2d(m, &self.w, put));
            let p = &QConv2d { pairs: qpacking::pairs_fit(&w), ..*p };
            let mut y = self.y.clone();
            qdepthwise2d(cpu, p, &self.x, &w, &self.bias_of_unsigned(), &self.multiplier, &mut y);
            assert_eq!(y, expected, "{name} depthwise {p:?}");
        }
    }
}

fn bytes<T: Byte>(v: &mut Values, n: usize) -> Vec<T> {
    (0..n).map(|_| T::narrow(v.bits() as i32)).collect()
}

/// Weights of all sizes, or only such whose products fit 16 bits in pairs.
fn weights(v: &mut Values, n: usize) -> Vec<i8> {
    let shift = v.below(2);
    bytes::<i8>(v, n).into_iter().map(|w| (w >> shift).max(if shift == 1 { -63 } else { -128 })).collect()
}

/// The range of a type.
fn whole<T: Byte>() -> (i32, i32) {
    if T::narrow(255).wide() == 255 { (0, 255) } else { (-128, 127) }
}

fn case<X: Byte, Y: Byte>(v: &mut Values, depthwise: bool) -> Case<X, Y> {
    let groups = if depthwise { 1 + v.below(reduced(40, 20)) } else { 1 + v.below(2) };
    let (group_in, group_out) = match (depthwise, v.below(3)) {
        (true, _) => (1, 1),
        (false, 0) => (1 + v.below(reduced(13, 3)), 1 + v.below(reduced(20, 9))),
        (false, _) => (4 + 4 * v.below(reduced(5, 1)), 1 + v.below(reduced(90, 21))),
    };
    let large = if depthwise && v.below(8) == 0 { 9 } else { 3 };
    let [kernel_h, kernel_w] = [1 + v.below(large), 1 + v.below(large)];
    let [in_h, in_w] = [kernel_h + v.below(reduced(4, 2)), kernel_w + v.below(reduced(18, 3))];
    let [pad_h, pad_w] = [v.below(kernel_h), v.below(kernel_w)];
    let [stride_h, stride_w] = [1 + v.below(2), 1 + v.below(2)];
    let out_h = (in_h + 2 * pad_h - kernel_h) / stride_h + 1;
    let out_w = (in_w + 2 * pad_w - kernel_w) / stride_w + 1;
    let (in_c, out_c) = (groups * group_in, groups * group_out);
    let (in_pitch, out_pitch) = (in_c + v.below(3), out_c + v.below(3));
    let map = Conv2d::new([in_h, in_w, in_c], [out_h, out_w, out_c], [kernel_h, kernel_w])
        .batch(1 + v.below(2))
        .stride(stride_h, stride_w)
        .pad(pad_h, pad_w)
        .pitch(in_pitch, out_pitch)
        .groups(groups);
    let (x_range, y_range) = (whole::<X>(), whole::<Y>());
    let zero = x_range.0 + v.below(256) as i32;
    let lo = y_range.0 + v.below(100) as i32;
    let hi = y_range.1 - v.below(100) as i32;
    let range = Range { zero: y_range.0 + v.below(256) as i32, lo, hi };
    let affine =
        |v: &mut Values| Affine { zero: y_range.0 + v.below(256) as i32, scale: 0.01 + v.below(50) as f32 / 999.0 };
    let residual =
        (v.below(3) == 0).then(|| Residual { sum: affine(v), other: affine(v), scale: affine(v).scale, range });
    let p = QConv2d::new(map, zero, Finish { range, residual });
    let depth = kernel_h * kernel_w * group_in;
    Case {
        x: bytes(v, map.in_len()),
        w: weights(v, out_c * depth),
        bias: (0..out_c).map(|_| v.below(20_000) as i32 - 10_000).collect(),
        // Halves and quarters give ties.
        multiplier: (0..out_c).map(|_| [0.5, 0.25, 0.003_1, 0.000_7, 0.031_25][v.below(5)]).collect(),
        y: bytes(v, map.out_len()),
        p,
    }
}

#[test]
fn products_are_exact_and_rounded_once() {
    let mut v = Values(41);
    for round in rounds(240, 4) {
        let depthwise = round % 2 == 1;
        case::<u8, u8>(&mut v, depthwise).check();
        case::<i8, i8>(&mut v, depthwise).check();
        case::<u8, i8>(&mut v, depthwise).check();
    }
}

#[test]
fn windows_larger_than_what_is_gathered_at_once() {
    let mut v = Values(42);
    let rows = reduced(2, 1);
    // Nine taps of fewer inputs would be gathered at once.
    for (in_c, out_c) in reduced([(522, 3), (601, 11), (513, 40)].to_vec(), vec![(513, 1)]) {
        for width in reduced([1, 3, 8].to_vec(), vec![1]) {
            let map = Conv2d::new([rows, width, in_c], [rows, width, out_c], [3, 3]).pad(1, 1);
            let p = QConv2d::new(map, 3, Finish::new(-5, -128, 127));
            let case = Case::<u8, i8> {
                x: bytes(&mut v, rows * width * in_c),
                w: bytes(&mut v, out_c * 9 * in_c),
                bias: vec![7; out_c],
                multiplier: vec![0.000_05; out_c],
                y: vec![0; rows * width * out_c],
                p,
            };
            case.check();
        }
    }
}

#[test]
fn long_rows_of_separate_channels() {
    let mut v = Values(44);
    // Rows in parts, whole ones, and under Miri also windows that there is no room for.
    let rows = reduced(3, 1);
    let full = [(2000, 3, 1), (1500, 17, 60), (90, 40, 40)];
    for (width, channels, dilation) in reduced(full, [(24, 1, 160), (3, 20, 14), (5, 2, 175)]) {
        let map = Conv2d::new([rows, width, channels], [rows, width, channels], [3, 3]).pad(1, dilation);
        let map = map.dilation(1, dilation).groups(channels);
        let p = QConv2d::new(map, -4, Finish::new(5, -128, 127));
        let case = Case::<i8, i8> {
            x: bytes(&mut v, rows * width * channels),
            w: bytes(&mut v, channels * 9),
            bias: vec![-9; channels],
            multiplier: vec![0.001; channels],
            y: vec![0; rows * width * channels],
            p,
        };
        case.check();
    }
}

/// The largest products of either sign do not leave their registers.
/// One row, of any depth and width: it has a kernel of its own.
#[test]
fn rows_alone() {
    let mut v = Values(47);
    for (k, n) in [(1, 16), (16, 1), (3, 5), (4, 4), (37, 9), (64, 12)] {
        let p = QConv2d::new(Conv2d::new([1, 1, k], [1, 1, n], [1, 1]), 3, Finish::new(1, -100, 90));
        assert!(qdual::is_row(&p));
        let multiplier = (0..n).map(|i| 0.001 + i as f32 / 7000.0).collect();
        let bias = (0..n).map(|_| v.below(999) as i32).collect();
        Case::<u8, i8> { p, x: bytes(&mut v, k), w: weights(&mut v, n * k), bias, multiplier, y: vec![7; n] }.check();
    }
}

#[test]
fn extreme_bytes_and_weights() {
    for (x, zero, w) in [(255u8, 0, -128i8), (0, 255, -128), (255, 0, 127), (0, 255, 127)] {
        let (rows, channels) = reduced((2, 17), (1, 4));
        for groups in [1, channels] {
            let map = Conv2d::new([rows + 2, 4, channels], [rows, 2, channels], [3, 3]).groups(groups);
            let case = Case::<u8, u8> {
                x: vec![x; (rows + 2) * 4 * channels],
                w: vec![w; channels * 9 * (channels / groups)],
                bias: vec![0; channels],
                multiplier: vec![0.000_1; channels],
                y: vec![0; rows * 2 * channels],
                p: QConv2d::new(map, zero, Finish::new(128, 0, 255)),
            };
            case.check();
        }
    }
}

/// The scale and the zero point of ONNX `DynamicQuantizeLinear`.
fn dynamic_scale(x: &[f32]) -> (f32, f32) {
    let nan = x.iter().any(|x| x.is_nan());
    let most = x.iter().fold(0.0f32, |m, x| m.max(*x));
    let least = x.iter().fold(0.0f32, |m, x| m.min(*x));
    let scale = if nan { f32::NAN } else { (most - least) / 255.0 };
    (scale, f32::from((0.0 - least / scale).round_ties_even() as u8))
}

#[test]
fn numbers_are_quantized_as_they_come() {
    let mut v = Values(45);
    for round in rounds(120, 8) {
        let [m, k, n] = [1 + v.below(9), 1 + v.below(reduced(70, 19)), 1 + v.below(reduced(200, 50))];
        let mut x: Vec<f32> = (0..m * k).map(|_| v.below(2001) as f32 / 97.0 - 7.5).collect();
        match round % 8 {
            0 => x.iter_mut().for_each(|x| *x = x.abs()),
            1 => x.iter_mut().for_each(|x| *x = -x.abs()),
            2 => x.fill(0.0),
            3 => x[v.below(m * k)] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-45][v.below(4)],
            4 => x.iter_mut().for_each(|x| *x *= 1e-44),
            _ => {}
        }
        let w = weights(&mut v, n * k);
        let multiplier: Vec<f32> = (0..n).map(|_| 0.001 + v.below(100) as f32 / 7000.0).collect();
        let bias: Vec<f32> = (0..if round % 2 == 0 { n } else { 0 }).map(|i| i as f32 - 3.0).collect();
        let offset = [0, 0, 13, -7][v.below(4)];
        let (scale, zero) = dynamic_scale(&x);
        let q: Vec<i32> = x.iter().map(|x| i32::from(((x / scale).round_ties_even() + zero) as u8)).collect();
        let dot = |row: usize, column: usize| {
            let (q, w) = (&q[row * k..][..k], &w[column * k..][..k]);
            q.iter().zip(w).map(|(q, w)| (q - zero as i32) * (i32::from(*w) + offset)).sum::<i32>()
        };
        let result = |at: usize| {
            let (row, column) = (at / n, at % n);
            let y = dot(row, column) as f32 * (scale * multiplier[column]);
            bias.get(column).map_or(y, |bias| y + bias)
        };
        let expected: Vec<f32> = (0..m * n).map(result).collect();

        let packed = packed(|put| qpacking::dynamic_matmul(&w, n, k, put));
        let pairs = qpacking::pairs_fit(&packed);
        let sums: Vec<i32> = w.chunks(k).map(|w| w.iter().map(|w| i32::from(*w)).sum()).collect();
        let p = DynamicMatMul { m, k, n, y_pitch: n + 2, offset, pairs };
        let columns = Columns { sums: &sums, multiplier: &multiplier, bias: &bias };
        let check = |y: &[f32], cpu: &str| {
            for (row, expected) in y.chunks(n + 2).zip(expected.chunks(n)) {
                let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
                assert!(row.iter().zip(expected).all(same), "{cpu} {p:?}: {row:?} {expected:?}");
            }
        };
        let dual = self::packed(|put| qpacking::dynamic_matmul_dual(&w, n, k, put));
        let mut scratch = vec![7; p.scratch()];
        let mut y = vec![0.5; (m - 1) * (n + 2) + n];
        dynamic_matmul(Portable::<Fused>::portable(), &p, &x, &packed, columns, &mut scratch, &mut y);
        check(&y, "portable");
        y.fill(0.5);
        let mut patch = vec![7; words(&p)];
        dynamic_matmul_dual(Portable::<Fused>::portable(), &p, &x, &dual, columns, &mut patch, &mut y);
        check(&y, "dual");
        for (name, cpu) in hosts() {
            y.fill(0.5);
            dynamic_matmul(cpu, &p, &x, &packed, columns, &mut scratch, &mut y);
            check(&y, name);
        }
    }
}
