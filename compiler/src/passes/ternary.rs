//! Matrix products (and convolutions of single pixels) with constant weights of which each column has the values -s, 0 and s alone
//! become products of signs, whose sums are multiplied by s once.
//!
//! What is recognised is exactly that: a weight that differs from its column's s by one bit keeps the product as it is. Small matrices
//! stay too, since they are rarely meant so and there is little to gain.

use crate::ir::{DType, Evaluate, Graph, Node, Op, StaysFloat, Stored, Tensor};

use super::rewrite::{Rewriter, rewrite};

/// Weights from which on a product is looked at: those of fewer take no kilobyte as floats.
const MIN_WEIGHTS: usize = 256;

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| match product(rw, &node) {
        Some(new) => rw.put(new),
        None => rw.keep(node),
    })
}

/// The signs of columns `[n, k]`, and the scale of each, or the one of all. `weight` gives the weight of a column and an input.
fn signs_and_scale(weight: impl Fn(usize, usize) -> f32, [n, k]: [usize; 2]) -> Option<(Vec<i8>, Vec<f32>)> {
    let (mut signs, mut scales) = (Vec::with_capacity(n * k), Vec::with_capacity(n));
    for column in 0..n {
        let mut scale = None;
        for input in 0..k {
            let w = weight(column, input);
            let size = if w == 0.0 { w.abs() } else { *scale.get_or_insert(w.abs()) };
            if size != w.abs() || !size.is_finite() {
                return None;
            }
            signs.push(i8::from(w > 0.0) - i8::from(w < 0.0));
        }
        scales.push(scale);
    }
    // A column of zeros can have any scale.
    let first = scales.iter().find_map(|s| *s)?;
    let uniform = scales.iter().flatten().all(|&s| s == first);
    let all = if uniform { vec![first] } else { scales.iter().map(|s| s.unwrap_or(first)).collect() };
    Some((signs, all))
}

/// The columns and the depth of a product's constant weights, and whether they lie as `[depth, columns]`; of a convolution those of
/// single pixels. Nothing where the result has not just the rows of the operand.
fn columns(rw: &Rewriter<'_>, node: &Node) -> Option<([usize; 2], bool)> {
    let [x, w] = [node.inputs[0], node.inputs[1]].map(|v| rw.ty(v));
    if let Op::Conv { window, groups: 1, .. } = &node.op {
        let &[n, 1, 1, k] = w.shape.as_slice() else { return None };
        let is_pixel = window.stride == [1, 1] && [window.pad_begin, window.pad_end] == [[0; 2]; 2];
        return is_pixel.then_some(([n, k], false));
    }
    let (ones, matrix) = w.shape.split_at(w.rank().checked_sub(2)?);
    let &[k, n] = matrix else { return None };
    // Leading dimensions of the weights may not add to those of the result.
    (ones.iter().all(|&d| d == 1) && ones.len() + 2 <= x.rank()).then_some(([n, k], true))
}

/// A convolution of more than single pixels with such weights, of which it is noted what they were made from: they stay numbers (a
/// zero loses its sign) and take fewer bits.
fn noted(rw: &mut Rewriter<'_>, node: &Node) -> Option<Node> {
    let w = node.inputs[1];
    let weights = rw.data(w).filter(|t| t.dtype() == DType::F32 && t.len() >= MIN_WEIGHTS)?;
    if !matches!(node.op, Op::Conv { .. }) || rw.graph.stored.contains_key(&w) {
        return None;
    }
    let shape = weights.shape().to_vec();
    let (n, k) = (shape[0], shape[1..].iter().product::<usize>());
    let weight = |column: usize, input: usize| weights.get(column * k + input).to_f64() as f32;
    let (signs, scale) = signs_and_scale(weight, [n, k])?;
    let (axis, zero) = ((scale.len() > 1).then_some(0), vec![0; scale.len()]);
    let stored = Stored::along(Tensor::from_elements(shape, &signs), axis, scale, zero);
    let name = rw.name(w);
    let noted = rw.graph.add_constant(name, stored.real());
    rw.graph.stored.insert(noted, stored);
    let mut inputs = node.inputs.clone();
    inputs[1] = noted;
    Some(Node { inputs, ..node.clone() })
}

/// A product of f32 with such weights, that nothing else reads.
fn product(rw: &mut Rewriter<'_>, node: &Node) -> Option<Node> {
    let (Op::Conv { epilogue, .. } | Op::MatMul { epilogue }) = node.op else { return None };
    let (x, w) = (node.inputs[0], node.inputs[1]);
    let Some(([n, k], turned)) = columns(rw, node) else { return noted(rw, node) };
    if n * k < MIN_WEIGHTS || rw.ty(x).elements() == 0 || rw.data(x).is_some() {
        return None;
    }
    // Read one by one: most weights are of more than three values, which the first few show.
    let weights = rw.data(w).filter(|t| t.dtype() == DType::F32)?;
    let weight = |column: usize, input: usize| {
        weights.get(if turned { input * n + column } else { column * k + input }).to_f64() as f32
    };
    let (signs, scale) = signs_and_scale(weight, [n, k])?;
    if rw.uses(w) != 1 {
        let reason = "its weights have three values, but something else reads them too".to_string();
        rw.graph.stays_float.push(StaysFloat { origin: node.origin.clone(), reason });
        return None;
    }
    let name = rw.name(w);
    let scale = rw.graph.add_constant(format!("{name}_scale"), Tensor::from_elements([scale.len()], &scale));
    let signs = rw.graph.add_constant(name, Tensor::from_elements([n, k], &signs));
    let inputs = [&[x, signs, scale], &node.inputs[2..]].concat();
    Some(Node { op: Op::TernaryMatMul { rows: false, epilogue }, inputs, ..node.clone() })
}

#[cfg(test)]
mod tests {
    use super::signs_and_scale;
    use crate::ir::text::parse;
    use crate::ir::{Reference, eval_graph};

    /// Of a matrix whose columns lie one after the other.
    fn of(w: &[f32], [n, k]: [usize; 2]) -> Option<(Vec<i8>, Vec<f32>)> {
        signs_and_scale(|column, input| w[column * k + input], [n, k])
    }

    #[test]
    fn only_columns_of_three_values_are_recognised() {
        let w = [0.5, 0.0, -0.5, -2.0, 2.0, 0.0, 0.0, -0.0, 0.0];
        assert_eq!(of(&w, [3, 3]), Some((vec![1, 0, -1, -1, 1, 0, 0, 0, 0], vec![0.5, 2.0, 0.5])));
        assert_eq!(of(&[0.5, -2.0], [1, 2]), None, "0.5 and 2");
        assert_eq!(of(&[0.5, 0.0, -0.5, 0.5], [2, 2]), Some((vec![1, 0, -1, 1], vec![0.5])));
        let next = f32::from_bits(0.5f32.to_bits() + 1);
        assert_eq!(of(&[0.5, next], [1, 2]), None);
        assert_eq!(of(&[0.5, next], [2, 1]), Some((vec![1, 1], vec![0.5, next])));
        for not in [f32::NAN, f32::INFINITY] {
            assert_eq!(of(&[not, not], [1, 2]), None);
        }
        assert_eq!(of(&[0.0; 4], [2, 2]), None, "no scale");
    }

    /// Sixteen columns of sixteen weights, 0.25 times -1, 0 or 1.
    fn weights() -> String {
        (0..256).map(|i| ["-0.25 ", "0.0 ", "0.25 "][(i * i + i / 3) % 3]).collect()
    }

    /// The graph after the pass; it computes what it did.
    fn after(w_shape: &str, node: &str) -> String {
        let w = weights();
        let text =
            format!("graph \"\"\n  in %0 \"x\": f32[1,2,3,16]\n  $1 = f32{w_shape} {w}\n  {node}\n  out \"y\" = %2\n");
        let before = parse(&text).unwrap();
        let mut after = before.clone();
        let reference = Reference::default();
        super::run(&mut after, &reference);
        assert_eq!(crate::ir::verify(&after), Ok(()));
        let inputs = crate::verify::seeded::inputs(before.inputs.iter().map(|&v| before.ty(v)));
        let [expected, got] = [&before, &after].map(|graph| eval_graph(graph, &inputs, &reference).unwrap());
        let [expected, got] = [&expected, &got].map(|all| all[0].to_vec::<f32>().unwrap());
        assert!(expected.iter().zip(&got).all(|(a, b)| (a - b).abs() <= 1e-5), "{after}");
        after.nodes.iter().map(|n| n.op.name()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn products_and_convolutions_of_pixels_are_recognised() {
        assert_eq!(after("[16,16]", "%2 = matmul %0, $1 : f32[1,2,3,16]"), "ternary_matmul");
        assert_eq!(after("[1,1,16,16]", "%2 = matmul %0, $1 : f32[1,2,3,16]"), "ternary_matmul");
        assert_eq!(after("[16,1,1,16]", "%2 = conv %0, $1 {kernel 1x1} : f32[1,2,3,16]"), "ternary_matmul");
        let strided = "%2 = conv %0, $1 {kernel 1x1, stride 1x2} : f32[1,2,2,16]";
        assert_eq!(after("[16,1,1,16]", strided), "conv");
        let padded = "%2 = conv %0, $1 {kernel 1x1, pad 0 1 0 0} : f32[1,2,4,16]";
        assert_eq!(after("[16,1,1,16]", padded), "conv");
    }

    #[test]
    fn larger_convolutions_keep_their_numbers_in_fewer_bits() {
        let w = weights().replacen("0.0 ", "-0.0 ", 1);
        let text = format!(
            "graph \"\"\n  in %0 \"x\": f32[1,2,3,4]\n  $1 = f32[16,2,2,4] {w}\n  \
             %2 = conv %0, $1 {{kernel 2x2}} : f32[1,1,2,16]\n  out \"y\" = %2\n"
        );
        let mut graph = parse(&text).unwrap();
        super::run(&mut graph, &Reference::default());
        assert_eq!(crate::ir::verify(&graph), Ok(()));
        let stored = &graph.stored[&graph.nodes[0].inputs[1]];
        assert_eq!((stored.scale.as_slice(), stored.span()), ([0.25].as_slice(), 2));
    }
}
