//! Each operator on values computed by hand.

use half::f16;

mod windows;

use super::*;
use crate::ir::{
    Activation, BinaryOp, Epilogue, Expr, ExprOp, Graph, Movement, Node, Output, PoolKind, ReduceKind, Scalar,
    ScatterKind, UnaryOp, ValueId, Window,
};

fn eval(op: &Op, inputs: &[&Tensor]) -> Result<Tensor, EvalError> {
    Reference::default().evaluate(op, inputs).map(|mut v| v.swap_remove(0))
}

fn f32s(shape: &[usize], v: &[f32]) -> Tensor {
    Tensor::from_elements(shape, v)
}

fn i64s(shape: &[usize], v: &[i64]) -> Tensor {
    Tensor::from_elements(shape, v)
}

fn window(kernel: [usize; 2]) -> Window {
    Window { kernel, stride: [1, 1], dilation: [1, 1], pad_begin: [0, 0], pad_end: [0, 0] }
}

/// Equality to the bit, save that all NaN are equal.
fn assert_same(a: &Tensor, b: &Tensor) {
    assert_eq!(a.ty(), b.ty());
    for (i, (x, y)) in a.scalars().zip(b.scalars()).enumerate() {
        let nan = x.to_f64().is_nan() && y.to_f64().is_nan();
        assert!(nan || x == y, "element {i}: {x} and {y}");
    }
}

#[test]
fn matmul_broadcasts_batches_and_wraps_integers() {
    let op = Op::MatMul { epilogue: Epilogue::default() };
    let a = f32s(&[2, 1, 1, 2], &[1., 2., 3., 4.]);
    let b = f32s(&[2, 2, 1], &[1., 10., 100., 1000.]);
    let y = eval(&op, &[&a, &b]).unwrap();
    assert_same(&y, &f32s(&[2, 2, 1, 1], &[21., 2100., 43., 4300.]));
    let a = Tensor::from_elements([1, 2], &[100i8, 1]);
    let y = eval(&op, &[&a, &Tensor::from_elements([2, 1], &[2i8, 3])]).unwrap();
    assert_eq!(y.to_vec::<i8>().unwrap(), [-53]);
    // Nothing to add up: the bias alone.
    let op = Op::MatMul { epilogue: Epilogue { bias: true, ..Epilogue::default() } };
    let y = eval(&op, &[&f32s(&[2, 0], &[]), &f32s(&[0, 2], &[]), &f32s(&[2], &[1., 2.])]).unwrap();
    assert_same(&y, &f32s(&[2, 2], &[1., 2., 1., 2.]));
}

#[test]
fn products_round_as_the_numerics_say() {
    // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24, of which a separate product drops the last term.
    let x = 1.0 + 2f32.powi(-12);
    let op = Op::MatMul { epilogue: Epilogue { bias: true, ..Epilogue::default() } };
    let operands = [f32s(&[1, 1], &[x]), f32s(&[1, 1], &[x]), f32s(&[1], &[-1.0])];
    let [fused, separate] = [Numerics::Fused, Numerics::Separate].map(|numerics| {
        let y = Reference { numerics }.evaluate(&op, &operands.each_ref()).unwrap();
        y[0].to_vec::<f32>().unwrap()[0]
    });
    assert_eq!(fused, 2f32.powi(-11) + 2f32.powi(-24));
    assert_eq!(separate, 2f32.powi(-11));
}

#[test]
fn half_products_round_once() {
    // In f16 2048 + 1 stays 2048; in f32 the two ones count.
    let h = |v: &[f32]| v.iter().map(|&v| f16::from_f32(v)).collect::<Vec<_>>();
    let a = Tensor::from_elements([1, 3], &h(&[2048., 1., 1.]));
    let b = Tensor::from_elements([3, 1], &h(&[1., 1., 1.]));
    let y = eval(&Op::MatMul { epilogue: Epilogue::default() }, &[&a, &b]).unwrap();
    assert_eq!(y.to_vec::<f16>().unwrap(), h(&[2050.]));
    let y = eval(&Op::Reduce { kind: ReduceKind::Sum, axes: vec![0, 1] }, &[&a]).unwrap();
    assert_eq!(y.to_vec::<f16>().unwrap(), h(&[2050.]));
    let y = eval(&Op::Arg { max: true, axis: 1, last: false }, &[&a]).unwrap();
    assert_eq!(y.to_vec::<i64>().unwrap(), [0]);
}

#[test]
fn reductions() {
    let x = i64s(&[2, 3], &[1, 2, 3, 4, 5, i64::MAX]);
    let reduce = |kind, axes: &[usize]| Op::Reduce { kind, axes: axes.to_vec() };
    let of = |op: &Op| eval(op, &[&x]).unwrap().to_vec::<i64>().unwrap();
    assert_eq!(of(&reduce(ReduceKind::Sum, &[0])), [5, 7, i64::MIN + 2]);
    assert_eq!(of(&reduce(ReduceKind::Max, &[1])), [3, i64::MAX]);
    assert_eq!(of(&reduce(ReduceKind::Min, &[0, 1])), [1]);
    assert_eq!(of(&reduce(ReduceKind::Prod, &[])), x.to_vec::<i64>().unwrap());
    let nothing = f32s(&[2, 0], &[]);
    let of = |kind| eval(&reduce(kind, &[1]), &[&nothing]).unwrap();
    assert_same(&of(ReduceKind::Sum), &f32s(&[2], &[0., 0.]));
    assert_same(&of(ReduceKind::Prod), &f32s(&[2], &[1., 1.]));
    assert_same(&of(ReduceKind::Max), &f32s(&[2], &[f32::NEG_INFINITY; 2]));
    assert_same(&of(ReduceKind::Min), &f32s(&[2], &[f32::INFINITY; 2]));
    let x = f32s(&[2, 2], &[-0., 0., 1., f32::NAN]);
    assert_same(&eval(&reduce(ReduceKind::Max, &[1]), &[&x]).unwrap(), &f32s(&[2], &[0., f32::NAN]));
    assert_same(&eval(&reduce(ReduceKind::Min, &[1]), &[&x]).unwrap(), &f32s(&[2], &[-0., f32::NAN]));
    let x = Tensor::from_bools([2, 2], &[true, false, true, true]);
    let y = eval(&reduce(ReduceKind::Min, &[1]), &[&x]).unwrap();
    assert_eq!(y, Tensor::from_bools([2], &[false, true]));
    assert_eq!(eval(&reduce(ReduceKind::Max, &[0, 1]), &[&x]).unwrap(), Tensor::from_bools([], &[true]));
}

#[test]
fn sums_run_in_eight_lanes() {
    // 1 meets 2^24 only after the lanes have been added up: lane 0 holds 2^24 + 0, lane 4 holds 1 + 1.
    let mut v = [0f32; 16];
    (v[0], v[4], v[12]) = (16777216., 1., 1.);
    let sum = Op::Reduce { kind: ReduceKind::Sum, axes: vec![0] };
    assert_same(&eval(&sum, &[&f32s(&[16], &v)]).unwrap(), &f32s(&[], &[16777218.]));
    // In lanes 4 and 2 each 1 is lost in its turn: (2^24 + 1) + (1 + 0).
    let mut v = [0f32; 8];
    (v[0], v[4], v[2]) = (16777216., 1., 1.);
    assert_same(&eval(&sum, &[&f32s(&[8], &v)]).unwrap(), &f32s(&[], &[16777216.]));
    // The reduced dimensions count in row-major order, whatever lies between them.
    let x = f32s(&[4, 1, 2], &[16777216., 0., 0., 0., 1., 0., 1., 0.]);
    let both = Op::Reduce { kind: ReduceKind::Sum, axes: vec![0, 2] };
    assert_same(&eval(&both, &[&x]).unwrap(), &f32s(&[1], &[16777216.]));
    assert_same(&eval(&sum, &[&f32s(&[1], &[-0.])]).unwrap(), &f32s(&[], &[0.]));
}

#[test]
fn positions_of_extremes() {
    let x = f32s(&[2, 3], &[1., 3., 3., f32::NAN, 9., f32::NAN]);
    let of = |max, last| eval(&Op::Arg { max, axis: 1, last }, &[&x]).unwrap().to_vec::<i64>().unwrap();
    assert_eq!(of(true, false), [1, 0]);
    assert_eq!(of(true, true), [2, 2]);
    assert_eq!(of(false, false), [0, 0]);
    assert_eq!(of(false, true), [0, 2]);
    let zeros = f32s(&[2], &[-0., 0.]);
    let y = eval(&Op::Arg { max: true, axis: 0, last: false }, &[&zeros]).unwrap();
    assert_eq!(y, i64s(&[], &[0]));
    assert!(matches!(
        eval(&Op::Arg { max: true, axis: 0, last: false }, &[&f32s(&[0], &[])]),
        Err(EvalError::IllTyped(_))
    ));
}

#[test]
fn top_k_is_stable() {
    let x = f32s(&[5, 1], &[1., 3., f32::NAN, 3., -1.]);
    let of = |largest| Reference::default().evaluate(&Op::TopK { axis: 0, k: 3, largest }, &[&x]).unwrap();
    let y = of(true);
    assert_same(&y[0], &f32s(&[3, 1], &[f32::NAN, 3., 3.]));
    assert_eq!(y[1], i64s(&[3, 1], &[2, 1, 3]));
    let y = of(false);
    assert_same(&y[0], &f32s(&[3, 1], &[-1., 1., 3.]));
    assert_eq!(y[1], i64s(&[3, 1], &[4, 0, 1]));
}

#[test]
fn movements() {
    let x = i64s(&[2, 3], &[1, 2, 3, 4, 5, 6]);
    let of = |m| eval(&Op::Movement(m), &[&x]).unwrap();
    assert_eq!(of(Movement::Transpose { perm: vec![1, 0] }), i64s(&[3, 2], &[1, 4, 2, 5, 3, 6]));
    assert_eq!(of(Movement::Reshape { shape: vec![6] }), i64s(&[6], &[1, 2, 3, 4, 5, 6]));
    let slice = Movement::Slice { start: vec![1, 2], step: vec![-1, -2], len: vec![2, 2] };
    assert_eq!(of(slice), i64s(&[2, 2], &[6, 4, 3, 1]));
    let slice = Movement::Slice { start: vec![0, 0], step: vec![1, 1], len: vec![2, 0] };
    assert_eq!(of(slice), i64s(&[2, 0], &[]));
    let value = Scalar::I64(9);
    let pad = Movement::Pad { before: vec![0, 1], after: vec![1, 0], value };
    assert_eq!(of(pad), i64s(&[3, 4], &[9, 1, 2, 3, 9, 4, 5, 6, 9, 9, 9, 9]));
    let row = i64s(&[2, 1], &[7, 8]);
    let y = eval(&Op::Movement(Movement::Expand { shape: vec![2, 2, 2] }), &[&row]).unwrap();
    assert_eq!(y, i64s(&[2, 2, 2], &[7, 7, 8, 8, 7, 7, 8, 8]));
    let scalar = Tensor::from_bools([], &[true]);
    let y = eval(&Op::Movement(Movement::Transpose { perm: vec![] }), &[&scalar]).unwrap();
    assert_eq!(y, scalar);
    let y = eval(&Op::Concat { axis: 1 }, &[&x, &i64s(&[2, 0], &[]), &row]).unwrap();
    assert_eq!(y, i64s(&[2, 4], &[1, 2, 3, 7, 4, 5, 6, 8]));
}

#[test]
fn gathers() {
    let x = i64s(&[2, 3], &[1, 2, 3, 4, 5, 6]);
    let y = eval(&Op::Gather { axis: 1 }, &[&x, &i64s(&[1, 2], &[-1, 0])]).unwrap();
    assert_eq!(y, i64s(&[2, 1, 2], &[3, 1, 6, 4]));
    let y = eval(&Op::Gather { axis: 0 }, &[&x, &Tensor::from_elements([], &[1i32])]).unwrap();
    assert_eq!(y, i64s(&[3], &[4, 5, 6]));
    for bad in [3, -4, i64::MIN, i64::MAX] {
        let y = eval(&Op::Gather { axis: 1 }, &[&x, &i64s(&[], &[bad])]);
        assert_eq!(y, Err(EvalError::IndexOutOfRange));
    }
    let y = eval(&Op::GatherElements { axis: 0 }, &[&x, &i64s(&[1, 2], &[-1, 0])]).unwrap();
    assert_eq!(y, i64s(&[1, 2], &[4, 2]));
    let y = eval(&Op::GatherNd { batch_dims: 0 }, &[&x, &i64s(&[2, 2], &[0, -1, 1, 0])]).unwrap();
    assert_eq!(y, i64s(&[2], &[3, 4]));
    let y = eval(&Op::GatherNd { batch_dims: 1 }, &[&x, &i64s(&[2, 1], &[2, 0])]).unwrap();
    assert_eq!(y, i64s(&[2], &[3, 4]));
    let y = eval(&Op::GatherNd { batch_dims: 0 }, &[&x, &i64s(&[1, 1], &[1])]).unwrap();
    assert_eq!(y, i64s(&[1, 3], &[4, 5, 6]));
    let y = eval(&Op::GatherNd { batch_dims: 0 }, &[&x, &i64s(&[1, 1], &[2])]);
    assert_eq!(y, Err(EvalError::IndexOutOfRange));
}

#[test]
fn scatters() {
    let x = i64s(&[2, 2], &[1, 2, 3, 4]);
    let at = i64s(&[2, 1], &[-1, -1]);
    let of = |kind| eval(&Op::ScatterElements { axis: 0, kind }, &[&x, &at, &i64s(&[2, 1], &[10, 20])]).unwrap();
    assert_eq!(of(ScatterKind::Replace), i64s(&[2, 2], &[1, 2, 20, 4]));
    assert_eq!(of(ScatterKind::Add), i64s(&[2, 2], &[1, 2, 33, 4]));
    assert_eq!(of(ScatterKind::Mul), i64s(&[2, 2], &[1, 2, 600, 4]));
    assert_eq!(of(ScatterKind::Max), i64s(&[2, 2], &[1, 2, 20, 4]));
    assert_eq!(of(ScatterKind::Min), x);
    let nd = |at: &Tensor, up: &Tensor| eval(&Op::ScatterNd { kind: ScatterKind::Add }, &[&x, at, up]);
    assert_eq!(nd(&i64s(&[1, 1], &[-1]), &i64s(&[1, 2], &[5, 6])).unwrap(), i64s(&[2, 2], &[1, 2, 8, 10]));
    assert_eq!(nd(&i64s(&[1, 2], &[0, 1]), &i64s(&[1], &[5])).unwrap(), i64s(&[2, 2], &[1, 7, 3, 4]));
    assert_eq!(nd(&i64s(&[1, 2], &[0, 2]), &i64s(&[1], &[5])), Err(EvalError::IndexOutOfRange));
    // Rows of the data that the updates do not reach would be a wrong place, not an error at run time.
    let wide = i64s(&[1, 3], &[0, 0, 0]);
    let y = eval(&Op::ScatterElements { axis: 0, kind: ScatterKind::Add }, &[&x, &wide, &wide]);
    assert!(matches!(y, Err(EvalError::IllTyped(_))));
}

#[test]
fn rows_are_normalized() {
    let x = f32s(&[2, 4], &[1., 3., 1., 3., 2., 2., -2., -2.]);
    let norm = |center, scale, bias| Op::Norm { axis: 1, center, epsilon: 0.0, scale, bias };
    let y = eval(&norm(true, false, false), &[&x]).unwrap();
    assert_same(&y, &f32s(&[2, 4], &[-1., 1., -1., 1., 1., 1., -1., -1.]));
    let (scale, bias) = (f32s(&[4], &[1., 2., 3., 4.]), f32s(&[4], &[0., 0., 1., 1.]));
    let y = eval(&norm(false, true, true), &[&f32s(&[1, 4], &[1., -1., 1., -1.]), &scale, &bias]).unwrap();
    assert_same(&y, &f32s(&[1, 4], &[1., -2., 4., -3.]));
    let nothing = f32s(&[2, 0], &[]);
    assert_same(&eval(&norm(true, false, false), &[&nothing]).unwrap(), &nothing);
    assert!(eval(&norm(true, true, false), &[&x, &f32s(&[1, 4], &[1.; 4])]).is_err(), "the scale is no row");
    assert!(eval(&norm(true, false, true), &[&x, &bias]).is_err(), "a bias without a scale");
}

#[test]
fn softmax_and_running_values() {
    let x = f32s(&[2, 2], &[1., 1., 0., f32::NEG_INFINITY]);
    let y = eval(&Op::Softmax { axis: 1, log: false }, &[&x]).unwrap();
    assert_same(&y, &f32s(&[2, 2], &[0.5, 0.5, 1., 0.]));
    let y = eval(&Op::Softmax { axis: 1, log: true }, &[&x]).unwrap();
    let half = -std::f32::consts::LN_2;
    assert_same(&y, &f32s(&[2, 2], &[half, half, 0., f32::NEG_INFINITY]));
    let nothing = f32s(&[2, 0], &[]);
    assert_same(&eval(&Op::Softmax { axis: 1, log: false }, &[&nothing]).unwrap(), &nothing);
    let x = i64s(&[3, 2], &[1, 10, 2, 20, 3, 30]);
    let of = |product, exclusive, reverse| {
        eval(&Op::Cumulative { axis: 0, product, exclusive, reverse }, &[&x]).unwrap().to_vec::<i64>().unwrap()
    };
    assert_eq!(of(false, false, false), [1, 10, 3, 30, 6, 60]);
    assert_eq!(of(false, true, true), [5, 50, 3, 30, 0, 0]);
    assert_eq!(of(true, true, false), [1, 1, 1, 10, 2, 200]);
}

#[test]
fn maps_broadcast_and_divisions_fail() {
    let div = Op::Map { expr: Expr::of_binary(BinaryOp::Div) };
    let a = i64s(&[2, 1], &[7, -7]);
    let y = eval(&div, &[&a, &i64s(&[2], &[2, -2])]).unwrap();
    assert_eq!(y, i64s(&[2, 2], &[3, -3, -3, 3]));
    assert_eq!(eval(&div, &[&a, &i64s(&[2], &[1, 0])]), Err(EvalError::DivisionByZero));
    assert_eq!(eval(&div, &[&a, &i64s(&[2, 0], &[])]).unwrap(), i64s(&[2, 0], &[]));
    // More elements than one block; operands broadcast along the rows, along the columns, and everywhere.
    let n = 700;
    let x: Vec<f32> = (0..2 * n).map(|i| i as f32).collect();
    let y: Vec<f32> = (0..n).map(|i| -(i as f32)).collect();
    let mut e = Expr::new();
    let [x0, x1, x2, x3] = [0, 1, 2, 3].map(|n| e.input(n));
    let sum = e.binary(BinaryOp::Add, x0, x1);
    let scaled = e.binary(BinaryOp::Mul, sum, x2);
    let root = e.binary(BinaryOp::Add, scaled, x3);
    let map = Op::Map { expr: e.finish(root) };
    let operands = [f32s(&[2, n], &x), f32s(&[n], &y), f32s(&[], &[2.]), f32s(&[2, 1], &[1., 3.])];
    let out = eval(&map, &operands.each_ref()).unwrap();
    let expected: Vec<f32> = (0..2 * n).map(|i| if i < n { 1. } else { 2. * n as f32 + 3. }).collect();
    assert_same(&out, &f32s(&[2, n], &expected));
    let constant = Op::Map {
        expr: {
            let mut e = Expr::new();
            e.constant(Scalar::U8(3));
            e
        },
    };
    assert_eq!(eval(&constant, &[]).unwrap(), Tensor::from_elements([], &[3u8]));
}

#[test]
fn graphs_free_what_is_dead() {
    let mut graph = Graph::default();
    let ty = Type::new(DType::F32, [2]);
    let x = graph.add_value("x", ty.clone());
    let c = graph.add_constant("c", f32s(&[2], &[1., 2.]));
    let [y, z] = ["y", "z"].map(|n| graph.add_value(n, ty.clone()));
    let node = |op, inputs: &[ValueId], out| Node { op, inputs: inputs.to_vec(), outputs: vec![out], origin: vec![] };
    let map = |expr| Op::Map { expr };
    graph.nodes.push(node(map(Expr::of_binary(BinaryOp::Add)), &[x, c], y));
    graph.nodes.push(node(map(Expr::of_unary(UnaryOp::Neg)), &[y], z));
    graph.inputs.push(x);
    graph.outputs = [("a", z), ("b", x), ("c", z)].map(|(n, value)| Output { name: n.into(), value }).to_vec();
    let input = f32s(&[2], &[3., 4.]);
    let out = eval_graph(&graph, std::slice::from_ref(&input), &Reference::default()).unwrap();
    let expected = f32s(&[2], &[-4., -6.]);
    assert_eq!(out, [expected.clone(), input.clone(), expected]);
    let error = eval_graph(&graph, &[f32s(&[1], &[3.])], &Reference::default()).unwrap_err();
    assert_eq!(error.node, None);
    graph.nodes.swap(0, 1);
    let error = eval_graph(&graph, &[input], &Reference::default()).unwrap_err();
    assert_eq!(error.to_string(), "node 0: the operator does not fit its operands: %2 has no value yet");
}

#[test]
fn operands_that_do_not_fit_are_errors() {
    let x = f32s(&[2], &[1., 2.]);
    let b = Tensor::from_bools([2], &[true, false]);
    let ill = |op: &Op, inputs: &[&Tensor]| assert!(matches!(eval(op, inputs), Err(EvalError::IllTyped(_))), "{op:?}");
    ill(&Op::Gather { axis: 0 }, &[&x, &x]);
    ill(&Op::Gather { axis: 0 }, &[&x]);
    ill(&Op::Softmax { axis: 0, log: false }, &[&b]);
    ill(&Op::Reduce { kind: ReduceKind::Sum, axes: vec![0] }, &[&b]);
    ill(&Op::TopK { axis: 0, k: 1, largest: true }, &[&b]);
    ill(&Op::Map { expr: Expr::of_unary(UnaryOp::Exp) }, &[&b]);
    ill(&Op::Map { expr: Expr::new() }, &[&b]);
    ill(&Op::Concat { axis: 0 }, &[]);
    let mut forward = Expr::new();
    forward.push(ExprOp::Unary(UnaryOp::Neg, 0));
    ill(&Op::Map { expr: forward }, &[&x]);
}
