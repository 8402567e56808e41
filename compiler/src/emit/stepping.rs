//! `Steps`: a run that stops between its steps, for watchdogs, cooperative schedulers and executors.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::model::{Writer, takes_cpu};
use super::pieces::{Pieces, ident};
use super::ports::array_type;
use crate::config::Alloc;
use crate::ir::DType;
use crate::program::Step;

/// What stands for the arms of all steps until they are written.
const ARMS: &str = "zant_arms_of_steps";
const ARMS_LINE: &str = "            zant_arms_of_steps => {}\n";

impl Writer<'_> {
    /// Whether the model has `run_steps`: profiles observe its steps in another way.
    pub(super) fn is_stepped(&self) -> bool {
        !self.program.steps.is_empty() && !self.source.config.observed
    }

    /// `run_steps` and `run_async` of `Model`.
    pub(super) fn stepped_runs(&self) -> Option<TokenStream> {
        if !self.is_stepped() {
            return None;
        }
        let (parameter, argument, field) = match (self.program.inputs.as_slice(), self.names.inputs.as_slice()) {
            _ if self.is_lent_nothing() => (quote!(), quote!(), quote!()),
            ([one], [name]) => {
                let (name, ty) = (ident(name), array_type(one));
                (quote!(#name: &'a #ty), quote!(#name), quote!(input: #name,))
            }
            _ => (quote!(inputs: Inputs<'a>), quote!(inputs), quote!(inputs,)),
        };
        let (receiver, lent) = match self.source.config.alloc {
            Alloc::Static | Alloc::Heap => (quote!(&'a mut self), quote!()),
            Alloc::Caller => (quote!(&self, arena: &'a mut Arena<ARENA_BYTES>), quote!(arena,)),
        };
        let arena = match self.source.config.alloc {
            Alloc::Static => quote!(arena: &mut self.arena),
            Alloc::Caller => quote!(arena),
            Alloc::Heap => quote!(arena: Arena::<ARENA_BYTES>::from_blocks(&mut self.arena)),
        };
        let cpu = self.cpu().map(|cpu| quote!(cpu: #cpu,));
        let failed = self.program.is_fallible().then(|| quote!(failed: None,));
        let question = self.program.is_fallible().then(|| quote!(?));
        let result = self.stepped_result();
        let errors = self.program.is_fallible().then(|| quote!(#[doc = ""] #[doc = " # Errors"] #[doc = " As `run`."]));
        Some(quote! {
            /// Begins a run that stops after each step. Nothing is computed before [`Steps::next`](Iterator::next), which gives the number
            /// of the step that it has done, or [`Steps::finish`].
            pub fn run_steps<'a>(#receiver, #parameter) -> Steps<'a> {
                Steps { #arena, #cpu #failed #field next: 0 }
            }
            /// The same as `run`, for any executor: other tasks have their turn after each step.
            #errors
            pub async fn run_async<'a>(#receiver, #parameter) -> #result {
                let mut steps = self.run_steps(#lent #argument);
                while let Some(step) = steps.next() {
                    let _ = step #question;
                    super::rt::stepping::Turn::new().await;
                }
                steps.finish()
            }
        })
    }

    /// The text of `Steps`.
    pub(super) fn steps_type(&self, pieces: &mut Pieces) -> String {
        if !self.is_stepped() {
            return String::new();
        }
        let text = pieces.items([self.steps_tokens()]);
        let arms: String = (0..self.program.steps.len()).map(|i| self.arm(i)).collect();
        if !self.is_lent_nothing() && self.program.inputs.iter().any(|p| p.ty.dtype == DType::Bool) {
            pieces.mentioned.insert("bools_as_bytes".into());
        }
        text.replacen(ARMS_LINE, &arms, 1)
    }

    /// The CPU as code finds it when it begins, where a step takes it.
    pub(super) fn cpu(&self) -> Option<TokenStream> {
        let found =
            if self.source.config.avx2 { quote!(Cpu::detect().without_avx512()) } else { quote!(Cpu::detect()) };
        self.has_cpu().then_some(found)
    }

    fn has_cpu(&self) -> bool {
        self.program.steps.iter().any(takes_cpu)
    }

    /// The result of a stepped run.
    fn stepped_result(&self) -> TokenStream {
        let result = match self.program.outputs.as_slice() {
            [one] => {
                let ty = array_type(one);
                quote!(&'a #ty)
            }
            _ => quote!(Outputs<'a>),
        };
        if self.program.is_fallible() { quote!(Result<#result, DataError>) } else { result }
    }

    fn steps_tokens(&self) -> TokenStream {
        let count = Literal::usize_unsuffixed(self.program.steps.len());
        let input = match self.program.inputs.as_slice() {
            _ if self.is_lent_nothing() => quote!(),
            [one] => {
                let ty = array_type(one);
                quote!(input: &'a #ty,)
            }
            _ => quote!(inputs: Inputs<'a>,),
        };
        let cpu = self.has_cpu().then(|| quote!(cpu: Cpu,));
        let is_fallible = self.program.is_fallible();
        let failed = is_fallible.then(|| quote!(failed: Option<DataError>,));
        let (item, some) = match is_fallible {
            true => (quote!(Result<usize, DataError>), quote!(Some(Ok(step)))),
            false => (quote!(usize), quote!(Some(step))),
        };
        let done = match is_fallible {
            true => quote! {
                if let Some(error) = self.failed {
                    return Err(error);
                }
                for step in &mut self {
                    step?;
                }
            },
            false => quote!(for _ in &mut self {}),
        };
        let (prepare, results) = self.results();
        let results = if is_fallible { quote!(Ok(#results)) } else { results };
        let result = self.stepped_result();
        let arms = ident(ARMS);
        let errors = is_fallible
            .then(|| quote!(#[doc = ""] #[doc = " # Errors"] #[doc = " If a step has failed, or does now."]));
        let unused = self.program.steps.iter().all(|s| self.inputs_of(s).is_empty()) && !self.is_lent_nothing();
        let unused = unused.then(|| quote!(#[allow(dead_code)]));
        quote! {
            /// A run that has begun, and stops after each step: see [`Model::run_steps`].
            #unused
            pub struct Steps<'a> {
                arena: &'a mut Arena<ARENA_BYTES>,
                #cpu
                #failed
                #input
                next: usize,
            }
            impl<'a> Steps<'a> {
                /// The number of steps.
                pub const COUNT: usize = #count;
                /// Does the steps that are left, and gives what the run has computed.
                #errors
                pub fn finish(mut self) -> #result {
                    #done
                    let arena = self.arena;
                    #prepare
                    #results
                }
            }
            impl Iterator for Steps<'_> {
                type Item = #item;

                fn next(&mut self) -> Option<Self::Item> {
                    let step = self.next;
                    let arena = &mut *self.arena;
                    match step {
                        #arms => {}
                        _ => return None,
                    }
                    self.next += 1;
                    #some
                }
            }
            impl core::fmt::Debug for Steps<'_> {
                fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    f.debug_struct("Steps").field("next", &self.next).finish_non_exhaustive()
                }
            }
        }
    }

    /// The arm of a step.
    fn arm(&self, index: usize) -> String {
        let step = &self.program.steps[index];
        let call = self.stepped_call(index, step);
        if !step.call.is_fallible() {
            return format!("            {index} => {call},\n");
        }
        format!(
            "            {index} => {{\n                if let Err(error) = {call} {{\n                    self.next = Self::COUNT;\n                    self.failed = Some(error);\n                    return Some(Err(error));\n                }}\n            }}\n"
        )
    }

    fn stepped_call(&self, index: usize, step: &Step) -> String {
        let mut arguments = Vec::new();
        arguments.extend(takes_cpu(step).then(|| "self.cpu".to_string()));
        arguments.push("arena".into());
        arguments.extend(self.inputs_of(step).into_iter().map(|n| {
            let input = if self.program.inputs.len() == 1 {
                "self.input".to_string()
            } else {
                format!("self.inputs.{}", self.names.inputs[n])
            };
            if self.program.inputs[n].ty.dtype == DType::Bool { format!("bools_as_bytes({input})") } else { input }
        }));
        format!("{}({})", self.names.steps[index], arguments.join(", "))
    }
}
