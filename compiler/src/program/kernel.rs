//! The one binding per kernel: how it is called in emitted code and how it is called in this process.

use std::fmt::Debug;
use std::sync::Arc;

use bytemuck::Pod;
use proc_macro2::TokenStream;
use quote::quote;

use super::tokens::Lit;
use crate::ir::Numerics;

/// Data made a run fail, see the runtime's errors.
pub type RunError = zant_runtime::error::DataError;

/// The parameters of a kernel as emitted code.
pub struct Params {
    /// Paths below the runtime's root that type and value mention.
    pub uses: Vec<&'static str>,
    /// The type, e.g. `Conv2d`.
    pub ty: TokenStream,
    /// The value, a struct literal.
    pub value: TokenStream,
}

impl Params {
    /// Of a type with a number of dimensions.
    pub(super) fn sized(self, dims: usize) -> Params {
        let (ty, dims) = (self.ty, dims.lit());
        Params { ty: quote!(#ty<#dims>), ..self }
    }
}

/// A kernel with its parameters. Most are declared by `kernel!`, see `bind.rs`.
pub trait KernelCall: Debug + Send + Sync {
    /// The kernel's name in listings and emitted code, e.g. `conv2d`.
    fn name(&self) -> &'static str;

    /// The parameters on one line, for the printed program.
    fn describe(&self) -> String;

    /// A short name of each argument, unique within the call, in the kernel's order: `x`, `w`, `bias`, `y`.
    fn roles(&self) -> Vec<String>;

    /// Paths below the runtime's root that the emitted call imports: `kernels::conv::conv2d`.
    fn uses(&self) -> Vec<&'static str>;

    /// The parameter structure, which emitted code makes the constant `P`; `None` where the kernel has none.
    fn params(&self) -> Option<Params>;

    /// The call as an expression; `cpu` and `P` are in scope, `args` are references in the kernel's order.
    fn call(&self, args: &[TokenStream]) -> TokenStream;

    /// Runs the kernel in this process.
    ///
    /// # Errors
    /// Where the data make the kernel fail.
    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError>;

    /// Whether some data can make the kernel fail: then the emitted call is a `Result`.
    fn is_fallible(&self) -> bool {
        false
    }

    /// The form that writes its result over one of its operands, where it can: `pair` is the argument that is read and the one that
    /// is written. The former is dropped and the latter becomes `Update`. They share their start.
    fn in_place(&self, pair: (usize, usize)) -> Option<Arc<dyn KernelCall>> {
        let _ = pair;
        None
    }
}

/// An argument's memory in this process.
#[derive(Debug)]
pub enum ArgSlice<'a> {
    /// Readable bytes.
    Read(&'a [u8]),
    /// Writable bytes.
    Write(&'a mut [u8]),
}

/// The arguments of a call in this process; each is taken once.
#[derive(Debug)]
pub struct Args<'a>(Vec<Option<ArgSlice<'a>>>);

impl<'a> Args<'a> {
    /// Arguments in the kernel's order.
    pub fn new(slices: Vec<ArgSlice<'a>>) -> Args<'a> {
        Args(slices.into_iter().map(Some).collect())
    }

    /// The first argument with elements that nobody has taken.
    pub fn left(&self) -> Option<usize> {
        let holds = |a: &Option<ArgSlice<'_>>| match a {
            None => false,
            Some(ArgSlice::Read(s)) => !s.is_empty(),
            Some(ArgSlice::Write(s)) => !s.is_empty(),
        };
        self.0.iter().position(holds)
    }

    /// Argument `i`.
    pub fn take<O: Operand<'a>>(&mut self, i: usize) -> O {
        O::of(self.0[i].take().expect("an argument is taken once"))
    }

    /// The first argument that nobody has taken.
    pub fn pull<O: Operand<'a>>(&mut self) -> O {
        let next = self.0.iter().position(Option::is_some).expect("the step has the arguments of its kernel");
        self.take(next)
    }
}

/// What kernels take. Plans align buffers, so that elements can be cast.
pub trait Operand<'a> {
    /// An argument's memory as that.
    fn of(slice: ArgSlice<'a>) -> Self;
}

impl<'a, T: Pod> Operand<'a> for &'a [T] {
    fn of(slice: ArgSlice<'a>) -> Self {
        match slice {
            ArgSlice::Read([]) | ArgSlice::Write([]) => &[],
            ArgSlice::Read(s) => bytemuck::cast_slice(s),
            ArgSlice::Write(s) => bytemuck::cast_slice(s),
        }
    }
}

impl<'a, T: Pod> Operand<'a> for &'a mut [T] {
    fn of(slice: ArgSlice<'a>) -> Self {
        match slice {
            ArgSlice::Read([]) | ArgSlice::Write([]) => &mut [],
            ArgSlice::Write(s) => bytemuck::cast_slice_mut(s),
            ArgSlice::Read(_) => unreachable!("the step's accesses are those of its kernel"),
        }
    }
}

impl<'a, T: Pod, const N: usize> Operand<'a> for &'a [T; N] {
    fn of(slice: ArgSlice<'a>) -> Self {
        <&[T]>::of(slice).try_into().expect("the step's constants are those of its kernel")
    }
}
