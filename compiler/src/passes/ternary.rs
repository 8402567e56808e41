//! Matrix products with constant weights of which each column has the values -s, 0 and s alone become products of signs, whose sums
//! are multiplied by s once.
//!
//! What is recognised is exactly that: a weight that differs from its column's s by one bit keeps the product as it is. Small matrices
//! stay too, since they are rarely meant so and there is little to gain.

use crate::ir::{Evaluate, Graph, Node, Op, Tensor};

use super::rewrite::{Rewriter, rewrite};

/// Weights from which on a product is looked at: those of fewer take no kilobyte as floats.
const MIN_WEIGHTS: usize = 256;

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| match product(rw, &node) {
        Some(new) => rw.put(new),
        None => rw.keep(node),
    })
}

/// The signs of a matrix `[k, n]` as `[n, k]`, and the scale of each column, or the one of all.
fn signs_and_scale(w: &[f32], [k, n]: [usize; 2]) -> Option<(Vec<i8>, Vec<f32>)> {
    let mut signs = vec![0i8; w.len()];
    let mut scales = vec![None; n];
    for (row, w) in w.chunks(n).enumerate() {
        for (column, (&w, scale)) in w.iter().zip(&mut scales).enumerate() {
            if w == 0.0 {
                continue;
            }
            let size = *scale.get_or_insert(w.abs());
            if size != w.abs() || !size.is_finite() {
                return None;
            }
            signs[column * k + row] = if w > 0.0 { 1 } else { -1 };
        }
    }
    // A column of zeros can have any scale.
    let first = scales.iter().find_map(|s| *s)?;
    let uniform = scales.iter().flatten().all(|&s| s == first);
    let all = if uniform { vec![first] } else { scales.iter().map(|s| s.unwrap_or(first)).collect() };
    Some((signs, all))
}

/// A product of f32 with such weights, that nothing else reads.
fn product(rw: &mut Rewriter<'_>, node: &Node) -> Option<Node> {
    let Op::MatMul { epilogue } = node.op else { return None };
    let (x, w) = (node.inputs[0], node.inputs[1]);
    let (ones, shape) = rw.ty(w).shape.split_at(rw.ty(w).rank() - 2);
    let &[k, n] = shape else { return None };
    // Leading dimensions of the weights may not add to those of the result.
    let is_matrix = ones.iter().all(|&d| d == 1) && ones.len() + 2 <= rw.ty(x).rank();
    let is_large = k * n >= MIN_WEIGHTS && rw.ty(x).elements() > 0;
    if !is_matrix || !is_large || rw.data(x).is_some() || rw.uses(w) != 1 {
        return None;
    }
    let (signs, scale) = signs_and_scale(&rw.data(w)?.to_vec::<f32>()?, [k, n])?;
    let name = rw.name(w);
    let scale = rw.graph.add_constant(format!("{name}_scale"), Tensor::from_elements([scale.len()], &scale));
    let signs = rw.graph.add_constant(name, Tensor::from_elements([n, k], &signs));
    let inputs = [&[x, signs, scale], &node.inputs[2..]].concat();
    Some(Node { op: Op::TernaryMatMul { rows: false, epilogue }, inputs, ..node.clone() })
}

#[cfg(test)]
mod tests {
    use super::signs_and_scale;

    #[test]
    fn only_columns_of_three_values_are_recognised() {
        let w = [0.5, -2.0, 0.0, 0.0, 2.0, -0.0, -0.5, 0.0, 0.0];
        assert_eq!(signs_and_scale(&w, [3, 3]), Some((vec![1, 0, -1, -1, 1, 0, 0, 0, 0], vec![0.5, 2.0, 0.5])));
        assert_eq!(signs_and_scale(&w[..3], [3, 1]), None, "0.5 and 2");
        assert_eq!(signs_and_scale(&[0.5, -0.5, 0.0, 0.5], [2, 2]), Some((vec![1, 0, -1, 1], vec![0.5])));
        let next = f32::from_bits(0.5f32.to_bits() + 1);
        assert_eq!(signs_and_scale(&[0.5, next], [2, 1]), None);
        assert_eq!(signs_and_scale(&[0.5, next], [1, 2]), Some((vec![1, 1], vec![0.5, next])));
        for not in [f32::NAN, f32::INFINITY] {
            assert_eq!(signs_and_scale(&[not, not], [2, 1]), None);
        }
        assert_eq!(signs_and_scale(&[0.0; 4], [2, 2]), None, "no scale");
    }
}
