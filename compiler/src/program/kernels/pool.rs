//! `max_pool2d`, `avg_pool2d` and their in-place forms.

use quote::quote;
use zant_runtime::terms::pool2d::Pool2d;

use crate::ir::DType;
use crate::program::bind::{bind, kernel};
use crate::program::kernel::Params;
use crate::program::tokens::{Lit, setting, with_element};

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolForm {
    /// The largest element, of a type.
    Max(DType),
    /// The mean, of f32.
    Average,
    /// The mean, of f64.
    AverageF64,
}

kernel! {
    /// A pool.
    pub struct PoolCall {
        /// What is computed.
        pub form: PoolForm,
        /// The kernel's parameters.
        pub params: Pool2d,
        /// Whether the result takes the operand's place.
        pub in_place: bool,
    }
    describe(c) => {
        let p = &c.params;
        format!("{}x{} stride {}x{} pad {}x{}", p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.pad_top, p.pad_left)
    };
    params(c) => pool2d(&c.params);
    bound(c, p) => match (c.form, c.in_place) {
        (PoolForm::Max(dtype), false) => with_element!(dtype, T => bind!(kernels::pool:
            |x: &[T], y: &mut [T]| max_pool2d(cpu, &p, x, y))),
        (PoolForm::Max(dtype), true) => with_element!(dtype, T => bind!(kernels::pool:
            |xy: &mut [T]| max_pool2d_in_place(cpu, &p, xy))),
        (PoolForm::Average, false) => {
            bind!(kernels::pool: |x: &[f32], y: &mut [f32]| avg_pool2d(cpu, &p, x, y))
        }
        (PoolForm::AverageF64, _) => {
            bind!(kernels::pool_f64: |x: &[f64], y: &mut [f64]| avg_pool2d_f64(&p, x, y))
        }
        (PoolForm::Average, true) => bind!(kernels::pool: |xy: &mut [f32]| avg_pool2d_in_place(cpu, &p, xy)),
    };
    in_place(c, _) => c.form != PoolForm::AverageF64 && c.params.in_place_safe();
}

/// The parameters as emitted code.
pub(super) fn pool2d(p: &Pool2d) -> Params {
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
    let value = quote!(Pool2d::new(#input, #output, #channels, #kernel) #(#settings)* #include);
    Params { uses: vec!["terms::pool2d::Pool2d"], ty: quote!(Pool2d), value }
}
