//! `coded_matvec`, `coded_matmul` and `coded_conv2d`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use zant_runtime::kernels::matmul_packed::MatMulPacked;
use zant_runtime::terms::coding::{self, Coded, FOUR, Weights};
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::sizes::PANEL;

use super::conv::{conv2d, window};
use super::matmul::packed;
use crate::program::bind::{Bound, bind, kernel};
use crate::program::kernel::Params;
use crate::program::tokens::{Lit, fields};

/// `$body` with `$w` standing for the type of a coding, and `$v` for the columns of a panel, 4 or 16.
macro_rules! with_coding {
    ($coding:expr, $vectors:expr, $w:ident, $v:ident => $body:expr) => {
        with_coding!(@ $coding, $vectors, $w, $v, $body; Trits, Bits2, Bits4, Bits8, Half, Brain)
    };
    (@ $coding:expr, $vectors:expr, $w:ident, $v:ident, $body:expr; $($name:ident),+) => {
        match ($coding, $vectors) {
            $(
                (Coding::$name, FOUR) => {
                    type $w = coding::$name;
                    const $v: usize = FOUR;
                    $body
                }
                (Coding::$name, _) => {
                    type $w = coding::$name;
                    const $v: usize = PANEL;
                    $body
                }
            )+
        }
    };
}

/// How weights are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Five codes of three values in a byte.
    Trits,
    /// Four codes of two bits in a byte.
    Bits2,
    /// Two codes of four bits in a byte.
    Bits4,
    /// A code in a byte.
    Bits8,
    /// IEEE 754 binary16.
    Half,
    /// The upper half of an f32.
    Brain,
}

impl Coding {
    /// Codes in a unit.
    pub fn codes(self) -> usize {
        with_coding!(self, FOUR, W, P => {
            const _: usize = P;
            <W as coding::Coding>::CODES
        })
    }

    /// The type's path below the runtime's root.
    const fn path(self) -> &'static str {
        match self {
            Coding::Trits => "terms::coding::Trits",
            Coding::Bits2 => "terms::coding::Bits2",
            Coding::Bits4 => "terms::coding::Bits4",
            Coding::Bits8 => "terms::coding::Bits8",
            Coding::Half => "terms::coding::Half",
            Coding::Brain => "terms::coding::Brain",
        }
    }
}

impl Lit for Coded {
    fn lit(&self) -> TokenStream {
        fields!(Coded, *self, depth, columns, block, zero)
    }
}

/// The parameters of a product and of its weights.
fn both(product: Params, coded: &Coded) -> Params {
    let Params { mut uses, ty, value } = product;
    uses.push("terms::coding::Coded");
    let coded = coded.lit();
    Params { uses, ty: quote!((#ty, Coded)), value: quote!((#value, #coded)) }
}

/// The call with the names of its types.
fn named(bound: Bound, coding: Coding, panel: usize) -> Bound {
    let name = coding.path().rsplit("::").next().unwrap_or_default();
    let ty = format_ident!("{name}");
    let bound = bound.given("W", quote!(#ty)).given("P", panel.lit());
    bound.using(coding.path()).using("terms::coding::Weights")
}

kernel! {
    /// A product with constant weights in few bits. Without a bias, that is empty, and so are scales and zero points that are not
    /// there. More than one row needs room for floats.
    pub struct CodedMatMulCall {
        /// The kernel's parameters, and those of the weights.
        pub params: (MatMulPacked, Coded),
        /// How weights are written.
        pub coding: Coding,
        /// Columns of a panel of weights.
        pub panel: usize,
        /// Whether there is one row, which a kernel of its own computes.
        pub row: bool,
    }
    describe(c) => {
        let (p, activation) = (&c.params.0, c.params.0.epilogue.activation);
        format!("{}x{}x{}, {:?} in blocks of {}, {activation:?}", p.m, p.k, p.n, c.coding, c.params.1.block)
    };
    params(c) => Some(both(packed(&c.params.0), &c.params.1));
    bound(c, p) => with_coding!(c.coding, c.panel, W, P => {
        type Unit = <W as coding::Coding>::Unit;
        named(
            match c.row {
                true => bind!(kernels::coded:
                    |a: &[f32], units: &[Unit], scales: &[f32], zeros: &[u8], bias: &[f32], y: &mut [f32]|
                    coded_matvec(cpu, (&p.0, &p.1), a, Weights::<P, W> { units, scales, zeros }, bias, y)),
                false => bind!(kernels::coded:
                    |a: &[f32], units: &[Unit], scales: &[f32], zeros: &[u8], bias: &[f32], floats: &mut [f32],
                     y: &mut [f32]|
                    coded_matmul(cpu, (&p.0, &p.1), a, Weights::<P, W> { units, scales, zeros }, bias, floats, y)),
            },
            c.coding,
            c.panel,
        )
    });
}

kernel! {
    /// A convolution with constant weights in few bits. Without a bias, that is empty, and so are scales and zero points that are not
    /// there.
    pub struct CodedConvCall {
        /// The kernel's parameters, and those of the weights.
        pub params: (Conv2d, Coded),
        /// How weights are written.
        pub coding: Coding,
        /// Columns of a panel of weights.
        pub panel: usize,
    }
    describe(c) => {
        let (window, activation) = (window(&c.params.0), c.params.0.epilogue.activation);
        format!("{window}, {:?} in blocks of {}, {activation:?}", c.coding, c.params.1.block)
    };
    params(c) => Some(both(conv2d(&c.params.0), &c.params.1));
    bound(c, p) => with_coding!(c.coding, c.panel, W, P => {
        type Unit = <W as coding::Coding>::Unit;
        let bound = bind!(kernels::coded:
            |x: &[f32], units: &[Unit], scales: &[f32], zeros: &[u8], bias: &[f32], floats: &mut [f32], y: &mut [f32]|
            coded_conv2d(cpu, (&p.0, &p.1), x, Weights::<P, W> { units, scales, zeros }, bias, floats, y));
        named(bound, c.coding, c.panel)
    });
}
