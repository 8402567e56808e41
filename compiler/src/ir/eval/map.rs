//! Expressions over broadcast tensors.

use super::EvalError;
use super::expr::Columns;
use super::walk::{broadcast_strides, tensor};
use crate::ir::{DType, Expr, Tensor, Type};

/// How many elements each operation runs over at a time: few enough for the columns to stay in the cache.
const BLOCK: usize = 512;

/// `Op::Map`.
pub(super) fn map(expr: &Expr, inputs: &[&Tensor], ty: &Type) -> Result<Tensor, EvalError> {
    let dtypes: Vec<DType> = inputs.iter().map(|t| t.dtype()).collect();
    let operands: Vec<Operand<'_>> = inputs.iter().map(|t| Operand::new(t, &ty.shape)).collect();
    let (len, size) = (ty.elements(), ty.dtype.size());
    let mut columns = Columns::new(expr, &dtypes, BLOCK.min(len))?;
    let mut data = Vec::with_capacity(ty.bytes());
    for start in (0..len).step_by(BLOCK) {
        let block = BLOCK.min(len - start);
        columns.run(block, |n, column| operands[n].fill(start, column))?;
        for bits in &columns.result()[..block] {
            data.extend_from_slice(&bits.to_le_bytes()[..size]);
        }
    }
    tensor(ty, data)
}

/// An operand as elements of the result's shape.
struct Operand<'a> {
    data: &'a [u8],
    size: usize,
    place: Place,
}

/// Where the element for a row-major position of the result lies.
enum Place {
    /// At the same position.
    Same,
    /// There is one element.
    One,
    /// By length and stride, innermost dimension first.
    Strided(Vec<(usize, usize)>),
}

impl<'a> Operand<'a> {
    fn new(t: &'a Tensor, shape: &[usize]) -> Operand<'a> {
        let place = if t.len() == 1 {
            Place::One
        } else if t.shape() == shape {
            Place::Same
        } else {
            let strides = broadcast_strides(t.shape(), shape);
            Place::Strided(shape.iter().copied().zip(strides).rev().collect())
        };
        Operand { data: t.data(), size: t.dtype().size(), place }
    }

    /// The bits of the elements for the positions from `start` on.
    fn fill(&self, start: usize, column: &mut [u64]) {
        for (i, bits) in column.iter_mut().enumerate() {
            let mut position = start + i;
            let offset = match &self.place {
                Place::Same => position,
                Place::One => 0,
                Place::Strided(dims) => {
                    let mut offset = 0;
                    for &(len, stride) in dims {
                        offset += position % len * stride;
                        position /= len;
                    }
                    offset
                }
            };
            let bytes = &self.data[offset * self.size..][..self.size];
            *bits = bytes.iter().rev().fold(0, |bits, &b| bits << 8 | u64::from(b));
        }
    }
}
