//! What evaluating operators at compile time may cost: bytes of the results, and work.
//!
//! A small file can ask for any amount of either, so both are bounded together for a whole model, before anything is
//! computed. Bounds grow with the bytes that the model's file holds: what is linear in those is honest.

use super::{Graph, Node, Op, Type, Work};

/// Bytes of one result that is larger than its operands.
const MAX_RESULT_BYTES: usize = 64 << 20;
/// Work of moving or computing one element, in multiply-adds: the naive evaluation spends most of it on indices.
pub(super) const ELEMENT_WORK: u64 = 8;

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
        let made = if op.properties().work == Work::Nothing { 0 } else { made };
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
    let per_element = match op.properties().work {
        Work::Nothing => return 0,
        Work::Graphs => return of_graphs(op, graph_work),
        Work::Steps(steps) => steps,
        Work::Channel | Work::Spread => operands[1].shape[1..].iter().product::<usize>() as u64,
        Work::Row => operands[0].shape.last().copied().unwrap_or(1) as u64,
        Work::Operand(n) => operands[n].elements() as u64,
        Work::Cell => {
            let weights = (operands[1].elements() as u64).saturating_add(operands[2].elements() as u64);
            // Of both dimensions of the state's weights the state is the shorter one.
            weights / (operands[2].shape[0].min(operands[2].shape[1]).max(1) as u64)
        }
    };
    made.saturating_mul(per_element).saturating_add(made.max(given).saturating_mul(ELEMENT_WORK))
}

/// The work of the graphs within an operator: that of the dearer branch, or of the body as often as it may run.
fn of_graphs(op: &Op, work: impl Fn(&Graph) -> u64) -> u64 {
    let most = op.graphs().into_iter().map(work).max().unwrap_or(0);
    let times = if let Op::Loop(repeat) = op { repeat.trips as u64 } else { 1 };
    most.saturating_mul(times)
}

/// Multiply-adds of a graph's kernels.
fn graph_multiply_adds(graph: &Graph) -> u64 {
    let of = |node: &Node| {
        let operands: Vec<Type> = node.inputs.iter().map(|&v| graph.ty(v).clone()).collect();
        multiply_adds(&node.op, &operands, graph.ty(node.outputs[0]))
    };
    graph.nodes.iter().map(of).fold(0, u64::saturating_add)
}

/// Multiply-adds of an operator's kernels.
pub(crate) fn multiply_adds(op: &Op, operands: &[Type], result: &Type) -> u64 {
    let out = result.elements() as u64;
    match op.properties().work {
        Work::Nothing | Work::Steps(_) | Work::Operand(_) => 0,
        Work::Graphs => of_graphs(op, graph_multiply_adds),
        Work::Channel => out * operands[1].shape[1..].iter().product::<usize>() as u64,
        Work::Spread => {
            // Every input element meets every tap of its group once.
            let taps: usize = operands[1].shape[1..3].iter().product();
            let per_group = operands[1].shape[0] * operands[1].shape[3] / operands[0].shape[3].max(1);
            operands[0].elements() as u64 * (taps * per_group) as u64
        }
        Work::Row => out * operands[0].shape.last().copied().unwrap_or(1) as u64,
        Work::Cell => {
            let steps = operands[0].shape[..2].iter().product::<usize>();
            steps as u64 * (operands[1].elements() + operands[2].elements()) as u64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::text::parse;
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

    /// Of the one node of a graph with two inputs.
    fn of(x: &str, w: &str, node: &str) -> u64 {
        let text = format!("graph \"\"\n  in %0 \"x\": {x}\n  in %1 \"w\": {w}\n  %2 = {node}\n  out \"y\" = %2\n");
        let graph = parse(&text).unwrap();
        let node = &graph.nodes[0];
        let operands: Vec<Type> = node.inputs.iter().map(|&i| graph.ty(i).clone()).collect();
        multiply_adds(&node.op, &operands, graph.ty(node.outputs[0]))
    }

    #[test]
    fn every_product_counts_once() {
        // 4 x 4 pixels of 4 channels, each of 3 x 3 taps of 2 inputs.
        assert_eq!(of("f32[1,6,6,2]", "f32[4,3,3,2]", "conv %0, %1 {kernel 3x3} : f32[1,4,4,4]"), 16 * 4 * 18);
        // 36 pixels of 2 inputs, each times 2 x 4 taps of the 3 outputs of its group.
        let turned = "conv_transpose %0, %1 {kernel 2x4, stride 3x1, pad 0 2 0 1, groups 2} : f32[1,17,6,6]";
        assert_eq!(of("f32[1,6,6,2]", "f32[6,2,4,1]", turned), 72 * 8 * 3);
        assert_eq!(of("f32[2,3]", "f32[3,5]", "matmul %0, %1 : f32[2,5]"), 30);
        assert_eq!(of("f32[2,3]", "f32[2,3]", "map %0, %1 {Add(x0, x1)} : f32[2,3]"), 0);
    }
}
