//! Each model computes the same with its channels removed: to the bit where what is removed is zero, or bytes.

use super::*;
use crate::ir::{Reference, eval_graph, text::parse, verify};

/// Numbers of no regularity for weights `[o,kh,kw,i]`, with zeros where a test says so of (o, i).
fn conv_weights(shape: [usize; 4], zero: impl Fn(usize, usize) -> bool) -> String {
    let [o, kh, kw, i] = shape;
    let at = |n: usize| (n / (kh * kw * i), n % i);
    listed("f32", &shape, |n| if zero(at(n).0, at(n).1) { 0 } else { (n * 37 + 11) % 23 + 1 }, o * kh * kw * i)
}

/// The same for a matrix `[k,n]`, with zeros by (column, row).
fn matrix(k: usize, n: usize, zero: impl Fn(usize, usize) -> bool) -> String {
    listed("f32", &[k, n], |at| if zero(at % n, at / n) { 0 } else { (at * 37 + 11) % 23 + 1 }, k * n)
}

fn listed(dtype: &str, shape: &[usize], number: impl Fn(usize) -> usize, len: usize) -> String {
    let dims: Vec<String> = shape.iter().map(usize::to_string).collect();
    let show = |n: usize| match (number(n), dtype) {
        (v, "f32") => format!("{:?}", if v == 0 { 0.0 } else { v as f32 * 0.125 - 1.53 }),
        (v, _) => format!("{}", v as i64 - if v == 0 { 0 } else { 12 }),
    };
    format!("{dtype}[{}] {}", dims.join(","), (0..len).map(show).collect::<Vec<_>>().join(" "))
}

/// The graph after the pass, whether it changed, and how far results moved, relative to the largest.
fn after(text: &str) -> (Graph, bool, f64) {
    let before = parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let reference = Reference::default();
    let mut graph = before.clone();
    let changed = run_by(1, &mut graph, &reference);
    assert_eq!(verify(&graph), Ok(()), "{graph}");
    let inputs = crate::verify::seeded::inputs(before.inputs.iter().map(|&v| before.ty(v)));
    let [a, b] = [&before, &graph].map(|g| eval_graph(g, &inputs, &reference).unwrap());
    let mut moved = 0f64;
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(a.ty(), b.ty());
        let largest = a.scalars().map(|v| v.to_f64().abs()).fold(1e-30, f64::max);
        for (a, b) in a.scalars().zip(b.scalars()).filter(|(a, b)| a != b) {
            moved = moved.max((a.to_f64() - b.to_f64()).abs() / largest);
        }
    }
    (graph, changed, moved)
}

/// What is removed leaves the results to the bit, and these weights.
fn exactly(text: &str, shapes: &[&str]) {
    let (graph, changed, moved) = after(text);
    assert!(changed && moved == 0.0, "{moved}\n{graph}");
    let printed = graph.to_string();
    shapes.iter().for_each(|s| assert!(printed.contains(s), "{s}\n{printed}"));
}

/// The same where rounding changes.
fn nearly(text: &str, shapes: &[&str]) {
    let (graph, changed, moved) = after(text);
    assert!(changed && moved < 1e-5, "{moved}\n{graph}");
    let printed = graph.to_string();
    shapes.iter().for_each(|s| assert!(printed.contains(s), "{s}\n{printed}"));
}

fn untouched(text: &str) {
    let (graph, changed, _) = after(text);
    assert!(!changed, "{graph}");
}

/// A convolution of four channels, the second of which is the bias alone, and one that reads it.
fn two_convs(bias: f32, reader: &str, kernel: usize, weights: &str) -> String {
    format!(
        "graph \"\"\n  in %0 \"x\": f32[1,5,5,2]\n  $1 = {}\n  $2 = f32[4] 0.5 {bias:?} -0.25 1.0\n  $3 = {weights}\n  \
         %4 = conv %0, $1, $2 {{kernel 3x3, pad 1 1 1 1, bias, relu}} : f32[1,5,5,4]\n  \
         %5 = conv %4, $3 {{kernel {kernel}x{kernel}{reader}}} : f32[1,5,5,3]\n  out \"y\" = %5\n",
        conv_weights([4, 3, 3, 2], |o, _| o == 1)
    )
}

#[test]
fn a_channel_that_relu_makes_zero_goes() {
    let weights = conv_weights([3, 3, 3, 4], |_, _| false);
    exactly(&two_convs(-1.0, ", pad 1 1 1 1", 3, &weights), &["f32[3,3,3,2]", "f32[3,3,3,3]", "f32[1,5,5,3]"]);
}

#[test]
fn a_constant_behind_a_border_stays_and_is_absorbed_without_one() {
    untouched(&two_convs(1.5, ", pad 1 1 1 1", 3, &conv_weights([3, 3, 3, 4], |_, _| false)));
    nearly(&two_convs(1.5, "", 1, &conv_weights([3, 1, 1, 4], |_, _| false)), &["f32[3,1,1,3]", "bias}", "f32[3] "]);
}

#[test]
fn a_channel_that_nobody_reads_goes() {
    let weights = conv_weights([3, 3, 3, 4], |_, i| i == 2);
    exactly(&two_convs(0.75, ", pad 1 1 1 1", 3, &weights), &["f32[3,3,3,2]", "f32[3,3,3,3]"]);
}

#[test]
fn weights_that_are_no_numbers_keep_their_channel() {
    for bad in ["inf", "NaN", "-inf"] {
        let weights = conv_weights([3, 1, 1, 4], |_, _| false).replacen(' ', &format!(" 1.0 {bad} "), 1);
        let weights: Vec<&str> = weights.split(' ').take(13).collect();
        untouched(&two_convs(-1.0, "", 1, &weights.join(" ")));
    }
}

#[test]
fn what_the_model_gives_keeps_its_channels() {
    let text = two_convs(-1.0, "", 1, &conv_weights([3, 1, 1, 4], |_, _| false));
    untouched(&format!("{text}  out \"z\" = %4\n"));
    // A softmax over the channels needs all of them.
    untouched(&text.replace("  out", "  %6 = softmax %4 {axis 3} : f32[1,5,5,4]\n  out \"z\" = %6\n  out"));
}

#[test]
fn one_channel_is_left_where_all_are_dead() {
    let text = format!(
        "graph \"\"\n  in %0 \"x\": f32[2,3]\n  $1 = f32[3,4] splat 0.0\n  $2 = f32[4] 0.5 -1.0 -0.25 1.0\n  $3 = {}\n  \
         %4 = matmul %0, $1, $2 {{bias, relu}} : f32[2,4]\n  %5 = matmul %4, $3 {{relu}} : f32[2,5]\n  out \"y\" = %5\n",
        matrix(4, 5, |_, _| false)
    );
    nearly(&text, &["f32[3,1]", "f32[1,5]", "f32[2,1]"]);
}

#[test]
fn whole_groups_stay() {
    for (kept, left) in [(9, 12), (8, 8), (1, 4), (0, 4), (13, 13)] {
        let mut keep: Vec<bool> = (0..13).map(|at| at >= 13 - kept).collect();
        let before = keep.clone();
        fill_up(&mut keep, GROUP);
        assert_eq!(keep.iter().filter(|&&k| k).count(), left);
        assert!(before.iter().zip(&keep).all(|(before, now)| !before || *now));
    }
}

#[test]
fn products_go_by_columns_and_rounds_find_what_is_left() {
    // The third product's rows 0 are zero, so that column 0 of the second goes; that alone reads column 3 of the first.
    let text = format!(
        "graph \"\"\n  in %0 \"x\": f32[2,3]\n  $1 = {}\n  $2 = f32[4] 0.5 -1.0 -0.25 1.0\n  $3 = {}\n  $4 = {}\n  \
         %5 = matmul %0, $1, $2 {{bias, relu}} : f32[2,4]\n  %6 = matmul %5, $3 {{relu}} : f32[2,5]\n  \
         %7 = matmul %6, $4 {{}} : f32[2,2]\n  out \"y\" = %7\n",
        matrix(3, 4, |column, _| column == 1),
        matrix(4, 5, |column, row| row == 3 && column != 0),
        matrix(5, 2, |_, row| row == 0)
    )
    .replace(" {}", "");
    exactly(&text, &["f32[3,2]", "f32[2,4] ", "f32[4,2] "]);
}

#[test]
fn what_works_on_each_channel_by_itself_is_cut_too() {
    let text = format!(
        "graph \"\"\n  in %0 \"x\": f32[1,6,6,2]\n  $1 = {}\n  $2 = f32[4] 0.5 -1.0 -0.25 1.0\n  $3 = {}\n  \
         $4 = f32[4] 0.1 0.7 0.3 0.4\n  $5 = f32[1,1,1,4] 2.0 3.0 4.0 5.0\n  $6 = {}\n  \
         %7 = conv %0, $1, $2 {{kernel 3x3, pad 1 1 1 1, bias, relu}} : f32[1,6,6,4]\n  \
         %8 = conv %7, $3, $4 {{kernel 3x3, pad 1 1 1 1, groups 4, bias, relu}} : f32[1,6,6,4]\n  \
         %9 = max_pool %8 {{kernel 3x3, stride 2x2, pad 1 1 1 1}} : f32[1,3,3,4]\n  \
         %10 = map %9, $5 {{Mul(Sigmoid(x0), x1)}} : f32[1,3,3,4]\n  \
         %11 = average_pool %10 {{kernel 2x2}} : f32[1,2,2,4]\n  %12 = reshape %11 : f32[1,16]\n  \
         %13 = matmul %12, $6 : f32[1,3]\n  out \"y\" = %13\n",
        conv_weights([4, 3, 3, 2], |o, _| o == 1),
        conv_weights([4, 3, 3, 1], |_, _| false),
        matrix(16, 3, |_, _| false)
    );
    nearly(&text, &["groups 3", "f32[1,12]", "f32[12,3]", "f32[1,1,1,3]", "f32[3] "]);
    let sums = text
        .replace("average_pool %10 {kernel 2x2} : f32[1,2,2,4]", "reduce_sum %10 {axes 1 2} : f32[1,4]")
        .replace("%12 = reshape %11 : f32[1,16]", "%12 = reshape %11 : f32[1,4]")
        .replace(&matrix(16, 3, |_, _| false), &matrix(4, 3, |_, _| false));
    nearly(&sums, &["groups 3", "f32[3,3]"]);
    // A residual needs the channel.
    untouched(
        &text
            .replace("map %9, $5 {Mul(Sigmoid(x0), x1)}", "map %9, %14 {Mul(Sigmoid(x0), x1)}")
            .replace("  %7 =", "  %14 = max_pool %15 {kernel 2x2, stride 2x2} : f32[1,3,3,4]\n  %7 =")
            .replace("  $1 =", "  in %15 \"r\": f32[1,6,6,4]\n  $1 ="),
    );
}

/// A quantized convolution whose second channel is the byte of its bias, and one that reads it.
fn two_qconvs(bias: i32, attributes: &str, kernel: usize) -> String {
    let bytes = |o: usize, k: usize, i: usize, dead: Option<usize>| {
        let number = |n: usize| if Some(n / (k * k * i)) == dead { 0 } else { (n * 37 + 11) % 23 + 1 };
        listed("i8", &[o, k, k, i], number, o * k * k * i)
    };
    format!(
        "graph \"\"\n  in %0 \"x\": i8[1,5,5,2]\n  $1 = {}\n  $2 = i32[4] 50 {bias} -25 100\n  $3 = f32[4] splat 0.02\n  \
         $4 = {}\n  $5 = i32[3] 1 -2 3\n  $6 = f32[3] splat 0.01\n  \
         %7 = qconv %0, $1, $2, $3 {{kernel 3x3, pad 1 1 1 1, zero 3, target i8 -7 -7 127}} : i8[1,5,5,4]\n  \
         %8 = qconv %7, $4, $5, $6 {{kernel {kernel}x{kernel}{attributes}, zero -7, target i8 0 -128 127}} : i8[1,5,5,3]\n  \
         out \"y\" = %8\n",
        bytes(4, 3, 2, Some(1)),
        bytes(3, kernel, 4, None)
    )
}

#[test]
fn bytes_are_exact() {
    exactly(&two_qconvs(-500, ", pad 1 1 1 1", 3), &["i8[3,3,3,2]", "i8[3,3,3,3]", "i32[3] 1 -2 3"]);
    untouched(&two_qconvs(500, ", pad 1 1 1 1", 3));
    exactly(&two_qconvs(500, "", 1), &["i8[3,1,1,3]"]);
}
