//! One proposed node: its attributes, and where its operands come from.

use zantc::import::to_raw;
use zantc::ir::{DType, Tensor, Type};
use zantc::onnx::proto::{AttributeProto, NodeProto, TensorProto};

use super::Random;
use super::fill::{Fill, tensor};

/// Types of floats, the usual one first.
pub(crate) const FLOATS: &[DType] = &[DType::F32, DType::F32, DType::F32, DType::F64, DType::F16, DType::BF16];
/// All integers.
pub(crate) const INTS: &[DType] =
    &[DType::I32, DType::I64, DType::I8, DType::U8, DType::I16, DType::U16, DType::U32, DType::U64];
/// All numbers.
pub(crate) const NUMBERS: &[DType] = &[
    DType::F32,
    DType::F32,
    DType::F32,
    DType::I32,
    DType::I64,
    DType::U8,
    DType::I8,
    DType::F64,
    DType::F16,
    DType::BF16,
    DType::I16,
    DType::U16,
    DType::U32,
    DType::U64,
];
/// Everything.
pub(crate) const ALL: &[DType] = &[
    DType::F32,
    DType::F32,
    DType::Bool,
    DType::I32,
    DType::I64,
    DType::U8,
    DType::I8,
    DType::F64,
    DType::F16,
    DType::BF16,
    DType::I16,
    DType::U16,
    DType::U32,
    DType::U64,
];
/// Bytes.
pub(crate) const BYTES: &[DType] = &[DType::U8, DType::I8];
/// Truth values.
pub(crate) const BOOL: &[DType] = &[DType::Bool];
/// Types of indices.
pub(crate) const INDICES: &[DType] = &[DType::I64, DType::I64, DType::I32];

/// A value that nodes may read.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    /// Its name in the model.
    pub name: String,
    /// Its type in the core IR.
    pub ty: Type,
    /// The number of its element type in the file.
    pub element: i32,
    /// What it is, where the import knows.
    pub data: Option<Tensor>,
}

/// Documentation of constants that decide what an operator means.
pub(super) const DECIDES: &str = "decides";

/// Where an operand comes from.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    /// Left out.
    None,
    /// A value that there is.
    Known(usize),
    /// A new one.
    Fresh {
        /// Its elements.
        data: Tensor,
        /// The same as it stands in the file.
        proto: Box<TensorProto>,
        /// Whether it is given at run time.
        input: bool,
    },
}

/// A node in the making.
#[derive(Debug)]
pub struct Draft<'g> {
    /// Chance.
    pub r: &'g mut Random,
    /// Of the model.
    pub opset: i64,
    /// Infinities and NaN are welcome.
    pub wild: bool,
    pub(super) values: &'g [Value],
    /// What the next operands are, whatever they are asked to be.
    pub(super) forced: Vec<usize>,
    /// One of them cannot be what it is asked to be: there is no such node.
    pub(super) misfit: bool,
    pub(super) node: NodeProto,
    pub(super) operands: Vec<Operand>,
    pub(super) outputs: usize,
    /// The last operands that are none of the node, but are read by graphs within it, as `@0` and so on.
    pub(super) captures: usize,
}

/// Chance.
impl Draft<'_> {
    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.r.one_in(n)
    }

    /// A length of a dimension.
    pub fn dim(&mut self) -> usize {
        if self.one_in(40) { 0 } else { self.r.pick(&[1, 2, 2, 3, 3, 4, 5, 6, 7, 8]) }
    }

    /// A shape of a rank in a range.
    pub fn shape(&mut self, lo: usize, hi: usize) -> Vec<usize> {
        let rank = self.r.within(lo, hi);
        (0..rank).map(|_| self.dim()).collect()
    }

    /// A dimension of a rank, counted from either end.
    pub fn axis(&mut self, rank: usize) -> i64 {
        let axis = self.r.below(rank.max(1)) as i64;
        if self.one_in(3) { axis - rank.max(1) as i64 } else { axis }
    }

    /// A shape that broadcasts to another.
    pub fn narrower(&mut self, shape: &[usize]) -> Vec<usize> {
        let drop = if self.one_in(2) { 0 } else { self.r.below(shape.len() + 1) };
        shape[drop..].iter().map(|&d| if self.r.one_in(4) { 1 } else { d }).collect()
    }
}

/// Operands.
impl Draft<'_> {
    /// The next operand is a known value where one has been asked for or fits; later ones are likelier.
    fn known(&mut self, fits: impl Fn(&Type) -> bool) -> Option<Type> {
        if !self.forced.is_empty() {
            let known = self.forced.remove(0);
            let ty = self.values[known].ty.clone();
            if !fits(&ty) {
                self.misfit = true;
                return None;
            }
            self.operands.push(Operand::Known(known));
            return Some(ty);
        }
        let plain = |v: &Value| v.element == code(v.ty.dtype);
        let fitting: Vec<usize> =
            (0..self.values.len()).filter(|&i| plain(&self.values[i]) && fits(&self.values[i].ty)).collect();
        let last = fitting.len().checked_sub(1)?;
        let back = if self.one_in(2) { last.min(2) } else { last };
        let known = fitting[last - self.r.below(back + 1)];
        self.operands.push(Operand::Known(known));
        Some(self.values[known].ty.clone())
    }

    fn fresh(&mut self, data: Tensor, input: bool) {
        let proto = to_raw("", &data).to_proto();
        self.operands.push(Operand::Fresh { data, proto: Box::new(proto), input });
    }

    /// An operand of any of some types and of a rank in a range: mostly a value that there is.
    pub fn x(&mut self, dtypes: &[DType], lo: usize, hi: usize) -> Type {
        let shape = self.shape(lo, hi);
        self.x_of(dtypes, shape, |s| (lo..=hi).contains(&s.len()))
    }

    /// The same with a shape of its own where no value's shape fits.
    pub fn x_of(&mut self, dtypes: &[DType], shape: Vec<usize>, fits: impl Fn(&[usize]) -> bool) -> Type {
        if !self.forced.is_empty() || !self.one_in(4) {
            // One type first, so that the rare ones come to their turn.
            let dtype = self.r.pick(dtypes);
            let forced = !self.forced.is_empty();
            let of_type = |t: DType| t == dtype || (forced && dtypes.contains(&t));
            if let Some(ty) = self.known(|t| of_type(t.dtype) && fits(&t.shape)) {
                return ty;
            }
        }
        let ty = Type::new(self.r.pick(dtypes), shape);
        let data = tensor(self.r, &ty, Fill::Any, self.wild);
        let input = !self.one_in(4);
        self.fresh(data, input);
        ty
    }

    /// An operand of exactly this type: a value that there is, a new constant or a new input.
    pub fn exactly(&mut self, dtype: DType, shape: impl Into<Vec<usize>>) {
        self.filled(dtype, shape, Fill::Any);
    }

    /// The same with elements of a kind; a value that there is only where any will do, and seldom else.
    pub fn filled(&mut self, dtype: DType, shape: impl Into<Vec<usize>>, fill: Fill) {
        let ty = Type::new(dtype, shape);
        let reuse = if matches!(fill, Fill::Any) { 3 } else { 40 };
        if (!self.forced.is_empty() || self.one_in(reuse)) && self.known(|t| *t == ty).is_some() {
            return;
        }
        let data = tensor(self.r, &ty, fill, self.wild);
        let input = self.one_in(2);
        self.fresh(data, input);
    }

    /// Weights: elements that keep sums of `depth` products near one.
    pub fn weights(&mut self, dtype: DType, shape: impl Into<Vec<usize>>, depth: usize) {
        let ty = Type::new(dtype, shape);
        if !dtype.is_float() {
            return self.filled(dtype, ty.shape, Fill::Any);
        }
        if (!self.forced.is_empty() || self.one_in(8)) && self.known(|t| *t == ty).is_some() {
            return;
        }
        let by = 1.5 / (depth.max(1) as f64).sqrt();
        let mut units: Vec<f64> = (0..ty.elements()).map(|_| self.r.unit()).collect();
        prune(&mut units);
        let elements: Vec<_> = units.into_iter().map(|unit| zantc::ir::Scalar::from_f64(unit * by, dtype)).collect();
        let input = self.one_in(3);
        self.fresh(Tensor::from_scalars(ty, elements), input);
    }

    /// An operand that broadcasts with `shape`: mostly to it.
    pub fn beside(&mut self, dtype: DType, shape: &[usize], fill: Fill) {
        let narrow = if self.one_in(3) { shape.to_vec() } else { self.narrower(shape) };
        let wide = if self.one_in(8) { [vec![self.dim().max(1)], narrow.clone()].concat() } else { narrow };
        self.filled(dtype, wide, fill);
    }

    /// Numbers that the import most often must know.
    pub fn given(&mut self, data: Tensor) {
        let input = self.one_in(12);
        self.fresh(data, input);
    }

    /// Numbers that may come with the data as well.
    pub fn either(&mut self, data: Tensor) {
        let input = self.one_in(2);
        self.fresh(data, input);
    }

    /// A constant.
    pub fn constant(&mut self, data: Tensor) {
        self.fresh(data, false);
    }

    /// A constant that decides what the operator means: no twin is given it at run time.
    pub fn deciding(&mut self, data: Tensor) {
        let mut proto = to_raw("", &data).to_proto();
        proto.doc_string = DECIDES.into();
        self.operands.push(Operand::Fresh { data, proto: Box::new(proto), input: false });
    }

    /// The list of integers that an operator takes for shapes and axes.
    pub fn list(&mut self, values: &[i64]) {
        self.given(Tensor::from_elements([values.len()], values));
    }

    /// A constant or an input of an element type narrower than a byte, with values of the IR's type in range.
    pub fn narrow(&mut self, element: zantc::onnx::ElementType, data: Tensor) {
        let bits = element.bits().unwrap_or(8) as usize;
        let per_byte = 8 / bits;
        let mut packed = vec![0u8; data.len().div_ceil(per_byte)];
        for (i, byte) in data.data().iter().enumerate() {
            packed[i / per_byte] |= (byte & ((1u16 << bits) - 1) as u8) << (i % per_byte * bits);
        }
        let mut proto = to_raw("", &data).to_proto();
        proto.data_type = element.code();
        proto.raw_data = Some(packed.into());
        self.operands.push(Operand::Fresh { data, proto: Box::new(proto), input: false });
    }

    /// Leaves an operand out.
    pub fn none(&mut self) {
        self.operands.push(Operand::None);
    }

    /// Reads an operand again.
    pub fn again(&mut self, operand: usize) {
        let same = self.operands[operand].clone();
        if let Operand::Known(_) = same {
            self.operands.push(same);
        }
    }

    /// Whether as many operands as these have been given.
    pub fn operands(&self) -> usize {
        self.operands.len()
    }
}

/// Attributes and results.
impl Draft<'_> {
    fn attribute(&mut self, name: &str, a: AttributeProto) {
        self.node.attribute.push(AttributeProto { name: name.into(), ..a });
    }

    /// Sets an integer.
    pub fn int(&mut self, name: &str, v: i64) {
        self.attribute(name, AttributeProto { kind: 2, i: Some(v), ..AttributeProto::default() });
    }

    /// Sets a flag, or leaves it out.
    pub fn flag(&mut self, name: &str) -> bool {
        let v = self.one_in(2);
        if v || self.one_in(2) {
            self.int(name, i64::from(v));
        }
        v
    }

    /// Sets a float.
    pub fn float(&mut self, name: &str, v: f64) {
        self.attribute(name, AttributeProto { kind: 1, f: Some(v as f32), ..AttributeProto::default() });
    }

    /// Sets a float near another, or leaves it out.
    pub fn float_near(&mut self, name: &str, v: f64) {
        if self.one_in(2) {
            let v = v + self.r.unit() * 0.3 * v.abs().max(0.3);
            self.float(name, v);
        }
    }

    /// Sets a list of integers.
    pub fn ints(&mut self, name: &str, v: &[i64]) {
        self.attribute(name, AttributeProto { kind: 7, ints: v.to_vec(), ..AttributeProto::default() });
    }

    /// Sets a list of floats.
    pub fn floats(&mut self, name: &str, v: &[f32]) {
        self.attribute(name, AttributeProto { kind: 6, floats: v.to_vec(), ..AttributeProto::default() });
    }

    /// Sets a text.
    pub fn text(&mut self, name: &str, v: &str) {
        let s = Some(v.as_bytes().to_vec().into());
        self.attribute(name, AttributeProto { kind: 3, s, ..AttributeProto::default() });
    }

    /// Sets a list of texts.
    pub fn texts(&mut self, name: &str, v: &[&str]) {
        let strings = v.iter().map(|text| text.as_bytes().to_vec().into()).collect();
        self.attribute(name, AttributeProto { kind: 8, strings, ..AttributeProto::default() });
    }

    /// Sets a tensor.
    pub fn tensor(&mut self, name: &str, v: &Tensor) {
        let t = Some(Box::new(to_raw("", v).to_proto()));
        self.attribute(name, AttributeProto { kind: 4, t, ..AttributeProto::default() });
    }

    /// Asks for a number of results.
    pub fn outputs(&mut self, n: usize) {
        self.outputs = n;
    }
}

/// The number of an element type in the file.
pub(crate) fn code(dtype: DType) -> i32 {
    to_raw("", &Tensor::from_scalars(Type::new(dtype, [0]), [])).dtype.code()
}

/// Makes two in three of the weights zero, of every third list; some of them -0.
fn prune(units: &mut [f64]) {
    let digit = |unit: f64, of: u64| (unit.abs() * 1e9) as u64 % of;
    if units.first().is_some_and(|first| digit(*first, 3) == 0) {
        units
            .iter_mut()
            .filter(|unit| digit(**unit, 6) >= 2)
            .for_each(|unit| *unit = if digit(*unit, 12) == 5 { -0.0 } else { 0.0 });
    }
}
