//! `Op::TernaryMatMul`.

use super::EvalError;
use super::conv::Ends;
use super::number::Number;
use super::walk::{elements, tensor};
use crate::ir::{DType, Epilogue, Numerics, Tensor, Type};

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

/// The sums of all rows and columns.
fn sums(x: &Tensor, w: &Tensor) -> Vec<f32> {
    let (signs, depth) = (elements::<i8>(w), w.shape()[1]);
    let columns = || (0..w.shape()[0]).map(|column| &signs[column * depth..][..depth]);
    let rows: usize = x.shape()[..x.shape().len() - 1].iter().product();
    if x.dtype() == DType::I8 {
        let x = elements::<i8>(x);
        let exact = |x: &[i8], w: &[i8]| {
            let products = x.iter().zip(w).map(|(x, w)| i32::from(*x) * i32::from(*w));
            products.fold(0, i32::wrapping_add) as f32
        };
        return (0..rows)
            .flat_map(|row| columns().map(|w| exact(&x[row * depth..][..depth], w)).collect::<Vec<_>>())
            .collect();
    }
    let x = elements::<f32>(x);
    (0..rows).flat_map(|row| columns().map(|w| sum(&x[row * depth..][..depth], w)).collect::<Vec<_>>()).collect()
}

/// The product; operands as the operator lists them.
pub(super) fn matmul(
    numerics: Numerics,
    (rows, epilogue): (bool, &Epilogue),
    inputs: &[&Tensor],
    ty: &Type,
) -> Result<Tensor, EvalError> {
    let (columns, scale) = (inputs[1].shape()[0], elements::<f32>(inputs[2]));
    let row_scales = if rows { elements::<f32>(inputs[3]) } else { Vec::new() };
    let ends = Ends::new(epilogue, &inputs[3 + usize::from(rows)..]);
    let start = ends.start(columns);
    let mut y = Vec::with_capacity(ty.elements());
    for (at, sum) in sums(inputs[0], inputs[1]).into_iter().enumerate() {
        let (row, column) = (at / columns, at % columns);
        let scale = scale[column % scale.len()];
        let scale = row_scales.get(row).map_or(scale, |row| row * scale);
        let mut result = [start[column]];
        f32::add_products(numerics, sum, &[scale], &mut result);
        y.extend(result);
    }
    ends.finish(&mut y);
    tensor(ty, y)
}
