//! What is known of the channels of a value: which ones are one constant everywhere.
//!
//! Constants are followed through operators by the reference itself, on as few elements as give the same sums.

use crate::ir::{Budget, Evaluate, Graph, Hw, Node, Op, PoolKind, Scalar, Tensor, Type, Window, infer};

use super::product::{End, Product, is_padded, plain, zero_of};

/// Elements that one operator may be computed on to learn what constants become.
const MAX_ELEMENTS: usize = 1 << 20;
/// Bytes and multiply-adds of all of them, beside what the constants there are account for.
const MAX_BYTES: usize = 64 << 20;
const MAX_WORK: u64 = 1 << 26;

/// The constants of a value, by index of its last dimension.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// One element for each index; of no meaning where it is not known.
    values: Tensor,
    known: Vec<bool>,
}

impl Known {
    /// Nothing about so many channels.
    pub(super) fn nothing(ty: &Type) -> Known {
        let len = ty.shape.last().copied().unwrap_or(0);
        let values = Tensor::from_scalars(Type::new(ty.dtype, [len]), (0..len).map(|_| Scalar::zero(ty.dtype)));
        Known { values, known: vec![false; len] }
    }

    /// Number of indices.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// The constant at an index.
    pub(super) fn get(&self, index: usize) -> Option<f64> {
        self.known[index].then(|| self.values.get(index).to_f64())
    }

    /// Those of the constants that a test lets through.
    pub(super) fn filter(mut self, test: impl Fn(usize, Scalar) -> bool) -> Known {
        for (i, known) in self.known.iter_mut().enumerate() {
            *known = *known && test(i, self.values.get(i));
        }
        self
    }

    /// The same of a value whose last dimension holds other multiples of `channels`.
    pub(super) fn reshaped(&self, channels: usize, len: usize) -> Option<Known> {
        if len == self.len() {
            return Some(self.clone());
        }
        let is_same = |i: usize| self.known[i] && self.values.get(i).bits() == self.values.get(i % channels).bits();
        let mut known = vec![true; channels];
        (0..self.len()).for_each(|i| known[i % channels] &= is_same(i));
        let values = (0..len).map(|i| self.values.get(i % channels));
        let values = Tensor::from_scalars(Type::new(self.values.dtype(), [len]), values);
        Some(Known { values, known: (0..len).map(|i| known[i % channels]).collect() })
    }

    /// A map of some pixels, all of them the constants.
    fn pixels(&self, shape: &[usize]) -> Option<Tensor> {
        let pixels = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d))?;
        pixels.checked_mul(self.len()).filter(|&n| n <= MAX_ELEMENTS)?;
        let shape = [shape, &[self.len()]].concat();
        let ty = Type::new(self.values.dtype(), shape);
        Tensor::from_bytes(ty, self.values.data().repeat(pixels).into())
    }
}

/// The reference, and how much of it may still be asked.
pub(super) struct Learner<'a> {
    evaluate: &'a dyn Evaluate,
    budget: Budget,
}

impl<'a> Learner<'a> {
    pub(super) fn new(graph: &Graph, evaluate: &'a dyn Evaluate) -> Learner<'a> {
        let mut budget = Budget::new(MAX_BYTES, MAX_WORK);
        let constants = graph.values.iter().filter_map(|v| v.data.as_ref());
        budget.grow(constants.fold(0, |n, t| n.saturating_add(t.data().len())));
        Learner { evaluate, budget }
    }

    /// What an operator makes of constants, as one element for each of `known`.
    fn computed(&mut self, op: &Op, operands: &[&Tensor], known: Vec<bool>) -> Option<Known> {
        let types: Vec<&Type> = operands.iter().map(|t| t.ty()).collect();
        let results = infer(op, &types).ok()?;
        self.budget.spend(op, &types, &results).ok()?;
        let values = self.evaluate.computed(op, operands)?;
        let values = values.reshaped([known.len()])?;
        Some(Known { values, known })
    }

    /// The channels that a product makes of zeros: each is its bias, and what follows, where it has no other weights.
    pub(super) fn made(&mut self, product: &Product<'_>) -> Option<Known> {
        let zero = product.along(product.output_axis).zero;
        let len = zero.len();
        let bias = product.bias.cloned();
        match (product.end, product.multiplier) {
            (End::Float(epilogue), _) => {
                let (x, w) =
                    (Tensor::from_elements([1, 1], &[0f32]), Tensor::from_elements([1, len], &vec![0f32; len]));
                let op = Op::MatMul { epilogue: *epilogue };
                let operands: Vec<&Tensor> = [&x, &w].into_iter().chain(&bias).collect();
                self.computed(&op, &operands, zero)
            }
            (End::Bytes(quant), Some(multiplier)) => {
                let (sums, factors) = (bias?.to_vec::<i32>()?, multiplier.to_vec::<f32>()?);
                let byte =
                    |(&sum, &m): (&i32, &f32)| Scalar::from_i64(quant.finish(sum, m, None).into(), quant.dtype());
                let values = sums.iter().zip(&factors).map(byte);
                Some(Known { values: Tensor::from_scalars(Type::new(quant.dtype(), [len]), values), known: zero })
            }
            (End::Bytes(_), None) => None,
        }
    }

    /// What a depthwise convolution makes of constants.
    pub(super) fn depthwise(&mut self, product: &Product<'_>, node: &Node, x: &Known) -> Option<Known> {
        let weights = product.along(product.output_axis);
        let even = |j: usize, c: f64| weights.finite[j] && (!product.is_padded || c == product.zero());
        let known = (0..x.len()).map(|j| weights.zero[j] || x.get(j).is_some_and(|c| even(j, c))).collect();
        let mut op = node.op.clone();
        let window =
            if let Op::Conv { window, .. } | Op::QConv { window, .. } = &mut op { window } else { return None };
        *window = one_window(window.kernel);
        let map = x.pixels(&[1, window.kernel[0], window.kernel[1]])?;
        let operands: Vec<&Tensor> =
            [&map, product.weights].into_iter().chain(product.bias).chain(product.multiplier).collect();
        self.computed(&op, &operands, known)
    }

    /// What a pool makes of constants.
    pub(super) fn pooled(&mut self, op: &Op, x: &Known) -> Option<Known> {
        let mut op = op.clone();
        let zero = zero_of(&op);
        let is_max = matches!(op, Op::Pool { kind: PoolKind::Max, .. });
        let window =
            if let Op::Pool { window, .. } | Op::QPool { window, .. } = &mut op { window } else { return None };
        let (padded, meets) = (is_padded(window), meets_the_map(window));
        if padded && !meets {
            return None;
        }
        if is_max {
            return Some(x.clone());
        }
        // Windows at the border divide by other counts, or count zeros: only a zero stays what it is.
        let known = (0..x.len()).map(|j| x.get(j).is_some_and(|c| !padded || c == zero)).collect();
        *window = one_window(window.kernel);
        let map = x.pixels(&[1, window.kernel[0], window.kernel[1]])?;
        self.computed(&op, &[&map], known)
    }

    /// What a reduction over other dimensions than the last makes of constants.
    pub(super) fn reduced(&mut self, op: &Op, shape: &[usize], x: &Known) -> Option<Known> {
        let mut op = op.clone();
        let axes = if let Op::Reduce { axes, .. } | Op::QReduce { axes, .. } = &mut op { axes } else { return None };
        let count = axes.iter().try_fold(1usize, |n, &a| n.checked_mul(*shape.get(a)?))?;
        *axes = vec![0];
        let rows = x.pixels(&[count])?;
        self.computed(&op, &[&rows], x.known.clone())
    }

    /// What a Map makes of constants: `operands` are those of the channels, in their places.
    pub(super) fn mapped(&mut self, graph: &Graph, node: &Node, operands: &[Option<&Known>]) -> Option<Known> {
        let len = operands.iter().flatten().next()?.len();
        let mut known = vec![true; len];
        let mut rows: Vec<Tensor> = Vec::with_capacity(operands.len());
        for (operand, &v) in operands.iter().zip(&node.inputs) {
            let Some(x) = operand else {
                // A constant that differs from place to place makes no constant.
                let t = plain(graph, v)?;
                let one_each = t.len() == 1 || (t.len() == len && t.shape().last() == Some(&len));
                rows.push(one_each.then(|| t.reshaped([t.len()]))??);
                continue;
            };
            known.iter_mut().zip(&x.known).for_each(|(known, x)| *known &= x);
            rows.push(x.values.clone());
        }
        self.computed(&node.op, &rows.iter().collect::<Vec<_>>(), known)
    }
}

/// A window that lies on a map of its own size.
fn one_window(kernel: Hw) -> Window {
    Window { kernel, stride: [1, 1], dilation: [1, 1], pad_begin: [0, 0], pad_end: [0, 0] }
}

/// Whether every window has a tap on the map, however small that is.
fn meets_the_map(window: &Window) -> bool {
    (0..2).all(|axis| {
        let pad = window.pad_begin[axis].max(window.pad_end[axis]);
        pad == 0 || (window.dilation[axis] == 1 && pad < window.kernel[axis])
    })
}
