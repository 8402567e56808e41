//! Regions in `src/model.rs`: one function for each branch and body, and the `if` or `for` that calls it.

use std::ops::Range;

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::model::{Writer, takes_cpu};
use super::pieces::ident;
use crate::program::{Block, RegionKind, Storage, View};

impl Writer<'_> {
    /// The functions of all regions.
    pub(super) fn regions(&self) -> impl Iterator<Item = TokenStream> {
        (0..self.program.regions.len()).flat_map(|i| {
            let parts = self.program.regions[i].parts().into_iter().zip(&self.names.regions[i]);
            let parts: Vec<TokenStream> = parts
                .filter(|((_, part), _)| !part.is_empty())
                .map(|((_, part), name)| self.part(i, part, name))
                .collect();
            parts
        })
    }

    /// The function of a part of a region.
    fn part(&self, region: usize, part: Range<usize>, name: &str) -> TokenStream {
        let doc = format!(" Steps {} to {}.", part.start, part.end - 1);
        let cpu = self.has(&part, takes_cpu).then(|| quote!(cpu: Cpu,));
        let inputs = self.inputs_within(region, &part).into_iter().map(|n| {
            let (name, ty) = (ident(&self.names.inputs[n]), self.stored_type(n));
            quote!(#name: &#ty)
        });
        let (result, end) = match self.has(&part, |s| s.call.is_fallible()) {
            true => (quote!(-> Result<(), DataError>), quote!(Ok(()))),
            false => (quote!(), quote!()),
        };
        let calls = self.program.blocks_of(region, part).into_iter().map(|block| match block {
            Block::Step(i) => self.step_call(i),
            Block::Region(i) => self.region_call(i),
        });
        let name = ident(name);
        quote! {
            #[doc = #doc]
            fn #name(#cpu arena: &mut Arena<ARENA_BYTES>, #(#inputs),*) #result {
                #(#calls)*
                #end
            }
        }
    }

    /// The statement that runs a region.
    pub(super) fn region_call(&self, index: usize) -> TokenStream {
        let region = &self.program.regions[index];
        let call = |part: &Range<usize>, name: &str| {
            let name = ident(name);
            let cpu = self.has(part, takes_cpu).then(|| quote!(cpu,));
            let inputs = self.inputs_within(index, part).into_iter().map(|n| ident(&self.names.inputs[n]));
            let question = self.has(part, |s| s.call.is_fallible()).then(|| quote!(?));
            quote!(#name(#cpu arena, #(#inputs),*) #question;)
        };
        let parts = region.parts();
        let calls: Vec<Option<TokenStream>> = parts
            .iter()
            .zip(&self.names.regions[index])
            .map(|((_, part), name)| (!part.is_empty()).then(|| call(part, name)))
            .collect();
        match region.kind {
            RegionKind::If { condition, .. } => {
                let condition = self.condition(condition);
                let [then, otherwise] = [0, 1].map(|n| calls.get(n).and_then(Option::as_ref));
                match (then, otherwise) {
                    (Some(then), Some(otherwise)) => quote!(if #condition { #then } else { #otherwise }),
                    (Some(then), None) => quote!(if #condition { #then }),
                    (None, otherwise) => quote!(if !(#condition) { #otherwise }),
                }
            }
            RegionKind::Loop { trips, condition } => {
                let trips = Literal::usize_unsuffixed(trips);
                let stop = condition.map(|v| {
                    let condition = self.condition(v);
                    quote!(if !(#condition) { break; })
                });
                let calls = calls.into_iter().flatten();
                quote!(for _ in 0..#trips { #stop #(#calls)* })
            }
        }
    }

    /// Whether a bool holds.
    fn condition(&self, v: View) -> TokenStream {
        match self.input_of(v) {
            Some(n) => {
                let (name, at) = (ident(&self.names.inputs[n]), Literal::usize_unsuffixed(v.offset));
                quote!(#name.get(#at).is_some_and(|c| *c != 0))
            }
            None => {
                let view = ident(&self.names.view(self.program, v));
                quote!(*arena.get::<#view>() != [0])
            }
        }
    }

    /// The input that a view is of.
    pub(super) fn input_of(&self, v: View) -> Option<usize> {
        match self.program.buffer(v.buffer).storage {
            Storage::Input(n) => Some(n),
            Storage::Arena => None,
        }
    }

    fn has(&self, steps: &Range<usize>, is_such: impl Fn(&crate::program::Step) -> bool) -> bool {
        self.program.steps[steps.clone()].iter().any(is_such)
    }

    /// The inputs that the steps of a part of a region read, or the conditions of regions within it.
    fn inputs_within(&self, region: usize, steps: &Range<usize>) -> Vec<usize> {
        let read = self.program.steps[steps.clone()].iter().flat_map(|s| self.inputs_of(s));
        let within = self.program.regions[region + 1..].iter();
        let inside = within.filter(|r| steps.start <= r.steps.start && r.steps.end <= steps.end);
        let conditions = inside.filter_map(|r| self.input_of(r.condition()?));
        let mut inputs: Vec<usize> = read.chain(conditions).collect();
        inputs.sort_unstable();
        inputs.dedup();
        inputs
    }
}
