//! Networks of seeded numbers whose weights have three values, four bits, or are floats: layers, perceptrons, and the shapes of
//! well-known convolutional networks.

use zantc::ir::{
    Activation, BinaryOp, DType, Epilogue, Expr, Graph, Movement, Node, Op, Output, PoolKind, ReduceKind, Scalar,
    Stored, Tensor, Type, UnaryOp, ValueId, Window,
};

/// What weights are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weights {
    /// Floats.
    Floats,
    /// Of three values, with one scale for all.
    Tensor,
    /// Of three values, with a scale for each column.
    Channel,
    /// Of four bits, in blocks of 32.
    FourBits,
}

/// What weights are multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Floats.
    Floats,
    /// Bytes, of which each row has its absolute maximum over 127 as scale: a BitLinear layer.
    Bytes,
}

/// Neighbours that share a scale of weights of four bits.
const BLOCK: usize = 32;
/// The scale of weights of three values.
const SCALE: f32 = 1.0 / 32.0;

const RELU: Activation = Activation::Clamp { lo: 0.0, hi: f32::INFINITY };

/// A network under construction, one value after the other.
pub(super) struct Net {
    graph: Graph,
    state: u64,
    weights: Weights,
    numbers: Numbers,
}

impl Net {
    fn new(input: Type, weights: Weights, numbers: Numbers) -> (Net, ValueId) {
        let mut graph = Graph { name: "net".into(), ..Graph::default() };
        let x = graph.add_value("x", input);
        graph.inputs.push(x);
        (Net { graph, state: 1, weights, numbers }, x)
    }

    fn finished(mut self, y: ValueId) -> Graph {
        self.graph.outputs.push(Output { name: "y".into(), value: y });
        self.graph
    }

    /// A number below `n` (Knuth's multiplier, the upper bits).
    fn below(&mut self, n: u64) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % n
    }

    fn integers(&mut self, count: usize, least: i8, values: u64) -> Vec<i8> {
        (0..count).map(|_| least + self.below(values) as i8).collect()
    }

    fn constant(&mut self, t: Tensor) -> ValueId {
        let name = format!("w{}", self.graph.values.len());
        self.graph.add_constant(name, t)
    }

    fn floats(&mut self, shape: &[usize]) -> ValueId {
        let count = shape.iter().product();
        let data: Vec<f32> = (0..count).map(|_| self.below(1 << 20) as f32 / 524_288.0 - 1.0).collect();
        self.constant(Tensor::from_elements(shape, &data))
    }

    /// A constant that was made from codes.
    fn stored(&mut self, stored: Stored) -> ValueId {
        let w = self.constant(stored.real());
        self.graph.stored.insert(w, stored);
        w
    }

    fn node(&mut self, op: Op, inputs: &[ValueId], shape: &[usize], dtype: DType) -> ValueId {
        let y = self.graph.add_value("", Type::new(dtype, shape));
        self.graph.nodes.push(Node { op, inputs: inputs.to_vec(), outputs: vec![y], origin: vec![] });
        y
    }

    fn shape(&self, v: ValueId) -> Vec<usize> {
        self.graph.ty(v).shape.clone()
    }

    fn map(&mut self, expr: Expr, inputs: &[ValueId], shape: &[usize], dtype: DType) -> ValueId {
        self.node(Op::Map { expr }, inputs, shape, dtype)
    }

    /// The scale of each row, and its bytes.
    fn bytes(&mut self, x: ValueId) -> (ValueId, ValueId) {
        let shape = self.shape(x);
        let axis = shape.len() - 1;
        let rows = [&shape[..axis], &[1]].concat();
        let size = self.map(Expr::of_unary(UnaryOp::Abs), &[x], &shape, DType::F32);
        let most = Op::Reduce { kind: ReduceKind::Max, axes: vec![axis] };
        let most = self.node(most, &[size], &shape[..axis], DType::F32);
        let most = self.node(Op::Movement(Movement::Reshape { shape: rows.clone() }), &[most], &rows, DType::F32);
        let mut e = Expr::new();
        let [least, by] = [1e-5, 127.0].map(Scalar::F32);
        let (most_of, least, by) = (e.input(0), e.constant(least), e.constant(by));
        let positive = e.binary(BinaryOp::Max, most_of, least);
        let divided = e.binary(BinaryOp::Div, positive, by);
        let scale = self.map(e.finish(divided), &[most], &rows, DType::F32);
        let mut e = Expr::new();
        let (number, scale_of) = (e.input(0), e.input(1));
        let quotient = e.binary(BinaryOp::Div, number, scale_of);
        let whole = e.unary(UnaryOp::Round, quotient);
        let byte = e.cast(DType::I8, whole);
        (scale, self.map(e.finish(byte), &[x, scale], &shape, DType::I8))
    }

    /// The product of rows with weights `[columns][depth]`.
    fn product(&mut self, x: ValueId, columns: usize, relu: bool) -> ValueId {
        let shape = self.shape(x);
        let depth = shape[shape.len() - 1];
        let result = [&shape[..shape.len() - 1], &[columns]].concat();
        let activation = if relu { RELU } else { Activation::None };
        let epilogue = Epilogue { bias: false, residual: false, activation };
        match self.weights {
            Weights::Floats => {
                let w = self.floats(&[depth, columns]);
                self.node(Op::MatMul { epilogue }, &[x, w], &result, DType::F32)
            }
            Weights::FourBits => {
                let codes = self.integers(depth * columns, -8, 16);
                let blocks = depth.div_ceil(BLOCK) * columns;
                let codes = Tensor::from_elements([depth, columns], &codes);
                let mut stored = Stored::along(codes, None, vec![SCALE / 4.0; blocks], vec![0; blocks]);
                stored.block = vec![BLOCK, 1];
                let w = self.stored(stored);
                self.node(Op::MatMul { epilogue }, &[x, w], &result, DType::F32)
            }
            Weights::Tensor | Weights::Channel => {
                let signs = self.integers(depth * columns, -1, 3);
                let signs = self.constant(Tensor::from_elements([columns, depth], &signs));
                let scales = if self.weights == Weights::Tensor { 1 } else { columns };
                let scales: Vec<f32> = (0..scales).map(|i| SCALE + (i % 7) as f32 / 512.0).collect();
                let scale = self.constant(Tensor::from_elements([scales.len()], &scales));
                let rows = self.numbers == Numbers::Bytes;
                let inputs = match self.numbers {
                    Numbers::Floats => vec![x, signs, scale],
                    Numbers::Bytes => {
                        let (of_rows, bytes) = self.bytes(x);
                        vec![bytes, signs, scale, of_rows]
                    }
                };
                self.node(Op::TernaryMatMul { rows, epilogue }, &inputs, &result, DType::F32)
            }
        }
    }

    /// A convolution that keeps the size of a map, or halves it; its weights are floats where it is the first.
    fn conv(&mut self, x: ValueId, channels: usize, kernel: usize, stride: usize, relu: bool) -> ValueId {
        let shape = self.shape(x);
        let is_first = x == self.graph.inputs[0];
        if kernel == 1 && stride == 1 && !is_first {
            return self.product(x, channels, relu);
        }
        let (h, w, c) = (shape[1], shape[2], shape[3]);
        let own = [channels, kernel, kernel, c];
        let weights = if is_first || self.weights == Weights::Floats {
            self.floats(&own)
        } else {
            let signs = self.integers(own.iter().product(), -1, 3);
            self.stored(Stored::along(Tensor::from_elements(own, &signs), None, vec![SCALE], vec![0]))
        };
        let pad = kernel / 2;
        let window = Window {
            kernel: [kernel; 2],
            stride: [stride; 2],
            dilation: [1; 2],
            pad_begin: [pad; 2],
            pad_end: [(kernel - 1) / 2; 2],
        };
        let out = |d: usize| (d + pad + (kernel - 1) / 2 - kernel) / stride + 1;
        let activation = if relu { RELU } else { Activation::None };
        let epilogue = Epilogue { bias: false, residual: false, activation };
        let op = Op::Conv { window, groups: 1, epilogue };
        self.node(op, &[x, weights], &[1, out(h), out(w), channels], DType::F32)
    }

    /// The largest of each two by two pixels.
    fn halved(&mut self, x: ValueId) -> ValueId {
        let shape = self.shape(x);
        let window = Window { kernel: [2; 2], stride: [2; 2], dilation: [1; 2], pad_begin: [0; 2], pad_end: [0; 2] };
        let half = [1, shape[1] / 2, shape[2] / 2, shape[3]];
        self.node(Op::Pool { kind: PoolKind::Max, window }, &[x], &half, DType::F32)
    }

    fn added(&mut self, a: ValueId, b: ValueId) -> ValueId {
        let shape = self.shape(a);
        let mut e = Expr::new();
        let (x, y, zero) = (e.input(0), e.input(1), e.constant(Scalar::F32(0.0)));
        let sum = e.binary(BinaryOp::Add, x, y);
        let relu = e.binary(BinaryOp::Max, sum, zero);
        self.map(e.finish(relu), &[a, b], &shape, DType::F32)
    }

    /// The sums of the pixels of each channel, as a row.
    fn pooled(&mut self, x: ValueId) -> ValueId {
        let channels = self.shape(x)[3];
        self.node(Op::Reduce { kind: ReduceKind::Sum, axes: vec![1, 2] }, &[x], &[1, channels], DType::F32)
    }

    fn flat(&mut self, x: ValueId) -> ValueId {
        let shape = vec![1, self.shape(x).iter().product()];
        self.node(Op::Movement(Movement::Reshape { shape: shape.clone() }), &[x], &shape, DType::F32)
    }

    /// A block of a residual network: two convolutions of 3x3, or three of which the outer ones are of 1x1.
    fn block(&mut self, x: ValueId, channels: usize, stride: usize, narrow: bool) -> ValueId {
        let out = if narrow { 4 * channels } else { channels };
        let mut y = x;
        if narrow {
            y = self.conv(y, channels, 1, 1, true);
            y = self.conv(y, channels, 3, stride, true);
            y = self.conv(y, out, 1, 1, false);
        } else {
            y = self.conv(y, channels, 3, stride, true);
            y = self.conv(y, channels, 3, 1, false);
        }
        let kept = if self.shape(x) == self.shape(y) { x } else { self.conv(x, out, 1, stride, false) };
        self.added(y, kept)
    }
}

/// One layer: `rows` rows of `size` numbers, and as many columns.
pub(super) fn layer(rows: usize, size: usize, weights: Weights, numbers: Numbers) -> Graph {
    let (mut net, x) = Net::new(Type::new(DType::F32, [rows, size]), weights, numbers);
    let y = net.product(x, size, false);
    net.finished(y)
}

/// The width of a perceptron of so many square layers that has about so many weights.
pub(super) fn width(layers: usize, parameters: usize) -> usize {
    (parameters as f64 / layers as f64).sqrt().round() as usize
}

/// A perceptron of square layers with Relu between them.
pub(super) fn perceptron(layers: usize, parameters: usize, weights: Weights, numbers: Numbers) -> Graph {
    let size = width(layers, parameters);
    let (mut net, mut x) = Net::new(Type::new(DType::F32, [1, size]), weights, numbers);
    for layer in 0..layers {
        x = net.product(x, size, layer + 1 < layers);
    }
    net.finished(x)
}

/// A shape of a convolutional network for pictures of 224 x 224, with 1000 classes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// ResNet-18 (He et al. 2015, table 1).
    ResNet18,
    /// ResNet-50 (the same).
    ResNet50,
    /// VGG-16 (Simonyan and Zisserman 2014, table 1, D).
    Vgg16,
}

impl Shape {
    pub(super) const ALL: [Shape; 3] = [Shape::ResNet18, Shape::ResNet50, Shape::Vgg16];

    pub(super) fn name(self) -> &'static str {
        match self {
            Shape::ResNet18 => "ResNet-18",
            Shape::ResNet50 => "ResNet-50",
            Shape::Vgg16 => "VGG-16",
        }
    }

    /// The network.
    pub(super) fn graph(self, weights: Weights) -> Graph {
        let (mut net, mut x) = Net::new(Type::new(DType::F32, [1, 224, 224, 3]), weights, Numbers::Floats);
        match self {
            Shape::ResNet18 => x = residual(&mut net, x, [2, 2, 2, 2], false),
            Shape::ResNet50 => x = residual(&mut net, x, [3, 4, 6, 3], true),
            Shape::Vgg16 => {
                for (count, channels) in [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)] {
                    for _ in 0..count {
                        x = net.conv(x, channels, 3, 1, true);
                    }
                    x = net.halved(x);
                }
                x = net.flat(x);
                x = net.product(x, 4096, true);
                x = net.product(x, 4096, true);
            }
        }
        let y = net.product(x, 1000, false);
        net.finished(y)
    }
}

/// The convolutions of a residual network, and the sums of the last map.
fn residual(net: &mut Net, x: ValueId, blocks: [usize; 4], narrow: bool) -> ValueId {
    let mut x = net.conv(x, 64, 7, 2, true);
    x = net.halved(x);
    for (stage, &count) in blocks.iter().enumerate() {
        for block in 0..count {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            x = net.block(x, 64 << stage, stride, narrow);
        }
    }
    net.pooled(x)
}

#[cfg(test)]
mod tests {
    use zantc::ir::verify;

    use super::*;

    #[test]
    fn networks_are_sound_and_of_their_size() {
        for weights in [Weights::Floats, Weights::Tensor, Weights::Channel, Weights::FourBits] {
            for numbers in [Numbers::Floats, Numbers::Bytes] {
                assert_eq!(verify(&layer(3, 40, weights, numbers)), Ok(()));
                assert_eq!(verify(&perceptron(3, 10_000, weights, numbers)), Ok(()));
            }
        }
        let weights =
            |graph: &Graph| graph.values.iter().filter_map(|v| v.data.as_ref()).map(|t| t.len()).sum::<usize>();
        // Those of the papers, without the biases and the normalizations.
        for (shape, expected) in [(Shape::ResNet18, 11_678_912), (Shape::ResNet50, 25_502_912)] {
            let graph = shape.graph(Weights::Tensor);
            assert_eq!(verify(&graph), Ok(()));
            let found = weights(&graph);
            assert!(found.abs_diff(expected) < 2_000, "{}: {found}", shape.name());
        }
    }
}
