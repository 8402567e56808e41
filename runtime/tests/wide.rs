//! Convolutions of 16-bit numbers with 8-bit weights.

mod values;

use values::{Values, indices, reduced, rounds};
use zant_runtime::arch::compact::Compact;
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::Fused;
use zant_runtime::arch::portable::Portable;
use zant_runtime::arch::words::Words;
use zant_runtime::kernels::level::Level;
use zant_runtime::kernels::qpacking;
use zant_runtime::kernels::wide::{conv2d_wide, conv2d_wide_deep};
use zant_runtime::kernels::wide_depthwise::depthwise2d_wide;
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::quant::Range;
use zant_runtime::terms::wide::{Ends, QUADS, Wide2d};

/// The same in wide numbers.
fn slow(e: Ends, sum: i64, lead: u8) -> Option<i32> {
    let unit = 1i128 << e.shift;
    let v = (i128::from(sum) << lead) * i128::from(e.multiplier) + i128::from(e.bias) - unit / 2;
    let (down, rest) = (v.div_euclid(unit), v.rem_euclid(unit));
    let up = 2 * rest > unit || 2 * rest == unit && down % 2 != 0;
    (v.abs() < 1 << 62).then_some((down + i128::from(up)) as i32)
}

#[test]
fn rounding_is_to_the_nearest_and_of_ties_to_the_even_number() {
    let mut v = Values(7);
    let mut checked = 0;
    for shift in 33..=62 {
        for (multiplier, bias, lead) in [
            (1, 0, 0),
            (3, -7, 3),
            (1 << 20, 1 << 40, 0),
            (1 << 30, 0, 0),
            (0x5555_5555, 0, 1),
            (i32::MAX, -(1 << 50), 0),
        ] {
            let ends = Ends { bias: bias + (1 << (shift - 1)), multiplier, shift };
            // Ties too: odd multiples of half of the unit.
            let ties = (-9..9).map(|k: i64| k << u32::from(shift).saturating_sub(31));
            for sum in ties.chain((0..50).map(|_| v.below(1 << 30) as i64 - (1 << 29))) {
                let Some(expected) = slow(ends, sum, lead) else { continue };
                assert_eq!(ends.round(sum, lead), expected, "{ends:?} {sum}");
                if let Some(sum) = i32::try_from(sum << lead).ok().map(|_| sum as i32) {
                    assert_eq!(ends.round(sum, lead), expected, "{ends:?} {sum}");
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 5_000, "{checked}");
}

/// A convolution with plain weights `[out_c][kernel_h][kernel_w][in_c / groups]`.
struct Case<X, Y> {
    p: Wide2d,
    x: Vec<X>,
    w: Vec<i8>,
    ends: Vec<Ends>,
    /// The output before the call.
    y: Vec<Y>,
}

/// Weights in a kernel's order.
fn packed(pack: impl FnOnce(&mut dyn FnMut(i8))) -> Vec<i8> {
    let mut packed = Vec::new();
    pack(&mut |w| packed.push(w));
    packed
}

impl<X: Level, Y: Level + PartialEq + std::fmt::Debug> Case<X, Y> {
    /// `clamp(round_half_even((sum * multiplier + bias) / 2^shift) + zero, lo, hi)` of the products' own definition.
    fn expected(&self) -> Vec<Y> {
        let p = &self.p.map;
        let (group_in, group_out) = (p.in_c / p.groups, p.out_c / p.groups);
        let mut y = self.y.clone();
        for at in indices(&[p.batch, p.out_h, p.out_w, p.out_c]) {
            let [b, oy, ox, oc] = at[..] else { unreachable!() };
            let mut sum = 0i64;
            for tap in indices(&[p.kernel_h, p.kernel_w, group_in]) {
                let [kh, kw, ci] = tap[..] else { unreachable!() };
                let iy = (oy * p.stride_h + kh * p.dilation_h).checked_sub(p.pad_top).filter(|&y| y < p.in_h);
                let ix = (ox * p.stride_w + kw * p.dilation_w).checked_sub(p.pad_left).filter(|&x| x < p.in_w);
                let (Some(iy), Some(ix)) = (iy, ix) else { continue };
                let x = self.x[((b * p.in_h + iy) * p.in_w + ix) * p.in_pitch + oc / group_out * group_in + ci];
                let w = self.w[((oc * p.kernel_h + kh) * p.kernel_w + kw) * group_in + ci];
                sum += i64::from(x.value() - self.p.zero) * i64::from(w);
            }
            let v = slow(self.ends[oc], sum, self.p.lead).expect("the case's sums fit") + self.p.range.zero;
            let v = v.clamp(self.p.range.lo, self.p.range.hi);
            y[((b * p.out_h + oy) * p.out_w + ox) * p.out_pitch + oc] = Y::narrow(v);
        }
        y
    }

    fn check(&self) {
        let expected = self.expected();
        self.check_on(Portable::<Fused>::portable(), "portable", &expected);
        self.check_on(Compact::<Host<Fused>>::detect(), "small code", &expected);
        if !cfg!(miri) {
            self.check_on(Host::<Fused>::detect(), "host", &expected);
        }
    }

    fn check_on<C: Words>(&self, cpu: C, name: &str, expected: &[Y]) {
        let (p, m) = (&self.p, &self.p.map);
        let bias: Vec<i64> = self.ends.iter().map(|e| e.bias).collect();
        let multiplier: Vec<i32> = self.ends.iter().map(|e| e.multiplier).collect();
        let shift: Vec<u8> = self.ends.iter().map(|e| e.shift).collect();
        let less: Vec<i64> =
            qpacking::wide_bias_less(&bias, &multiplier, &self.w, i64::from(p.zero - X::LESS) << p.lead).collect();
        let w = packed(|put| qpacking::conv2d_wide(m, &self.w, put));
        let (mut words, mut y) = (vec![0x8192_a3b4; p.scratch().div_ceil(2)], self.y.clone());
        conv2d_wide_deep(cpu, p, &self.x, &w, (&less, &multiplier, &shift), &mut words, &mut y);
        assert_eq!(y, expected, "{name} {p:?}");
        if p.chunk >= p.quads() {
            y.clone_from(&self.y);
            conv2d_wide(cpu, p, &self.x, &w, (&less, &multiplier, &shift), &mut words, &mut y);
            assert_eq!(y, expected, "{name} {p:?}");
        }
        if m.groups == m.in_c && m.groups == m.out_c && qpacking::depthwise_fits(m, &self.w, p.lead) {
            let w = packed(|put| qpacking::depthwise2d_wide(m, &self.w, put));
            let mut y = self.y.clone();
            let mut sums = vec![77; m.out_c];
            depthwise2d_wide(cpu, p, &self.x, &w, (&bias, &multiplier, &shift), &mut sums, &mut y);
            assert_eq!(y, expected, "{name} depthwise {p:?}");
        }
    }
}

fn levels<T: Level>(v: &mut Values, n: usize) -> Vec<T> {
    // The least number of 16 bits among them.
    (0..n).map(|_| if v.below(9) == 0 { T::narrow(0x8000) } else { T::narrow(v.bits() as i32) }).collect()
}

/// The range of a type.
fn whole<T: Level>() -> (i32, i32) {
    let values = [0, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff].map(|v| T::narrow(v).value());
    values.iter().fold((0, 0), |(lo, hi), &v| (lo.min(v), hi.max(v)))
}

fn case<X: Level, Y: Level>(v: &mut Values, depthwise: bool) -> Case<X, Y> {
    let groups = if depthwise { 1 + v.below(reduced(40, 20)) } else { 1 + v.below(2) };
    let (group_in, group_out) = match (depthwise, v.below(3)) {
        (true, _) => (1, 1),
        (false, 0) => (1 + v.below(reduced(13, 3)), 1 + v.below(reduced(20, 9))),
        (false, _) => (4 + 4 * v.below(reduced(50, 1)), 1 + v.below(reduced(30, 17))),
    };
    let [kernel_h, kernel_w] = [1 + v.below(3), 1 + v.below(3)];
    let [in_h, in_w] = [kernel_h + v.below(reduced(4, 2)), kernel_w + v.below(reduced(9, 3))];
    let [pad_h, pad_w] = [v.below(kernel_h), v.below(kernel_w)];
    let [stride_h, stride_w] = [1 + v.below(2), 1 + v.below(2)];
    let out_h = (in_h + 2 * pad_h - kernel_h) / stride_h + 1;
    let out_w = (in_w + 2 * pad_w - kernel_w) / stride_w + 1;
    let (in_c, out_c) = (groups * group_in, groups * group_out);
    let map = Conv2d::new([in_h, in_w, in_c], [out_h, out_w, out_c], [kernel_h, kernel_w])
        .batch(1 + v.below(2))
        .stride(stride_h, stride_w)
        .pad(pad_h, pad_w)
        .pitch(in_c + v.below(3), out_c + v.below(3))
        .groups(groups);
    let (x_range, y_range) = (whole::<X>(), whole::<Y>());
    let within = |v: &mut Values, (lo, hi): (i32, i32)| lo + v.below((hi - lo) as usize + 1) as i32;
    let (lo, hi) = (within(v, y_range), within(v, y_range));
    let range = Range { zero: within(v, y_range), lo: lo.min(hi), hi: lo.max(hi) };
    // Weights of the largest size make chunks of sums necessary.
    let extreme = v.below(3) == 0;
    let w: Vec<i8> = (0..out_c * kernel_h * kernel_w * group_in)
        .map(|_| if extreme { [-128, 127][v.below(2)] } else { v.bits() as i8 })
        .collect();
    let lead = [0, 0, 3, 29][v.below(4)];
    let ends = (0..out_c).map(|_| {
        let shift = 33 + v.below(12) as u8;
        Ends {
            bias: (v.bits() >> 12) as i64 - (1 << 51),
            multiplier: 1 + v.below(1 << if lead > 20 { 5 } else { 28 }) as i32,
            shift,
        }
    });
    let (ends, zero) = (ends.collect(), within(v, x_range));
    let p = Wide2d { map, zero, range, chunk: qpacking::wide_chunk(&map, &w, lead), lead };
    let (x, y) = (levels(v, map.in_len()), levels(v, map.out_len()));
    Case { p, x, w, ends, y }
}

#[test]
fn convolutions_are_exact_and_the_same_on_every_instruction_set() {
    let mut v = Values(5);
    let mut chunked = 0;
    for round in rounds(120, 4) {
        let depthwise = round % 3 == 0;
        let c = case::<i16, i16>(&mut v, depthwise);
        chunked += usize::from(c.p.chunk < c.p.quads());
        c.check();
        case::<u16, u16>(&mut v, depthwise).check();
        match round % 4 {
            0 => case::<i8, i16>(&mut v, depthwise).check(),
            1 => case::<u8, u16>(&mut v, depthwise).check(),
            2 => case::<i16, i8>(&mut v, depthwise).check(),
            _ => case::<u16, u8>(&mut v, depthwise).check(),
        }
    }
    assert!(cfg!(miri) || chunked > 5, "{chunked} with several chunks");
}

/// The quad loop alone, on numbers of all sizes: sums wrap.
#[test]
fn quads_are_added_alike() {
    let mut v = Values(6);
    for quads in [0, 1, 2, 3, 7] {
        let w: Vec<[i8; QUADS]> = (0..quads).map(|_| std::array::from_fn(|_| v.bits() as i8)).collect();
        let four: Vec<[[u32; 2]; 4]> =
            (0..quads).map(|_| std::array::from_fn(|_| [v.bits() as u32, v.bits() as u32])).collect();
        let one: Vec<[[u32; 2]; 1]> = four.iter().map(|x| [x[0]]).collect();
        let start = std::array::from_fn(|_| std::array::from_fn(|_| v.bits() as i32));
        let (mut a, mut b, mut c) = (start, start, [start[0]]);
        Portable::<Fused>::portable().add_words(&four, &w, &mut a);
        Host::<Fused>::detect().add_words(&four, &w, &mut b);
        Host::<Fused>::detect().add_words(&one, &w, &mut c);
        assert_eq!((a, a[0]), (b, c[0]));
    }
}
