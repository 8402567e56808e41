//! `conv2d`, `depthwise2d`, `conv2d_int` and `separable2d`.

use quote::quote;
use zant_runtime::kernels::separable::Separable;
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::epilogue::Epilogue;

use crate::ir::DType;
use crate::program::bind::{bind, kernel};
use crate::program::kernel::Params;
use crate::program::tokens::{Lit, setting, then, with_element};

/// Which kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvKind {
    /// Any number of groups.
    General,
    /// One channel per group, and as many outputs as inputs.
    Depthwise,
}

kernel! {
    /// A convolution. `y` holds the residual where there is one; without a bias, that is empty.
    pub struct ConvCall {
        /// Which kernel.
        pub kind: ConvKind,
        /// Its parameters.
        pub params: Conv2d,
    }
    describe(c) => format!("{}{}, {:?}", window(&c.params), groups(c.kind, &c.params), c.params.epilogue.activation);
    params(c) => conv2d(&c.params);
    bound(c, p) => match c.kind {
        ConvKind::General => bind!(kernels::conv:
            |x: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]| conv2d(cpu, &p, x, w, bias, y)),
        ConvKind::Depthwise => bind!(kernels::depthwise:
            |x: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]| depthwise2d(cpu, &p, x, w, bias, y)),
    };
}

/// What parameters with an epilogue import.
pub(super) fn epilogue_use(epilogue: &Epilogue) -> Option<&'static str> {
    (*epilogue != Epilogue::NONE).then_some("terms::epilogue::Epilogue")
}

/// The parameters as emitted code.
pub(super) fn conv2d(p: &Conv2d) -> Params {
    let (input, output) = ([p.in_h, p.in_w, p.in_c].lit(), [p.out_h, p.out_w, p.out_c].lit());
    let kernel = [p.kernel_h, p.kernel_w].lit();
    let settings = [
        setting("batch", &[p.batch], &[1]),
        setting("stride", &[p.stride_h, p.stride_w], &[1, 1]),
        setting("dilation", &[p.dilation_h, p.dilation_w], &[1, 1]),
        setting("pad", &[p.pad_top, p.pad_left], &[0, 0]),
        setting("pitch", &[p.in_pitch, p.out_pitch], &[p.in_c, p.out_c]),
        setting("groups", &[p.groups], &[1]),
        then(&p.epilogue),
    ];
    let uses = ["terms::conv2d::Conv2d"].into_iter().chain(epilogue_use(&p.epilogue)).collect();
    Params { uses, ty: quote!(Conv2d), value: quote!(Conv2d::new(#input, #output, #kernel) #(#settings)*) }
}

/// Window, stride and padding, for the printed program.
pub(super) fn window(p: &Conv2d) -> String {
    format!("{}x{} stride {}x{} pad {}x{}", p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.pad_top, p.pad_left)
}

/// The groups, where there are several and they are not the channels.
pub(super) fn groups(kind: ConvKind, p: &Conv2d) -> String {
    let are_some = kind == ConvKind::General && p.groups > 1;
    if are_some { format!(", {} groups", p.groups) } else { String::new() }
}

kernel! {
    /// A convolution of integers. Without a bias, that is empty.
    pub struct IntConvCall {
        /// Element type.
        pub dtype: DType,
        /// The kernel's parameters.
        pub params: Conv2d,
    }
    describe(c) => window(&c.params);
    params(c) => conv2d(&c.params);
    bound(c, p) => with_element!(c.dtype, T => bind!(kernels::conv_int:
        |x: &[T], w: &[T], bias: &[T], y: &mut [T]| conv2d_int(&p, x, w, bias, y)));
}

kernel! {
    /// A depthwise convolution and the 1x1 convolution that reads it, by rows. Without a bias, that is empty; `y` holds the residual
    /// where there is one.
    pub struct SeparableCall {
        /// The kernel's parameters.
        pub params: Separable,
    }
    describe(c) => {
        let Separable { depthwise: d, pointwise, rows } = &c.params;
        let (first, last) = (d.epilogue.activation, pointwise.epilogue.activation);
        format!("{}, {first:?}, {} channels, {rows} rows; 1x1, {last:?}", window(d), d.out_c)
    };
    params(c) => {
        let (depthwise, pointwise) = (conv2d(&c.params.depthwise), conv2d(&c.params.pointwise));
        let uses = [vec!["kernels::separable::Separable"], depthwise.uses, pointwise.uses].concat();
        let (depthwise, pointwise, rows) = (depthwise.value, pointwise.value, c.params.rows.lit());
        let value = quote!(Separable { depthwise: #depthwise, pointwise: #pointwise, rows: #rows });
        Some(Params { uses, ty: quote!(Separable), value })
    };
    bound(c, p) => bind!(kernels::separable:
        |x: &[f32], w: &[f32], pointwise_w: &[f32], bias: &[f32], pointwise_bias: &[f32], scratch: &mut [f32],
         y: &mut [f32]|
        separable2d(cpu, &p, x, [w, pointwise_w], [bias, pointwise_bias], scratch, y));
}
