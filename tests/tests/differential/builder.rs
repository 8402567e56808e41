//! Grows a graph of random, well-typed nodes.
//!
//! Two kinds of graphs are made. In *wild* ones everything may follow everything, infinities and NaN included. In *tame* ones
//! values stay near one, and what jumps (comparisons, rounding, conversions) never follows a sum that passes may round in
//! another way; so the graph before all passes can be compared with the one after them.

use zantc::ir::{DType, Graph, Node, Op, Origin, Output, Scalar, Stored, Tensor, Type, ValueId, infer};

use crate::random::Random;

/// Elements of the largest value.
const MAX_ELEMENTS: usize = 6000;

/// A value that nodes may read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) id: ValueId,
    /// Passes may change how it is rounded.
    pub(crate) rough: bool,
    /// It may be large, infinite or no number.
    pub(crate) wild: bool,
}

/// A graph with inputs for it.
pub(crate) struct Sample {
    pub(crate) graph: Graph,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) tame: bool,
}

/// A graph in the making.
pub(crate) struct Builder {
    pub(crate) random: Random,
    pub(crate) tame: bool,
    graph: Graph,
    inputs: Vec<Tensor>,
    known: Vec<Known>,
}

impl Builder {
    /// A graph of a few nodes; what it is depends on the seed alone.
    pub(crate) fn sample(seed: u64) -> Sample {
        let random = Random::new(seed);
        let graph = Graph { name: format!("seed {seed}"), ..Graph::default() };
        let mut b = Builder { random, tame: seed.is_multiple_of(2), graph, inputs: vec![], known: vec![] };
        b.input_map();
        let nodes = b.random.within(1, 16);
        while b.graph.nodes.len() < nodes {
            b.random_operator();
        }
        b.finish()
    }

    pub(crate) fn ty(&self, known: Known) -> Type {
        self.graph.ty(known.id).clone()
    }

    /// A value that something holds of; later ones are likelier, as in real models.
    pub(crate) fn find(&mut self, fits: impl Fn(Known, &Type) -> bool) -> Option<Known> {
        let fitting: Vec<Known> = self.known.iter().copied().filter(|k| fits(*k, self.graph.ty(k.id))).collect();
        let last = fitting.len().checked_sub(1)?;
        let back = if self.random.one_in(2) { last.min(2) } else { last };
        Some(fitting[last - self.random.below(back + 1)])
    }

    /// A value for sums: not wild in a tame graph.
    pub(crate) fn find_f32(&mut self, fits: impl Fn(&Type) -> bool) -> Option<Known> {
        let tame = self.tame;
        self.find(|k, t| t.dtype == DType::F32 && fits(t) && !(tame && k.wild))
    }

    fn shape(&mut self) -> Vec<usize> {
        let rank = self.random.below(5);
        (0..rank).map(|_| if self.random.one_in(6) { 1 } else { self.random.within(1, 7) }).collect()
    }

    /// A new input of the model that looks like an image.
    pub(crate) fn input_map(&mut self) -> Known {
        let shape = [1, 1, 2].map(|n| self.random.within(n.min(1), n));
        let (h, w, c) = (self.random.within(1, 9), self.random.within(1, 9), self.random.within(1, 9));
        self.input(Type::new(DType::F32, [shape[2], h, w, c]))
    }

    /// A new input of the model.
    pub(crate) fn input(&mut self, ty: Type) -> Known {
        let data = self.tensor(&ty);
        let id = self.graph.add_value(format!("input {}", self.inputs.len()), ty);
        self.graph.inputs.push(id);
        self.inputs.push(data);
        self.learn(id, false, false)
    }

    /// A new input or constant of random type.
    pub(crate) fn source(&mut self) -> Known {
        use DType as D;
        let dtype = self.random.pick(&[D::F32, D::F32, D::F32, D::I32, D::I64, D::U8, D::I8, D::Bool, D::F64]);
        let ty = Type::new(dtype, self.shape());
        if self.random.one_in(2) {
            return self.input(ty);
        }
        let id = self.constant(&ty);
        self.learn(id, false, false)
    }

    fn learn(&mut self, id: ValueId, rough: bool, wild: bool) -> Known {
        let known = Known { id, rough, wild };
        self.known.push(known);
        known
    }

    /// A constant of random elements.
    pub(crate) fn constant(&mut self, ty: &Type) -> ValueId {
        let data = self.tensor(ty);
        self.constant_of(data)
    }

    pub(crate) fn constant_of(&mut self, data: Tensor) -> ValueId {
        self.graph.add_constant(format!("constant {}", self.graph.values.len()), data)
    }

    /// A constant that was made from few bits.
    pub(crate) fn stored(&mut self, stored: Stored) -> ValueId {
        let w = self.constant_of(stored.real());
        self.graph.stored.insert(w, stored);
        w
    }

    /// Random elements; in wild graphs now and then such that are special.
    pub(crate) fn tensor(&mut self, ty: &Type) -> Tensor {
        let special = [0.0, -0.0, 1.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-41, -3e38, 0.5, 2.5];
        let wild = !self.tame && self.random.one_in(3);
        let elements: Vec<Scalar> = (0..ty.elements())
            .map(|_| match ty.dtype {
                DType::F32 | DType::F64 if wild && self.random.one_in(8) => {
                    Scalar::from_f64(self.random.pick(&special), ty.dtype)
                }
                DType::F32 | DType::F64 => Scalar::from_f64(self.random.unit(), ty.dtype),
                DType::Bool => Scalar::Bool(self.random.one_in(2)),
                _ if wild => Scalar::from_i64(self.random.bits() as i64, ty.dtype),
                _ => Scalar::from_i64(self.random.below(19) as i64 - 6, ty.dtype),
            })
            .collect();
        Tensor::from_scalars(ty.clone(), elements)
    }

    /// Adds a node; `None` where it does not fit its operands or its results are too large.
    pub(crate) fn node(&mut self, op: Op, operands: &[Known], constants: &[ValueId]) -> Option<Known> {
        let ids: Vec<ValueId> = operands.iter().map(|k| k.id).chain(constants.iter().copied()).collect();
        let types: Vec<&Type> = ids.iter().map(|&id| self.graph.ty(id)).collect();
        let results = infer(&op, &types).ok().filter(|r| r.iter().all(|t| t.elements() <= MAX_ELEMENTS))?;
        let products = matches!(op, Op::Conv { .. } | Op::ConvTranspose { .. } | Op::MatMul { .. });
        let sums = products || matches!(op, Op::TernaryMatMul { .. } | Op::Norm { .. });
        let sums = sums && results[0].dtype.is_float();
        let rough = sums || operands.iter().any(|k| k.rough);
        let wild = operands.iter().any(|k| k.wild);
        let index = self.graph.nodes.len();
        let outputs: Vec<ValueId> =
            results.iter().map(|t| self.graph.add_value(format!("{} {index}", op.name()), t.clone())).collect();
        let origin = vec![Origin { index, name: format!("node {index}"), op_type: op.name().to_string() }];
        self.graph.nodes.push(Node { op, inputs: ids, outputs: outputs.clone(), origin });
        let all: Vec<Known> = outputs.into_iter().map(|id| self.learn(id, rough, wild)).collect();
        all.first().copied()
    }

    /// Says that the last value may be anything.
    pub(crate) fn mark_wild(&mut self) {
        if let Some(last) = self.known.last_mut() {
            last.wild = true;
        }
    }

    fn finish(mut self) -> Sample {
        let last = *self.known.last().expect("there are values");
        let mut outputs = vec![last];
        for _ in 0..self.random.below(4) {
            outputs.extend(self.find(|_, _| true));
        }
        if self.random.one_in(8) {
            outputs.push(self.known[0]);
        }
        for (n, k) in outputs.iter().enumerate() {
            self.graph.outputs.push(Output { name: format!("output {n}"), value: k.id });
        }
        Sample { graph: self.graph, inputs: self.inputs, tame: self.tame }
    }
}
