//! Inputs for models that come without data: pseudo-random, the same on every machine.

use crate::ir::{DType, Graph, Op, Scalar, Tensor, Type, ValueId};

use super::literal::Literal;

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A number that looks random, from a seed and a position.
pub(super) fn hash(seed: u64, a: u64, b: u64) -> u64 {
    let mut random = SplitMix64(seed);
    for part in [a, b] {
        random.0 = random.next() ^ part;
    }
    random.next()
}

/// One tensor for each type: floats in [-1, 1), integers 0, 1 or 2 (so that they index most dimensions), any truth value.
pub fn inputs<'t>(types: impl IntoIterator<Item = &'t Type>) -> Vec<Tensor> {
    let mut random = SplitMix64(0x7a61_6e74);
    types.into_iter().map(|ty| tensor(ty, &mut random)).collect()
}

fn tensor(ty: &Type, random: &mut SplitMix64) -> Tensor {
    let element = |bits: u64| {
        if ty.dtype == DType::Bool {
            Scalar::Bool(bits >> 63 == 1)
        } else if ty.dtype.is_float() || matches!(ty.dtype, DType::Mini(_)) {
            // 11 bits of fraction: exact in every float type but bf16, which rounds.
            let step = (bits >> 52) as f64;
            Scalar::from_f64(step / 2048.0 - 1.0, ty.dtype)
        } else {
            Scalar::from_i64((bits % 3) as i64, ty.dtype)
        }
    };
    let elements: Vec<Scalar> = (0..ty.elements()).map(|_| element(random.next())).collect();
    Tensor::from_scalars(ty.clone(), elements)
}

/// What is drawn for an input.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Range {
    /// Truth values.
    Bools,
    /// Whole numbers from the first to the last.
    Integers(i64, i64),
    /// Reals from the first on, below the last.
    Reals(f64, f64),
}

/// Inputs of a graph as it was imported, by a seed: bytes over their whole range, reals over the range that they are
/// quantized from (else [-1, 1)), indices within what they index, other integers 0, 1 or 2.
pub fn draw(literal: &Literal, seed: u64) -> Vec<Tensor> {
    let graph = literal.graph();
    let users = graph.users();
    let mut random = SplitMix64(hash(0x7a61_6e74, seed, 0));
    let inputs = graph.inputs.iter();
    inputs.map(|&v| within(graph.ty(v), range(literal, &users, v), &mut random)).collect()
}

fn within(ty: &Type, range: Range, random: &mut SplitMix64) -> Tensor {
    let element = |bits: u64| match range {
        Range::Bools => Scalar::Bool(bits >> 63 == 1),
        Range::Integers(first, last) => {
            let count = last.abs_diff(first).saturating_add(1);
            Scalar::from_i64(first.wrapping_add_unsigned(bits % count), ty.dtype)
        }
        Range::Reals(first, last) => {
            Scalar::from_f64(first + (bits >> 40) as f64 / (1u64 << 24) as f64 * (last - first), ty.dtype)
        }
    };
    let elements: Vec<Scalar> = (0..ty.elements()).map(|_| element(random.next())).collect();
    Tensor::from_scalars(ty.clone(), elements)
}

fn range(literal: &Literal, users: &[Vec<usize>], input: ValueId) -> Range {
    let dtype = literal.graph().ty(input).dtype;
    match dtype {
        DType::Bool => Range::Bools,
        DType::Mini(_) => Range::Reals(-1.0, 1.0),
        _ if dtype.is_float() => quantized_from(literal, users, input).unwrap_or(Range::Reals(-1.0, 1.0)),
        _ => match (indexed(literal.graph(), users, input), dtype) {
            (Some(len), _) => Range::Integers(0, i64::try_from(len.saturating_sub(1)).unwrap_or(i64::MAX)),
            (None, DType::I8) => Range::Integers(i8::MIN.into(), i8::MAX.into()),
            (None, DType::U8) => Range::Integers(0, u8::MAX.into()),
            (None, _) => Range::Integers(0, 2),
        },
    }
}

/// The values that are a value but for moves and, where `maps`, functions of elements; with itself.
fn followed(graph: &Graph, users: &[Vec<usize>], from: ValueId, maps: bool) -> Vec<ValueId> {
    let mut found = vec![from];
    let mut seen = std::collections::BTreeSet::from([from]);
    let mut next = 0;
    while next < found.len() {
        for &n in &users[found[next].index()] {
            let node = &graph.nodes[n];
            let follows = match node.op {
                Op::Movement(_) => true,
                Op::Map { .. } => maps && graph.ty(node.outputs[0]).dtype.is_int(),
                _ => false,
            };
            if follows && seen.insert(node.outputs[0]) {
                found.push(node.outputs[0]);
            }
        }
        next += 1;
    }
    found
}

/// The least length of a dimension that a value indexes; `None` where it indexes nothing.
fn indexed(graph: &Graph, users: &[Vec<usize>], input: ValueId) -> Option<usize> {
    let mut least: Option<usize> = None;
    for v in followed(graph, users, input, true) {
        for &n in &users[v.index()] {
            let node = &graph.nodes[n];
            if node.inputs.get(1) != Some(&v) {
                continue;
            }
            let shape = &graph.ty(node.inputs[0]).shape;
            let len = node.op.properties().indices.and_then(|i| match i.tuples {
                true => shape.iter().skip(i.first).min().copied(),
                false => shape.get(i.first).copied(),
            });
            least = least.into_iter().chain(len).min();
        }
    }
    least
}

/// The range of the numbers that the integers stand for which an input is quantized to, where that is done with one constant
/// scale.
fn quantized_from(literal: &Literal, users: &[Vec<usize>], input: ValueId) -> Option<Range> {
    let graph = literal.graph();
    let values = followed(graph, users, input, false);
    let readers = values.iter().flat_map(|v| users[v.index()].iter().map(move |&n| (v, n)));
    let mut quantizes = readers.filter(|&(v, n)| literal.rounds(n) && graph.nodes[n].inputs[0] == *v);
    let node = quantizes.next().map(|(_, n)| &graph.nodes[n])?;
    let single = |n: usize| {
        let data = graph.data(*node.inputs.get(n)?)?;
        data.uniform().map(Scalar::to_f64)
    };
    let (scale, zero) = (single(1)?, if node.inputs.len() > 2 { single(2)? } else { 0.0 });
    let [lo, hi] = match graph.ty(node.outputs[0]).dtype {
        DType::I8 => [-128.0, 127.0],
        DType::U8 => [0.0, 255.0],
        _ => return None,
    };
    let (first, last) = ((lo - zero) * scale, (hi - zero) * scale);
    (first < last && first.is_finite() && last.is_finite()).then_some(Range::Reals(first, last))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{draw, inputs};
    use crate::ir::{DType, Graph, Op, Tensor, Type};
    use crate::verify::literal::Literal;

    #[test]
    fn inputs_are_reproducible_and_in_range() {
        let types: Vec<Type> = DType::ALL.iter().map(|&d| Type::new(d, [5, 40])).collect();
        let (a, b) = (inputs(&types), inputs(&types));
        assert_eq!(a, b);
        for t in a {
            let values: Vec<f64> = t.scalars().map(|s| s.to_f64()).collect();
            assert!(values.iter().all(|v| (-1.0..3.0).contains(v)), "{}", t.ty());
            assert!(values.iter().any(|v| *v != values[0]), "{}", t.ty());
        }
    }

    /// A table of 7 rows that the first input indexes, beside an input of bytes.
    fn lookup() -> Graph {
        let mut graph = Graph::default();
        let table = graph.add_constant("table", Tensor::from_elements([7, 2], &[0.5f32; 14]));
        let index = graph.add_value("index", Type::new(DType::I64, [500]));
        let bytes = graph.add_value("bytes", Type::new(DType::I8, [5000]));
        let rows = graph.add_value("rows", Type::new(DType::F32, [500, 2]));
        graph.inputs = vec![index, bytes];
        graph.nodes.push(crate::ir::Node {
            op: Op::Gather { axis: 0 },
            inputs: vec![table, index],
            outputs: vec![rows],
            origin: Vec::new(),
        });
        graph.outputs.push(crate::ir::Output { name: "rows".into(), value: rows });
        graph
    }

    #[test]
    fn indices_stay_inside_and_bytes_take_their_whole_range() {
        let literal = Literal::new(lookup());
        let drawn = draw(&literal, 0);
        assert_eq!(drawn, draw(&literal, 0));
        assert_ne!(drawn, draw(&literal, 1), "another seed draws others");
        let values = |t: &Tensor| t.to_i64s().unwrap().into_iter().collect::<BTreeSet<i64>>();
        assert_eq!(values(&drawn[0]), (0..7).collect());
        assert_eq!(values(&drawn[1]), (-128..128).collect());
        assert!(literal.evaluate(&drawn, Default::default()).is_ok());
    }
}
