//! Quantized kernels against direct integer sums and the stated rounding, to the bit, on every instruction set.

mod values;

use values::{Values, indices, reduced, rounds};
use zant_runtime::arch::byte::Byte;
use zant_runtime::arch::bytes::ByteCpu;
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::Fused;
use zant_runtime::arch::portable::Portable;
use zant_runtime::kernels::dynamic::{Columns, DynamicMatMul, dynamic_matmul};
use zant_runtime::kernels::pool::avg_pool2d;
use zant_runtime::kernels::qconv::qconv2d;
use zant_runtime::kernels::qdepthwise::qdepthwise2d;
use zant_runtime::kernels::qdepthwise_dual;
use zant_runtime::kernels::qdual;
use zant_runtime::kernels::qfloat::{Bytes, qavg_pool2d, qsoftmax, qsum};
use zant_runtime::kernels::reduce::{Reduce, reduce_sum};
use zant_runtime::kernels::softmax::{Softmax, softmax};
use zant_runtime::kernels::table::{Table, table, table_in_place};
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::pool2d::Pool2d;
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

    /// The weight of an output channel and a depth at which every kernel row is filled up with zeros.
    fn weight(&self, channel: usize, depth: usize) -> i8 {
        let p = &self.p.map;
        let run = p.kernel_w * (p.in_c / p.groups);
        let (row, at) = (depth / run.next_multiple_of(4), depth % run.next_multiple_of(4));
        if at < run { self.w[(channel * p.kernel_h + row) * run + at] } else { 0 }
    }

    /// Panels of sixteen output channels, or of eight at the end, quads of inputs.
    fn packed(&self) -> Vec<i8> {
        let p = &self.p.map;
        let group_out = p.out_c / p.groups;
        let depth = p.kernel_h * (p.kernel_w * (p.in_c / p.groups)).next_multiple_of(4);
        let mut packed = Vec::new();
        for group in 0..p.groups {
            for first in (0..group_out).step_by(16) {
                let columns = if group_out - first <= 8 { 8 } else { 16 };
                for quad in 0..depth / 4 {
                    for column in first..first + columns {
                        for k in 4 * quad..4 * quad + 4 {
                            let inside = column < group_out;
                            packed.push(if inside { self.weight(group * group_out + column, k) } else { 0 });
                        }
                    }
                }
            }
        }
        packed
    }

    /// Sixteen channels, quads of taps.
    fn packed_taps(&self) -> Vec<i8> {
        let (channels, taps) = (self.p.map.out_c, self.p.map.kernel_h * self.p.map.kernel_w);
        let mut packed = vec![0; channels.next_multiple_of(16) * taps.next_multiple_of(4)];
        for (i, w) in self.w.iter().enumerate() {
            let (channel, tap) = (i / taps, i % taps);
            let quad = channel / 16 * taps.div_ceil(4) + tap / 4;
            packed[(quad * 16 + channel % 16) * 4 + tap % 4] = *w;
        }
        packed
    }

    /// The bias less what the unsigned byte that stands for 0 adds to every window.
    fn bias_of_unsigned(&self) -> Vec<i32> {
        self.bias_less(i32::from(X::narrow(self.p.zero).unsigned()))
    }

    /// The bias less what a number adds to every window.
    fn bias_less(&self, zero: i32) -> Vec<i32> {
        let depth = self.w.len() / self.p.map.out_c;
        let sum = |w: &[i8]| w.iter().map(|w| i32::from(*w)).sum::<i32>();
        self.bias.iter().zip(self.w.chunks(depth)).map(|(b, w)| b.wrapping_sub(zero.wrapping_mul(sum(w)))).collect()
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
        let (group_out, depth) = (m.out_c / m.groups, self.w.len() / m.out_c);
        // Kernel rows are filled up, or taps that do not touch.
        let joined = if m.groups == 1 && m.dilation_w == 1 { m.kernel_w } else { 1 };
        let run = joined * m.in_c / m.groups;
        let quads = depth / run * run.div_ceil(4);
        let mut rows = Vec::new();
        for (i, row) in self.w.chunks(run).enumerate() {
            rows.extend_from_slice(row);
            rows.resize((i + 1) * run.next_multiple_of(4), 0);
        }
        let (mut packed, places) = (Vec::new(), indices(&[4, 4]));
        for (group, quad) in indices(&[m.groups, group_out.div_ceil(4), quads]).iter().map(|i| (i[0], i)) {
            for (column, k) in places.iter().map(|i| (4 * quad[1] + i[0], 4 * quad[2] + i[1])) {
                let (row, at) = (k / run.next_multiple_of(4), k % run.next_multiple_of(4));
                let inside = column < group_out && at < run;
                packed.push(if inside { self.w[(group * group_out + column) * depth + row * run + at] } else { 0 });
            }
        }
        let cpu = Portable::<Fused>::portable();
        let (mut words, mut y) = (vec![0x8192_a3b4; qdual::scratch(p, true)], self.y.clone());
        qdual::qconv2d_dual(cpu, p, &self.x, &rows, (&bias, &self.multiplier), &mut words, &mut y);
        assert_eq!(y, expected, "dual {p:?}");
        let (mut words, mut y) = (vec![0x8192_a3b4; qdual::scratch(p, false)], self.y.clone());
        qdual::qconv2d_dual_one(cpu, p, &self.x, &packed, (&bias, &self.multiplier), &mut words, &mut y);
        assert_eq!(y, expected, "dual {p:?}");
        if m.groups == m.in_c && m.groups == m.out_c && m.groups.is_multiple_of(4) && p.finish.residual.is_none() {
            let w = self.pairs_of_taps();
            let (mut words, mut y) = (vec![0x8192_a3b4; qdepthwise_dual::scratch(m)], self.y.clone());
            qdepthwise_dual::qdepthwise2d_dual(cpu, p, &self.x, &w, (&bias, &self.multiplier), &mut words, &mut y);
            assert_eq!(y, expected, "dual depthwise {p:?}");
        }
    }

    /// Two taps in a word, in the order in which lines lie.
    fn pairs_of_taps(&self) -> Vec<u32> {
        let m = &self.p.map;
        let (rows, taps) = qdepthwise_dual::taps(m);
        let depth = m.kernel_h * m.kernel_w;
        let tap = |channel: usize, row: usize, tap: usize| {
            let at = if qdepthwise_dual::is_upright(m) { tap * m.kernel_w + row } else { row * m.kernel_w + tap };
            if tap < taps.count { u32::from(self.w[channel * depth + at] as u16) } else { 0 }
        };
        let words = indices(&[m.groups, rows, taps.words()]);
        let word = |i: &Vec<usize>| {
            let (first, second) = match (taps.is_three(), taps.dilation) {
                (true, _) => (i[2], i[2] + 1),
                (false, 1) => (2 * i[2], 2 * i[2] + 1),
                (false, _) => (i[2], taps.count),
            };
            tap(i[0], i[1], first) | tap(i[0], i[1], second) << 16
        };
        words.iter().map(word).collect()
    }

    fn check_on<C: ByteCpu>(&self, cpu: C, name: &str, expected: &[Y]) {
        let p = &self.p;
        let mut y = self.y.clone();
        let packed = self.packed();
        let small = |w: &[i8]| i32::from(w[0]).abs() + i32::from(w[1]).abs() <= 128;
        let is_small = |packed: &[i8]| packed.chunks(2).all(small);
        let p = &QConv2d { pairs: is_small(&packed), ..*p };
        qconv2d(cpu, p, &self.x, &packed, &self.bias_of_unsigned(), &self.multiplier, &mut y);
        assert_eq!(y, expected, "{name} {p:?}");
        let m = &p.map;
        if m.groups == m.in_c && m.groups == m.out_c {
            let w = self.packed_taps();
            let p = &QConv2d { pairs: is_small(&w), ..*p };
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

        let map = Conv2d::new([1, m, k], [1, m, n], [1, 1]);
        let plain = Case::<u8, u8> {
            p: QConv2d::new(map, 0, Finish::new(0, 0, 255)),
            x: Vec::new(),
            w: w.clone(),
            bias: Vec::new(),
            multiplier: Vec::new(),
            y: Vec::new(),
        };
        let packed = plain.packed();
        let pairs = packed.chunks(2).all(|w| i32::from(w[0]).abs() + i32::from(w[1]).abs() <= 128);
        let sums: Vec<i32> = w.chunks(k).map(|w| w.iter().map(|w| i32::from(*w)).sum()).collect();
        let p = DynamicMatMul { m, k, n, y_pitch: n + 2, offset, pairs };
        let columns = Columns { sums: &sums, multiplier: &multiplier, bias: &bias };
        let check = |y: &[f32], cpu: &str| {
            for (row, expected) in y.chunks(n + 2).zip(expected.chunks(n)) {
                let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
                assert!(row.iter().zip(expected).all(same), "{cpu} {p:?}: {row:?} {expected:?}");
            }
        };
        let mut scratch = vec![7; p.scratch()];
        let mut y = vec![0.5; (m - 1) * (n + 2) + n];
        dynamic_matmul(Portable::<Fused>::portable(), &p, &x, &packed, columns, &mut scratch, &mut y);
        check(&y, "portable");
        for (name, cpu) in hosts() {
            y.fill(0.5);
            dynamic_matmul(cpu, &p, &x, &packed, columns, &mut scratch, &mut y);
            check(&y, name);
        }
    }
}

const BYTES: Bytes = Bytes {
    from: Affine { zero: -7, scale: 0.043 },
    divisor: 1.0,
    scale: 0.031,
    range: Range { zero: 4, lo: -128, hi: 127 },
};

fn numbers(x: &[i8]) -> Vec<f32> {
    x.iter().map(|&x| real(BYTES.from, i32::from(x))).collect()
}

fn quantized(b: &Bytes, y: &[f32]) -> Vec<i8> {
    y.iter().map(|y| rounded(b.range, y / b.divisor / b.scale) as i8).collect()
}

#[test]
fn float_operators_between_bytes_equal_those_on_numbers() {
    let mut v = Values(43);
    let cpu = Host::<Fused>::detect();
    for _ in rounds(60, 4) {
        let (h, w, c) = (2 + v.below(reduced(6, 3)), 2 + v.below(reduced(6, 3)), 1 + v.below(20));
        let pool = Pool2d::new([h, w], [h / 2, w / 2], c, [2, 2]).stride(2, 2);
        let x: Vec<i8> = bytes(&mut v, h * w * c);
        let mut y = vec![0i8; h / 2 * (w / 2) * c];
        let mut reals = vec![0.0; y.len()];
        avg_pool2d(cpu, &pool, &numbers(&x), &mut reals);
        qavg_pool2d(cpu, &pool, &BYTES, &x, &mut y);
        assert_eq!(y, quantized(&BYTES, &reals), "{pool:?}");

        let sum = Reduce { outer: h, n: w, inner: c };
        let mean = Bytes { divisor: w as f32, ..BYTES };
        let (mut y, mut reals) = (vec![0i8; h * c], vec![0.0; h * c]);
        reduce_sum(&sum, &numbers(&x), &mut reals);
        qsum(cpu, &sum, &mean, &x, &mut y);
        assert_eq!(y, quantized(&mean, &reals), "{sum:?}");

        let rows = Softmax { outer: h, n: w, inner: c };
        let shares = Bytes { scale: 1.0 / 256.0, range: Range { zero: -128, lo: -128, hi: 127 }, ..BYTES };
        let (mut y, mut reals) = (vec![0i8; x.len()], vec![0.0; x.len()]);
        softmax(cpu, &rows, &numbers(&x), &mut reals);
        qsoftmax(cpu, &rows, &shares, &x, &mut y);
        assert_eq!(y, quantized(&shares, &reals), "{rows:?}");
    }
}

#[test]
fn tables_are_indexed_by_the_bits_of_a_byte() {
    let cpu = Host::<Fused>::detect();
    let entries: [u8; 256] = core::array::from_fn(|i| (i as u8).wrapping_mul(37));
    let x: Vec<i8> = (0..24).map(|i: i32| (i * 10 - 120) as i8).collect();
    let expected: Vec<u8> = x.iter().map(|&x| entries[usize::from(x as u8)]).collect();
    let mut y = vec![1u8; 4 * 7];
    table(cpu, &Table { rows: 4, columns: 6, y_pitch: 7 }, &entries, &x, &mut y);
    for (row, expected) in y.chunks(7).zip(expected.chunks(6)) {
        assert_eq!((&row[..6], row[6]), (expected, 1));
    }
    let mut xy: Vec<u8> = x.iter().map(|&x| x as u8).collect();
    table_in_place(cpu, &entries, &mut xy);
    assert_eq!(xy, expected);
}
