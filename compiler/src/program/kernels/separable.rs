//! `separable2d`.

use zant_runtime::kernels::separable::Separable;

use super::conv::{conv2d, window};
use crate::program::bind::{Bound, Kernel, bind};
use crate::program::kernel::Params;
use crate::program::tokens::Lit;
use quote::quote;

/// A depthwise convolution and the 1x1 convolution that reads it, by rows. Without a bias, that is empty; `y` holds the residual
/// where there is one.
#[derive(Clone, Debug)]
pub struct SeparableCall {
    /// The kernel's parameters.
    pub params: Separable,
}

impl Kernel for SeparableCall {
    fn describe(&self) -> String {
        let Separable { depthwise: d, pointwise, rows } = &self.params;
        let (first, last) = (d.epilogue.activation, pointwise.epilogue.activation);
        format!("{}, {first:?}, {} channels, {rows} rows; 1x1, {last:?}", window(d), d.out_c)
    }

    fn params(&self) -> Option<Params> {
        let (depthwise, pointwise) = (conv2d(&self.params.depthwise), conv2d(&self.params.pointwise));
        let uses = [vec!["kernels::separable::Separable"], depthwise.uses, pointwise.uses].concat();
        let (depthwise, pointwise, rows) = (depthwise.value, pointwise.value, self.params.rows.lit());
        let value = quote!(Separable { depthwise: #depthwise, pointwise: #pointwise, rows: #rows });
        Some(Params { uses, ty: quote!(Separable), value })
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        bind!(kernels::separable:
            |x: &[f32], w: &[f32], pointwise_w: &[f32], bias: &[f32], pointwise_bias: &[f32], scratch: &mut [f32],
             y: &mut [f32]|
            separable2d(cpu, &p, x, [w, pointwise_w], [bias, pointwise_bias], scratch, y))
    }
}
