//! `lstm`, `gru`, `gru_after` and `rnn`, with weights as floats, in few bits, or multiplied as bytes.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::arch::host::Host;
use zant_runtime::arch::portable::Portable;
use zant_runtime::kernels::gates::Standard;
use zant_runtime::kernels::lstm::Memory;
use zant_runtime::kernels::recurrent::{Given, Matrices, Results, Sequences};
use zant_runtime::kernels::recurrent_coded::CodedMatrix;
use zant_runtime::kernels::recurrent_dense::Dense;
use zant_runtime::kernels::recurrent_dual::QuantizedDual;
use zant_runtime::kernels::recurrent_dynamic::Quantized;
use zant_runtime::terms::coding::{self, Coded, FOUR};
use zant_runtime::terms::dynamic::DynamicMatMul;
use zant_runtime::terms::recurrent::{Function, Functions, Recurrent};
use zant_runtime::terms::sizes::PANEL;

use crate::program::bind::{Bound, bind, kernel, params};
use crate::program::kernel::Params;
use crate::program::tokens::{Lit, fields};

/// A layer's kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKernel {
    /// LSTM.
    Lstm,
    /// GRU that scales the state before its product.
    Gru,
    /// GRU that scales the product.
    GruAfter,
    /// Plain.
    Rnn,
}

impl Lit for Function {
    fn lit(&self) -> TokenStream {
        let (alpha, beta) = match *self {
            Function::Affine(alpha, beta) | Function::ScaledTanh(alpha, beta) | Function::HardSigmoid(alpha, beta) => {
                (alpha.lit(), beta.lit())
            }
            Function::Leaky(alpha) | Function::Threshold(alpha) | Function::Elu(alpha) => (alpha.lit(), quote!()),
            Function::Sigmoid | Function::Tanh | Function::Relu | Function::Softsign | Function::Softplus => {
                (quote!(), quote!())
            }
        };
        match self {
            Function::Sigmoid => quote!(Function::Sigmoid),
            Function::Tanh => quote!(Function::Tanh),
            Function::Relu => quote!(Function::Relu),
            Function::Affine(..) => quote!(Function::Affine(#alpha, #beta)),
            Function::Leaky(_) => quote!(Function::Leaky(#alpha)),
            Function::Threshold(_) => quote!(Function::Threshold(#alpha)),
            Function::ScaledTanh(..) => quote!(Function::ScaledTanh(#alpha, #beta)),
            Function::HardSigmoid(..) => quote!(Function::HardSigmoid(#alpha, #beta)),
            Function::Elu(_) => quote!(Function::Elu(#alpha)),
            Function::Softsign => quote!(Function::Softsign),
            Function::Softplus => quote!(Function::Softplus),
        }
    }
}

/// `$bound` for the functions of a call: `$gates` stands for them.
macro_rules! with_gates {
    ($functions:expr, $gates:ident => $bound:expr) => {
        match $functions {
            None => {
                let $gates = Standard;
                $bound.given(stringify!($gates), quote!(Standard)).using("kernels::gates::Standard")
            }
            Some($gates) => {
                let tokens = fields!(Functions, $gates, gate, update, output, clip, coupled);
                let bound = $bound.given(stringify!($gates), tokens);
                bound.using("terms::recurrent::Functions").using("terms::recurrent::Function")
            }
        }
    };
}

/// The call of a cell without a memory: operands that are its weights, and what is made of them.
macro_rules! plain {
    ($functions:expr, $module:ident::$f:ident, $p:expr, ($($role:ident: $ty:ty),+) => $w:expr, $r:expr) => {
        with_gates!($functions, gates => bind!(kernels::$module:
            |x: &[f32], $($role: $ty),+, bias: &[f32], lens: &[i32], h0: &[f32], scratch: &mut [f32], h: &mut [f32],
             y: &mut [f32]|
            $f(cpu, &$p, &gates, Matrices::new($w, $r, bias), Sequences { x, lens, h0 }, Results { scratch, h, y })))
    };
}

/// The call of an LSTM, likewise. The CPU's type stands in front.
macro_rules! lstm {
    (in $kind:path: $functions:expr, $f:ident, $p:expr, ($($role:ident: $ty:ty),+) => $w:expr, $r:expr) => {
        with_gates!($functions, gates => bind!([$kind] kernels::lstm:
            |x: &[f32], $($role: $ty),+, bias: &[f32], lens: &[i32], h0: &[f32], peepholes: &[f32], c0: &[f32],
             c: &mut [f32], scratch: &mut [f32], h: &mut [f32], y: &mut [f32]|
            $f(cpu, &$p, &gates, Matrices::new($w, $r, bias), Sequences { x, lens, h0 }, Memory { peepholes, c0, c },
                Results { scratch, h, y })))
        .using("kernels::lstm::Memory")
    };
}

/// The call of any cell.
macro_rules! cells {
    ($kernel:expr, $lens:expr, $functions:expr, $p:expr, $roles:tt => $w:expr, $r:expr) => {
        match ($kernel, $lens) {
            (CellKernel::Lstm, false) => lstm!(in Host: $functions, lstm, $p, $roles => $w, $r),
            (CellKernel::Lstm, true) => lstm!(in Host: $functions, lstm_lens, $p, $roles => $w, $r),
            (CellKernel::Gru, false) => plain!($functions, gru::gru, $p, $roles => $w, $r),
            (CellKernel::Gru, true) => plain!($functions, gru::gru_lens, $p, $roles => $w, $r),
            (CellKernel::GruAfter, false) => plain!($functions, gru::gru_after, $p, $roles => $w, $r),
            (CellKernel::GruAfter, true) => plain!($functions, gru::gru_after_lens, $p, $roles => $w, $r),
            (CellKernel::Rnn, false) => plain!($functions, rnn::rnn, $p, $roles => $w, $r),
            (CellKernel::Rnn, true) => plain!($functions, rnn::rnn_lens, $p, $roles => $w, $r),
        }
    };
}

/// What emitted calls mention besides, and what stands for a sequence that nobody wants.
fn ended(bound: Bound, layer: &Layer) -> Bound {
    let bound = bound.using("kernels::recurrent::Matrices").using("kernels::recurrent::Sequences");
    let bound = bound.using("kernels::recurrent::Results");
    if layer.sequence { bound } else { bound.given("y", quote!(&mut [])) }
}

/// What all layers have.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// Which cell.
    pub kernel: CellKernel,
    /// The functions, where they are not the usual ones.
    pub functions: Option<Functions>,
    /// Whether sequences have lengths of their own.
    pub lens: bool,
    /// Whether the states of all steps are results.
    pub sequence: bool,
}

fn described(p: &Recurrent) -> String {
    let Recurrent { steps, batch, input, hidden, reverse, .. } = p;
    format!("{steps} steps of {batch}x{input}, {hidden} states{}", if *reverse { ", reverse" } else { "" })
}

fn recurrent(p: &Recurrent) -> Params {
    params!(terms::recurrent, Recurrent { steps, batch, input, hidden, y_pitch, block, reverse, resume }, *p)
}

kernel! {
    /// A recurrent layer. Lengths, initial states, peepholes and the sequence of states may be empty.
    pub struct RecurrentCall {
        /// The kernel's parameters.
        pub params: Recurrent,
        /// What all layers have.
        pub layer: Layer,
    }
    describe(c) => described(&c.params);
    params(c) => recurrent(&c.params);
    bound(c, p) => {
        let Layer { kernel, lens, functions, .. } = c.layer;
        let bound = cells!(kernel, lens, functions, p, (w: &[f32], r: &[f32]) => Dense(w), Dense(r));
        ended(bound.using("kernels::recurrent_dense::Dense"), &c.layer)
    };
}

/// How the weights of a layer are written that keeps them in few bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerCoding {
    /// Bytes with scales.
    Bits8,
    /// IEEE 754 binary16.
    Half,
}

/// `$body` with `$w` standing for the type of a coding, and `$p` for the columns of a panel.
macro_rules! with_layer_coding {
    ($coding:expr, $panel:expr, $w:ident, $p:ident => $body:expr) => {
        with_layer_coding!(@ $coding, $panel, $w, $p, $body; Bits8 FOUR, Bits8 PANEL, Half FOUR, Half PANEL)
    };
    (@ $coding:expr, $panel:expr, $w:ident, $p:ident, $body:expr; $($name:ident $size:ident),+) => {
        match ($coding, $panel == FOUR) {
            $((LayerCoding::$name, is_narrow) if is_narrow == ($size == FOUR) => {
                type $w = coding::$name;
                const $p: usize = $size;
                $body
            })+
            _ => unreachable!("panels are narrow or not"),
        }
    };
}

kernel! {
    /// A recurrent layer whose weights stay in few bits, as those of `coded_matvec`.
    pub struct CodedRecurrentCall {
        /// The kernel's parameters, and those of the weights of inputs and of the state.
        pub params: (Recurrent, [Coded; 2]),
        /// What all layers have.
        pub layer: Layer,
        /// How weights are written.
        pub coding: LayerCoding,
        /// Columns of a panel of weights.
        pub panel: usize,
    }
    describe(c) => format!("{}, {:?} in blocks of {}", described(&c.params.0), c.coding, c.params.1[1].block);
    params(c) => {
        let Params { mut uses, ty, value } = recurrent(&c.params.0);
        uses.push("terms::coding::Coded");
        let [w, r] = c.params.1.map(|coded| coded.lit());
        Params { uses, ty: quote!((#ty, [Coded; 2])), value: quote!((#value, [#w, #r])) }
    };
    bound(c, p) => with_layer_coding!(c.coding, c.panel, W, P => {
        type Unit = <W as coding::Coding>::Unit;
        let Layer { kernel, lens, functions, .. } = c.layer;
        let bound = cells!(kernel, lens, functions, p.0,
            (w: &[Unit], w_scales: &[f32], w_zeros: &[u8], r: &[Unit], r_scales: &[f32], r_zeros: &[u8]) =>
            CodedMatrix::<P, W>::new(&p.1[0], w, w_scales, w_zeros),
            CodedMatrix::<P, W>::new(&p.1[1], r, r_scales, r_zeros));
        let bound = match c.coding {
            LayerCoding::Bits8 => bound.given("W", quote!(Bits8)).using("terms::coding::Bits8"),
            LayerCoding::Half => bound.given("W", quote!(Half)).using("terms::coding::Half"),
        };
        let bound = bound.given("P", c.panel.lit());
        ended(bound.using("kernels::recurrent_coded::CodedMatrix"), &c.layer)
    });
}

kernel! {
    /// An LSTM whose input is sums and whose state is quantized at each step.
    pub struct DynamicLstmCall {
        /// The kernel's parameters, and those of a state's product.
        pub params: (Recurrent, DynamicMatMul),
        /// What all layers have.
        pub layer: Layer,
        /// Whether two products of 16-bit numbers are one instruction.
        pub dual: bool,
    }
    describe(c) => format!("{}, quantized", described(&c.params.0));
    params(c) => {
        let Params { mut uses, ty, value } = recurrent(&c.params.0);
        let product = params!(terms::dynamic, DynamicMatMul { m, k, n, y_pitch, offset, pairs }, c.params.1);
        uses.extend(product.uses);
        let (other, its) = (product.ty, product.value);
        Params { uses, ty: quote!((#ty, #other)), value: quote!((#value, #its)) }
    };
    bound(c, p) => {
        let functions = c.layer.functions;
        let bound = match (c.dual, c.layer.lens) {
            (false, false) => lstm!(in Host: functions, lstm, p.0,
                (multiplier: &[f32], r: &[i8], sums: &[i32], bytes: &mut [u8], products: &mut [f32]) => Given,
                Quantized::new(&p.1, r, (sums, multiplier), bytes, products)),
            (false, true) => lstm!(in Host: functions, lstm_lens, p.0,
                (multiplier: &[f32], r: &[i8], sums: &[i32], bytes: &mut [u8], products: &mut [f32]) => Given,
                Quantized::new(&p.1, r, (sums, multiplier), bytes, products)),
            (true, false) => lstm!(in Portable: functions, lstm, p.0,
                (multiplier: &[f32], r: &[i8], sums: &[i32], words: &mut [u32], products: &mut [f32]) => Given,
                QuantizedDual::new(&p.1, r, (sums, multiplier), words, products)),
            (true, true) => lstm!(in Portable: functions, lstm_lens, p.0,
                (multiplier: &[f32], r: &[i8], sums: &[i32], words: &mut [u32], products: &mut [f32]) => Given,
                QuantizedDual::new(&p.1, r, (sums, multiplier), words, products)),
        };
        let path = match c.dual {
            false => "kernels::recurrent_dynamic::Quantized",
            true => "kernels::recurrent_dual::QuantizedDual",
        };
        let bound = bound.using(path).using("kernels::recurrent::Given");
        ended(bound, &c.layer)
    };
}
