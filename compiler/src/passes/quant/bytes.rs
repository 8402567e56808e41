//! Functions from quantized numbers to numbers of the same type: those that change nothing vanish, and those that only bound a
//! product's result become its bounds.

use crate::ir::{DType, Evaluate, Expr, Graph, Node, Op, Scalar, Target, Tensor, Type};
use crate::passes::rewrite::{Rewriter, merge_origins, rewrite};

use super::pattern::{self, is_byte, is_level};

pub(in crate::passes) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| {
        if !simplify(rw, &node) {
            rw.keep(node);
        }
    })
}

/// A function of quantized numbers: its results for all of them, or the bounds that it is.
enum Function {
    Table { least: i32, results: Vec<i64> },
    Bounds { lo: i32, hi: i32 },
}

impl Function {
    /// That of a Map of one operand. Of bytes every result is computed; numbers of 16 bits are too many for that, so what is known
    /// there is a conversion to real numbers and back, perhaps with bounds between.
    fn of(rw: &Rewriter<'_>, node: &Node, expr: &Expr, dtype: DType) -> Option<Function> {
        if !is_byte(dtype) {
            let (lo, hi) = pattern::bounds(expr, dtype)?;
            return Some(Function::Bounds { lo, hi });
        }
        let whole = Target::new(dtype, 0);
        let bytes = (whole.lo..=whole.hi).map(|q| Scalar::from_i64(i64::from(q), dtype));
        let all = Tensor::from_scalars(Type::new(dtype, [256]), bytes);
        let results = rw.computed(&node.op, &[&all])?.to_i64s()?;
        Some(Function::Table { least: whole.lo, results })
    }

    /// The result for a number.
    fn result(&self, q: i32) -> i32 {
        match self {
            Function::Table { least, results } => results[(q - least) as usize] as i32,
            Function::Bounds { lo, hi } => q.clamp(*lo, *hi),
        }
    }

    /// Whether the results from one number to another are those numbers between bounds.
    fn is_clamp(&self, lo: i32, hi: i32, (first, last): (i32, i32)) -> bool {
        lo <= hi && (first..=last).all(|q| self.result(q) == q.clamp(lo, hi))
    }
}

fn simplify(rw: &mut Rewriter<'_>, node: &Node) -> bool {
    let (Op::Map { expr }, &[x]) = (&node.op, node.inputs.as_slice()) else { return false };
    let out = node.outputs[0];
    let dtype = rw.ty(x).dtype;
    if !is_level(dtype) || rw.ty(x) != rw.ty(out) {
        return false;
    }
    let Some(function) = Function::of(rw, node, expr, dtype) else { return false };
    let whole = Target::new(dtype, 0);
    if function.is_clamp(whole.lo, whole.hi, (whole.lo, whole.hi)) && !rw.is_output(out) {
        rw.alias(out, x);
        return true;
    }
    let Some(product) = rw.producer(x).filter(|_| rw.uses(x) == 1).cloned() else { return false };
    let mut op = product.op;
    let target = if let Op::QConv { quant, .. } = &mut op {
        match &mut quant.residual {
            Some(r) => &mut r.target,
            None => &mut quant.target,
        }
    } else if let Op::WideConv { wide, .. } = &mut op {
        &mut wide.target
    } else {
        return false;
    };
    let [lo, hi] = [target.lo, target.hi].map(|q| function.result(q));
    if !function.is_clamp(lo, hi, (target.lo, target.hi)) {
        return false;
    }
    (target.lo, target.hi) = (lo, hi);
    let origin = merge_origins(&product.origin, &node.origin);
    rw.put(Node { op, inputs: product.inputs, outputs: node.outputs.clone(), origin });
    true
}
