//! Pooling against direct loops, to the bit, on every instruction set, apart and in place.

mod values;

use values::{Values, bits, reduced, rounds};
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::Fused;
use zant_runtime::arch::portable::Portable;
use zant_runtime::kernels::pool::{avg_pool2d, avg_pool2d_in_place, max_pool2d, max_pool2d_in_place};
use zant_runtime::terms::pool2d::Pool2d;

/// What stands between the pixels of the output, which no kernel may touch.
const GAP: f32 = 12_345.0;

/// The inputs of a window by row, then column, and how many taps fall inside the padded map.
fn window(p: &Pool2d, [b, oy, ox, c]: [usize; 4]) -> (Vec<usize>, usize) {
    let (mut inside, mut padded) = (Vec::new(), 0);
    for kh in 0..p.kernel_h {
        for kw in 0..p.kernel_w {
            let (y, x) = (oy * p.stride_h + kh * p.dilation_h, ox * p.stride_w + kw * p.dilation_w);
            let (height, width) = (p.pad_top + p.in_h, p.pad_left + p.in_w);
            if y < height + p.pad_bottom && x < width + p.pad_right {
                padded += 1;
            }
            if y >= p.pad_top && y < height && x >= p.pad_left && x < width {
                let pixel = (b * p.in_h + y - p.pad_top) * p.in_w + x - p.pad_left;
                inside.push(pixel * p.in_pitch + c);
            }
        }
    }
    (inside, padded)
}

/// Fills `y` with what `reduce` makes of each window.
fn direct<T: Copy>(p: &Pool2d, y: &mut [T], mut reduce: impl FnMut(&[usize], usize) -> T) {
    for b in 0..p.batch {
        for oy in 0..p.out_h {
            for ox in 0..p.out_w {
                for c in 0..p.channels {
                    let (inside, padded) = window(p, [b, oy, ox, c]);
                    let pixel = (b * p.out_h + oy) * p.out_w + ox;
                    y[pixel * p.out_pitch + c] = reduce(&inside, padded);
                }
            }
        }
    }
}

fn largest(x: &[f32], inside: &[usize]) -> f32 {
    let mut most = f32::NEG_INFINITY;
    for i in inside {
        // `+ 0.0`: a positive zero is larger than a negative one.
        let zero = x[*i] == 0.0 && most == 0.0;
        most = if most.is_nan() || x[*i].is_nan() {
            f32::NAN
        } else if zero {
            x[*i] + most
        } else {
            most.max(x[*i])
        };
    }
    most
}

fn axis(values: &mut Values, inputs: usize) -> [usize; 7] {
    let input = 1 + values.below(inputs);
    let kernel = 1 + values.below(4);
    let (stride, dilation) = (1 + values.below(3), 1 + values.below(4) / 3);
    let span = (kernel - 1) * dilation + 1;
    let pads = values.below(2);
    let (before, after) = (pads * values.below(span), pads * values.below(span));
    // Some round the number of windows up, so that the last reaches beyond the padding.
    let beyond = values.below(2) * (stride - 1);
    let output = (input + before + after + beyond).checked_sub(span).map_or(0, |last| last / stride + 1);
    [input, output, kernel, stride, dilation, before, after]
}

fn random(values: &mut Values, channels: usize) -> Pool2d {
    let [in_h, out_h, kernel_h, stride_h, dilation_h, pad_top, pad_bottom] = axis(values, 8);
    let [in_w, out_w, kernel_w, stride_w, dilation_w, pad_left, pad_right] = axis(values, 12);
    Pool2d {
        batch: 1 + values.below(2),
        in_h,
        in_w,
        channels,
        in_pitch: channels + values.below(2) * values.below(4),
        out_h,
        out_w,
        out_pitch: channels + values.below(2) * values.below(4),
        kernel_h,
        kernel_w,
        stride_h,
        stride_w,
        dilation_h,
        dilation_w,
        pad_top,
        pad_left,
        pad_bottom,
        pad_right,
        count_include_pad: values.below(2) == 0,
    }
}

/// The output's elements of a buffer that was written in place: its gaps hold inputs.
fn without_gaps(p: &Pool2d, y: &[f32]) -> Vec<u32> {
    let pixels = y[..p.out_len()].chunks(p.out_pitch);
    pixels.flat_map(|pixel| bits(&pixel[..p.channels])).collect()
}

#[test]
fn random_pools_are_equal_to_the_bit() {
    let mut values = Values(1);
    let mut in_place = 0;
    for round in rounds(1500, 10) {
        let p = random(&mut values, 1 + round % 19);
        let x = if round % 2 == 0 { values.f32s(p.in_len()) } else { values.special(p.in_len()) };
        let before = vec![GAP; p.out_len()];
        let mut max = before.clone();
        direct(&p, &mut max, |inside, _| largest(&x, inside));
        let mut avg = before.clone();
        direct(&p, &mut avg, |inside, padded| {
            let sum = inside.iter().fold(0.0, |sum, i| sum + x[*i]);
            sum / if p.count_include_pad { padded as f32 } else { inside.len() as f32 }
        });
        let (plain, host) = (Portable::<Fused>::portable(), Host::<Fused>::detect());
        let mut y = before.clone();
        max_pool2d(plain, &p, &x, &mut y);
        assert_eq!(bits(&y), bits(&max), "portable maximum {p:?}");
        y.clone_from(&before);
        max_pool2d(host, &p, &x, &mut y);
        assert_eq!(bits(&y), bits(&max), "host maximum {p:?}");
        y.clone_from(&before);
        avg_pool2d(plain, &p, &x, &mut y);
        assert_eq!(bits(&y), bits(&avg), "portable average {p:?}");
        y.clone_from(&before);
        avg_pool2d(host, &p, &x, &mut y);
        assert_eq!(bits(&y), bits(&avg), "host average {p:?}");
        if p.in_place_safe() {
            in_place += 1;
            let mut xy = x.clone();
            xy.resize(p.in_len().max(p.out_len()), GAP);
            let (mut a, mut b, mut c) = (xy.clone(), xy.clone(), xy.clone());
            max_pool2d_in_place(plain, &p, &mut xy);
            assert_eq!(without_gaps(&p, &xy), without_gaps(&p, &max), "maximum in place {p:?}");
            max_pool2d_in_place(host, &p, &mut a);
            assert_eq!(without_gaps(&p, &a), without_gaps(&p, &max), "maximum in place {p:?}");
            avg_pool2d_in_place(plain, &p, &mut b);
            assert_eq!(without_gaps(&p, &b), without_gaps(&p, &avg), "average in place {p:?}");
            avg_pool2d_in_place(host, &p, &mut c);
            assert_eq!(without_gaps(&p, &c), without_gaps(&p, &avg), "average in place {p:?}");
        }
    }
    assert!(in_place > reduced(100, 1), "only {in_place} shapes were pooled in place");
}

#[test]
fn integers_and_doubles_have_the_same_maximum() {
    let mut values = Values(2);
    for round in rounds(100, 4) {
        let p = random(&mut values, 1 + round % 19);
        let bytes: Vec<i8> = (0..p.in_len()).map(|_| values.bits() as i8).collect();
        let mut y = vec![99; p.out_len()];
        let mut expected = y.clone();
        direct(&p, &mut expected, |inside, _| inside.iter().map(|i| bytes[*i]).max().unwrap_or(i8::MIN));
        max_pool2d(Host::<Fused>::detect(), &p, &bytes, &mut y);
        assert_eq!(y, expected, "{p:?}");
        if p.in_place_safe() {
            let mut xy = bytes.clone();
            xy.resize(p.in_len().max(p.out_len()), 0);
            max_pool2d_in_place(Portable::<Fused>::portable(), &p, &mut xy);
            for (pixel, expected) in xy[..p.out_len()].chunks(p.out_pitch).zip(expected.chunks(p.out_pitch)) {
                assert_eq!(pixel[..p.channels], expected[..p.channels], "{p:?}");
            }
        }
        let doubles: Vec<f64> = bytes.iter().map(|x| f64::from(*x)).collect();
        let mut y = vec![99.0; p.out_len()];
        max_pool2d(Host::<Fused>::detect(), &p, &doubles, &mut y);
        let expected = y
            .iter()
            .zip(&expected)
            .all(|(y, expected)| *y == f64::from(*expected) || (*y == f64::NEG_INFINITY && *expected == i8::MIN));
        assert!(expected, "{p:?}");
    }
}

/// Whether some output is written over an input that a later one reads, found by marking.
fn overwrites(p: &Pool2d) -> bool {
    let mut written = vec![false; p.in_len().max(p.out_len())];
    for pixel in 0..p.batch * p.out_h * p.out_w {
        let (b, rest) = (pixel / (p.out_h * p.out_w), pixel % (p.out_h * p.out_w));
        for c in 0..p.channels {
            let (inside, _) = window(p, [b, rest / p.out_w, rest % p.out_w, c]);
            if inside.iter().any(|i| written[*i]) {
                return true;
            }
            written[pixel * p.out_pitch + c] = true;
        }
    }
    false
}

#[test]
fn only_pools_that_overwrite_nothing_needed_are_in_place_safe() {
    let mut values = Values(3);
    let mut missed = 0;
    for _ in rounds(3000, 30) {
        let channels = 1 + values.below(3);
        let p = random(&mut values, channels);
        assert!(!(p.in_place_safe() && overwrites(&p)), "{p:?}");
        missed += usize::from(!p.in_place_safe() && !overwrites(&p));
    }
    // The rule is by whole pixels: it may refuse a few that would do.
    assert!(missed < 300, "{missed} of 3000 refused without need");

    const HALVED: Pool2d = Pool2d {
        batch: 2,
        in_h: 28,
        in_w: 28,
        channels: 8,
        in_pitch: 8,
        out_h: 14,
        out_w: 14,
        out_pitch: 8,
        kernel_h: 2,
        kernel_w: 2,
        stride_h: 2,
        stride_w: 2,
        dilation_h: 1,
        dilation_w: 1,
        pad_top: 0,
        pad_left: 0,
        pad_bottom: 0,
        pad_right: 0,
        count_include_pad: false,
    };
    const { assert!(HALVED.in_place_safe()) };
    const PADDED: Pool2d = Pool2d {
        kernel_h: 3,
        kernel_w: 3,
        stride_h: 1,
        stride_w: 1,
        pad_top: 1,
        pad_left: 1,
        out_h: 28,
        out_w: 28,
        ..HALVED
    };
    const { assert!(!PADDED.in_place_safe()) };
}
