//! `max_pool2d`, `avg_pool2d` and their in-place forms.

use std::sync::Arc;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use zant_runtime::kernels::pool;
use zant_runtime::terms::pool2d::Pool2d;

use super::roles;
use crate::ir::{DType, Numerics};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{Lit, setting, with_cpu, with_element};

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolForm {
    /// The largest element, of a type.
    Max(DType),
    /// The mean, of f32.
    Average,
}

/// A pool. Arguments: `x`, `y`; in place: `xy`.
#[derive(Clone, Debug)]
pub struct PoolCall {
    /// What is computed.
    pub form: PoolForm,
    /// The kernel's parameters.
    pub params: Pool2d,
    /// Whether the result takes the operand's place.
    pub in_place: bool,
}

/// The parameters as a Rust expression.
pub(super) fn pool2d(p: &Pool2d) -> TokenStream {
    let (input, output) = ([p.in_h, p.in_w].lit(), [p.out_h, p.out_w].lit());
    let (channels, kernel) = (p.channels.lit(), [p.kernel_h, p.kernel_w].lit());
    let settings = [
        setting("batch", &[p.batch], &[1]),
        setting("stride", &[p.stride_h, p.stride_w], &[1, 1]),
        setting("dilation", &[p.dilation_h, p.dilation_w], &[1, 1]),
        setting("pad", &[[p.pad_top, p.pad_left], [p.pad_bottom, p.pad_right]], &[[0, 0], [0, 0]]),
        setting("pitch", &[p.in_pitch, p.out_pitch], &[p.channels, p.channels]),
    ];
    let include = p.count_include_pad.then(|| quote!(.count_include_pad()));
    quote!(Pool2d::new(#input, #output, #channels, #kernel) #(#settings)* #include)
}

impl KernelCall for PoolCall {
    fn name(&self) -> &'static str {
        match (self.form, self.in_place) {
            (PoolForm::Max(_), false) => "max_pool2d",
            (PoolForm::Max(_), true) => "max_pool2d_in_place",
            (PoolForm::Average, false) => "avg_pool2d",
            (PoolForm::Average, true) => "avg_pool2d_in_place",
        }
    }

    fn describe(&self) -> String {
        let p = &self.params;
        format!("{}x{} stride {}x{} pad {}x{}", p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.pad_top, p.pad_left)
    }

    fn roles(&self) -> Vec<String> {
        if self.in_place { roles(&["xy"]) } else { roles(&["x", "y"]) }
    }

    fn uses(&self) -> Vec<&'static str> {
        let function = match (self.form, self.in_place) {
            (PoolForm::Max(_), false) => "kernels::pool::max_pool2d",
            (PoolForm::Max(_), true) => "kernels::pool::max_pool2d_in_place",
            (PoolForm::Average, false) => "kernels::pool::avg_pool2d",
            (PoolForm::Average, true) => "kernels::pool::avg_pool2d_in_place",
        };
        vec![function, "terms::pool2d::Pool2d"]
    }

    fn params(&self) -> Option<Params> {
        let value = pool2d(&self.params);
        Some(Params { ty: quote!(Pool2d), value })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let function = format_ident!("{}", self.name());
        quote!(#function(cpu, &P, #(#args),*))
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let p = &self.params;
        with_cpu!(numerics, cpu => match (self.form, self.in_place) {
            (PoolForm::Max(dtype), false) => {
                with_element!(dtype, T => pool::max_pool2d::<_, T>(cpu, p, args.read(0), args.write(1)));
            }
            (PoolForm::Max(dtype), true) => {
                with_element!(dtype, T => pool::max_pool2d_in_place::<_, T>(cpu, p, args.write(0)));
            }
            (PoolForm::Average, false) => pool::avg_pool2d(cpu, p, args.read(0), args.write(1)),
            (PoolForm::Average, true) => pool::avg_pool2d_in_place(cpu, p, args.write(0)),
        });
        Ok(())
    }

    fn in_place(&self, _: (usize, usize)) -> Option<Arc<dyn KernelCall>> {
        Some(Arc::new(PoolCall { in_place: true, ..self.clone() }))
    }
}
