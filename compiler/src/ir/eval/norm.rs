//! Normalization of rows.

use zant_runtime::math::sqrt;

use super::EvalError;
use super::number::Number;
use super::reduce::{in_lanes, in_lanes_by};
use super::walk::{elements, tensor};
use crate::ir::{Numerics, Tensor};

/// `Op::Norm` with its constants' data.
pub(super) struct Norm<'a> {
    pub(super) axis: usize,
    pub(super) center: bool,
    pub(super) epsilon: f32,
    pub(super) scale: Option<&'a Tensor>,
    pub(super) bias: Option<&'a Tensor>,
}

impl Norm<'_> {
    /// Row by row.
    pub(super) fn evaluate(&self, numerics: Numerics, x: &Tensor) -> Result<Tensor, EvalError> {
        let ty = x.ty();
        let n: usize = ty.shape[self.axis..].iter().product();
        let mut y = elements::<f32>(x);
        let scale = self.scale.map(elements::<f32>);
        let bias = self.bias.map(elements::<f32>);
        let add_product = |sum: f32, a: f32, b: f32| {
            let mut acc = [sum];
            f32::add_products(numerics, a, &[b], &mut acc);
            acc[0]
        };
        for row in y.chunks_mut(n.max(1)) {
            let count = n as f32;
            if self.center {
                let mean = in_lanes(row.iter().copied(), 0.0, f32::plus) / count;
                row.iter_mut().for_each(|x| *x -= mean);
            }
            let squares = in_lanes_by(row.iter().copied(), 0.0, |sum, d| add_product(sum, d, d), f32::plus);
            let factor = 1.0 / sqrt(squares / count + self.epsilon);
            for (i, y) in row.iter_mut().enumerate() {
                *y *= factor;
                *y = match (&scale, &bias) {
                    (Some(scale), Some(bias)) => add_product(bias[i], *y, scale[i]),
                    (Some(scale), None) => *y * scale[i],
                    (None, _) => *y,
                };
            }
        }
        tensor(ty, y)
    }
}
