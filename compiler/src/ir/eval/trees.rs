//! `Op::Trees`: from each root to a leaf, whose entries are added.

use super::{EvalError, Tensor, Type};
use crate::ir::trees::Forest;
use crate::ir::{DType, Meeting, Scalar};

/// The results of all rows.
pub(super) fn trees(meeting: Meeting, inputs: &[&Tensor], ty: &Type) -> Result<Tensor, EvalError> {
    let (features, targets) = (inputs[0].shape()[1], ty.shape[1]);
    let forest = Forest::read(&inputs[1..], features, targets).map_err(EvalError::IllTyped)?;
    let x: Vec<f64> = inputs[0].scalars().map(|s| s.to_f64()).collect();
    // In f64 a sum of two f32 is so exact that rounding it once more gives the sum in f32.
    let rounded = |v: f64| if ty.dtype == DType::F32 { f64::from(v as f32) } else { v };
    let start = match meeting {
        Meeting::Sum => 0.0,
        Meeting::Min => f64::INFINITY,
        Meeting::Max => f64::NEG_INFINITY,
    };
    let mut results = Vec::with_capacity(ty.elements());
    for row in 0..ty.shape[0] {
        let mut y = vec![start; targets];
        for &root in &forest.roots {
            let leaf = forest.leaf(root, &x[row * features..][..features]);
            for &(target, weight) in &forest.leaves[leaf] {
                let so_far = y[target];
                y[target] = match meeting {
                    Meeting::Sum => rounded(so_far + weight),
                    Meeting::Min if weight < so_far => weight,
                    Meeting::Max if weight > so_far => weight,
                    Meeting::Min | Meeting::Max => so_far,
                };
            }
        }
        let finite = |v: f64| if meeting != Meeting::Sum && v.is_infinite() { 0.0 } else { v };
        results.extend(y.into_iter().map(|v| Scalar::from_f64(finite(v), ty.dtype)));
    }
    Ok(Tensor::from_scalars(ty.clone(), results))
}
