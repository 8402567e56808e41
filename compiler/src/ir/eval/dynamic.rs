//! `Op::DynamicMatMul`: step by step as the ONNX operators that it stands for.

use super::walk::{elements, tensor};
use super::{EvalError, Evaluate};
use crate::ir::dynamic::DynamicQuantization;
use crate::ir::{Op, ReduceKind, Tensor, Type};

/// The product; operands as the operator lists them.
pub(super) fn matmul(
    reference: &dyn Evaluate,
    offset: i32,
    inputs: &[&Tensor],
    ty: &Type,
) -> Result<Tensor, EvalError> {
    let one = |op: Op, operands: &[&Tensor]| reference.evaluate(&op, operands).map(|mut results| results.remove(0));
    let axes: Vec<usize> = (0..inputs[0].shape().len()).collect();
    let max = one(Op::Reduce { kind: ReduceKind::Max, axes: axes.clone() }, &inputs[..1])?;
    let min = one(Op::Reduce { kind: ReduceKind::Min, axes }, &inputs[..1])?;
    let formulas = DynamicQuantization::new();
    let scale = one(Op::Map { expr: formulas.scale }, &[&max, &min])?;
    let zero = one(Op::Map { expr: formulas.zero }, &[&scale, &min])?;
    let bytes = one(Op::Map { expr: formulas.byte }, &[inputs[0], &scale, &zero])?;

    let (bytes, w) = (elements::<u8>(&bytes), elements::<i8>(inputs[1]));
    let (multiplier, bias) = (elements::<f32>(inputs[2]), inputs.get(3).map(|t| elements::<f32>(t)));
    let (scale, zero) = (elements::<f32>(&scale)[0], i32::from(elements::<u8>(&zero)[0]));
    let [depth, columns] = [inputs[1].shape()[1], inputs[1].shape()[0]];
    let mut y = Vec::with_capacity(ty.elements());
    for at in 0..ty.elements() {
        let (row, column) = (at / columns, at % columns);
        let products = bytes[row * depth..][..depth].iter().zip(&w[column * depth..][..depth]);
        let product = |(x, w): (&u8, &i8)| (i32::from(*x) - zero).wrapping_mul(i32::from(*w).wrapping_add(offset));
        let sum = products.map(product).fold(0, i32::wrapping_add);
        let scaled = sum as f32 * (scale * multiplier[column]);
        y.push(bias.as_ref().map_or(scaled, |bias| scaled + bias[column]));
    }
    tensor(ty, y)
}
