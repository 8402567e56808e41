//! Results of recurrent layers.

use crate::ir::{Cell, DType, Recurrent, Type};

/// The states of all steps, and the last ones.
pub(super) fn results(layer: &Recurrent, inputs: &[&Type]) -> Result<Vec<Type>, String> {
    let (&[steps, batch, depth], &[rows, columns]) = (inputs[0].shape.as_slice(), inputs[2].shape.as_slice()) else {
        return Err(format!("{} and {} are not a sequence and weights of a state", inputs[0], inputs[2]));
    };
    let hidden = if layer.dynamic.is_some() { columns } else { rows };
    if hidden == 0 || layer.clip.is_nan() || layer.clip <= 0.0 {
        return Err(format!("a state of {hidden} numbers, bounded to {:?}", layer.clip));
    }
    let is_dynamic = layer.dynamic.is_some();
    if is_dynamic && !matches!(layer.cell, Cell::Lstm { .. }) {
        return Err("only the states of an LSTM are quantized at each step".into());
    }
    let row = |parts: usize| hidden.checked_mul(parts).ok_or("the weights are too large");
    let [of_w, of_r, of_bias] = layer.cell.parts();
    let state = || Type::new(DType::F32, [1, batch, hidden]);
    let mut expected = match is_dynamic {
        false => vec![
            Type::new(DType::F32, [steps, batch, depth]),
            Type::new(DType::F32, [depth, row(of_w)?]),
            Type::new(DType::F32, [hidden, row(of_r)?]),
        ],
        true => vec![
            Type::new(DType::F32, [steps, batch, row(of_w)?]),
            Type::new(DType::F32, [row(of_r)?]),
            Type::new(DType::I8, [row(of_r)?, hidden]),
        ],
    };
    expected.push(Type::new(DType::F32, [row(of_bias)?]));
    if let Cell::Lstm { peepholes: true, .. } = layer.cell {
        expected.push(Type::new(DType::F32, [row(3)?]));
    }
    if layer.lens {
        expected.push(Type::new(DType::I32, [batch]));
    }
    if layer.initial {
        expected.extend((0..layer.cell.states()).map(|_| state()));
    }
    match expected.iter().zip(inputs).find(|(want, ty)| want != *ty) {
        Some((want, ty)) => Err(format!("{ty} should be {want}")),
        None => {
            let all = Type::new(DType::F32, [steps, batch, hidden]);
            Ok([all].into_iter().chain((0..layer.cell.states()).map(|_| state())).collect())
        }
    }
}
