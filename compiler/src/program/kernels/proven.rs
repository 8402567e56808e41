//! Kernels that take indices, where those are constants in range.

use std::sync::Arc;

use proc_macro2::TokenStream;
use quote::quote;

use crate::ir::Numerics;
use crate::program::kernel::{Args, KernelCall, Params, RunError};

/// A call whose indices are constants in range: no data make it fail.
#[derive(Clone, Debug)]
pub struct ProvenCall(
    /// The call, a `Result` in emitted code.
    pub Arc<dyn KernelCall>,
);

impl KernelCall for ProvenCall {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn describe(&self) -> String {
        format!("{}, known indices", self.0.describe())
    }

    fn roles(&self) -> Vec<String> {
        self.0.roles()
    }

    fn uses(&self) -> Vec<&'static str> {
        self.0.uses()
    }

    fn params(&self) -> Option<Params> {
        self.0.params()
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let call = self.0.call(args);
        quote!(let result = #call; debug_assert!(result.is_ok(), "the indices are constants in range"))
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        self.0.run(numerics, args)
    }
}
