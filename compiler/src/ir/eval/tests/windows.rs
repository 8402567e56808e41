//! Convolutions and pools.

use super::*;

#[test]
fn conv_adds_from_the_bias_and_skips_padding() {
    let x = f32s(&[1, 2, 2, 1], &[1., 2., 3., 4.]);
    let w = f32s(&[1, 2, 2, 1], &[1., 10., 100., 1000.]);
    let bias = f32s(&[1], &[0.5]);
    let mut win = window([2, 2]);
    (win.pad_begin, win.pad_end) = ([1, 1], [0, 0]);
    let epilogue = Epilogue { bias: true, ..Epilogue::default() };
    let op = Op::Conv { window: win.clone(), groups: 1, epilogue };
    let y = eval(&op, &[&x, &w, &bias]).unwrap();
    assert_same(&y, &f32s(&[1, 2, 2, 1], &[1000.5, 2100.5, 3010.5, 4321.5]));
    // A padded tap adds no 0 * infinity.
    let w = f32s(&[1, 2, 2, 1], &[f32::INFINITY, 0., 0., 1.]);
    let y = eval(&op, &[&x, &w, &bias]).unwrap();
    assert_same(&y, &f32s(&[1, 2, 2, 1], &[1.5, 2.5, 3.5, f32::INFINITY]));
}

#[test]
fn conv_strides_dilates_and_groups() {
    // Two groups of one channel each; windows of two taps, three apart, every second column.
    let x = f32s(&[1, 1, 6, 2], &[1., 10., 2., 20., 3., 30., 4., 40., 5., 50., 6., 60.]);
    let w = f32s(&[2, 1, 2, 1], &[1., 1., 1., -1.]);
    let win = Window { stride: [1, 2], dilation: [1, 3], ..window([1, 2]) };
    let op = Op::Conv { window: win, groups: 2, epilogue: Epilogue::default() };
    assert_same(&eval(&op, &[&x, &w]).unwrap(), &f32s(&[1, 1, 2, 2], &[5., -30., 9., -30.]));
}

#[test]
fn conv_ends_with_residual_then_activation() {
    let x = f32s(&[1, 1, 3, 1], &[1., -3., 2.]);
    let w = f32s(&[1, 1, 1, 1], &[1.]);
    let residual = f32s(&[1, 1, 3, 1], &[1., 1., f32::NAN]);
    let with = |activation| Op::Conv {
        window: window([1, 1]),
        groups: 1,
        epilogue: Epilogue { bias: false, residual: true, activation },
    };
    let relu = Activation::Clamp { lo: 0., hi: 1.5 };
    let y = eval(&with(relu), &[&x, &w, &residual]).unwrap();
    assert_same(&y, &f32s(&[1, 1, 3, 1], &[1.5, 0., f32::NAN]));
    let y = eval(&with(Activation::Leaky { alpha: 0.5 }), &[&x, &w, &residual]).unwrap();
    assert_same(&y, &f32s(&[1, 1, 3, 1], &[2., -1., f32::NAN]));
}

#[test]
fn conv_without_outputs_or_channels() {
    let op = Op::Conv { window: window([1, 1]), groups: 1, epilogue: Epilogue::default() };
    let y = eval(&op, &[&f32s(&[1, 2, 2, 0], &[]), &f32s(&[1, 1, 1, 0], &[])]).unwrap();
    assert_same(&y, &f32s(&[1, 2, 2, 1], &[0.; 4]));
    let far = 1 << 28;
    let wide = Window { pad_begin: [far - 2, 0], ..window([far, 1]) };
    let wide = Op::Conv { window: wide, groups: 1, epilogue: Epilogue::default() };
    let y = eval(&wide, &[&f32s(&[1, 2, 1, 0], &[]), &f32s(&[1, far, 1, 0], &[])]).unwrap();
    assert_same(&y, &f32s(&[1, 1, 1, 1], &[0.]));
    let y = eval(&op, &[&f32s(&[1, 2, 2, 1], &[1.; 4]), &f32s(&[0, 1, 1, 1], &[])]).unwrap();
    assert_same(&y, &f32s(&[1, 2, 2, 0], &[]));
}

#[test]
fn conv_transpose_spreads_the_inputs() {
    let x = f32s(&[1, 1, 3, 1], &[1., 2., 3.]);
    let w = f32s(&[1, 1, 3, 1], &[1., 10., 100.]);
    let op = |stride, pad, out| Op::ConvTranspose {
        window: Window { stride: [1, stride], pad_begin: [0, pad], ..window([1, 3]) },
        output: [1, out],
        groups: 1,
        epilogue: Epilogue::default(),
    };
    let y = eval(&op(1, 0, 5), &[&x, &w]).unwrap();
    assert_same(&y, &f32s(&[1, 1, 5, 1], &[1., 12., 123., 230., 300.]));
    // With padding, and output padding that nothing hits.
    let y = eval(&op(2, 1, 8), &[&x, &w]).unwrap();
    assert_same(&y, &f32s(&[1, 1, 8, 1], &[10., 102., 20., 203., 30., 300., 0., 0.]));
    let grouped = Op::ConvTranspose {
        window: window([1, 1]),
        output: [1, 1],
        groups: 2,
        epilogue: Epilogue { bias: true, ..Epilogue::default() },
    };
    let x = f32s(&[1, 1, 1, 2], &[1., 2.]);
    let y = eval(&grouped, &[&x, &f32s(&[4, 1, 1, 1], &[1., 2., 3., 4.]), &f32s(&[4], &[0.5; 4])]).unwrap();
    assert_same(&y, &f32s(&[1, 1, 1, 4], &[1.5, 2.5, 6.5, 8.5]));
}

#[test]
fn pools() {
    let x = f32s(&[1, 2, 2, 1], &[1., -2., f32::NAN, 4.]);
    let win = Window { pad_begin: [1, 0], ..window([2, 1]) };
    let pool = |kind| Op::Pool { kind, window: win.clone() };
    let y = eval(&pool(PoolKind::Max), &[&x]).unwrap();
    assert_same(&y, &f32s(&[1, 2, 2, 1], &[1., -2., f32::NAN, 4.]));
    let y = eval(&pool(PoolKind::Average { count_include_pad: false }), &[&x]).unwrap();
    assert_same(&y, &f32s(&[1, 2, 2, 1], &[1., -2., f32::NAN, 1.]));
    let y = eval(&pool(PoolKind::Average { count_include_pad: true }), &[&x]).unwrap();
    assert_same(&y, &f32s(&[1, 2, 2, 1], &[0.5, -1., f32::NAN, 1.]));
    // Dilated taps, some in the padding; windows far larger than the map.
    let row = f32s(&[1, 1, 5, 1], &[1., 2., 3., 4., 5.]);
    let mean = PoolKind::Average { count_include_pad: false };
    let win = Window { dilation: [1, 2], pad_begin: [0, 3], pad_end: [0, 2], ..window([1, 3]) };
    let y = eval(&Op::Pool { kind: mean, window: win }, &[&row]).unwrap();
    assert_same(&y, &f32s(&[1, 1, 6, 1], &[2., 2., 3., 3., 3., 4.]));
    let far = usize::MAX / 4;
    let win = Window { pad_begin: [0, far], pad_end: [0, far - 5], ..window([1, 2 * far]) };
    let y = eval(&Op::Pool { kind: mean, window: win }, &[&row]).unwrap();
    assert_same(&y, &f32s(&[1, 1, 1, 1], &[3.]));
    // Windows of padding alone.
    let win = Window { pad_begin: [0, 2], stride: [1, 2], ..window([1, 2]) };
    let y = eval(&Op::Pool { kind: PoolKind::Max, window: win }, &[&Tensor::from_elements([1, 1, 2, 1], &[-5i8, -7])]);
    assert_eq!(y.unwrap().to_vec::<i8>().unwrap(), [-128, -5]);
}
