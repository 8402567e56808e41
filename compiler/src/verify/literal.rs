//! The graph as the model writes it, before any pass, evaluated word by word: a quantized model computes in floats between
//! its conversions there. And the places where it rounds numbers to small integers.

use crate::ir::{
    DType, Evaluate, Expr, ExprOp, Graph, Node, Numerics, Op, Reference, Scalar, Tensor, UnaryOp, ValueId,
};

/// How far from the middle between two quanta of 8 bits a number may lie that is called a rounding tie, in quanta: what rounding of
/// f32, which has 24 bits, does to a sum on the way to which there are some thousands of quanta.
pub const TIE: f64 = 1.0 / 4096.0;

/// The same of quanta of a type: the same number has 256 times as many of 16 bits.
const fn tie(dtype: DType) -> f64 {
    if dtype.size() > 1 { 256.0 * TIE } else { TIE }
}

/// A Map that rounds a number to an integer of 8 or 16 bits, in two halves.
#[derive(Clone, Debug)]
struct Rounding {
    /// The number that is rounded, in quanta.
    quotient: Expr,
    /// The result from the operands and, behind them, the rounded number.
    rest: Expr,
    /// How far from the middle ties lie at most, in quanta.
    tie: f64,
}

/// A graph before all passes.
#[derive(Clone, Debug)]
pub struct Literal {
    graph: Graph,
    roundings: Vec<Option<Rounding>>,
}

/// Every value of a graph, by its id; `None` for what nobody computes.
pub(super) type Values = Vec<Option<Tensor>>;

/// What a graph gives for some inputs.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// How products were rounded.
    pub numerics: Numerics,
    pub(super) values: Values,
}

/// A rounding tie: an element of a node's result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tie {
    pub(super) node: usize,
    pub(super) element: usize,
    /// How far the number lies from the middle, in quanta.
    pub(super) from_middle: f64,
}

/// Whether a tie is rounded the other way.
pub(super) type Flip<'f> = &'f mut dyn FnMut(Tie) -> bool;

impl Literal {
    /// Takes a graph as it was imported.
    pub fn new(graph: Graph) -> Literal {
        let roundings = graph.nodes.iter().map(|n| rounding(&graph, n)).collect();
        Literal { graph, roundings }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Whether anything is rounded to small integers.
    pub fn is_quantized(&self) -> bool {
        self.roundings.iter().any(Option::is_some)
    }

    /// Whether a node rounds numbers to small integers.
    pub fn rounds(&self, node: usize) -> bool {
        self.roundings[node].is_some()
    }

    /// Every value.
    ///
    /// # Errors
    /// What the reference says of the node at which it fails.
    pub fn evaluate(&self, inputs: &[Tensor], numerics: Numerics) -> Result<Evaluated, String> {
        let values = super::per_node::values(&self.graph, inputs, numerics);
        let values = values.map_err(|(node, why)| self.failed(node, &why))?;
        Ok(Evaluated { numerics, values })
    }

    /// The outputs among all values.
    pub fn outputs(&self, evaluated: &Evaluated) -> Vec<Tensor> {
        self.outputs_of(&evaluated.values)
    }

    fn outputs_of(&self, values: &Values) -> Vec<Tensor> {
        let get = |v: ValueId| values[v.index()].clone().expect("outputs are computed");
        self.graph.outputs.iter().map(|o| get(o.value)).collect()
    }

    /// The outputs where some ties fall the other way.
    pub(super) fn outputs_flipped(
        &self,
        inputs: &[Tensor],
        numerics: Numerics,
        flip: Flip<'_>,
    ) -> Result<Vec<Tensor>, String> {
        let mut values = super::per_node::given(&self.graph, inputs);
        for n in 0..self.graph.nodes.len() {
            let results = self.node(n, &|v| values[v.index()].as_ref(), numerics, Some(&mut *flip))?;
            for (&id, result) in self.graph.nodes[n].outputs.iter().zip(results) {
                values[id.index()] = Some(result);
            }
        }
        Ok(self.outputs_of(&values))
    }

    /// The results of a node, with some of its ties rounded the other way.
    pub(super) fn node<'v>(
        &self,
        n: usize,
        value: &dyn Fn(ValueId) -> Option<&'v Tensor>,
        numerics: Numerics,
        flip: Option<Flip<'_>>,
    ) -> Result<Vec<Tensor>, String> {
        let node = &self.graph.nodes[n];
        let operands: Option<Vec<&Tensor>> = node.inputs.iter().map(|&v| value(v)).collect();
        let operands = operands.ok_or_else(|| self.failed(n, "an operand has no value"))?;
        let reference = Reference { numerics };
        let flipped = match (&self.roundings[n], flip) {
            (Some(rounding), Some(flip)) => flipped(rounding, &operands, reference, (n, flip)),
            _ => None,
        };
        match flipped {
            Some(result) => Ok(vec![result]),
            None => reference.evaluate(&node.op, &operands).map_err(|e| self.failed(n, &e.to_string())),
        }
    }

    fn failed(&self, node: usize, why: &str) -> String {
        match self.graph.nodes.get(node).and_then(|n| n.origin.last()) {
            Some(o) => format!("node {} {:?} ({}): {why}", o.index, o.name, o.op_type),
            None => why.to_string(),
        }
    }
}

/// The halves of a Map that rounds once, to an integer of 8 or 16 bits.
fn rounding(graph: &Graph, node: &Node) -> Option<Rounding> {
    let (Op::Map { expr }, &[out]) = (&node.op, node.outputs.as_slice()) else { return None };
    if !matches!(graph.ty(out).dtype, DType::I8 | DType::U8 | DType::I16 | DType::U16) {
        return None;
    }
    let mut rounds = expr.ops().iter().enumerate().filter(|(_, op)| matches!(op, ExprOp::Unary(UnaryOp::Round, _)));
    let (at, &ExprOp::Unary(_, quotient)) = rounds.next()? else { return None };
    if rounds.next().is_some() {
        return None;
    }
    let types: Vec<DType> = node.inputs.iter().map(|&i| graph.ty(i).dtype).collect();
    if expr.types(&types).ok()?[quotient] != DType::F32 {
        return None;
    }
    let mut cut = Expr::new();
    let mut rest = Expr::new();
    let (mut in_cut, mut in_rest) = (Vec::new(), Vec::new());
    for (ix, op) in expr.ops().iter().enumerate() {
        in_cut.push(cut.push(op.map_operands(|o| in_cut[o])));
        let op = if ix == at { ExprOp::Input(node.inputs.len()) } else { op.map_operands(|o| in_rest[o]) };
        in_rest.push(rest.push(op));
    }
    Some(Rounding {
        quotient: cut.finish(in_cut[quotient]),
        rest: rest.finish(in_rest[expr.result()]),
        tie: tie(graph.ty(out).dtype),
    })
}

/// The other whole number next to a tie, and how far the number lies from the middle: `tie` at most.
fn other_way(v: f64, tie: f64) -> Option<(f64, f64)> {
    let below = v.floor();
    let from_middle = ((v - below) - 0.5).abs();
    let other = if v.round_ties_even() == below { below + 1.0 } else { below };
    (v.is_finite() && from_middle <= tie).then_some((other, from_middle))
}

/// The result of a rounding with the chosen ties rounded the other way.
fn flipped(
    rounding: &Rounding,
    operands: &[&Tensor],
    reference: Reference,
    (node, flip): (usize, Flip<'_>),
) -> Option<Tensor> {
    let evaluate = |expr: &Expr, operands: &[&Tensor]| reference.computed(&Op::Map { expr: expr.clone() }, operands);
    let quotient = evaluate(&rounding.quotient, operands)?;
    let rounded = quotient.scalars().enumerate().map(|(element, v)| {
        let v = v.to_f64();
        let chosen = other_way(v, rounding.tie).filter(|&(_, from_middle)| flip(Tie { node, element, from_middle }));
        Scalar::from_f64(chosen.map_or_else(|| v.round_ties_even(), |(other, _)| other), DType::F32)
    });
    let rounded = Tensor::from_scalars(quotient.ty().clone(), rounded.collect::<Vec<_>>());
    let operands: Vec<&Tensor> = operands.iter().copied().chain([&rounded]).collect();
    evaluate(&rounding.rest, &operands)
}

#[cfg(test)]
mod tests {
    use super::{TIE, other_way};

    #[test]
    fn only_what_lies_in_the_middle_is_a_tie() {
        let other = |v| other_way(v, TIE).map(|(other, _)| other);
        assert_eq!(other(2.5), Some(3.0), "2.5 rounds to 2");
        assert_eq!(other(3.5), Some(3.0), "3.5 rounds to 4");
        assert_eq!(other(-0.5), Some(-1.0));
        assert_eq!(other_way(7.5 + 1.0 / 8192.0, TIE), Some((7.0, 1.0 / 8192.0)));
        assert_eq!(other(7.5 + 1.0 / 2048.0), None);
        assert_eq!(other(7.0), None);
        assert_eq!(other(f64::NAN), None);
        assert_eq!(other(f64::INFINITY), None);
    }
}
