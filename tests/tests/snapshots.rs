//! Small models in text form: the graph before and after all passes, the planned program, the emitted model. And refused
//! models: what a user reads.
//!
//! Snapshots are never accepted automatically: look at `git diff tests/tests/snapshots` after `cargo insta review`.

use zant_tests::cases;
use zantc::config::Config;
use zantc::diag::{Diagnostic, Style, render_all};
use zantc::emit::{Source, emit_crate};
use zantc::ir::{Origin, text};
use zantc::pipeline::{compile, compile_graph};
use zantc::project::read;

/// Everything that a compiler says about a model, one under the other.
fn stages(text: &str) -> String {
    let mut graph = text::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let config = Config::new();
    let before = graph.to_string();
    // The text form has no names inside; real models have.
    for (index, node) in graph.nodes.iter_mut().enumerate() {
        let (name, op_type) = (format!("{} {index}", node.op.name()), node.op.name().to_string());
        graph.values[node.outputs[0].index()].name = format!("{name} result");
        node.origin = vec![Origin { index, name, op_type }];
    }
    let compiled = compile_graph(graph, &config).expect("it compiles");
    let program = &compiled.program;
    let source = Source { program, config: &config, name: "small", file: "", model_sha256: "", vectors: &[] };
    let model = String::from_utf8(emit_crate(&source).files["src/model.rs"].clone()).expect("it is text");
    let graph = compiled.graph.to_string();
    format!("== read ==\n{before}\n== after passes ==\n{graph}\n== planned ==\n{program}\n== emitted ==\n{model}")
}

#[test]
fn convolution_with_batch_norm_relu_and_pool() {
    insta::assert_snapshot!(stages(
        r#"graph "block"
  in %0 "image": f32[1,1,6,6]
  $1 = f32[2,3,3,1] random 1
  $2 = f32[2] 0.5 2.0
  $3 = f32[2] 0.25 -1.0
  %4 = transpose %0 {perm 0 2 3 1} : f32[1,6,6,1]
  %5 = conv %4, $1 {kernel 3x3, pad 1 1 1 1} : f32[1,6,6,2]
  %6 = map %5, $2 {Mul(x0, x1)} : f32[1,6,6,2]
  %7 = map %6, $3 {Add(x0, x1)} : f32[1,6,6,2]
  %8 = map %7 {Max(x0, 0.0)} : f32[1,6,6,2]
  %9 = max_pool %8 {kernel 2x2, stride 2x2} : f32[1,3,3,2]
  %10 = transpose %9 {perm 0 3 1 2} : f32[1,2,3,3]
  out "features" = %10
"#
    ));
}

#[test]
fn residual_is_written_over_its_operand() {
    insta::assert_snapshot!(stages(
        r#"graph "residual"
  in %0 "x": f32[1,4,4,4]
  $1 = f32[4,1,1,4] random 1
  $2 = f32[4,3,3,4] random 2
  %3 = conv %0, $1 {kernel 1x1} : f32[1,4,4,4]
  %4 = conv %3, $2 {kernel 3x3, pad 1 1 1 1} : f32[1,4,4,4]
  %5 = conv %4, $1 {kernel 1x1} : f32[1,4,4,4]
  %6 = map %5, %3 {Add(x0, x1)} : f32[1,4,4,4]
  %7 = map %6 {Max(x0, 0.0)} : f32[1,4,4,4]
  out "y" = %7
"#
    ));
}

#[test]
fn concat_copies_nothing() {
    insta::assert_snapshot!(stages(
        r#"graph "concat"
  in %0 "x": f32[2,8]
  %1 = map %0 {Tanh(x0)} : f32[2,8]
  %2 = map %0 {Sigmoid(x0)} : f32[2,8]
  %3 = concat %1, %2 {axis 0} : f32[4,8]
  out "both" = %3
"#
    ));
}

#[test]
fn elementwise_chain_becomes_one_step() {
    insta::assert_snapshot!(stages(
        r#"graph "gelu"
  in %0 "x": f32[16]
  in %1 "keep": bool[16]
  %2 = map %0 {Mul(x0, 0.70710677)} : f32[16]
  %3 = map %2 {Erf(x0)} : f32[16]
  %4 = map %3 {Add(x0, 1.0)} : f32[16]
  %5 = map %0, %4 {Mul(x0, x1)} : f32[16]
  %6 = map %1, %5 {Select(x0, x1, 0.0)} : f32[16]
  out "y" = %6
"#
    ));
}

#[test]
fn dense_layers_with_softmax() {
    insta::assert_snapshot!(stages(
        r#"graph "mlp"
  in %0 "x": f32[1,8]
  $1 = f32[8,6] random 1
  $2 = f32[6] random 2
  $3 = f32[6,3] random 3
  %4 = matmul %0, $1 : f32[1,6]
  %5 = map %4, $2 {Add(x0, x1)} : f32[1,6]
  %6 = map %5 {Max(x0, 0.0)} : f32[1,6]
  %7 = matmul %6, $3 : f32[1,3]
  %8 = softmax %7 {axis 1} : f32[1,3]
  out "scores" = %8
"#
    ));
}

#[test]
fn written_out_normalizations_are_one_step() {
    insta::assert_snapshot!(stages(
        r#"graph "norms"
  in %0 "x": f32[2,8]
  $1 = f32[8] random 1
  $2 = f32[8] random 2
  $3 = f32[] 2.0
  %4 = reduce_sum %0 {axes 1} : f32[2]
  %5 = reshape %4 : f32[2,1]
  %6 = map %5 {Div(x0, 8.0)} : f32[2,1]
  %7 = map %0, %6 {Sub(x0, x1)} : f32[2,8]
  %8 = map %7, $3 {Pow(x0, x1)} : f32[2,8]
  %9 = reduce_sum %8 {axes 1} : f32[2]
  %10 = reshape %9 : f32[2,1]
  %11 = map %10 {Div(x0, 8.0)} : f32[2,1]
  %12 = map %11 {Add(x0, 1e-5)} : f32[2,1]
  %13 = map %12 {Sqrt(x0)} : f32[2,1]
  %14 = map %7, %13 {Div(x0, x1)} : f32[2,8]
  %15 = map %14, $1 {Mul(x0, x1)} : f32[2,8]
  %16 = map %15, $2 {Add(x0, x1)} : f32[2,8]
  %17 = map %16, %16 {Mul(x0, x1)} : f32[2,8]
  %18 = reduce_sum %17 {axes 1} : f32[2]
  %19 = reshape %18 : f32[2,1]
  %20 = map %19 {Mul(x0, 0.125)} : f32[2,1]
  %21 = map %20 {Add(x0, 1e-6)} : f32[2,1]
  %22 = map %21 {Sqrt(x0)} : f32[2,1]
  %23 = map %22 {Reciprocal(x0)} : f32[2,1]
  %24 = map %16, %23 {Mul(x0, x1)} : f32[2,8]
  %25 = map $2, %24 {Mul(x0, x1)} : f32[2,8]
  out "y" = %25
"#
    ));
}

#[test]
fn attention_transposes_nothing() {
    insta::assert_snapshot!(stages(
        r#"graph "attention"
  in %0 "x": f32[1,4,8]
  in %1 "mask": bool[4,4]
  $2 = f32[8,24] random 1
  $3 = f32[8,8] random 2
  %4 = matmul %0, $2 : f32[1,4,24]
  %5 = slice %4 {start 0 0 0} : f32[1,4,8]
  %6 = slice %4 {start 0 0 8} : f32[1,4,8]
  %7 = slice %4 {start 0 0 16} : f32[1,4,8]
  %8 = reshape %5 : f32[1,4,2,4]
  %9 = transpose %8 {perm 0 2 1 3} : f32[1,2,4,4]
  %10 = reshape %6 : f32[1,4,2,4]
  %11 = transpose %10 {perm 0 2 1 3} : f32[1,2,4,4]
  %12 = transpose %11 {perm 0 1 3 2} : f32[1,2,4,4]
  %13 = matmul %9, %12 : f32[1,2,4,4]
  %14 = map %13 {Mul(x0, 0.5)} : f32[1,2,4,4]
  %15 = map %1, %14 {Select(x0, x1, -inf)} : f32[1,2,4,4]
  %16 = softmax %15 {axis 3} : f32[1,2,4,4]
  %17 = reshape %7 : f32[1,4,2,4]
  %18 = transpose %17 {perm 0 2 1 3} : f32[1,2,4,4]
  %19 = matmul %16, %18 : f32[1,2,4,4]
  %20 = transpose %19 {perm 0 2 1 3} : f32[1,4,2,4]
  %21 = reshape %20 : f32[1,4,8]
  %22 = matmul %21, $3 : f32[1,4,8]
  out "y" = %22
"#
    ));
}

#[test]
fn known_indices_make_run_infallible() {
    insta::assert_snapshot!(stages(
        r#"graph "known"
  in %0 "x": f32[3,4]
  $1 = i64[] -1
  $2 = i64[2,2] 2 0 0 1
  $3 = i64[2] 0 2
  %4 = gather %0, $1 {axis 0} : f32[4]
  %5 = gather %0, $2 {axis 1} : f32[3,2,2]
  %6 = gather %0, $3 {axis 0} : f32[2,4]
  %7 = map %4 {Tanh(x0)} : f32[4]
  out "last" = %7
  out "picked" = %5
  out "even" = %6
"#
    ));
}

#[test]
fn gather_makes_run_fallible() {
    insta::assert_snapshot!(stages(
        r#"graph "embedding"
  in %0 "tokens": i64[4]
  $1 = f32[10,2] random 1
  %2 = gather $1, %0 {axis 0} : f32[4,2]
  out "vectors" = %2
"#
    ));
}

/// What a user reads about a model of the corpus.
fn refusal(file: &str) -> String {
    let path = cases::workspace().join("tests/corpus").join(file);
    let refused = |faults: Vec<Diagnostic>| render_all(&faults, Style { color: false });
    let result = read(&path).and_then(|model| compile(&model, &Config::new()));
    let text = refused(result.err().unwrap_or_default());
    // Where the project lies is no part of the message.
    text.replace(&*cases::workspace().to_string_lossy(), "..")
}

#[test]
fn refused_models_say_what_to_do() {
    let files = [
        "attribute_missing.onnx",
        "broadcast.onnx",
        "cast_string.onnx",
        "concat_shapes.onnx",
        "conv_group_not_dividing.onnx",
        "conv_kernel_other.onnx",
        "einsum_equation.onnx",
        "tensor_raw_short.onnx",
        "transpose_twice.onnx",
        "wire_length_beyond.onnx",
    ];
    let all: Vec<String> = files.iter().map(|f| format!("== {f} ==\n{}", refusal(f))).collect();
    insta::assert_snapshot!(all.join("\n"));
}
