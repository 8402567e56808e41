//! Weights that keep the few bits that they were stored in: kernels make floats of them as they go, to the bit those of the constant.

use std::sync::Arc;

use zant_runtime::kernels::packing::{self, Piece};
use zant_runtime::terms::coding::{Coded, FOUR};
use zant_runtime::terms::sizes::PANEL;

use super::Lowering;
use crate::ir::{DType, Node, Scalar, Stored, Tensor, Type, ValueId, row_major_strides};
use crate::program::kernels::{CodedConvCall, CodedMatMulCall, Coding, LayerCoding};
use crate::program::{Access, Arg};

use zant_runtime::kernels::matmul_packed::MatMulPacked;
use zant_runtime::terms::conv2d::Conv2d;

/// Weights from which on there is something to gain.
const MIN_WEIGHTS: usize = 256;
/// Neighbours that must at least share a scale, which takes as much as eight codes of four bits.
const MIN_BLOCK: usize = 4;
/// Bytes of the floats that are made at a time, at most, on machines that have them.
const FLOATS: usize = 32 * 1024;
/// Columns from which on sixteen become floats at a time, not eight.
const MANY_COLUMNS: usize = 64;

/// Coded weights as operands: units, scales and zero points.
pub(super) struct CodedOperand {
    coding: Coding,
    coded: Coded,
    args: [Arg; 3],
}

impl Lowering<'_> {
    /// The weights of a product as codes, where they were stored so and that pays; `pieces` are the panels of floats that they stand
    /// for. A single row needs no room for floats.
    pub(super) fn coded(
        &mut self,
        node: &Node,
        is_row: bool,
        pieces: impl Iterator<Item = Piece>,
    ) -> Option<CodedOperand> {
        let operand = node.inputs[1];
        let graph = self.graph;
        let stored = graph.stored.get(&operand).filter(|_| graph.ty(operand).elements() >= MIN_WEIGHTS)?;
        let weights = columns(pieces);
        if !is_row && !weights.pays(stored) {
            return None;
        }
        self.coded_columns(operand, &weights, true)
    }

    /// Both matrices of weights of a recurrent layer as codes, written in the same way, where they were stored so. The second one has
    /// parts whose columns begin panels.
    pub(super) fn coded_layer(
        &mut self,
        [w, r]: [ValueId; 2],
        of_w: impl Iterator<Item = Piece>,
        parts_of_r: Vec<Vec<Piece>>,
    ) -> Option<(LayerCoding, [Coded; 2], [[Arg; 3]; 2])> {
        let graph = self.graph;
        let is_scaled = [w, r].map(|v| graph.stored.get(&v).map(Stored::is_scaled));
        let elements = graph.ty(w).elements() + graph.ty(r).elements();
        if is_scaled[0].is_none() || is_scaled[0] != is_scaled[1] || elements < MIN_WEIGHTS {
            return None;
        }
        // What one of them cannot be, neither is.
        let (of_w, of_r) = (columns(of_w), aligned(parts_of_r, self.coded_panel()));
        for (v, columns) in [(w, &of_w), (r, &of_r)] {
            let stored = &graph.stored[&v];
            match stored.is_scaled() {
                true => {
                    Codes::of(stored, columns, block(stored, columns)?)?;
                }
                false if !is_finite_half(stored) => return None,
                false => {}
            }
        }
        let w = self.coded_columns(w, &of_w, false)?;
        let r = self.coded_columns(r, &of_r, false)?;
        let coding = if is_scaled[0] == Some(true) { LayerCoding::Bits8 } else { LayerCoding::Half };
        Some((coding, [w.coded, r.coded], [w.args, r.args]))
    }

    /// Constants that were stored in few bits; `may_pack` several into a byte.
    fn coded_columns(&mut self, operand: ValueId, weights: &Columns, may_pack: bool) -> Option<CodedOperand> {
        let graph = self.graph;
        let stored = graph.stored.get(&operand)?;
        if !stored.is_scaled() {
            return self.halves(operand, stored, weights);
        }
        let block = block(stored, weights)?;
        let codes = Codes::of(stored, weights, block)?;
        let is_small = self.target.compact;
        let (coding, bits) = match codes.largest {
            0..=2 if is_small && may_pack => (Coding::Trits, 0),
            0..=3 if may_pack => (Coding::Bits2, 2),
            4..=15 if may_pack => (Coding::Bits4, 4),
            _ => (Coding::Bits8, 8),
        };
        // Blocks begin with whole units.
        let whole = block >= weights.depth || block.is_multiple_of(coding.codes());
        let (coding, bits) = if whole { (coding, bits) } else { (Coding::Bits8, 8) };
        let panel = self.coded_panel();
        let shape = [weights.columns, weights.depth, panel];
        let units: Vec<u8> = packing::units(shape, coding.codes())
            .map(|(at, len)| (&codes.codes[at..at + len], bits))
            .map(|(codes, bits)| if bits == 0 { packing::trits(codes) } else { packing::bits(codes, bits) })
            .collect();
        let mut coded = Coded { depth: weights.depth, columns: weights.columns, block, zero: 0 };
        if block >= weights.depth {
            coded.block = weights.depth.next_multiple_of(coding.codes());
        }
        // Scales lie by panels too.
        let places: Vec<usize> =
            packing::units([weights.columns, coded.blocks(), panel], 1).map(|(at, _)| codes.blocks[at]).collect();
        let scales: Vec<f32> = places.iter().map(|&block| stored.scale[block]).collect();
        let zeros: Vec<u8> = places.iter().map(|&block| (stored.zero[block] - codes.least) as u8).collect();
        let name = graph.value(operand).name.clone();
        let units = self.new_weight(&name, Tensor::from_elements([units.len()], &units), Some(operand));
        let scales = Tensor::from_elements([scales.len()], &scales);
        let scales = self.new_weight(&format!("{name}_scale"), scales, None);
        let uniform = zeros.iter().all(|zero| *zero == zeros[0]);
        let zeros_arg = if uniform {
            coded.zero = zeros[0];
            Arg::Empty(DType::U8)
        } else {
            let zeros = Tensor::from_elements([zeros.len()], &zeros);
            Arg::Weight(self.new_weight(&format!("{name}_zero"), zeros, None))
        };
        Some(CodedOperand { coding, coded, args: [Arg::Weight(units), Arg::Weight(scales), zeros_arg] })
    }

    /// Weights of 16 bits, all of them finite.
    fn halves(&mut self, operand: ValueId, stored: &Stored, weights: &Columns) -> Option<CodedOperand> {
        let coding = if stored.data.dtype() == DType::F16 { Coding::Half } else { Coding::Brain };
        if !stored.data.scalars().all(|v| v.to_f64().is_finite()) {
            return None;
        }
        let &Columns { columns, depth, .. } = weights;
        let units = packing::units([columns, depth, self.coded_panel()], 1);
        let unit = |(at, _): (usize, usize)| stored.data.get(weights.places[at]).bits() as u16;
        let units: Vec<u16> = units.map(unit).collect();
        let name = self.graph.value(operand).name.clone();
        let units = self.new_weight(&name, Tensor::from_elements([units.len()], &units), Some(operand));
        let coded = Coded { depth, columns, block: depth.max(1), zero: 0 };
        Some(CodedOperand { coding, coded, args: [Arg::Weight(units), Arg::Empty(DType::F32), Arg::Empty(DType::U8)] })
    }

    /// Columns of a panel of coded weights.
    pub(super) fn coded_panel(&self) -> usize {
        if self.target.compact { FOUR } else { PANEL }
    }

    /// Room for the floats of some columns.
    fn coded_floats(&mut self, coded: &Coded) -> Arg {
        let fitting = FLOATS / size_of::<f32>() / coded.depth.max(1) / PANEL * PANEL;
        let least = at_a_time(coded.columns);
        let columns = if self.target.compact { least } else { fitting.max(PANEL) };
        let len = coded.depth * columns.min(coded.columns.next_multiple_of(self.coded_panel()));
        Arg::Buffer(self.new_temporary(&Type::new(DType::F32, [len])), Access::Write)
    }

    /// The step of a matrix product with coded weights.
    pub(super) fn coded_matmul(&mut self, node: &Node, params: MatMulPacked, w: CodedOperand, [a, bias, y]: [Arg; 3]) {
        let row = params.m == 1;
        let panel = self.coded_panel();
        let mut args = vec![a];
        let floats = (!row).then(|| self.coded_floats(&w.coded));
        args.extend(w.args);
        args.push(bias);
        args.extend(floats);
        args.push(y);
        let call = CodedMatMulCall { params: (params, w.coded), coding: w.coding, panel, row };
        self.call(node, Arc::new(call), args);
    }

    /// The step of a convolution with coded weights.
    pub(super) fn coded_conv(&mut self, node: &Node, params: Conv2d, w: CodedOperand, [x, bias, y]: [Arg; 3]) {
        let floats = self.coded_floats(&w.coded);
        let panel = self.coded_panel();
        let args = [vec![x], w.args.to_vec(), vec![bias, floats, y]].concat();
        let call = CodedConvCall { params: (params, w.coded), coding: w.coding, panel };
        self.call(node, Arc::new(call), args);
    }
}

/// The columns of weights: where each one's elements are, one column after the other.
pub(super) struct Columns {
    columns: usize,
    pub(super) depth: usize,
    pub(super) places: Vec<usize>,
}

/// Whether it is finite floats of the format that layers keep.
fn is_finite_half(stored: &Stored) -> bool {
    stored.data.dtype() == DType::F16 && stored.data.scalars().all(|v| v.to_f64().is_finite())
}

/// The columns of parts, the last column of each repeated so that the next begins a panel.
fn aligned(parts: Vec<Vec<Piece>>, panel: usize) -> Columns {
    let mut all = Columns { columns: 0, depth: 0, places: Vec::new() };
    for part in parts {
        while all.depth > 0 && !all.columns.is_multiple_of(panel) {
            all.places.extend_from_within(all.places.len() - all.depth..);
            all.columns += 1;
        }
        let part = columns(part.into_iter());
        all.columns += part.columns;
        all.depth = part.depth.max(all.depth);
        all.places.extend(part.places);
    }
    all
}

/// Columns that become floats at a time where memory is short.
fn at_a_time(columns: usize) -> usize {
    if columns < MANY_COLUMNS { PANEL / 2 } else { PANEL }
}

impl Columns {
    /// Whether fewer bytes of constants are worth the memory that floats take for a while: those of codes of up to four bits and of halves
    /// if they save half as much again, those of bytes, which cost as much time and save less, five times as much.
    fn pays(&self, stored: &Stored) -> bool {
        let size = size_of::<f32>();
        let room = self.depth * at_a_time(self.columns) * size;
        let floats = self.places.len() * size;
        match stored.data.dtype().size() {
            1 if stored.span() > 15 => floats / 4 * 3 >= 5 * room,
            1 => floats / 8 * 7 * 2 >= 3 * room,
            _ => floats / 2 * 2 >= 3 * room,
        }
    }
}

/// The columns of panels.
pub(super) fn columns(pieces: impl Iterator<Item = Piece>) -> Columns {
    let mut all = Columns { columns: 0, depth: 0, places: Vec::new() };
    for piece in pieces {
        let [taps, depth, width] = piece.dims;
        let column = |column: usize| {
            let start = (piece.start as isize + column as isize * piece.strides[2]) as usize;
            Piece { dims: [1, taps, depth], start, strides: [0, piece.strides[0], piece.strides[1]] }.places()
        };
        all.columns += width;
        all.depth = taps * depth;
        all.places.extend((0..width).flat_map(column));
    }
    all
}

/// The block of scales that an element is in.
fn block_of(stored: &Stored) -> impl Fn(usize) -> usize {
    let (shape, grid) = (row_major_strides(stored.data.shape()), row_major_strides(&stored.grid()));
    let dims: Vec<[usize; 3]> = (0..shape.len()).map(|d| [shape[d], stored.block[d], grid[d]]).collect();
    move |mut at| {
        let mut block = 0;
        for [stride, len, step] in &dims {
            block += at / stride / len * step;
            at %= stride;
        }
        block
    }
}

/// How many neighbours in depth share a scale, in all columns alike.
fn block(stored: &Stored, w: &Columns) -> Option<usize> {
    let block_of = block_of(stored);
    let first = w.places.first().map(|&at| block_of(at))?;
    let len = w.places[..w.depth].iter().position(|&at| block_of(at) != first).unwrap_or(w.depth);
    if len < MIN_BLOCK.min(w.depth) {
        return None;
    }
    let is_one = |part: &[usize]| part.iter().all(|&at| block_of(at) == block_of(part[0]));
    w.places.chunks_exact(w.depth).flat_map(|column| column.chunks(len)).all(is_one).then_some(len)
}

/// Codes from 0, column by column.
struct Codes {
    codes: Vec<u8>,
    largest: u8,
    /// What code 0 was.
    least: i64,
    /// The block of each run of depth, column by column.
    blocks: Vec<usize>,
}

impl Codes {
    /// Of integers that span no more than a byte, their zero points among them.
    fn of(stored: &Stored, w: &Columns, block: usize) -> Option<Codes> {
        let integers = || stored.data.scalars().map(Scalar::to_i64);
        let least = integers().chain(stored.zero.iter().copied()).min()?;
        let largest = u8::try_from(integers().max()? - least).ok()?;
        u8::try_from(stored.zero.iter().max()? - least).ok()?;
        let codes = w.places.iter().map(|&at| (stored.data.get(at).to_i64() - least) as u8).collect();
        let block_of = block_of(stored);
        let runs = w.places.chunks_exact(w.depth).flat_map(|column| column.chunks(block));
        let blocks = runs.map(|run| block_of(run[0])).collect();
        Some(Codes { codes, largest, least, blocks })
    }
}
