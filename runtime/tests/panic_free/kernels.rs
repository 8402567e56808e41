//! Every kernel, called with arguments that the compiler knows nothing of, from functions that stay in the object file
//! because they are never inlined. Compiled by the test beside it as a crate of its own.
#![no_std]
#![allow(dead_code, unused_imports)]

#[path = "../../src/arch/mod.rs"]
pub mod arch;
#[path = "../../src/arena.rs"]
pub mod arena;
#[path = "../../src/error.rs"]
pub mod error;
#[path = "../../src/kernels/mod.rs"]
pub mod kernels;
#[path = "../../src/loops/mod.rs"]
pub mod loops;
#[path = "../../src/terms/mod.rs"]
pub mod terms;
#[path = "../../src/math/mod.rs"]
pub mod math;

use arch::host::Host;
use arch::isa::Fused;
use arena::{Arena, Buffer, Read, Write};
use error::DataError;
use kernels::*;
use terms::conv2d::Conv2d;
use terms::matmul::MatMul;
use terms::pool2d::Pool2d;
use terms::qconv2d::QConv2d;

type Outcome = Result<(), DataError>;
type F<'a> = &'a [f32];
type Y<'a> = &'a mut [f32];

fn cpu() -> Host<Fused> {
    Host::detect()
}

#[inline(never)]
pub fn conv2d(p: &Conv2d, x: F, w: F, bias: F, y: Y) {
    conv::conv2d(cpu(), p, x, w, bias, y);
}

#[inline(never)]
pub fn depthwise2d(p: &Conv2d, x: F, w: F, bias: F, y: Y) {
    depthwise::depthwise2d(cpu(), p, x, w, bias, y);
}

#[inline(never)]
pub fn separable2d(p: &separable::Separable, x: F, w: [F; 2], bias: [F; 2], scratch: Y, y: Y) {
    separable::separable2d(cpu(), p, x, w, bias, scratch, y);
}

#[inline(never)]
pub fn matmul_packed(p: &matmul_packed::MatMulPacked, a: F, w: F, bias: F, y: Y) {
    matmul_packed::matmul_packed(cpu(), p, a, w, bias, y);
}

#[inline(never)]
pub fn matvec_packed(p: &matmul_packed::MatMulPacked, a: F, w: F, bias: F, y: Y) {
    matmul_packed::matvec_packed(cpu(), p, a, w, bias, y);
}

#[inline(never)]
pub fn matmul(p: &MatMul, a: F, b: F, bias: F, scratch: Y, y: Y) {
    matmul::matmul(cpu(), p, a, b, bias, scratch, y);
}

#[inline(never)]
pub fn matmul_int(p: &MatMul, a: &[i32], b: &[i32], bias: &[i32], y: &mut [i32]) {
    matmul_int::matmul_int(p, a, b, bias, y);
}

#[inline(never)]
pub fn matmul_bytes(p: &matmul_bytes::MatMulBytes, a: &[i32], b: &[u8], bias: &[i32], y: &mut [i32]) {
    matmul_bytes::matmul_bytes(cpu(), p, a, b, bias, y);
}

#[inline(never)]
pub fn dynamic_matmul(
    p: &terms::dynamic::DynamicMatMul,
    x: F,
    w: &[i8],
    columns: terms::dynamic::Columns<'_>,
    scratch: &mut [u8],
    y: &mut [f32],
) {
    dynamic::dynamic_matmul(cpu(), p, x, w, columns, scratch, y);
}

#[inline(never)]
pub fn dynamic_matmul_dual(
    p: &terms::dynamic::DynamicMatMul,
    x: F,
    w: &[i8],
    columns: terms::dynamic::Columns<'_>,
    words: &mut [u32],
    y: Y,
) {
    dynamic_dual::dynamic_matmul_dual(arch::portable::Portable::<Fused>::portable(), p, x, w, columns, words, y);
}

#[inline(never)]
pub fn ternary_matmul(p: &terms::ternary::TernaryMatMul, x: F, w: &[u8], scale: F, bias: F, scratch: Y, y: Y) {
    ternary::ternary_matmul(cpu(), p, x, w, terms::ternary::Scales { scale, rows: &[], bias }, scratch, y);
}

#[inline(never)]
pub fn ternary_matmul_bytes(
    p: &terms::ternary::TernaryMatMul,
    x: &[i8],
    w: &[u8],
    scales: terms::ternary::Scales<'_>,
    scratch: (&mut [u32], &mut [i32]),
    y: Y,
) {
    ternary::ternary_matmul_bytes(cpu(), p, x, w, scales, scratch, y);
}

#[inline(never)]
pub fn ternary_matmul_codes(
    p: &terms::ternary::TernaryMatMul,
    x: &[i8],
    w: &[u8],
    scales: terms::ternary::Scales<'_>,
    padded: &mut [i8],
    y: Y,
) {
    ternary_codes::ternary_matmul_codes(cpu(), p, x, w, scales, padded, y);
}

type Four<'a> = terms::coding::Weights<'a, 16, terms::coding::Bits4>;
type Trits<'a> = terms::coding::Weights<'a, 4, terms::coding::Trits>;
type Halves<'a> = terms::coding::Weights<'a, 16, terms::coding::Half>;

#[inline(never)]
pub fn coded_matvec(p: (&matmul_packed::MatMulPacked, &terms::coding::Coded), a: F, w: (Four<'_>, Trits<'_>), bias: F, y: Y) {
    coded::coded_matvec(cpu(), p, a, w.0, bias, y);
    coded::coded_matvec(cpu(), p, a, w.1, bias, y);
}

#[inline(never)]
pub fn coded_matmul(p: (&matmul_packed::MatMulPacked, &terms::coding::Coded), a: F, w: Halves<'_>, bias: F, floats: Y, y: Y) {
    coded::coded_matmul(cpu(), p, a, w, bias, floats, y);
}

#[inline(never)]
pub fn coded_conv2d(p: (&Conv2d, &terms::coding::Coded), x: F, w: (Four<'_>, Trits<'_>), bias: F, floats: Y, y: Y) {
    coded::coded_conv2d(cpu(), p, x, w.0, bias, floats, y);
    coded::coded_conv2d(cpu(), p, x, w.1, bias, floats, y);
}

#[inline(never)]
pub fn qconv2d(p: &QConv2d, x: &[u8], w: &[i8], bias: &[i32], multiplier: F, y: &mut [u8]) {
    qconv::qconv2d(cpu(), p, x, w, bias, multiplier, y);
    qdepthwise::qdepthwise2d(cpu(), p, x, w, bias, multiplier, y);
}

#[inline(never)]
pub fn qconv2d_signed(p: &QConv2d, x: &[i8], w: &[i8], bias: &[i32], multiplier: F, y: &mut [i8]) {
    qconv::qconv2d(cpu(), p, x, w, bias, multiplier, y);
    qdepthwise::qdepthwise2d(cpu(), p, x, w, bias, multiplier, y);
}

#[inline(never)]
pub fn qavg_pool2d(p: &Pool2d, bytes: &qfloat::Bytes, x: &[i8], y: &mut [i8]) {
    qfloat::qavg_pool2d(cpu(), p, bytes, x, y);
}

#[inline(never)]
pub fn qsum(p: &reduce::Reduce, bytes: &qfloat::Bytes, x: &[u8], y: &mut [u8]) {
    qfloat::qsum(cpu(), p, bytes, x, y);
}

#[inline(never)]
pub fn qsoftmax(p: &softmax::Softmax, bytes: &qfloat::Bytes, x: &[u8], y: &mut [u8]) {
    qfloat::qsoftmax(cpu(), p, bytes, x, y);
}

#[inline(never)]
pub fn table(p: &table::Table, entries: &[u8; 256], x: &[u8], y: &mut [u8]) {
    table::table(cpu(), p, entries, x, y);
    table::table_in_place(cpu(), entries, y);
}

#[inline(never)]
pub fn max_pool(p: &Pool2d, x: F, y: Y, x8: &[i8], y8: &mut [i8], xy: Y) {
    pool::max_pool2d(cpu(), p, x, y);
    pool::max_pool2d(cpu(), p, x8, y8);
    pool::max_pool2d_in_place(cpu(), p, xy);
}

#[inline(never)]
pub fn avg_pool(p: &Pool2d, x: F, y: Y, xy: Y) {
    pool::avg_pool2d(cpu(), p, x, y);
    pool::avg_pool2d_in_place(cpu(), p, xy);
}

#[inline(never)]
pub fn arg(p: &arg::Arg, x: F, y: &mut [i64]) {
    arg::arg_max(p, x, y);
    arg::arg_min(p, x, y);
}

#[inline(never)]
pub fn copy(p: &copy::StridedCopy<4>, q: &copy::StridedFill<4>, x: F, y: Y) {
    copy::copy(x, y);
    copy::fill(0.0, y);
    copy::strided_copy(p, x, y);
    copy::strided_fill(q, 0.0, y);
}

#[inline(never)]
pub fn cumulative(p: &cumulative::Cumulative, x: F, y: Y, x64: &[i64], y64: &mut [i64]) {
    cumulative::cumulative_sum(p, x, y);
    cumulative::cumulative_product_in_place(p, y);
    cumulative::cumulative_sum(p, x64, y64);
}

#[inline(never)]
pub fn gather(p: &gather::Gather, x: F, at: &[i64], y: Y) -> Outcome {
    gather::gather(p, x, at, y)
}

#[inline(never)]
pub fn gather_elements(p: &gather::GatherElements<4>, x: F, at: &[i64], y: Y) -> Outcome {
    gather::gather_elements(p, x, at, y)
}

#[inline(never)]
pub fn gather_nd(p: &gather::GatherNd<3>, x: F, at: &[i64], y: Y) -> Outcome {
    gather::gather_nd(p, x, at, y)
}

#[inline(never)]
pub fn scatter_elements(p: &scatter::ScatterElements<4>, at: &[i64], x: F, y: Y) -> Outcome {
    scatter::scatter_elements(p, at, x, y, |old, new| old + new)
}

#[inline(never)]
pub fn scatter_nd(p: &scatter::ScatterNd<3>, at: &[i64], x: F, y: Y) -> Outcome {
    scatter::scatter_nd(p, at, x, y, |_, new| new)
}

#[inline(never)]
pub fn reduce_f32(p: &reduce::Reduce, x: F, y: Y) {
    reduce_f32::reduce_sum(cpu(), p, x, y);
    reduce_f32::reduce_prod(cpu(), p, x, y);
    reduce_f32::reduce_max(cpu(), p, x, y);
    reduce_f32::reduce_min(cpu(), p, x, y);
}

#[inline(never)]
pub fn reduce_i64(p: &reduce::Reduce, x: &[i64], y: &mut [i64]) {
    reduce::reduce_sum(p, x, y);
    reduce::reduce_max(p, x, y);
}

#[inline(never)]
pub fn softmax(p: &softmax::Softmax, x: F, y: Y) {
    softmax::softmax(cpu(), p, x, y);
    softmax::softmax_in_place(cpu(), p, y);
    softmax::log_softmax(cpu(), p, x, y);
    softmax::log_softmax_in_place(cpu(), p, y);
}

#[inline(never)]
pub fn norm(p: &norm::Norm, x: F, scale: F, bias: F, y: Y) {
    norm::norm(cpu(), p, x, scale, bias, y);
    norm::norm_in_place(cpu(), p, scale, bias, y);
}

#[inline(never)]
pub fn place_row(p: &place_row::PlaceRow, position: &[i64], short: &[i32], x: F, y: Y) {
    place_row::place_row(p, position, x, y);
    place_row::place_row(p, short, x, y);
}

#[inline(never)]
pub fn top_k(p: &topk::TopK, x: F, values: Y, indices: &mut [i64]) {
    topk::top_k(p, x, values, indices);
}

#[inline(never)]
pub fn trees(p: &trees::Trees<4097>, x: F, forest: &trees::Forest<'_, f32, u32>, ranks: &mut [u32], y: Y) {
    trees::trees(p, x, forest, ranks, y);
}

#[inline(never)]
pub fn trees_wide(p: &trees::Trees<0>, x: F, forest: &trees::Forest<'_, f32, u64>, ranks: &mut [u32], y: Y) {
    trees::trees_wide(p, x, forest, ranks, y);
}

#[inline(never)]
pub fn map(p: &map::Map<3>, a: map::Dense<f32, 3>, b: map::Splat<f32, 3>, c: map::Strided<f32, 3>, y: Y) {
    map::map(cpu(), (a.0, b.0), y, |(a, b)| a + b);
    map::map_in_place(cpu(), a.0, y, |y, a| math::max(y, a));
    map::map_nd(cpu(), p, (a, b, c), y, |(a, b, c)| math::fma(a, b, c));
    map::map_nd_in_place(cpu(), p, (a, c), y, |y, (a, c)| y * a + c);
}

#[inline(never)]
pub fn try_map(p: &map::Map<3>, a: map::Dense<i32, 3>, b: map::Strided<i32, 3>, y: &mut [i32]) -> Outcome {
    let divide = |a: i32, b: i32| a.checked_div(b).ok_or(DataError::DivisionByZero);
    map::try_map(cpu(), (a.0, b.0), y, |(a, b)| divide(a, b))?;
    map::try_map_in_place(cpu(), a.0, y, divide)?;
    map::try_map_nd(cpu(), p, (a, b), y, |(a, b)| divide(a, b))?;
    map::try_map_nd_in_place(cpu(), p, b, y, divide)
}

#[inline(never)]
pub fn arena(arena: &mut Arena<256>, memory: &mut [u8]) -> f32 {
    let (x, y, bytes) = arena.views::<(Read<Buffer<f32, 0, 4>>, Write<Buffer<f32, 16, 4>>, Write<Buffer<u8, 32, 3>>)>();
    *y = *x;
    let truths = arena::bools_as_bytes(arena::as_bool_array(bytes));
    let first = truths.first().map_or(0.0, |truth| f32::from(*truth));
    let other = Arena::<256>::from_slice(memory).map_or(0.0, |arena| arena.get::<Buffer<f32, 0, 1>>()[0]);
    arena.get_mut::<Buffer<f32, 0, 4>>()[0] + first + other
}

type Gates<'a> = &'a terms::recurrent::Functions;
type Floats<'a> = recurrent::Matrices<'a, recurrent_dense::Dense<'a>, recurrent_dense::Dense<'a>>;
type Bytes<'a> = recurrent_coded::CodedMatrix<'a, 16, terms::coding::Bits8>;
type Codes<'a> = recurrent::Matrices<'a, Bytes<'a>, Bytes<'a>>;

#[inline(never)]
pub fn lstm(
    p: &terms::recurrent::Recurrent,
    gates: Gates<'_>,
    (matrices, coded): (Floats<'_>, Codes<'_>),
    operands: recurrent::Sequences<'_>,
    [memory, other]: [lstm::Memory<'_>; 2],
    [results, others]: [recurrent::Results<'_>; 2],
) -> Outcome {
    lstm::lstm_lens(cpu(), p, gates, matrices, operands, memory, results)?;
    lstm::lstm(cpu(), p, &gates::Standard, coded, operands, other, others);
    Ok(())
}

#[inline(never)]
pub fn dynamic_lstm(
    p: &terms::recurrent::Recurrent,
    quantized: recurrent_dynamic::Quantized<'_>,
    dual: recurrent_dual::QuantizedDual<'_>,
    (bias, operands): (F, recurrent::Sequences<'_>),
    [memory, other]: [lstm::Memory<'_>; 2],
    [results, others]: [recurrent::Results<'_>; 2],
) {
    let given = recurrent::Given;
    let matrices = recurrent::Matrices { w: given, r: quantized, bias };
    lstm::lstm(cpu(), p, &gates::Standard, matrices, operands, memory, results);
    let portable = arch::portable::Portable::<Fused>::portable();
    let matrices = recurrent::Matrices { w: given, r: dual, bias };
    lstm::lstm(portable, p, &gates::Standard, matrices, operands, other, others);
}

#[inline(never)]
pub fn gru(
    p: &terms::recurrent::Recurrent,
    gates: Gates<'_>,
    (matrices, coded): (Floats<'_>, Codes<'_>),
    operands: recurrent::Sequences<'_>,
    [results, others]: [recurrent::Results<'_>; 2],
) -> Outcome {
    gru::gru_lens(cpu(), p, gates, coded, operands, results)?;
    gru::gru_after_lens(cpu(), p, &gates::Standard, matrices, operands, others)
}

#[inline(never)]
pub fn rnn(
    p: &terms::recurrent::Recurrent,
    gates: Gates<'_>,
    matrices: Floats<'_>,
    operands: recurrent::Sequences<'_>,
    results: recurrent::Results<'_>,
) -> Outcome {
    rnn::rnn_lens(cpu(), p, gates, matrices, operands, results)
}

type Sparse<'a> = (&'a terms::sparse::Weights<'a, f32>, &'a terms::sparse::Sparse);

#[inline(never)]
pub fn sparse_conv2d(p: &Conv2d, x: F, w: Sparse<'_>, bias: F, floats: Y, y: Y) {
    sparse::sparse_conv2d(cpu(), (p, w.1), x, *w.0, bias, floats, y);
}

#[inline(never)]
pub fn sparse_matmul(p: &matmul_packed::MatMulPacked, a: F, w: Sparse<'_>, bias: F, floats: Y, y: Y) {
    sparse::sparse_matmul(cpu(), (p, w.1), a, *w.0, bias, floats, y);
    sparse::sparse_matvec(cpu(), (p, w.1), a, *w.0, bias, floats, y);
}

#[inline(never)]
pub fn sparse_qconv2d(
    p: (&QConv2d, &terms::sparse::Sparse),
    x: &[u8],
    w: &terms::sparse::Weights<'_, i8>,
    sums: (&[i32], F),
    room: (&mut [i8], &mut [u32]),
    y: &mut [i8],
) {
    qsparse::sparse_qconv2d(cpu(), p, x, *w, sums, room.0, y);
    let dual = arch::portable::Portable::<Fused>::portable();
    qsparse_dual::sparse_qconv2d_dual(dual, p, x, *w, sums, (&mut *room.0, &mut *room.1), y);
    qsparse_dual::sparse_qconv2d_dual_one(dual, p, x, *w, sums, room, y);
}

#[inline(never)]
pub fn rows_alone(p: (&QConv2d, &matmul_packed::MatMulPacked), x: (&[u8], F), w: (&[i8], F), sums: (&[i32], F), words: &mut [u32], y: (&mut [i8], Y)) {
    let dual = arch::portable::Portable::<Fused>::portable();
    qdual::qconv2d_dual(dual, p.0, x.0, w.0, sums, words, y.0);
    qdual::qmatvec_dual(dual, p.0, x.0, w.0, sums, words, y.0);
    matmul_packed::matvec_packed(arch::compact::Compact::new(dual), p.1, x.1, w.1, sums.1, y.1);
}

#[inline(never)]
pub fn conv2d_wide(p: &terms::wide::Wide2d, x: (&[u16], &[i16]), w: &[i8], ends: wide::WideEnds<'_>, room: (&mut [u32], &mut [i32]), y: &mut [i16]) {
    wide::conv2d_wide(cpu(), p, x.0, w, ends, room.0, y);
    wide::conv2d_wide_deep(cpu(), p, x.1, w, ends, room.0, y);
    wide_depthwise::depthwise2d_wide(cpu(), p, x.0, w, ends, room.1, y);
}
