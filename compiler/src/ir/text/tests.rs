//! Text that is read is printed as it was, whatever the operator; what does not fit is refused with its line.

use super::*;
use crate::ir::{DType, Origin, Type, eval::Reference, eval_graph, print_node};

/// Reads and prints; the text must be what the printer writes.
fn assert_fixed(text: &str) -> Graph {
    let graph = parse(text).unwrap();
    assert_eq!(graph.to_string(), text);
    graph
}

#[test]
fn every_operator_on_maps() {
    assert_fixed(
        r#"graph "maps \"quoted\" // and\nmore"
  in %0 "x": f32[1,6,6,4]
  in %1 "": f32[2,3,4]
  $2 = f32[2,3,3,2] splat 0.5
  $3 = f32[2] 1.0 -0.0
  $4 = f32[4,2] 1.0 2.0 3.0 4.0 inf -inf NaN 1e-45
  $13 = f32[3,2] splat 2.0
  %5 = conv %0, $2, $3 {kernel 3x3, stride 2x1, dilation 1x2, pad 1 2 3 4, groups 2, bias, relu} : f32[1,4,8,2]
  %6 = conv_transpose %0, $2, $3, %7 {kernel 3x3, stride 2x2, pad 0 0 1 1, groups 2, bias, residual, leaky 0.1} : f32[1,12,12,2]
  %8 = max_pool %0 {kernel 2x2, stride 2x2} : f32[1,3,3,4]
  %9 = average_pool %0 {kernel 2x2, pad 1 0 0 0, count_include_pad} : f32[1,6,5,4]
  %10 = matmul %1, $4 {clamp -1.0 6.0} : f32[2,3,2]
  %11 = softmax %10 {axis 2} : f32[2,3,2]
  %12 = log_softmax %10 {axis 0} : f32[2,3,2]
  %14 = norm %10, $13, $13 {axis 1, epsilon 1e-5, center, scale, bias} : f32[2,3,2]
  %15 = norm %10 {axis 2, epsilon 0.0} : f32[2,3,2]
  out "a" = %5
  out "b" = %12
"#
        .replace("  %6", "  %7 = expand $3 : f32[1,12,12,2]\n  %6")
        .as_str(),
    );
}

#[test]
fn every_operator_on_tensors() {
    let graph = assert_fixed(
        r#"graph ""
  in %0 "x": i64[3,4]
  in %1 "c": bool[3,1]
  $2 = i64[3,1] 0 -1 2
  $3 = i64[] 7
  $4 = i64[0]
  %5 = reduce_sum %0 {axes 0 1} : i64[]
  %6 = reduce_prod %0 {axes} : i64[3,4]
  %7 = reduce_max %1 {axes 1} : bool[3]
  %8 = reduce_min %0 {axes 0} : i64[4]
  %9 = arg_max %0 {axis 1, last} : i64[3]
  %10 = arg_min %0 {axis 0} : i64[4]
  %11 = reshape %0 : i64[12]
  %12 = transpose %0 {perm 1 0} : i64[4,3]
  %13 = slice %0 {start 2 0, step -2 1} : i64[2,3]
  %14 = slice %0 {start 1 1} : i64[2,3]
  %15 = pad %0 {before 0 1, after 1 0, value -5} : i64[4,5]
  %16 = concat %13, %14 {axis 0} : i64[4,3]
  %17 = gather %0, $3 {axis 1} : i64[3]
  %18 = gather_elements %0, $2 {axis 1} : i64[3,1]
  %19 = gather_nd %0, $2 {batch_dims 0} : i64[3,4]
  %20 = scatter_elements %0, $2, %18 {axis 0, mul} : i64[3,4]
  %21 = scatter_nd %0, $2, %19 {replace} : i64[3,4]
  %22 = cumulative_sum %0 {axis 0, exclusive, reverse} : i64[3,4]
  %23 = cumulative_product %0 {axis 1} : i64[3,4]
  %24, %25 = top_k %0 {axis 0, k 2, smallest} : i64[2,4], i64[2,4]
  %26 = map %1, %0, $3 {Select(x0, Add(x1, x2), 3_i64)} : i64[3,4]
  %27 = map %0 {t0 = f32(x0); t1 = Mul(t0, t0); Max(t1, Sqrt(2.5))} : f32[3,4]
  %28 = map {1.5_bf16} : bf16[]
  out "out" = %0
"#
        .replace("Max(t1, Sqrt(2.5))", "t2 = Sqrt(2.5); Max(t1, t2)")
        .as_str(),
    );
    assert_eq!(graph.data(ValueId(4)).unwrap().ty(), &Type::new(DType::I64, [0]));
}

#[test]
fn terms_may_be_written_as_one_likes() {
    let graph = parse("in %0 \"x\": f32[]\n%1 = map %0 {t0 = Neg(x0); Add(Mul(t0, t0), true_bool)} : f32[]\n");
    assert_eq!(graph.unwrap_err(), "node 0 (map): Add of f32 and bool");
    let graph = parse("in %0 \"x\": f32[]\n%1 = map %0 {t0 = Neg(x0); Add(Mul(t0, t0), 1)} : f32[]\n").unwrap();
    let line = "%1 = map %0 {t0 = Neg(x0); t1 = Mul(t0, t0); Add(t1, 1.0)} : f32[]";
    assert_eq!(print_node(&graph, &graph.nodes[0]), line);
    // Operations that are shared many times over print in linear space.
    let doubled: String = (0..60).map(|n| format!("t{} = Add(t{n}, t{n}); ", n + 1)).collect();
    let text = format!("in %0 \"x\": f32[]\n%1 = map %0 {{t0 = Neg(x0); {doubled}Neg(t60)}} : f32[]\n");
    let graph = parse(&text).unwrap();
    assert!(print_node(&graph, &graph.nodes[0]).len() < 2000);
    let x = Tensor::from_elements([], &[1f32]);
    let y = eval_graph(&parse(&format!("{text}out \"y\" = %1")).unwrap(), &[x], &Reference::default()).unwrap();
    assert_eq!(y[0].to_vec::<f32>().unwrap(), [2f32.powi(60)]);
}

#[test]
fn comments_and_long_constants() {
    let text = "graph \"g\" // a comment\n\n  $0 = u8[3,7] random 5\n  out \"o // no comment\" = $0\n";
    let mut graph = parse(text).unwrap();
    graph.values[0].name = "w\n".into();
    let printed = "graph \"g\"\n  $0 = u8[3,7] 8 7 8 2 .. sha 150ef528  // \"w\\n\"\n  out \"o // no comment\" = $0\n";
    assert_eq!(graph.to_string(), printed);
    let why = parse(printed).unwrap_err();
    assert_eq!(why, "line 2: the elements are not given in full");
    // Names of operators are untrusted too.
    let mut graph = parse("in %0 \"x\": f32[]\n%1 = map %0 {x0} : f32[]\n").unwrap();
    let origin = |index, name: &str, op_type: &str| Origin { index, name: name.into(), op_type: op_type.into() };
    graph.nodes[0].origin = vec![origin(0, "a\"b", "Relu"), origin(1, "", "x\n  out")];
    let printed = graph.to_string();
    assert!(printed.ends_with("  %1 = map %0 {x0} : f32[]  // Relu \"a\\\"b\", x\\n  out \"\"\n"), "{printed}");
}

#[test]
fn constants_say_what_they_were_made_from() {
    let text = "graph \"\"\n  $0 = f32[2,4] 0.5 -1.0 0.0 1.5 2.0 0.0 -2.0 -16.0 codes i8 block 1 4 scale 0.5 2.0 zero 3 -1\n  \
                $1 = f32[2] 1.5 -0.25 codes f16\n";
    let graph = parse(text).unwrap();
    assert_eq!(graph.to_string(), text);
    assert_eq!(graph.stored[&ValueId(0)].data.to_i64s(), Some(vec![4, 1, 3, 6, 0, -1, -2, -9]));
    for (line, why) in [
        ("$0 = f32[2] 0.5 0.75 codes i8 block 2 scale 0.5 zero 0", "the constant %0 made from codes is another"),
        ("$0 = f32[2] 1e9 0.5 codes i8 block 2 scale 0.5 zero 0", "the constant %0 made from codes is another"),
        ("$0 = f32[2] 1.0 0.5 codes i8 block 2 2 scale 0.5 zero 0", "line 1: f32[2] has no blocks of [2, 2]"),
        ("$0 = f32[2] 1.0 0.5 codes i8 block 1 scale 0.5 zero 0", "line 1: 2 blocks have 1 scales, 1 zero points"),
        ("$0 = f32[1] 0.1 codes f16", "the constant %0 made from codes is another"),
        (
            "$0 = i32[1] 1 codes i8 block 1 scale 1 zero 0",
            "the constant %0 made from codes i32[1] is not made from i8[1]",
        ),
    ] {
        assert_eq!(parse(line).map(|_| ()), Err(why.to_string()), "{line}");
    }
}

#[test]
fn random_constants_depend_on_the_seed_alone() {
    for dtype in DType::ALL {
        let ty = Type::new(dtype, [100]);
        let values = random(&ty, 1);
        assert_eq!(values, random(&ty, 1));
        assert_ne!(values, random(&ty, 2));
        let bound = if dtype.is_float() { 1.0 } else { 8.0 };
        assert!(values.scalars().all(|v| v.to_f64().abs() <= bound));
    }
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let x = "in %0 \"x\": f32[2]";
    for (line, why) in [
        ("in %0 x: f32[]", "line 2: expected quoted text, found \"x\""),
        ("in %0 \"x: f32[]", "line 2: the quotes are not closed"),
        ("in %9999999 \"y\": f32[]", "line 2: \"%9999999\" is not a value"),
        ("in %1 \"y\": f32[-1]", "line 2: \"-1\" is not a number that fits here"),
        ("in %1 \"y\": f32[99999,99999]", "line 2: f32[99999,99999] is too large"),
        ("in %1 \"y\": f33[1]", "line 2: \"f33\" is not an element type"),
        ("in %1 \"y\": f32[1] 2", "line 2: expected the end of the line, found \"2\""),
        ("$1 = f32[2] 1", "line 2: f32[2] has 2 elements, not 1"),
        ("$1 = i8[1] 128", "line 2: \"128\" is not a number that fits here"),
        ("$1 = f32[99999999] splat 0", "line 2: f32[99999999] is too large"),
        ("%1 = map %0 {Foo(x0)} : f32[2]", "line 2: there is no operation \"Foo\" of 1 values"),
        ("%1 = map %0 {t0} : f32[2]", "line 2: t0 is not there yet"),
        ("%1 = map %0 {Neg(x0} : f32[2]", "line 2: expected ')', found '}'"),
        ("%1 = frob %0 : f32[2]", "line 2: there is no operator \"frob\""),
        ("%1 = softmax %0 {axis 0, axis 1} : f32[2]", "line 2: axis is given twice"),
        ("%1 = softmax %0 {axis 0, log} : f32[2]", "line 2: the operator has no attribute \"log\""),
        ("%1 = softmax %0 : f32[2]", "line 2: axis is missing"),
        ("%1 = softmax %0 {axis 0 : f32[2]", "line 2: expected ':'"),
        ("%1, %2 = softmax %0 {axis 0} : f32[2]", "line 2: 2 results have 1 types"),
        ("%1 = softmax %0 {axis 1} : f32[2]", "node 0 (softmax): f32[2] has no dimension 1"),
        ("%1 = softmax %0 {axis 0} : f32[3]", "node 0 (softmax): %1 is f32[3], but the operator gives f32[2]"),
        ("out \"y\" = %1", "output \"y\" is %1, which nothing makes"),
    ] {
        assert_eq!(parse(&format!("{x}\n{line}\n")).unwrap_err(), why);
    }
    let deep = format!("{x}\n%1 = map %0 {{{}x0{}}} : f32[2]", "Neg(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(parse(&deep).unwrap_err(), "line 2: the term is nested too deep");
}
