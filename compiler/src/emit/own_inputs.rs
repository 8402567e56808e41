//! Inputs that lie in the arena: methods of `Model` that lend their memory, and one that copies slices into it.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Writer;
use super::names::Names;
use super::pieces::ident;
use super::ports::{array_type, port_doc};
use crate::config::Alloc;
use crate::ir::DType;
use crate::program::{Port, rust_type};

/// The method that lends the memory of an input.
pub(crate) fn method(names: &Names, at: usize) -> String {
    match names.inputs.as_slice() {
        [_] => "input_mut".into(),
        many => format!("input_{}_mut", many[at].trim_start_matches("r#")),
    }
}

/// The statement that copies a variable into the memory of an input; truth values lie there as bytes.
pub(crate) fn fill(port: &Port, memory: &str, from: &str) -> String {
    if port.ty.dtype == DType::Bool {
        return format!("for (to, from) in {memory}.iter_mut().zip({from}) {{ *to = u8::from(*from); }}");
    }
    format!("{memory}.copy_from_slice({from});")
}

impl Writer<'_> {
    /// A method for each input, and `run_with`.
    pub(super) fn own_inputs(&self) -> Option<TokenStream> {
        if !self.program.has_own_inputs() {
            return None;
        }
        let ports: Vec<(usize, &Port)> = self.program.inputs.iter().enumerate().collect();
        let methods = ports.iter().map(|&(at, port)| self.input_method(at, port));
        let parameters = ports.iter().map(|&(at, port)| {
            let (name, ty) = (ident(&self.names.inputs[at]), array_type(port));
            quote!(#name: &#ty)
        });
        let (receiver, generics, lent) = match self.source.config.alloc {
            Alloc::Static | Alloc::Heap => (quote!(&mut self), quote!(), quote!()),
            Alloc::Caller => (quote!(&self, arena: &'a mut Arena<ARENA_BYTES>), quote!(<'a>), quote!(arena)),
        };
        let fills = ports.iter().map(|&(at, port)| {
            let (method, name) = (ident(&method(self.names, at)), ident(&self.names.inputs[at]));
            let from = if port.ty.dtype == DType::Bool { quote!(bools_as_bytes(#name)) } else { quote!(#name) };
            quote!(self.#method(#lent).copy_from_slice(#from);)
        });
        let observed = self.source.config.observed;
        let observer = observed.then(|| quote!(observe: &mut impl FnMut(),));
        let observe = observed.then(|| quote!(observe));
        let (result, _) = self.result_type();
        let errors = self.program.is_fallible().then(|| quote!(#[doc = ""] #[doc = " # Errors"] #[doc = " As `run`."]));
        let comma = (self.source.config.alloc == Alloc::Caller && observed).then(|| quote!(,));
        Some(quote! {
            #(#methods)*
            /// Copies inputs into the arena, and computes the model once.
            #errors
            pub fn run_with #generics (#receiver, #observer #(#parameters),*) -> #result {
                #(#fills)*
                self.run(#lent #comma #observe)
            }
        })
    }

    fn input_method(&self, at: usize, port: &Port) -> TokenStream {
        let (method, len) = (ident(&method(self.names, at)), port.ty.elements());
        let element = rust_type(port.ty.dtype);
        let len = proc_macro2::Literal::usize_unsuffixed(len);
        let bools = if port.ty.dtype == DType::Bool { " Bytes, of which 0 is false and 1 is true." } else { "" };
        let doc = format!(" The memory of the input{}{bools}", port_doc(self.program, port));
        let view = ident(&self.names.view(self.program, port.view));
        match self.source.config.alloc {
            Alloc::Static => quote! {
                #[doc = #doc]
                /// A run uses it for other things once it has read it: it is to be filled before each.
                pub fn #method(&mut self) -> &mut [#element; #len] {
                    self.arena.get_mut::<#view>()
                }
            },
            Alloc::Heap => quote! {
                #[doc = #doc]
                /// A run uses it for other things once it has read it: it is to be filled before each.
                pub fn #method(&mut self) -> &mut [#element; #len] {
                    Arena::<ARENA_BYTES>::from_blocks(&mut self.arena).get_mut::<#view>()
                }
            },
            Alloc::Caller => quote! {
                #[doc = #doc]
                /// A run uses it for other things once it has read it: it is to be filled before each.
                pub fn #method<'a>(&self, arena: &'a mut Arena<ARENA_BYTES>) -> &'a mut [#element; #len] {
                    arena.get_mut::<#view>()
                }
            },
        }
    }
}
