//! Depthwise and 1x1 convolutions by rows against the one after the other, to the bit, on every instruction set.

mod values;

use values::{Values, bits, each_cpu, reduced, rounds};
use zant_runtime::arch::isa::{Fused, Numerics, Separate};
use zant_runtime::kernels::conv::conv2d;
use zant_runtime::kernels::depthwise::depthwise2d;
use zant_runtime::kernels::separable::{Separable, separable2d};
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::epilogue::Epilogue;

/// A pair of convolutions with windows of any kind.
fn random(values: &mut Values) -> Separable {
    let (channels, out_c) = (1 + values.below(reduced(40, 19)), 1 + values.below(reduced(40, 19)));
    let (inputs, kernels) = reduced((14, 4), (7, 3));
    let axis = |values: &mut Values| {
        let (input, kernel, stride) = (1 + values.below(inputs), 1 + values.below(kernels), 1 + values.below(2));
        let dilation = 1 + values.below(2);
        let pad = [values.below(kernel * dilation + 1), values.below(kernel * dilation + 1)];
        let span = (kernel - 1) * dilation + 1;
        let output = (input + pad[0] + pad[1]).checked_sub(span).map_or(0, |rest| rest / stride + 1);
        [input, output, kernel, stride, dilation, pad[0]]
    };
    let (h, w) = (axis(values), axis(values));
    let depthwise = Conv2d::new([h[0], w[0], channels], [h[1], w[1], channels], [h[2], w[2]])
        .stride(h[3], w[3])
        .dilation(h[4], w[4])
        .pad(h[5], w[5])
        .pitch(channels + values.below(3), channels)
        .groups(channels)
        .then(Epilogue::clamp(0.0, 6.0));
    let mut then = Epilogue::NONE;
    if values.below(2) == 0 {
        then = then.accumulate();
    }
    let pointwise = Conv2d::new([h[1], w[1], channels], [h[1], w[1], out_c], [1, 1])
        .pitch(channels, out_c + values.below(3))
        .then(then);
    Separable { depthwise, pointwise, rows: 1 + values.below(5) }
}

fn check<N: Numerics>(values: &mut Values) {
    let p = random(values);
    let (d, q) = (&p.depthwise, &p.pointwise);
    let x = values.f32s(d.in_len());
    let weights = [values.f32s(d.kernel_h * d.kernel_w * d.out_c), values.f32s(q.in_c * q.out_c)];
    let bias = [values.f32s(d.out_c), values.f32s(q.out_c)];
    let before = values.f32s(q.out_len());
    each_cpu!(N, name, cpu => {
        let mut between = vec![0.0; d.out_len()];
        let mut expected = before.clone();
        depthwise2d(cpu, d, &x, &weights[0], &bias[0], &mut between);
        conv2d(cpu, q, &between, &weights[1], &bias[1], &mut expected);
        let mut y = before.clone();
        let mut scratch = vec![f32::NAN; p.scratch()];
        separable2d(cpu, &p, &x, [&weights[0], &weights[1]], [&bias[0], &bias[1]], &mut scratch, &mut y);
        assert_eq!(bits(&y), bits(&expected), "{name} {p:?}");
    });
}

#[test]
fn rows_at_a_time_are_equal_to_the_bit() {
    let mut values = Values(31);
    for _ in rounds(400, 4) {
        check::<Fused>(&mut values);
        check::<Separate>(&mut values);
    }
}
