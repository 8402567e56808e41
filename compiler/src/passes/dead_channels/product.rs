//! Products with constant weights, as the pass sees them.

use crate::ir::{Affine, DType, Epilogue, Graph, Node, Op, Quant, Tensor, ValueId, Window};

/// A convolution or matrix product with constant weights and, where there is one, a constant bias.
pub(super) struct Product<'a> {
    pub(super) weights: &'a Tensor,
    pub(super) bias: Option<&'a Tensor>,
    /// The factors of a quantized product.
    pub(super) multiplier: Option<&'a Tensor>,
    /// The dimension of the weights that counts input channels (of a group), and the one of output channels.
    pub(super) input_axis: usize,
    pub(super) output_axis: usize,
    pub(super) groups: usize,
    /// Whether some outputs see fewer taps than others.
    pub(super) is_padded: bool,
    /// What follows.
    pub(super) end: End<'a>,
}

/// What follows the sums of a product.
#[derive(Clone, Copy)]
pub(super) enum End<'a> {
    Float(&'a Epilogue),
    Bytes(&'a Quant),
}

/// Whether a window reaches over the border.
pub(super) fn is_padded(window: &Window) -> bool {
    [window.pad_begin, window.pad_end] != [[0; 2]; 2]
}

impl<'a> Product<'a> {
    /// A node as a product, where it is one whose weights may be cut.
    pub(super) fn of(graph: &'a Graph, node: &'a Node) -> Option<Product<'a>> {
        let (window, groups, end, transposed) = if let Op::Conv { window, groups, epilogue } = &node.op {
            (Some(window), *groups, End::Float(epilogue), false)
        } else if let Op::ConvTranspose { window, groups, epilogue, .. } = &node.op {
            (Some(window), *groups, End::Float(epilogue), true)
        } else if let Op::MatMul { epilogue } = &node.op {
            (None, 1, End::Float(epilogue), false)
        } else if let Op::QConv { window, groups, quant } = &node.op {
            (Some(window), *groups, End::Bytes(quant), false)
        } else {
            return None;
        };
        let weights = plain(graph, node.inputs[1])?;
        let (dtype, has_bias) = match end {
            End::Float(epilogue) => (DType::F32, epilogue.bias),
            End::Bytes(_) => (DType::I8, true),
        };
        if weights.dtype() != dtype || weights.ty().rank() != if window.is_some() { 4 } else { 2 } {
            return None;
        }
        let bias = if has_bias { Some(plain(graph, node.inputs[2])?) } else { None };
        let multiplier = if matches!(end, End::Bytes(_)) { Some(plain(graph, node.inputs[3])?) } else { None };
        let [input_axis, output_axis] = if window.is_some() { [3, 0] } else { [0, 1] };
        let is_padded = transposed || window.is_some_and(is_padded);
        Some(Product { weights, bias, multiplier, input_axis, output_axis, groups, is_padded, end })
    }

    /// Number of input channels.
    pub(super) fn inputs(&self) -> usize {
        self.weights.shape()[self.input_axis].saturating_mul(self.groups)
    }

    /// Number of output channels.
    pub(super) fn outputs(&self) -> usize {
        self.weights.shape()[self.output_axis]
    }

    /// Whether every channel has weights of its own, and nothing else.
    pub(super) fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.inputs() == self.groups && self.outputs() == self.groups
    }

    /// Whether another map is added to the result.
    pub(super) fn has_residual(&self) -> bool {
        match self.end {
            End::Float(epilogue) => epilogue.residual,
            End::Bytes(quant) => quant.residual.is_some(),
        }
    }

    /// The number that stands for 0 in the map: the byte, of a quantized product.
    pub(super) fn zero(&self) -> f64 {
        match self.end {
            End::Float(_) => 0.0,
            End::Bytes(quant) => f64::from(quant.zero),
        }
    }

    /// What is true of the weights along a dimension.
    pub(super) fn along(&self, axis: usize) -> Along {
        let shape = self.weights.shape();
        let (len, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
        let mut along = Along { zero: vec![true; len], finite: vec![true; len] };
        let size = self.weights.dtype().size();
        for (row, bytes) in self.weights.data().chunks_exact((inner * size).max(1)).enumerate() {
            let at = row % len;
            if let End::Bytes(_) = self.end {
                along.zero[at] &= bytes.iter().all(|&b| b == 0);
                continue;
            }
            for b in bytes.chunks_exact(4) {
                let w = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
                along.zero[at] &= w == 0.0;
                along.finite[at] &= w.is_finite();
            }
        }
        along
    }
}

/// For each index of a dimension of the weights, what is true of all weights there.
pub(super) struct Along {
    pub(super) zero: Vec<bool>,
    pub(super) finite: Vec<bool>,
}

/// The elements of a constant.
pub(super) fn numbers(t: &Tensor) -> impl Iterator<Item = f64> + '_ {
    t.scalars().map(|s| s.to_f64())
}

/// A constant that is not kept in few bits: cutting one of those would tear its blocks.
pub(super) fn plain(graph: &Graph, v: ValueId) -> Option<&Tensor> {
    graph.data(v).filter(|_| !graph.stored.contains_key(&v))
}

/// The byte that an operator between bytes takes for 0; 0 for one of floats.
pub(super) fn zero_of(op: &Op) -> f64 {
    let from: Option<Affine> = op.float().map(|(_, between)| between.from);
    from.map_or(0.0, |from| f64::from(from.zero))
}
