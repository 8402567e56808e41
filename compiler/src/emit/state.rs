//! What `Model` has for its states: `reset`, and a method that gives the memory of each.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::model::Writer;
use super::pieces::ident;
use super::words::{in_doc, type_in_doc};
use crate::config::Alloc;
use crate::ir::DType;
use crate::program::{BufferId, State, rust_type};

impl Writer<'_> {
    /// `reset`, and a method for each state.
    pub(super) fn kept(&self) -> Option<TokenStream> {
        if self.program.states.is_empty() {
            return None;
        }
        let (receiver, lent, arena) = match self.source.config.alloc {
            Alloc::Static => (quote!(&mut self), quote!(), quote!(self.arena)),
            Alloc::Caller => (quote!(&self, arena: &mut Arena<ARENA_BYTES>), quote!('a), quote!(arena)),
            Alloc::Heap => (quote!(&mut self), quote!(), quote!(Arena::<ARENA_BYTES>::from_blocks(&mut self.arena))),
        };
        let alias = |b: BufferId| ident(&self.names.view(self.program, self.program.whole(b)));
        let zeroed = self.program.kept().into_iter().map(|b| {
            let (view, zero) = (alias(b), zero(self.program.buffer(b).dtype));
            quote!(arena.get_mut::<#view>().fill(#zero);)
        });
        let bind = match self.source.config.alloc {
            Alloc::Static => Some(quote!(let arena = &mut self.arena;)),
            Alloc::Caller => None,
            Alloc::Heap => Some(quote!(let arena = #arena;)),
        };
        let states = self.program.states.iter().zip(&self.names.states).map(|(s, name)| {
            let (name, view) = (ident(name), alias(s.buffer));
            let element = rust_type(s.ty.dtype);
            let len = Literal::usize_unsuffixed(s.memory.iter().product());
            let doc = format!(" {}", state_doc(s));
            let receiver = match self.source.config.alloc {
                Alloc::Static | Alloc::Heap => quote!(&mut self),
                Alloc::Caller => quote!(&self, arena: &#lent mut Arena<ARENA_BYTES>),
            };
            let generics = (self.source.config.alloc == Alloc::Caller).then(|| quote!(<#lent>));
            quote! {
                #[doc = #doc]
                pub fn #name #generics (#receiver) -> &#lent mut [#element; #len] {
                    #arena.get_mut::<#view>()
                }
            }
        });
        let counters = self.counters().into_iter().map(|(slot, parts)| {
            let (view, parts) = (alias(slot), Literal::i64_unsuffixed(parts as i64));
            quote!(arena.get_mut::<#view>().fill(part % #parts);)
        });
        let counters: Vec<TokenStream> = counters.collect();
        let lent_or_own = match self.source.config.alloc {
            Alloc::Static | Alloc::Heap => quote!(&mut self),
            Alloc::Caller => quote!(&self, arena: &mut Arena<ARENA_BYTES>),
        };
        let rewind = (!counters.is_empty()).then(|| {
            quote! {
                /// Makes the next run write this part of each ring, counted from 0: what stands there and behind is given up.
                pub fn rewind(#lent_or_own, part: u32) {
                    #bind
                    let part = i64::from(part);
                    #(#counters)*
                }
            }
        });
        Some(quote! {
            /// Sets all states to zeros, as in a new model.
            pub fn reset(#receiver) {
                #bind
                #(#zeroed)*
            }
            #(#states)*
            #rewind
        })
    }
}

impl Writer<'_> {
    /// The counters of rings that runs add to, and up to what they count.
    pub(super) fn counters(&self) -> Vec<(BufferId, usize)> {
        let added = self.program.states.iter().filter(|s| !s.is_begun()).filter_map(|s| s.ring.as_ref());
        let mut counters: Vec<_> = added.filter_map(|ring| Some((ring.slot?, ring.parts?))).collect();
        counters.sort_unstable();
        counters.dedup();
        counters
    }
}

/// Zero, as elements of a type are stored.
fn zero(dtype: DType) -> TokenStream {
    if dtype.is_float() && !dtype.is_half() { quote!(0.0) } else { quote!(0) }
}

/// What a state is.
pub(super) fn state_doc(s: &State) -> String {
    let memory = match s.memory == s.ty.shape {
        true => String::new(),
        false => format!(
            ", in memory of shape {:?}, whose last entries along dimension {} are working memory",
            s.memory,
            s.ring.as_ref().map_or(0, |r| r.axis)
        ),
    };
    let becomes = match &s.ring {
        Some(ring) if s.is_begun() => {
            return format!(
                "{}: {}, row-major{memory}; a run begins it: the first {} entries along dimension {} become the output {}.",
                in_doc(&s.name),
                type_in_doc(&s.ty),
                ring.output.shape[ring.axis],
                ring.axis,
                in_doc(&s.output_name)
            );
        }
        None => "a run replaces it by the output",
        Some(_) => "a ring, whose next part each run replaces by the output",
    };
    format!("{}: {}, row-major{memory}; {becomes} {}.", in_doc(&s.name), type_in_doc(&s.ty), in_doc(&s.output_name))
}
