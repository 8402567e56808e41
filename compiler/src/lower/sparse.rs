//! Weights of which many are zero: a bitmap and the others, unpacked some columns at a time into working memory that the dense
//! kernels read; where that pays.

use std::sync::Arc;

use zant_runtime::kernels::matmul_packed::MatMulPacked;
use zant_runtime::kernels::packing::{self, Piece};
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::qconv2d::QConv2d;
use zant_runtime::terms::sizes::PANEL;
use zant_runtime::terms::sparse::Sparse;

use super::Lowering;
use super::coded::columns;
use crate::ir::{DType, Element, Graph, Node, Tensor, Type};
use crate::program::kernels::{ConvKind, QBody, SparseConvCall, SparseMatMulCall, SparseQConvCall};
use crate::program::{Access, Arg};

/// What is wanted of constants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zeros {
    /// Zeros are left out of weights where that costs next to no time.
    #[default]
    Cheap,
    /// They are left out wherever that makes weights smaller.
    Small,
    /// They are weights like others.
    Kept,
}

/// Bytes that must at least be saved, and what part of the weights that is, in percent.
const LEAST: (usize, usize) = (64, 15);
/// How much longer a layer may take where speed is preferred, if all of its bytes were saved: of half of them half of that.
const SLOWER: f64 = 0.02;
/// Bytes that are unpacked at a time: of machines with caches, and of products of bytes on others.
const ROOM: (usize, usize) = (32 << 10, 16 << 10);
/// Columns from which on sixteen are unpacked at a time on machines with little memory, not eight.
const MANY_COLUMNS: usize = 64;
/// Products that take as long as a further walk over a pixel, of floats, and columns that gathering a window takes as long as, of bytes.
const PASS: f64 = 80.0;
const GATHER: f64 = 1.25;
/// Weights of a column that are unpacked at a time for a product of one row.
const ROW_DEPTH: usize = 64;

/// Weights of which some are zero.
struct Layer {
    /// Bytes of one, how many there are, and how many are not zero.
    size: usize,
    weights: usize,
    values: usize,
    /// Columns, and how often each weight is used: pixels or rows.
    columns: usize,
    uses: usize,
    /// Products that take as long as unpacking a weight.
    unpacking: f64,
    /// Parts of the columns that the dense kernel has, and columns that take as long as what is done for each further one.
    parts: usize,
    again: f64,
}

/// How a layer is unpacked: so many columns at a time, and why.
struct Unpacking {
    columns: usize,
    note: String,
}

/// Sparse weights as operands.
pub(super) struct SparseOperand {
    sparse: Sparse,
    /// Bitmap and values.
    args: [Arg; 2],
    /// Elements that are unpacked at a time.
    room: usize,
    note: String,
}

/// Whether what is saved is worth the trouble.
fn is_worthwhile(size: usize, weights: usize, values: usize) -> bool {
    let (dense, sparse) = (weights * size, weights.div_ceil(8) + values * size);
    let saved = dense.saturating_sub(sparse);
    saved >= LEAST.0 && saved * 100 >= dense * LEAST.1
}

/// Whether a float weight has to be there: -0 has, so that sums keep their bits.
fn counts(w: &f32) -> bool {
    w.to_bits() != 0
}

/// Whether a node's float weights would be smaller without their zeros.
pub(super) fn has_zeros(graph: &Graph, node: &Node) -> bool {
    let weights = node.inputs.get(1).and_then(|&v| graph.data(v)).and_then(Tensor::to_vec::<f32>);
    weights.is_some_and(|w| is_worthwhile(size_of::<f32>(), w.len(), w.iter().filter(|w| counts(w)).count()))
}

impl Layer {
    fn dense(&self) -> usize {
        self.weights * self.size
    }

    fn bytes(&self) -> usize {
        self.weights.div_ceil(8) + self.values * self.size
    }

    /// How much longer the layer takes if so many columns are unpacked at a time.
    fn longer(&self, columns: usize) -> f64 {
        let parts = self.columns.div_ceil(columns.max(1)).saturating_sub(self.parts) as f64;
        self.unpacking / self.uses.max(1) as f64 + self.again * parts / self.columns.max(1) as f64
    }

    /// Bytes of so many columns.
    fn room(&self, columns: usize) -> usize {
        self.dense().checked_div(self.columns).unwrap_or(0) * columns.min(self.columns)
    }

    fn zeros(&self) -> String {
        let percent = (self.weights - self.values) as f64 * 100.0 / self.weights.max(1) as f64;
        format!("{percent:.0} % of {} weights are zero", self.weights)
    }
}

/// A share in percent.
fn percent(share: f64) -> String {
    let digits = usize::from(share < 0.1);
    format!("{:.digits$} %", share * 100.0)
}

impl Lowering<'_> {
    /// The float weights of a product, whose `columns` are used so often, where leaving out zeros makes them smaller.
    fn float_layer(&self, node: &Node, columns: usize, uses: usize) -> Option<Layer> {
        let w = self.data(node.inputs[1]).and_then(Tensor::to_vec::<f32>)?;
        // Small code walks over the pixels for each sixteen columns.
        let depth = w.len().checked_div(columns).unwrap_or(0).max(1) as f64;
        let again = if self.target.compact { PASS / depth } else { 0.0 };
        self.layer(&w, counts, [columns, uses], (columns.div_ceil(PANEL), again))
    }

    fn layer<T>(
        &self,
        w: &[T],
        counts: fn(&T) -> bool,
        [columns, uses]: [usize; 2],
        (parts, again): (usize, f64),
    ) -> Option<Layer> {
        let (size, values) = (size_of::<T>(), w.iter().filter(|w| counts(w)).count());
        let is_meant = self.zeros != Zeros::Kept && is_worthwhile(size, w.len(), values);
        let unpacking = self.unpacking(size, uses);
        is_meant.then_some(Layer { size, weights: w.len(), values, columns, uses, unpacking, parts, again })
    }

    /// Products that take as long as unpacking a weight, which is 3 or 4 instructions on Arm and about six in plain Rust.
    fn unpacking(&self, size: usize, uses: usize) -> f64 {
        match (self.target.loops.family, size) {
            (Some("arch/arm"), 4) => 3.0,
            (Some("arch/arm"), _) => 5.0,
            // A product of one row waits for its weights.
            (Some(_), 4) if uses == 1 => 12.0,
            (Some(_), _) if uses == 1 => 40.0,
            (Some(_), 4) => 40.0,
            (Some(_), _) => 120.0,
            (None, 4) => 4.0,
            (None, _) => 6.0,
        }
    }

    /// How many columns are unpacked at a time: one of `widths`, the best first. If none should be, that is noted.
    fn unpacked(&mut self, layer: &Layer, widths: &[usize]) -> Option<Unpacking> {
        let saved = layer.dense().saturating_sub(layer.bytes());
        let (zeros, bytes, dense) = (layer.zeros(), layer.bytes(), layer.dense());
        if self.zeros == Zeros::Small {
            let &columns = widths.first()?;
            let longer = percent(layer.longer(columns));
            let note =
                format!("{zeros}: a bitmap and values, {bytes} bytes for {dense}; about {longer} longer, for size");
            return Some(Unpacking { columns, note });
        }
        // Constants are worth so much memory for a while.
        let fitting = widths.iter().copied().find(|&columns| 3 * layer.room(columns) <= 2 * saved);
        let kept = match fitting {
            Some(columns) if layer.longer(columns) * dense as f64 <= SLOWER * saved as f64 => {
                let longer = percent(layer.longer(columns));
                let note = format!("{zeros}: a bitmap and values, {bytes} bytes for {dense}; about {longer} longer");
                return Some(Unpacking { columns, note });
            }
            Some(columns) => format!("without them it would take about {} longer", percent(layer.longer(columns))),
            None => format!("to save {saved} bytes takes too much memory"),
        };
        self.note = Some(format!("{zeros}, and stored: {kept}; `--optimize size` leaves them out"));
        None
    }

    /// Columns of floats, or of bytes in panels, that may be unpacked at a time.
    fn widths(&self, layer: &Layer) -> Vec<usize> {
        let all = layer.columns.next_multiple_of(PANEL / 2).max(PANEL / 2);
        if !self.target.compact {
            let fitting = ROOM.0.checked_div(layer.room(1)).unwrap_or(0) / PANEL * PANEL;
            return vec![fitting.clamp(PANEL, all.max(PANEL))];
        }
        // Loops for vectors compute sixteen columns in the time of eight.
        let wide = self.target.loops.family == Some("arch/x86") || layer.size == 1 || layer.columns >= MANY_COLUMNS;
        let both = [PANEL, PANEL / 2].into_iter().skip(usize::from(!wide));
        both.filter(|&width| width <= all.max(PANEL / 2)).collect()
    }

    /// A convolution, if its weights are kept without zeros; with taps in `reverse` for a transposed one.
    pub(super) fn sparse_conv(&mut self, node: &Node, params: &Conv2d, reverse: bool) -> Option<SparseOperand> {
        let pixels = params.batch * params.out_h * params.out_w;
        let layer = self.float_layer(node, params.out_c, pixels).filter(|_| params.groups == 1)?;
        let unpacking = self.unpacked(&layer, &self.widths(&layer))?;
        Some(self.sparse_floats(node, unpacking, packing::conv2d(params, reverse)))
    }

    /// A matrix product, if its weights are kept without zeros.
    pub(super) fn sparse_product(&mut self, node: &Node, [m, k, n]: [usize; 3]) -> Option<SparseOperand> {
        let layer = self.float_layer(node, n, m).filter(|_| m > 0 && k > 0)?;
        let widths = if m == 1 { vec![PANEL] } else { self.widths(&layer) };
        let unpacking = self.unpacked(&layer, &widths)?;
        let mut w = self.sparse_floats(node, unpacking, packing::matmul(k, n));
        if m == 1 {
            w.sparse.depth = ROW_DEPTH.min(k.next_multiple_of(8));
            w.room = w.sparse.depth.min(k) * PANEL.min(n);
        }
        Some(w)
    }

    /// Float weights in the order of parts of so many columns.
    fn sparse_floats(
        &mut self,
        node: &Node,
        unpacking: Unpacking,
        pieces: impl Iterator<Item = Piece>,
    ) -> SparseOperand {
        let Unpacking { columns: width, note } = unpacking;
        let data = self.data(node.inputs[1]).and_then(Tensor::to_vec::<f32>).unwrap_or_default();
        let all = columns(pieces);
        let mut stream = Vec::with_capacity(data.len());
        let mut room = 0;
        for part in all.places.chunks(all.depth.max(1) * width) {
            for panel in part.chunks(all.depth.max(1) * PANEL) {
                let places = (0..all.depth).flat_map(|k| panel.iter().skip(k).step_by(all.depth));
                stream.extend(places.map(|&at| data[at]));
            }
            room = room.max(part.len());
        }
        let args = self.sparse_weights(node, &stream, counts);
        SparseOperand { sparse: Sparse { columns: width, depth: all.depth }, args, room, note }
    }

    /// Bitmap and values of weights.
    fn sparse_weights<T: Element + Default>(&mut self, node: &Node, w: &[T], counts: fn(&T) -> bool) -> [Arg; 2] {
        let mask: Vec<u8> = packing::bitmap(w, counts).collect();
        let values: Vec<T> = packing::values(w, counts).collect();
        let name = self.graph.value(node.inputs[1]).name.clone();
        let bytes = mask.len();
        let mask = self.new_weight(&format!("{name}_mask"), Tensor::from_elements([bytes], &mask), None);
        self.program.weights[mask.index()].values = 0;
        let values = self.new_weight(&name, Tensor::from_elements([values.len()], &values), Some(node.inputs[1]));
        self.program.weights[values.index()].beside = bytes;
        [Arg::Weight(mask), Arg::Weight(values)]
    }

    /// Working memory for so many elements.
    fn room(&mut self, dtype: DType, elements: usize) -> Arg {
        Arg::Buffer(self.new_temporary(&Type::new(dtype, [elements])), Access::Write)
    }

    /// The step of a sparse convolution.
    pub(super) fn sparse_conv_call(&mut self, node: &Node, params: Conv2d, w: SparseOperand, [x, bias, y]: [Arg; 3]) {
        let [mask, values] = w.args;
        let floats = self.room(DType::F32, w.room);
        self.note = Some(w.note);
        let call = SparseConvCall { params: (params, w.sparse) };
        self.call(node, Arc::new(call), vec![x, mask, values, bias, floats, y]);
    }

    /// The step of a sparse matrix product.
    pub(super) fn sparse_product_call(
        &mut self,
        node: &Node,
        params: MatMulPacked,
        w: SparseOperand,
        [a, bias, y]: [Arg; 3],
    ) {
        let [mask, values] = w.args;
        let floats = self.room(DType::F32, w.room);
        self.note = Some(w.note);
        let call = SparseMatMulCall { params: (params, w.sparse), row: params.m == 1 };
        self.call(node, Arc::new(call), vec![a, mask, values, bias, floats, y]);
    }

    /// A quantized convolution, if its weights are kept without zeros; with its weights part by part.
    pub(super) fn sparse_qconv(
        &mut self,
        node: &Node,
        m: &Conv2d,
        (kind, body): (ConvKind, QBody),
        w: &[i8],
    ) -> Option<(SparseOperand, Vec<i8>)> {
        let uses = m.batch * m.out_h * m.out_w;
        let layer = self
            .layer(w, |w| *w != 0, [m.out_c, uses], (1, GATHER))
            .filter(|_| kind == ConvKind::General && m.groups == 1)?;
        let widths = match body {
            QBody::Quads => self.widths(&layer),
            QBody::Dual | QBody::DualOne => {
                let room = if self.zeros == Zeros::Small { ROOM.1 } else { (layer.dense() - layer.bytes()) / 3 * 2 };
                let fitting = room.checked_div(layer.room(1)).unwrap_or(0) / 4 * 4;
                vec![fitting.clamp(4, layer.columns.next_multiple_of(4).max(4))]
            }
        };
        let unpacking = self.unpacked(&layer, &widths)?;
        let depth = w.len().checked_div(m.out_c)?;
        let (mut stream, mut room) = (Vec::new(), 0);
        for w in w.chunks(depth.max(1) * unpacking.columns) {
            let part = Conv2d { out_c: w.len() / depth.max(1), ..*m };
            let first = stream.len();
            super::quant::pack(&part, body, w, &mut |w| stream.push(w));
            room = room.max(stream.len() - first);
        }
        let args = self.sparse_weights(node, &stream, |w| *w != 0);
        let sparse = Sparse { columns: unpacking.columns, depth };
        Some((SparseOperand { sparse, args, room, note: unpacking.note }, stream))
    }

    /// The step of a sparse quantized convolution; `bias` with the multiplier.
    pub(super) fn sparse_qconv_call(
        &mut self,
        node: &Node,
        (params, body, dtypes): (QConv2d, QBody, [DType; 2]),
        w: SparseOperand,
        [x, bias, multiplier, y]: [Arg; 4],
        scratch: Option<Arg>,
    ) {
        let [mask, values] = w.args;
        let room = self.room(DType::I8, w.room);
        self.note = Some(w.note);
        let args = [x, mask, values, bias, multiplier].into_iter().chain(scratch).chain([room, y]).collect();
        self.call(node, Arc::new(SparseQConvCall { body, dtypes, params: (params, w.sparse) }), args);
    }
}
