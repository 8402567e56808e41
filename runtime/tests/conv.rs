//! Convolutions against a direct sum in the promised order, to the bit, on every instruction set; and that sum
//! against one in `f64`.

mod values;

use values::{Values, bits, each_cpu, reduced, rounds};
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::{Fused, Numerics, Separate};
use zant_runtime::arch::portable::Portable;
use zant_runtime::kernels::conv::conv2d;
use zant_runtime::kernels::depthwise::depthwise2d;
use zant_runtime::kernels::packing::{self, Piece};
use zant_runtime::math;
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::epilogue::{Activation, Epilogue, Residual};

/// What stands between the pixels of the output, which no kernel may touch.
const GAP: f32 = 12_345.0;

/// A convolution with plain weights `[out_c][kernel_h][kernel_w][in_c / groups]`.
struct Case {
    p: Conv2d,
    x: Vec<f32>,
    w: Vec<f32>,
    bias: Vec<f32>,
    /// The output before the call.
    y: Vec<f32>,
}

fn activate(activation: Activation, x: f32) -> f32 {
    match activation {
        Activation::None => x,
        Activation::Clamp { .. } if x.is_nan() => x,
        // Both clamps of the cases have no zero of negative sign, so that `+ 0.0` makes the result of `max` definite.
        Activation::Clamp { lo, hi } => x.max(lo).min(hi) + 0.0,
        Activation::Leaky { alpha } => {
            if x < 0.0 {
                x * alpha
            } else {
                x
            }
        }
    }
}

impl Case {
    /// Visits the products of one output in the promised order.
    fn products(&self, [b, oy, ox, oc]: [usize; 4], mut visit: impl FnMut(f32, f32)) {
        let p = &self.p;
        let (group_in, group_out) = (p.in_c / p.groups, p.out_c / p.groups);
        let first = oc / group_out * group_in;
        for kh in 0..p.kernel_h {
            for kw in 0..p.kernel_w {
                let iy = (oy * p.stride_h + kh * p.dilation_h).checked_sub(p.pad_top);
                let ix = (ox * p.stride_w + kw * p.dilation_w).checked_sub(p.pad_left);
                let (Some(iy), Some(ix)) = (iy, ix) else { continue };
                if iy >= p.in_h || ix >= p.in_w {
                    continue;
                }
                for ci in 0..group_in {
                    let x = self.x[((b * p.in_h + iy) * p.in_w + ix) * p.in_pitch + first + ci];
                    let w = self.w[((oc * p.kernel_h + kh) * p.kernel_w + kw) * group_in + ci];
                    visit(x, w);
                }
            }
        }
    }

    fn expected<N: Numerics>(&self) -> Vec<f32> {
        let p = &self.p;
        let mut y = self.y.clone();
        for b in 0..p.batch {
            for oy in 0..p.out_h {
                for ox in 0..p.out_w {
                    for oc in 0..p.out_c {
                        let mut sum = self.bias.get(oc).copied().unwrap_or(0.0);
                        let (mut exact, mut size) = (f64::from(sum), f64::from(sum).abs());
                        let mut count = 1.0;
                        self.products([b, oy, ox, oc], |x, w| {
                            sum = if N::FUSED { x.mul_add(w, sum) } else { x * w + sum };
                            exact += f64::from(x) * f64::from(w);
                            size += (f64::from(x) * f64::from(w)).abs();
                            count += 2.0;
                        });
                        // Higham 2002, 3.1: |error| <= n u / (1 - n u) * sum |x w|, here with the slack of f64.
                        let bound = count * f64::from(f32::EPSILON) * size;
                        assert!(!exact.is_finite() || (f64::from(sum) - exact).abs() <= bound);
                        let y = &mut y[((b * p.out_h + oy) * p.out_w + ox) * p.out_pitch + oc];
                        if p.epilogue.residual == Residual::Accumulate {
                            sum += *y;
                        }
                        *y = activate(p.epilogue.activation, sum);
                    }
                }
            }
        }
        y
    }

    /// The weights in the order of a kernel.
    fn packed(&self, pieces: impl Iterator<Item = Piece>) -> Vec<f32> {
        pieces.flat_map(Piece::places).map(|at| self.w[at]).collect()
    }

    fn check<N: Numerics>(&self) {
        let p = &self.p;
        let expected = bits(&self.expected::<N>());
        let w = self.packed(packing::conv2d(p, false));
        each_cpu!(N, name, cpu => {
            let mut y = self.y.clone();
            conv2d(cpu, p, &self.x, &w, &self.bias, &mut y);
            assert_eq!(bits(&y), expected, "{name} {p:?}");
        });
        if p.groups == p.in_c && p.groups == p.out_c {
            let w = self.packed(packing::depthwise2d(p));
            each_cpu!(N, name, cpu => {
                let mut y = self.y.clone();
                depthwise2d(cpu, p, &self.x, &w, &self.bias, &mut y);
                assert_eq!(bits(&y), expected, "{name} depthwise {p:?}");
            });
        }
    }
}

/// Output positions along an axis; none where the kernel does not fit.
fn output(input: usize, pads: usize, kernel: usize, stride: usize, dilation: usize) -> usize {
    (input + pads).checked_sub((kernel - 1) * dilation + 1).map_or(0, |last| last / stride + 1)
}

fn epilogue(values: &mut Values) -> Epilogue {
    let activation = match values.below(4) {
        0 => Activation::None,
        1 => Activation::Clamp { lo: 0.0, hi: f32::INFINITY },
        2 => Activation::Clamp { lo: -1.5, hi: 6.0 },
        _ => Activation::Leaky { alpha: 0.1 },
    };
    let residual = if values.below(3) == 0 { Residual::Accumulate } else { Residual::None };
    Epilogue { activation, residual }
}

/// The extent of one axis: input, output, kernel, stride, dilation, padding before.
fn axis(values: &mut Values, inputs: usize) -> [usize; 6] {
    let input = 1 + values.below(inputs);
    let kernel = 1 + values.below(reduced(5, 3));
    let (stride, dilation) = (1 + values.below(3), 1 + values.below(3) / 2);
    let span = (kernel - 1) * dilation;
    let (before, after) = (values.below(span + 2), values.below(span + 2));
    let output = output(input, before + after, kernel, stride, dilation);
    [input, output, kernel, stride, dilation, before]
}

/// A convolution of random shape with `groups` groups of `group_in` inputs and `group_out` outputs.
fn random(values: &mut Values, groups: usize, group_in: usize, group_out: usize) -> Case {
    let [in_h, out_h, kernel_h, stride_h, dilation_h, pad_top] = axis(values, reduced(8, 3));
    let [in_w, out_w, kernel_w, stride_w, dilation_w, pad_left] = axis(values, reduced(14, 7));
    let (in_c, out_c) = (groups * group_in, groups * group_out);
    let p = Conv2d {
        batch: 1 + values.below(2),
        in_h,
        in_w,
        in_c,
        in_pitch: in_c + values.below(2) * values.below(5),
        out_h,
        out_w,
        out_c,
        out_pitch: out_c + values.below(2) * values.below(5),
        kernel_h,
        kernel_w,
        stride_h,
        stride_w,
        dilation_h,
        dilation_w,
        pad_top,
        pad_left,
        groups,
        epilogue: epilogue(values),
    };
    case(p, values)
}

fn case(p: Conv2d, values: &mut Values) -> Case {
    let bias = if values.below(4) == 0 { 0 } else { p.out_c };
    let mut y = vec![GAP; p.out_len()];
    if p.epilogue.residual == Residual::Accumulate {
        for pixel in y.chunks_mut(p.out_pitch) {
            pixel[..p.out_c].copy_from_slice(&values.f32s(p.out_c));
        }
    }
    Case {
        x: values.f32s(p.in_len()),
        w: values.f32s(p.out_c * p.kernel_h * p.kernel_w * (p.in_c / p.groups)),
        bias: values.f32s(bias),
        y,
        p,
    }
}

#[test]
fn random_convolutions_are_equal_to_the_bit() {
    let mut values = Values(1);
    for round in rounds(600, 9) {
        let groups = [1, 1, 1, 2, 3][values.below(5)];
        let group_in = [1, 2, 3, 4, reduced(8, 1), reduced(17, 5)][values.below(6)];
        // Every width of a panel, full ones before it or none.
        let group_out = 1 + round % 34;
        let case = random(&mut values, groups, group_in, group_out);
        case.check::<Fused>();
        if round % 4 == 0 {
            case.check::<Separate>();
        }
    }
}

#[test]
fn random_depthwise_convolutions_are_equal_to_the_bit() {
    let mut values = Values(2);
    for round in rounds(400, 8) {
        let case = random(&mut values, 1 + round % 35, 1, 1);
        case.check::<Fused>();
        if round % 4 == 0 {
            case.check::<Separate>();
        }
    }
}

/// A map of `size` by `size` under a kernel of three by three with padding of one.
fn square(size: usize, in_c: usize, out_c: usize) -> Conv2d {
    Conv2d {
        batch: 1,
        in_h: size,
        in_w: size,
        in_c,
        in_pitch: in_c,
        out_h: size,
        out_w: size,
        out_c,
        out_pitch: out_c,
        kernel_h: 3,
        kernel_w: 3,
        stride_h: 1,
        stride_w: 1,
        dilation_h: 1,
        dilation_w: 1,
        pad_top: 1,
        pad_left: 1,
        groups: 1,
        epilogue: Epilogue::NONE,
    }
}

#[test]
fn usual_layers_are_equal_to_the_bit() {
    let mut values = Values(3);
    let few = |inputs| reduced(inputs, 2);
    let line = Conv2d { in_h: 1, out_h: 1, kernel_h: 1, pad_top: 0, ..square(24, few(5), 18) };
    let pointwise =
        Conv2d { kernel_h: 1, kernel_w: 1, pad_top: 0, pad_left: 0, ..square(reduced(7, 4), few(24), reduced(40, 33)) };
    // The kernel covers the map: all runs join into one.
    let whole = Conv2d { in_h: 3, in_w: 3, pad_top: 0, pad_left: 0, ..square(1, few(6), 33) };
    let empty = Conv2d { out_h: 0, out_w: 0, in_h: 1, in_w: 1, pad_top: 0, ..square(1, 2, 3) };
    for p in [square(reduced(13, 4), few(3), 16), square(reduced(8, 3), few(16), 16), line, pointwise, whole, empty] {
        let case = case(p, &mut values);
        case.check::<Fused>();
        case.check::<Separate>();
    }
}

#[test]
fn infinities_and_nans_travel_as_in_the_direct_sum() {
    let mut values = Values(4);
    for _ in rounds(40, 2) {
        let mut case = random(&mut values, 1, 2, 17);
        case.x = values.special(case.x.len());
        case.check::<Fused>();
        let mut case = random(&mut values, 19, 1, 1);
        case.x = values.special(case.x.len());
        case.check::<Fused>();
    }
}

#[test]
fn a_window_in_the_padding_alone_gives_the_bias() {
    let p = Conv2d { in_h: 1, in_w: 1, out_h: 7, out_w: 7, pad_top: 4, pad_left: 4, ..square(7, 1, 2) };
    let mut y = vec![GAP; p.out_len()];
    let w: Vec<f32> = (1..=18_u8).map(f32::from).collect();
    conv2d(Portable::<Fused>::portable(), &p, &[100.0], &w, &[0.25, -0.5], &mut y);
    assert_eq!(y[..2], [0.25, -0.5]);
    assert_eq!(y[2 * (4 * 7 + 4)..][..2], [100.25, 199.5]);
    assert_eq!(y[2 * 48..], [0.25, -0.5]);
    assert!(!y.contains(&GAP));
}

#[test]
fn clamps_follow_their_definition_for_every_bound() {
    const X: [f32; 8] = [0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 0.5];
    // One pixel for each value, sixteen channels and one more: y = x * 1 + -0, which is x to the bit.
    let p = Conv2d { kernel_h: 1, kernel_w: 1, pad_top: 0, pad_left: 0, in_h: 1, out_h: 1, ..square(8, 1, 17) };
    for lo in X {
        for hi in X {
            let epilogue = Epilogue { activation: Activation::Clamp { lo, hi }, residual: Residual::None };
            let p = Conv2d { epilogue, ..p };
            let mut expected = Vec::new();
            for x in X {
                expected.extend([math::min(math::max(x, lo), hi); 17]);
            }
            let mut y = vec![GAP; p.out_len()];
            conv2d(Portable::<Fused>::portable(), &p, &X, &[1.0; 17], &[-0.0; 17], &mut y);
            assert_eq!(bits(&y), bits(&expected), "portable {lo} {hi}");
            let mut y = vec![GAP; p.out_len()];
            conv2d(Host::<Fused>::detect(), &p, &X, &[1.0; 17], &[-0.0; 17], &mut y);
            assert_eq!(bits(&y), bits(&expected), "host {lo} {hi}");
        }
    }
}
