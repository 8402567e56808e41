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
        let bits = &columns.result()[..block];
        match size {
            1 => data.extend(bits.iter().map(|&b| b as u8)),
            2 => data.extend(bits.iter().flat_map(|&b| (b as u16).to_le_bytes())),
            4 => data.extend(bits.iter().flat_map(|&b| (b as u32).to_le_bytes())),
            _ => data.extend(bits.iter().flat_map(|&b| b.to_le_bytes())),
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
        match &self.place {
            Place::Same => self.load(start, 1, column),
            Place::One => self.load(0, 0, column),
            Place::Strided(dims) => {
                let &(row, stride) = dims.first().unwrap_or(&(1, 0));
                let mut done = 0;
                while done < column.len() {
                    let mut position = start + done;
                    // The rest of the innermost row, or of the column.
                    let run = (row - position % row).min(column.len() - done);
                    let mut offset = 0;
                    for &(len, stride) in dims {
                        offset += position % len * stride;
                        position /= len;
                    }
                    self.load(offset, stride, &mut column[done..done + run]);
                    done += run;
                }
            }
        }
    }

    /// The bits of the elements from an offset on, some distance apart.
    fn load(&self, offset: usize, stride: usize, column: &mut [u64]) {
        match self.size {
            1 => self.load_bytes(offset, stride, column, |&[b]: &[u8; 1]| b.into()),
            2 => self.load_bytes(offset, stride, column, |&b| u16::from_le_bytes(b).into()),
            4 => self.load_bytes(offset, stride, column, |&b| u32::from_le_bytes(b).into()),
            _ => self.load_bytes(offset, stride, column, |&b| u64::from_le_bytes(b)),
        }
    }

    fn load_bytes<const N: usize>(
        &self,
        offset: usize,
        stride: usize,
        column: &mut [u64],
        bits: impl Fn(&[u8; N]) -> u64,
    ) {
        let (elements, _) = self.data.as_chunks::<N>();
        for (i, y) in column.iter_mut().enumerate() {
            *y = bits(&elements[offset + i * stride]);
        }
    }
}
