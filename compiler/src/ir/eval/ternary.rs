//! `Op::TernaryMatMul`.

use super::EvalError;
use super::conv::Ends;
use super::number::Number;
use super::walk::{elements, tensor};
use crate::ir::{Epilogue, Numerics, Tensor, Type};

/// An input with its weight.
fn weighted(x: f32, w: i8) -> f32 {
    match w {
        1.. => x,
        0 => 0.0,
        ..0 => -x,
    }
}

/// The sum of a row and a column.
fn sum(x: &[f32], w: &[i8]) -> f32 {
    x.chunks(5).zip(w.chunks(5)).fold(0.0, |sum, (x, w)| {
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|i| x.get(i).map_or(0.0, |&x| weighted(x, w[i])));
        sum + ((a + b) + ((c + d) + e))
    })
}

/// The product; operands as the operator lists them.
pub(super) fn matmul(
    numerics: Numerics,
    epilogue: &Epilogue,
    inputs: &[&Tensor],
    ty: &Type,
) -> Result<Tensor, EvalError> {
    let (x, w, scale) = (elements::<f32>(inputs[0]), elements::<i8>(inputs[1]), elements::<f32>(inputs[2]));
    let [columns, depth] = [inputs[1].shape()[0], inputs[1].shape()[1]];
    let ends = Ends::new(epilogue, &inputs[3..]);
    let start = ends.start(columns);
    let mut y = Vec::with_capacity(ty.elements());
    for at in 0..ty.elements() {
        let (row, column) = (at / columns, at % columns);
        let sum = sum(&x[row * depth..][..depth], &w[column * depth..][..depth]);
        let mut result = [start[column]];
        f32::add_products(numerics, sum, &[scale[column % scale.len()]], &mut result);
        y.extend(result);
    }
    ends.finish(&mut y);
    tensor(ty, y)
}
