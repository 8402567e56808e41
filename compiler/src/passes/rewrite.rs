//! What passes share: a walk over the nodes, operands first, that builds the new list; and loops within a walk.
//!
//! A pass ends because it walks once over a list that does not grow. What repeats within the walk goes through [`descend`]
//! or [`follow`], which check the measure that ends it.

use crate::ir::{Budget, Evaluate, Graph, Movement, Node, Op, Origin, Tensor, Type, ValueId, infer};

/// Bytes of constants that one walk may make, beside what the constants there are account for.
const MAX_FOLDED_BYTES: usize = 256 << 20;
/// Multiply-adds that one walk may spend on constants, beside what the constants there are account for.
const MAX_FOLDED_WORK: u64 = 1 << 28;

/// Repeats `step` until it gives nothing more; each result must measure strictly less than what it was made from, by an order
/// in which nothing falls for ever. Gives the last result, `None` where there was not one.
///
/// What does not measure less is a mistake of the pass: a panic in debug builds, and the end of the loop in others.
pub(super) fn descend<T, M: Ord>(
    start: &T,
    measure: impl Fn(&T) -> M,
    mut step: impl FnMut(&T) -> Option<T>,
) -> Option<T> {
    let mut last: Option<T> = None;
    loop {
        let now = last.as_ref().unwrap_or(start);
        let Some(next) = step(now) else { return last };
        let falls = measure(&next) < measure(now);
        debug_assert!(falls, "a loop of a pass makes no progress");
        if !falls {
            return last;
        }
        last = Some(next);
    }
}

/// The end of the chain that begins with `start`, where `next` is at most `limit` times another value; in a graph without
/// cycles the number of its values is such a limit.
fn follow(start: ValueId, limit: usize, next: impl Fn(ValueId) -> Option<ValueId>) -> ValueId {
    let mut v = start;
    for _ in 0..=limit {
        match next(v) {
            Some(to) => v = to,
            None => return v,
        }
    }
    debug_assert!(false, "a chain of values has no end");
    v
}

/// The graph during a walk.
pub(super) struct Rewriter<'a> {
    pub(super) graph: &'a mut Graph,
    evaluate: &'a dyn Evaluate,
    /// `None` where a node was taken into its only reader.
    out: Vec<Option<Node>>,
    producers: Vec<Option<usize>>,
    aliases: Vec<Option<ValueId>>,
    uses: Vec<usize>,
    is_output: Vec<bool>,
    changed: bool,
    budget: Budget,
}

/// Walks the nodes; `visit` gets each with its operands renamed, and keeps or replaces it. Gives whether anything changed.
pub(super) fn rewrite(
    graph: &mut Graph,
    evaluate: &dyn Evaluate,
    mut visit: impl FnMut(&mut Rewriter<'_>, Node),
) -> bool {
    let nodes = std::mem::take(&mut graph.nodes);
    let mut uses = vec![0; graph.values.len()];
    nodes.iter().flat_map(|n| &n.inputs).for_each(|i| uses[i.index()] += 1);
    graph.outputs.iter().for_each(|o| uses[o.value.index()] += 1);
    let mut budget = Budget::new(MAX_FOLDED_BYTES, MAX_FOLDED_WORK);
    budget.grow(graph.values.iter().filter_map(|v| v.data.as_ref()).fold(0, |n, t| n.saturating_add(t.data().len())));
    let mut rw = Rewriter {
        producers: vec![None; graph.values.len()],
        aliases: vec![None; graph.values.len()],
        out: Vec::with_capacity(nodes.len()),
        uses,
        is_output: graph.output_values(),
        evaluate,
        graph,
        changed: false,
        budget,
    };
    for mut node in nodes {
        node.inputs.iter_mut().for_each(|i| *i = rw.resolve(*i));
        visit(&mut rw, node);
    }
    for i in 0..rw.graph.outputs.len() {
        rw.graph.outputs[i].value = rw.resolve(rw.graph.outputs[i].value);
    }
    let changed = rw.changed;
    rw.graph.nodes = rw.out.into_iter().flatten().collect();
    if changed {
        super::dead::run(graph, evaluate);
    }
    changed
}

impl Rewriter<'_> {
    /// What a value of the old graph is now.
    pub(super) fn resolve(&self, v: ValueId) -> ValueId {
        follow(v, self.aliases.len(), |v| self.aliases.get(v.index()).copied().flatten())
    }

    /// The value under a chain of reshapes.
    pub(super) fn unshaped(&self, v: ValueId) -> ValueId {
        follow(v, self.out.len(), |v| self.reshaped(v))
    }

    /// Whether a value of the old graph is one of its outputs.
    pub(super) fn is_output(&self, v: ValueId) -> bool {
        self.is_output.get(v.index()).copied().unwrap_or(false)
    }

    /// How late a value is made: greater than that of everything it is computed from.
    pub(super) fn position(&self, v: ValueId) -> usize {
        self.producers.get(v.index()).copied().flatten().map_or(0, |n| n + 1)
    }

    /// Number of readers of a value in the old graph (outputs count).
    pub(super) fn uses(&self, v: ValueId) -> usize {
        self.uses.get(v.index()).copied().unwrap_or(0)
    }

    /// The node that makes a value.
    pub(super) fn producer(&self, v: ValueId) -> Option<&Node> {
        self.producers.get(v.index()).copied().flatten().and_then(|n| self.out[n].as_ref())
    }

    /// The operand of the transpose that makes a value, and its permutation.
    pub(super) fn transposed(&self, v: ValueId) -> Option<(ValueId, Vec<usize>)> {
        let node = self.producer(v)?;
        let Op::Movement(Movement::Transpose { perm }) = &node.op else { return None };
        Some((node.inputs[0], perm.clone()))
    }

    /// The operand of the reshape that makes a value.
    pub(super) fn reshaped(&self, v: ValueId) -> Option<ValueId> {
        let node = self.producer(v)?;
        matches!(node.op, Op::Movement(Movement::Reshape { .. })).then(|| node.inputs[0])
    }

    /// The name of a value.
    pub(super) fn name(&self, v: ValueId) -> String {
        self.graph.value(v).name.clone()
    }

    pub(super) fn ty(&self, v: ValueId) -> &Type {
        self.graph.ty(v)
    }

    /// Results of an operator on constants.
    pub(super) fn computed(&self, op: &Op, operands: &[&Tensor]) -> Option<Tensor> {
        self.evaluate.computed(op, operands)
    }

    pub(super) fn data(&self, v: ValueId) -> Option<&Tensor> {
        self.graph.data(v)
    }

    /// Appends a node as it is.
    pub(super) fn keep(&mut self, node: Node) {
        for o in &node.outputs {
            if self.producers.len() <= o.index() {
                self.producers.resize(o.index() + 1, None);
            }
            self.producers[o.index()] = Some(self.out.len());
        }
        self.out.push(Some(node));
    }

    /// Appends a node that takes the place of what the walk gave.
    pub(super) fn put(&mut self, node: Node) {
        self.changed = true;
        self.keep(node);
    }

    /// Appends a node that takes the place of `old` and has taken operands of it into itself: those that only `old` read go at
    /// once. Chains of nodes that grow by one at every step would else be kept at every length.
    pub(super) fn put_instead(&mut self, node: Node, old: &Node) {
        for &v in old.inputs.iter().filter(|&v| !node.inputs.contains(v)) {
            let of = self.producers.get(v.index()).copied().flatten();
            let single = |n: &usize| self.out[*n].as_ref().is_some_and(|node| node.outputs == [v]);
            if let Some(n) = of.filter(|n| self.uses(v) == 1 && single(n)) {
                self.out[n] = None;
                self.producers[v.index()] = None;
            }
        }
        self.put(node);
    }

    /// Makes every later reader of `old` read `new`.
    pub(super) fn alias(&mut self, old: ValueId, new: ValueId) {
        self.changed = true;
        if self.aliases.len() <= old.index() {
            self.aliases.resize(old.index() + 1, None);
        }
        self.aliases[old.index()] = Some(new);
        let uses = self.uses(old);
        if self.uses.len() <= new.index() {
            self.uses.resize(new.index() + 1, 0);
        }
        self.uses[new.index()] += uses;
    }

    /// Adds an operator with one result: a constant where its operands are constants (and it is not too heavy), else a
    /// node.
    ///
    /// # Panics
    /// Where operands do not fit: passes build only what is well typed.
    pub(super) fn emit(&mut self, op: Op, inputs: &[ValueId], origin: &[Origin], name: &str) -> ValueId {
        let types: Vec<&Type> = inputs.iter().map(|&i| self.graph.ty(i)).collect();
        let ty = infer(&op, &types).unwrap_or_else(|e| panic!("{}: {e}", op.name())).remove(0);
        let constants: Option<Vec<&Tensor>> = inputs.iter().map(|&i| self.graph.data(i)).collect();
        if let Some(operands) = constants
            && self.budget.spend(&op, &types, std::slice::from_ref(&ty)).is_ok()
            && let Ok(mut results) = self.evaluate.evaluate(&op, &operands)
        {
            let v = self.graph.add_constant(name, results.remove(0));
            self.graph.carry_stored(&op, inputs, v, self.evaluate);
            return v;
        }
        let v = self.graph.add_value(name, ty);
        self.put(Node { op, inputs: inputs.to_vec(), outputs: vec![v], origin: origin.to_vec() });
        v
    }

    /// A transpose, or the value itself where nothing moves.
    pub(super) fn transpose(&mut self, x: ValueId, perm: &[usize], origin: &[Origin], name: &str) -> ValueId {
        if is_identity(perm) {
            return x;
        }
        self.emit(Op::Movement(Movement::Transpose { perm: perm.to_vec() }), &[x], origin, name)
    }

    /// A reshape, or the value itself where the shape is right.
    pub(super) fn reshape(&mut self, x: ValueId, shape: &[usize], origin: &[Origin], name: &str) -> ValueId {
        if self.ty(x).shape == shape {
            return x;
        }
        self.emit(Op::Movement(Movement::Reshape { shape: shape.to_vec() }), &[x], origin, name)
    }
}

/// Whether a permutation moves nothing.
pub(super) fn is_identity(perm: &[usize]) -> bool {
    perm.iter().enumerate().all(|(i, &p)| i == p)
}

/// The permutation that undoes another.
pub(super) fn inverse(perm: &[usize]) -> Vec<usize> {
    let mut inv = vec![0; perm.len()];
    perm.iter().enumerate().for_each(|(i, &p)| inv[p] = i);
    inv
}

/// Both origins, in the order of the model, each once.
pub(super) fn merge_origins(a: &[Origin], b: &[Origin]) -> Vec<Origin> {
    let mut all = [a, b].concat();
    all.sort();
    all.dedup();
    all
}
