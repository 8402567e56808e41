//! `lstm`, `gru`, `gru_after` and `rnn`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::kernels::gates::Standard;
use zant_runtime::kernels::lstm::Memory;
use zant_runtime::kernels::recurrent::{Operands, Results};
use zant_runtime::terms::recurrent::{Function, Functions, Recurrent};

use crate::program::bind::{Bound, bind, kernel, params};
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

/// The call of a cell without a memory.
macro_rules! plain {
    ($functions:expr, $module:ident, $f:ident, $p:ident) => {
        with_gates!($functions, gates => bind!(kernels::$module:
            |x: &[f32], w: &[f32], r: &[f32], bias: &[f32], lens: &[i32], h0: &[f32], scratch: &mut [f32], h: &mut [f32],
             y: &mut [f32]|
            $f(cpu, &$p, &gates, Operands { x, w, r, bias, lens, h0 }, Results { scratch, h, y })))
    };
}

/// The call of an LSTM.
macro_rules! lstm {
    ($functions:expr, $f:ident, $p:ident) => {
        with_gates!($functions, gates => bind!(kernels::lstm:
            |x: &[f32], w: &[f32], r: &[f32], bias: &[f32], lens: &[i32], h0: &[f32], peepholes: &[f32], c0: &[f32],
             c: &mut [f32], scratch: &mut [f32], h: &mut [f32], y: &mut [f32]|
            $f(cpu, &$p, &gates, Operands { x, w, r, bias, lens, h0 }, Memory { peepholes, c0, c },
                Results { scratch, h, y })))
        .using("kernels::lstm::Memory")
    };
}

/// What emitted calls mention besides, and what stands for a sequence that nobody wants.
fn ended(bound: Bound, sequence: bool) -> Bound {
    let bound = bound.using("kernels::recurrent::Operands").using("kernels::recurrent::Results");
    if sequence { bound } else { bound.given("y", quote!(&mut [])) }
}

kernel! {
    /// A recurrent layer. Lengths, initial states, peepholes and the sequence of states may be empty.
    pub struct RecurrentCall {
        /// Which cell.
        pub kernel: CellKernel,
        /// The kernel's parameters.
        pub params: Recurrent,
        /// The functions, where they are not the usual ones.
        pub functions: Option<Functions>,
        /// Whether sequences have lengths of their own.
        pub lens: bool,
        /// Whether the states of all steps are results.
        pub sequence: bool,
    }
    describe(c) => {
        let Recurrent { steps, batch, input, hidden, reverse, .. } = c.params;
        format!("{steps} steps of {batch}x{input}, {hidden} states{}", if reverse { ", reverse" } else { "" })
    };
    params(c) => params!(terms::recurrent, Recurrent { steps, batch, input, hidden, y_pitch, block, reverse, resume }, c.params);
    bound(c, p) => {
        let bound = match (c.kernel, c.lens) {
            (CellKernel::Lstm, false) => lstm!(c.functions, lstm, p),
            (CellKernel::Lstm, true) => lstm!(c.functions, lstm_lens, p),
            (CellKernel::Gru, false) => plain!(c.functions, gru, gru, p),
            (CellKernel::Gru, true) => plain!(c.functions, gru, gru_lens, p),
            (CellKernel::GruAfter, false) => plain!(c.functions, gru, gru_after, p),
            (CellKernel::GruAfter, true) => plain!(c.functions, gru, gru_after_lens, p),
            (CellKernel::Rnn, false) => plain!(c.functions, rnn, rnn, p),
            (CellKernel::Rnn, true) => plain!(c.functions, rnn, rnn_lens, p),
        };
        ended(bound, c.sequence)
    };
}
