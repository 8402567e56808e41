//! Forms of operators that older opsets had, and corners of the texts that the official cases leave out. All expected
//! values follow from the operators' texts by hand.

use zant_tests::node::OneNode;
use zantc::diag::codes;

const INT4: i32 = 22;
const UINT4: i32 = 21;

fn add(opset: i64) -> OneNode {
    OneNode::new("Add", opset).input(&[2, 3], &[0f32, 1., 2., 3., 4., 5.])
}

#[test]
fn before_opset_7_only_attributes_broadcast() {
    let rows = add(6).input(&[2], &[10f32, 20.]).int("broadcast", 1).int("axis", 0);
    assert_eq!(rows.result(), (vec![2, 3], vec![10f32, 11., 12., 23., 24., 25.]));
    let suffix = add(1).input(&[3], &[10f32, 20., 30.]).int("broadcast", 1).ints("consumed_inputs", &[0, 0]);
    assert_eq!(suffix.result(), (vec![2, 3], vec![10f32, 21., 32., 13., 24., 35.]));
    assert_eq!(add(6).input(&[3], &[1f32; 3]).refusal(), codes::SHAPE_MISMATCH);
    assert_eq!(add(6).input(&[2, 2, 3], &[1f32; 12]).int("broadcast", 1).refusal(), codes::SHAPE_MISMATCH);
    let outside = add(6).input(&[2], &[1f32; 2]).int("broadcast", 1).int("axis", 2);
    assert_eq!(outside.refusal(), codes::SHAPE_MISMATCH);
    // From opset 7 on the attributes mean nothing.
    add(7).input(&[1], &[1f32]).gives(&[1f32, 2., 3., 4., 5., 6.]);
}

#[test]
fn clip_has_bounds_as_attributes_then_as_operands() {
    let x = [-2f32, 0.5, f32::INFINITY];
    let old = OneNode::new("Clip", 6).input(&[3], &x);
    old.clone().float("min", -1.0).float("max", 1.0).gives(&[-1f32, 0.5, 1.0]);
    old.clone().float("min", 0.0).gives(&[0f32, 0.5, f32::INFINITY]);
    old.float("min", f32::MAX).gives(&[f32::MAX, f32::MAX, f32::INFINITY]);
    let new = OneNode::new("Clip", 13).input(&[3], &x);
    new.clone().none().input(&[], &[0f32]).gives(&[-2f32, 0., 0.]);
    // The upper bound wins where they cross; a bound of shape [1] is one value too.
    new.clone().input(&[1], &[3f32]).input(&[], &[1f32]).gives(&[1f32; 3]);
    assert_eq!(new.input(&[2], &[0f32; 2]).refusal(), codes::SHAPE_MISMATCH);
}

#[test]
fn softmax_saw_a_matrix_before_opset_13() {
    let zeros = |opset| OneNode::new("Softmax", opset).input(&[1, 2, 2], &[0f32; 4]);
    assert_eq!(zeros(11).result(), (vec![1, 2, 2], vec![0.25f32; 4]));
    zeros(11).int("axis", -1).gives(&[0.5f32; 4]);
    zeros(13).gives(&[0.5f32; 4]);
    let hardmax = |opset| OneNode::new("Hardmax", opset).input(&[2, 2], &[1f32, 3., 3., 2.]);
    hardmax(11).int("axis", 0).gives(&[0f32, 1., 0., 0.]);
    hardmax(13).int("axis", 0).gives(&[0f32, 1., 1., 0.]);
}

#[test]
fn casts_name_types_by_text_in_opset_1() {
    let cast = OneNode::new("Cast", 1).input(&[3], &[-1.9f32, 0.9, 3e9]);
    cast.clone().text("to", "INT32").gives(&[-1i32, 0, i32::MAX]);
    assert_eq!(cast.clone().text("to", "COMPLEX").refusal(), codes::BAD_ATTRIBUTE);
    assert_eq!(cast.refusal(), codes::BAD_ATTRIBUTE);
}

#[test]
fn casts_to_four_bits_keep_the_low_ones() {
    let cast = |to| OneNode::new("Cast", 21).input(&[4], &[-9i32, 7, 8, 31]).int("to", to);
    cast(i64::from(INT4)).gives(&[7i8, 7, -8, -1]);
    cast(i64::from(UINT4)).gives(&[7u8, 7, 8, 15]);
    let like = OneNode::new("CastLike", 21).input(&[2], &[-1i64, 17]).raw(UINT4, &[1], vec![0]);
    like.gives(&[15u8, 1]);
}

#[test]
fn dimensions_of_reductions_were_attributes() {
    let sum = |opset| OneNode::new("ReduceSum", opset).input(&[2, 2], &[1f32, 2., 3., 4.]);
    assert_eq!(sum(11).ints("axes", &[-1]).int("keepdims", 0).result(), (vec![2], vec![3f32, 7.]));
    assert_eq!(sum(13).input(&[1], &[0i64]).result(), (vec![1, 2], vec![4f32, 6.]));
    assert_eq!(sum(13).result(), (vec![1, 1], vec![10f32]));
    assert_eq!(sum(13).input(&[2], &[0i64, -2]).refusal(), codes::SHAPE_MISMATCH);
    // Reducing over no dimension still squares.
    let squares = OneNode::new("ReduceSumSquare", 18).input(&[2], &[2f32, -3.]).int("noop_with_empty_axes", 1);
    assert_eq!(squares.result(), (vec![2], vec![4f32, 9.]));
}

#[test]
fn sums_of_exponentials_survive_infinities() {
    let log_sum_exp =
        |x: &[f32]| OneNode::new("ReduceLogSumExp", 18).input(&[2], x).int("keepdims", 0).result::<f32>().1[0];
    assert_eq!(log_sum_exp(&[f32::NEG_INFINITY; 2]), f32::NEG_INFINITY);
    assert_eq!(log_sum_exp(&[f32::INFINITY, 0.0]), f32::INFINITY);
    assert!((log_sum_exp(&[1000.0, 1000.0]) - 1000.7).abs() < 0.01);
}

fn batch_norm(opset: i64, channels: i64) -> OneNode {
    let n = usize::try_from(channels).expect("a few");
    let node = OneNode::new("BatchNormalization", opset).input(&[1, 2, 2], &[1f32, 2., 3., 4.]).float("epsilon", 0.0);
    let mean: Vec<f32> = (0..n).map(|c| c as f32).collect();
    node.input(&[channels], &vec![2f32; n])
        .input(&[channels], &vec![1f32; n])
        .input(&[channels], &mean)
        .input(&[channels], &vec![4f32; n])
}

#[test]
fn batch_normalization_uses_stored_statistics() {
    batch_norm(15, 2).gives(&[2f32, 3., 3., 4.]);
    batch_norm(6, 2).int("is_test", 1).gives(&[2f32, 3., 3., 4.]);
    // Without `spatial` each element has statistics of its own.
    batch_norm(7, 4).int("spatial", 0).gives(&[2f32, 2., 2., 2.]);
    assert_eq!(batch_norm(6, 2).refusal(), codes::UNSUPPORTED_FORM);
    assert_eq!(batch_norm(9, 2).outputs(5).refusal(), codes::UNSUPPORTED_FORM);
    // In training mode the statistics are the operand's: 1.5 and 3.5, with deviations of 0.5; the scale is 2, the bias 1.
    batch_norm(15, 2).int("training_mode", 1).gives(&[-1f32, 3., -1., 3.]);
    assert_eq!(batch_norm(9, 2).outputs(3).refusal(), codes::UNSUPPORTED_FORM);
    assert_eq!(batch_norm(15, 3).refusal(), codes::SHAPE_MISMATCH);
}

#[test]
fn group_normalization_scaled_groups_before_opset_21() {
    let x = [1f32, 3., 1., 3., 5., 9., 5., 9.];
    let norm = |opset, n: i64, scale: &[f32]| {
        let zero = vec![0f32; scale.len()];
        let node =
            OneNode::new("GroupNormalization", opset).input(&[1, 4, 2], &x).input(&[n], scale).input(&[n], &zero);
        node.int("num_groups", 2).float("epsilon", 0.0).result::<f32>().1
    };
    assert_eq!(norm(18, 2, &[1.0, 10.0]), [-1., 1., -1., 1., -10., 10., -10., 10.]);
    assert_eq!(norm(21, 4, &[1.0, 2.0, 3.0, 4.0]), [-1., 1., -2., 2., -3., 3., -4., 4.]);
}

#[test]
fn smaller_forms_of_old_opsets() {
    let top =
        OneNode::new("TopK", 1).input(&[3], &[1f32, 5., 3.]).int("k", 2).outputs(2).results().expect("two results");
    assert_eq!((top[0].to_vec(), top[1].to_vec()), (Some(vec![5f32, 3.]), Some(vec![1i64, 2])));
    let prelu = OneNode::new("PRelu", 6).input(&[1, 2, 2], &[-1f32; 4]).input(&[2], &[2f32, 3.]);
    prelu.gives(&[-2f32, -2., -3., -3.]);
    let dropout =
        |opset| OneNode::new("Dropout", opset).input(&[2], &[1f32, 2.]).outputs(2).results().expect("two results");
    assert_eq!(dropout(7)[1].to_vec(), Some(vec![1f32, 1.]));
    assert_eq!(dropout(10)[1].dtype(), zantc::ir::DType::Bool);
    let selu = |opset| OneNode::new("Selu", opset).input(&[1], &[1f32]).result::<f32>().1[0];
    assert_eq!((selu(1), selu(6)), (1.0507, 1.050_701));
}

#[test]
fn quantized_values_saturate_in_their_own_width() {
    let quantize = |code, zero| {
        let x = OneNode::new("QuantizeLinear", 21).input(&[4], &[-100f32, 0.5, 1.5, 100.]).input(&[], &[1f32]);
        x.raw(code, &[], vec![zero])
    };
    quantize(INT4, 0).gives(&[-8i8, 0, 2, 7]);
    quantize(UINT4, 1).gives(&[0u8, 1, 3, 15]);
    let x =
        OneNode::new("QuantizeLinear", 21).input(&[1], &[9f32]).input(&[], &[1f32]).int("output_dtype", INT4.into());
    x.gives(&[7i8]);
}

#[test]
fn blocks_of_scales_may_end_early() {
    let node = OneNode::new("DequantizeLinear", 21).input(&[1, 5], &[1i8; 5]).input(&[1, 2], &[2f32, 3.]);
    let blocks = |size| node.clone().int("axis", 1).int("block_size", size);
    blocks(3).gives(&[2f32, 2., 2., 3., 3.]);
    blocks(4).gives(&[2f32, 2., 2., 2., 3.]);
    assert_eq!(blocks(2).refusal(), codes::SHAPE_MISMATCH);
}

#[test]
fn integer_corners() {
    let shift = |direction| {
        OneNode::new("BitShift", 28)
            .input(&[4], &[-8i8, -8, 8, 8])
            .input(&[4], &[1i8, 9, 1, -1])
            .text("direction", direction)
    };
    shift("RIGHT").gives(&[-4i8, -1, 4, 0]);
    shift("LEFT").gives(&[-16i8, 0, 16, 0]);
    assert_eq!(shift("UP").refusal(), codes::BAD_ATTRIBUTE);
    let power = OneNode::new("Pow", 15).input(&[4], &[7i32, 7, -3, 46341]).input(&[4], &[2f32, 0.5, 3., 2.]);
    power.gives(&[49i32, 2, -27, -2147479015]);
    let wide = OneNode::new("Pow", 15).input(&[1], &[1i8]).input(&[1], &[300i32]);
    wide.gives(&[1i8]);
    let modulo = |f: i64| OneNode::new("Mod", 28).input(&[2], &[-6f32, 5.]).input(&[2], &[-3f32, -3.]).int("fmod", f);
    let zero = modulo(0).result::<f32>().1;
    assert_eq!((zero[0].to_bits(), zero[1]), ((-0f32).to_bits(), -1.0));
    assert_eq!(modulo(1).result::<f32>().1[1], 2.0);
    let old = OneNode::new("Mod", 13).input(&[1], &[1f32]).input(&[1], &[1f32]);
    assert_eq!(old.refusal(), codes::BAD_ATTRIBUTE);
}

#[test]
fn many_operands_are_folded() {
    let sum = (0..40).fold(OneNode::new("Sum", 13), |n, i| n.input(&[1], &[i as f32]));
    sum.gives(&[780f32]);
    let mean = (0..7).fold(OneNode::new("Mean", 13), |n, i| n.input(&[1], &[i as f32]));
    mean.gives(&[3f32]);
    assert_eq!(OneNode::new("Max", 13).refusal(), codes::MISSING_INPUT);
}

#[test]
fn local_response_windows_of_even_size_reach_further_on() {
    // Sums of squares over channels c and c + 1.
    let lrn = OneNode::new("LRN", 13).input(&[1, 3, 1], &[1f32, 2., 3.]).int("size", 2);
    let y = lrn.float("alpha", 2.0).float("beta", 1.0).float("bias", 0.0).result::<f32>().1;
    let expected = [1.0 / 5.0, 2.0 / 13.0, 3.0 / 9.0];
    assert!(y.iter().zip(expected).all(|(y, e)| (y - e).abs() < 1e-6), "{y:?}");
}

#[test]
fn a_norm_of_zero_leaves_zeros() {
    let norm = |p: i64| OneNode::new("LpNormalization", 22).input(&[2, 2], &[0f32, 0., 3., -4.]).int("p", p);
    assert_eq!(norm(1).result::<f32>().1, [0., 0., 3.0 / 7.0, -4.0 / 7.0]);
    assert_eq!(norm(2).result::<f32>().1, [0., 0., 0.6, -0.8]);
    assert_eq!(norm(3).refusal(), codes::BAD_ATTRIBUTE);
}
