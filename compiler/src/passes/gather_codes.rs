//! Rows picked from a constant that was stored in few bits, an embedding for one: the bits are picked, with their scales, and become
//! floats afterwards. Every element is what it was, to the bit.

use crate::ir::formula::{binary, constant, x};
use crate::ir::{BinaryOp, DType, Evaluate, Expr, Graph, Node, Op, Scalar, Stored, Tensor, ValueId};

use super::rewrite::{Rewriter, rewrite};

/// Elements from which on a constant is looked at.
const MIN_ELEMENTS: usize = 256;

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| match picked(rw, &node) {
        Some(v) => rw.alias(node.outputs[0], v),
        None => rw.keep(node),
    })
}

fn picked(rw: &mut Rewriter<'_>, node: &Node) -> Option<ValueId> {
    let Op::Gather { axis } = node.op else { return None };
    let data = node.inputs[0];
    if rw.data(node.inputs[1]).is_some() || rw.ty(data).elements() < MIN_ELEMENTS {
        return None;
    }
    let stored = rw.graph.stored.get(&data)?.clone();
    if !stored.is_scaled() {
        let name = rw.name(data);
        let halves = rw.graph.add_constant(name, stored.data);
        let y = gather(rw, node, axis, halves);
        let widen = x(0).cast(DType::F32).expr(DType::F32);
        return Some(emit(rw, node, widen, &[y]));
    }
    let rows = Rows::of(&stored).filter(|_| axis == 0)?;
    Some(rows.picked(rw, node))
}

/// Rows of codes, each with scales and zero points for its blocks.
struct Rows<'a> {
    stored: &'a Stored,
    /// Codes, and what is added to them.
    codes: Vec<u8>,
    least: i64,
    /// Codes in a byte.
    per_byte: usize,
    /// Blocks of a row.
    blocks: usize,
    /// Codes of a block.
    block: usize,
}

impl<'a> Rows<'a> {
    /// Of a matrix whose rows have scales of their own, or share one for all.
    fn of(stored: &'a Stored) -> Option<Rows<'a>> {
        let &[rows, columns] = stored.data.shape() else { return None };
        let (&[of_rows, blocks], &[_, block]) = (stored.grid().as_slice(), stored.block.as_slice()) else {
            return None;
        };
        let is_whole = blocks * block == columns && (of_rows == rows || stored.scale.len() == 1);
        let integers = stored.data.to_i64s().filter(|_| is_whole)?;
        let least = *integers.iter().min()?;
        let codes: Option<Vec<u8>> = integers.iter().map(|q| u8::try_from(q - least).ok()).collect();
        let codes = codes?;
        let per_byte = match codes.iter().max()? {
            0..=3 => 4,
            4..=15 => 2,
            _ => 1,
        };
        let per_byte = if block % per_byte == 0 { per_byte } else { 1 };
        Some(Rows { stored, codes, least, per_byte, blocks, block })
    }

    /// The rows that a Gather picks.
    fn picked(&self, rw: &mut Rewriter<'_>, node: &Node) -> ValueId {
        let (rows, name) = (self.stored.data.shape()[0], rw.name(node.inputs[0]));
        let bits = 8 / self.per_byte;
        let byte = |codes: &[u8]| codes.iter().rev().fold(0u8, |byte, code| byte << (bits % 8) | code);
        let bytes: Vec<u8> = self.codes.chunks_exact(self.per_byte).map(byte).collect();
        let of_row = bytes.len() / rows;
        let bytes = rw.graph.add_constant(name.clone(), Tensor::from_elements([rows, of_row], &bytes));
        let indices = rw.ty(node.inputs[1]).shape.clone();
        let shape = |own: &[usize]| [indices.as_slice(), own].concat();
        // [.., blocks, bytes of a block, codes of a byte]
        let bytes = gather(rw, node, 0, bytes);
        let bytes = rw.reshape(bytes, &shape(&[self.blocks, self.block / self.per_byte, 1]), &node.origin, &name);
        let mut inputs = vec![bytes];
        let mut code = x(0);
        if self.per_byte > 1 {
            let places: Vec<u8> = (0..self.per_byte).map(|at| (at * bits) as u8).collect();
            inputs.push(rw.graph.add_constant("", Tensor::from_elements([self.per_byte], &places)));
            let mask = constant(Scalar::U8((1u8 << bits) - 1));
            code = binary(BinaryOp::BitAnd, binary(BinaryOp::Shr, code, x(1)), mask);
        }
        let mut per_block = |rw: &mut Rewriter<'_>, data: Tensor| {
            let grid = [rows, self.blocks];
            let data =
                if data.len() == 1 { data.reshaped([]) } else { data.reshaped(grid) }.expect("one for each block");
            let is_one = data.shape().is_empty();
            let v = rw.graph.add_constant(name.clone(), data);
            let v = if is_one { v } else { gather(rw, node, 0, v) };
            let v = if is_one { v } else { rw.reshape(v, &shape(&[self.blocks, 1, 1]), &node.origin, &name) };
            inputs.push(v);
            x(inputs.len() - 1)
        };
        let scale = per_block(rw, Tensor::from_elements([self.stored.scale.len()], &self.stored.scale));
        // The zero points, in terms of codes.
        let zeros: Vec<i32> = self.stored.zero.iter().map(|zero| (zero - self.least) as i32).collect();
        let zero = match (zeros.iter().all(|z| *z == zeros[0]), zeros.iter().map(|&z| u8::try_from(z)).collect()) {
            (true, _) => constant(Scalar::I32(zeros[0])),
            (false, Ok::<Vec<u8>, _>(bytes)) => {
                per_block(rw, Tensor::from_elements([bytes.len()], &bytes)).cast(DType::I32)
            }
            (false, Err(_)) => per_block(rw, Tensor::from_elements([zeros.len()], &zeros)),
        };
        let real = (code.cast(DType::I32) - zero).cast(DType::F32) * scale;
        let y = emit(rw, node, real.expr(DType::F32), &inputs);
        let shape = rw.ty(node.outputs[0]).shape.clone();
        rw.reshape(y, &shape, &node.origin, &name)
    }
}

/// What the Gather of a node picks of other data.
fn gather(rw: &mut Rewriter<'_>, node: &Node, axis: usize, data: ValueId) -> ValueId {
    let name = rw.name(node.outputs[0]);
    rw.emit(Op::Gather { axis }, &[data, node.inputs[1]], &node.origin, &name)
}

fn emit(rw: &mut Rewriter<'_>, node: &Node, expr: Expr, inputs: &[ValueId]) -> ValueId {
    let name = rw.name(node.outputs[0]);
    rw.emit(Op::Map { expr }, inputs, &node.origin, &name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Reference, eval_graph, text::parse, verify};

    /// A matrix of codes with a scale for each block, of which two rows are picked: the operators that do it.
    fn after(codes: [i64; 2], block: [usize; 2], zero: impl Fn(usize) -> i64) -> String {
        let shape = [10, 48];
        let q: Vec<i8> = (0..480).map(|i| (codes[0] + i * 7 % (codes[1] - codes[0] + 1)) as i8).collect();
        let mut stored = Stored::along(Tensor::from_elements(shape, &q), None, vec![], vec![]);
        stored.block = block.to_vec();
        let blocks: usize = stored.grid().iter().product();
        stored.scale = (1..=blocks).map(|i| i as f32 / 16.0).collect();
        stored.zero = (0..blocks).map(zero).collect();
        let text = "graph \"\"\n  in %0 \"i\": i32[2]\n  $1 = f32[10,48] splat 0.0\n  %2 = gather %0, %0 {axis 0} : i32[2]\n  \
                    %3 = gather $1, %0 {axis 0} : f32[2,48]\n  out \"y\" = %3\n  out \"z\" = %2\n";
        let mut before = parse(text).unwrap();
        before.values[1].data = Some(stored.real());
        before.stored.insert(ValueId(1), stored);
        let (mut after, reference) = (before.clone(), Reference::default());
        run(&mut after, &reference);
        assert_eq!(verify(&after), Ok(()));
        let inputs = [Tensor::from_elements([2], &[1i32, 0])];
        let [expected, got] = [&before, &after].map(|graph| eval_graph(graph, &inputs, &reference).unwrap());
        assert_eq!(expected, got);
        let bytes = |v: &crate::ir::Value| v.data.as_ref().filter(|t| t.len() > 4).map(|t| t.data().len());
        let constants: Vec<String> = after.values.iter().filter_map(bytes).map(|n| n.to_string()).collect();
        constants.join(" ")
    }

    #[test]
    fn bits_are_picked_with_their_scales() {
        assert_eq!(after([-8, 7], [1, 16], |_| 0), "240 120", "two codes in a byte, 30 scales");
        assert_eq!(after([0, 3], [1, 48], |_| 2), "120 40", "four codes in a byte, 10 scales");
        assert_eq!(after([-100, 100], [1, 24], |i| i as i64 - 3), "480 80 20", "bytes with zero points");
        assert_eq!(after([-8, 7], [10, 48], |_| 1), "240", "one scale");
        assert_eq!(after([-8, 7], [1, 3], |_| 1), "480 640", "blocks that are no whole bytes");
        assert_eq!(after([-8, 7], [2, 16], |_| 1), "1920", "rows share scales: as it was");
    }
}
