//! The one binding per kernel: how it is called in emitted code and how it is called in this process.

use std::fmt::Debug;
use std::sync::Arc;

use bytemuck::Pod;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::ir::Numerics;

/// Data made a run fail, see the runtime's errors.
pub type RunError = zant_runtime::error::DataError;

/// The text of a call in emitted code.
#[derive(Clone, Debug)]
pub struct Call {
    /// The kernel's function, as a path from the kernels' module: `conv::conv2d`.
    pub function: &'static str,
    /// The value of the parameter structure, to become a constant, with its type (`conv::Conv2d`); `None` where there is none.
    pub params: Option<(TokenStream, TokenStream)>,
    /// How each argument is passed: the kernel's argument `i` is `wrap(i-th argument's name)`; `None` for the plain reference.
    pub wrap: Option<fn(usize, &TokenStream, &dyn KernelCall) -> TokenStream>,
    /// A closure that is passed last.
    pub closure: Option<TokenStream>,
}

/// A kernel with its parameters.
pub trait KernelCall: Debug + Send + Sync {
    /// The kernel's name in listings, e.g. `conv2d`.
    fn name(&self) -> &'static str;

    /// The parameters on one line, for the printed program.
    fn describe(&self) -> String;

    /// The call as emitted code.
    fn emit(&self, args: &[TokenStream]) -> Call;

    /// Source files of the runtime that the call needs, by path below `src/` (their own needs follow).
    fn sources(&self) -> Vec<&'static str>;

    /// Runs the kernel in this process.
    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError>;

    /// Whether some data can make the kernel fail.
    fn is_fallible(&self) -> bool {
        false
    }

    /// The form that works over one of its operands: `pair` is one of the step's `in_place` pairs; the read argument is
    /// dropped and the written one becomes `Update`.
    fn in_place(&self, pair: (usize, usize)) -> Option<Arc<dyn KernelCall>> {
        let _ = pair;
        None
    }
}

/// An argument's memory in this process.
pub enum ArgSlice<'a> {
    /// Readable bytes.
    Read(&'a [u8]),
    /// Writable bytes.
    Write(&'a mut [u8]),
}

/// The arguments of a call in this process; each is taken once.
pub struct Args<'a>(Vec<Option<ArgSlice<'a>>>);

impl<'a> Args<'a> {
    /// Arguments in the kernel's order.
    pub fn new(slices: Vec<ArgSlice<'a>>) -> Args<'a> {
        Args(slices.into_iter().map(Some).collect())
    }

    /// Number of arguments.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Argument `i` as elements to read. Plans align buffers, so that the cast holds.
    pub fn read<T: Pod>(&mut self, i: usize) -> &'a [T] {
        match self.0[i].take().expect("an argument is taken once") {
            ArgSlice::Read(s) => bytemuck::cast_slice(s),
            ArgSlice::Write(s) => bytemuck::cast_slice(s),
        }
    }

    /// Argument `i` as elements to write.
    pub fn write<T: Pod>(&mut self, i: usize) -> &'a mut [T] {
        match self.0[i].take().expect("an argument is taken once") {
            ArgSlice::Write(s) => bytemuck::cast_slice_mut(s),
            ArgSlice::Read(_) => unreachable!("the step's accesses are those of its kernel"),
        }
    }
}

/// An unsuffixed integer literal.
pub fn usizes(v: usize) -> Literal {
    Literal::usize_unsuffixed(v)
}

/// An array literal of integers.
pub fn array(v: &[usize]) -> TokenStream {
    let items = v.iter().map(|&x| usizes(x));
    quote!([#(#items),*])
}
