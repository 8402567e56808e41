//! Random operators on the values that a graph has so far.

use zantc::ir::{
    Activation, BinaryOp, DType, Epilogue, Expr, Movement, Op, PoolKind, ReduceKind, Scalar, Stored, Tensor, Type,
    UnaryOp, ValueId, Window,
};

use crate::builder::{Builder, Known};
use crate::expression;

impl Builder {
    /// Adds one operator, often with those that exporters put behind it; it may also find nothing that fits.
    pub(crate) fn random_operator(&mut self) {
        let added = match self.random.below(24) {
            0..=3 => self.conv(),
            4 | 5 => self.matmul(),
            6 => self.pool(),
            7..=10 => expression::map(self),
            11..=14 => self.movement(),
            15 | 16 => self.concat(),
            17 => self.reduce(),
            18 => self.softmax(),
            19 => self.gather(),
            20 => self.residual(),
            21 => self.along(),
            22 => self.split(),
            _ => Some(self.source()),
        };
        if let Some(y) = added
            && self.random.one_in(3)
        {
            self.follow(y);
        }
    }

    fn window(&mut self) -> Window {
        let kernel = [self.random.within(1, 4), self.random.within(1, 4)];
        let any = |b: &mut Builder, hi: usize| [b.random.within(1, hi), b.random.within(1, hi)];
        let pad = |b: &mut Builder| kernel.map(|k| if b.random.one_in(2) { 0 } else { b.random.below(k) });
        let dilation = if self.random.one_in(4) { any(self, 3) } else { [1, 1] };
        let stride = if self.random.one_in(2) { any(self, 3) } else { [1, 1] };
        Window { kernel, stride, dilation, pad_begin: pad(self), pad_end: pad(self) }
    }

    fn image(&mut self) -> Known {
        match self.find_f32(|t| t.rank() == 4) {
            Some(x) if !self.random.one_in(5) => x,
            _ => self.input_map(),
        }
    }

    fn activation(&mut self) -> Activation {
        match self.random.below(6) {
            0 => Activation::Clamp { lo: 0.0, hi: f32::INFINITY },
            1 => Activation::Clamp { lo: -0.25, hi: 0.5 },
            2 => Activation::Leaky { alpha: 0.125 },
            _ => Activation::None,
        }
    }

    fn conv(&mut self) -> Option<Known> {
        let x = self.image();
        let c = self.ty(x).shape[3];
        let window = self.window();
        let [kh, kw] = window.kernel;
        let divisors: Vec<usize> = (1..=c).filter(|d| c.is_multiple_of(*d)).collect();
        let groups = if self.random.one_in(3) { c } else { self.random.pick(&divisors) };
        let o = groups * if self.random.one_in(2) { 1 } else { self.random.within(1, 20usize.div_ceil(groups)) };
        let depth = kh * kw * c / groups;
        let w = match self.random.one_in(4) {
            true => self.coded(&[o, kh, kw, c / groups]),
            false => self.scaled([o, kh, kw, c / groups], depth),
        };
        let bias = self.random.one_in(2).then(|| self.constant(&Type::new(DType::F32, [o])));
        let epilogue = Epilogue { bias: bias.is_some(), residual: false, activation: self.activation() };
        let constants: Vec<_> = [Some(w), bias].into_iter().flatten().collect();
        if self.random.one_in(6) {
            let [h, wd] = [self.ty(x).shape[1], self.ty(x).shape[2]];
            let len = |n: usize, a: usize| {
                let whole = (n - 1) * window.stride[a] + (window.kernel[a] - 1) * window.dilation[a] + 1;
                whole.checked_sub(window.pad_begin[a] + window.pad_end[a]).filter(|&l| l > 0)
            };
            let output = [len(h, 0)?, len(wd, 1)?];
            return self.node(Op::ConvTranspose { window, output, groups, epilogue }, &[x], &constants);
        }
        self.node(Op::Conv { window, groups, epilogue }, &[x], &constants)
    }

    /// Weights that keep sums of `depth` products near one.
    fn scaled(&mut self, shape: impl Into<Vec<usize>>, depth: usize) -> ValueId {
        let shape = shape.into();
        let count: usize = shape.iter().product();
        let scale = 1.5 / (depth.max(1) as f64).sqrt();
        let elements: Vec<f32> = (0..count).map(|_| (self.random.unit() * scale) as f32).collect();
        self.constant_of(Tensor::from_elements(shape, &elements))
    }

    /// Weights that were made from few bits, in blocks along each dimension, or from 16.
    fn coded(&mut self, shape: &[usize]) -> ValueId {
        let count: usize = shape.iter().product();
        let (least, codes) = self.random.pick(&[(-1, 3), (-2, 4), (0, 16), (-8, 16), (-128, 256)]);
        let codes: Vec<i8> = (0..count).map(|_| (least + self.random.below(codes) as i32) as i8).collect();
        let stored = if self.random.one_in(5) {
            let halves: Vec<half::f16> = codes.iter().map(|&c| half::f16::from_f32(f32::from(c) / 32.0)).collect();
            Stored::halves(Tensor::from_elements(shape, &halves))
        } else {
            let mut stored = Stored::along(Tensor::from_elements(shape, &codes), None, vec![], vec![]);
            for (block, &d) in stored.block.iter_mut().zip(shape) {
                *block = match self.random.below(3) {
                    0 => 1,
                    1 => self.random.within(1, d.max(1)),
                    _ => d.max(1),
                };
            }
            let blocks: usize = stored.grid().iter().product();
            stored.scale = (0..blocks).map(|_| self.random.within(1, 64) as f32 / 1024.0).collect();
            stored.zero = (0..blocks).map(|_| self.random.below(4) as i64).collect();
            stored
        };
        self.stored(stored)
    }

    fn matmul(&mut self) -> Option<Known> {
        if self.random.one_in(6) {
            let a = self.find(|_, t| t.dtype.is_int() && t.rank() >= 2)?;
            let (k, dtype) = (*self.ty(a).shape.last()?, self.ty(a).dtype);
            let n = self.random.within(1, 9);
            let b = self.constant(&Type::new(dtype, [k, n]));
            return self.node(Op::MatMul { epilogue: Epilogue::default() }, &[a], &[b]);
        }
        let a = self.find_f32(|t| t.rank() >= 2)?;
        let shape = self.ty(a).shape;
        let k = *shape.last()?;
        let n = self.random.within(1, 20);
        if self.random.one_in(6) {
            return self.ternary(a);
        }
        if self.random.one_in(2) {
            let b = if self.random.one_in(3) { self.coded(&[k, n]) } else { self.scaled([k, n], k) };
            let bias = self.random.one_in(2).then(|| self.constant(&Type::new(DType::F32, [n])));
            let epilogue = Epilogue { bias: bias.is_some(), residual: false, activation: self.activation() };
            let constants: Vec<_> = [Some(b), bias].into_iter().flatten().collect();
            return self.node(Op::MatMul { epilogue }, &[a], &constants);
        }
        let mut batch = shape[..shape.len() - 2].to_vec();
        for d in &mut batch {
            if self.random.one_in(3) {
                *d = 1;
            }
        }
        let drop = self.random.below(batch.len() + 1);
        let wanted: Vec<usize> = batch[drop..].iter().copied().chain([k, n]).collect();
        let there = self.find_f32(|t| t.rank() >= 2 && t.shape[t.rank() - 2] == k);
        let b = match there {
            Some(b) if self.random.one_in(2) => b,
            _ => self.input(Type::new(DType::F32, wanted)),
        };
        self.node(Op::MatMul { epilogue: Epilogue::default() }, &[a, b], &[])
    }

    /// A product with weights of three values, of bytes where there are some, now and then with so many columns that sums are in a
    /// table.
    fn ternary(&mut self, floats: Known) -> Option<Known> {
        let bytes = self.find(|_, t| t.dtype == DType::I8 && t.rank() >= 1);
        let (a, rows) = bytes.map_or((floats, false), |bytes| (bytes, self.random.one_in(2)));
        let (shape, k) = (self.ty(a).shape, *self.ty(a).shape.last()?);
        let most = if self.random.one_in(3) { 70 } else { 9 };
        let n = self.random.within(1, most);
        let signs: Vec<i8> = (0..n * k).map(|_| self.random.below(3) as i8 - 1).collect();
        let signs = self.constant_of(Tensor::from_elements([n, k], &signs));
        let scales = if self.random.one_in(2) { 1 } else { n };
        let scale = self.scaled([scales], k);
        let of_rows = [&shape[..shape.len() - 1], &[1]].concat();
        let row_scale = rows.then(|| self.constant(&Type::new(DType::F32, of_rows)));
        let bias = self.random.one_in(2).then(|| self.constant(&Type::new(DType::F32, [n])));
        let epilogue = Epilogue { bias: bias.is_some(), residual: false, activation: self.activation() };
        let constants: Vec<_> = [signs, scale].into_iter().chain(row_scale).chain(bias).collect();
        self.node(Op::TernaryMatMul { rows, epilogue }, &[a], &constants)
    }

    fn pool(&mut self) -> Option<Known> {
        let x = self.image();
        let window = self.window();
        let kind = match self.random.below(3) {
            0 => PoolKind::Average { count_include_pad: self.random.one_in(2) },
            _ => PoolKind::Max,
        };
        // A window of padding alone divides by nothing, or gives -infinity.
        if self.tame && window.dilation != [1, 1] {
            return None;
        }
        self.node(Op::Pool { kind, window }, &[x], &[])
    }

    fn movement(&mut self) -> Option<Known> {
        let x = self.find(|_, _| true)?;
        let Type { dtype, shape } = self.ty(x);
        let rank = shape.len();
        let m = match self.random.below(5) {
            0 => Movement::Reshape { shape: self.reshaped(&shape) },
            1 => Movement::Transpose { perm: self.random.shuffled(rank) },
            2 => self.slice(&shape),
            3 => {
                let lead: Vec<usize> = (0..self.random.below(2)).map(|_| self.random.within(1, 3)).collect();
                let own = shape.iter().map(|&d| if d == 1 { self.random.within(1, 4) } else { d });
                let own: Vec<usize> = own.collect();
                Movement::Expand { shape: [lead, own].concat() }
            }
            _ => {
                let border = |b: &mut Builder| (0..rank).map(|_| b.random.below(3) * b.random.below(2)).collect();
                let value = if self.random.one_in(2) { Scalar::zero(dtype) } else { Scalar::from_i64(1, dtype) };
                Movement::Pad { before: border(self), after: border(self), value }
            }
        };
        self.node(Op::Movement(m), &[x], &[])
    }

    /// The same elements: neighbouring dimensions joined, or one of them split.
    fn reshaped(&mut self, shape: &[usize]) -> Vec<usize> {
        let mut new = shape.to_vec();
        for _ in 0..self.random.within(1, 2) {
            let at = self.random.below(new.len() + 1);
            match self.random.below(3) {
                0 => new.insert(at, 1),
                1 if at + 1 < new.len() => {
                    let joined = new[at] * new[at + 1];
                    new.splice(at..at + 2, [joined]);
                }
                _ => {
                    if let Some(&d) = new.get(at)
                        && let Some(f) = (2..d).find(|f| d.is_multiple_of(*f))
                    {
                        new.splice(at..=at, [f, d / f]);
                    }
                }
            }
        }
        new
    }

    fn slice(&mut self, shape: &[usize]) -> Movement {
        let (mut start, mut step, mut len) = (vec![], vec![], vec![]);
        for &d in shape {
            let whole = self.random.one_in(2) || d == 0;
            let (s, by): (usize, isize) =
                if whole { (0, 1) } else { (self.random.below(d), self.random.pick(&[1, 1, 2, -1, -2, 3])) };
            let room = if by > 0 { d.saturating_sub(s).div_ceil(by as usize) } else { s / by.unsigned_abs() + 1 };
            start.push(s);
            step.push(by);
            len.push(if whole { d } else { self.random.within(1, room) });
        }
        Movement::Slice { start, step, len }
    }

    fn concat(&mut self) -> Option<Known> {
        let first = self.find(|_, t| t.rank() > 0)?;
        let ty = self.ty(first);
        let axis = self.random.below(ty.rank());
        let mut operands = vec![first];
        for _ in 0..self.random.within(0, 3) {
            let fits = |t: &Type| {
                let same = |d: usize| d == axis || t.shape[d] == ty.shape[d];
                t.dtype == ty.dtype && t.rank() == ty.rank() && (0..t.rank()).all(same)
            };
            let tame = self.tame;
            // What is rough may meet what is wild in no tame graph.
            let mixes = |k: Known| tame && ((k.rough && first.wild) || (k.wild && first.rough));
            operands.extend(self.find(|k, t| fits(t) && !mixes(k)));
        }
        let clash = operands.iter().any(|k| k.rough) && operands.iter().any(|k| k.wild);
        if self.tame && clash {
            return None;
        }
        self.node(Op::Concat { axis }, &operands, &[])
    }

    fn reduce(&mut self) -> Option<Known> {
        let kind =
            self.random.pick(&[ReduceKind::Sum, ReduceKind::Sum, ReduceKind::Max, ReduceKind::Min, ReduceKind::Prod]);
        let tame = self.tame;
        let x = self.find(|k, t| t.rank() > 0 && t.dtype != DType::Bool && !(tame && k.wild))?;
        let rank = self.ty(x).rank();
        let axes: Vec<usize> = (0..rank).filter(|_| self.random.one_in(2)).collect();
        self.node(Op::Reduce { kind, axes }, &[x], &[])
    }

    fn softmax(&mut self) -> Option<Known> {
        let x = self.find_f32(|t| t.rank() > 0)?;
        let axis = self.random.below(self.ty(x).rank());
        if self.random.one_in(3) {
            let rows = Type::new(DType::F32, &self.ty(x).shape[axis..]);
            let count = self.random.below(3);
            let constants: Vec<_> = (0..count).map(|_| self.constant(&rows)).collect();
            // A row of almost equal elements would blow up what rounding has made of them.
            let (center, epsilon) = (self.random.one_in(2), 0.5);
            return self.node(Op::Norm { axis, center, epsilon, scale: count > 0, bias: count > 1 }, &[x], &constants);
        }
        let log = self.random.one_in(3);
        self.node(Op::Softmax { axis, log }, &[x], &[])
    }

    fn gather(&mut self) -> Option<Known> {
        let x = self.find(|_, t| t.rank() > 0 && !t.shape.contains(&0))?;
        let shape = self.ty(x).shape;
        let axis = self.random.below(shape.len());
        let d = shape[axis];
        let elements = self.random.one_in(3);
        let indices: Vec<usize> = if elements {
            shape.clone()
        } else {
            (0..self.random.below(3)).map(|_| self.random.within(1, 4)).collect()
        };
        let count: usize = indices.iter().product();
        let values: Vec<i64> = (0..count).map(|_| self.random.below(2 * d) as i64 - d as i64).collect();
        let narrow: Vec<i32> = values.iter().map(|&v| v as i32).collect();
        let wide = self.random.one_in(2);
        let indices =
            if wide { Tensor::from_elements(indices, &values) } else { Tensor::from_elements(indices, &narrow) };
        let ix = self.constant_of(indices);
        let op = if elements { Op::GatherElements { axis } } else { Op::Gather { axis } };
        self.node(op, &[x], &[ix])
    }

    /// Adds two values of one shape, as residual networks do.
    fn residual(&mut self) -> Option<Known> {
        let a = self.find_f32(|t| t.rank() > 1)?;
        let ty = self.ty(a);
        let b = self.find_f32(|t| *t == ty)?;
        let sum = self.node(Op::Map { expr: Expr::of_binary(BinaryOp::Add) }, &[a, b], &[])?;
        if self.random.one_in(2) { self.relu(sum) } else { Some(sum) }
    }

    /// Operators that go along a dimension; their jumps are for values that no pass rounds in another way.
    fn along(&mut self) -> Option<Known> {
        let tame = self.tame;
        let x = self.find(|k, t| {
            t.rank() > 0
                && !t.shape.contains(&0)
                && matches!(t.dtype, DType::F32 | DType::I32 | DType::I64)
                && !(tame && k.rough)
        })?;
        let shape = self.ty(x).shape;
        let axis = self.random.below(shape.len());
        let flag = |b: &mut Builder| b.random.one_in(2);
        let op = match self.random.below(3) {
            0 => Op::Arg { max: flag(self), axis, last: flag(self) },
            1 => Op::TopK { axis, k: self.random.within(1, shape[axis]), largest: flag(self) },
            _ => Op::Cumulative { axis, product: flag(self), exclusive: flag(self), reverse: flag(self) },
        };
        self.node(op, &[x], &[])
    }

    /// The parts of a value along a dimension, some of them side by side again.
    fn split(&mut self) -> Option<Known> {
        let x = self.find(|_, t| t.shape.iter().any(|&d| d > 1))?;
        let shape = self.ty(x).shape;
        let axis = (0..shape.len()).filter(|&d| shape[d] > 1).nth(0)?;
        let cut = self.random.within(1, shape[axis] - 1);
        let mut part = |from: usize, to: usize| {
            let (mut start, mut len) = (vec![0; shape.len()], shape.clone());
            (start[axis], len[axis]) = (from, to - from);
            self.node(Op::Movement(Movement::Slice { start, step: vec![1; shape.len()], len }), &[x], &[])
        };
        let (a, b) = (part(0, cut)?, part(cut, shape[axis])?);
        if self.random.one_in(2) { self.node(Op::Concat { axis }, &[b, a], &[]) } else { Some(b) }
    }

    fn relu(&mut self, x: Known) -> Option<Known> {
        let zero = self.constant_of(Tensor::scalar(Scalar::zero(self.ty(x).dtype)));
        self.node(Op::Map { expr: Expr::of_binary(BinaryOp::Max) }, &[x], &[zero])
    }

    /// What stands behind sums in real models: a scale and an offset per channel, an activation.
    fn follow(&mut self, x: Known) {
        let ty = self.ty(x);
        let (Some(&c), DType::F32) = (ty.shape.last(), ty.dtype) else { return };
        if self.tame && x.wild {
            return;
        }
        let channels = Type::new(DType::F32, [c]);
        let op = |b| Op::Map { expr: Expr::of_binary(b) };
        let followed = match self.random.below(4) {
            0 => {
                let scale = self.constant(&channels);
                self.node(op(BinaryOp::Mul), &[x], &[scale])
            }
            1 => {
                let offset = self.constant(&channels);
                self.node(op(BinaryOp::Add), &[x], &[offset])
            }
            2 => self.relu(x),
            _ => self.node(Op::Map { expr: Expr::of_unary(UnaryOp::Tanh) }, &[x], &[]),
        };
        if let Some(y) = followed
            && self.random.one_in(2)
        {
            self.follow(y);
        }
    }
}
