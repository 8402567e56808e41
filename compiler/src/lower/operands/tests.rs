//! Every argument of every step that is dropped is missed.

use super::*;
use crate::ir::text::parse;
use crate::ir::{Graph, Numerics, State};
use crate::targets;

fn lowered(graph: &Graph) -> Lowering<'_> {
    let mut lowering = Lowering::of(graph, Numerics::Fused, targets::HOST);
    lowering.inputs();
    lowering.nodes().unwrap_or_else(|faults| panic!("{faults:#?}\n{graph}"));
    assert_eq!(lowering.unread_operands(), Vec::<String>::new(), "{graph}");
    lowering
}

/// Drops each argument that is read, one after the other; gives how many those are.
fn drop_each(graph: &Graph) -> usize {
    let mut lowering = lowered(graph);
    let mut dropped = 0;
    for step in 0..lowering.program.steps.len() {
        for at in 0..lowering.program.steps[step].args.len() {
            let arg = lowering.program.steps[step].args[at];
            let is_read = match arg {
                Arg::Weight(w) => lowering.traces.held.iter().any(|(held, _)| *held == w),
                Arg::Buffer(_, access) => access == Access::Read,
                Arg::Empty(_) => false,
            };
            if is_read {
                lowering.program.steps[step].args[at] = Arg::Empty(crate::ir::DType::F32);
                let step_text = format!("{:?}", lowering.program.steps[step]);
                assert!(!lowering.unread_operands().is_empty(), "argument {at} of {step_text}\n{graph}");
                lowering.program.steps[step].args[at] = arg;
                dropped += 1;
            }
        }
    }
    dropped
}

fn graph(text: &str) -> Graph {
    parse(text).unwrap_or_else(|why| panic!("{why}\n{text}"))
}

#[test]
fn a_forgotten_bias_is_missed() {
    let graph = graph(
        "in %0 \"x\": i64[2,3]\n$1 = i64[3,4] random 1\n$2 = i64[4] random 2\n\
         %3 = matmul %0, $1, $2 {bias} : i64[2,4]\nout \"y\" = %3",
    );
    let mut lowering = lowered(&graph);
    lowering.program.steps[0].args.remove(2);
    let lost = "operand 2 of \"%3 = matmul %0, $1, $2 {bias} : i64[2,4]\" is lost";
    assert_eq!(lowering.unread_operands(), [lost]);
}

#[test]
fn what_is_packed_by_a_step_has_to_reach_the_product() {
    let graph = graph(
        "in %0 \"x\": f32[1,4,4,2]\nin %1 \"w\": f32[3,3,3,2]\n\
         %2 = conv %0, %1 {kernel 3x3} : f32[1,2,2,3]\nout \"y\" = %2",
    );
    let mut lowering = lowered(&graph);
    let last = lowering.program.steps.last_mut().expect("the convolution");
    last.args[1] = Arg::Empty(crate::ir::DType::F32);
    let lost = "operand 1 of \"%2 = conv %0, %1 {kernel 3x3} : f32[1,2,2,3]\" is lost";
    assert_eq!(lowering.unread_operands(), [lost]);
}

#[test]
fn each_argument_of_products_is_missed() {
    for dtype in ["f32", "i32", "i64", "u8"] {
        for (constant, epilogue) in [(true, " {bias}"), (false, " {bias}"), (true, ""), (false, "")] {
            let w = if constant { format!("$1 = {dtype}[3,4] random 1") } else { format!("in %1 \"w\": {dtype}[3,4]") };
            let weights = if constant { "$1" } else { "%1" };
            let bias = if epilogue.is_empty() { "" } else { ", $2" };
            let text = format!(
                "in %0 \"x\": {dtype}[2,3]\n{w}\n$2 = {dtype}[4] random 2\n\
                 %3 = matmul %0, {weights}{bias}{epilogue} : {dtype}[2,4]\nout \"y\" = %3"
            );
            assert_eq!(drop_each(&graph(&text)), 2 + usize::from(!bias.is_empty()), "{text}");
        }
    }
}

#[test]
fn each_argument_of_products_that_are_transposed_is_missed() {
    for w in
        ["$1 = i32[3,4] random 1", "$1 = i32[3,4] splat 100000", "$1 = i64[3,4] random 1", "$1 = f32[3,4] random 1"]
    {
        let dtype = &w[5..8];
        let text = format!(
            "in %0 \"x\": {dtype}[2,3]\n{w}\n$2 = {dtype}[4] random 2\n\
             %3 = matmul %0, $1, $2 {{bias}} : {dtype}[2,4]\n\
             %4 = transpose %3 {{perm 1 0}} : {dtype}[4,2]\nout \"y\" = %4"
        );
        assert!(drop_each(&graph(&text)) >= 3, "{text}");
    }
}

#[test]
fn each_argument_of_convolutions_is_missed() {
    let dropped = drop_each(&graph(
        "in %0 \"x\": f32[1,6,6,4]\nin %1 \"z\": i32[1,6,6,4]\n\
         $2 = f32[2,3,3,2] random 1\n$3 = f32[2] random 2\n$4 = i32[2,3,3,2] random 3\n$5 = i32[2] random 4\n\
         in %6 \"r\": f32[1,4,4,2]\n\
         %7 = map %6 {Neg(x0)} : f32[1,4,4,2]\n\
         %8 = conv %0, $2, $3, %7 {kernel 3x3, groups 2, bias, residual, relu} : f32[1,4,4,2]\n\
         %9 = conv %1, $4, $5 {kernel 3x3, groups 2, bias} : i32[1,4,4,2]\n\
         %10 = conv_transpose %0, $2, $3 {kernel 3x3, stride 2x2, pad 1 1 1 1, groups 2, bias} : f32[1,11,11,2]\n\
         out \"a\" = %8\nout \"b\" = %9\nout \"c\" = %10",
    ));
    assert!(dropped >= 11, "{dropped}");
}

#[test]
fn each_argument_of_depthwise_convolutions_inside_others_is_missed() {
    let text = "in %0 \"x\": f32[1,64,64,1]\n$1 = f32[32,1,1,1] random 1\n$2 = f32[32,3,3,1] random 2\n\
                $3 = f32[32] random 3\n$4 = f32[2,1,1,32] random 4\n$5 = f32[2] random 5\n\
                %6 = conv %0, $1 {kernel 1x1} : f32[1,64,64,32]\n\
                %7 = average_pool %6 {kernel 4x4, stride 4x4} : f32[1,16,16,32]\n\
                %8 = conv %7, $2, $3 {kernel 3x3, pad 1 1 1 1, groups 32, bias} : f32[1,16,16,32]\n\
                %9 = conv %8, $4, $5 {kernel 1x1, bias} : f32[1,16,16,2]\nout \"y\" = %9";
    assert!(drop_each(&graph(text)) >= 8);
}

#[test]
fn each_argument_of_quantized_operators_is_missed() {
    let dropped = drop_each(&graph(
        "in %0 \"x\": u8[1,6,6,4]\n$1 = i8[8,3,3,4] random 1\n$2 = i32[8] random 2\n$3 = f32[8] random 3\n\
         $4 = i8[4,3,3,1] random 4\n$5 = i32[4] random 5\n$6 = f32[4] random 6\n\
         in %7 \"f\": f32[2,5]\n$8 = i8[3,5] random 7\n$9 = f32[3] random 8\n$10 = f32[3] random 9\n\
         %11 = qconv %0, $1, $2, $3 {kernel 3x3, zero 3, target i8 -1 -128 127} : i8[1,4,4,8]\n\
         %12 = qconv %0, $4, $5, $6 {kernel 3x3, groups 4, zero 3, target i8 -1 -128 127} : i8[1,4,4,4]\n\
         %13 = dynamic_matmul %7, $8, $9, $10 {offset 0, bias} : f32[2,3]\n\
         %14 = map %0 {i8(Neg(f32(x0)))} : i8[1,6,6,4]\n\
         out \"a\" = %11\nout \"b\" = %12\nout \"c\" = %13\nout \"d\" = %14",
    ));
    assert!(dropped >= 13, "{dropped}");
}

#[test]
fn each_argument_of_what_moves_is_missed() {
    let dropped = drop_each(&graph(
        "in %0 \"x\": i64[3,4]\nin %1 \"c\": i64[3,1]\n$2 = i64[3,1] 0 -1 2\n$3 = i64[] 7\n\
         %4 = transpose %0 {perm 1 0} : i64[4,3]\n\
         %5 = slice %0 {start 2 0, step -2 1} : i64[2,4]\n\
         %6 = pad %0 {before 0 1, after 1 0, value -5} : i64[4,5]\n\
         %7 = concat %5, %0 {axis 0} : i64[5,4]\n\
         %8 = gather %0, %1 {axis 1} : i64[3,3,1]\n\
         %9 = gather_elements %0, $2 {axis 1} : i64[3,1]\n\
         %10 = gather_nd %0, %1 {batch_dims 0} : i64[3,4]\n\
         %11 = scatter_elements %0, $2, %9 {axis 0, mul} : i64[3,4]\n\
         %12 = scatter_nd %0, %1, %10 {replace} : i64[3,4]\n\
         %13 = expand %1 : i64[3,5]\n\
         %14 = concat %1, %1, $2 {axis 1} : i64[3,3]\n\
         out \"h\" = %4\nout \"a\" = %6\nout \"b\" = %7\nout \"c\" = %8\nout \"d\" = %11\nout \"e\" = %12\nout \"f\" = %13\nout \"g\" = %14",
    ));
    assert!(dropped >= 20, "{dropped}");
}

#[test]
fn each_argument_of_what_goes_along_a_dimension_is_missed() {
    let dropped = drop_each(&graph(
        "in %0 \"x\": f32[2,3,4]\n$1 = f32[4] random 1\n$2 = f32[4] random 2\n\
         %3 = reduce_sum %0 {axes 0 2} : f32[3]\n\
         %4 = arg_max %0 {axis 1} : i64[2,4]\n\
         %5 = softmax %0 {axis 1} : f32[2,3,4]\n\
         %6 = norm %0, $1, $2 {axis 2, epsilon 1e-5, center, scale, bias} : f32[2,3,4]\n\
         %7 = cumulative_sum %0 {axis 0} : f32[2,3,4]\n\
         %8, %9 = top_k %0 {axis 0, k 1, largest} : f32[1,3,4], i64[1,3,4]\n\
         %10 = map %0, $1, %5 {t0 = Add(x0, x1); Mul(t0, x2)} : f32[2,3,4]\n\
         out \"a\" = %3\nout \"b\" = %4\nout \"c\" = %10\nout \"d\" = %6\nout \"e\" = %7\nout \"f\" = %8\nout \"g\" = %9",
    ));
    assert!(dropped >= 11, "{dropped}");
}

#[test]
fn the_numbers_of_rows_are_folded_into_the_kernel_that_places_one() {
    let mut graph = graph(
        "in %0 \"old\": f32[5,2]\nin %1 \"row\": f32[1,2]\nin %2 \"at\": i64[]\n$3 = i64[5,1] 0 1 2 3 4\n\
         %4 = map $3, %2, %1, %0 {t0 = Eq(x0, x1); Select(t0, x2, x3)} : f32[5,2]\n\
         %5 = map %1 {Neg(x0)} : f32[1,2]\n\
         out \"new\" = %4\nout \"y\" = %5",
    );
    graph.states.push(State { input: 0, output: 0, scale: None });
    let lowering = lowered(&graph);
    assert_eq!(lowering.program.steps[0].call.name(), "place_row");
    assert!(drop_each(&graph) >= 3);
}
