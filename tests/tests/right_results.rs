//! Corners in which results were wrong once. All expected values follow from the operators' texts by hand, or are those of
//! onnxruntime where the text leaves a choice.

use zant_tests::node::OneNode;
use zantc::diag::codes;
use zantc::exec::ExecError;
use zantc::ir::{Element, Tensor};

fn only<T: Element>(results: Result<Vec<Tensor>, ExecError>) -> Vec<T> {
    results.expect("the run succeeds")[0].to_vec().expect("the type is right")
}

#[test]
fn integer_gemm_adds_a_constant_bias() {
    let a = [1i64, 2, 3, 4];
    let gemm = |opset| OneNode::new("Gemm", opset).input(&[2, 2], &a);
    for weights in [[1i64, 0, 0, 1], [1000, 0, 0, 1], [-70_000, 5, 7, 70_000]] {
        let [p, q, r, s] = weights;
        let product = [p + 2 * r, q + 2 * s, 3 * p + 4 * r, 3 * q + 4 * s];
        let biased = [product[0] + 1000, product[1] - 1000, product[2] + 1000, product[3] - 1000];
        for inputs in [&[0][..], &[0, 1], &[0, 1, 2], &[1, 2], &[0, 2]] {
            let model = gemm(13).input(&[2, 2], &weights).input(&[2], &[1000i64, -1000]);
            assert_eq!(only::<i64>(model.runs(inputs)), biased, "{inputs:?}");
            let narrow = OneNode::new("Gemm", 13).input(&[2, 2], &a.map(|v| v as i32));
            let model = narrow.input(&[2, 2], &weights.map(|v| v as i32)).input(&[2], &[1000i32, -1000]);
            assert_eq!(only::<i32>(model.runs(inputs)), biased.map(|v| v as i32), "{inputs:?}");
        }
    }
}

#[test]
fn integer_gemm_is_refused_where_its_factors_are_no_integers() {
    let gemm = |name: &str| {
        let ones = [1i32; 4];
        OneNode::new("Gemm", 13).input(&[2, 2], &ones).input(&[2, 2], &ones).input(&[2], &ones[..2]).float(name, 0.5)
    };
    assert_eq!(gemm("alpha").refusal(), codes::UNSUPPORTED_FORM);
    assert_eq!(gemm("beta").refusal(), codes::UNSUPPORTED_FORM);
    let doubled = OneNode::new("Gemm", 13).input(&[1, 1], &[3i32]).input(&[1, 1], &[5i32]).float("alpha", 2.0);
    assert_eq!(only::<i32>(doubled.runs(&[0])), [30]);
}

#[test]
fn integer_gemm_of_a_transposed_operand_adds_its_bias() {
    let model = OneNode::new("Gemm", 13).input(&[2, 3], &[1i32, 2, 3, 4, 5, 6]).int("transA", 1);
    let model = model.input(&[2, 2], &[1i32, -1, 2, 3]).input(&[2], &[10i32, 20]);
    assert_eq!(only::<i32>(model.runs(&[0])), [19, 31, 22, 33, 25, 35]);
}

#[test]
fn quantized_gemm_adds_its_bias() {
    let model = |bias: &[i32], dims: &[i64]| {
        OneNode::new("QGemm", 13)
            .domain("com.microsoft")
            .input(&[2, 2], &[4i8, 5, 6, 7])
            .input(&[], &[0.5f32])
            .input(&[], &[3i8])
            .input(&[2, 2], &[1i8, 2, 3, 4])
            .input(&[], &[0.25f32])
            .input(&[], &[0i8])
            .input(dims, bias)
    };
    // [1 2; 3 4] * [1 2; 3 4] = [7 10; 15 22].
    let plain = [107i32, -90, 115, -78].map(|v| v as f32 * 0.125);
    assert_eq!(only::<f32>(model(&[100, -100], &[2]).runs(&[0])), plain);
    assert_eq!(only::<f32>(model(&[100, -100], &[1, 2]).runs(&[0])), plain);
    let columns = [107i32, 110, -85, -78].map(|v| v as f32 * 0.125);
    assert_eq!(only::<f32>(model(&[100, -100], &[2, 1]).runs(&[0])), columns);
}

#[test]
fn slices_backwards_start_within_the_axis() {
    let slice = |start: i64, end: i64, step: i64| {
        let slice = OneNode::new("Slice", 13).input(&[6], &[0f32, 1., 2., 3., 4., 5.]);
        let slice = slice.input(&[1], &[start]).input(&[1], &[end]).input(&[1], &[0i64]).input(&[1], &[step]);
        let constant = slice.clone().result::<f32>().1;
        assert_eq!(only::<f32>(slice.runs(&[0])), constant);
        constant
    };
    // onnxruntime 1.23 gives these.
    assert_eq!(slice(-9, -100, -1), [0.0]);
    assert_eq!(slice(-9, -100, -2), [0.0]);
    assert_eq!(slice(-7, -100, -1), [0.0]);
    assert_eq!(slice(-9, -8, -1), [0.0]);
    assert_eq!(slice(i64::MIN, i64::MIN, i64::MIN), [0.0]);
    assert_eq!(slice(-9, -6, -1), [0f32; 0]);
    assert_eq!(slice(-9, 0, -1), [0f32; 0]);
    assert_eq!(slice(9, -100, -3), [5.0, 2.0]);
    assert_eq!(slice(9, 100, 1), [0f32; 0]);
    assert_eq!(slice(-9, 100, 3), [0.0, 3.0]);
    let empty = OneNode::new("Slice", 13).input::<f32>(&[0], &[]);
    empty.input(&[1], &[-9i64]).input(&[1], &[-100i64]).input(&[1], &[0i64]).input(&[1], &[-1i64]).gives::<f32>(&[]);
}

#[test]
fn the_sign_of_minus_zero_is_zero() {
    let x = [-0.0f32, 0.0, -3.0, f32::NAN];
    let bits = |y: Vec<f32>| y.iter().map(|v| if v.is_nan() { 1 } else { v.to_bits() }).collect::<Vec<_>>();
    let expected = [0, 0, (-1.0f32).to_bits(), 1];
    let sign = OneNode::new("Sign", 13).input(&[4], &x);
    assert_eq!(bits(sign.clone().result().1), expected);
    let numbers = OneNode::new("Sign", 13).input(&[3], &x[..3]);
    assert_eq!(bits(only(numbers.runs(&[0]))), expected[..3]);
}

#[test]
fn half_pixels_for_nearest_neighbours_leave_an_axis_of_scale_1() {
    let resize = |mode: &'static str, nearest: &'static str| {
        let node = OneNode::new("Resize", 11).input(&[1, 1, 2, 2], &[0f32, 1., 2., 3.]).input::<f32>(&[0], &[]);
        let node = node.input(&[4], &[1f32, 1., 1., 2.]).text("coordinate_transformation_mode", "tf_half_pixel_for_nn");
        let node = node.text("mode", mode);
        if nearest.is_empty() { node } else { node.text("nearest_mode", nearest) }
    };
    // onnxruntime 1.23 gives these.
    resize("nearest", "round_prefer_floor").gives(&[0f32, 1., 1., 1., 2., 3., 3., 3.]);
    resize("nearest", "round_prefer_ceil").gives(&[0f32, 1., 1., 1., 2., 3., 3., 3.]);
    resize("nearest", "floor").gives(&[0f32, 0., 1., 1., 2., 2., 3., 3.]);
    resize("nearest", "ceil").gives(&[1f32, 1., 1., 1., 3., 3., 3., 3.]);
    resize("linear", "").gives(&[0.25f32, 0.75, 1., 1., 2.25, 2.75, 3., 3.]);
}

/// Where no product falls, a transposed convolution has the bias added to zero, as onnxruntime does it: -0 becomes +0.
#[test]
fn the_gaps_of_a_transposed_convolution_have_one_zero() {
    let model = || {
        OneNode::new("ConvTranspose", 11)
            .input(&[1, 1, 2], &[1f32, 2.0])
            .input(&[1, 1, 1], &[3f32])
            .input(&[1], &[-0f32])
            .ints("strides", &[2])
    };
    for inputs in [&[0][..], &[0, 1], &[0, 1, 2]] {
        let bits: Vec<u32> = only::<f32>(model().runs(inputs)).into_iter().map(f32::to_bits).collect();
        assert_eq!(bits, [3f32, 0.0, 6.0].map(f32::to_bits));
    }
}

/// The formula gives a result of a negative length, or of one that nothing was put into.
#[test]
fn a_transposed_convolution_of_no_columns_is_refused() {
    let model = OneNode::new("ConvTranspose", 11).input::<f32>(&[1, 1, 0], &[]).input(&[1, 1, 2], &[3f32, 4.0]);
    let faults = model.results().expect_err("there is nothing to spread");
    assert!(faults[0].message.contains("without rows or columns"), "{faults:?}");
}

/// Log-probabilities of two classes for each of three samples.
fn likelihood(classes: &[i64; 3]) -> OneNode {
    let log = [-1f32, -2., -3., -4., -5., -6.];
    OneNode::new("NegativeLogLikelihoodLoss", 13).input(&[3, 2], &log).input(&[3], classes)
}

fn is_refused(model: OneNode, inputs: &[usize]) {
    let result = model.runs(inputs);
    assert!(matches!(result, Err(ExecError::Run { .. })), "{result:?}");
}

#[test]
fn losses_refuse_classes_out_of_range() {
    for inputs in [&[0, 1][..], &[1]] {
        assert_eq!(only::<f32>(likelihood(&[0, 1, 0]).runs(inputs)), [10.0 / 3.0]);
        for class in [-1, -2, 2, 5, i64::MIN, i64::MAX] {
            is_refused(likelihood(&[0, class, 0]), inputs);
            // An ignored class is no class, whichever number it has; another one that does not exist stays wrong.
            let ignored = likelihood(&[0, class, 1]).int("ignore_index", class);
            assert_eq!(only::<f32>(ignored.runs(inputs)), [7.0 / 2.0]);
            is_refused(likelihood(&[0, class, 1]).int("ignore_index", 7), inputs);
        }
    }
    // What is known when the model is compiled is refused there.
    let known = likelihood(&[0, 2, 0]).refusal();
    assert_eq!(known, codes::SHAPE_MISMATCH);
    let entropy =
        |class: i64| OneNode::new("SoftmaxCrossEntropyLoss", 13).input(&[1, 3], &[1f32, 1., 1.]).input(&[1], &[class]);
    assert!((only::<f32>(entropy(2).runs(&[0, 1]))[0] - 3f32.ln()).abs() < 1e-6);
    is_refused(entropy(3), &[0, 1]);
    is_refused(entropy(-1), &[0, 1]);
}

#[test]
fn losses_weigh_what_is_not_ignored() {
    let weighted = |reduction: &'static str| {
        let node = likelihood(&[0, 1, 9]).input(&[2], &[0.5f32, 2.0]).int("ignore_index", 9);
        only::<f32>(node.text("reduction", reduction).runs(&[0, 1, 2]))
    };
    assert_eq!(weighted("none"), [0.5, 8.0, 0.0]);
    assert_eq!(weighted("sum"), [8.5]);
    assert_eq!(weighted("mean"), [8.5 / 2.5]);
    let wrong = likelihood(&[0, 1, 0]).input(&[3], &[1f32; 3]).refusal();
    assert_eq!(wrong, codes::SHAPE_MISMATCH);
}

#[test]
fn quantized_products_may_have_no_rows() {
    let model = |rows: i64| {
        let x = vec![3i8; rows as usize * 4];
        OneNode::new("QLinearMatMul", 13)
            .input(&[rows, 4], &x)
            .input(&[], &[0.05f32])
            .input(&[], &[3i8])
            .input(&[4, 3], &[3i8, -1, -6, -1, 1, -5, -3, 0, 3, -8, 4, 2])
            .input(&[], &[0.05f32])
            .input(&[], &[0i8])
            .input(&[], &[0.05f32])
            .input(&[], &[3i8])
    };
    assert_eq!(only::<i8>(model(1).runs(&[0])), [3; 3]);
    assert_eq!(only::<i8>(model(0).runs(&[0])), [0i8; 0]);
}

#[test]
fn quick_gelu_is_a_number_times_the_sigmoid_of_its_multiple() {
    let x = [-2.0f32, -0.5, 0.0, 1.0, 3.0];
    for alpha in [None, Some(0.5f32)] {
        let node = OneNode::new("QuickGelu", 17).domain("com.microsoft").input(&[5], &x);
        let node = match alpha {
            Some(alpha) => node.float("alpha", alpha),
            None => node,
        };
        let expected = x.map(|x| f64::from(x) / (1.0 + (f64::from(-alpha.unwrap_or(1.702)) * f64::from(x)).exp()));
        for (got, expected) in only::<f32>(node.runs(&[0])).iter().zip(expected) {
            assert!((f64::from(*got) - expected).abs() <= 1e-6, "{got} {expected}");
        }
    }
}
