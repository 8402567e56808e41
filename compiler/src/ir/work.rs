//! What evaluating operators at compile time may cost: bytes of the results, and work.
//!
//! A small file can ask for any amount of either, so both are bounded together for a whole model, before anything is
//! computed. Bounds grow with the bytes that the model's file holds: what is linear in those is honest.

use super::{Graph, Node, Op, Type};

/// Bytes of one result that is larger than its operands.
const MAX_RESULT_BYTES: usize = 64 << 20;
/// Work of moving or computing one element, in multiply-adds: the naive evaluation spends most of it on indices.
const ELEMENT_WORK: u64 = 8;

/// What may still be evaluated.
#[derive(Clone, Debug)]
pub struct Budget {
    bytes: usize,
    work: u64,
    exhausted: bool,
}

impl Budget {
    /// A budget of so many bytes of results, and of so much work, in multiply-adds.
    pub fn new(bytes: usize, work: u64) -> Budget {
        Budget { bytes, work, exhausted: false }
    }

    /// Adds to the budget what stored data of so many bytes honestly need: two further copies, made elementwise.
    pub fn grow(&mut self, stored: usize) {
        self.bytes = self.bytes.saturating_add(stored.saturating_mul(2));
        self.work = self.work.saturating_add((stored as u64).saturating_mul(2 * ELEMENT_WORK));
    }

    /// Takes what an operator costs, or says why it is too much.
    pub fn spend(&mut self, op: &Op, operands: &[&Type], results: &[Type]) -> Result<(), String> {
        let total = |types: &mut dyn Iterator<Item = usize>| types.fold(0usize, usize::saturating_add);
        let given = total(&mut operands.iter().map(|t| t.bytes()));
        let made = total(&mut results.iter().map(Type::bytes));
        let result = &results[0];
        if made > given.max(MAX_RESULT_BYTES) {
            return Err(format!("the constant {result} is too large to be computed here"));
        }
        if !self.spend_work(work(op, operands, results)) {
            return Err(format!("the constant {result} takes too long to compute here"));
        }
        // A reshape shares its operand's data.
        let made = if matches!(op, Op::Movement(super::Movement::Reshape { .. })) { 0 } else { made };
        if !self.spend_bytes(made) {
            return Err(format!("with the constant {result} there are too many to be computed here"));
        }
        Ok(())
    }

    /// Takes work, in multiply-adds; whether there was as much.
    #[must_use]
    pub fn spend_work(&mut self, work: u64) -> bool {
        let left = self.work.checked_sub(work);
        self.work = left.unwrap_or(self.work);
        left.is_some()
    }

    /// Takes bytes of a result; whether there were as many.
    #[must_use]
    pub fn spend_bytes(&mut self, bytes: usize) -> bool {
        let left = self.bytes.checked_sub(bytes);
        self.bytes = left.unwrap_or(self.bytes);
        left.is_some()
    }

    /// Counts bytes that are there already.
    pub fn count_bytes(&mut self, bytes: usize) {
        self.exhausted |= !self.spend_bytes(bytes);
    }

    /// Whether more bytes were counted than there may be.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }
}

/// What one run of a graph costs, in multiply-adds: for each element that is read or made some more. Saturating.
pub fn graph_work(graph: &Graph) -> u64 {
    let of = |node: &Node| {
        let operands: Vec<&Type> = node.inputs.iter().map(|&v| graph.ty(v)).collect();
        let results: Vec<Type> = node.outputs.iter().map(|&v| graph.ty(v).clone()).collect();
        work(&node.op, &operands, &results)
    };
    graph.nodes.iter().map(of).fold(0, u64::saturating_add)
}

/// What an operator costs the naive evaluation, in multiply-adds, saturating.
fn work(op: &Op, operands: &[&Type], results: &[Type]) -> u64 {
    let elements = |types: &mut dyn Iterator<Item = usize>| types.fold(0u64, |n, e| n.saturating_add(e as u64));
    let given = elements(&mut operands.iter().map(|t| t.elements()));
    let made = elements(&mut results.iter().map(Type::elements));
    let per_element = match op {
        Op::Conv { .. } | Op::ConvTranspose { .. } | Op::QConv { .. } => {
            operands[1].shape[1..].iter().product::<usize>() as u64
        }
        Op::MatMul { .. } | Op::DynamicMatMul { .. } => operands[0].shape.last().copied().unwrap_or(1) as u64,
        Op::Quantized { op, .. } => return work(op, operands, results),
        Op::Pool { window, .. } => window.kernel[0].saturating_mul(window.kernel[1]) as u64,
        Op::Map { expr } => (expr.ops().len() as u64).saturating_mul(ELEMENT_WORK),
        Op::Movement(super::Movement::Reshape { .. }) => return 0,
        // What looks through all elements for each result.
        Op::TopK { k, .. } => (*k as u64).saturating_add(ELEMENT_WORK),
        Op::Reduce { .. }
        | Op::Arg { .. }
        | Op::Movement(_)
        | Op::Concat { .. }
        | Op::Gather { .. }
        | Op::GatherElements { .. }
        | Op::GatherNd { .. }
        | Op::ScatterElements { .. }
        | Op::ScatterNd { .. }
        | Op::Softmax { .. }
        | Op::Norm { .. }
        | Op::Cumulative { .. } => ELEMENT_WORK,
    };
    made.saturating_mul(per_element).saturating_add(made.max(given).saturating_mul(ELEMENT_WORK))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{DType, Epilogue, Movement};

    fn f32s(shape: &[usize]) -> Type {
        Type::new(DType::F32, shape)
    }

    #[test]
    fn results_are_bounded_one_by_one_and_together() {
        let expand = |n: usize| Op::Movement(Movement::Expand { shape: vec![n] });
        let mut budget = Budget::new(3 << 20, u64::MAX);
        let mut spend = |n: usize, from: usize| budget.spend(&expand(n), &[&f32s(&[from])], &[f32s(&[n])]);
        assert!(spend(17 << 20, 1).is_err(), "68 MiB out of 4 bytes");
        assert!(spend(1 << 19, 1).is_ok(), "2 MiB");
        assert!(spend(1 << 19, 1).is_err(), "2 MiB more than there are left");
        assert!(spend(1 << 18, 1).is_ok(), "the rest");
    }

    #[test]
    fn products_are_work() {
        let product = Op::MatMul { epilogue: Epilogue::default() };
        let (a, b, y) = (f32s(&[64, 1024]), f32s(&[1024, 64]), f32s(&[64, 64]));
        let mut budget = Budget::new(1 << 20, 5 << 20);
        assert!(budget.spend(&product, &[&a, &b], std::slice::from_ref(&y)).is_ok(), "2^22 multiply-adds");
        assert!(budget.spend(&product, &[&a, &b], std::slice::from_ref(&y)).is_err());
        budget.grow(1 << 20);
        assert!(budget.spend(&product, &[&a, &b], &[y]).is_ok(), "a larger file may ask for more");
    }
}
